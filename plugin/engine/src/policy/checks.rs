//! What a configuration may not say.

use super::ConfigError;
use crate::config::{Label, Limits};
use crate::filter_state::{FILTER_STATE_KEYS, is_json_field};
use crate::judge::Plan;
use crate::limits::{EXTRA_LABELS_MAX, WORKER_BYTES_MAX, WORKER_BYTES_MIN};
use crate::metrics::{self, is_label_name};
use crate::price::Table;

/// A bound on dollars that nobody can count would bound nothing.
pub(super) fn check_judge_prices(judge: Option<&Plan>, prices: Option<&Table>) -> Result<(), ConfigError> {
    let Some(judge) = judge.filter(|judge| judge.limits().nanodollars_per_hour != u64::MAX) else {
        return Ok(());
    };
    let is_priced = |(provider, model)| prices.is_some_and(|table| table.find(provider, model).is_some());
    match judge.models().find(|judge| !is_priced(*judge)) {
        None => Ok(()),
        Some((provider, model)) => Err(ConfigError {
            path: "judge.budget.usd_per_hour".to_owned(),
            message: format!(
                "expected a row in `prices` for `{model}` of `{provider}`, whose cost it bounds"
            ),
        }),
    }
}

pub(super) fn check_limits(limits: &Limits) -> Result<(), ConfigError> {
    at_least_one("limits.request_bytes", limits.request_bytes)?;
    at_least_one("limits.event_bytes", usize::try_from(limits.event_bytes).unwrap_or(usize::MAX))?;
    let bytes = limits.worker_bytes;
    if (WORKER_BYTES_MIN..=WORKER_BYTES_MAX).contains(&bytes) {
        return Ok(());
    }
    Err(ConfigError {
        path: "limits.worker_bytes".to_owned(),
        message: format!("expected {WORKER_BYTES_MIN} to {WORKER_BYTES_MAX} bytes, got {bytes}"),
    })
}

pub(super) fn check_labels(labels: &[Label]) -> Result<(), ConfigError> {
    let refuse = |number: usize, key: &str, message: String| {
        let path = format!("labels[{number}].{key}");
        Err(ConfigError { path, message })
    };
    if labels.len() > EXTRA_LABELS_MAX {
        return Err(ConfigError {
            path: "labels".to_owned(),
            message: format!("expected at most {EXTRA_LABELS_MAX} labels, got {}", labels.len()),
        });
    }
    for (number, label) in labels.iter().enumerate() {
        let name = label.name.as_str();
        if !is_label_name(name) {
            let message = format!(
                "`{name}` is no label name: expected lower-case letters, digits and _, a letter first"
            );
            return refuse(number, "name", message);
        }
        let mut taken = metrics::label_names();
        taken.extend(labels.iter().take(number).map(|other| other.name.as_str()));
        // Tag extraction may match a name at the end of a longer one.
        if let Some(other) = taken.iter().find(|other| other.ends_with(name) || name.ends_with(**other)) {
            let message = format!("`{name}` cannot be told apart from the label `{other}`");
            return refuse(number, "name", message);
        }
        if name == "le" || is_json_field(name) {
            let message = format!("`{name}` is taken by Prometheus or by a field of filter state `json`");
            return refuse(number, "name", message);
        }
        if label.header != label.header.to_ascii_lowercase() || label.header.is_empty() {
            let message = format!("expected a header name in lower case, got `{}`", label.header);
            return refuse(number, "header", message);
        }
        at_least_one(&format!("labels[{number}].max_values"), label.max_values)?;
    }
    Ok(())
}

pub(super) fn at_least_one(path: &str, value: usize) -> Result<(), ConfigError> {
    match value {
        0 => Err(ConfigError {
            path: path.to_owned(),
            message: "expected a number of at least 1, got 0".to_owned(),
        }),
        _ => Ok(()),
    }
}

pub(super) fn filter_state(keys: &[String]) -> Result<Vec<&'static str>, ConfigError> {
    let known = |(number, key): (usize, &String)| {
        let found = FILTER_STATE_KEYS.iter().find(|(known, _)| known == key);
        found.map(|(known, _)| *known).ok_or_else(|| {
            let names: Vec<_> = FILTER_STATE_KEYS.iter().map(|(known, _)| *known).collect();
            ConfigError {
                path: format!("filter_state[{number}]"),
                message: format!("unknown key `{key}`, expected one of {}", names.join(", ")),
            }
        })
    };
    keys.iter().enumerate().map(known).collect()
}
