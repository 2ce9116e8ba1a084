#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

use proptest::prelude::*;

use super::tally::WEIGHTS;
use super::*;
use crate::simd::unescape;
use crate::testing::{pieces, points};

fn tally(text: &[u8]) -> Tally {
    let mut tally = Tally::default();
    tally.feed(text);
    tally
}

fn sampled<const EXACT: u64>(text: &[u8]) -> SampledTally<EXACT> {
    let mut sampled = SampledTally::default();
    sampled.feed(text);
    sampled
}

/// Returns a naive twin's counts, byte by byte.
fn naive_counts(text: &[u8]) -> Vec<u32> {
    let mut counts = vec![0; TEXT_FEATURES];
    let mut last = b' ';
    let is_word = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80;
    for byte in text {
        let kind = match byte {
            0x80..0xC0 => None,
            0xC2 | 0xE2 | 0xEE..=0xEF => Some(TextFeature::Symbol),
            0xC0..=0xCC => Some(TextFeature::Latin),
            0xCD..=0xD4 => Some(TextFeature::Greek),
            0xD5..=0xDF => Some(TextFeature::Arabic),
            0xE0..=0xE1 => Some(TextFeature::Indic),
            0xE3..=0xE9 => Some(TextFeature::Ideograph),
            0xEA..=0xED => Some(TextFeature::Hangul),
            0xF0.. => Some(TextFeature::Emoji),
            b'\n' => Some(TextFeature::LineFeed),
            b'0'..=b'9' => Some(TextFeature::Digit),
            b'a'..=b'z' | b'A'..=b'Z' => Some(TextFeature::Letter),
            mark if mark.is_ascii_punctuation() => Some(TextFeature::Punctuation),
            _ => Some(TextFeature::Space),
        };
        if let Some(kind) = kind {
            counts[kind as usize] += 1;
        }
        counts[TextFeature::Word as usize] += u32::from(is_word(*byte) && !is_word(last));
        counts[TextFeature::PunctuationRun as usize] +=
            u32::from(byte.is_ascii_punctuation() && !last.is_ascii_punctuation());
        last = *byte;
    }
    counts
}

/// Feeds a JSON string, split at `at`, as written; escapes that only the scanner can resolve are fed resolved.
fn sampled_escaped<const EXACT: u64>(text: &[(Vec<u8>, Vec<u8>)], at: &[usize]) -> SampledTally<EXACT> {
    let bytes: Vec<u8> = text.iter().flat_map(|(written, _)| written.clone()).collect();
    let mut ends: Vec<_> = at.iter().map(|at| at % (bytes.len() + 1)).chain([bytes.len()]).collect();
    ends.sort_unstable();
    let (mut sampled, mut place, mut taken) = (SampledTally::default(), 0, 0);
    for (written, resolved) in text {
        let end = place + written.len();
        while taken < end {
            let piece_end = ends.iter().copied().find(|end| *end > taken).unwrap_or(end);
            let took = sampled.feed_escaped(&bytes[taken..piece_end]);
            taken += took;
            if took == 0 {
                // Only an escape is left, and never a part of one.
                assert_eq!(taken, place, "{:?} of {:?}", &bytes[taken..piece_end], &bytes[place..end]);
                sampled.feed(resolved);
                taken = end;
            }
        }
        place = end;
    }
    sampled
}

/// Returns the counts of all features.
fn counts(text: &str) -> Vec<u32> {
    tally(text.as_bytes()).counts().to_vec()
}

#[test]
fn tally_counts_the_features_of_a_text() {
    // The order is Letter, Word, Digit, Punctuation, PunctuationRun, LineFeed, Space, then the scripts.
    assert_eq!(counts(""), [0; TEXT_FEATURES]);
    assert_eq!(counts("Hi, you 2!!\n"), [5, 2, 1, 3, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts("a1b"), [2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts("café é"), [3, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts("дa שלום हि"), [1, 3, 0, 0, 0, 0, 2, 0, 1, 4, 2, 0, 0, 0, 0]);
    assert_eq!(counts("—。か漢한🙂"), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 1, 1]);
    assert_eq!(tally("Hi, дa\n—漢🙂".as_bytes()).characters(), 10);
    assert_eq!(size_of::<Tally>(), 64);
}

#[test]
fn tally_does_not_continue_a_word_after_the_end_of_a_text() {
    let mut tally = tally(b"a");
    tally.end();
    tally.feed(b"b");
    assert_eq!(tally.counts()[..3], [2, 2, 0]);
}

#[test]
fn estimate_adds_weights_and_frame() {
    let frame = Frame { text_percent: 110, prompt: 3, turn: 4, tools: 300, value_milli: 500, call: 12 };
    let none = Estimate { frame, prompt: PromptTally::default(), answer: AnswerTally::default(), calls: 0 };
    assert_eq!((none.input_tokens(), none.output_tokens()), (0, 0));
    // 14 letters and 3 words weigh 3.047 tokens, plus 10 %.
    let said = Estimate { answer: sampled(b"three words here"), ..none };
    assert_eq!(said.output_tokens(), 3);
    assert_eq!(Estimate { calls: 2, ..said }.output_tokens(), 27);
    let asked = PromptTally { text: sampled(b"three words here"), ..PromptTally::default() };
    assert_eq!(Estimate { prompt: asked, ..none }.input_tokens(), 10);
    assert_eq!(Estimate { prompt: PromptTally { turns: 3, ..asked }, ..none }.input_tokens(), 18);
    assert_eq!(Estimate { prompt: PromptTally { values: 5, ..asked }, ..none }.input_tokens(), 313);
    assert_eq!(Estimate { frame: Frame::NONE, answer: sampled(b" "), ..none }.output_tokens(), 1);
}

#[test]
fn estimate_samples_a_long_text() {
    let none = Estimate {
        frame: Frame::NONE,
        prompt: PromptTally::default(),
        answer: AnswerTally::default(),
        calls: 0,
    };
    for (words, characters) in [(256, 2048), (256 + 128, 3072), (10_000, 80_000)] {
        let text = "1234 ab ".repeat(words);
        let asked = PromptTally { text: sampled(text.as_bytes()), ..PromptTally::default() };
        assert_eq!(asked.text.characters(), characters);
        let exact = round(tally(text.as_bytes()).milli_tokens());
        let input = Estimate { prompt: asked, ..none }.input_tokens();
        let output = Estimate { answer: sampled(text.as_bytes()), ..none }.output_tokens();
        assert!(input.abs_diff(exact) <= 1, "{input} for {exact}");
        assert!(output.abs_diff(exact) <= 1, "{output} for {exact}");
    }
}

#[test]
fn word_that_continues_into_a_sample_counts_once() {
    let words = |bytes| {
        let text: SampledTally<4> = sampled(bytes);
        text.milli_tokens()
    };
    // There is one letter more, and no word more.
    assert_eq!(words(b"abcde") - words(b"abcd"), u64::from(WEIGHTS[TextFeature::Letter as usize]));
}

proptest! {
    #[test]
    fn sampled_tally_does_not_depend_on_the_split(text in "[a-zé 0-9\n]{0,9000}", at in points()) {
        let mut cut: SampledTally<2048> = SampledTally::default();
        pieces(text.as_bytes(), &at).into_iter().for_each(|piece| cut.feed(piece));
        prop_assert_eq!(cut, sampled(text.as_bytes()));
    }

    #[test]
    fn tally_does_not_depend_on_the_split(text in "(?s)([ -~]{0,300}|\\PC{0,40}|[a-zé\n]{0,5000})", at in points()) {
        let mut cut = Tally::default();
        pieces(text.as_bytes(), &at).into_iter().for_each(|piece| cut.feed(piece));
        prop_assert_eq!(cut, tally(text.as_bytes()));
        prop_assert_eq!(cut.counts().to_vec(), naive_counts(text.as_bytes()));
    }

    #[test]
    fn tally_counts_any_bytes_as_the_naive_twin_does(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(tally(&bytes).counts().to_vec(), naive_counts(&bytes));
    }

    #[test]
    fn escaped_text_counts_as_resolved_text(text in prop::collection::vec(character(), 0..400), at in points()) {
        let resolved: Vec<u8> = text.iter().flat_map(|(_, resolved)| resolved.clone()).collect();
        prop_assert_eq!(sampled_escaped::<2048>(&text, &at), sampled(&resolved));
        prop_assert_eq!(sampled_escaped::<100>(&text, &at), sampled(&resolved));
        prop_assert_eq!(sampled_escaped::<0>(&text, &at), sampled(&resolved));
    }
}

/// Generates a character as written in a JSON string and as resolved.
fn character() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let plain =
        "[ -!#-\\[\\]-~é漢🙂]".prop_map(|text: String| (text.clone().into_bytes(), text.into_bytes()));
    let escaped = any::<u8>().prop_filter("a number", |byte| *byte != b'u');
    let escaped = escaped.prop_map(|byte| (vec![b'\\', byte], vec![unescape(byte)]));
    let mark = prop::sample::select(&b"\"\\ntrbf/"[..]);
    let mark = mark.prop_map(|byte| (vec![b'\\', byte], vec![unescape(byte)]));
    let number = Just((br"\u00e9".to_vec(), "é".as_bytes().to_vec()));
    prop_oneof![12 => plain, 2 => mark, 1 => escaped, 1 => number]
}
