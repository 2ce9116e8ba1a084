//! `cargo gauge demo --observe`: runs the alerts of the operator's side and prints their course.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::json;
use simulators::console;

use super::DemoArgs;
use crate::observe::servers::Programs;
use crate::observe::{MonitoringStack, journal};

/// Runs the demo. It is an error if an alert does not reach its expected state in time.
pub(super) fn run(args: &DemoArgs) -> Result<ExitCode> {
    let programs = Programs::find().context("--observe runs Debian's Prometheus and Alertmanager")?;
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime for the demo")?;
    runtime.block_on(observe_alerts(args, &programs))
}

async fn observe_alerts(args: &DemoArgs, programs: &Programs) -> Result<ExitCode> {
    console::note("starting Envoy, simulated providers, two judges, Prometheus and Alertmanager");
    let stage = MonitoringStack::start(programs).await?;
    let prometheus = stage.servers.prometheus.address();
    console::note(format_args!(
        "prometheus: http://{prometheus}, alertmanager: http://{}\n",
        stage.servers.alertmanager
    ));
    let journal = stage.observe(|news| console::note(news)).await?;
    if args.json {
        console::print_line(serde_json::to_string_pretty(&json!({"alerts": journal.seen()}))?)?;
    } else {
        console::print_line("")?;
        for line in journal.lines() {
            console::print_line(line)?;
        }
        let count = journal::ALERTS.len();
        console::print_line(format_args!(
            "\nAll {count} alerts were fired by traffic through Envoy, delivered, and resolved."
        ))?;
    }
    if let Some(folder) = &args.pictures {
        for path in stage.pictures(folder).await? {
            console::note(path.display());
        }
    }
    if args.serve {
        console::note(format_args!(
            "\nStill running without faults; Ctrl-C ends it. Alerts: http://{prometheus}/alerts"
        ));
        tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")?;
    }
    Ok(ExitCode::SUCCESS)
}
