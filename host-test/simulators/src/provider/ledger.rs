//! What a provider got and sent, so that a meter's numbers have something to be compared with.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use tokio::sync::watch;

use super::script::Tokens;

/// How many exchanges are kept one by one; totals go on beyond that.
const ENTRIES_MAX: usize = 10_000;

/// How much of each body is kept.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Of how many pieces of each body the time is kept.
const TIMES_MAX: usize = 1024;

/// One exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its number: in `x-sim-exchange`, too.
    pub id: u64,
    /// The model that was asked for.
    pub model: String,
    /// The request's body, up to a mebibyte.
    pub request: Vec<u8>,
    /// How long the request's body was.
    pub request_bytes: usize,
    /// What its head said of that: `content-length`.
    pub request_length: Option<String>,
    /// Its `accept-encoding`.
    pub accept_encoding: Option<String>,
    /// The usage that was put on the wire so far; a stream's last word replaces earlier ones.
    pub reported: Tokens,
    /// The body as far as it was sent, up to a mebibyte.
    pub body: Vec<u8>,
    /// When each piece of the body was handed over to be sent, counted from when the request had come as a whole; of
    /// the first 1024 pieces.
    pub sent_after: Vec<Duration>,
    /// Whether the body was sent to its proper end.
    pub complete: bool,
    began: Option<Instant>,
}

/// Sums over all exchanges with one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that arrived.
    pub requests: u64,
    /// Answers that were sent to their end, errors among them.
    pub complete: u64,
    /// Usage that was put on the wire.
    pub reported: Tokens,
}

/// All exchanges of a provider.
#[derive(Debug, Default)]
pub struct Ledger {
    books: Mutex<Books>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Books {
    last_id: u64,
    entries: VecDeque<Entry>,
    totals: BTreeMap<String, Totals>,
}

impl Ledger {
    /// The exchange of this number, unless it is older than the last 10,000.
    #[must_use]
    pub fn entry(&self, id: u64) -> Option<Entry> {
        self.books().entries.iter().find(|entry| entry.id == id).cloned()
    }

    /// The exchanges that are kept, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.books().entries.iter().cloned().collect()
    }

    /// Sums by model asked for.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<String, Totals> {
        self.books().totals.clone()
    }

    /// Waits until this many requests for the model have arrived.
    pub async fn arrived(&self, model: &str, count: u64) {
        let mut changes = self.changes.subscribe();
        let enough = || self.books().totals.get(model).is_some_and(|totals| totals.requests >= count);
        while !enough() && changes.changed().await.is_ok() {}
    }

    /// Notes what came up with an exchange that has begun.
    pub(super) fn came(&self, id: u64, head: &HeaderMap, body: &[u8]) {
        let text = |name| head.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        self.books().with(id, |entry, _| {
            entry.request = body.get(..BODY_BYTES_MAX).unwrap_or(body).to_vec();
            entry.request_bytes = body.len();
            entry.request_length = text("content-length");
            entry.accept_encoding = text("accept-encoding");
        });
    }

    pub(super) fn begin(&self, model: &str) -> u64 {
        let id = {
            let mut books = self.books();
            books.last_id += 1;
            let id = books.last_id;
            books.totals.entry(model.to_owned()).or_default().requests += 1;
            if books.entries.len() == ENTRIES_MAX {
                books.entries.pop_front();
            }
            books.entries.push_back(Entry {
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
        self.books().with(id, |entry, totals| {
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

    /// A panic elsewhere leaves the books consistent: every change is made in one go.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn with(&mut self, id: u64, change: impl FnOnce(&mut Entry, &mut Totals)) {
        // From the back: what changes is nearly always young.
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.id == id) {
            let totals = self.totals.entry(entry.model.clone()).or_default();
            change(entry, totals);
        }
    }
}

impl Tokens {
    /// Takes `old` out of a sum that it is in, and puts `new` in.
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
