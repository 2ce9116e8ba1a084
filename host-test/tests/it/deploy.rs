//! The files in `envoy/` that gateways load, as far as they can be tested without a cluster: existing fields, the same
//! configuration in all forms, labels and buckets of the bootstrap, current rules, an image from a registry.
//!
//! `envoy/gateways.rs` tests that Envoy accepts them.

mod compose;
mod image;
mod schemas;
mod shape;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use gauge::manifest;
use llm_gauge_engine::config::{Place, Policy};
use llm_gauge_engine::formats;
use llm_gauge_engine::head::Headers;
use serde_json::{Value, json};
use simulators::workspace::workspace_dir;

const RULES: &str = "envoy/prometheus/rules.yaml";
const OPERATORS_RULES: &str = "envoy/kubernetes/prometheus-rule.yaml";

/// Reports a skipped test. It is written directly, since the test's output is captured.
fn skipped(test: &str, needs: &str) {
    std::io::stderr().write_all(format!("SKIPPED: deploy::{test} needs {needs}\n").as_bytes()).unwrap();
}

fn text(file: &str) -> String {
    let path = workspace_dir().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn documents(file: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns every manifest: its file, and one of its objects.
fn manifests() -> Vec<(String, Value)> {
    let folder = workspace_dir().join("envoy/kubernetes");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let objects = |file: String| {
        let objects = documents(&format!("envoy/kubernetes/{file}"));
        objects.into_iter().map(move |object| (file.clone(), object))
    };
    files.iter().map(|path| name(path)).flat_map(objects).collect()
}

/// Returns the one object of this kind in a file.
fn object(file: &str, kind: &str) -> Value {
    let mut found = manifests().into_iter().filter(|(name, object)| name == file && object["kind"] == kind);
    found.next().unwrap_or_else(|| panic!("{file} has no {kind}")).1
}

#[test]
fn every_field_is_one_that_exists() {
    let shapes: Value = serde_saphyr::from_str(include_str!("deploy/shapes.yaml")).unwrap();
    let mut faults = Vec::new();
    let mut unused: BTreeSet<_> = shapes.as_object().unwrap().keys().cloned().collect();
    for (file, mut object) in manifests() {
        let fields = object.as_object_mut().unwrap();
        let [version, kind] = ["apiVersion", "kind"].map(|key| fields.remove(key).unwrap_or_default());
        let name = format!("{}/{}", version.as_str().unwrap_or(""), kind.as_str().unwrap_or(""));
        let Some(shape) = shapes.get(&name) else {
            faults.push(format!("{file}: give {name} a shape"));
            continue;
        };
        unused.remove(&name);
        faults.extend(shape::faults(&object, shape, &format!("{file}: {name}")));
    }
    if !workspace_dir().join(RULES).is_file() {
        unused.remove("monitoring.coreos.com/v1/PrometheusRule");
    }
    assert_eq!(faults, [""; 0]);
    assert_eq!(unused, BTreeSet::new(), "unused shapes");
}

/// Returns the configurations of the filter, by file. Istio's plain form and Envoy Gateway's are the same for the
/// filter.
fn configurations() -> Vec<(&'static str, Value)> {
    let plugin = |file| object(file, "WasmPlugin")["spec"]["pluginConfig"].clone();
    let patches = object("istio-envoyfilter.yaml", "EnvoyFilter")["spec"]["configPatches"].clone();
    let text = &patches[0]["patch"]["value"]["typed_config"]["config"]["configuration"]["value"];
    vec![
        ("istio-wasmplugin.yaml", plugin("istio-wasmplugin.yaml")),
        ("istio-envoyfilter.yaml", serde_json::from_str(text.as_str().unwrap()).unwrap()),
        (
            "envoy-gateway.yaml",
            object("envoy-gateway.yaml", "EnvoyExtensionPolicy")["spec"]["wasm"][0]["config"].clone(),
        ),
        ("higress.yaml", plugin("higress.yaml")),
    ]
}

#[test]
fn every_gateway_gets_the_same_configuration() {
    let configurations = configurations();
    let (_, expected) = &configurations[0];
    for (file, configuration) in &configurations[1..] {
        let mut configuration = configuration.clone();
        if *file == "higress.yaml" {
            // The clusters of the gateway have other names.
            assert_eq!(configuration["judge"]["cluster"], "outbound|443||judge.dns");
            configuration["judge"]["cluster"] = json!("judge");
        }
        assert_eq!(&configuration, expected, "{file}");
    }
    let bootstrap: Value = serde_saphyr::from_str(&text("envoy/bootstrap.yaml")).unwrap();
    let filters =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config";
    let shipped = bootstrap.pointer(&format!("{filters}/config/configuration/value")).unwrap();
    let shipped: Value = serde_json::from_str(shipped.as_str().unwrap()).unwrap();
    assert_eq!(expected["match"], shipped["match"], "the rules of envoy/bootstrap.yaml");
}

/// Whatever path a format is served at, the shipped rules meter it. A rule for each path would leave out those of next
/// year, silently.
#[test]
fn the_shipped_rules_meter_every_format() {
    for (file, configuration) in configurations() {
        let rules = json!({"match": configuration["match"]});
        let policy = Policy::parse(rules.to_string().as_bytes()).unwrap();
        for format in formats::ALL {
            // Claims that begin with a host are for that host alone.
            for claim in format.claims.iter().filter_map(|claim| claim.strip_prefix('*')) {
                let path = claim.replace('*', "x");
                let head = [(":method", "POST"), (":authority", "gateway.example"), (":path", path.as_str())];
                let fields = head.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
                let route = policy.route(&Headers::new(fields), &Place::default());
                assert!(route.is_some(), "{file}: {} at {path}", format.name);
            }
        }
    }
}

/// Returns the labels in the bootstrap's tags, and then those of the configuration.
fn labels(bootstrap: &Value) -> Vec<String> {
    let tags = bootstrap["stats_config"]["stats_tags"].as_array().unwrap();
    let shipped = tags.iter().map(|tag| tag["tag_name"].clone());
    let extra = configurations()[0].1["labels"].as_array().unwrap().clone();
    let extra = extra.into_iter().map(|label| label["name"].clone());
    shipped.chain(extra).map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Returns the `stats_config` that manifests must have, from the bootstrap.
fn stats_config(bootstrap: &Value) -> Value {
    let tag = |name: &String| json!({"tag_name": name, "regex": format!(r"(\.{name}=\.=(.*?);\.;)")});
    let tags: Vec<_> = labels(bootstrap).iter().map(tag).collect();
    let buckets = &bootstrap["stats_config"]["histogram_bucket_settings"];
    json!({"stats_tags": tags, "histogram_bucket_settings": buckets})
}

/// Compares the lists of a `stats_config`. A failure prints the entries to add and to remove, one per line as in YAML.
#[track_caller]
fn same_stats(found: &Value, expected: &Value, file: &str) {
    let mut faults = Vec::new();
    for list in ["stats_tags", "histogram_bucket_settings"] {
        let [found, expected] = [found, expected].map(|stats| stats[list].as_array().unwrap());
        let lacking = expected.iter().filter(|entry| !found.contains(entry));
        faults.extend(lacking.map(|entry| format!("{list}: add\n- {entry}")));
        let alien = found.iter().filter(|entry| !expected.contains(entry));
        faults.extend(alien.map(|entry| format!("{list}: remove\n- {entry}")));
    }
    assert!(faults.is_empty(), "{file}:\n{}", faults.join("\n"));
    assert_eq!(found, expected, "{file}: the order differs");
}

#[test]
fn labels_and_buckets_are_those_of_the_bootstrap() {
    let bootstrap: Value = serde_saphyr::from_str(&text("envoy/bootstrap.yaml")).unwrap();
    let expected = stats_config(&bootstrap);
    let patches = &object("istio-envoyfilter.yaml", "EnvoyFilter")["spec"]["configPatches"];
    assert_eq!(patches[2]["applyTo"], "BOOTSTRAP");
    same_stats(&patches[2]["patch"]["value"]["stats_config"], &expected, "istio-envoyfilter.yaml");
    let proxy = object("envoy-gateway.yaml", "EnvoyProxy");
    let merged: Value =
        serde_saphyr::from_str(proxy["spec"]["bootstrap"]["value"].as_str().unwrap()).unwrap();
    same_stats(&merged["stats_config"], &expected, "envoy-gateway.yaml");

    let annotations =
        object("istio-gateway-patch.yaml", "Deployment")["spec"]["template"]["metadata"]["annotations"]
            .clone();
    let proxy: Value =
        serde_saphyr::from_str(annotations["proxy.istio.io/config"].as_str().unwrap()).unwrap();
    assert_eq!(proxy, json!({"extraStatTags": labels(&bootstrap)}), "istio-gateway-patch.yaml");
    let buckets = annotations["sidecar.istio.io/statsHistogramBuckets"].as_str().unwrap();
    let buckets: Value = serde_json::from_str(buckets).unwrap();
    let expected = expected["histogram_bucket_settings"].as_array().unwrap().iter();
    let expected = expected
        .map(|entry| (entry["match"]["prefix"].as_str().unwrap().to_owned(), entry["buckets"].clone()));
    assert_eq!(buckets, Value::Object(expected.collect()), "istio-gateway-patch.yaml");
}

/// Istio's tags have no `\.` before a name, so a label that ends like another would have its value removed twice.
#[test]
fn no_label_ends_like_another() {
    let bootstrap: Value = serde_saphyr::from_str(&text("envoy/bootstrap.yaml")).unwrap();
    let labels = labels(&bootstrap);
    for label in &labels {
        let alike: Vec<_> = labels.iter().filter(|other| other.ends_with(label.as_str())).collect();
        assert_eq!(alike, [label]);
    }
}

#[test]
fn the_judges_cluster_is_the_same_everywhere() {
    let istio =
        object("istio-judge.yaml", "EnvoyFilter")["spec"]["configPatches"][0]["patch"]["value"].clone();
    let proxy = object("envoy-gateway.yaml", "EnvoyProxy");
    let merged: Value =
        serde_saphyr::from_str(proxy["spec"]["bootstrap"]["value"].as_str().unwrap()).unwrap();
    assert_eq!(merged["static_resources"], json!({"clusters": [istio.clone()]}));
    // Except for the key, it is the one in envoy/judge.yaml.
    let mut keyless = istio;
    let options = "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    keyless.pointer_mut(options).unwrap().as_object_mut().unwrap().remove("http_filters").unwrap();
    assert_eq!(documents("envoy/judge.yaml")[0]["clusters"], json!([keyless]));
}

#[test]
fn the_operators_rules_are_those_of_prometheus() {
    let rules = workspace_dir().join(RULES);
    if !rules.is_file() {
        return skipped("the_operators_rules", RULES);
    }
    let expected = manifest::shipped(&rules).unwrap();
    let advice = format!("run `cargo gauge prometheus-rule --output {OPERATORS_RULES}`");
    assert!(workspace_dir().join(OPERATORS_RULES).is_file(), "{advice}");
    assert_eq!(text(OPERATORS_RULES), expected, "{advice}");
}
