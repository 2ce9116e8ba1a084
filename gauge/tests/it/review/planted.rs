//! Planted regressions are flagged, and nothing else is.

use collector::review::sample::{ModelPlan, SamplePlan, Shift};

use super::*;

/// Returns week, model and measure of each flag.
fn flags(plan: &SamplePlan) -> Vec<String> {
    let mut made = TestDatabase::new();
    plan.keep(&mut made.store).unwrap();
    let drifts = made.review(52).drifts;
    drifts.iter().map(|drift| format!("{} {} {}", drift.week, drift.model, drift.measure)).collect()
}

fn falling(seed: u64, weeks: std::ops::Range<usize>) -> SamplePlan {
    let mut plan = SamplePlan::steady(seed, 10, 300);
    plan.models[0].shifts = vec![Shift { criterion: "faithfulness", weeks, points: 0.3 }];
    plan
}

#[test]
fn a_fall_by_three_tenths_in_the_sixth_week_is_flagged_and_no_other_week() {
    // A lasting fall: later weeks are compared with the new level.
    for seed in 1..=5 {
        assert_eq!(flags(&falling(seed, 5..10)), ["2026-W28 gpt-4o faithfulness"], "seed {seed}");
    }
    // A fall in that week alone: the week after is better, which is reported and is no drift.
    for seed in 1..=5 {
        assert_eq!(flags(&falling(seed, 5..6)), ["2026-W28 gpt-4o faithfulness"], "seed {seed}");
    }
}

#[test]
fn a_verdict_does_not_depend_on_how_many_weeks_are_shown() {
    let mut made = TestDatabase::new();
    falling(1, 5..10).keep(&mut made.store).unwrap();
    let shown = |weeks| made.review(weeks).drifts;
    assert_eq!(shown(10).len(), 1);
    for weeks in 5..10 {
        assert_eq!(shown(weeks), shown(10), "{weeks} weeks");
    }
    assert_eq!(shown(4), [], "the week itself is not shown");
}

#[test]
fn the_shown_sample_has_its_one_drift() {
    assert_eq!(flags(&SamplePlan::shown()), ["2026-W28 gpt-4o faithfulness"]);
}

#[test]
fn nothing_is_flagged_where_nothing_changes() {
    for seed in 1..=20 {
        let mut plan = SamplePlan::steady(seed, 8, 100);
        // A model that appears, one that disappears, and one with a gap.
        plan.models.push(ModelPlan { absent: vec![0, 1, 2], ..ModelPlan::steady("new", 60) });
        plan.models.push(ModelPlan { absent: vec![5, 6, 7], ..ModelPlan::steady("old", 60) });
        plan.models.push(ModelPlan { absent: vec![3], ..ModelPlan::steady("rare", 15) });
        assert_eq!(flags(&plan), [""; 0], "seed {seed}");
    }
}
