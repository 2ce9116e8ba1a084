//! Metrics, labels, pages and panels in rules, dashboards and runbooks exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use gauge::dashboards::{self, table};
use llm_gauge_engine::metrics::{self, MetricKind};
use serde_json::Value;

use super::{alerts, envoy, names, rules, text, word, yaml};

/// Series of Prometheus and of Envoy, and labels that Prometheus adds to every series.
const OF_OTHERS: &[(&str, &[&str])] = &[
    ("up", &[]),
    ("ALERTS", &["alertname", "alertstate", "severity", "model"]),
    (OF_ENVOY, &["envoy_http_conn_manager_prefix"]),
];
/// A metric of Envoy that exists with and without the filter.
const OF_ENVOY: &str = "envoy_http_downstream_rq_total";
const TARGET: &[&str] = &["job", "instance", "__name__"];

/// Returns every name that a query may use, with its labels: the filter's, and those that rules record.
fn known() -> BTreeMap<String, BTreeSet<String>> {
    let mut known = BTreeMap::new();
    let mut add = |name: &str, labels: Vec<&str>| {
        let labels: BTreeSet<String> = labels.iter().chain(TARGET).map(|label| (*label).to_owned()).collect();
        known.entry(name.to_owned()).or_insert_with(BTreeSet::new).extend(labels);
    };
    for metric in metrics::ALL {
        match metric.kind {
            MetricKind::Histogram => {
                add(&format!("{}_bucket", metric.name), [metric.labels, &["le"]].concat());
                add(&format!("{}_count", metric.name), metric.labels.to_vec());
            }
            MetricKind::Counter | MetricKind::Gauge => add(metric.name, metric.labels.to_vec()),
        }
    }
    OF_OTHERS.iter().for_each(|(name, labels)| add(name, labels.to_vec()));
    known
}

/// Parses an expression as far as these tests need: the names of series, each with the labels in its braces, and the
/// labels of `by`, `on` and similar, which have to be labels of some series of the expression.
fn read(expression: &str) -> (Vec<(String, Vec<String>)>, Vec<String>) {
    let mut series: Vec<(String, Vec<String>)> = Vec::new();
    let mut grouped = Vec::new();
    let plain = without_texts(expression);
    let is_name =
        |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':' || letter == '$';
    let mut rest = plain.as_str();
    let mut word = String::new();
    while let Some(letter) = rest.chars().next() {
        let (head, tail) = rest.split_at(letter.len_utf8());
        rest = tail;
        if is_name(letter) {
            word.push_str(head);
            continue;
        }
        if letter == ' ' && rest.trim_start().starts_with('(') && is_grouping(&word) {
            continue; // `by (`: the bracket follows later
        }
        let name = std::mem::take(&mut word);
        match letter {
            '(' if is_grouping(&name) => {
                let (inside, after) = rest.split_once(')').unwrap();
                grouped.extend(
                    inside.split(',').map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()),
                );
                rest = after;
            }
            '(' => {} // a function
            '{' => {
                let (inside, after) = rest.split_once('}').unwrap();
                let label = |matcher: &str| matcher.split(['=', '!']).next().unwrap_or("").trim().to_owned();
                series.push((name, inside.split(',').map(label).collect()));
                rest = after;
            }
            '[' => {
                note(&mut series, name);
                rest = rest.split_once(']').unwrap().1;
            }
            _ => note(&mut series, name),
        }
    }
    note(&mut series, word);
    (series, grouped)
}

fn is_grouping(word: &str) -> bool {
    matches!(word, "by" | "on" | "without" | "group_left" | "group_right" | "ignoring")
}

fn note(series: &mut Vec<(String, Vec<String>)>, name: String) {
    let is_number = name.starts_with(|letter: char| letter.is_ascii_digit());
    let is_operator = matches!(name.as_str(), "" | "and" | "or" | "unless" | "offset" | "by" | "on" | "bool");
    // Words that are followed by a `by`.
    let is_operator = is_operator || matches!(name.as_str(), "sum" | "avg" | "count" | "max" | "min");
    if !is_number && !is_operator {
        series.push((name, Vec::new()));
    }
}

/// Removes the contents of string literals.
fn without_texts(expression: &str) -> String {
    let mut inside = None;
    let keep = |letter: char| match inside {
        Some(mark) if letter == mark => {
            inside = None;
            None
        }
        Some(_) => None,
        None if letter == '"' || letter == '\'' => {
            inside = Some(letter);
            None
        }
        None => Some(letter),
    };
    expression.chars().filter_map(keep).collect()
}

/// Returns every expression that operators load or read, with its place.
fn expressions() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for rule in rules() {
        let name = format!("rule {}{}", word(&rule["record"]), word(&rule["alert"]));
        all.push((name, word(&rule["expr"]).to_owned()));
    }
    for dashboard in table::ALL {
        for panel in dashboard.panels {
            let queries = panel.queries.iter();
            all.extend(queries.map(|(query, _)| (format!("panel {}", panel.title), (*query).to_owned())));
        }
    }
    for name in names("runbooks", ".md") {
        all.extend(queries(&name).into_iter().map(|query| (format!("runbook {name}"), query)));
    }
    all
}

/// Returns the queries of a runbook.
pub(super) fn queries(name: &str) -> Vec<String> {
    let page = text(&format!("runbooks/{name}.md"));
    page.split("```promql\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn every_metric_and_label_is_the_filters() {
    let mut known = known();
    // A recorded series has some of the labels of its expression; promtool's tests check which ones.
    let every_label: BTreeSet<String> =
        known.values().flatten().cloned().chain(["quantile", "day", "basis"].map(str::to_owned)).collect();
    for rule in rules().iter().filter(|rule| rule.get("record").is_some()) {
        known.insert(word(&rule["record"]).to_owned(), every_label.clone());
    }
    let mut unknown = Vec::new();
    for (place, expression) in expressions() {
        let (series, grouped) = read(&expression);
        let mut of_all = BTreeSet::new();
        for (name, labels) in series {
            if name.is_empty() && labels.iter().all(|label| label == "__name__") {
                of_all.extend(every_label.clone());
                continue; // `{__name__=~"..."}` matches all
            }
            let Some(of_this) = known.get(&name) else {
                unknown.push(format!("{place}: {name}"));
                continue;
            };
            unknown.extend(
                labels
                    .iter()
                    .filter(|label| !of_this.contains(*label))
                    .map(|label| format!("{place}: {name} has no {label}")),
            );
            of_all.extend(of_this.clone());
        }
        unknown.extend(
            grouped
                .iter()
                .filter(|label| !of_all.contains(*label))
                .map(|label| format!("{place}: no {label}")),
        );
    }
    assert_eq!(unknown, [""; 0]);
}

#[test]
fn expressions_are_read_as_they_are_meant() {
    let (series, grouped) = read(
        r#"sum by (a, b) (rate(x{c="d}", e=~'f'}[5m])) / on (a) group_left () y:z offset 1d > 2 unless up"#,
    );
    let series: Vec<_> = series.iter().map(|(name, labels)| format!("{name}/{}", labels.join("+"))).collect();
    assert_eq!(series, ["x/c+e", "y:z/", "up/"]);
    assert_eq!(grouped, ["a", "b", "a"]);
}

#[test]
fn every_alert_has_labels_annotations_and_a_runbook() {
    let mut seen = BTreeSet::new();
    for alert in alerts() {
        let name = word(&alert["alert"]);
        assert!(seen.insert(name.to_owned()), "{name}: declared twice");
        assert!(
            matches!(word(&alert["labels"]["severity"]), "page" | "ticket" | "review" | "investigate"),
            "{name}"
        );
        assert!(!word(&alert["for"]).is_empty(), "{name} has no `for`");
        for key in ["summary", "description"] {
            assert!(word(&alert["annotations"][key]).len() > 20, "{name} has no {key}");
        }
        assert_eq!(alert["annotations"]["runbook_url"], format!("runbooks/{name}.md"));
        let page = text(&format!("runbooks/{name}.md"));
        let parts = ["## What it means", "## How to look", "## What to do", "## How to silence"];
        let places: Vec<_> = parts.iter().map(|part| page.find(part)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{name}: {places:?}");
        assert!(page.contains(&format!("alertname={name}")), "{name}: how to silence another");
        assert!(!queries(name).is_empty());
        let in_one_line = page.split_whitespace().collect::<Vec<_>>().join(" ");
        let dashboard =
            in_one_line.split("Dashboard: ").nth(1).and_then(|rest| rest.split('.').next()).unwrap();
        assert!(table::ALL.iter().any(|known| known.title == dashboard), "{name}: {dashboard}");
    }
    assert_eq!(names("runbooks", ".md"), Vec::from_iter(seen), "a page for each alert, and none without");
}

/// Thresholds in runbooks are those of the rules, and each is used.
#[test]
fn every_threshold_is_used_and_explained() {
    let rules = rules();
    let thresholds: BTreeSet<_> = rules
        .iter()
        .map(|rule| word(&rule["record"]))
        .filter(|name| name.starts_with("llm:threshold:"))
        .collect();
    let expressions: String = rules.iter().map(|rule| word(&rule["expr"])).collect::<Vec<_>>().join("\n");
    let pages: String =
        names("runbooks", ".md").iter().map(|name| text(&format!("runbooks/{name}.md"))).collect();
    for threshold in &thresholds {
        assert!(expressions.contains(threshold), "no rule uses {threshold}");
        assert!(pages.contains(&format!("`{threshold}`")), "no runbook names {threshold}");
    }
    for page in pages.split('`').filter(|word| word.starts_with("llm:threshold:")) {
        assert!(thresholds.contains(page), "{page}");
    }
}

/// The imported files are those that the table generates.
#[test]
fn dashboards_are_up_to_date() {
    let mut stale = Vec::new();
    for (path, text) in dashboards::files().unwrap() {
        if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "run `cargo gauge dashboards` to update {stale:?}");
    let shipped: Vec<_> = names("grafana", ".json");
    let mut known: Vec<_> = table::ALL.iter().map(|dashboard| dashboard.name).collect();
    known.sort_unstable();
    assert_eq!(shipped, known);
}

/// README shows a picture of each dashboard.
#[test]
fn every_dashboard_has_its_picture() {
    let readme = fs::read_to_string(envoy("../README.md")).unwrap();
    for dashboard in table::ALL {
        let file = format!("grafana/pictures/{}.svg", dashboard.name);
        let picture = text(&file);
        let titles =
            dashboard.panels.iter().filter(|panel| !picture.contains(&format!(">{}</text>", panel.title)));
        let titles: Vec<_> = titles.map(|panel| panel.title).collect();
        assert_eq!(
            titles, [""; 0],
            "not in {file}: `cargo gauge demo --observe --pictures envoy/grafana/pictures` draws it"
        );
        assert!(readme.contains(&format!("envoy/{file}")), "README does not show envoy/{file}");
    }
}

/// The scrape configuration keeps the series that the rules need.
#[test]
fn scrapes_keep_the_series_of_the_rules() {
    let document = yaml("prometheus/prometheus.yaml");
    let job: &Value = &document["scrape_configs"][0];
    assert_eq!(job["metrics_path"], "/stats/prometheus");
    assert_eq!(job["metric_relabel_configs"][0]["regex"], format!("llm_.*|{OF_ENVOY}"));
    assert!(metrics::ALL.iter().all(|metric| metric.name.starts_with("llm_")));
    assert_eq!(document["rule_files"], serde_json::json!(["rules.yaml"]));
}
