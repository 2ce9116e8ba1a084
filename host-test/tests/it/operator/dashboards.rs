//! The dashboards, tested with Grafana's own schema and Prometheus' own parser.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gauge::dashboards::{filled_in, table};
use serde_json::{Value, json};
use simulators::python::Package;

use super::{envoy, names, programs, said, skip};

/// Reads a dashboard into the types of Grafana's schema, and prints every key that is lost.
const ROUND_TRIP: &str = include_str!("round_trip.py");

/// Keys of Prometheus' annotations, which the schema leaves to each data source.
const OF_THE_DATA_SOURCE: [&str; 3] = ["step", "textFormat", "titleFormat"];

/// Returns a Python with Grafana's schema, which is installed on first use.
fn python() -> Result<PathBuf, String> {
    let package = Package {
        name: "grafana-foundation-sdk",
        version: "1769699998!10.1.0",
        size: "1 MB",
        folder: "grafana",
        with_dependencies: true,
        advice: "pip needs Python 3.11 or later and to reach a package index",
    };
    let found = |folder: &Path| {
        let mut libs = fs::read_dir(folder.join("lib")).ok()?.flatten();
        let has = libs.any(|lib| lib.path().join("site-packages/grafana_foundation_sdk").is_dir());
        has.then(|| folder.join("bin/python"))
    };
    package.installed(None, found).map_err(|error| format!("{error:#}"))
}

fn lost(python: &Path, files: &[PathBuf]) -> Vec<String> {
    let mut command = Command::new(python);
    let (good, words) = said(command.args(["-c", ROUND_TRIP]).args(files));
    assert!(good, "{words}");
    let known: Vec<_> = OF_THE_DATA_SOURCE.iter().map(|key| format!("$.annotations.list[0].{key}")).collect();
    words.lines().filter(|line| !known.iter().any(|known| line.ends_with(known))).map(str::to_owned).collect()
}

#[test]
fn grafanas_schema_knows_every_key() {
    let test = "grafanas_schema_knows_every_key";
    let python = match python() {
        Ok(python) => python,
        Err(reason) => return skip(test, &reason).unwrap_or_default(),
    };
    let files: Vec<_> =
        names("grafana", ".json").iter().map(|name| envoy(&format!("grafana/{name}.json"))).collect();
    assert_eq!(lost(&python, &files), [""; 0]);
    // The schema also has to detect an unknown key.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.json");
    let mut wrong: Value = serde_json::from_slice(&fs::read(&files[0]).unwrap()).unwrap();
    wrong["panels"][0]["gridPoss"] = json!({});
    fs::write(&file, wrong.to_string()).unwrap();
    assert_eq!(
        lost(&python, std::slice::from_ref(&file)),
        [format!("{}: $.panels[0].gridPoss", file.display())]
    );
}

/// Writes the expressions of dashboards and runbooks into a file of rules for promtool.
#[test]
fn promtool_reads_every_expression() {
    let Some(programs) = programs("promtool_reads_every_expression") else { return };
    let panels = table::ALL.iter().flat_map(|dashboard| dashboard.panels);
    let mut all: Vec<_> = panels.flat_map(|panel| panel.queries).map(|(query, _)| filled_in(query)).collect();
    all.extend(names("runbooks", ".md").iter().flat_map(|name| super::files::queries(name)));
    let record = |(place, query): (usize, &String)| json!({"record": format!("check:expression:{place}"), "expr": query});
    let check = |rules: Vec<Value>| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.json");
        fs::write(&file, json!({"groups": [{"name": "expressions", "rules": rules}]}).to_string()).unwrap();
        said(Command::new(&programs.promtool).args(["check", "rules"]).arg(file))
    };
    let (good, words) = check(all.iter().enumerate().map(record).collect());
    assert!(good && words.contains(&format!("{} rules found", all.len())), "{words}");
    let (good, words) = check(vec![json!({"record": "a", "expr": "sum(rate(x[5m])"})]);
    assert!(!good && words.contains("unclosed left parenthesis"), "{words}");
}

/// Overlapping panels, which no schema detects.
#[test]
fn panels_have_places_of_their_own() {
    for name in names("grafana", ".json") {
        let text = fs::read_to_string(envoy(&format!("grafana/{name}.json"))).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
        for panel in document["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}");
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
            assert!(x + w <= 24, "{name}: {}", panel["title"]);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(cells.insert(cell), "{name}: {} lies over another panel", panel["title"]);
            }
        }
    }
}
