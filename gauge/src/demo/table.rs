//! The live table, which is made from `/stats/prometheus` alone.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use serde::Serialize;
use simulators::console;
use simulators::envoy::Stats;

use super::numbers::{compact, grouped, whole};

/// The row of one model.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    model: String,
    requests: u64,
    errors: u64,
    cancelled: u64,
    /// Bounds of histogram buckets; `None` without samples or beyond the last bound.
    duration_p50_ms: Option<f64>,
    duration_p95_ms: Option<f64>,
    first_token_p50_ms: Option<f64>,
    input_tokens: u64,
    output_tokens: u64,
    /// The cost by the shipped prices. Tokens of streams without usage are estimated.
    cost_dollars: f64,
    /// Tokens without a price.
    unpriced_tokens: u64,
}

/// Returns the rows of all models.
pub(super) fn rows(stats: &Stats) -> Vec<Row> {
    let row = |model: String| {
        let of_model = ("model", model.as_str());
        let quantile = |name, quantile| {
            let bound = stats.quantile(name, &[of_model], quantile);
            bound.filter(|bound| bound.is_finite())
        };
        let tokens = |kind| whole(stats.sum("llm_tokens_total", &[of_model, ("type", kind)]));
        let requests = |status| whole(stats.sum("llm_requests_total", &[of_model, ("status", status)]));
        Row {
            requests: whole(stats.sum("llm_requests_total", &[of_model])),
            errors: requests("error"),
            cancelled: requests("cancelled"),
            duration_p50_ms: quantile("llm_request_duration_milliseconds", 0.5),
            duration_p95_ms: quantile("llm_request_duration_milliseconds", 0.95),
            first_token_p50_ms: quantile("llm_time_to_first_token_milliseconds", 0.5),
            input_tokens: tokens("input"),
            output_tokens: tokens("output"),
            cost_dollars: dollars(stats, &[of_model]),
            unpriced_tokens: whole(stats.sum("llm_unpriced_tokens_total", &[of_model])),
            model: model.clone(),
        }
    };
    stats.values_of("llm_requests_total", "model").into_iter().map(row).collect()
}

fn dollars(stats: &Stats, labels: &[(&str, &str)]) -> f64 {
    stats.sum("llm_cost_nanodollars_total", labels) / 1e9
}

/// Returns the total cost, and the part of each provider.
pub(super) fn cost(stats: &Stats) -> String {
    let providers = stats.values_of("llm_cost_nanodollars_total", "provider");
    let parts = providers.into_iter().map(|provider| {
        let of_provider = dollars(stats, &[("provider", &provider)]);
        format!("{provider} ${of_provider:.4}")
    });
    let unpriced = stats.sum("llm_unpriced_tokens_total", &[]);
    let unpriced = (unpriced > 0.0).then(|| format!("{} tokens without a price", grouped(unpriced)));
    let parts: Vec<_> = parts.chain(unpriced).collect();
    format!("cost: ${:.4} ({})", dollars(stats, &[]), parts.join(", "))
}

/// The display of a run: redrawn in place on a terminal of any width, else an occasional line.
pub(super) struct LiveTable {
    /// `None` if standard error is no terminal.
    screen: Option<ProgressBar>,
}

impl LiveTable {
    pub(super) fn new() -> Self {
        let style =
            ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let screen = ProgressBar::new_spinner().with_style(style).with_finish(ProgressFinish::Abandon);
        Self { screen: io::stderr().is_terminal().then_some(screen) }
    }

    /// Returns the useful interval between two calls of [`LiveTable::show`] in milliseconds.
    pub(super) fn interval_ms(&self) -> u64 {
        if self.screen.is_some() { 250 } else { 5_000 }
    }

    /// Shows a scrape under a heading on standard error, so that standard output has the result alone. A closed pipe is
    /// ignored.
    pub(super) fn show(&mut self, heading: &str, stats: &Stats) {
        match &self.screen {
            Some(screen) => {
                screen.set_message(lines(heading, stats).join("\n"));
                screen.tick();
            }
            None => console::note(format_args!("{heading}\n  {}", in_one_line(stats))),
        }
    }
}

fn in_one_line(stats: &Stats) -> String {
    let requests = |status| grouped(stats.sum("llm_requests_total", &[("status", status)]));
    let tokens = |kind| grouped(stats.sum("llm_tokens_total", &[("type", kind)]));
    format!(
        "{} answered, {} failed, {} cancelled, {} active; tokens: {} in, {} out; ${:.4}",
        requests("success"),
        requests("error"),
        requests("cancelled"),
        grouped(stats.sum("llm_active_requests", &[])),
        tokens("input"),
        tokens("output"),
        dollars(stats, &[]),
    )
}

/// Returns the whole table. No line of it is longer than [`console::COLUMNS`].
pub(super) fn lines(heading: &str, stats: &Stats) -> Vec<String> {
    let bound = |bound: Option<f64>| bound.map_or("-".to_owned(), |bound| format!("<={}", grouped(bound)));
    let header = ["model", "requests", "errors", "left", "p50 ms", "p95 ms", "TTFT p50", "tokens in", "out"];
    let mut cells = vec![header.map(str::to_owned).to_vec()];
    cells.extend(rows(stats).into_iter().map(|row| {
        vec![
            row.model,
            grouped(row.requests as f64),
            grouped(row.errors as f64),
            grouped(row.cancelled as f64),
            bound(row.duration_p50_ms),
            bound(row.duration_p95_ms),
            bound(row.first_token_p50_ms),
            compact(row.input_tokens as f64),
            compact(row.output_tokens as f64),
        ]
    }));
    let mut lines = vec![heading.to_owned(), String::new()];
    lines.extend(console::table(&cells, 1));
    let active = stats.values_of("llm_active_requests", "provider").into_iter().map(|provider| {
        let running = stats.sum("llm_active_requests", &[("provider", &provider)]);
        format!("{provider} {}", grouped(running))
    });
    lines.push(String::new());
    lines.extend(console::wrapped(&cost(stats)));
    lines.extend(console::wrapped(&super::judge::line(stats)));
    lines.extend(console::wrapped(&format!("active: {}", active.collect::<Vec<_>>().join(", "))));
    lines
}

#[cfg(test)]
mod tests {
    use super::{Stats, lines};

    #[test]
    fn the_table_fits_and_shows_the_numbers() {
        let stats = Stats::parse(
            r#"
            llm_requests_total{provider="p",model="a-model-with-a-name-of-forty-characters-",status="success"} 1234567
            llm_requests_total{provider="p",model="a-model-with-a-name-of-forty-characters-",status="error"} 3
            llm_tokens_total{provider="p",model="a-model-with-a-name-of-forty-characters-",type="input"} 123456789
            llm_request_duration_milliseconds_bucket{model="a-model-with-a-name-of-forty-characters-",le="300000"} 9
            llm_request_duration_milliseconds_bucket{model="a-model-with-a-name-of-forty-characters-",le="+Inf"} 10
            llm_active_requests{provider="p"} 7
            llm_cost_nanodollars_total{provider="p",model="a-model-with-a-name-of-forty-characters-",type="input"} 1200000000
            llm_cost_nanodollars_total{provider="p",model="a-model-with-a-name-of-forty-characters-",type="output"} 34560000
            llm_cost_nanodollars_total{provider="q",model="m",type="output"} 100000
            llm_unpriced_tokens_total{provider="q",model="m"} 1234
            llm_evaluations_total{model="m",criterion="faithfulness",score="5"} 1
            llm_evaluations_total{model="m",criterion="faithfulness",score="4"} 1
            llm_evaluation_points_total{model="m",criterion="faithfulness"} 9
            llm_hallucinations_total{model="m",verdict="yes"} 1
            llm_hallucinations_total{model="m",verdict="no"} 3
            "#,
        );
        let picture = lines("heading", &stats.unwrap());
        assert!(picture.iter().all(|line| line.chars().count() <= 80), "{picture:#?}");
        let row = &picture[3];
        for part in ["1,234,570", " 3 ", "123.5M", "<=300,000"] {
            assert!(row.contains(part), "{part}: {row}");
        }
        let ending = [
            "cost: $1.2347 (p $1.2346, q $0.0001, 1,234 tokens without a price)",
            "judged: faithfulness 4.50; hallucination rate: 25 %",
            "active: p 7",
        ];
        assert_eq!(picture[picture.len() - 3..], ending);
    }
}
