//! Counts the results: shown on a terminal while the collector runs, printed at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::store::BatchOutcome;

/// Erases the current line of a terminal.
const ERASE: &str = "\r\x1b[K";

/// The interval between two updates of a terminal.
const SHOWN_EVERY: Duration = Duration::from_secs(1);

/// The results so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Requests that were stored.
    pub requests: u64,
    /// Requests that were refused for their contents. Senders should not send them again.
    pub refused: u64,
    /// Requests that could not be stored at that time. Their senders keep them.
    pub unavailable: u64,
    /// Connections that were closed to make room for others, because they were slow or idle.
    pub connections_closed: u64,
    /// Spans, scores and ratings that were deleted because of their age.
    pub deleted: u64,
    /// New spans.
    pub spans: u64,
    /// New scores and ratings.
    pub evaluations: u64,
    /// Rows that were sent again.
    pub known: u64,
    /// Spans and log records in good requests that are unknown, have no valid id, or the id of another row.
    pub rejected: u64,
    /// Forwarding targets, by kind and address.
    pub targets: BTreeMap<String, TargetTotals>,
}

/// The deliveries to one store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TargetTotals {
    /// Deliveries that it has accepted.
    pub delivered: u64,
    /// Deliveries that it has refused.
    pub refused: u64,
    /// Deliveries that were given up, because it did not know their spans or failed for too long.
    pub given_up: u64,
    /// Deliveries that were dropped, because too many waited.
    pub dropped: u64,
    /// Deliveries that wait.
    pub waiting: u64,
}

/// The totals, with notifications of their changes.
#[derive(Debug)]
pub(super) struct SharedTotals {
    totals: Mutex<Totals>,
    changes: watch::Sender<u64>,
}

impl SharedTotals {
    pub(super) fn new(targets: &[String]) -> Self {
        let targets = targets.iter().map(|name| (name.clone(), TargetTotals::default())).collect();
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

    /// Changes the counts of a target.
    pub(super) fn count_of(&self, target: &str, change: impl FnOnce(&mut TargetTotals)) {
        self.count(|totals| change(totals.targets.entry(target.to_owned()).or_default()));
    }
}

impl Totals {
    pub(super) fn add(&mut self, kept: &BatchOutcome) {
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
            (self.connections_closed, "slow connections closed"),
            (self.deleted, "deleted for their age"),
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

/// Prints a message on standard error, in place of the line that `show` may have left.
pub fn say(words: &str) {
    let mut standard_error = std::io::stderr().lock();
    let erase = if standard_error.is_terminal() { ERASE } else { "" };
    // A closed pipe does not stop a collector.
    let _ = writeln!(standard_error, "{erase}collect: {words}");
}

/// Shows one line that is rewritten every second, if standard error is a terminal.
pub(super) async fn show(totals_cell: Arc<SharedTotals>) {
    let mut standard_error = std::io::stderr();
    if !standard_error.is_terminal() {
        return;
    }
    let mut ticks = tokio::time::interval(SHOWN_EVERY);
    let mut before = totals_cell.totals();
    loop {
        ticks.tick().await;
        let totals = totals_cell.totals();
        let spans = totals.spans - before.spans;
        let evaluations = totals.evaluations - before.evaluations;
        let _ = write!(standard_error, "{ERASE}{totals} ({spans} + {evaluations} a second)");
        before = totals;
    }
}
