use proptest::prelude::*;

use super::*;

#[test]
fn fits_lets_a_star_match_any_characters() {
    let table = [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "abc", true),
        ("abc", "abc", true),
        ("abc", "abcd", false),
        ("a*", "a", true),
        ("a*", "ba", false),
        ("*a", "ba", true),
        ("*a", "ab", false),
        ("a*a", "a", false),
        ("a*a", "aa", true),
        ("a*b*c", "a1b2c", true),
        ("a*b*c", "acb", false),
        ("*ab*ab*", "ab", false),
        ("*aab", "aaab", true),
        ("/v1/*/chat", "/v1/x/y/chat", true),
        ("gpt-4*", "GPT-4", false),
        ("é*😀", "é 😀", true),
        ("a?c", "abc", false),
        ("**", "x", true),
    ];
    for (pattern, text, fits) in table {
        assert_eq!(Pattern::new(pattern).fits(text), fits, "{pattern} and {text}");
    }
}

/// Matches by the recursive definition.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', others)) => (0..=text.len()).any(|taken| naive(others, &text[taken..])),
        Some((letter, others)) => text.first() == Some(letter) && naive(others, &text[1..]),
    }
}

proptest! {
    #[test]
    fn fits_agrees_with_the_definition(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(Pattern::new(&pattern).fits(&text), naive(&letters(&pattern), &letters(&text)));
    }
}
