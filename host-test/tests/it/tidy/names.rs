//! Metrics, labels and plugin configurations in `README.md` and `envoy/` are valid.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use llm_gauge_engine::config::Policy;
use llm_gauge_engine::metrics;
use serde_json::Value;
use simulators::workspace::workspace_dir;

/// Names that begin like a metric: the filter itself, and what all of them begin with.
const NOT_METRICS: &[&str] = &["llm_gauge", "llm_gauge_engine", "llm_gauge_portable", "llm_"];

/// In README, a block that opens with this is a plugin configuration.
const CONFIGURATION_FENCE: &str = "```json plugin-configuration";

#[test]
fn metrics_that_are_named_exist() {
    let known: BTreeSet<_> = metrics::ALL.iter().map(|metric| metric.name).collect();
    let is_real = |word: &str| {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
        let names = [Some(word), family];
        names.iter().flatten().any(|name| known.contains(name))
    };
    let mut unknown = Vec::new();
    for (path, text) in shown() {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let words = words.filter(|word| word.starts_with("llm_") && !NOT_METRICS.contains(word));
        unknown.extend(words.filter(|word| !is_real(word)).map(|word| format!("{}: {word}", path.display())));
    }
    assert_eq!(unknown, [""; 0]);
}

#[test]
fn configurations_that_are_shown_compile() {
    let mut refused = Vec::new();
    for (path, text) in shown() {
        for configuration in configurations(&path, &text) {
            if let Err(error) = Policy::parse(configuration.as_bytes()) {
                refused.push(format!("{}: {error} in {configuration}", path.display()));
            }
        }
    }
    assert_eq!(refused, [""; 0]);
}

/// A label without its tag stays in the metric's name: one metric for every value, and no query finds any.
#[test]
fn every_label_has_its_tag() {
    let path = workspace_dir().join("envoy/bootstrap.yaml");
    if !path.is_file() {
        assert!(!workspace_dir().join("README.md").is_file(), "envoy/bootstrap.yaml is missing");
        return;
    }
    let bootstrap: Value = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let tags = bootstrap["stats_config"]["stats_tags"].as_array().unwrap();
    let labels: BTreeSet<_> = metrics::ALL.iter().flat_map(|metric| metric.labels).collect();
    for label in labels {
        let regexes: Vec<_> =
            tags.iter().filter(|tag| tag["tag_name"] == **label).map(|tag| &tag["regex"]).collect();
        assert_eq!(regexes, [&Value::from(format!(r"(\.{label}=\.=(.*?);\.;)"))], "{label}");
    }
}

/// Every file that operators read or load, as text.
fn shown() -> Vec<(PathBuf, String)> {
    let mut paths = vec![workspace_dir().join("README.md")];
    let mut folders = vec![workspace_dir().join("envoy")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { paths.push(path) }
        }
    }
    paths.sort();
    let text = |path: PathBuf| std::fs::read_to_string(&path).ok().map(|text| (path, text));
    paths.into_iter().filter_map(text).collect()
}

fn configurations(path: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("yaml" | "yml") => {
            let documents: Vec<Value> = serde_saphyr::from_multiple(text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            documents.iter().for_each(|document| in_document(document, &mut found));
        }
        Some("md") => {
            let blocks = text.split(CONFIGURATION_FENCE).skip(1);
            found.extend(blocks.filter_map(|block| block.split("```").next()).map(str::to_owned));
        }
        _ => {}
    }
    found
}

/// Envoy's `config` of a wasm filter has a `vm_config` and a `configuration`; the `WasmPlugin` of Istio and Higress a
/// `pluginConfig`, and Envoy Gateway's policy a `config` beside the `code`.
fn in_document(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let of_envoy = fields.get("vm_config").and(fields.get("configuration"));
            let of_policy = fields.get("code").and(fields.get("config"));
            found.extend(of_envoy.or(fields.get("pluginConfig")).or(of_policy).map(document_of));
            fields.values().for_each(|value| in_document(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| in_document(item, found)),
        _ => {}
    }
}

/// A `StringValue` holds the document itself, a `Struct` holds it as YAML.
fn document_of(configuration: &Value) -> String {
    match configuration.get("value") {
        Some(Value::String(document)) => document.clone(),
        Some(document) => document.to_string(),
        None => configuration.to_string(),
    }
}

#[test]
fn configurations_are_found_where_they_stand() {
    let yaml = "a:\n- config:\n    vm_config: {}\n    configuration:\n      '@type': t/google.protobuf.StringValue\n      value: |\n        {\"models\": {}}\n---\npluginConfig: {limits: {event_bytes: 1}}\n---\nwasm: [{code: {type: Image}, config: {estimate: 'off'}}]\n";
    let expected = ["{\"models\": {}}\n", "{\"limits\":{\"event_bytes\":1}}", "{\"estimate\":\"off\"}"];
    assert_eq!(configurations(Path::new("a.yaml"), yaml), expected);
    let readme = "x\n```json plugin-configuration\n{\"models\": {}}\n```\n```json\n{}\n```\n";
    assert_eq!(configurations(Path::new("README.md"), readme), ["\n{\"models\": {}}\n"]);
}
