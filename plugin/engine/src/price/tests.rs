use super::tokens::CLASSES;
use super::*;
use crate::config::Policy;
use crate::usage::{Count, Usage};

fn table(json: &str) -> &'static PriceTable {
    let policy = Policy::parse(format!(r#"{{"prices":{json}}}"#).as_bytes()).unwrap();
    Box::leak(Box::new(policy)).prices().unwrap()
}

/// Returns a usage with these counts.
fn usage(counts: &[(Count, u64)]) -> Usage {
    let mut usage = Usage::default();
    for (count, tokens) in counts {
        usage.set(*count, *tokens);
    }
    usage
}

/// A cost in microdollars as units. Dollars per million tokens are microdollars per token, so 1 is one token at a price
/// of "1".
const MICRODOLLAR: u128 = UNITS_PER_DOLLAR / 1_000_000;

/// Asserts the cost by class in microdollars, and the unpriced tokens.
#[track_caller]
fn check(prices: &str, tokens: Tokens, classes: &[(&'static str, u128)], unpriced_tokens: u64) {
    let table = table(&format!(r#"{{"rows":[{{"provider":"p","match":"m"{prices}}}]}}"#));
    let cost = table.cost("p", ["m"], &tokens);
    let classes = classes.iter().map(|(class, cost)| (*class, cost.saturating_mul(MICRODOLLAR))).collect();
    let expected = Cost { classes, unpriced_tokens };
    assert_eq!(cost, expected, "{prices}");
}

const ALL: &[(Count, u64)] = &[
    (Count::CacheRead, 100),
    (Count::CacheWrite, 30),
    (Count::CacheWrite1h, 10),
    (Count::AudioInput, 5),
    (Count::Reasoning, 40),
    (Count::AudioOutput, 8),
];

#[test]
fn cost_bills_each_token_in_one_class() {
    let tokens = Tokens::new(1000, 100, &usage(ALL));
    let prices = r#","input":"2","cached_input":"1","cache_write":"3","cache_write_1h":"4","audio_input":"10",
        "cached_audio_input":"7","output":"5","reasoning":"6","audio_output":"20","request":"9""#;
    let classes = [
        ("cache_write_1h", 10 * 4),
        ("cached_input", 100),
        ("cache_write", 20 * 3),
        ("audio_input", 5 * 10),
        ("reasoning", 40 * 6),
        ("audio_output", 8 * 20),
        ("input", (1000 - 100 - 30 - 5) * 2),
        ("output", (100 - 40 - 8) * 5),
        ("request", 9),
    ];
    check(prices, tokens, &classes, 0);
}

#[test]
fn class_without_a_price_is_billed_as_its_whole() {
    let tokens = Tokens::new(1000, 100, &usage(ALL));
    check(r#","input":"2","output":"5""#, tokens, &[("input", 2000), ("output", 500)], 0);
    let hour_as_usual = [("cache_write", 90), ("input", 970 * 2), ("output", 500)];
    check(r#","input":"2","cache_write":"3","output":"5""#, tokens, &hour_as_usual, 0);
    let hour_alone = [("cache_write_1h", 40), ("input", 990 * 2), ("output", 500)];
    check(r#","input":"2","cache_write_1h":"4","output":"5""#, tokens, &hour_alone, 0);
}

#[test]
fn tokens_without_a_price_are_unpriced() {
    let tokens = Tokens::new(1000, 100, &usage(ALL));
    check("", tokens, &[], 1100);
    check(r#","input":"2""#, tokens, &[("input", 2000)], 100);
    check(
        r#","cached_input":"1","audio_output":"2""#,
        tokens,
        &[("cached_input", 100), ("audio_output", 16)],
        900 + 92,
    );
    check(r#","input":"0","output":"0""#, tokens, &[], 0);
    let none = Tokens::new(0, 0, &usage(&[]));
    check("", none, &[], 0);
    check(r#","input":"2","output":"5""#, none, &[], 0);
}

#[test]
fn parts_larger_than_their_whole_are_cut_down() {
    let classes = [
        "input",
        "cached_input",
        "cache_write",
        "cache_write_1h",
        "audio_input",
        "cached_audio_input",
        "image_input",
        "cached_image_input",
        "video_input",
        "output",
        "reasoning",
        "audio_output",
        "image_output",
        "video_output",
    ];
    let prices: String = classes.map(|class| format!(",\"{class}\":\"1\"")).concat();
    let table = table(&format!(r#"{{"rows":[{{"provider":"p","match":"m"{prices}}}]}}"#));
    let sizes = [0, 3, 8, 10, u64::MAX];
    for counts in [
        [
            Count::CacheRead,
            Count::CacheWrite,
            Count::CacheWrite1h,
            Count::AudioInput,
            Count::Reasoning,
            Count::AudioOutput,
        ],
        [
            Count::CacheRead,
            Count::AudioInput,
            Count::ImageInput,
            Count::CachedAudioInput,
            Count::CachedImageInput,
            Count::VideoInput,
        ],
        [
            Count::CacheRead,
            Count::CacheWrite,
            Count::ImageInput,
            Count::VideoInput,
            Count::ImageOutput,
            Count::VideoOutput,
        ],
    ] {
        for number in 0..sizes.len().pow(6) {
            let size =
                |place: usize| sizes[number / sizes.len().pow(u32::try_from(place).unwrap()) % sizes.len()];
            let counts: Vec<_> =
                counts.iter().enumerate().map(|(place, count)| (*count, size(place))).collect();
            let cost = table.cost("p", ["m"], &Tokens::new(10, 7, &usage(&counts)));
            assert_eq!((cost.units(), cost.unpriced_tokens), (17 * MICRODOLLAR, 0), "{counts:?}");
        }
    }
}

#[test]
fn cached_audio_is_the_least_that_the_counts_allow() {
    let prices = r#","input":"1","cached_input":"2","audio_input":"100","cached_audio_input":"10""#;
    let tokens = |cached, audio| {
        Tokens::new(100, 0, &usage(&[(Count::CacheRead, cached), (Count::AudioInput, audio)]))
    };
    check(prices, tokens(60, 40), &[("cached_input", 120), ("audio_input", 4000)], 0);
    check(
        prices,
        tokens(60, 50),
        &[("cached_audio_input", 100), ("cached_input", 100), ("audio_input", 4000)],
        0,
    );
    check(prices, tokens(100, 100), &[("cached_audio_input", 1000)], 0);
}

#[test]
fn media_are_billed_at_their_own_prices() {
    let prices = r#","input":"1","cached_input":"2","audio_input":"100","image_input":"10","cached_image_input":"5",
        "video_input":"20","output":"3","image_output":"30","video_output":"40","audio_output":"50","reasoning":"4""#;
    let counts = [
        (Count::CacheRead, 60),
        (Count::AudioInput, 7),
        (Count::ImageInput, 50),
        (Count::CachedImageInput, 40),
        (Count::VideoInput, 11),
        (Count::Reasoning, 5),
        (Count::AudioOutput, 2),
        (Count::ImageOutput, 20),
        (Count::VideoOutput, 3),
    ];
    let classes = [
        ("cached_image_input", 40 * 5),
        ("cached_input", 20 * 2),
        ("audio_input", 7 * 100),
        ("image_input", 10 * 10),
        ("video_input", 11 * 20),
        ("reasoning", 5 * 4),
        ("audio_output", 2 * 50),
        ("image_output", 20 * 30),
        ("video_output", 3 * 40),
        ("input", 100 - 60 - 7 - 10 - 11),
        ("output", 70 * 3),
    ];
    check(prices, Tokens::new(100, 100, &usage(&counts)), &classes, 0);
    // Only 40 tokens can be fresh, so 10 of the images and all but 0 of the video must be cached.
    let forced = usage(&[(Count::CacheRead, 60), (Count::ImageInput, 50), (Count::VideoInput, 11)]);
    let classes = [("cached_image_input", 50), ("cached_input", 100), ("image_input", 400)];
    check(prices, Tokens::new(100, 0, &forced), &classes, 0);
}

/// Checks the example of Perplexity's documentation: each kind of token is billed separately.
#[test]
fn citations_and_their_reasoning_are_added_to_the_output() {
    let counts = [(Count::Citation, 20_016), (Count::Reasoning, 95_305)];
    let tokens = Tokens::new(33, 7163, &usage(&counts));
    let classes = [("reasoning", 285_915), ("citation", 40_032), ("input", 66), ("output", 57_304)];
    check(r#","input":"2","output":"8","reasoning":"3","citation":"2""#, tokens, &classes, 0);
    check("", tokens, &[], 33 + 7163 + 20_016 + 95_305);
}

#[test]
fn tier_applies_to_the_whole_request_by_its_inclusive_input() {
    let prices =
        r#","input":"1.25 >200000 2.5","cached_input":"0.125 >200000 0.25","output":"10 >200000 15""#;
    let tokens = |input| Tokens::new(input, 1000, &usage(&[(Count::CacheRead, 100_000)]));
    check(prices, tokens(200_000), &[("cached_input", 12_500), ("input", 125_000), ("output", 10_000)], 0);
    check(prices, tokens(300_000), &[("cached_input", 25_000), ("input", 500_000), ("output", 15_000)], 0);
    // Output does not count for a tier.
    check(prices, Tokens::new(0, 900_000, &usage(&[])), &[("output", 9_000_000)], 0);
}

#[test]
fn cost_saturates_instead_of_overflowing() {
    let most = u64::MAX;
    let prices = "\"999999999.999999999999999999\"";
    let table = table(&format!(
        r#"{{"rows":[{{"provider":"p","match":"m","input":{prices},"output":{prices}}},{{"provider":"p","match":"n"}}]}}"#
    ));
    let cost = table.cost("p", ["m"], &Tokens::new(most, most, &usage(&[])));
    assert_eq!((cost.units(), cost.nanodollars()), (u128::MAX, Some(u64::MAX)));
    assert_eq!(table.cost("p", ["n"], &Tokens::new(most, most, &usage(&[]))).unpriced_tokens, most);
    assert_eq!(table.cost("p", ["x"], &Tokens::new(most, most, &usage(&[]))).unpriced_tokens, most);
}

#[test]
fn nanodollars_are_rounded_half_up() {
    let nanodollars =
        |units, unpriced_tokens| Cost { classes: vec![("input", units)], unpriced_tokens }.nanodollars();
    let half = UNITS_PER_NANODOLLAR / 2;
    assert_eq!(nanodollars(half - 1, 0), Some(0));
    assert_eq!(nanodollars(half, 0), Some(1));
    assert_eq!(nanodollars(half * 3 - 1, 0), Some(1));
    assert_eq!(nanodollars(half * 3, 0), Some(2));
    assert_eq!(nanodollars(half * 3, 1), None);
}

const ROWS: &str = r#"{
    "providers": {"cloud": "house acme", "cloud.two": "acme"},
    "rows": [
        {"provider":"acme","match":"talk-5-*","except":"*-tts"},
        {"provider":"acme","match":"talk-5 talk-4"},
        {"provider":"acme","match":"talk-5-tts talk-5-mini"},
        {"provider":"acme","match":"*talk*"},
        {"provider":"house","match":"talk-4"},
        {"provider":"*","match":"walk"},
        {"provider":"acme","match":"talk-4 walk"},
        {"provider":"acme","match":"jog-2026-11-23"},
        {"provider":"acme","match":"run-1 run-##","except":"run-*"}
    ]}"#;

#[test]
fn price_table_uses_the_first_matching_row() {
    let table = table(ROWS);
    for (provider, model, row) in [
        ("acme", "talk-5", Some(1)),
        ("acme", "TALK-5", Some(1)),
        ("acme", "talk-5-mini", Some(0)),
        ("acme", "talk-5-tts", Some(2)),
        ("acme", "talk-4", Some(1)),
        ("acme", "talk-3", Some(3)),
        ("acme", "my-talk", Some(3)),
        ("acme", "walk", Some(6)),
        ("acme", "run-1", None),
        ("acme", "run-12", None),
        ("acme", "jog-20261123", Some(7)),
        ("acme", "jog-20261124", None),
        ("cloud", "talk-4", Some(4)),
        ("cloud", "talk-5", Some(1)),
        ("cloud.two", "talk-4", Some(1)),
        ("house", "talk-5", None),
        ("other", "walk", Some(5)),
        ("other", "talk-4", None),
    ] {
        assert_eq!(table.find(provider, model), row, "{provider} {model}");
    }
}

#[test]
fn price_table_uses_the_first_name_with_a_row() {
    let rows =
        r#"{"rows":[{"provider":"p","match":"a","input":"1"},{"provider":"p","match":"b","input":"2"}]}"#;
    let table = table(rows);
    let tokens = Tokens::new(1, 0, &usage(&[]));
    for (names, dollars) in [(&["a", "b"][..], 1), (&["x", "b", "a"], 2), (&["x"], 0), (&[], 0)] {
        let cost = table.cost("p", names.iter().copied(), &tokens);
        assert_eq!(cost.units(), dollars * MICRODOLLAR, "{names:?}");
        assert_eq!(cost.unpriced_tokens, u64::from(dollars == 0));
    }
}

#[test]
fn title_has_the_origin_and_date_of_prices() {
    assert_eq!(table(r#"{"rows":[]}"#).title(), "own");
    assert_eq!(
        table(r#"{"version":"x 1","date":"2026-11-23","notice":"any","rows":[]}"#).title(),
        "x 1 of 2026-11-23"
    );
}

#[test]
fn classes_are_listed_before_their_wholes() {
    for (place, (class, name, wholes)) in TokenClass::ALL.iter().enumerate() {
        assert_eq!((TokenClass::named(name), *class as usize), (Some(*class), place));
        for whole in *wholes {
            let at = TokenClass::ALL.iter().position(|(other, _, _)| other == whole);
            assert!(at > Some(place), "{name}");
        }
    }
    assert_eq!(TokenClass::ALL.len(), CLASSES);
}
