//! The demo's collector: stores each exchange as a span, with its scores and ratings, in a database that stays after
//! the demo.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use collector::collect::{Collector, Settings};
use serde_json::json;
use simulators::envoy::{Bootstrap, Stats};
use simulators::workspace::target_dir;

use super::checks::Check;

/// A running collector with its database.
#[derive(Debug)]
pub(super) struct DemoCollector {
    collector: Collector,
    db: PathBuf,
}

impl DemoCollector {
    /// Starts a collector with a new database, and configures the filter to export to it and to accept feedback.
    pub(super) async fn add(bootstrap: Bootstrap) -> Result<(Bootstrap, Self)> {
        let db = new(&target_dir().join("demo"))?;
        let listen = "127.0.0.1:0".parse().context("an address")?;
        let collector = Collector::start(Settings::new(db.clone(), listen)).await?;
        let exported = json!({"content": "sampled", "batch": {"interval_ms": 250}});
        let secret = format!("{:032x}", fastrand::u128(..));
        let bootstrap = bootstrap
            .exporting(collector.address(), exported)?
            .with_feedback(&json!({"secret": secret, "per_minute": 100_000}))?;
        Ok((bootstrap, Self { collector, db }))
    }

    /// Checks that everything that the metrics count is in the database.
    pub(super) fn check(&self, stats: &Stats) -> Check {
        let totals = self.collector.totals();
        let mut differences = Vec::new();
        let mut same = |what: &str, found: u64, expected: f64| {
            if found as f64 != expected {
                differences.push(format!("{what}: expected {expected}, found {found}"));
            }
        };
        same("spans", totals.spans, stats.sum("llm_requests_total", &[]));
        let said = ["llm_evaluations_total", "llm_hallucinations_total", "llm_feedback_total"];
        let said = said.iter().map(|name| stats.sum(name, &[])).sum();
        same("scores and ratings", totals.evaluations, said);
        same("dropped", stats.sum("llm_gauge_dropped_total", &[]) as u64, 0.0);
        let result = format!("{} spans, {} scores and ratings, none lost", totals.spans, totals.evaluations);
        Check::new("stored in SQLite", result, differences)
    }

    /// Returns the path of the database, relative to the current directory if it is below it.
    pub(super) fn db(&self) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        self.db.strip_prefix(here).unwrap_or(&self.db).display().to_string()
    }
}

/// Returns the path of a new database, and removes that of an earlier demo.
fn new(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    for file in ["gauge.db", "gauge.db-wal", "gauge.db-shm"] {
        let path = folder.join(file);
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(folder.join("gauge.db"))
}
