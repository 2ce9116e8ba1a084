//! The review for a terminal: 100 columns, no colours.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::drift::{Change, Measure, Verdict};
use super::plain::{grouped, name, p, per_cent, plain, short};
use super::report::{Finding, MeasuredValue, Model, ModelWeek, Review};
use super::week::Week;
use super::worst::{Annotation, WorstExchange};

/// Maximum columns of a line.
const COLUMNS: usize = 80;
/// The mark of a change for the worse.
pub const WORSE: &str = "▼";
/// The mark of a change for the better.
pub const BETTER: &str = "▲";

/// Returns the review as text.
pub fn text(review: &Review) -> String {
    let mut out = String::new();
    let (Some(first), Some(last)) = (review.weeks.first(), review.weeks.last()) else {
        return format!(
            "{}: no exchange yet. `cargo gauge collect` fills it once the filter's `telemetry` is sent there.\n",
            name(&review.database)
        );
    };
    line(&mut out, 0, &headline(review, *first, *last));
    out.push('\n');
    findings(&mut out, review);
    for model in &review.models {
        of_model(&mut out, review, model);
    }
    worst(&mut out, review);
    line(&mut out, 0, &rules(review));
    out
}

/// Returns the headline: database, weeks and numbers.
pub fn headline(review: &Review, first: Week, last: Week) -> String {
    let weeks = review.models.iter().flat_map(|model| &model.weeks);
    let requests = weeks.map(|week| week.requests).sum();
    format!(
        "{}: {first} to {last} ({} to {}, UTC), {}, {}",
        name(&review.database),
        first.monday(),
        last.sunday(),
        counted(review.models.len() as u64, "model"),
        counted(requests, "exchange"),
    )
}

fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

fn findings(out: &mut String, review: &Review) {
    if review.drifts.is_empty() {
        line(out, 0, "No drift: nothing got worse by more than noise.");
    }
    for (mark, findings) in [(WORSE, &review.drifts), (BETTER, &review.improvements)] {
        for finding in findings {
            line(out, 2, &format!("{mark} {}", describe_finding(finding)));
        }
    }
    out.push('\n');
}

/// Describes a change in a sentence.
pub fn describe_finding(finding: &Finding) -> String {
    let Some(change) = finding.judgement.decisive() else { return String::new() };
    let value = |value| shown(&finding.measure, value);
    let went = if change.by.difference < 0.0 { "fell" } else { "rose" };
    let ends = [change.by.low.abs(), change.by.high.abs()];
    let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    let against = if change.from == change.to {
        format!("against {}", change.to)
    } else {
        format!("against {} to {}", change.from, change.to)
    };
    format!(
        "{} {}: {} {went} by {} to {} (95 %: by {} to {}; {}) {against}",
        finding.week,
        name(&finding.model),
        name(finding.measure.name()),
        value(change.by.difference.abs()),
        value(finding.value),
        value(low),
        value(high),
        p(change.p_corrected),
    )
}

/// Formats a value of a measure.
pub fn shown(measure: &Measure, value: f64) -> String {
    if measure.is_rate() { per_cent(value) } else { format!("{value:.2}") }
}

fn of_model(out: &mut String, review: &Review, model: &Model) {
    line(out, 0, &name(&model.model));
    let weeks: Vec<_> = review.weeks.iter().map(|week| (*week, model.week(*week))).collect();
    let column = |head: &str, cell: &dyn Fn(&ModelWeek) -> String| {
        let cells = weeks.iter().map(|(_, week)| week.map_or_else(|| "-".to_owned(), cell));
        Column { head: head.to_owned(), cells: cells.collect() }
    };
    let named = weeks.iter().map(|(week, of_model)| match of_model {
        Some(of_model) if of_model.is_so_far => format!("{week} so far"),
        _ => week.to_string(),
    });
    let named = Column { head: "week".to_owned(), cells: named.collect() };
    let measures = review.measures();
    let traffic: Vec<_> = TRAFFIC.iter().map(|(head, cell)| column(head, cell)).collect();
    table(out, &named, &traffic);
    let quality = measures.iter().filter(|measure| **measure != Measure::Errors);
    let quality =
        quality.map(|measure| column(&name(measure.name()), &|week| estimate(week.measured(measure))));
    let agreement = column("judge = users", &agreement);
    table(out, &named, &quality.chain([agreement]).collect::<Vec<_>>());
    let changes = measures.iter().map(|measure| {
        column(&format!("Δ {}", name(measure.name())), &|week| change(measure, week.measured(measure)))
    });
    table(out, &named, &changes.collect::<Vec<_>>());
}

/// A heading, and the function for its cells.
pub type Heading = (&'static str, fn(&ModelWeek) -> String);

/// The columns of the traffic table.
pub const TRAFFIC: &[Heading] = &[
    ("requests", |week| grouped(week.requests)),
    ("errors", |week| match week.measured(&Measure::Errors) {
        Some(errors) => format!("{} ({})", grouped(week.errors), per_cent(errors.value)),
        None => "-".to_owned(),
    }),
    ("p50 ms", |week| optional(week.duration_p50_ms)),
    ("p99 ms", |week| optional(week.duration_p99_ms)),
    ("1st token", |week| optional(week.first_token_p50_ms)),
    ("tokens in", |week| short(week.input_tokens as f64)),
    ("out", |week| short(week.output_tokens as f64)),
    ("cost USD", cost),
];

/// Returns the cost of a week, with the exchanges that have no price.
pub fn cost(week: &ModelWeek) -> String {
    match week.unpriced_requests {
        0 => format!("{:.2}", week.cost_dollars()),
        unpriced
            if unpriced == week.requests - week.errors.min(week.requests) || week.cost_nanodollars == 0 =>
        {
            "no price".to_owned()
        }
        unpriced => format!("{:.2} + {} unpriced", week.cost_dollars(), grouped(unpriced)),
    }
}

fn optional(ms: Option<u32>) -> String {
    ms.map_or_else(|| "-".to_owned(), |ms| grouped(ms.into()))
}

/// Returns a mean or a rate with its interval and its sample size.
pub fn estimate(measured: Option<&MeasuredValue>) -> String {
    let Some(measured) = measured else { return "-".to_owned() };
    let mark = mark(measured.judgement.verdict);
    let value = shown(&measured.measure, measured.value);
    let interval = measured.interval.map_or_else(
        || "-".to_owned(),
        |(low, high)| match measured.is_rate {
            true => format!("{:.1}-{:.1}", low * 100.0, high * 100.0),
            false => format!("{low:.2}-{high:.2}"),
        },
    );
    format!("{mark}{value} ({interval}, n {})", measured.n)
}

fn mark(verdict: Verdict) -> String {
    match verdict {
        Verdict::Worse => format!("{WORSE} "),
        Verdict::Better => format!("{BETTER} "),
        Verdict::Noise | Verdict::NotCompared => String::new(),
    }
}

/// Returns the agreement of judge and users.
pub fn agreement(week: &ModelWeek) -> String {
    let Some(agreement) = week.agreement else { return "-".to_owned() };
    let kappa = agreement.kappa.map_or_else(|| "-".to_owned(), |kappa| format!("{kappa:.2}"));
    format!("{:.0} % (κ {kappa}, n {})", agreement.rate * 100.0, agreement.n)
}

/// Returns the difference of a week from the one before. Without a mark it is noise.
pub fn change(measure: &Measure, measured: Option<&MeasuredValue>) -> String {
    let Some(measured) = measured else { return "-".to_owned() };
    let Some(Change { by, .. }) = measured.judgement.against_week_before else { return "-".to_owned() };
    let difference = match measure.is_rate() {
        true => format!("{:+.1} pt", by.difference * 100.0),
        false => format!("{:+.2}", by.difference),
    };
    format!("{}{difference}", mark(measured.judgement.verdict))
}

struct Column {
    head: String,
    cells: Vec<String>,
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().chain([&self.head]);
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    }
}

/// Writes as many columns as fit, and the others below, each time with the first column.
fn table(out: &mut String, first: &Column, columns: &[Column]) {
    let mut rest = columns;
    while !rest.is_empty() {
        let mut width = first.width() + 2;
        let fitting = rest.iter().take_while(|column| {
            width += column.width() + 2;
            width <= COLUMNS
        });
        let (now, later) = rest.split_at(fitting.count().max(1));
        rows(out, first, now);
        rest = later;
    }
}

fn rows(out: &mut String, first: &Column, columns: &[Column]) {
    let mut row = |of: &dyn Fn(&Column) -> String| {
        let begin = of(first);
        let mut line = format!("  {begin}{}", " ".repeat(first.width() - begin.width()));
        for column in columns {
            let cell = of(column);
            let _ = write!(line, "  {}{cell}", " ".repeat(column.width() - cell.width()));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    };
    row(&|column| column.head.clone());
    for place in 0..first.cells.len() {
        row(&|column| column.cells.get(place).cloned().unwrap_or_default());
    }
    out.push('\n');
}

/// Writes the worst exchanges of the newest week, and of weeks with drift.
fn worst(out: &mut String, review: &Review) {
    for model in &review.models {
        for week in model.weeks.iter().rev() {
            let has_drift = week.measures.iter().any(|measured| measured.judgement.verdict == Verdict::Worse);
            if week.worst.is_empty() || !(review.is_new(week.week) || has_drift) {
                continue;
            }
            line(out, 0, &format!("{} {}: the worst exchanges", week.week, name(&model.model)));
            for (place, bad) in week.worst.iter().enumerate() {
                one(out, place + 1, bad);
            }
            out.push('\n');
        }
    }
}

fn one(out: &mut String, place: usize, bad: &WorstExchange) {
    line(out, 2, &format!("{place:2}. {}  trace {}", bad.at, name(&bad.trace_id)));
    for (head, text) in [("asked", &bad.question), ("answer", &bad.answer)] {
        if let Some(text) = text {
            line(out, 6, &format!("{head}: {}", one_line(text)));
        }
    }
    let scores: Vec<_> = bad.words.iter().filter(|word| !word.is_by_user).map(scored).collect();
    if !scores.is_empty() {
        line(out, 6, &format!("judge: {}", scores.join("; ")));
    }
    for word in bad.words.iter().filter(|word| word.is_by_user) {
        line(out, 6, &format!("user: {}", by_user(word)));
    }
}

fn scored(word: &Annotation) -> String {
    let score = format!("{} {}", name(&word.name), name(&word.label));
    word.explanation.as_ref().map_or(score.clone(), |reason| format!("{score} ({})", one_line(reason)))
}

fn by_user(word: &Annotation) -> String {
    let label = name(&word.label);
    word.explanation.as_ref().map_or(label.clone(), |comment| format!("{label}, \"{}\"", one_line(comment)))
}

/// Returns the beginning of a text, for a terminal. The page and `--json` have more.
fn one_line(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 240;
    let plain = plain(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match plain.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((at, _)) => format!("{} …", plain.get(..at).unwrap_or_default()),
        None => plain,
    }
}

/// Describes the rules that tell noise from drift.
pub fn rules(review: &Review) -> String {
    let rules = &review.rules;
    format!(
        "{WORSE} is a change for the worse that is no noise: at least {} points or {} percentage points, and so \
         unlikely by chance, after correction for all comparisons of its week, that at most one quiet week in {:.0} \
         has one. Compared are exchanges of at least {} a week, with the week before and with all weeks since the \
         last change, at most {}. Intervals are 95 % (means: Student's t, rates: Wilson). Latency and cost are of \
         successes and of priced exchanges, and not tested.",
        rules.points_min,
        rules.rate_min * 100.0,
        1.0 / rules.false_flag_per_week_max,
        rules.compared_min,
        rules.baseline_weeks_max,
    )
}

/// Writes a text with as many lines as it needs.
fn line(out: &mut String, indent: usize, text: &str) {
    let (first, next) = (" ".repeat(indent), " ".repeat(indent + 2 * indent.min(1)));
    let options = textwrap::Options::new(COLUMNS).initial_indent(&first).subsequent_indent(&next);
    for line in textwrap::wrap(text, options) {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}
