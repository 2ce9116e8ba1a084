use super::*;

/// Returns the nanosecond at which a day begins.
fn day(text: &str) -> i64 {
    let at: Timestamp = format!("{text}T00:00:00Z").parse().unwrap();
    at.as_nanosecond().try_into().unwrap()
}

#[test]
fn a_week_begins_on_monday_at_midnight_utc() {
    let monday = day("2026-06-08");
    assert_eq!(Week::of(monday).to_string(), "2026-W24");
    assert_eq!(Week::of(monday - 1).to_string(), "2026-W23");
    assert_eq!(Week::of(monday + 7 * NS_PER_DAY - 1).to_string(), "2026-W24");
    assert_eq!(Week::of(monday).start_ns(), monday);
    assert_eq!(Week::of(monday).monday().to_string(), "2026-06-08");
    assert_eq!(Week::of(monday).sunday().to_string(), "2026-06-14");
}

#[test]
fn the_turn_of_the_year_belongs_to_the_week_of_its_thursday() {
    for (text, week) in [
        ("2026-12-31", "2026-W53"),
        ("2027-01-03", "2026-W53"),
        ("2027-01-04", "2027-W01"),
        ("2024-12-30", "2025-W01"),
        ("2022-01-02", "2021-W52"),
        ("1970-01-01", "1970-W01"),
        ("1969-12-29", "1970-W01"),
        ("1969-12-28", "1969-W52"),
    ] {
        assert_eq!(Week::of(day(text)).to_string(), week, "{text}");
    }
    let last = Week::numbered(2026, 53).unwrap();
    assert_eq!(last.plus(1), Week::numbered(2027, 1).unwrap());
    assert_eq!(last.plus(1).since(last), 1);
    assert_eq!(Week::numbered(2025, 53), None, "a year of 52 weeks");
}

#[test]
fn any_number_has_a_week() {
    for ns in [i64::MIN, i64::MAX, 0] {
        let week = Week::of(ns);
        assert!(week.to_string().contains("-W"), "{week}");
        assert_eq!(week.short().len(), 3);
        let _ = (week.start_ns(), moment(ns));
    }
}
