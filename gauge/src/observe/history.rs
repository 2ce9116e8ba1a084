//! A week of history for Prometheus: the usual usage of a model, which a demo cannot wait for.

use std::fmt::Write as _;

/// The model that will use more tokens than before.
pub const MODEL: &str = "text-embedding-3-small";

/// Tokens per hour in the past week.
pub const TOKENS_AN_HOUR: u64 = 100_000;

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// Returns OpenMetrics text: the recorded series of the rules, around this time on each of the past seven days. The
/// rules only query these times.
pub fn text(now: u64) -> String {
    let mut text = String::from("# TYPE llm:tokens:increase1h gauge\n");
    for day in (1..=7).rev() {
        let same_time = now - day * DAY_SECONDS;
        for time in (same_time - 600..same_time + 3600).step_by(60) {
            let _ = writeln!(
                text,
                "llm:tokens:increase1h{{provider=\"openai\",model=\"{MODEL}\"}} {TOKENS_AN_HOUR} {time}"
            );
        }
    }
    text + "# EOF\n"
}
