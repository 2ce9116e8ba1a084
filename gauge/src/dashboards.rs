//! Grafana's dashboards, generated from one table: `cargo gauge dashboards` writes them to `envoy/grafana/`.
//!
//! - [`table`]: the panels, and the query of each
//! - [`grafana`]: a dashboard as Grafana imports it
//! - [`picture`]: the same panels as an SVG, drawn from the answers of a Prometheus

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
    /// The title in Grafana.
    pub title: &'static str,
    /// The panels, from left to right and from top to bottom.
    pub panels: &'static [Panel],
}

/// A panel.
#[derive(Debug)]
pub struct Panel {
    /// The title in Grafana.
    pub title: &'static str,
    /// The description, with everything that a reader has to know; empty if there is nothing to add.
    pub about: &'static str,
    /// The kind of visualisation.
    pub kind: Kind,
    /// The unit of the values.
    pub unit: Unit,
    /// PromQL expressions, and the legend of the series of each.
    pub queries: &'static [(&'static str, &'static str)],
}

/// The kinds of visualisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One number, an eighth of the width.
    Number,
    /// Lines over time, a third of the width.
    Lines,
    /// Stacked areas over time, a third of the width.
    Areas,
}

/// The units of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A count.
    Count,
    /// A count per second.
    PerSecond,
    /// A ratio from 0 to 1.
    Ratio,
    /// Seconds.
    Seconds,
    /// US dollars.
    Dollars,
    /// A score from 1 to 5.
    Score,
}

/// Replaces Grafana's variables in an expression: all providers and models, in compressed time. Grafana's rate interval
/// is four scrapes; here it is five, of one second each.
#[must_use]
pub fn filled_in(expression: &str) -> String {
    let plain =
        expression.replace("$__rate_interval", "5m").replace("$provider", ".*").replace("$model", ".*");
    compressed::expression(&plain)
}

/// Queries the data of a dashboard between two times: for each panel, the lines of each query.
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

/// The arguments of `cargo gauge dashboards`, which has none.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo gauge dashboards    after a change to gauge/src/dashboards/table.rs"
)]
pub struct DashboardsArgs {}

/// Returns the path and the content of every dashboard file.
pub fn files() -> Result<Vec<(PathBuf, String)>> {
    let folder = workspace_dir().join("envoy/grafana");
    let file = |dashboard: &Dashboard| -> Result<_> {
        let text = serde_json::to_string_pretty(&grafana::document(dashboard))? + "\n";
        Ok((folder.join(format!("{}.json", dashboard.name)), text))
    };
    table::ALL.iter().map(file).collect()
}

/// Runs `cargo gauge dashboards`.
pub fn run(_: &DashboardsArgs) -> Result<ExitCode> {
    for (path, text) in files()? {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        console::print_line(path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}
