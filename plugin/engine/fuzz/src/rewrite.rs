//! Usage on request: the splice in a request and the chunk hidden from a response, against naive twins.
//!
//! An input is an operation, two places to cut at, and then a request (operation even) or a response's stream. The
//! operation's second bit says whether the response's last piece is announced as such.

use std::rc::Rc;

use llm_gauge_decode_fuzz::cuttings::cuttings;
use llm_gauge_engine::config::{Place, Policy};
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::rewrite::Rewrite;

use crate::json_twin::{TWIN_DEPTH_MAX, brackets};
use crate::twins::{chunk_filter_twin, json_twin, usage_option_twin};

thread_local! {
    static POLICY: Rc<Policy> = {
        Rc::new(Policy::parse(br#"{"streaming":{"usage":"request"}}"#).expect("a good policy"))
    };
}

/// The maximum number of bytes that a splice adds.
const INSERTED_MAX: usize = r#","stream_options":{"include_usage":true}"#.len();
/// The maximum number of bytes that a splice removes.
const REMOVED_MAX: usize = "false".len();

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some((&[operation, cuts @ ..], rest)) = input.split_first_chunk::<3>() else { return };
    match operation & 1 {
        0 => check_request(rest, cuts),
        _ => check_response(rest, cuts, operation & 2 != 0),
    }
}

fn check_request(document: &[u8], cuts: [u8; 2]) {
    if document.is_empty() {
        return;
    }
    let is_shallow = brackets(document) < TWIN_DEPTH_MAX;
    let tree = usage_option_twin::parse(document).filter(|_| is_shallow);
    let text =
        str::from_utf8(document).ok().filter(|_| is_shallow).map(|text| text.trim_end_matches('\u{c}'));
    let is_json = text.is_none_or(|text| json_twin::read(text, &[], 0, usize::MAX).is_some());
    let expected = held_request(&[document]);
    for pieces in cuttings(document, cuts) {
        let after = held_request(&pieces);
        assert_eq!(after, expected);
        assert!(is_json || after == document, "edited, and no JSON");
        if let Some(tree) = &tree {
            let asked = tree.with_option_if_needed();
            assert_eq!(asked.is_some(), after != document);
            assert_eq!(usage_option_twin::parse(&after).as_ref(), asked.as_ref().or(Some(tree)));
        }
        assert_one_splice(document, &after);
        let after = streamed_request(&pieces);
        assert_one_splice(document, &after);
        // A request that is not held is edited before its end has been read.
        if let (Some(tree), true) = (&tree, after != document) {
            assert_eq!(usage_option_twin::parse(&after), tree.with_option());
        }
    }
    if expected != document {
        // In one piece, the whole request has been read.
        assert_eq!(streamed_request(&[document]), expected);
    }
}

/// Checks that two requests differ in one place, and by no more than a splice.
fn assert_one_splice(before: &[u8], after: &[u8]) {
    let front = before.iter().zip(after).take_while(|(before, after)| before == after).count();
    let (before, after) = (&before[front..], &after[front..]);
    let back =
        before.iter().rev().zip(after.iter().rev()).take_while(|(before, after)| before == after).count();
    assert!(before.len() - back <= REMOVED_MAX && after.len() - back <= INSERTED_MAX);
}

/// Returns the request that the provider receives if it is held until its end.
fn held_request(pieces: &[&[u8]]) -> Vec<u8> {
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

/// Returns the request that the provider receives if it is sent on piece by piece.
fn streamed_request(pieces: &[&[u8]]) -> Vec<u8> {
    let mut rewrite = begin(None);
    let mut upstream = Vec::new();
    for (left, piece) in (0..pieces.len()).rev().zip(pieces) {
        match rewrite.request_body(piece, left == 0) {
            Some(edit) => {
                upstream.extend(edit.apply(piece).expect("a place in the piece"));
                rewrite.confirm_edit();
            }
            None => upstream.extend_from_slice(piece),
        }
    }
    upstream
}

fn check_response(stream: &[u8], cuts: [u8; 2], is_end_announced: bool) {
    let expected = shown_response(&[stream], true);
    for pieces in cuttings(stream, cuts) {
        assert_eq!(shown_response(&pieces, is_end_announced), expected);
    }
    if let (true, Some(by_twin)) =
        (brackets(stream) < TWIN_DEPTH_MAX, chunk_filter_twin::without_usage_chunks(stream))
    {
        assert_eq!(expected, by_twin);
    }
}

/// Returns the response to an edited request that the client receives.
fn shown_response(pieces: &[&[u8]], is_end_announced: bool) -> Vec<u8> {
    let mut rewrite = begin(None);
    rewrite.request_body(br#"{"stream":true}"#, true).expect("an edit");
    rewrite.confirm_edit();
    let head = [(&b":status"[..], &b"200"[..]), (b"content-type", b"text/event-stream")];
    rewrite.response_head(&Headers::new(head));
    let mut client = Vec::new();
    for (left, piece) in (0..pieces.len()).rev().zip(pieces) {
        let is_last = is_end_announced && left == 0;
        client.extend(rewrite.response_body(piece, is_last).unwrap_or_else(|| piece.to_vec()));
    }
    if !is_end_announced || pieces.is_empty() {
        client.extend(rewrite.response_body(b"", true).unwrap_or_default());
    }
    client
}

/// Returns the rewrite of an exchange whose request may be edited. `length` is its content length, without which it is
/// not held.
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
    Rewrite::begin(&policy, route.format, &route.provider, &head).expect("a request to edit")
}
