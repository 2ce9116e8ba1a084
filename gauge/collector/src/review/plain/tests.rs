use super::*;

#[test]
fn invisible_characters_are_made_visible() {
    assert_eq!(plain("a\u{202e}b\u{1b}[1m\r\n\tc\u{0}"), "a\\u{202e}b\\u{1b}[1m\\u{d}\n\tc\\u{0}");
    assert_eq!(plain("שלום, 漢字 é"), "שלום, 漢字 é");
    assert_eq!(name("two\nlines"), "two lines");
    assert_eq!(name(&"x".repeat(41)), format!("{}…", "x".repeat(39)));
}

#[test]
fn numbers_are_as_long_as_they_need_to_be() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!(
        [0.0, 999.0, 1_000.0, 45_600.0, 789e3, 1.5e6].map(short),
        ["0", "999", "1.00 k", "45.6 k", "789 k", "1.50 M"]
    );
    assert_eq!([1e-9, 0.004, 0.257, 1.0].map(p), ["p < 0.0001", "p = 0.0040", "p = 0.26", "p = 1.00"]);
    assert_eq!(per_cent(0.0125), "1.2 %");
}
