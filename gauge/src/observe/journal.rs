//! The states of each alert, with their times.

use std::time::Instant;

use serde::Serialize;

use super::query::ActiveAlert;
use super::webhook::Notification;

/// The alerts of the demo, each with its receiver.
pub const ALERTS: [(&str, &str); 6] = [
    ("LLMHighLatency", "pager"),
    ("LLMHighErrorRate", "pager"),
    ("LLMLowFaithfulness", "chat"),
    ("LLMHallucinations", "review"),
    ("LLMCostHigh", "chat"),
    ("LLMTokenSpike", "review"),
];

/// The course of one alert, in seconds since the faults started. A time is `None` until the state is reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AlertCourse {
    /// The name of the alert.
    pub alert: &'static str,
    /// Prometheus reports it as pending.
    pub pending_s: Option<f64>,
    /// Prometheus reports it as firing.
    pub firing_s: Option<f64>,
    /// Alertmanager delivered it.
    pub delivered_s: Option<f64>,
    /// Prometheus reports it no longer.
    pub gone_s: Option<f64>,
    /// Alertmanager delivered that it is resolved.
    pub resolved_s: Option<f64>,
    /// The receiver of the notification.
    pub receiver: String,
    /// The summary in the notification.
    pub summary: String,
}

/// The courses of all alerts.
#[derive(Debug)]
pub struct Journal {
    began: Instant,
    notifications_read: usize,
    seen: Vec<AlertCourse>,
}

impl Journal {
    /// Returns a journal that begins now.
    #[must_use]
    pub fn begin() -> Self {
        let seen = ALERTS.iter().map(|&(alert, _)| AlertCourse { alert, ..AlertCourse::default() });
        Self { began: Instant::now(), notifications_read: 0, seen: seen.collect() }
    }

    /// Adds active alerts and delivered notifications, and returns a line for each new state.
    pub fn take(&mut self, active: &[ActiveAlert], notifications: &[Notification]) -> Vec<String> {
        let now = self.began.elapsed().as_secs_f64();
        let mut news = Vec::new();
        for seen in &mut self.seen {
            let mut active = active.iter().filter(|active| active.name == seen.alert).peekable();
            let is_active = active.peek().is_some();
            let is_firing = active.any(|active| active.is_firing);
            let mut note = |slot: &mut Option<f64>, is_so: bool, words: &str| {
                if is_so && slot.is_none() {
                    *slot = Some(now);
                    news.push(format!("{now:5.1} s  {} {words}", seen.alert));
                }
            };
            note(&mut seen.pending_s, is_active && !is_firing, "is pending");
            note(&mut seen.firing_s, is_firing, "fires");
            note(&mut seen.gone_s, seen.firing_s.is_some() && !is_active, "is inactive");
        }
        for notification in notifications.iter().skip(self.notifications_read) {
            self.read(notification, &mut news);
        }
        self.notifications_read = notifications.len();
        news
    }

    fn read(&mut self, notification: &Notification, news: &mut Vec<String>) {
        let came = notification.came.saturating_duration_since(self.began).as_secs_f64();
        let Some(seen) = self.seen.iter_mut().find(|seen| seen.alert == notification.alert) else { return };
        let (slot, words) = match notification.is_resolved {
            true => (&mut seen.resolved_s, "resolved"),
            false => (&mut seen.delivered_s, notification.summary.as_str()),
        };
        if slot.is_none() {
            *slot = Some(came);
            news.push(format!(
                "{came:5.1} s  {} delivered to {}: {words}",
                notification.alert, notification.receiver
            ));
            if !notification.is_resolved {
                seen.receiver.clone_from(&notification.receiver);
                seen.summary.clone_from(&notification.summary);
            }
        }
    }

    /// Returns the course of each alert so far.
    #[must_use]
    pub fn seen(&self) -> &[AlertCourse] {
        &self.seen
    }

    /// Whether all alerts have been delivered.
    #[must_use]
    pub fn all_delivered(&self) -> bool {
        self.seen.iter().all(|seen| seen.delivered_s.is_some())
    }

    /// Whether all alerts are inactive, and were delivered as resolved.
    #[must_use]
    pub fn all_resolved(&self) -> bool {
        self.seen.iter().all(|seen| seen.gone_s.is_some() && seen.resolved_s.is_some())
    }

    /// Returns a table of all courses.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let time = |at: Option<f64>| at.map_or("-".to_owned(), |at| format!("{at:.1} s"));
        let head = format!(
            "{:<20} {:>8} {:>8} {:>9}  {:<7} {:>8} {:>9}",
            "alert", "pending", "firing", "delivered", "to", "inactive", "resolved"
        );
        let rows = self.seen.iter().map(|seen| {
            format!(
                "{:<20} {:>8} {:>8} {:>9}  {:<7} {:>8} {:>9}",
                seen.alert,
                time(seen.pending_s),
                time(seen.firing_s),
                time(seen.delivered_s),
                seen.receiver,
                time(seen.gone_s),
                time(seen.resolved_s),
            )
        });
        [head].into_iter().chain(rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{ALERTS, ActiveAlert, Journal, Notification};

    #[test]
    fn the_journal_records_each_state_of_an_alert_once() {
        let mut journal = Journal::begin();
        let active = |is_firing| ALERTS.map(|(name, _)| ActiveAlert { name: name.to_owned(), is_firing });
        assert_eq!(journal.take(&active(false), &[]).len(), 6);
        assert_eq!(journal.take(&active(true), &[]).len(), 6);
        assert_eq!(journal.take(&active(true), &[]), [""; 0]);
        assert!(!journal.all_delivered());
        let notifications = |is_resolved| {
            ALERTS.map(|(alert, receiver)| Notification {
                receiver: receiver.to_owned(),
                alert: alert.to_owned(),
                is_resolved,
                summary: "it is so".to_owned(),
                came: Instant::now(),
            })
        };
        let mut all = notifications(false).to_vec();
        assert_eq!(journal.take(&active(true), &all).len(), 6);
        assert!(journal.all_delivered());
        assert_eq!(journal.take(&[], &all).len(), 6);
        assert!(!journal.all_resolved());
        all.extend(notifications(true));
        assert_eq!(journal.take(&[], &all).len(), 6);
        assert!(journal.all_resolved());
        assert_eq!(journal.seen()[0].receiver, "pager");
        assert!(journal.lines().iter().all(|line| line.len() <= 100));
    }
}
