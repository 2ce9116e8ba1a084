//! The open connections, and those of them that are closed to make room.
//!
//! A sender that is slow, or that sends nothing, must not keep others out. When all places of large bodies are taken and
//! another request waits for one, the requests that are received for longer than a grace period are refused. When all
//! connections are taken, a slow one is closed, or the one that was idle for the longest time. A request that is
//! complete is always answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{AcquireError, Notify, Semaphore, SemaphorePermit};

/// The table of open connections.
#[derive(Debug)]
pub(super) struct Connections {
    /// Maximum number of connections.
    max: usize,
    /// Time after which a request that is not complete may be cut off, if its room is wanted.
    grace: Duration,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: BTreeMap<u64, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    cut: Arc<Notify>,
    /// The point at which it was opened or last answered, in the order of all such events.
    order: u64,
    opened: Option<Instant>,
    /// Whether anything from it was ever stored. Of idle connections, those of strangers are closed first.
    has_stored: bool,
    requests: BTreeMap<u64, (Phase, Arc<Notify>)>,
}

/// The phases of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its body is received since that time.
    Receiving(Instant),
    /// The collector makes it wait.
    Waiting,
    /// It is complete, and being stored.
    Complete,
}

/// An open connection, which is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    id: u64,
    cut: Arc<Notify>,
    connections: Arc<Connections>,
}

/// A request of a connection, which is removed when this is dropped.
#[derive(Debug)]
pub(super) struct ActiveRequest {
    id: u64,
    connection: u64,
    cut: Arc<Notify>,
    connections: Arc<Connections>,
}

impl Connections {
    pub(super) fn new(max: usize, grace: Duration) -> Self {
        Self { max, grace, table: Mutex::default() }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn grace(&self) -> Duration {
        self.grace
    }

    pub(super) fn open(self: &Arc<Self>) -> Connection {
        let mut table = self.lock();
        let id = table.count();
        let entry = Entry { order: id, opened: Some(Instant::now()), ..Entry::default() };
        let cut = Arc::clone(&entry.cut);
        table.open.insert(id, entry);
        Connection { id, cut, connections: Arc::clone(self) }
    }

    /// Closes a connection if there are more than the maximum; not the newest, for which there is to be room. Returns
    /// whether one was closed.
    pub(super) fn make_room(&self) -> bool {
        let mut table = self.lock();
        if table.open.len() <= self.max {
            return false;
        }
        let newest = table.open.keys().next_back().copied();
        let candidates = table.open.iter().filter(|(id, _)| Some(**id) != newest);
        let best = candidates.filter_map(|(id, entry)| Some((entry.rank(self.grace)?, *id))).min();
        best.is_some_and(|(_, id)| table.cut(id))
    }

    /// Cuts off the requests that are received for longer than the grace period.
    fn cut_slow(&self) {
        let table = self.lock();
        let requests = table.open.values().flat_map(|entry| entry.requests.values());
        requests.filter(|(phase, _)| phase.is_late(self.grace)).for_each(|(_, cut)| cut.notify_one());
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Returns a number that is greater than all before.
    fn count(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn cut(&mut self, id: u64) -> bool {
        let cut = self.open.remove(&id);
        // `notify_one` is kept for a task that does not wait yet.
        cut.inspect(|entry| entry.cut.notify_one()).is_some()
    }
}

impl Phase {
    fn is_late(self, grace: Duration) -> bool {
        matches!(self, Self::Receiving(since) if since.elapsed() >= grace)
    }
}

impl Entry {
    fn is_slow(&self, grace: Duration) -> bool {
        let mut phases = self.requests.values().map(|(phase, _)| *phase);
        phases.clone().any(|phase| phase.is_late(grace)) && phases.all(|phase| phase != Phase::Complete)
    }

    /// Returns the rank among those to close, the lowest first; `None` if the connection must stay.
    fn rank(&self, grace: Duration) -> Option<(u8, u64)> {
        let is_new = self.opened.is_some_and(|opened| opened.elapsed() < grace);
        let rank = match (self.requests.is_empty(), self.has_stored) {
            (false, _) if self.is_slow(grace) => 0,
            (false, _) => return None,
            (true, false) if !is_new => 1,
            (true, false) => 2,
            (true, true) => 3,
        };
        Some((rank, self.order))
    }
}

impl Connection {
    /// Returns when the connection has to be closed.
    pub(super) async fn cut(&self) {
        self.cut.notified().await;
    }

    /// Adds a request, whose body is received from now on.
    pub(super) fn request(&self) -> ActiveRequest {
        let mut table = self.connections.lock();
        let (id, cut) = (table.count(), Arc::default());
        if let Some(entry) = table.open.get_mut(&self.id) {
            entry.requests.insert(id, (Phase::Receiving(Instant::now()), Arc::clone(&cut)));
        }
        ActiveRequest { id, connection: self.id, cut, connections: Arc::clone(&self.connections) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.lock().open.remove(&self.id);
    }
}

impl ActiveRequest {
    pub(super) fn enter(&self, phase: Phase) {
        let mut table = self.connections.lock();
        if let Some(entry) = table.open.get_mut(&self.connection) {
            entry.requests.insert(self.id, (phase, Arc::clone(&self.cut)));
        }
    }

    /// Records that the request was stored.
    pub(super) fn stored(&self) {
        let mut table = self.connections.lock();
        if let Some(entry) = table.open.get_mut(&self.connection) {
            entry.has_stored = true;
        }
    }

    /// Returns when the request is cut off.
    pub(super) async fn cut(&self) {
        self.cut.notified().await;
    }

    /// Waits for a permit, and cuts off slow requests as long as there is none.
    pub(super) async fn acquire<'a>(
        &self,
        permits: &'a Semaphore,
    ) -> Result<SemaphorePermit<'a>, AcquireError> {
        self.enter(Phase::Waiting);
        // Pinned, because a new wait would begin at the end of the queue.
        let mut acquiring = std::pin::pin!(permits.acquire());
        let permit = loop {
            tokio::select! {
                biased;
                permit = acquiring.as_mut() => break permit,
                () = tokio::time::sleep(self.connections.grace) => self.connections.cut_slow(),
            }
        };
        self.enter(Phase::Receiving(Instant::now()));
        permit
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let mut table = self.connections.lock();
        let order = table.count();
        if let Some(entry) = table.open.get_mut(&self.connection) {
            entry.requests.remove(&self.id);
            entry.order = order;
        }
    }
}
