//! Expected values are those of scipy 1.x and statsmodels, to the digits given.

use super::*;

fn scores(values: &[f64]) -> Scores {
    let mut scores = Scores::default();
    values.iter().for_each(|value| scores.add(*value));
    scores
}

#[track_caller]
fn near(actual: f64, expected: f64) {
    assert!((actual - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{actual} is not {expected}");
}

#[test]
fn a_mean_has_the_t_interval_within_the_scale() {
    let (low, high) = scores(&[5.0, 4.0, 4.0, 3.0, 5.0, 2.0]).interval().unwrap();
    near(low, 2.606_495_641_628_359);
    near(high, 5.0); // scipy: 5.0602, which no score can be
    assert_eq!(scores(&[4.0]).interval(), None);
    assert_eq!(scores(&[]).mean(), 0.0);
}

#[test]
fn equal_scores_are_not_certainty() {
    let fives = |count| scores(&vec![5.0; count]).interval().unwrap();
    assert_eq!(fives(100).1, 5.0);
    assert!((4.97..4.99).contains(&fives(100).0), "{:?}", fives(100));
    assert!((3.7..3.8).contains(&fives(3).0), "{:?}", fives(3)); // three fives say little
}

#[test]
fn rates_have_wilsons_interval() {
    for (hits, count, low, high) in [
        (0, 12, 0.0, 0.242_494_006_655_241),
        (3, 40, 0.025_836_025_774_588_184, 0.198_642_335_243_105_5),
        (12, 12, 0.757_505_993_344_759, 1.0),
        (30, 1000, 0.021_093_738_828_834_696, 0.042_503_414_147_587_126),
    ] {
        let interval = Share { hits, count }.interval().unwrap();
        near(interval.0, low);
        near(interval.1, high);
    }
    assert_eq!(Share::default().interval(), None);
}

#[test]
fn means_are_compared_by_welch() {
    let earlier = scores(&[5.0, 4.0, 4.0, 3.0, 5.0, 2.0]);
    let later = scores(&[4.0, 3.0, 3.0, 2.0, 4.0, 1.0, 3.0, 3.0]);
    let change = welch(earlier, later);
    near(change.p, 0.137_198_787_578_291_07);
    near(change.low, -2.281_067_228_878_914);
    near(change.high, 0.364_400_562_212_247);
}

#[test]
fn weeks_without_any_spread_can_be_compared() {
    let (fives, fours) = (scores(&[5.0; 50]), scores(&[4.0; 50]));
    assert_eq!(welch(fives, fives).p, 1.0);
    assert_eq!(welch(fives, fives).difference, 0.0);
    let fall = welch(fives, fours);
    assert_eq!(fall.difference, -1.0);
    assert!(fall.p < 1e-20 && fall.p >= 0.0, "{}", fall.p);
    // Three scores in each week.
    assert!(welch(scores(&[5.0; 2]), scores(&[4.0; 2])).p > 0.05);
}

#[test]
fn small_numbers_are_compared_exactly() {
    let p = |hits, count, hits_before, count_before| {
        two_rates(Share { hits: hits_before, count: count_before }, Share { hits, count }).p
    };
    near(p(12, 60, 3, 50), 2.0 * 0.029_493_549_053_770_09);
    near(p(0, 20, 5, 20), 2.0 * 0.023_562_023_562_023_564);
    assert_eq!(p(0, 20, 0, 30), 1.0);
    assert_eq!(p(20, 20, 30, 30), 1.0);
    assert_eq!(p(1, 1, 1, 1), 1.0);
    near(p(700, 10_000, 500, 10_000), 2.602_096_724_e-9); // by z; exactly it is 2.89e-9
    assert!(p(40, 1_000_000, 3, 1_000_000) < 1e-7, "rare, of very many");
}

#[test]
fn a_difference_of_rates_has_newcombes_interval() {
    let change = two_rates(Share { hits: 3, count: 50 }, Share { hits: 12, count: 60 });
    near(change.low, 0.009_170_994_104_503);
    near(change.high, 0.264_226_709_546_557_5);
}

#[test]
fn holm_asks_most_of_the_smallest() {
    assert_eq!(holm(&[0.04, 0.01, 0.03]), [0.06, 0.03, 0.06]);
    assert_eq!(holm(&[0.5, 0.9]), [1.0, 1.0]);
    assert_eq!(holm(&[]), [0.0; 0]);
}

#[test]
fn kappa_is_what_is_beyond_chance() {
    let verdicts = Verdicts { both_good: 20, judge_good: 5, user_good: 10, both_bad: 15 };
    near(verdicts.kappa().unwrap(), 0.4);
    assert_eq!(verdicts.agreement(), Share { hits: 35, count: 50 });
    let never_bad = Verdicts { both_good: 9, ..Verdicts::default() };
    assert_eq!(never_bad.kappa(), None, "both always say good: chance explains all");
    assert_eq!(Verdicts::default().kappa(), None);
}

#[test]
fn percentiles_are_values_that_were_there() {
    assert_eq!(percentile(&mut [], 0.5), None);
    assert_eq!(percentile(&mut [7], 0.99), Some(7));
    let mut hundred: Vec<u32> = (1..=100).rev().collect();
    assert_eq!(percentile(&mut hundred, 0.5), Some(50));
    assert_eq!(percentile(&mut hundred, 0.99), Some(99));
}

/// The real coverage of a 95 % interval for few and skewed scores, as judges give them. With three scores, the floor of
/// the variance raises it from 84 % to 99.7 %.
#[test]
fn intervals_of_few_skewed_scores_hold_what_they_say() {
    const WEIGHED: [f64; 20] =
        [1.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0];
    let mean = WEIGHED.iter().sum::<f64>() / WEIGHED.len() as f64;
    let mut rng = fastrand::Rng::with_seed(7);
    for (count, least) in [(3, 0.99), (5, 0.86), (10, 0.89), (30, 0.92), (100, 0.93)] {
        let mut draw =
            || scores(&(0..count).map(|_| WEIGHED[rng.usize(0..WEIGHED.len())]).collect::<Vec<_>>());
        let covered = (0..4_000)
            .filter(|_| draw().interval().is_some_and(|(low, high)| (low..=high).contains(&mean)))
            .count();
        let share = covered as f64 / 4_000.0;
        assert!(share >= least, "n {count}: {share}");
    }
}
