//! The times at which the deltas of a stream arrived.

use super::event::FieldPresence;

/// The times of a stream's deltas, in nanoseconds on the exchange's clock. Each is `None` until such a delta arrives.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeltaTimes {
    /// The first delta of any kind.
    pub first_ns: Option<u64>,
    /// The last delta of any kind.
    pub last_ns: Option<u64>,
    /// The first delta with visible text.
    pub first_answer_ns: Option<u64>,
}

impl DeltaTimes {
    /// Records a document that arrived at `now_ns`.
    pub(super) fn add(&mut self, presence: FieldPresence, now_ns: u64) {
        if presence.text {
            self.first_answer_ns.get_or_insert(now_ns);
        }
        if presence.text || presence.generated {
            self.first_ns.get_or_insert(now_ns);
            self.last_ns = Some(now_ns);
        }
    }
}
