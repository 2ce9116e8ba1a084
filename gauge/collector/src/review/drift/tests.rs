use super::*;

fn week(number: i8) -> Week {
    Week::numbered(2026, number).unwrap()
}

/// Returns the verdicts on the weeks of one model, each with scores of one criterion.
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

/// Returns a number of scores that alternate around a mean.
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
fn a_significant_but_small_change_is_not_flagged() {
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

/// Simulates a quiet year of a model, with scores as skewed and samples as small as real ones, and returns its flags.
fn quiet_year(rng: &mut fastrand::Rng) -> usize {
    const WEIGHED: [f64; 20] =
        [1.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0];
    let mut share = |count: u64, per_cent: u32| Share {
        hits: (0..count).filter(|_| rng.u32(0..100) < per_cent).count() as u64,
        count,
    };
    let mut tallies = Tallies::new();
    for number in 0..52 {
        let tally = tallies.entry((week(1).plus(number), "m".to_owned())).or_default();
        tally.hallucinations = share(60, 5);
        tally.thumbs_down = share(30, 10);
        let errors = share(300, 2);
        (tally.requests, tally.errors) = (errors.count, errors.hits);
    }
    for tally in tallies.values_mut() {
        for criterion in ["faithfulness", "relevance", "completeness"] {
            let scores = tally.criteria.entry(criterion.to_owned()).or_default();
            (0..60).for_each(|_| scores.add(WEIGHED[rng.usize(0..WEIGHED.len())]));
        }
    }
    judge(&tallies).values().filter(|judgement| judgement.verdict == Worse).count()
}

#[test]
fn of_twenty_quiet_years_one_is_flagged_at_most() {
    let mut rng = fastrand::Rng::with_seed(7);
    let flags: Vec<_> = (0..200).map(|_| quiet_year(&mut rng)).collect();
    let flagged = flags.iter().filter(|flags| **flags > 0).count();
    // Fewer than the ten that are promised: Holm's method is conservative, and a change also has to be large enough.
    assert_eq!(flagged, 2);
}

/// The share of falls by 0.3 points that are detected in their week, after five other weeks, as README states.
#[test]
fn a_fall_is_found_where_there_are_scores_enough() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut found = |count: usize| {
        let mut draw = |is_low: bool| -> Vec<f64> {
            let mut score = || match rng.u32(0..100) {
                0 => 1.0,
                1..4 => 2.0,
                4..13 => 3.0,
                13..43 => 4.0,
                _ => 5.0,
            };
            let scores: Vec<f64> = (0..count).map(|_| score()).collect();
            scores.into_iter().map(|score| if is_low { score - 0.3 } else { score }).collect()
        };
        let weeks: Vec<_> = (1..7).map(|number| (number, draw(number == 6))).collect();
        let weeks: Vec<_> = weeks.iter().map(|(number, scores)| (*number, scores.as_slice())).collect();
        verdicts(&weeks) == [NotCompared, Noise, Noise, Noise, Noise, Worse]
    };
    let mut of_hundred = |count| (0..100).filter(|_| found(count)).count();
    assert_eq!([100, 200, 300].map(&mut of_hundred), [47, 88, 98]);
}
