use super::*;

fn week(number: i8) -> Week {
    Week::numbered(2026, number).unwrap()
}

/// Weeks of one model, each with its scores of one criterion.
fn judged(weeks: &[(i8, &[f64])]) -> Vec<(String, Verdict)> {
    let mut tallies = Tallies::new();
    for (number, scores) in weeks {
        let tally = tallies.entry((week(*number), "m".to_owned())).or_default();
        let sample = tally.criteria.entry("faithfulness".to_owned()).or_default();
        scores.iter().for_each(|score| sample.add(*score));
    }
    let measure = Measure::Criterion("faithfulness".to_owned());
    let judgements = judge(&tallies).into_iter().filter(|((_, _, of), _)| *of == measure);
    judgements.map(|((week, ..), judgement)| (week.short(), judgement.verdict)).collect()
}

fn verdicts(weeks: &[(i8, &[f64])]) -> Vec<Verdict> {
    judged(weeks).into_iter().map(|(_, verdict)| verdict).collect()
}

/// So many scores, alternating around a mean.
fn around(mean: f64, count: usize) -> Vec<f64> {
    (0..count).map(|place| mean + if place % 2 == 0 { 0.5 } else { -0.5 }).collect()
}

use Verdict::{Better, Noise, NotCompared, Worse};

#[test]
fn a_step_down_is_flagged_once_and_a_step_up_is_no_drift() {
    let (high, low) = (around(4.4, 200), around(4.1, 200));
    let stays = verdicts(&[(1, &high), (2, &high), (3, &low), (4, &low), (5, &low)]);
    assert_eq!(stays, [NotCompared, Noise, Worse, Noise, Noise]);
    let recovers = verdicts(&[(1, &high), (2, &high), (3, &low), (4, &high), (5, &high)]);
    assert_eq!(recovers, [NotCompared, Noise, Worse, Better, Noise]);
}

#[test]
fn a_slide_that_no_two_weeks_show_is_flagged() {
    let weeks: Vec<_> = (0..6).map(|place| around(4.4 - 0.05 * f64::from(place), 200)).collect();
    let weeks: Vec<_> = (1..).zip(&weeks).map(|(number, scores)| (number, scores.as_slice())).collect();
    let verdicts = verdicts(&weeks);
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Worse).count(), 1, "{verdicts:?}");
}

#[test]
fn what_is_certain_and_small_does_not_matter() {
    let (high, low) = (around(4.4, 100_000), around(4.31, 100_000));
    assert_eq!(verdicts(&[(1, &high), (2, &low)]), [NotCompared, Noise]);
}

#[test]
fn few_scores_are_not_compared() {
    let (high, low) = (around(4.5, 200), around(1.5, 19));
    assert_eq!(verdicts(&[(1, &high), (2, &low), (3, &high)]), [NotCompared, NotCompared, Noise]);
    let low = around(1.5, 20);
    assert_eq!(verdicts(&[(1, &high), (2, &low)]), [NotCompared, Worse]);
}

#[test]
fn weeks_may_be_missing() {
    let (high, low) = (around(4.4, 200), around(4.1, 200));
    let judged = judged(&[(1, &high), (4, &high), (9, &low)]);
    let expected = [("W01", NotCompared), ("W04", Noise), ("W09", Worse)];
    assert_eq!(judged, expected.map(|(week, verdict)| (week.to_owned(), verdict)));
}

#[test]
fn equal_scores_can_be_compared() {
    let (fives, fours) = ([5.0; 40], [4.0; 40]);
    assert_eq!(
        verdicts(&[(1, &fives), (2, &fives), (3, &fours), (4, &fours)]),
        [NotCompared, Noise, Worse, Noise]
    );
}

#[test]
fn the_turn_of_the_year_is_a_week_like_others() {
    let mut tallies = Tallies::new();
    for (year, number, hits) in [(2026, 52, 10), (2026, 53, 10), (2027, 1, 100)] {
        let place = (Week::numbered(year, number).unwrap(), "m".to_owned());
        tallies.entry(place).or_default().hallucinations = Share { hits, count: 500 };
    }
    let judgements = judge(&tallies);
    let place = (Week::numbered(2027, 1).unwrap(), "m".to_owned(), Measure::Hallucination);
    let judgement = judgements[&place];
    assert_eq!(judgement.verdict, Worse);
    assert_eq!(judgement.against_week_before.unwrap().from, Week::numbered(2026, 53).unwrap());
    assert_eq!(judgement.against_baseline.unwrap().n, 1_000);
}
