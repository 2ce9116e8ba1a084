//! The demo's collector: each exchange as a span, each score and each word of a user on it, in a database that is still
//! there afterwards.

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
pub(super) struct Kept {
    collector: Collector,
    db: PathBuf,
}

impl Kept {
    /// Starts one over a new database, and has the filter send there and take feedback.
    pub(super) async fn add(bootstrap: Bootstrap) -> Result<(Bootstrap, Self)> {
        let db = new(&target_dir().join("demo"))?;
        let listen = "127.0.0.1:0".parse().context("an address")?;
        let collector = Collector::start(Settings { db: db.clone(), listen, targets: Vec::new() }).await?;
        let exported = json!({"content": "sampled", "batch": {"interval_ms": 250}});
        let secret = format!("{:032x}", fastrand::u128(..));
        let bootstrap = bootstrap
            .exporting(collector.address(), exported)?
            .with_feedback(&json!({"secret": secret, "per_minute": 100_000}))?;
        Ok((bootstrap, Self { collector, db }))
    }

    /// Whether all of what the metrics count is in the database.
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
        Check::new("kept in SQLite", result, differences)
    }

    /// Where it is, as it is shortest to type from here.
    pub(super) fn db(&self) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        self.db.strip_prefix(here).unwrap_or(&self.db).display().to_string()
    }
}

/// The path of a database that is not there yet: what an earlier demo kept goes.
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
