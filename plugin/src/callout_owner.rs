//! The interface of the owners of callouts: the judge's dispatcher and the telemetry exporter.

use llm_gauge_engine::callouts::{Callout, CalloutResponse};
use llm_gauge_engine::judge::Evaluation;
use llm_gauge_engine::metrics::StatUpdate;

/// An owner of callouts, with its sources of time and random bytes. The caller performs the updates that it returns.
pub(crate) trait CalloutOwner {
    /// Returns the next callout to make now. `None` if there is none.
    fn next(&self, now_ns: u64, out: &mut Vec<StatUpdate>) -> Option<Callout>;
    /// Records that the host accepted a callout with this token, or refused it if `token` is `None`.
    fn record_sent(&self, number: u64, token: Option<u32>, now_ns: u64, out: &mut Vec<StatUpdate>);
    /// Handles the response to a callout, and returns the scores in it. `None` if the callout is not one of this
    /// owner.
    fn handle_response(
        &self,
        token: u32,
        response: &CalloutResponse<'_>,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) -> Option<Vec<Evaluation>>;
    /// Returns the number of bytes of a response's body to read.
    fn response_bytes(&self) -> usize;
    /// Returns the milliseconds after which [`next`](Self::next) must be called even if nothing happens before.
    /// `None` if it need not be called.
    fn wake_ms(&self, now_ns: u64) -> Option<u64>;
    /// Returns whether no job waits and no callout is in flight.
    fn is_idle(&self) -> bool;
    /// Starts the shutdown: the owners before this one submit nothing more.
    fn close(&self);
    /// Ends the shutdown: open jobs are lost.
    fn abandon(&self, out: &mut Vec<StatUpdate>);
}
