//! `cargo gauge demo --observe`: the operator's side, for people.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::json;
use simulators::console;

use super::DemoArgs;
use crate::observe::servers::Programs;
use crate::observe::{MonitoringStack, journal};

/// Runs it. An alert that is not where it should be in time is an error.
pub(super) fn run(args: &DemoArgs) -> Result<ExitCode> {
    let programs = Programs::find().context("--observe runs Debian's Prometheus and Alertmanager")?;
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime for the demo")?;
    runtime.block_on(observed(args, &programs))
}

async fn observed(args: &DemoArgs, programs: &Programs) -> Result<ExitCode> {
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
        let count = journal::SHOWN.len();
        console::print_line(format_args!(
            "\nAll {count} alerts fired by traffic through Envoy, were delivered, and were over after it."
        ))?;
    }
    if let Some(folder) = &args.pictures {
        for path in stage.pictures(folder).await? {
            console::note(path.display());
        }
    }
    if args.serve {
        console::note(format_args!(
            "\nStill running, and well; Ctrl-C ends it. Alerts: http://{prometheus}/alerts"
        ));
        tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")?;
    }
    Ok(ExitCode::SUCCESS)
}
