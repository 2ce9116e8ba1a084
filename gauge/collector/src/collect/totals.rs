//! What came of it all: counted while it runs, shown on a terminal, printed at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::store::Kept;

/// Takes a line off a terminal: back to its beginning, and all of it away.
const ERASE: &str = "\r\x1b[K";

/// Between two looks at a terminal.
const SHOWN_EVERY: Duration = Duration::from_secs(1);

/// What came of it so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Requests that were kept.
    pub requests: u64,
    /// Requests that were refused for what they are: nobody should send them again.
    pub refused: u64,
    /// Requests that could not be taken just then: the sender has them.
    pub unavailable: u64,
    /// Spans that are new.
    pub spans: u64,
    /// Scores and feedback that are new.
    pub evaluations: u64,
    /// Rows that came again.
    pub known: u64,
    /// Spans and log records in good requests that are none of ours, have no good id, or an id that means something
    /// else already.
    pub rejected: u64,
    /// Other stores, by kind and address.
    pub targets: BTreeMap<String, Passed>,
}

/// What became of what was to be passed on to one store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// It has them.
    pub delivered: u64,
    /// It does not want them.
    pub refused: u64,
    /// It did not know their spans, or failed at them, for too long.
    pub given_up: u64,
    /// They were too many to wait.
    pub dropped: u64,
    /// They still wait.
    pub waiting: u64,
}

/// The totals, for those who count and those who look.
#[derive(Debug)]
pub(super) struct Watched {
    totals: Mutex<Totals>,
    changes: watch::Sender<u64>,
}

impl Watched {
    pub(super) fn new(targets: &[String]) -> Self {
        let targets = targets.iter().map(|name| (name.clone(), Passed::default())).collect();
        let totals = Totals { targets, ..Totals::default() };
        Self { totals: Mutex::new(totals), changes: watch::Sender::default() }
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Totals)) {
        change(&mut self.totals.lock().unwrap_or_else(PoisonError::into_inner));
        self.changes.send_modify(|count| *count += 1);
    }

    /// Counts what a target is to get or has got.
    pub(super) fn count_of(&self, target: &str, change: impl FnOnce(&mut Passed)) {
        self.count(|totals| change(totals.targets.entry(target.to_owned()).or_default()));
    }
}

impl Totals {
    pub(super) fn add(&mut self, kept: &Kept) {
        let new = |places: &[usize]| u64::try_from(places.len()).unwrap_or_default();
        self.requests += 1;
        self.spans += new(&kept.spans.new);
        self.evaluations += new(&kept.evaluations.new);
        self.known += kept.spans.known + kept.evaluations.known;
        self.rejected += new(&kept.spans.in_conflict) + new(&kept.evaluations.in_conflict);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} spans and {} scores kept", self.spans, self.evaluations)?;
        let others = [
            (self.known, "came again"),
            (self.rejected, "rejected"),
            (self.refused, "requests refused"),
            (self.unavailable, "requests put off"),
        ];
        for (count, words) in others.into_iter().filter(|(count, _)| *count > 0) {
            write!(out, ", {count} {words}")?;
        }
        for (target, passed) in &self.targets {
            write!(out, "; {target}: {} delivered, {} waiting", passed.delivered, passed.waiting)?;
            let lost = passed.refused + passed.given_up + passed.dropped;
            if lost > 0 {
                write!(out, ", {lost} lost")?;
            }
        }
        Ok(())
    }
}

/// Says something for people, in place of the line that `show` may have left.
pub fn say(words: &str) {
    let mut standard_error = std::io::stderr().lock();
    let erase = if standard_error.is_terminal() { ERASE } else { "" };
    // A collector goes on where nobody reads what it says.
    let _ = writeln!(standard_error, "{erase}collect: {words}");
}

/// One line that is written over every second, where somebody looks.
pub(super) async fn show(watched: Arc<Watched>) {
    let mut standard_error = std::io::stderr();
    if !standard_error.is_terminal() {
        return;
    }
    let mut ticks = tokio::time::interval(SHOWN_EVERY);
    let mut before = watched.totals();
    loop {
        ticks.tick().await;
        let totals = watched.totals();
        let spans = totals.spans - before.spans;
        let evaluations = totals.evaluations - before.evaluations;
        let _ = write!(standard_error, "{ERASE}{totals} ({spans} + {evaluations} a second)");
        before = totals;
    }
}
