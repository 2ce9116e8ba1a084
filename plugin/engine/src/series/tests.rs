#![allow(clippy::string_slice, reason = "a test may panic")]

use super::*;

fn series(config: &str) -> (Policy, Series) {
    let policy = Policy::parse(config.as_bytes()).unwrap();
    let series = Series::new(&policy);
    (policy, series)
}

/// Asks for the label of one model after another: its name, whether its exchange succeeded, and the expected label.
fn check(config: &str, steps: &[(&str, bool, &str)], overflows: u64) {
    let (_, mut series) = series(config);
    for (step, (model, succeeded, label)) in steps.iter().enumerate() {
        assert_eq!(series.model(Some(model), *succeeded), *label, "step {step} of {config}");
    }
    assert_eq!(series.take_overflows().get("models").copied().unwrap_or(0), overflows, "{config}");
    assert!(series.take_overflows().is_empty());
}

#[test]
fn series_keep_half_of_the_table_for_models_that_succeed() {
    let config = r#"{"models":{"max_series":4}}"#;
    check(config, &[("a", false, "a"), ("b", false, "b"), ("c", false, "other"), ("c", true, "c")], 1);
    let full = [("a", true, "a"), ("b", true, "b"), ("c", true, "c"), ("d", true, "d"), ("e", true, "other")];
    check(config, &full, 1);
    check(
        config,
        &[("a", false, "a"), ("a", false, "a"), ("a", true, "a"), ("b", false, "b"), ("a", false, "a")],
        0,
    );
    // One of three is less than half.
    check(
        r#"{"models":{"max_series":3}}"#,
        &[("a", false, "a"), ("b", false, "b"), ("c", false, "other")],
        1,
    );
    check(r#"{"models":{"max_series":1}}"#, &[("a", false, "a"), ("b", true, "other")], 1);
    check(r#"{"models":{"max_series":2}}"#, &[("a", false, "a"), ("b", false, "other"), ("b", true, "b")], 1);
}

#[test]
fn series_always_admit_known_models() {
    let config = r#"{"models":{"max_series":2,"known":["a","b","c"]}}"#;
    check(config, &[("c", false, "c"), ("d", true, "other"), ("a", false, "a"), ("d", false, "other")], 2);
    let config = r#"{"models":{"max_series":4,"known":["a","b"]}}"#;
    check(config, &[("c", false, "other"), ("c", true, "c"), ("d", true, "d"), ("e", true, "other")], 2);
}

#[test]
fn invented_models_cannot_displace_real_ones() {
    let (_, mut series) = series("{}");
    for number in 0..10_000 {
        series.model(Some(&format!("invented-{number}")), false);
    }
    assert_eq!(series.models.len(), 100);
    assert_eq!(series.model(Some("real"), true), "real");
    assert_eq!(series.take_overflows()["models"], 9_900);
}

#[test]
fn series_compare_models_by_their_label_values() {
    let (_, mut series) = series("{}");
    assert_eq!(series.model(None, true), "unknown");
    assert_eq!(series.model(Some(""), true), "unknown");
    assert_eq!(series.models.len(), 0);
    let long = "x".repeat(200);
    assert_eq!(series.model(Some(&long), true), long[..128]);
    assert_eq!(series.model(Some(&format!("{long}y")), true), long[..128]);
    assert_eq!(series.model(Some("a;.;b"), true), "a;_;b");
    assert_eq!(series.models.len(), 2);
}

#[test]
fn series_admit_the_first_values_of_an_extra_label() {
    let labels = r#"[{"name":"tenant","header":"x-t","max_values":2},{"name":"team","header":"x-u"}]"#;
    let (policy, mut series) = series(&format!("{{\"labels\":{labels}}}"));
    let mut check = |tenant: &str, folded: &str| {
        let values = [tenant.to_owned(), "u".to_owned()];
        assert_eq!(series.labels(&policy, &values), [folded, "u"]);
    };
    check("a", "a");
    check("b", "b");
    check("c", "other");
    check("a", "a");
    check("d", "other");
    assert_eq!(series.take_overflows(), BTreeMap::from([("tenant".to_owned(), 2)]));
}

#[test]
fn nanodollars_are_the_floor_of_the_exact_sum() {
    let (_, mut series) = series("{}");
    let third = UNITS_PER_NANODOLLAR / 3;
    let shown: Vec<_> = (0..7).map(|_| series.nanodollars("a", third + 1)).collect();
    assert_eq!(shown, [0, 0, 1, 0, 0, 1, 0]);
    assert_eq!(series.nanodollars("b", UNITS_PER_NANODOLLAR * 5 + 1), 5);
    assert_eq!(series.nanodollars("b", UNITS_PER_NANODOLLAR - 2), 0);
    assert_eq!(series.nanodollars("b", 1), 1);
    assert_eq!(series.nanodollars("c", u128::MAX), u64::MAX);
    assert_eq!(series.nanodollars("d", UNITS_PER_NANODOLLAR), 1);
    // A stat without a remainder takes no memory.
    assert_eq!(series.carried.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn nanodollars_lose_nothing_over_ten_thousand_small_costs() {
    let (_, mut series) = series("{}");
    let units = 1_234_567_890_123_456_789;
    let shown: u64 = (0..10_000).map(|_| series.nanodollars("a", units)).sum();
    assert_eq!(u128::from(shown), units * 10_000 / UNITS_PER_NANODOLLAR);
    assert_ne!(u128::from(shown), units / UNITS_PER_NANODOLLAR * 10_000);
}
