//! What the root context asks of an owner of callouts: the judge's dispatcher, and the telemetry exporter.

use llm_gauge_engine::callouts::{Callout, CalloutResponse};
use llm_gauge_engine::judge::Evaluation;
use llm_gauge_engine::metrics::StatUpdate;

/// An owner of callouts, with what it needs of the host. The updates that it returns are the caller's to perform.
pub(crate) trait CalloutOwner {
    /// Returns the next callout to make now.
    fn next(&self, now_ns: u64, out: &mut Vec<StatUpdate>) -> Option<Callout>;
    /// Records that the host took a callout and gave it a token, or refused it if there is none.
    fn sent(&self, number: u64, token: Option<u32>, now_ns: u64, out: &mut Vec<StatUpdate>);
    /// Takes the response to a callout, and returns the scores in it. `None` if the callout is none of this owner's.
    fn answered(
        &self,
        token: u32,
        response: &CalloutResponse<'_>,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) -> Option<Vec<Evaluation>>;
    /// Returns how many bytes of a response's body are read.
    fn response_bytes(&self) -> usize;
    /// Returns the milliseconds after which [`next`](Self::next) needs to be called although nothing happens before.
    fn wake_ms(&self, now_ns: u64) -> Option<u64>;
    /// Returns whether nothing waits and nothing is in flight.
    fn is_idle(&self) -> bool;
    /// Starts the shutdown: the owners before this one hand in nothing more.
    fn close(&self);
    /// Ends the shutdown: what has not ended is lost.
    fn abandon(&self, out: &mut Vec<StatUpdate>);
}
