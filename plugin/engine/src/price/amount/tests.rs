use super::*;

fn price(json: &str) -> Result<Price, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn a_decimal_is_kept_to_its_last_digit() {
    for (text, units) in [
        ("0", 0),
        ("0.000000000000000001", 1),
        ("1", 1_000_000_000_000_000_000),
        ("2.50", 2_500_000_000_000_000_000),
        ("0.041666666666666664", 41_666_666_666_666_664),
        ("600", 600_000_000_000_000_000_000),
        ("999999999.999999999999999999", 999_999_999_999_999_999_999_999_999),
    ] {
        assert_eq!(price(&format!("\"{text}\"")).unwrap().at(u64::MAX), units, "{text}");
    }
}

#[test]
fn what_is_no_decimal_is_refused() {
    let refused = [
        "",
        ".5",
        "5.",
        "-1",
        "+1",
        "1e3",
        "1,5",
        " 1",
        "1.0000000000000000001",
        "1000000000",
        "1.2.3",
        "$2",
    ];
    for text in refused {
        let message = price(&format!("\"{text}\"")).unwrap_err();
        assert!(
            message.starts_with(&format!("`{text}` is no price: expected dollars for a million")),
            "{message}"
        );
    }
    // A number would have gone through a float.
    for json in ["2.5", "3", "null", "{}", "true"] {
        let message = price(json).unwrap_err();
        assert!(
            message.contains("expected dollars for a million tokens as text, such as \"2.5\""),
            "{message}"
        );
    }
}

#[test]
fn a_tier_holds_above_its_start() {
    let price = price(r#"["1", 32000, "2", 256000, "3"]"#).unwrap();
    let dollars = |input| price.at(input) / 1_000_000_000_000_000_000;
    assert_eq!([0, 31_999, 32_000, 32_001, 256_000, 256_001, u64::MAX].map(dollars), [1, 1, 1, 2, 2, 3, 3]);
}

#[test]
fn tiers_come_in_pairs_and_rise() {
    for (json, said) in [
        ("[]", "invalid length 0"),
        ("[5]", "a number is no price"),
        (r#"["1", 5]"#, "the tier at 5 has no price"),
        (r#"["1", "2"]"#, "expected the start of a tier"),
        (r#"["1", 5, 6]"#, "a number is no price"),
        (r#"["1", 5, "2", 5, "3"]"#, "the tier at 5 starts too low"),
        (r#"["1", -5, "2"]"#, "invalid type: integer `-5`"),
    ] {
        let message = price(json).unwrap_err();
        assert!(message.starts_with(said), "{json}: {message}");
    }
}
