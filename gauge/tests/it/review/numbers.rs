//! The counts of a review, on rows few enough to count by hand.

use super::*;
use collector::review::drift::{Measure, Verdict};
use collector::review::report::ModelWeek;
use collector::review::sample::{SamplePlan, Shift};
use collector::review::text;
use collector::store::ROWS_MAX;
use serde_json::{Value, json};

fn only(review: &Review) -> &ModelWeek {
    assert_eq!((review.models.len(), review.models[0].weeks.len()), (1, 1));
    &review.models[0].weeks[0]
}

fn measured(week: &ModelWeek, name: &str) -> (u64, f64) {
    let measured = week.measures.iter().find(|measured| measured.measure.name() == name).unwrap();
    (measured.n, measured.value)
}

/// Retention deletes whole weeks, so that what a review says about the others stays the same.
#[test]
fn the_review_of_kept_weeks_does_not_change() {
    let mut plan = SamplePlan::steady(1, 20, 60);
    plan.models[0].shifts = vec![Shift { criterion: "relevance", weeks: 19..20, points: 1.0 }];
    let mut made = TestDatabase::new();
    plan.keep(&mut made.store).unwrap();
    let (newest, all) = (made.review(1), made.review(20));
    assert_eq!((newest.drifts.len(), all.weeks.len()), (1, 20));
    let bound_ns = plan.first.plus(3).start_ns();
    while made.store.delete_before(bound_ns, ROWS_MAX).unwrap().has_more {}
    // All of its baseline is kept.
    let newest_after = made.review(1);
    assert_eq!((newest_after.models, newest_after.drifts), (newest.models, newest.drifts));
    let kept = made.review(20);
    assert_eq!(kept.weeks, all.weeks[3..]);
    // Comparisons of the oldest weeks have less to compare with. Everything that was counted is the same.
    let counted = |week: &ModelWeek| {
        let measures =
            week.measures.iter().map(|measured| (measured.measure.clone(), measured.n, measured.value));
        (week.week, week.requests, week.errors, week.cancelled, measures.collect::<Vec<_>>())
    };
    let counts = |weeks: &[ModelWeek]| weeks.iter().map(counted).collect::<Vec<_>>();
    assert_eq!(counts(&kept.models[0].weeks), counts(&all.models[0].weeks[3..]));
}

#[test]
fn traffic_of_a_week_is_counted() {
    let mut made = TestDatabase::new();
    let at = week(2026, 24);
    let mut spans: Vec<_> = (1..=6).map(|number| span(number, "m", at, number.into())).collect();
    for (place, span) in (1..).zip(&mut spans) {
        span.duration_ms = Some(100 * place);
        span.first_token_ms = (place > 2).then_some(10 * place);
        span.input_tokens = Some(1_000);
        span.output_tokens = Some(place);
        span.cost_nanodollars = (place != 4).then_some(500_000_000);
    }
    spans[4].status = Some("error".to_owned());
    spans[5].status = Some("cancelled".to_owned());
    let mut foreign = span(7, "m", at, 7);
    foreign.model = None; // a database call, say, of an application's own instrumentation
    spans.push(foreign);
    made.keep(spans, Vec::new());
    let review = made.review(8);
    let week = only(&review);
    assert_eq!((week.requests, week.errors, week.cancelled), (6, 1, 1));
    assert_eq!((week.duration_p50_ms, week.duration_p99_ms), (Some(200), Some(400)));
    assert_eq!(week.first_token_p50_ms, Some(30));
    assert_eq!((week.input_tokens, week.output_tokens), (6_000, 21));
    assert_eq!((week.cost_nanodollars, week.unpriced_requests), (2_500_000_000, 1));
    assert_eq!(measured(week, "errors"), (6, 1.0 / 6.0));
    assert_eq!(text::cost(week), "2.50 + 1 unpriced");
    assert_eq!((week.agreement, week.worst.len()), (None, 0));
}

#[test]
fn scores_and_ratings_are_counted_once_per_exchange() {
    let mut made = TestDatabase::new();
    let at = week(2026, 24);
    let spans = (1..=5).map(|number| span(number, "m", at, 1)).collect();
    let mut words = vec![
        said(1, "faithfulness", "5", 5.0),
        said(1, "relevance", "4", 4.0),
        said(1, "hallucination", "no", 0.0),
        said(1, "user_feedback", "up", 1.0),
        said(2, "faithfulness", "2", 2.0),
        said(2, "hallucination", "yes", 1.0),
        said(2, "user_feedback", "1", 1.0), // of five stars, which is no thumb up
        said(3, "faithfulness", "4", 4.0),
        said(3, "user_feedback", "3", 3.0),
        said(4, "user_feedback", "up", 1.0),
        said(5, "faithfulness", "9", 9.0), // no score
        said(5, "user_feedback", "bad", 0.0),
    ];
    let second = Evaluation { uid: "panel".into(), judge_model: Some("b".into()), ..words[4].clone() };
    words.push(Evaluation { value: Some(3.0), label: Some("3".into()), ..second });
    let regret =
        Evaluation { uid: "regret".into(), time_ns: i64::MAX, ..said(4, "user_feedback", "down", 0.0) };
    words.push(regret); // a year later, and still of its exchange's week
    made.keep(spans, words);
    let review = made.review(8);
    let week = only(&review);
    assert_eq!(week.judged, 3);
    assert_eq!(measured(week, "faithfulness"), (3, (5.0 + 2.5 + 4.0) / 3.0));
    assert_eq!(measured(week, "relevance"), (1, 4.0));
    assert_eq!(measured(week, "hallucination"), (2, 0.5));
    assert_eq!(measured(week, "thumbs down"), (4, 0.5));
    let agreement = week.agreement.unwrap();
    assert_eq!((agreement.n, agreement.rate, agreement.kappa), (2, 1.0, Some(1.0)));
    let worst: Vec<_> = week.worst.iter().map(|bad| (bad.trace_id[..2].to_owned(), bad.faults)).collect();
    let expected = [("02", 2.625), ("04", 1.0), ("03", 0.75), ("01", 0.125)];
    assert_eq!(worst, expected.map(|(trace, faults)| (trace.to_owned(), faults)));
    assert_eq!(week.worst[0].words.len(), 4);
}

#[test]
fn scores_without_their_span_are_of_their_own_week_and_model() {
    let mut made = TestDatabase::new();
    let time_ns = week(2026, 53).start_ns();
    let word = Evaluation { time_ns, ..said(1, "faithfulness", "2", 2.0) };
    made.keep(Vec::new(), vec![word]);
    let review = made.review(8);
    let week = only(&review);
    assert_eq!((week.week.to_string(), week.requests), ("2026-W53".to_owned(), 0));
    assert_eq!(measured(week, "faithfulness"), (1, 2.0));
    assert_eq!(week.measures[0].interval, None);
    assert_eq!(week.measures[0].judgement.verdict, Verdict::NotCompared);
    assert_eq!(week.worst[0].at, "2026-12-28T00:00:00Z");
    assert!(text::text(&review).contains("2.00 (-, n 1)"));
}

#[test]
fn weeks_are_the_newest_without_a_hole() {
    let mut made = TestDatabase::new();
    let weeks = [week(2026, 10), week(2026, 52), week(2026, 53), week(2027, 2)];
    let spans = (1..).zip(weeks).map(|(number, at)| span(number, "m", at, 0)).collect();
    made.keep(spans, Vec::new());
    let shown = |weeks| {
        let review = made.review(weeks);
        review.weeks.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(shown(4), ["2026-W52", "2026-W53", "2027-W01", "2027-W02"]);
    assert_eq!(shown(1), ["2027-W02"]);
    assert_eq!(shown(520).len(), 46, "no further back than anything happened");
    let review = made.review(4);
    let with_exchanges: Vec<_> = review.models[0].weeks.iter().map(|week| week.week.to_string()).collect();
    assert_eq!(with_exchanges, ["2026-W52", "2026-W53", "2027-W02"]);
}

#[test]
fn an_incomplete_week_is_marked() {
    let mut made = TestDatabase::new();
    let at = week(2026, 24);
    made.keep(vec![span(1, "m", at, 5)], Vec::new());
    let so_far = |now_ns| {
        let review = review::read(&made.path(), 8, now_ns).unwrap();
        (only(&review).is_so_far, text::text(&review).contains("2026-W24 so far"))
    };
    assert_eq!(so_far(at.start_ns() + 6 * HOUR_NS), (true, true));
    assert_eq!(so_far(at.plus(1).start_ns()), (false, false));
}

#[test]
fn models_come_by_their_number_of_exchanges() {
    let mut made = TestDatabase::new();
    let at = week(2026, 24);
    let mut spans: Vec<_> = [(1, "few"), (2, "many"), (3, "many")].map(|(n, m)| span(n, m, at, 0)).into();
    spans.push(Span { model: None, operation: Some("chat".into()), ..span(4, "", at, 0) });
    made.keep(spans, Vec::new());
    let review = made.review(8);
    let models: Vec<_> = review.models.iter().map(|model| model.model.as_str()).collect();
    assert_eq!(models, ["many", "few", "unknown"]);
}

#[test]
fn an_empty_database_has_an_empty_review() {
    let made = TestDatabase::new();
    let review = made.review(8);
    assert_eq!((review.weeks.len(), review.models.len()), (0, 0));
    let said = text::text(&review);
    assert!(said.starts_with("made.db: no exchange yet. "), "{said}");
    assert!(review::html::page(&review).contains("No exchange yet"));
    assert!(review::html::picture(&review).starts_with("<svg"));
}

#[test]
fn foreign_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no.db");
    let missing = review::read(&file, 8, NOW_NS).unwrap_err().to_string();
    assert!(missing.contains("no.db"), "{missing}");
    std::fs::write(&file, b"not a database, and long enough to be looked at by somebody who expects one")
        .unwrap();
    let broken = review::read(&file, 8, NOW_NS).unwrap_err().to_string();
    assert!(broken.contains("no.db"), "{broken}");
}

#[test]
fn json_has_it_all() {
    let mut made = TestDatabase::new();
    let at = week(2026, 24);
    let spans = (1..=2).map(|number| span(number, "m", at, 1)).collect();
    made.keep(spans, vec![said(1, "faithfulness", "5", 5.0), said(2, "faithfulness", "4", 4.0)]);
    let review: Value = serde_json::to_value(made.review(8)).unwrap();
    assert_eq!(review["weeks"], json!(["2026-W24"]));
    let week = &review["models"][0]["weeks"][0];
    let faithfulness = &week["measures"][0];
    assert_eq!(faithfulness["measure"], "faithfulness");
    assert_eq!(faithfulness["verdict"], "not_compared");
    assert_eq!((&faithfulness["n"], &faithfulness["value"]), (&json!(2), &json!(4.5)));
    assert_eq!(faithfulness["interval"][1], 5.0);
    assert_eq!(week["worst"][0]["words"][0]["label"], "4");
    assert_eq!(review["rules"]["compared_min"], 20);
}

#[test]
fn a_criterion_may_have_the_name_of_a_rate() {
    let mut made = TestDatabase::new();
    made.keep(vec![span(1, "m", week(2026, 24), 1)], vec![said(1, "errors", "3", 3.0)]);
    let review = made.review(8);
    let week = only(&review);
    assert_eq!(week.measured(&Measure::Criterion("errors".to_owned())).unwrap().value, 3.0);
    assert_eq!(week.measured(&Measure::Errors).unwrap().value, 0.0);
}
