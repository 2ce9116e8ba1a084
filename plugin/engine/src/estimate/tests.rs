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

fn sampled<const EXACT: u64>(text: &[u8]) -> Sampled<EXACT> {
    let mut sampled = Sampled::default();
    sampled.feed(text);
    sampled
}

/// The same, told by characters alone.
fn slowly(text: &[u8]) -> Vec<u32> {
    let mut counts = vec![0; KINDS];
    let mut last = b' ';
    let is_word = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80;
    for byte in text {
        let kind = match byte {
            0x80..0xC0 => None,
            0xC2 | 0xE2 | 0xEE..=0xEF => Some(Kind::Symbol),
            0xC0..=0xCC => Some(Kind::Latin),
            0xCD..=0xD4 => Some(Kind::Greek),
            0xD5..=0xDF => Some(Kind::Arabic),
            0xE0..=0xE1 => Some(Kind::Indic),
            0xE3..=0xE9 => Some(Kind::Ideograph),
            0xEA..=0xED => Some(Kind::Hangul),
            0xF0.. => Some(Kind::Emoji),
            b'\n' => Some(Kind::Line),
            b'0'..=b'9' => Some(Kind::Digit),
            b'a'..=b'z' | b'A'..=b'Z' => Some(Kind::Letter),
            mark if mark.is_ascii_punctuation() => Some(Kind::Mark),
            _ => Some(Kind::Space),
        };
        if let Some(kind) = kind {
            counts[kind as usize] += 1;
        }
        counts[Kind::Word as usize] += u32::from(is_word(*byte) && !is_word(last));
        counts[Kind::Marks as usize] +=
            u32::from(byte.is_ascii_punctuation() && !last.is_ascii_punctuation());
        last = *byte;
    }
    counts
}

/// The bytes of a JSON string in any cutting, with what only the scanner can resolve resolved.
fn as_written<const EXACT: u64>(text: &[(Vec<u8>, Vec<u8>)], at: &[usize]) -> Sampled<EXACT> {
    let bytes: Vec<u8> = text.iter().flat_map(|(written, _)| written.clone()).collect();
    let mut ends: Vec<_> = at.iter().map(|at| at % (bytes.len() + 1)).chain([bytes.len()]).collect();
    ends.sort_unstable();
    let (mut sampled, mut place, mut taken) = (Sampled::default(), 0, 0);
    for (written, meant) in text {
        let end = place + written.len();
        while taken < end {
            let piece_end = ends.iter().copied().find(|end| *end > taken).unwrap_or(end);
            let took = sampled.written(&bytes[taken..piece_end]);
            taken += took;
            if took == 0 {
                // Nothing but an escape is left, and never half of one.
                assert_eq!(taken, place, "{:?} of {:?}", &bytes[taken..piece_end], &bytes[place..end]);
                sampled.feed(meant);
                taken = end;
            }
        }
        place = end;
    }
    sampled
}

/// The kinds counted and how many of each.
fn counts(text: &str) -> Vec<u32> {
    tally(text.as_bytes()).counts().to_vec()
}

#[test]
fn a_text_is_counted_by_what_it_is_made_of() {
    // Letter, Word, Digit, Mark, Marks, Line, then the scripts.
    assert_eq!(counts(""), [0; KINDS]);
    assert_eq!(counts("Hi, you 2!!\n"), [5, 2, 1, 3, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts("a1b"), [2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts("café é"), [3, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts("дa שלום हि"), [1, 3, 0, 0, 0, 0, 2, 0, 1, 4, 2, 0, 0, 0, 0]);
    assert_eq!(counts("—。か漢한🙂"), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 1, 1]);
    assert_eq!(tally("Hi, дa\n—漢🙂".as_bytes()).characters(), 10);
    assert_eq!(size_of::<Tally>(), 64);
}

#[test]
fn a_text_that_ended_is_not_continued() {
    let mut tally = tally(b"a");
    tally.end();
    tally.feed(b"b");
    assert_eq!(tally.counts()[..3], [2, 2, 0]);
}

#[test]
fn weights_and_frames_make_tokens() {
    let frame = Frame { text_percent: 110, prompt: 3, turn: 4, tools: 300, value_milli: 500, call: 12 };
    let none = Estimate { frame, prompt: Prompt::default(), answer: Answer::default(), calls: 0 };
    assert_eq!((none.input_tokens(), none.output_tokens()), (0, 0));
    // 14 letters and 3 words weigh 3.047 tokens, and a tenth more.
    let said = Estimate { answer: sampled(b"three words here"), ..none };
    assert_eq!(said.output_tokens(), 3);
    assert_eq!(Estimate { calls: 2, ..said }.output_tokens(), 27);
    let asked = Prompt { text: sampled(b"three words here"), ..Prompt::default() };
    assert_eq!(Estimate { prompt: asked, ..none }.input_tokens(), 10);
    assert_eq!(Estimate { prompt: Prompt { turns: 3, ..asked }, ..none }.input_tokens(), 18);
    assert_eq!(Estimate { prompt: Prompt { values: 5, ..asked }, ..none }.input_tokens(), 313);
    assert_eq!(Estimate { frame: Frame::NONE, answer: sampled(b" "), ..none }.output_tokens(), 1);
}

#[test]
fn a_long_text_is_sampled() {
    let none =
        Estimate { frame: Frame::NONE, prompt: Prompt::default(), answer: Answer::default(), calls: 0 };
    for (words, characters) in [(256, 2048), (256 + 128, 3072), (10_000, 80_000)] {
        let text = "1234 ab ".repeat(words);
        let asked = Prompt { text: sampled(text.as_bytes()), ..Prompt::default() };
        assert_eq!(asked.text.characters(), characters);
        let exact = rounded(tally(text.as_bytes()).milli_tokens());
        let input = Estimate { prompt: asked, ..none }.input_tokens();
        let output = Estimate { answer: sampled(text.as_bytes()), ..none }.output_tokens();
        assert!(input.abs_diff(exact) <= 1, "{input} for {exact}");
        assert!(output.abs_diff(exact) <= 1, "{output} for {exact}");
    }
}

#[test]
fn a_word_that_goes_on_into_the_samples_is_one() {
    let words = |bytes| {
        let text: Sampled<4> = sampled(bytes);
        text.milli_tokens()
    };
    // A letter more, and no word more.
    assert_eq!(words(b"abcde") - words(b"abcd"), u64::from(WEIGHTS[Kind::Letter as usize]));
}

proptest! {
    #[test]
    fn any_cutting_of_a_long_text_is_the_same(text in "[a-zé 0-9\n]{0,9000}", at in points()) {
        let mut cut: Sampled<2048> = Sampled::default();
        pieces(text.as_bytes(), &at).into_iter().for_each(|piece| cut.feed(piece));
        prop_assert_eq!(cut, sampled(text.as_bytes()));
    }

    #[test]
    fn any_cutting_is_the_same(text in "(?s)([ -~]{0,300}|\\PC{0,40}|[a-zé\n]{0,5000})", at in points()) {
        let mut cut = Tally::default();
        pieces(text.as_bytes(), &at).into_iter().for_each(|piece| cut.feed(piece));
        prop_assert_eq!(cut, tally(text.as_bytes()));
        prop_assert_eq!(cut.counts().to_vec(), slowly(text.as_bytes()));
    }

    #[test]
    fn any_bytes_are_the_same(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(tally(&bytes).counts().to_vec(), slowly(&bytes));
    }

    #[test]
    fn what_is_written_counts_as_it_is_meant(text in prop::collection::vec(character(), 0..400), at in points()) {
        let meant: Vec<u8> = text.iter().flat_map(|(_, meant)| meant.clone()).collect();
        prop_assert_eq!(as_written::<2048>(&text, &at), sampled(&meant));
        prop_assert_eq!(as_written::<100>(&text, &at), sampled(&meant));
        prop_assert_eq!(as_written::<0>(&text, &at), sampled(&meant));
    }
}

/// A character as it is written and as it is meant.
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
