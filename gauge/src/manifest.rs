//! The rules for the Prometheus operator, generated from the file that Prometheus itself reads.
//!
//! A `PrometheusRule` holds the same groups under another key. So the text is indented with its comments, and then both
//! documents are parsed and compared. A YAML writer would change the quoting and the folding.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use simulators::console;

/// The keys of a group and of a rule that the operator knows. It would refuse others or, worse, drop them.
const OF_A_GROUP: &[&str] = &["name", "interval", "limit", "rules", "partial_response_strategy"];
const OF_A_RULE: &[&str] = &["record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"];

/// The arguments of `cargo gauge prometheus-rule`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  cargo gauge prometheus-rule --output envoy/kubernetes/prometheus-rule.yaml\n  cargo gauge prometheus-rule --rules my-rules.yaml --namespace llm --label release=monitoring"
)]
pub struct PrometheusRuleArgs {
    /// A file of rules for Prometheus.
    #[arg(long, value_name = "FILE", default_value = "envoy/prometheus/rules.yaml")]
    rules: PathBuf,
    /// The file of the manifest; without it standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The namespace of the object.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAMESPACE)]
    namespace: String,
    /// A label of the resource, by which a Prometheus selects its rules. May be repeated.
    #[arg(long = "label", value_name = "KEY=VALUE", default_value = DEFAULT_LABEL, value_parser = label)]
    labels: Vec<String>,
}

const DEFAULT_NAMESPACE: &str = "monitoring";
const DEFAULT_LABEL: &str = "release=prometheus";

fn label(text: &str) -> Result<String, String> {
    let is_plain = |part: &str| {
        let is_of_labels = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
        !part.is_empty() && part.chars().all(is_of_labels)
    };
    match text.split_once('=') {
        Some((key, value)) if is_plain(key) && is_plain(value) => Ok(text.to_owned()),
        _ => Err("expected KEY=VALUE of letters, digits, `-`, `_`, `.` and `/`".to_owned()),
    }
}

/// Runs `cargo gauge prometheus-rule`.
pub fn run(args: &PrometheusRuleArgs) -> Result<ExitCode> {
    let rules = read(&args.rules)?;
    let manifest = prometheus_rule(&rules, &args.namespace, &args.labels)
        .with_context(|| format!("{}: cannot generate a PrometheusRule", args.rules.display()))?;
    match &args.output {
        Some(file) => {
            fs::write(file, manifest).with_context(|| format!("cannot write {}", file.display()))?;
            console::note(format_args!("wrote {}", file.display()));
        }
        None => console::print(manifest)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the manifest in the repository, for a test to compare.
pub fn shipped(rules: &Path) -> Result<String> {
    prometheus_rule(&read(rules)?, DEFAULT_NAMESPACE, &[DEFAULT_LABEL.to_owned()])
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn prometheus_rule(rules: &str, namespace: &str, labels: &[String]) -> Result<String> {
    let expected = groups(rules)?;
    let mut manifest = "# Made of envoy/prometheus/rules.yaml by `cargo gauge prometheus-rule`: change that file, and make this \
                        one again.\n# CHANGE the namespace, and the label to the one by which your Prometheus selects rules: \
                        both are arguments.\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: \
                        llm-gauge\n"
        .to_owned();
    manifest.push_str(&format!("  namespace: {namespace}\n  labels:\n"));
    for (key, value) in labels.iter().filter_map(|label| label.split_once('=')) {
        // Quoted, because `true` and `1` are labels too.
        manifest.push_str(&format!("    {key}: \"{value}\"\n"));
    }
    manifest.push_str("spec:\n");
    for line in rules.lines().filter(|line| *line != "---") {
        // An empty line stays empty: in a block of text it has the same meaning.
        manifest.push_str(if line.is_empty() { "" } else { "  " });
        manifest.push_str(line);
        manifest.push('\n');
    }
    let made: Value =
        serde_saphyr::from_str(&manifest).context("indenting the rules produced invalid YAML")?;
    ensure!(made["spec"] == expected, "indenting the rules changed their meaning");
    Ok(manifest)
}

/// Parses a file of rules as the operator's `spec`.
fn groups(rules: &str) -> Result<Value> {
    let document: Value = serde_saphyr::from_str(rules).context("expected one YAML document")?;
    let only_key = document.as_object().and_then(|top| top.keys().next().filter(|_| top.len() == 1));
    ensure!(only_key.is_some_and(|key| key == "groups"), "expected the one key `groups`");
    let groups = document["groups"].as_array().context("expected `groups` to be a list")?;
    ensure!(!groups.is_empty(), "`groups`: expected at least one group");
    for group in groups {
        let name = group["name"].as_str().context("a group has no name")?;
        only(group, OF_A_GROUP).with_context(|| format!("group {name}"))?;
        let rules =
            group["rules"].as_array().with_context(|| format!("group {name} has no list of rules"))?;
        for rule in rules {
            let rule_name = rule["alert"].as_str().or(rule["record"].as_str());
            let rule_name =
                rule_name.with_context(|| format!("a rule of {name} has neither `alert` nor `record`"))?;
            only(rule, OF_A_RULE).with_context(|| format!("rule {rule_name}"))?;
        }
    }
    Ok(document)
}

fn only(value: &Value, known: &[&str]) -> Result<()> {
    let unknown = value.as_object().into_iter().flat_map(|fields| fields.keys());
    if let Some(key) = unknown.into_iter().find(|key| !known.contains(&key.as_str())) {
        bail!("the Prometheus operator does not know `{key}`, expected one of `{}`", known.join("`, `"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
