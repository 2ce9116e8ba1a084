//! `envoy/docker-compose.yaml`, without starting it: its files exist, and its services use each other's addresses.

use std::path::Path;

use serde_json::{Value, json};
use simulators::workspace::workspace_dir;

use super::{documents, skipped, text};

/// A mounted file that a build produces.
const BUILT: &str = "../target/plugin/llm_gauge.wasm";

fn compose() -> Value {
    documents("envoy/docker-compose.yaml").remove(0)
}

/// Returns the mounts of a service: source and target.
fn mounts(service: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mounts = service["volumes"].as_array().unwrap().iter();
    mounts
        .filter(|mount| mount["type"] == "bind")
        .map(|mount| (text(&mount["source"]), text(&mount["target"])))
        .collect()
}

/// Returns the path in the repository of a file in a container.
fn behind(service: &Value, inside: &str) -> String {
    let from = mounts(service).into_iter().find_map(|(source, target)| {
        let rest = Path::new(inside).strip_prefix(&target).ok()?.to_str()?;
        Some(if rest.is_empty() { source } else { format!("{source}/{rest}") })
    });
    from.unwrap_or_else(|| panic!("{inside} is in no mount")).replacen("./", "envoy/", 1)
}

fn argument(service: &Value, name: &str) -> String {
    let mut arguments = service["command"].as_array().unwrap().iter().filter_map(Value::as_str);
    arguments
        .find_map(|argument| argument.strip_prefix(name))
        .unwrap_or_else(|| panic!("no {name}"))
        .to_owned()
}

#[test]
fn everything_that_is_mounted_is_there() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    let mut missing = Vec::new();
    for (name, service) in services {
        assert_eq!(service["network_mode"], "host", "{name}: the files ask one another on loopback");
        for (source, _) in mounts(service).into_iter().filter(|(source, _)| source != BUILT) {
            let is_of_rules = ["./prometheus", "./alertmanager"].contains(&source.as_str());
            if is_of_rules && !workspace_dir().join(super::RULES).is_file() {
                skipped("compose::everything_that_is_mounted", &source);
            } else if !workspace_dir().join("envoy").join(&source).exists() {
                missing.push(format!("{name}: {source}"));
            }
        }
        let named = service["volumes"].as_array().unwrap().iter().filter(|mount| mount["type"] == "volume");
        for volume in named.filter_map(|mount| mount["source"].as_str()) {
            assert!(compose["volumes"].as_object().unwrap().contains_key(volume), "{name}: {volume}");
        }
    }
    assert_eq!(missing, [""; 0]);
}

#[test]
fn envoy_finds_its_bootstrap_and_its_filter() {
    let compose = compose();
    let envoy = &compose["services"]["envoy"];
    let command = envoy["command"].as_array().unwrap();
    let place = command.iter().position(|word| word == "--config-path").unwrap();
    assert_eq!(behind(envoy, command[place + 1].as_str().unwrap()), "envoy/bootstrap.yaml");
    let (_, target) = mounts(envoy).into_iter().find(|(source, _)| source == BUILT).unwrap();
    assert!(text("envoy/bootstrap.yaml").contains(&format!("filename: {target}}}")), "{target}");
}

#[test]
fn each_asks_the_others_where_they_listen() {
    let compose = compose();
    let services = &compose["services"];
    let datasource = documents("envoy/grafana/provisioning/datasources/prometheus.yaml").remove(0);
    let prometheus = argument(&services["prometheus"], "--web.listen-address=");
    assert_eq!(datasource["datasources"][0]["url"], format!("http://{prometheus}"));
    let grafana = &services["grafana"];
    let provisioning = grafana["environment"]["GF_PATHS_PROVISIONING"].as_str().unwrap();
    assert_eq!(behind(grafana, provisioning), "envoy/grafana/provisioning");
    let dashboards = documents("envoy/grafana/provisioning/dashboards/llm-gauge.yaml").remove(0);
    let folder = dashboards["providers"][0]["options"]["path"].as_str().unwrap();
    assert_eq!(behind(grafana, folder), "envoy/grafana");

    let configuration = behind(&services["prometheus"], &argument(&services["prometheus"], "--config.file="));
    if !workspace_dir().join(&configuration).is_file() {
        return skipped("compose::each_asks_the_others", &configuration);
    }
    let configuration = documents(&configuration).remove(0);
    let alertmanager = argument(&services["alertmanager"], "--web.listen-address=");
    let alerting = &configuration["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"];
    assert_eq!(alerting, &json!([alertmanager]));
    let bootstrap = documents("envoy/bootstrap.yaml").remove(0);
    let admin = &bootstrap["admin"]["address"]["socket_address"];
    let admin = format!("{}:{}", admin["address"].as_str().unwrap(), admin["port_value"]);
    let scraped = configuration["scrape_configs"].as_array().unwrap().iter().any(|job| {
        job["metrics_path"] == "/stats/prometheus" && job["static_configs"][0]["targets"] == json!([admin])
    });
    assert!(scraped, "Prometheus does not scrape {admin}/stats/prometheus");
    let rules = configuration["rule_files"].as_array().unwrap();
    assert!(rules.iter().any(|file| file == "rules.yaml"), "{rules:?}");
    let alerts = behind(&services["alertmanager"], &argument(&services["alertmanager"], "--config.file="));
    assert!(workspace_dir().join(&alerts).is_file(), "{alerts}");
}
