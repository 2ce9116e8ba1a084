use proptest::prelude::*;

use super::*;
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

/// The same, a byte at a time, which never takes the way of blocks.
fn slowly(text: &[u8]) -> Tally {
    let mut tally = Tally::default();
    text.iter().for_each(|byte| tally.feed(&[*byte]));
    tally
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
        prop_assert_eq!(cut, slowly(text.as_bytes()));
    }

    #[test]
    fn any_bytes_are_the_same(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(tally(&bytes), slowly(&bytes));
    }
}
