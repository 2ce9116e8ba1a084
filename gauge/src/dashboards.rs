//! Grafana's dashboards, made from one table: `cargo gauge dashboards` writes them to `envoy/grafana/`.
//!
//! - [`table`]: which panels there are, and what each asks Prometheus
//! - [`grafana`]: a dashboard as Grafana imports it
//! - [`picture`]: the same panels as an SVG, drawn from what a Prometheus answers

pub mod grafana;
pub mod picture;
pub mod table;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use simulators::console;
use simulators::workspace::workspace_dir;

use crate::observe::compressed;
use crate::observe::query::{Line, Prometheus};

/// A dashboard.
#[derive(Debug)]
pub struct Dashboard {
    /// The name of its file, and its `uid` in Grafana.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Its panels, from left to right and from the top down.
    pub panels: &'static [Panel],
}

/// A panel.
#[derive(Debug)]
pub struct Panel {
    /// Its heading.
    pub title: &'static str,
    /// What one has to know to read it.
    pub about: &'static str,
    /// How it looks.
    pub kind: Kind,
    /// What its numbers are.
    pub unit: Unit,
    /// What it shows: expressions, and the names of their series.
    pub queries: &'static [(&'static str, &'static str)],
}

/// How a panel looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One number, an eighth of the width.
    Number,
    /// Lines over time, a third of the width.
    Lines,
    /// Areas over time, one upon the other, a third of the width.
    Areas,
}

/// What numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Counts.
    Count,
    /// Counts a second.
    PerSecond,
    /// From 0 to 1.
    Ratio,
    /// Seconds.
    Seconds,
    /// US dollars.
    Dollars,
    /// From 1 to 5.
    Score,
}

/// What a panel's expression is for all providers and models, in compressed time: as Grafana would fill it in. The window
/// of rates is there four scrapes long; here it is five, of a second each.
#[must_use]
pub fn filled_in(expression: &str) -> String {
    let plain =
        expression.replace("$__rate_interval", "5m").replace("$provider", ".*").replace("$model", ".*");
    compressed::expression(&plain)
}

/// What the panels of a dashboard show between two times: of each panel each query's lines.
pub async fn data(
    dashboard: &Dashboard,
    prometheus: &Prometheus,
    from: f64,
    to: f64,
) -> Result<Vec<Vec<Vec<Line>>>> {
    let mut panels = Vec::new();
    for panel in dashboard.panels {
        let mut queries = Vec::new();
        for (expression, _) in panel.queries {
            queries.push(
                prometheus.range(&filled_in(expression), from, to, ((to - from) / 90.0).max(1.0)).await?,
            );
        }
        panels.push(queries);
    }
    Ok(panels)
}

/// The command takes nothing.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo gauge dashboards    after a change to gauge/src/dashboards/table.rs"
)]
pub struct DashboardsArgs {}

/// Every dashboard's file, and what should be in it.
pub fn files() -> Result<Vec<(PathBuf, String)>> {
    let folder = workspace_dir().join("envoy/grafana");
    let file = |dashboard: &Dashboard| -> Result<_> {
        let text = serde_json::to_string_pretty(&grafana::document(dashboard))? + "\n";
        Ok((folder.join(format!("{}.json", dashboard.name)), text))
    };
    table::ALL.iter().map(file).collect()
}

/// The command.
pub fn run(_: &DashboardsArgs) -> Result<ExitCode> {
    for (path, text) in files()? {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        console::print_line(path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}
