//! The work that the engine leaves for the shell: stats to update, filter state to set, and callouts to make.
//!
//! This is the only module that turns a record and a policy into [`Effects`].

mod exchange;
mod feedback;
mod json_object;
mod record_json;
mod summary;

pub use exchange::exchange_effects;
pub use feedback::feedback_effects;
pub use record_json::record_json;

use crate::config::{Place, Policy};
use crate::filter_state::FilterState;
use crate::head::Headers;
use crate::judge::Evaluation;
use crate::judge::Outcome;
use crate::judge::capture::JudgeJob;
use crate::judge::dispatch::stats;
use crate::metrics::{self, StatUpdate};
use crate::series::Series;
use crate::telemetry::dropped;
use crate::telemetry::otlp::{Signal, Span};

/// The work that an exchange, or feedback, leaves for the shell. Each field is a different host call, and the shell
/// must perform all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// Stats to update.
    pub stats: Vec<StatUpdate>,
    /// Filter state to set. Empty unless the effects are those of an exchange.
    pub filter_state: Vec<FilterState>,
    /// Work for callouts.
    pub jobs: Vec<CalloutJob>,
}

/// Work that ends in a callout. It is only created if the policy has a receiver for it.
#[derive(Clone, Debug, PartialEq)]
pub enum CalloutJob {
    /// A sampled exchange to judge.
    Judge(Box<JudgeJob>),
    /// The span of an exchange that has just ended.
    Span(Box<Span>),
    /// A score to export.
    Evaluation(Box<Evaluation>),
}

impl CalloutJob {
    /// Returns the update that counts the job as lost, for a shell that cannot submit it.
    pub fn lost_update(&self) -> StatUpdate {
        match self {
            Self::Judge(job) => stats::outcome(&job.model, Outcome::Lost),
            Self::Span(_) => dropped(Signal::Spans, 1),
            Self::Evaluation(_) => dropped(Signal::Events, 1),
        }
    }
}

/// Returns the update of active requests when an exchange begins (`by` 1) or has ended (`by` -1).
pub fn active_requests(provider: &str, by: i64) -> StatUpdate {
    let labels = [("provider", provider)];
    StatUpdate::Add { stat: metrics::stat(&metrics::ACTIVE_REQUESTS, labels.into_iter()), by }
}

/// Returns the update that counts an exchange which is not metered because the memory budget is overdrawn.
pub fn dropped_exchange() -> StatUpdate {
    let labels = [("kind", "exchanges")];
    StatUpdate::Count { stat: metrics::stat(&metrics::DROPPED, labels.into_iter()), by: 1 }
}

/// Returns the update that counts a request with JSON which is not metered. `None` if no provider is asked like that.
pub fn unmatched_request(policy: &Policy, head: &Headers<'_>, place: &Place) -> Option<StatUpdate> {
    let is_json = head.get(":method") == Some(b"POST") && head.media_type_is("application/json");
    let reason = if is_json { policy.unmatched_reason(head, place)? } else { return None };
    let labels = [("reason", reason)];
    Some(StatUpdate::Count { stat: metrics::stat(&metrics::UNMATCHED, labels.into_iter()), by: 1 })
}

/// Returns the update that reports the build and its configuration: 1 while a worker has it, and then 0.
pub fn build_info(policy: &Policy, is_active: bool) -> StatUpdate {
    let prices = policy.prices().map_or("none", |table| table.title());
    let labels =
        [("version", env!("CARGO_PKG_VERSION")), ("config", policy.fingerprint()), ("prices", prices)];
    StatUpdate::Set {
        stat: metrics::stat(&metrics::BUILD_INFO, labels.into_iter()),
        value: u64::from(is_active),
    }
}

/// Counts the label values that had no series of their own.
fn count_overflows(series: &mut Series, stats: &mut Vec<StatUpdate>) {
    for (limit, by) in series.take_overflows() {
        let labels = [("limit", limit.as_str())];
        let stat = metrics::stat(&metrics::SERIES_OVERFLOW, labels.into_iter());
        stats.push(StatUpdate::Count { stat, by });
    }
}

#[cfg(test)]
mod tests;
