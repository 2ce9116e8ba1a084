//! `amtool` on the routes: every alert reaches the receiver of its severity.

use std::process::Command;

use serde_json::Value;

use super::{alerts, envoy, programs, said, word, yaml};

const FILE: &str = "alertmanager/alertmanager.yaml";

#[test]
fn amtool_takes_the_configuration() {
    let Some(programs) = programs("amtool_takes_the_configuration") else { return };
    let (good, words) = said(Command::new(&programs.amtool).arg("check-config").arg(envoy(FILE)));
    assert!(good, "{words}");
}

#[test]
fn every_alert_reaches_its_receiver() {
    let Some(programs) = programs("every_alert_reaches_its_receiver") else { return };
    let route = |labels: &[String]| {
        let mut command = Command::new(&programs.amtool);
        command
            .args(["config", "routes", "test"])
            .arg(format!("--config.file={}", envoy(FILE).display()))
            .args(labels);
        let (good, words) = said(&mut command);
        assert!(good, "{words}");
        // The output after the receiver is about amtool's own flags.
        words.lines().next().unwrap_or_default().to_owned()
    };
    for alert in alerts() {
        let (name, severity) = (word(&alert["alert"]), word(&alert["labels"]["severity"]));
        let expected = match severity {
            "page" => "pager",
            "ticket" => "chat",
            "review" | "investigate" => "review",
            _ => panic!("{name} has the severity {severity:?}"),
        };
        assert_eq!(route(&[format!("alertname={name}"), format!("severity={severity}")]), expected, "{name}");
    }
    assert_eq!(route(&["alertname=Unheard".into(), "severity=new".into()]), "chat");
}

/// Inhibitions name existing alerts, use labels that both alerts have, and mute no page.
#[test]
fn inhibitions_are_between_alerts_that_exist() {
    let document = yaml(FILE);
    let alerts = alerts();
    let find = |name: &str| -> &Value {
        alerts.iter().find(|alert| alert["alert"] == name).unwrap_or_else(|| panic!("no alert {name}"))
    };
    let named = |matchers: &Value| -> Vec<String> {
        let matcher = word(&matchers[0]);
        let names = matcher.trim_start_matches("alertname").trim_start_matches("=~").trim_start_matches('=');
        names.trim_matches('"').split('|').map(str::to_owned).collect()
    };
    let rules = document["inhibit_rules"].as_array().unwrap();
    assert!(!rules.is_empty());
    for rule in rules {
        for name in named(&rule["source_matchers"]) {
            find(&name);
        }
        for name in named(&rule["target_matchers"]) {
            assert_ne!(find(&name)["labels"]["severity"], "page", "{name}");
        }
        assert!(!rule["equal"].as_array().unwrap().is_empty());
    }
}
