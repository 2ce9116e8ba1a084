//! What several workers of one proxy share: metrics, shared data, queues and the clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The state of one proxy, shared by the guests that are its workers. Clones share it too.
#[derive(Clone, Default)]
pub struct SharedProxyState(Arc<Mutex<ProxyState>>);

/// The kinds of metrics the ABI knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetricKind {
    /// Only goes up.
    Counter,
    /// Goes up and down, and wraps below zero as Envoy's does.
    Gauge,
    /// Keeps every sample: exact here, where Envoy's is approximate.
    Histogram,
}

/// One metric as the proxy holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// What it is; the same name may exist once per kind.
    pub kind: MetricKind,
    /// The value of a counter or a gauge.
    pub value: u64,
    /// The samples of a histogram, in order.
    pub samples: Vec<u64>,
}

/// The state that workers share, reached through [`SharedProxyState::lock`].
#[derive(Default)]
pub struct ProxyState {
    /// Metrics by full name, labels inside the name as the filter wrote them.
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
    /// The VM id it was registered under.
    pub vm_id: String,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub items: VecDeque<Vec<u8>>,
    owner: Address,
}

/// Time, in nanoseconds. It moves only by [`SharedProxyState::advance_ms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Since the epoch.
    pub wall_ns: u64,
    /// Since some start that means nothing.
    pub monotonic_ns: u64,
}

/// A guest and a root context in it: where a queue's wake-ups go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) vm: u32,
    pub(crate) context: u32,
}

#[derive(Debug, Clone, Copy)]
struct WakeUp {
    to: Address,
    queue: u32,
}

impl SharedProxyState {
    /// The state of a fresh proxy.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is inside. Let go of it before calling a guest.
    pub fn lock(&self) -> MutexGuard<'_, ProxyState> {
        // A test that panicked while it looked leaves the values as they were.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves both clocks on.
    pub fn advance_ms(&self, ms: u64) {
        let clock = &mut self.lock().clock;
        clock.wall_ns += ms * 1_000_000;
        clock.monotonic_ns += ms * 1_000_000;
    }
}

impl Default for Clock {
    fn default() -> Self {
        // Neither starts at zero, so that a filter which takes zero for "not yet" is found out by a plain run.
        Self { wall_ns: 1_750_000_000_000_000_000, monotonic_ns: 10_000_000_000 }
    }
}

impl ProxyState {
    /// Milliseconds on the monotonic clock.
    pub fn now_ms(&self) -> u64 {
        self.clock.monotonic_ns / 1_000_000
    }

    /// The metric of this name and kind, made if need be.
    pub(crate) fn metric(&mut self, kind: MetricKind, name: &str) -> &mut Metric {
        let fresh = Metric { kind, value: 0, samples: Vec::new() };
        self.metrics.entry((name.to_owned(), kind)).or_insert(fresh)
    }

    /// Stores a value, unless `cas` names another version than the one that is there.
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

    /// Registers a queue, or takes over its wake-ups from whoever registered it before: items stay.
    pub(crate) fn register_queue(&mut self, vm_id: &str, name: &str, owner: Address) -> u32 {
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

    /// The id of a queue by name.
    pub(crate) fn resolve_queue(&self, vm_id: &str, name: &str) -> Option<u32> {
        let mut queues = self.queues.iter();
        let found = queues.find(|(_, queue)| queue.vm_id == vm_id && queue.name == name);
        found.map(|(id, _)| *id)
    }

    /// Adds an item and wakes the owner, once per item as Envoy does.
    pub(crate) fn enqueue(&mut self, id: u32, item: Vec<u8>) -> bool {
        let Some(queue) = self.queues.get_mut(&id) else {
            return false;
        };
        queue.items.push_back(item);
        self.wake_ups.push_back(WakeUp { to: queue.owner, queue: id });
        true
    }

    /// The next wake-up for a guest: the root context it goes to, and the queue.
    pub(crate) fn take_wake_up(&mut self, vm: u32) -> Option<(u32, u32)> {
        let mine = |wake_up: &WakeUp| wake_up.to.vm == vm;
        let at = self.wake_ups.iter().position(mine)?;
        let wake_up = self.wake_ups.remove(at)?;
        Some((wake_up.to.context, wake_up.queue))
    }

    /// A number for a new guest.
    pub(crate) fn admit(&mut self) -> u32 {
        self.last_vm += 1;
        self.last_vm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Address = Address { vm: 1, context: 1 };
    const SECOND: Address = Address { vm: 2, context: 1 };

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
