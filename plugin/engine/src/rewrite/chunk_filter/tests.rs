#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;
use crate::testing::{every_cutting, json_twin, pieces, points, sse_twin};

mod twin;

const USAGE_CHUNK: &str =
    "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n";

/// Returns the bytes that the client receives. `is_announced` is whether the last piece is marked as the last.
fn passed(pieces: &[&[u8]], is_announced: bool) -> Vec<u8> {
    let mut filter = UsageChunkFilter::new(&MemoryBudget::new(1 << 20));
    let mut client = Vec::new();
    for (left, piece) in (0..pieces.len()).rev().zip(pieces) {
        let end = is_announced && left == 0;
        client.extend(filter.feed(piece, end).unwrap_or_else(|| piece.to_vec()));
    }
    if !is_announced {
        client.extend(filter.feed(b"", true).unwrap_or_default());
    }
    client
}

/// Asserts that the client receives `expected` however the stream is cut.
fn check(stream: &str, expected: &str) {
    assert_eq!(
        twin::without_usage_chunks(stream.as_bytes()).as_deref(),
        Some(expected.as_bytes()),
        "{stream:?}"
    );
    for pieces in every_cutting(stream.as_bytes()) {
        for is_announced in [true, false] {
            let client = passed(&pieces, is_announced);
            assert_eq!(String::from_utf8_lossy(&client), expected, "{pieces:?}");
        }
    }
}

fn check_unchanged(stream: &str) {
    check(stream, stream);
}

#[test]
fn the_filter_removes_only_the_usage_chunk() {
    let before = "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\n";
    let done = "data: [DONE]\n\n";
    check(&[before, USAGE_CHUNK, done].concat(), &[before, done].concat());
    check(&[USAGE_CHUNK, before, USAGE_CHUNK].concat(), before);
    check(USAGE_CHUNK, "");
}

#[test]
fn the_filter_handles_every_form_of_line_and_event() {
    let choice = "data:{\"choices\":[{}]}";
    for mark in ["\n", "\r", "\r\n"] {
        let stream = [choice, "", USAGE_CHUNK.trim_end(), "", ": c", "", "data: [DONE]", "", ""].join(mark);
        let expected = [choice, "", ": c", "", "data: [DONE]", "", ""].join(mark);
        check(&stream, &expected);
    }
    // Blank lines between events, members in another order, data on several lines, additional fields.
    check("\n\ndata:{\"usage\":{},\ndata: \"choices\" : [ ]}\nid: 7\n\n\n: c\n", "\n\n\n: c\n");
    check("event: message\ndata: {\"choices\":[],\"usage\":{}}\n\ndata: 1\n\n", "data: 1\n\n");
    // A comment before the chunk passes at once; a comment inside it is removed with it.
    check(": a\ndata: {\"choices\":[],\n: b\ndata:\"usage\":{}}\n\nx", ": a\nx");
    // The stream may end without the blank line, and without the line end.
    check("data: 1\n\ndata: {\"choices\":[],\"usage\":{}}\n", "data: 1\n\n");
    check("data: 1\n\ndata: {\"choices\":[],\"usage\":{}}", "data: 1\n\n");
}

#[test]
fn events_with_more_than_usage_pass() {
    for stream in [
        "",
        "\n",
        "data: [DONE]\n\n",
        // Usage in the last chunk with a choice, as other providers send it.
        "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":1}}\n\n",
        "data: {\"usage\":{\"prompt_tokens\":1},\"choices\":[{\"delta\":{}}]}\n\n",
        "data: {\"choices\":[{}],\"x_groq\":{\"usage\":{}}}\n\n",
        // The first chunk of a provider that reports its prompt filter.
        "data: {\"choices\":[],\"prompt_filter_results\":[{}]}\n\n",
        "data: {\"choices\":[],\"usage\":null}\n\n",
        "data: {\"choices\":null,\"usage\":{}}\n\n",
        "data: {\"usage\":{}}\n\n",
        "data: {\"x\":{\"choices\":[],\"usage\":{}}}\n\n",
        "data: {\"error\":{\"message\":\"m\"},\"choices\":[],\"usage\":{}}\n\n",
        "event: error\ndata: {\"error\":\"m\"}\n\n",
        // The data is not JSON, has more than one document, or is cut off.
        "data: {\"choices\":[],\"usage\":{}\n\n",
        "data: {\"choices\":[],\"usage\":{}}}\n\n",
        "data: {\"choices\":[],\"usage\":{}} {}\n\n",
        "data: {\"choices\":[],\"us",
        // The body is not an event stream.
        "{\"choices\":[],\"usage\":{}}",
        "<html>\n\n<p>\n",
        "\u{feff}data: {\"choices\":[{}]}\n\n",
        "dat",
        "retry: 5\n\nid\n\ndata\n\n",
    ] {
        check_unchanged(stream);
    }
    check("data: {\"error\":null,\"choices\":[],\"usage\":{}}\n\n", "");
}

#[test]
fn bytes_pass_as_soon_as_the_event_cannot_be_a_usage_chunk() {
    let mut filter = UsageChunkFilter::new(&MemoryBudget::new(1 << 20));
    let mut pass = |bytes: &str| {
        let passed = filter.feed(bytes.as_bytes(), false).map(|bytes| String::from_utf8(bytes).unwrap());
        passed.unwrap_or_else(|| bytes.to_owned())
    };
    assert_eq!(pass("data: {\"id\":\"c\",\"choices\":["), "");
    assert_eq!(pass("{"), "data: {\"id\":\"c\",\"choices\":[{");
    assert_eq!(pass("\"delta\":"), "\"delta\":");
    assert_eq!(pass("{}}]}\n\ndata: "), "{}}]}\n\n");
    assert_eq!(pass("["), "data: [");
    assert_eq!(pass("D"), "D");
    assert_eq!(pass("ONE]\n\n: keep"), "ONE]\n\n: keep");
    assert_eq!(pass("-alive\n"), "-alive\n");
    assert_eq!(pass("{"), "{");
    // The decision is made at the end of the document, although the event continues.
    assert_eq!(pass("\n\ndata: {\"usage\":{}"), "\n\n");
    assert_eq!(pass("}"), "data: {\"usage\":{}}");
    assert_eq!(pass("\n\ndata: {\"choices\":[],\"usage\":{}} "), "\n\n");
    assert_eq!(pass("\n\n"), "");
}

#[test]
fn an_event_over_the_bound_passes() {
    let event = |bytes: usize| {
        let stuff = "x".repeat(bytes - "data: {\"x\":\"\",\"choices\":[],\"usage\":{}}\n".len());
        format!("data: {{\"x\":\"{stuff}\",\"choices\":[],\"usage\":{{}}}}\n\n")
    };
    let fits = event(HELD_EVENT_BYTES_MAX);
    assert_eq!(passed(&[fits.as_bytes()], true), b"");
    let too_long = event(HELD_EVENT_BYTES_MAX + 1);
    assert_eq!(passed(&[too_long.as_bytes()], true), too_long.as_bytes());
    for pieces in [1000, 1001] {
        let pieces: Vec<_> = too_long.as_bytes().chunks(pieces).collect();
        assert_eq!(passed(&pieces, false), too_long.as_bytes());
    }
}

#[test]
fn unchanged_pieces_are_not_copied() {
    let mut filter = UsageChunkFilter::new(&MemoryBudget::new(1 << 20));
    assert_eq!(filter.feed(b"data: {\"choices\":[{}]}\n\n", false), None);
    assert_eq!(filter.feed(b"data: ", false), Some(Vec::new()));
    assert_eq!(filter.feed(b"[DONE]\n\n", false), Some(b"data: [DONE]\n\n".to_vec()));
    assert_eq!(filter.feed(b"", true), None);
}

/// Generates complete events, each with whether the client receives it.
fn events() -> impl Strategy<Value = Vec<(String, bool)>> {
    const EVENTS: &[(&str, bool)] = &[
        (
            "data: {\"id\":\"\\\"\",\"choices\":[{\"delta\":{\"content\":\"\\n\\n\"}}],\"usage\":null}M M",
            true,
        ),
        ("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}M M", false),
        ("data:{\"usage\":{},Mdata:\"choices\":[]}M M", false),
        ("data: {\"choices\":[],\"prompt_filter_results\":[]}M M", true),
        ("data: {\"choices\":[{}],\"usage\":{\"prompt_tokens\":1}}M M", true),
        (": commentM M", true),
        ("M", true),
        ("event: errorMdata: {\"error\":{\"usage\":{},\"choices\":[]}}M M", true),
        ("data: nonsense {\"choices\":[],\"usage\":{}}M M", true),
        ("data: [DONE]M M", true),
        ("stuffM M", true),
    ];
    let mark = prop::sample::select(&["\n", "\r\n", "\r"][..]);
    let events = prop::collection::vec((prop::sample::select(EVENTS), mark), 0..12);
    events.prop_map(|events| {
        let event = |((text, passes), mark): ((&str, bool), &str)| {
            // One mark ends a line, and a second one the event. An LF after a CR would be one line end, so they must
            // not be adjacent.
            (text.replace("M M", "MM").replace('M', mark), passes)
        };
        let events = events.into_iter().map(event);
        let mut kept: Vec<(String, bool)> = Vec::new();
        for event in events {
            let is_one_mark =
                event.0.starts_with('\n') && kept.last().is_some_and(|(last, _)| last.ends_with('\r'));
            if !is_one_mark {
                kept.push(event);
            }
        }
        kept
    })
}

proptest! {
    #[test]
    fn a_client_receives_the_stream_without_usage_chunks(events in events(), points in points(), is_announced in any::<bool>()) {
        let stream: String = events.iter().map(|(event, _)| event.as_str()).collect();
        let expected: String = events.iter().filter(|(_, passes)| *passes).map(|(event, _)| event.as_str()).collect();
        let pieces = pieces(stream.as_bytes(), &points);
        prop_assert_eq!(String::from_utf8(passed(&pieces, is_announced)).unwrap(), expected.clone());
        let bytes: Vec<_> = stream.as_bytes().chunks(1).collect();
        prop_assert_eq!(String::from_utf8(passed(&bytes, is_announced)).unwrap(), expected);
    }

    #[test]
    fn bytes_are_never_added_or_reordered(bytes in prop::collection::vec(any::<u8>(), 0..300), points in points()) {
        // Without the keys in the text, nothing can be removed.
        prop_assert_eq!(passed(&pieces(&bytes, &points), false), bytes);
    }
}
