//! The charts of the page, and the data of their lines.

use super::super::chart::{Chart, LINES_MAX, Line, Point, Unit};
use super::super::drift::{Measure, Verdict};
use super::super::plain::name;
use super::super::report::{ModelWeek, Review};

/// A function that returns the value of a week, its interval, and whether it is flagged; `None` leaves a gap.
type WeekValue<'a> = &'a dyn Fn(&ModelWeek) -> Option<(f64, Option<(f64, f64)>, bool)>;

/// Returns charts of means and rates, each with its interval.
pub(super) fn quality(review: &Review) -> Vec<Chart> {
    let charts = review.measures().into_iter().filter(|measure| *measure != Measure::Errors).map(|measure| {
        let (note, unit) = match measure.is_rate() {
            true => ("of exchanges; less is better; bands: 95 %", Unit::Rate),
            false => ("mean of 1 to 5; more is better; bands: 95 %", Unit::Points),
        };
        let mut title = name(measure.name());
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        of_measure(review, &measure, title, note, unit)
    });
    charts.collect()
}

fn of_measure(review: &Review, measure: &Measure, title: String, note: &'static str, unit: Unit) -> Chart {
    chart(review, title, note, unit, &|week| {
        let measured = week.measured(measure)?;
        Some((measured.value, measured.interval, measured.judgement.verdict == Verdict::Worse))
    })
}

/// Returns charts of cost and latency.
pub(super) fn traffic(review: &Review) -> Vec<Chart> {
    let simple = |title: &str, note, unit, value: &dyn Fn(&ModelWeek) -> Option<f64>| {
        chart(review, title.to_owned(), note, unit, &|week| value(week).map(|value| (value, None, false)))
    };
    let errors = "of exchanges; less is better; bands: 95 %";
    vec![
        simple("Exchanges", "a week", Unit::Count, &|week| Some(week.requests as f64)),
        of_measure(review, &Measure::Errors, "Errors".to_owned(), errors, Unit::Rate),
        simple("Cost", "US dollars a week, of exchanges with a price", Unit::Dollars, &|week| {
            // A line at zero would mean that it is free.
            let is_unpriced = week.cost_nanodollars == 0 && week.unpriced_requests > 0;
            (!is_unpriced).then(|| week.cost_dollars())
        }),
        simple("Tokens in", "a week, cached ones included", Unit::Count, &|week| {
            Some(week.input_tokens as f64)
        }),
        simple("Tokens out", "a week, reasoning included", Unit::Count, &|week| {
            Some(week.output_tokens as f64)
        }),
        simple("First token, p50", "milliseconds, of streams", Unit::Count, &|week| {
            week.first_token_p50_ms.map(f64::from)
        }),
        simple("Latency, p50", "milliseconds, of successes", Unit::Count, &|week| {
            week.duration_p50_ms.map(f64::from)
        }),
        simple("Latency, p99", "milliseconds, of successes", Unit::Count, &|week| {
            week.duration_p99_ms.map(f64::from)
        }),
    ]
}

fn chart(review: &Review, title: String, note: &'static str, unit: Unit, drawn: WeekValue<'_>) -> Chart {
    let lines = review.models.iter().take(LINES_MAX).enumerate().map(|(place, model)| {
        let points = review.weeks.iter().enumerate().filter_map(|(at, week)| {
            let (value, interval, is_flagged) = drawn(model.week(*week)?)?;
            Some(Point { week: at, value, interval, is_flagged })
        });
        Line { place, name: name(&model.model), points: points.collect() }
    });
    let lines = lines.filter(|line| !line.points.is_empty()).collect();
    Chart { title, note, unit, weeks: review.weeks.iter().map(|week| week.short()).collect(), lines }
}
