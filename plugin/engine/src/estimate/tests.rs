use proptest::prelude::*;

use super::*;
use crate::testing::{pieces, points};

fn tally(text: &[u8]) -> Tally {
    let mut tally = Tally::default();
    tally.feed(text);
    tally
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
    let none = Estimate { frame, prompt: Prompt::default(), answer: Tally::default(), calls: 0 };
    assert_eq!((none.input_tokens(), none.output_tokens()), (0, 0));
    // 14 letters and 3 words weigh 3.047 tokens, and a tenth more.
    let said = Estimate { answer: tally(b"three words here"), ..none };
    assert_eq!(said.output_tokens(), 3);
    assert_eq!(Estimate { calls: 2, ..said }.output_tokens(), 27);
    let asked = Prompt { text: tally(b"three words here"), ..Prompt::default() };
    assert_eq!(Estimate { prompt: asked, ..none }.input_tokens(), 10);
    assert_eq!(Estimate { prompt: Prompt { turns: 3, ..asked }, ..none }.input_tokens(), 18);
    assert_eq!(Estimate { prompt: Prompt { values: 5, ..asked }, ..none }.input_tokens(), 313);
    assert_eq!(Estimate { frame: Frame::NONE, answer: tally(b" "), ..none }.output_tokens(), 1);
}

#[test]
fn a_long_prompt_is_sampled() {
    let prompt = |text: &str| {
        let mut prompt = Prompt::default();
        prompt.feed(text.as_bytes());
        prompt
    };
    let none = Estimate { frame: Frame::NONE, prompt: Prompt::default(), answer: Tally::default(), calls: 0 };
    for (words, characters) in [(256, 2048), (256 + 128, 3072), (10_000, 80_000)] {
        let text = "1234 ab ".repeat(words);
        assert_eq!(prompt(&text).characters(), characters);
        let exact = Estimate { answer: tally(text.as_bytes()), ..none }.output_tokens();
        let sampled = Estimate { prompt: prompt(&text), ..none }.input_tokens();
        assert!(sampled.abs_diff(exact) <= 1, "{sampled} for {exact}");
    }
}

proptest! {
    #[test]
    fn any_cutting_of_a_prompt_is_the_same(text in "[a-zé 0-9\n]{0,9000}", at in points()) {
        let mut whole = Prompt::default();
        whole.feed(text.as_bytes());
        let mut cut = Prompt::default();
        pieces(text.as_bytes(), &at).into_iter().for_each(|piece| cut.feed(piece));
        prop_assert_eq!(cut, whole);
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
