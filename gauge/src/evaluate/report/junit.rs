//! JUnit XML, in the subset that CI servers agree on: a test case for each exchange, and one for each threshold.
//!
//! Written here: the crate for it brings an XML writer, dates, UUIDs and ten crates, and the demo builds what this
//! command needs.

use std::fmt::Write as _;

use llm_gauge_engine::judge::HALLUCINATION;

use super::{JudgedExchange, Report, ThresholdResult};

/// Returns the report as a document.
pub(super) fn write(report: &Report) -> String {
    let exchanges: String = report.exchanges.iter().map(exchange).collect();
    let bars: String = report.bars.iter().map(bar).collect();
    let errors = report.exchanges.iter().filter(|it| it.is_unanswered()).count();
    let skipped =
        report.exchanges.iter().filter(|it| it.scores.is_empty() && it.hallucination.is_none()).count();
    let failures = report.bars.iter().filter(|threshold| !threshold.met).count();
    let suite = |name: &str, tests: usize, counts: String, cases: &str| {
        format!("  <testsuite name=\"{name}\" tests=\"{tests}\" {counts}>\n{cases}  </testsuite>\n")
    };
    let counts = format!("errors=\"{errors}\" skipped=\"{}\"", skipped - errors);
    let exchanges = suite("exchanges", report.exchanges.len(), counts, &exchanges);
    let bars = match report.bars.len() {
        0 => String::new(),
        count => suite("bars", count, format!("failures=\"{failures}\""), &bars),
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n{exchanges}{bars}</testsuites>\n")
}

fn exchange(it: &JudgedExchange) -> String {
    let mut inside = String::new();
    let mut property = |name: &str, value: &str, reason: &str| {
        let (name, value) = (escaped(name), escaped(&format!("{value}: {reason}")));
        let _infallible = writeln!(inside, "        <property name=\"{name}\" value=\"{value}\"/>");
    };
    it.scores.iter().for_each(|(name, score)| property(name, &score.score.to_string(), &score.reason));
    if let Some(finding) = &it.hallucination {
        property(HALLUCINATION, finding.verdict, &finding.reason);
    }
    let why = escaped(it.detail.as_deref().unwrap_or(it.outcome));
    let inside = match inside.is_empty() {
        false => format!("      <properties>\n{inside}      </properties>\n"),
        true if it.is_unanswered() => format!("      <error type=\"{}\" message=\"{why}\"/>\n", it.outcome),
        true => format!("      <skipped message=\"{why}\"/>\n"),
    };
    case(&it.folder, &it.case, &inside)
}

fn bar(threshold: &ThresholdResult) -> String {
    let inside = match threshold.mean {
        _ if threshold.met => String::new(),
        Some(mean) => format!(
            "      <failure message=\"expected a mean of at least {}, got {mean:.2}\"/>\n",
            threshold.bar
        ),
        None => "      <failure message=\"no score\"/>\n".to_owned(),
    };
    case("bars", &format!("{} >= {}", threshold.criterion, threshold.bar), &inside)
}

fn case(class: &str, name: &str, inside: &str) -> String {
    let (class, name) = (escaped(class), escaped(name));
    format!("    <testcase classname=\"{class}\" name=\"{name}\">\n{inside}    </testcase>\n")
}

/// Escapes text for an attribute. Characters that XML cannot represent become U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\r' | '\t' => {
                let _infallible = write!(escaped, "&#{};", u32::from(letter));
            }
            '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => escaped.push('\u{FFFD}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}
