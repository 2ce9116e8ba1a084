//! The panels. Rates, sums and quantiles are those of `envoy/prometheus/rules.yaml` if it has them, so that a panel and
//! an alert always show the same numbers.

mod cost;
mod filter;
mod latency;
mod overview;
mod quality;

use super::{Dashboard, Kind, Panel, Unit};

/// All dashboards, in the order of README.
pub const ALL: &[Dashboard] =
    &[overview::DASHBOARD, latency::DASHBOARD, cost::DASHBOARD, quality::DASHBOARD, filter::DASHBOARD];

const fn panel(
    title: &'static str,
    about: &'static str,
    kind: Kind,
    unit: Unit,
    queries: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel { title, about, kind, unit, queries }
}
