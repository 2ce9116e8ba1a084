//! The splice in a request and the chunk hidden from a response, against naive readings of the whole. Input: what to
//! do, two places to cut at, then the request or the stream.
#![no_main]

use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use llm_gauge_engine::formats::Format;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::config::{Place, Policy};
use llm_gauge_engine::rewrite::Rewrite;

#[path = "../../src/rewrite/ask/tests/twin.rs"]
mod ask_twin;
mod cut;
#[path = "../../src/rewrite/hide/tests/twin.rs"]
mod hide_twin;
#[allow(dead_code, reason = "other targets have use for the rest")]
#[path = "../../src/scan/json/tests/twin.rs"]
mod json_twin;
#[path = "../../src/scan/sse/tests/twin.rs"]
mod sse_twin;

thread_local! {
    static POLICY: Rc<Policy> = {
        Rc::new(Policy::parse(br#"{"streaming":{"usage":"request"}}"#).expect("a good policy"))
    };
}

/// What a splice may put in.
const INSERTED_MAX: usize = r#","stream_options":{"include_usage":true}"#.len();
/// What may go: `false`.
const REMOVED_MAX: usize = 5;

fn begin(length: Option<usize>) -> Rewrite {
    let length = length.map(|length| length.to_string());
    let fields = [
        (&b":method"[..], &b"POST"[..]),
        (b":path", b"/v1/chat/completions"),
        (b":authority", b"api.openai.com"),
        (b"content-type", b"application/json"),
    ];
    let length = length.as_ref().map(|length| (&b"content-length"[..], length.as_bytes()));
    let head = Headers::new(fields.into_iter().chain(length));
    let policy = POLICY.with(Rc::clone);
    let route = policy.route(&head, &Place::default()).expect("a known path");
    let format: &Format = route.format;
    Rewrite::begin(&policy, format, &route.provider, &head).expect("a request that may need it")
}

/// A request that is held, as it goes on.
fn held(pieces: &[&[u8]]) -> Vec<u8> {
    let whole = pieces.concat();
    let mut rewrite = begin(Some(whole.len()));
    for piece in pieces {
        assert_eq!(rewrite.request_body(piece, false), None);
    }
    match rewrite.request_body(b"", true) {
        Some(edit) => {
            let edited = edit.apply(&whole).expect("a place in the request");
            assert_eq!(rewrite.length_after(&edit), edited.len());
            edited
        }
        None => whole,
    }
}

/// A request that passes as it comes, as it goes on.
fn passing(pieces: &[&[u8]]) -> Vec<u8> {
    let mut rewrite = begin(None);
    let mut upstream = Vec::new();
    for (left, piece) in (0..pieces.len()).rev().zip(pieces) {
        match rewrite.request_body(piece, left == 0) {
            Some(edit) => {
                upstream.extend(edit.apply(piece).expect("a place in the piece"));
                rewrite.asked();
            }
            None => upstream.extend_from_slice(piece),
        }
    }
    upstream
}

/// One place differs, and by no more than a splice.
fn check_splice(before: &[u8], after: &[u8]) {
    let front = before.iter().zip(after).take_while(|(before, after)| before == after).count();
    let (before, after) = (&before[front..], &after[front..]);
    let back =
        before.iter().rev().zip(after.iter().rev()).take_while(|(before, after)| before == after).count();
    assert!(before.len() - back <= REMOVED_MAX && after.len() - back <= INSERTED_MAX);
}

fn ask(document: &[u8], cuts: [u8; 2]) {
    if document.is_empty() {
        return;
    }
    let is_shallow = document.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() < 100;
    let tree = ask_twin::parse(document).filter(|_| is_shallow);
    let text =
        str::from_utf8(document).ok().filter(|_| is_shallow).map(|text| text.trim_end_matches('\u{c}'));
    let is_json = text.is_none_or(|text| json_twin::read(text, &[], 0, usize::MAX).is_some());
    let expected = held(&[document]);
    for pieces in cut::cuttings(document, cuts) {
        let after = held(&pieces);
        assert_eq!(after, expected);
        assert!(is_json || after == document, "no JSON, and edited");
        if let Some(tree) = &tree {
            let asked = tree.asked_if_needed();
            assert_eq!(asked.is_some(), after != document);
            assert_eq!(ask_twin::parse(&after).as_ref(), asked.as_ref().or(Some(tree)));
        }
        check_splice(document, &after);
        let after = passing(&pieces);
        check_splice(document, &after);
        // What speaks against it may come later than the place.
        if let (Some(tree), true) = (&tree, after != document) {
            assert_eq!(ask_twin::parse(&after), tree.asked());
        }
    }
    if expected != document {
        // In one piece there is nothing later.
        assert_eq!(passing(&[document]), expected);
    }
}

fn shown(pieces: &[&[u8]], is_told: bool) -> Vec<u8> {
    let mut rewrite = begin(None);
    rewrite.request_body(br#"{"stream":true}"#, true).expect("an edit");
    rewrite.asked();
    let head = [(&b":status"[..], &b"200"[..]), (b"content-type", b"text/event-stream")];
    rewrite.response_head(&Headers::new(head));
    let mut client = Vec::new();
    for (left, piece) in (0..pieces.len()).rev().zip(pieces) {
        let end = is_told && left == 0;
        client.extend(rewrite.response_body(piece, end).unwrap_or_else(|| piece.to_vec()));
    }
    if !is_told || pieces.is_empty() {
        client.extend(rewrite.response_body(b"", true).unwrap_or_default());
    }
    client
}

fn hide(stream: &[u8], cuts: [u8; 2], is_told: bool) {
    let expected = shown(&[stream], true);
    for pieces in cut::cuttings(stream, cuts) {
        assert_eq!(shown(&pieces, is_told), expected);
    }
    let is_shallow = stream.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() < 100;
    if let (true, Some(by_twin)) = (is_shallow, hide_twin::shown(stream)) {
        assert_eq!(expected, by_twin);
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&[what, cuts @ ..], rest)) = input.split_first_chunk::<3>() else { return };
    match what & 1 {
        0 => ask(rest, cuts),
        _ => hide(rest, cuts, what & 2 != 0),
    }
});
