//! Recorded exchanges, run through the component.

use anyhow::{Context as _, Result};
use serde_json::Value;
use simulators::case::Case;

use super::{CaseOutcome, Split, cuttings, field_differences, is_blank};
use crate::component::{self, Component};

/// Runs one case in a fresh instance of the component, and its other cuttings after it.
///
/// A component returns records and no metrics, and it never changes bytes, so the expectations of a case on metrics and
/// bytes do not apply. With a blank configuration, the case keeps its own.
pub fn run(component: &Component, configuration: &[u8], case: &Case, split: Split) -> Result<CaseOutcome> {
    let configuration = if is_blank(configuration) { &case.configuration } else { configuration };
    let mut instance = component.start()?;
    let policy = instance.policy(configuration)?;
    let mut play = |plan: &crate::ChunkPlan| -> Result<(Value, u64)> {
        Ok(match instance.meter(policy, case, plan)? {
            Some(metered) => (Value::Object(component::fields(&metered.record)), metered.fuel),
            None => (Value::Null, 0),
        })
    };
    let mut plans = cuttings(case, split);
    let (record, fuel) = play(&plans.next().context("at least one cutting")?)?;
    let mut outcome = CaseOutcome {
        case: case.name.clone(),
        folder: case.folder.clone(),
        metrics: Default::default(),
        gaps: record.get("gaps").and_then(Value::as_array).cloned().unwrap_or_default(),
        fuel,
        body_unchanged: true,
        cuttings: 1,
        unequal_cuttings: Vec::new(),
        differences: field_differences(case, &record),
        record,
    };
    for plan in plans {
        outcome.cuttings += 1;
        if play(&plan)?.0 != outcome.record {
            outcome.unequal_cuttings.push(format!("{:?}", plan.response));
        }
    }
    Ok(outcome)
}
