//! What goes to one endpoint: items that wait for others, and batches that wait for another try.

use std::collections::VecDeque;

use crate::telemetry;

/// Items that go together.
#[derive(Debug)]
pub(super) struct Batch {
    /// In the form in which they leave; at least one.
    pub(super) items: Vec<Vec<u8>>,
    /// How often they were sent.
    pub(super) tries: u32,
}

impl Batch {
    pub(super) fn bytes(&self) -> usize {
        self.items.iter().fold(0, |sum, item| sum.saturating_add(item.len()))
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// With when they came.
    waiting: VecDeque<(u64, Vec<u8>)>,
    waiting_bytes: usize,
    retries: VecDeque<Batch>,
    /// The receiver is left alone until then.
    pub(super) quiet_until_ns: u64,
}

impl Lane {
    pub(super) fn push(&mut self, item: Vec<u8>, now_ns: u64) {
        self.waiting_bytes = self.waiting_bytes.saturating_add(item.len());
        self.waiting.push_back((now_ns, item));
    }

    /// When there is something to send; `None`: there is nothing. A plugin that goes does not wait, not even for a
    /// receiver that wants to be left alone: it has one try.
    pub(super) fn due_ns(&self, batch: &telemetry::Batch, is_closing: bool) -> Option<u64> {
        let first = self.waiting.front().map(|(came_ns, _)| *came_ns);
        if is_closing {
            return first.map(|_| 0).or(self.retries.front().map(|_| 0));
        }
        if !self.retries.is_empty() {
            return Some(self.quiet_until_ns);
        }
        let is_full = self.waiting.len() >= batch.items_max || self.waiting_bytes >= batch.bytes_max;
        let wait_ns = if is_full { 0 } else { super::nanoseconds(batch.interval_ms) };
        first.map(|came_ns| came_ns.saturating_add(wait_ns).max(self.quiet_until_ns))
    }

    /// What is to be sent next: what was before comes before what is new.
    pub(super) fn take(&mut self, batch: &telemetry::Batch) -> Option<Batch> {
        if let Some(retry) = self.retries.pop_front() {
            return Some(retry);
        }
        let (mut items, mut bytes) = (Vec::new(), 0_usize);
        while let Some((came_ns, item)) = self.waiting.pop_front() {
            let more = bytes.saturating_add(item.len());
            if !items.is_empty() && (items.len() >= batch.items_max || more > batch.bytes_max) {
                self.waiting.push_front((came_ns, item));
                break;
            }
            bytes = more;
            items.push(item);
        }
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
        (!items.is_empty()).then_some(Batch { items, tries: 0 })
    }

    pub(super) fn again(&mut self, batch: Batch) {
        self.retries.push_back(batch);
    }

    /// A batch was too large for the receiver.
    pub(super) fn halve(&mut self, batch: Batch) {
        let Batch { mut items, tries } = batch;
        let second = items.split_off(items.len() / 2);
        for items in [second, items] {
            self.retries.push_front(Batch { items, tries });
        }
    }

    pub(super) fn items(&self) -> usize {
        let retries = self.retries.iter().map(|batch| batch.items.len());
        retries.fold(self.waiting.len(), usize::saturating_add)
    }
}
