use super::*;

#[test]
fn price_keeps_all_digits() {
    for (text, units) in [
        ("0", 0),
        ("0.000000000000000001", 1),
        ("1", 1_000_000_000_000_000_000),
        ("2.50", 2_500_000_000_000_000_000),
        ("0.041666666666666664", 41_666_666_666_666_664),
        ("600", 600_000_000_000_000_000_000),
        ("999999999.999999999999999999", 999_999_999_999_999_999_999_999_999),
    ] {
        assert_eq!(TieredPrice::new(text).unwrap().at(u64::MAX), units, "{text}");
    }
}

#[test]
fn price_refuses_all_but_decimals_with_rising_tiers() {
    for text in [
        "",
        ".5",
        "5.",
        "-1",
        "+1",
        "1e3",
        "1,5",
        " 1",
        "1 ",
        "1.0000000000000000001",
        "1000000000",
        "1.2.3",
        "$2",
        "1 5",
        "1 2 3",
        "1 >5",
        "1 >5 ",
        "1 > 5 2",
        "1 >5 2 >5 3",
        "1 >5 2 >4 3",
        "1 >-5 2",
        "1 >5 x",
        "1  >5 2",
        "1 >99999999999999999999 2",
    ] {
        assert_eq!(TieredPrice::new(text), None, "{text}");
    }
}

#[test]
fn tier_applies_above_its_start() {
    let price = TieredPrice::new("1 >32000 2 >256000 3").unwrap();
    let dollars = |input| price.at(input) / 1_000_000_000_000_000_000;
    assert_eq!([0, 31_999, 32_000, 32_001, 256_000, 256_001, u64::MAX].map(dollars), [1, 1, 1, 2, 2, 3, 3]);
}
