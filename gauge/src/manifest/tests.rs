use serde_json::{Value, json};

use super::{label, prometheus_rule};

/// Rules with all forms in use: comments, blocks that keep and that fold lines, an empty line in one, quotes,
/// templates.
const RULES: &str = "---\n# Thresholds.\ngroups:\n- name: llm\n  interval: 30s\n  rules:\n  # Why.\n  - alert: LLMSlow\n    expr: |\n      a\n\n        > 1\n    for: 5m\n    annotations:\n      summary: >-\n        It is {{ $value }}\n        slow: \"very\"\n  - record: 'a:b'\n    expr: sum(a)\n";

fn made(rules: &str) -> Result<String, String> {
    let labels = ["release=prometheus".to_owned(), "enabled=true".to_owned()];
    prometheus_rule(rules, "llm", &labels).map_err(|error| format!("{error:#}"))
}

#[test]
fn the_prometheus_rule_has_the_same_groups() {
    let manifest = made(RULES).unwrap();
    let read: Value = serde_saphyr::from_str(&manifest).unwrap();
    let group = json!({
        "name": "llm",
        "interval": "30s",
        "rules": [
            {
                "alert": "LLMSlow",
                "expr": "a\n\n  > 1\n",
                "for": "5m",
                "annotations": {"summary": "It is {{ $value }} slow: \"very\""},
            },
            {"record": "a:b", "expr": "sum(a)"},
        ],
    });
    let expected = json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "llm-gauge",
            "namespace": "llm",
            "labels": {"release": "prometheus", "enabled": "true"},
        },
        "spec": {"groups": [group]},
    });
    assert_eq!(read, expected);
    assert!(manifest.contains("\n  # Thresholds.\n  groups:\n  - name: llm\n"), "{manifest}");
    assert!(manifest.contains("\n    # Why.\n"), "{manifest}");
    assert!(!manifest.contains(" \n"), "lines end in spaces");
}

#[test]
fn invalid_rules_are_refused_with_their_place() {
    for (rules, words) in [
        ("groups: []", "at least one group"),
        ("groups: 7", "`groups` to be a list"),
        ("rules: []", "the one key `groups`"),
        ("groups: []\nx: 1", "the one key `groups`"),
        ("groups:\n- rules: []", "no name"),
        (
            "groups:\n- {name: a, labels: {}, rules: []}",
            "group a: the Prometheus operator does not know `labels`",
        ),
        ("groups:\n- {name: a, rules: [{expr: b}]}", "a rule of a has neither"),
        (
            "groups:\n- {name: a, rules: [{alert: B, expr: c, fro: 5m}]}",
            "rule B: the Prometheus operator does not know `fro`",
        ),
        ("groups:\n- name: a\n---\ngroups: []", "expected one YAML document"),
    ] {
        let refused = made(rules).unwrap_err();
        assert!(refused.contains(words), "{rules}: {refused}");
    }
}

#[test]
fn labels_are_plain() {
    assert_eq!(label("app.kubernetes.io/part-of=llm"), Ok("app.kubernetes.io/part-of=llm".to_owned()));
    for text in ["release", "=a", "a=", "a=b c", "a=b\"", "a:=b"] {
        assert!(label(text).is_err(), "{text}");
    }
}
