use super::*;

#[test]
fn model_name_matches_stars_and_digits() {
    for (name, fitting, others) in [
        ("talk-5", &["talk-5"][..], &["talk-5x", "xtalk-5", "talk-", ""][..]),
        ("Talk-5", &["talk-5"], &["Talk-5"]),
        ("talk-*", &["talk-", "talk-5"], &["talk", "xtalk-"]),
        ("*-talk", &["-talk", "a-talk"], &["talk", "a-talkx"]),
        ("*talk*", &["talk", "xtalk", "talkx", "xtalkx"], &["tal", "tlk", ""]),
        ("talk-##", &["talk-12"], &["talk-1", "talk-1a", "talk-123", "talk-##"]),
        ("talk-#*", &["talk-1", "talk-1x"], &["talk-", "talk-x"]),
        ("*#x*", &["1x", "11x", "x1xx"], &["x", "x1", "ax"]),
        ("*", &["", "anything"], &[]),
        ("**", &["", "anything"], &[]),
        ("", &[""], &["a"]),
        ("é*", &["é", "éa"], &["e", ""]),
    ] {
        let parsed = ModelName::new(name).unwrap();
        let fits: Vec<_> = fitting.iter().chain(others).filter(|model| parsed.fits(model)).collect();
        assert_eq!(fits, fitting.iter().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn model_name_refuses_a_star_inside() {
    for text in ["a*b", "*a*b", "a**", "***"] {
        assert_eq!(ModelName::new(text), None, "{text}");
    }
}

#[test]
fn hyphenate_dates_changes_only_dates() {
    for (model, written) in [
        ("talk-5-20251211", Some("talk-5-2025-12-11")),
        ("talk-20251211-x-20260101:free", Some("talk-2025-12-11-x-2026-01-01:free")),
        ("-20251211", Some("-2025-12-11")),
        ("talk-20251311", None),
        ("talk-20251200", None),
        ("talk-19991211", None),
        ("talk-20251211x", None),
        ("talk-202512111", None),
        ("talk20251211", None),
        ("talk-2025-12-11", None),
        ("talk-é2025121", None),
        ("", None),
    ] {
        assert_eq!(hyphenate_dates(model).as_deref(), written, "{model}");
    }
}
