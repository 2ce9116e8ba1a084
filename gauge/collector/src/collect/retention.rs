//! Deletes what is older than the operator wants to keep.
//!
//! Whole weeks are deleted, those of the weekly review: a week stays until all of it is old enough. So every week that a
//! review shows is complete. The writer deletes in small batches between those that it stores, so that no sender waits
//! long for it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::read::now_ns;
use super::until_stopped;
use super::writer::Job;
use crate::review::week::Week;

/// The interval between two looks for old rows.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// Maximum days of a retention: more than any database is old.
const DAYS_MAX: u32 = 36_500;

const NS_PER_DAY: i64 = 86_400_000_000_000;

/// The minimum age of what is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    days: u32,
}

impl Retention {
    /// Returns the start of the oldest week that stays at `now_ns`, in Unix nanoseconds.
    #[must_use]
    pub fn first_kept_ns(self, now_ns: i64) -> i64 {
        Week::of(now_ns.saturating_sub(i64::from(self.days).saturating_mul(NS_PER_DAY))).start_ns()
    }
}

impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refusal =
            || format!("expected days or weeks such as 90d or 13w, at most {DAYS_MAX}d, got `{text}`");
        let (number, days_each) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
            (Some(days), _) => (days, 1),
            (_, Some(weeks)) => (weeks, 7),
            _ => return Err(refusal()),
        };
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let days = number.parse::<u32>().ok().filter(|_| is_number).and_then(|n| n.checked_mul(days_each));
        let days = days.filter(|days| (1..=DAYS_MAX).contains(days)).ok_or_else(refusal)?;
        Ok(Self { days })
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}d", self.days)
    }
}

/// Has old rows deleted until the collector stops.
pub(super) async fn run(retention: Retention, writing: mpsc::Sender<Job>, stopped: watch::Receiver<bool>) {
    let work = async {
        loop {
            while delete(retention.first_kept_ns(now_ns()), &writing).await {}
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = until_stopped(stopped) => {}
    }
}

/// Has a batch deleted. Returns whether there is more to do.
async fn delete(before_ns: i64, writing: &mpsc::Sender<Job>) -> bool {
    let (done, more) = oneshot::channel();
    // An error means that the collector is stopping.
    writing.send(Job::Delete { before_ns, done }).await.is_ok() && more.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_days_or_weeks() {
        let days = |text: &str| text.parse::<Retention>().map(|retention| retention.to_string());
        assert_eq!(days("90d"), Ok("90d".into()));
        assert_eq!(days("13w"), Ok("91d".into()));
        assert_eq!(days("36500d"), Ok("36500d".into()));
        for text in
            ["", "90", "d", "0d", "-1d", "+1d", "1.5d", "36501d", "5215w", "99999999999d", "90 d", "3m"]
        {
            let words = format!("expected days or weeks such as 90d or 13w, at most 36500d, got `{text}`");
            assert_eq!(days(text), Err(words));
        }
    }

    #[test]
    fn a_week_stays_until_all_of_it_is_old() {
        let week = Week::numbered(2026, 10).unwrap();
        let kept: Retention = "7d".parse().unwrap();
        let next = week.plus(2).start_ns();
        assert_eq!(kept.first_kept_ns(next - 1), week.start_ns());
        assert_eq!(kept.first_kept_ns(next), week.plus(1).start_ns());
        assert_eq!("6d".parse::<Retention>().unwrap().first_kept_ns(next - 1), week.plus(1).start_ns());
    }
}
