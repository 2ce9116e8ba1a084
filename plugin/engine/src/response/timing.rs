//! When the deltas of a stream came.

use super::event::Signs;

/// Times of generated deltas, on the exchange's clock.
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
    /// Takes over a document that came at `now_ns`.
    pub(super) fn add(&mut self, signs: Signs, now_ns: u64) {
        if signs.text {
            self.first_answer_ns.get_or_insert(now_ns);
        }
        if signs.text || signs.generated {
            self.first_ns.get_or_insert(now_ns);
            self.last_ns = Some(now_ns);
        }
    }
}
