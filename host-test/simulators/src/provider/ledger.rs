//! The ledger of a provider: received requests and sent responses, to be compared with a meter's numbers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use tokio::sync::watch;

use super::script::Tokens;

/// Maximum number of exchanges that are kept. Totals also count the older ones.
const ENTRIES_MAX: usize = 10_000;

/// Maximum bytes of each body that are kept.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Maximum number of pieces of each body whose times are kept.
const TIMES_MAX: usize = 1024;

/// One exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The number of the exchange, which is also in `x-sim-exchange`.
    pub id: u64,
    /// The model in the request.
    pub model: String,
    /// The request body, up to one mebibyte.
    pub request: Vec<u8>,
    /// The length of the request body in bytes.
    pub request_bytes: usize,
    /// The `content-length` of the request; `None` if the header is missing.
    pub request_length: Option<String>,
    /// The `accept-encoding` of the request; `None` if the header is missing.
    pub accept_encoding: Option<String>,
    /// The usage sent so far. A later usage of a stream replaces earlier ones.
    pub reported: Tokens,
    /// The response body as sent so far, up to one mebibyte.
    pub body: Vec<u8>,
    /// The time at which each piece of the body was passed to hyper, counted from the end of the request. Limited to
    /// the first 1024 pieces.
    pub sent_after: Vec<Duration>,
    /// Whether the body was sent completely.
    pub complete: bool,
    began: Option<Instant>,
}

/// Sums over all exchanges with one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that arrived.
    pub requests: u64,
    /// Answers that were sent completely, errors included.
    pub complete: u64,
    /// Usage that was sent.
    pub reported: Tokens,
}

/// All exchanges of a provider.
#[derive(Debug, Default)]
pub struct Ledger {
    state: Mutex<LedgerState>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct LedgerState {
    last_id: u64,
    entries: VecDeque<Entry>,
    totals: BTreeMap<String, Totals>,
}

impl Ledger {
    /// Returns the exchange of this number; `None` if it does not exist or is older than the last 10,000.
    #[must_use]
    pub fn entry(&self, id: u64) -> Option<Entry> {
        self.lock().entries.iter().find(|entry| entry.id == id).cloned()
    }

    /// Returns the exchanges that are kept, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().cloned().collect()
    }

    /// Returns sums by model in the request.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<String, Totals> {
        self.lock().totals.clone()
    }

    /// Waits until this many requests for the model have arrived.
    pub async fn arrived(&self, model: &str, count: u64) {
        let mut changes = self.changes.subscribe();
        let enough = || self.lock().totals.get(model).is_some_and(|totals| totals.requests >= count);
        while !enough() && changes.changed().await.is_ok() {}
    }

    /// Adds the request to an exchange that has begun.
    pub(super) fn record_request(&self, id: u64, head: &HeaderMap, body: &[u8]) {
        let text = |name| head.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        self.lock().with(id, |entry, _| {
            entry.request = body.get(..BODY_BYTES_MAX).unwrap_or(body).to_vec();
            entry.request_bytes = body.len();
            entry.request_length = text("content-length");
            entry.accept_encoding = text("accept-encoding");
        });
    }

    pub(super) fn begin(&self, model: &str) -> u64 {
        let id = {
            let mut state = self.lock();
            state.last_id += 1;
            let id = state.last_id;
            state.totals.entry(model.to_owned()).or_default().requests += 1;
            if state.entries.len() == ENTRIES_MAX {
                state.entries.pop_front();
            }
            state.entries.push_back(Entry {
                id,
                model: model.to_owned(),
                began: Some(Instant::now()),
                ..Entry::default()
            });
            id
        };
        self.changes.send_modify(|count| *count += 1);
        id
    }

    pub(super) fn sent(&self, id: u64, bytes: &[u8], reports: Option<Tokens>, last: bool) {
        self.lock().with(id, |entry, totals| {
            let room = BODY_BYTES_MAX.saturating_sub(entry.body.len()).min(bytes.len());
            entry.body.extend_from_slice(bytes.get(..room).unwrap_or_default());
            if let Some(began) = entry.began.filter(|_| entry.sent_after.len() < TIMES_MAX) {
                entry.sent_after.push(began.elapsed());
            }
            if let Some(now) = reports {
                totals.reported.replace(entry.reported, now);
                entry.reported = now;
            }
            if last {
                entry.complete = true;
                totals.complete += 1;
            }
        });
    }

    /// A panic elsewhere leaves the entries consistent: every change is a single call.
    fn lock(&self) -> MutexGuard<'_, LedgerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LedgerState {
    fn with(&mut self, id: u64, change: impl FnOnce(&mut Entry, &mut Totals)) {
        // From the back, because nearly all changes are to recent entries.
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.id == id) {
            let totals = self.totals.entry(entry.model.clone()).or_default();
            change(entry, totals);
        }
    }
}

impl Tokens {
    /// Replaces `old` by `new` in a sum.
    fn replace(&mut self, old: Self, new: Self) {
        self.input = self.input - old.input + new.input;
        self.output = self.output - old.output + new.output;
        self.cached = self.cached - old.cached + new.cached;
        self.cache_write = self.cache_write - old.cache_write + new.cache_write;
        self.reasoning = self.reasoning - old.reasoning + new.reasoning;
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Tokens};

    #[test]
    fn the_last_report_of_an_exchange_counts() {
        let ledger = Ledger::default();
        let (first, second) = (ledger.begin("m"), ledger.begin("m"));
        ledger.sent(first, b"ab", Some(Tokens { input: 10, output: 1, ..Tokens::default() }), false);
        ledger.sent(first, b"c", Some(Tokens { input: 10, output: 7, ..Tokens::default() }), true);
        ledger.sent(second, b"", Some(Tokens { input: 5, ..Tokens::default() }), false);
        let totals = ledger.totals()["m"];
        assert_eq!((totals.requests, totals.complete), (2, 1));
        assert_eq!(totals.reported, Tokens { input: 15, output: 7, ..Tokens::default() });
        let entry = ledger.entry(first).unwrap();
        assert_eq!((entry.body.as_slice(), entry.sent_after.len()), (b"abc".as_slice(), 2));
    }
}
