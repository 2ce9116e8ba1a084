//! `cargo gauge`: builds, checks, tries and monitors the filter.

// `println!` panics if the reader has closed the pipe: see `simulators::console`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gauge::{
    build, check, collect, dashboards, demo, evaluate, formats, image, manifest, new_case, prices, replay,
    review,
};
use simulators::console;

/// Build, check and try the llm-gauge filter on this machine.
#[derive(Parser)]
#[command(name = "cargo gauge", bin_name = "cargo gauge", version, subcommand_required = true)]
#[command(arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Watch the filter count LLM traffic in a real Envoy, and check its counts.
    Demo(demo::DemoArgs),
    /// Build the release filter at target/plugin/llm_gauge.wasm.
    Build(build::BuildArgs),
    /// Check a plugin configuration; exits with 1 and the reason if it is invalid.
    Check(check::CheckArgs),
    /// List the wire formats that are read, and the providers that are known by their hosts.
    Formats,
    /// Run recorded exchanges through the real wasm in wasmtime: builds and runs `cargo replay`.
    Replay(replay::ReplayArgs),
    /// Write a case from a response's body, with what the engine reads of it.
    NewCase(new_case::NewCaseArgs),
    /// Have recorded exchanges scored by a judge; exits with 1 below a threshold.
    Evaluate(evaluate::EvaluateArgs),
    /// Make price rows for the configuration from the PyPI package genai-prices.
    Prices(prices::PricesArgs),
    /// Build the image from which gateways load the filter, and push it.
    Image(image::ImageArgs),
    /// Generate the PrometheusRule resource from the rules of Prometheus.
    PrometheusRule(manifest::PrometheusRuleArgs),
    /// Review the weeks of a database: its traffic, the quality of the answers, and what got worse.
    Review(review::ReviewArgs),
    /// Receive spans, scores and feedback over OTLP/HTTP, and store them in SQLite.
    Collect(collect::CollectArgs),
    /// Write Grafana's dashboards to envoy/grafana/.
    Dashboards(dashboards::DashboardsArgs),
}

fn main() -> ExitCode {
    console::exit_code(match Cli::parse().command {
        Command::Demo(args) => demo::run(args),
        Command::Build(args) => build::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Formats => formats::run(),
        Command::Replay(args) => replay::run(&args),
        Command::NewCase(args) => new_case::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Prices(args) => prices::run(&args),
        Command::Image(args) => image::run(&args),
        Command::PrometheusRule(args) => manifest::run(&args),
        Command::Review(args) => review::run(&args),
        Command::Collect(args) => collect::run(args),
        Command::Dashboards(args) => dashboards::run(&args),
    })
}
