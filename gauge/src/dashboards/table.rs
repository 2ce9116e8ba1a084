//! The panels. Rates, sums and quantiles are those of `envoy/prometheus/rules.yaml` wherever it has them, so that a
//! panel and an alert never tell different numbers.

mod cost;
mod itself;
mod latency;
mod overview;
mod quality;

use super::{Dashboard, Kind, Panel, Unit};

/// All of them, in the order of README.
pub const ALL: &[Dashboard] =
    &[overview::DASHBOARD, latency::DASHBOARD, cost::DASHBOARD, quality::DASHBOARD, itself::DASHBOARD];

const fn panel(
    title: &'static str,
    about: &'static str,
    kind: Kind,
    unit: Unit,
    queries: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel { title, about, kind, unit, queries }
}
