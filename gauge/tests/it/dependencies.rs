//! The dependencies of `cargo gauge`: on a new machine wasmtime and cranelift would take longer than all others
//! together.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use simulators::workspace::workspace_dir;

/// Whether the package is a compiler or an encoder of wasm, which no command of an operator needs.
fn is_of_wasm(name: &str) -> bool {
    name.starts_with("wasmtime") || name.starts_with("cranelift") || name.starts_with("wit-component")
}

/// Returns the packages that are built for `package`, without its tests.
fn built_for(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--manifest-path"])
        .arg(workspace_dir().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let names: BTreeMap<_, _> = packages.map(|it| (text(&it["id"]), text(&it["name"]))).collect();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap().iter();
    let needs: BTreeMap<_, _> = nodes.map(|node| (text(&node["id"]), &node["deps"])).collect();
    let is_built = |need: &&Value| {
        let kinds = need["dep_kinds"].as_array().unwrap();
        kinds.iter().any(|kind| kind["kind"] != "dev")
    };
    let mut waiting: Vec<_> =
        names.iter().filter(|(_, name)| *name == package).map(|(id, _)| id.clone()).collect();
    let mut built = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if built.insert(id.clone()) {
            let needed = needs[&id].as_array().unwrap().iter().filter(is_built);
            waiting.extend(needed.map(|need| text(&need["pkg"])));
        }
    }
    built.iter().map(|id| names[id].clone()).collect()
}

#[test]
fn the_command_does_not_depend_on_wasm_compilers() {
    let gauge = built_for("gauge");
    assert!(gauge.contains("collector") && gauge.contains("llm-gauge-engine"), "{gauge:?}");
    let of_wasm: Vec<_> = gauge.iter().filter(|name| is_of_wasm(name)).collect();
    assert_eq!(of_wasm, [""; 0]);
    // The names of the banned packages have to be current.
    let host = built_for("host-test");
    for name in ["wasmtime", "cranelift-codegen", "wit-component"] {
        assert!(host.contains(name), "{name}");
    }
}
