//! The state that the workers of one proxy share: metrics, shared data, queues and the clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The state of one proxy, shared by the guests that are its workers. Clones refer to the same state.
#[derive(Clone, Default)]
pub struct SharedProxyState(Arc<Mutex<ProxyState>>);

/// The kinds of metrics in the ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetricKind {
    /// A value that only increases.
    Counter,
    /// A value that increases and decreases, and wraps below zero as in Envoy.
    Gauge,
    /// A list of samples, exact here and approximate in Envoy.
    Histogram,
}

/// One metric as the proxy stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// The kind of the metric. One name may exist once per kind.
    pub kind: MetricKind,
    /// The value of a counter or a gauge.
    pub value: u64,
    /// The samples of a histogram, in order.
    pub samples: Vec<u64>,
}

/// The state that workers share, reached through [`SharedProxyState::lock`].
#[derive(Default)]
pub struct ProxyState {
    /// Metrics by full name, with the labels inside the name as the filter wrote them.
    pub metrics: BTreeMap<(String, MetricKind), Metric>,
    /// Shared data by VM id and key: the value and its compare-and-swap number.
    pub data: BTreeMap<(String, String), (Vec<u8>, u32)>,
    /// Queues by id.
    pub queues: BTreeMap<u32, Queue>,
    /// The clock all workers read.
    pub clock: Clock,
    last_cas: u32,
    last_vm: u32,
    wake_ups: VecDeque<WakeUp>,
}

/// One shared queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    /// The VM id that it was registered under.
    pub vm_id: String,
    /// The name of the queue.
    pub name: String,
    /// The items that wait in the queue.
    pub items: VecDeque<Vec<u8>>,
    owner: RootAddress,
}

/// The clocks of a proxy, in nanoseconds. They move only by [`SharedProxyState::advance_ms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Nanoseconds since the Unix epoch.
    pub wall_ns: u64,
    /// Nanoseconds since an arbitrary start.
    pub monotonic_ns: u64,
}

/// A guest and a root context in it, which gets the wake-ups of a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RootAddress {
    pub(crate) vm: u32,
    pub(crate) context: u32,
}

#[derive(Debug, Clone, Copy)]
struct WakeUp {
    to: RootAddress,
    queue: u32,
}

impl SharedProxyState {
    /// Returns the state of a new proxy.
    pub fn new() -> Self {
        Self::default()
    }

    /// Locks the state. Drop the lock before calling a guest.
    pub fn lock(&self) -> MutexGuard<'_, ProxyState> {
        // A test that panicked with the lock leaves the values as they were.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Advances both clocks.
    pub fn advance_ms(&self, ms: u64) {
        let clock = &mut self.lock().clock;
        clock.wall_ns += ms * 1_000_000;
        clock.monotonic_ns += ms * 1_000_000;
    }
}

impl Default for Clock {
    fn default() -> Self {
        // Neither clock starts at zero, so that a filter that treats zero as "not set" fails in any test.
        Self { wall_ns: 1_750_000_000_000_000_000, monotonic_ns: 10_000_000_000 }
    }
}

impl ProxyState {
    /// Returns the milliseconds on the monotonic clock.
    pub fn now_ms(&self) -> u64 {
        self.clock.monotonic_ns / 1_000_000
    }

    /// Returns the metric of this name and kind, and creates it if it does not exist.
    pub(crate) fn metric(&mut self, kind: MetricKind, name: &str) -> &mut Metric {
        let fresh = Metric { kind, value: 0, samples: Vec::new() };
        self.metrics.entry((name.to_owned(), kind)).or_insert(fresh)
    }

    /// Stores a value, unless `cas` is the number of another version than the stored one. Returns whether it did.
    pub(crate) fn set_data(&mut self, vm: &str, key: &str, value: Vec<u8>, cas: u32) -> bool {
        let place = (vm.to_owned(), key.to_owned());
        if let Some((_, current)) = self.data.get(&place)
            && cas != 0
            && cas != *current
        {
            return false;
        }
        self.last_cas += 1;
        self.data.insert(place, (value, self.last_cas));
        true
    }

    /// Registers a queue, or takes over its wake-ups from the previous owner. Its items stay.
    pub(crate) fn register_queue(&mut self, vm_id: &str, name: &str, owner: RootAddress) -> u32 {
        let id = self.resolve_queue(vm_id, name).unwrap_or_else(|| {
            let last = self.queues.last_key_value().map_or(0, |(id, _)| *id);
            last + 1
        });
        let queue = self.queues.entry(id).or_default();
        queue.vm_id = vm_id.to_owned();
        queue.name = name.to_owned();
        queue.owner = owner;
        id
    }

    /// Returns the id of a queue by its name.
    pub(crate) fn resolve_queue(&self, vm_id: &str, name: &str) -> Option<u32> {
        let mut queues = self.queues.iter();
        let found = queues.find(|(_, queue)| queue.vm_id == vm_id && queue.name == name);
        found.map(|(id, _)| *id)
    }

    /// Adds an item and wakes the owner, once per item as in Envoy. Returns whether the queue exists.
    pub(crate) fn enqueue(&mut self, id: u32, item: Vec<u8>) -> bool {
        let Some(queue) = self.queues.get_mut(&id) else {
            return false;
        };
        queue.items.push_back(item);
        self.wake_ups.push_back(WakeUp { to: queue.owner, queue: id });
        true
    }

    /// Takes the next wake-up for a guest: the root context that gets it, and the queue.
    pub(crate) fn take_wake_up(&mut self, vm: u32) -> Option<(u32, u32)> {
        let mine = |wake_up: &WakeUp| wake_up.to.vm == vm;
        let at = self.wake_ups.iter().position(mine)?;
        let wake_up = self.wake_ups.remove(at)?;
        Some((wake_up.to.context, wake_up.queue))
    }

    /// Returns a number for a new guest.
    pub(crate) fn next_vm_number(&mut self) -> u32 {
        self.last_vm += 1;
        self.last_vm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: RootAddress = RootAddress { vm: 1, context: 1 };
    const SECOND: RootAddress = RootAddress { vm: 2, context: 1 };

    #[test]
    fn the_last_registrant_is_woken_and_finds_the_items() {
        let mut proxy_state = ProxyState::default();
        let id = proxy_state.register_queue("vm", "jobs", FIRST);
        assert!(proxy_state.enqueue(id, b"a".to_vec()));
        assert_eq!(proxy_state.register_queue("vm", "jobs", SECOND), id);
        assert!(proxy_state.enqueue(id, b"b".to_vec()));

        assert_eq!(proxy_state.take_wake_up(1), Some((1, id)));
        assert_eq!(proxy_state.take_wake_up(1), None);
        assert_eq!(proxy_state.take_wake_up(2), Some((1, id)));
        assert_eq!(proxy_state.queues[&id].items.len(), 2);
        assert_eq!(proxy_state.resolve_queue("other", "jobs"), None);
        assert!(!proxy_state.enqueue(id + 1, Vec::new()));
    }

    #[test]
    fn compare_and_swap_refuses_an_old_version_only() {
        let mut proxy_state = ProxyState::default();
        assert!(proxy_state.set_data("", "k", b"1".to_vec(), 7), "absent: any");
        let (_, first) = proxy_state.data[&(String::new(), "k".to_owned())];
        assert!(proxy_state.set_data("", "k", b"2".to_vec(), 0), "0 never checks");
        assert!(!proxy_state.set_data("", "k", b"3".to_vec(), first));
        assert!(proxy_state.set_data("", "k", b"4".to_vec(), first + 1));
        assert_eq!(proxy_state.data[&(String::new(), "k".to_owned())].0, b"4");
    }
}
