//! The items of one signal that wait for a batch.

use std::collections::VecDeque;

use crate::callouts::nanoseconds;
use crate::telemetry;

/// Items that are sent together.
#[derive(Debug)]
pub(super) struct Batch {
    /// The encoded items; at least one.
    pub(super) items: Vec<Vec<u8>>,
}

impl Batch {
    /// Returns the number of bytes of all items.
    pub(super) fn bytes(&self) -> usize {
        self.items.iter().fold(0, |sum, item| sum.saturating_add(item.len()))
    }

    /// Splits the batch in two halves. Neither is empty if the batch has two items or more.
    pub(super) fn halves(mut self) -> [Self; 2] {
        let second = self.items.split_off(self.items.len() / 2);
        [self, Self { items: second }]
    }
}

/// The queue of items that wait for a batch.
#[derive(Debug, Default)]
pub(super) struct Batcher {
    /// Each item with the time at which it was submitted.
    items: VecDeque<(u64, Vec<u8>)>,
    bytes: usize,
}

impl Batcher {
    /// Adds an item.
    pub(super) fn push(&mut self, item: Vec<u8>, now_ns: u64) {
        self.bytes = self.bytes.saturating_add(item.len());
        self.items.push_back((now_ns, item));
    }

    /// Returns the time at which the next batch is due: at once if it is full, otherwise after the interval. `None`
    /// without items.
    pub(super) fn due_ns(&self, limits: &telemetry::BatchLimits) -> Option<u64> {
        let (arrived_ns, _) = self.items.front()?;
        let is_full = self.items.len() >= limits.items_max || self.bytes >= limits.bytes_max;
        let wait_ns = if is_full { 0 } else { nanoseconds(limits.interval_ms) };
        Some(arrived_ns.saturating_add(wait_ns))
    }

    /// Removes and returns the next batch: as many items as the limits allow, and at least one. `None` without items.
    pub(super) fn take(&mut self, limits: &telemetry::BatchLimits) -> Option<Batch> {
        let (mut items, mut bytes) = (Vec::new(), 0_usize);
        while let Some((arrived_ns, item)) = self.items.pop_front() {
            let more = bytes.saturating_add(item.len());
            if !items.is_empty() && (items.len() >= limits.items_max || more > limits.bytes_max) {
                self.items.push_front((arrived_ns, item));
                break;
            }
            bytes = more;
            items.push(item);
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        (!items.is_empty()).then_some(Batch { items })
    }

    /// Returns the number of items.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }
}
