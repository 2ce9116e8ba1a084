#![allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;
use crate::limits::{FRAME_HEADER_BYTES_MAX, NUMBER_BYTES_MAX};
use crate::scan::{At, NodeId, Scalar};
use crate::testing::json_twin::{self, Value};
use crate::testing::{base64_twin, every_cutting, frames_twin, pieces, points, sse_twin};

mod twin;

/// Logs a body's documents, marks and gaps in order: `<1 2>` for a document with two values, `done`, a gap's name.
#[derive(Default)]
struct Collector {
    log: Vec<String>,
    values: Vec<String>,
}

impl Sink for Collector {
    fn open(&mut self, _node: NodeId, _at: At) {
        self.values.push("open".to_owned());
    }

    fn scalar(&mut self, _node: NodeId, _at: At, value: Scalar<'_>) {
        self.values.push(match value {
            Scalar::Number(digits) => digits.to_owned(),
            Scalar::Text { start, .. } => String::from_utf8_lossy(start).into_owned(),
            other => format!("{other:?}"),
        });
    }

    fn flow(&mut self, _node: NodeId, _at: At, _piece: &[u8]) {}
}

impl Documents for Collector {
    fn document(&mut self) {
        self.log.push(format!("<{}>", core::mem::take(&mut self.values).join(" ")));
    }

    fn discard(&mut self) {
        self.values.clear();
    }

    fn done_mark(&mut self) {
        self.log.push("done".to_owned());
    }

    fn exception(&mut self, kind: &[u8]) {
        self.log.push(format!("exception:{}", String::from_utf8_lossy(kind)));
    }

    fn gap(&mut self, gap: Gap) {
        self.log.push(gap.name().to_owned());
    }
}

const EVENT_BYTES: u64 = 32;

fn read(pieces: &[&[u8]], announced_sse: bool) -> (Framing, String) {
    read_as(pieces, FramingHints { sse: announced_sse, array_is_stream: false })
}

/// Returns the naive twin's result for a body, in the notation of [`Collector`].
fn read_with_twin(bytes: &[u8], announced: FramingHints) -> Option<String> {
    let options = twin::ReadOptions {
        sse: announced.sse,
        array_is_stream: announced.array_is_stream,
        event_max: usize::try_from(EVENT_BYTES).unwrap(),
        wanted: &["a"],
        text_max: 8,
        number_max: NUMBER_BYTES_MAX,
        header_max: FRAME_HEADER_BYTES_MAX,
        is_joined: false,
    };
    let value = |found: json_twin::PathValue| match found.value {
        Value::Open => "open".to_owned(),
        Value::Null => "Null".to_owned(),
        Value::Bool(value) => format!("Bool({value})"),
        Value::Number(number) => number.to_string(),
        Value::Text(start, _) => String::from_utf8_lossy(&start).into_owned(),
    };
    let word = |entry| match entry {
        twin::Entry::Document(found) => {
            format!("<{}>", found.into_iter().map(value).collect::<Vec<_>>().join(" "))
        }
        twin::Entry::Done => "done".to_owned(),
        twin::Entry::Exception(kind) => format!("exception:{}", String::from_utf8_lossy(&kind)),
        twin::Entry::Gap(gap) => gap.to_owned(),
    };
    let log: Vec<_> = twin::read(bytes, options)?.into_iter().map(word).collect();
    Some(log.join(" "))
}

fn check_twin(bytes: &[u8], announced: FramingHints, log: &str) {
    // The scanner has a depth limit that serde_json has not.
    let is_shallow = bytes.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() < 100;
    if let Some(expected) = read_with_twin(bytes, announced).filter(|_| is_shallow) {
        assert_eq!(log, expected, "{:?}", String::from_utf8_lossy(bytes));
    }
}

fn read_as(pieces: &[&[u8]], announced: FramingHints) -> (Framing, String) {
    let mut paths = Paths::default();
    paths.add("a", 0, 8, false);
    let mut body = Body::new(announced, EVENT_BYTES);
    let mut collector = Collector::default();
    for piece in pieces {
        body.feed(piece, &paths, &mut collector);
    }
    body.finish(&paths, &mut collector);
    assert!(collector.values.is_empty(), "values outside a document: {:?}", collector.values);
    (body.framing(), collector.log.join(" "))
}

fn check_announced(bytes: &[u8], announced_sse: bool, framing: Framing, log: &str) {
    check_twin(bytes, FramingHints { sse: announced_sse, array_is_stream: false }, log);
    for pieces in every_cutting(bytes) {
        let text = String::from_utf8_lossy(bytes);
        let expected = (framing, log.to_owned());
        assert_eq!(read(&pieces, announced_sse), expected, "{text:?} in {} pieces", pieces.len());
    }
}

/// Checks that the content type makes no difference.
fn check(text: &str, framing: Framing, log: &str) {
    check_announced(text.as_bytes(), false, framing, log);
    check_announced(text.as_bytes(), true, framing, log);
}

fn check_sse(text: &str, log: &str) {
    check(text, Framing::Sse, log);
}

#[test]
fn body_recognises_its_framing_by_the_first_byte() {
    check("", Framing::Unknown, "");
    check(" \r\n\t", Framing::Unknown, "");
    check(" \n{\"a\":1}", Framing::Json, "<1>");
    check("[1,2]", Framing::Json, "<>");
    check("data: {\"a\":1}\n\n", Framing::Sse, "<1>");
    check("event: x\ndata: 1\n\n", Framing::Sse, "<>");
    check("id: x\ndata: 1\n\n", Framing::Sse, "<>");
    check("retry: 1\ndata: 1\n\n", Framing::Sse, "<>");
    check(": hi\n\ndata: 1\n\n", Framing::Sse, "<>");
    check("<html>{\"a\":1}</html>", Framing::Opaque, "not_json");
    for text in ["\"x\"", "12", "-1", "true", "null"] {
        check_announced(text.as_bytes(), false, Framing::Json, "<>");
        check_announced(text.as_bytes(), true, Framing::Sse, "");
    }
    check_announced(b"upstream connect error", false, Framing::Opaque, "not_json");
    check_announced(b"\x1f\x8b\x08", false, Framing::Opaque, "not_json");
    check_announced(b"x: y\ndata: {\"a\":1}\n\n", true, Framing::Sse, "<1>");
}

#[test]
fn body_skips_a_byte_order_mark() {
    check("\u{feff}{\"a\":1}", Framing::Json, "<1>");
    check("\u{feff}data: {\"a\":1}\n\n", Framing::Sse, "<1>");
    check("\u{feff}", Framing::Unknown, "");
    check("data: \u{feff}1\n\n", Framing::Sse, "malformed");
}

#[test]
fn done_mark_is_an_events_whole_data() {
    check_sse("data: [DONE]\n\n", "done");
    check_sse("data:[DONE]\r\n\r\n", "done");
    check_sse("data: [DONE]", "done");
    check_sse("data: [DONE] \n\n", "done");
    check_sse("data: [DONE]\ndata:\n\n", "done");
    check_sse("data: 1\n\ndata: [DONE]\n\n", "<> done");
    check_sse("data: [DONE\n\n", "malformed");
    check_sse("data: [DONE", "truncated");
    check_sse("data: [\n\n", "malformed");
    check_sse("data: [DONE]x\n\n", "malformed");
    check_sse("data: [DONE]\ndata: x\n\n", "malformed");
    check_sse("data: [DONE] [DONE]\n\n", "malformed");
    check_sse("data: [DO\ndata: NE]\n\n", "malformed");
    check_sse("data:  [DONE]\n\n", "malformed");
    check_sse("data: [done]\n\n", "malformed");
    check_sse("data: [\"DONE\"]\n\n", "<>");
    check_sse("data: [1]\n\ndata: []\n\n", "<> <>");
    check_sse("data: [DONEx]\n\ndata: [DONE]\n\n", "malformed done");
}

#[test]
fn malformed_event_does_not_affect_the_others() {
    check_sse("data: {\"a\":}\n\ndata: {\"a\":2}\n\n", "malformed <2>");
    check_sse("data: {\"a\":1,\n\ndata: {\"a\":2}\n\n", "malformed <2>");
    check_sse("data: {\"a\":1} x\n\ndata: {\"a\":2}\n\n", "malformed <2>");
    check_sse("data: {\"a\":1}{\"a\":9}\n\ndata: {\"a\":2}\n\n", "malformed <2>");
    check_sse("data: hello\n\ndata: {\"a\":2}\n\n", "malformed <2>");
    let deep = "[".repeat(200);
    let text = format!("data: {deep}\n\ndata: {{\"a\":2}}\n\n");
    check_sse(&text, "event_too_large <2>");
}

#[test]
fn body_limits_the_size_of_an_event() {
    let event = |bytes: usize| format!("data: {{\"a\":\"{}\"}}\n\n", "x".repeat(bytes - 8));
    check_sse(&(event(32) + "data: {\"a\":2}\n\n"), "<xxxxxxxx> <2>");
    check_sse(&(event(33) + "data: {\"a\":2}\n\n"), "event_too_large <2>");
    check_sse(&(event(500) + "data: {\"a\":2}\n\n"), "event_too_large <2>");
    check_sse(&event(500).replace("\n\n", ""), "event_too_large");
    // The kind of gap depends on the bytes, not on how they were split.
    check_sse(&format!("data: [}}{}\n\ndata: 1\n\n", " ".repeat(50)), "malformed <>");
    check_sse(&format!("data: {}[}}\n\ndata: 1\n\n", " ".repeat(50)), "event_too_large <>");
    // The limit is for events: a single document may have any size.
    check(&format!("{{\"a\":1,\"b\":\"{}\"}}", "x".repeat(99)), Framing::Json, "<1>");
}

#[test]
fn document_may_span_data_lines_and_lack_the_empty_line() {
    check_sse("data: {\"a\":\ndata: 1}\n\n", "<1>");
    check_sse("data: {\"a\":1}", "<1>");
    check_sse("data: {\"a\":1}\n", "<1>");
    check_sse("data: 12", "<>");
    check_sse("data: {\"a\":1", "truncated");
    check_sse("data: 1\n\ndata:", "<>");
    check_sse("data\n\ndata:\n\ndata: \n\n", "");
    check_sse("data: {\"a\":1}\n\nevent: x", "<1>");
}

#[test]
fn body_reads_consecutive_json_documents() {
    let json = |text: &str, log: &str| check_announced(text.as_bytes(), false, Framing::Json, log);
    json("{\"a\":1}\n{\"a\":2}\n", "<1> <2>");
    json("{\"a\":1}{\"a\":2}", "<1> <2>");
    json("1 2 3", "<> <> <>");
    json("{\"a\":1}garbage{\"a\":2}", "<1> malformed");
    json("{\"a\":1}\n{\"a\":", "<1> truncated");
    json("{\"a\":1,}", "malformed");
    json("{\"a\":1", "truncated");
    json(&"[".repeat(200), "too_deep");
    json("truth", "malformed");
}

#[test]
fn body_reads_an_array_as_a_stream() {
    let array = |text: &str, log: &str| {
        check_twin(text.as_bytes(), FramingHints { sse: false, array_is_stream: true }, log);
        for pieces in every_cutting(text.as_bytes()) {
            let read = read_as(&pieces, FramingHints { sse: false, array_is_stream: true });
            assert_eq!(read, (Framing::Array, log.to_owned()), "{text:?} in {} pieces", pieces.len());
        }
    };
    array("[{\"a\":1},\r\n{\"a\":2}\n]\n", "<1> <2>");
    array("[]", "");
    array("[ \n]", "");
    array("[{\"a\":1} , ]", "<1>");
    array("[{\"a\":1},", "<1> truncated");
    array("[ 1", "truncated");
    array("[1 2]", "<> malformed");
    array("[] 1", "malformed");
    array("[,]", "malformed");
}

/// Returns a frame whose event type is `event`.
fn frame_of(event: &str, payload: &str) -> Vec<u8> {
    let headers =
        [b"\x0b:event-type\x07\0", &[u8::try_from(event.len()).unwrap()][..], event.as_bytes()].concat();
    let word = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let mut bytes = [word(16 + headers.len() + payload.len()), word(headers.len())].concat();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(&headers);
    bytes.extend_from_slice(payload.as_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

fn frame(payload: &str) -> Vec<u8> {
    frame_of("x", payload)
}

#[test]
fn malformed_frame_does_not_affect_the_others() {
    let frames = |parts: &[&[u8]], log: &str| check_announced(&parts.concat(), false, Framing::Frames, log);
    let (good, bad) = (frame("{\"a\":1}"), frame("{]"));
    frames(&[&good, &bad, &good], "<1> malformed <1>");
    frames(&[&bad, &good[..9]], "malformed truncated");
    frames(&[&frame(&" ".repeat(33)), &good[..13]], "event_too_large truncated");
    // One gap is reported, though the wrapped document (`]` in base64) and the wrapper (a comma too many) are both bad.
    frames(&[&frame_of("chunk", "{\"bytes\":\"XV1d\",,"), &good], "malformed <1>");
    // After a bad prelude the beginning of the next frame is unknown.
    frames(&[&good, &[0; 12], &good], "<1> malformed");
}

#[test]
fn payload_parts_form_one_body() {
    let parts = |parts: &[&[u8]], log: &str| check_announced(&parts.concat(), false, Framing::Frames, log);
    let part = |payload: &str| frame_of("PayloadPart", payload);
    let (one, two) = (part("data:{\"a\""), part(":1}\n\ndata: [DO"));
    parts(&[&one, &two, &part(""), &part("NE]\n\n")], "<1> done");
    parts(&[&part("data:{\"a\":1"), &part("}")], "<1>");
    // A part may have any length: the limit is for events.
    parts(
        &[&part("{\"a\":1} {\"a\":2}                        "), &part("{\"a\":"), &part("3}")],
        "<1> <2> <3>",
    );
    // A cut is reported once, wherever the frame ends.
    parts(&[&one, &two], "<1> truncated");
    parts(&[&one, &two[..two.len() - 3]], "<1> truncated");
    parts(&[&one, &two[..9]], "truncated");
    // A frame that is no part ends the body that the parts form.
    parts(&[&one, &frame("{\"a\":4}"), &part("{\"a\":5}")], "truncated <4> <5>");
    // A body in parts cannot itself consist of frames, which could nest without a limit.
    parts(&[&frame_of("PayloadPart", core::str::from_utf8(&[0; 12]).unwrap())], "not_json");
    // A part with a wrong checksum loses the event being read, but no complete event before it.
    let mut broken = two.clone();
    *broken.last_mut().unwrap() ^= 1;
    parts(&[&one, &broken, &part("\n\ndata:{\"a\":2}\n\n")], "<1> malformed <2>");
    parts(&[&one, &[0; 12], &two], "malformed");
}

proptest! {
    #[test]
    fn payload_parts_read_as_the_body_they_form(
        parts in prop::collection::vec("data: |\n\n|\r\n|\n|\\[DONE\\]|\\{\"a\":1\\}|[{}\\[\\]\",:1D]| +", 0..24),
        points in points(),
    ) {
        let text = parts.concat();
        let part = |piece: &&[u8]| frame_of("PayloadPart", core::str::from_utf8(piece).unwrap());
        let frames: Vec<u8> = pieces(text.as_bytes(), &points).iter().flat_map(part).collect();
        prop_assert_eq!(read(&[&frames], false).1, read(&[text.as_bytes()], false).1);
        check_twin(&frames, FramingHints::default(), &read(&[&frames], false).1);
        prop_assert_eq!(read(&pieces(&frames, &points), false), read(&[&frames], false));
    }

    #[test]
    fn body_reads_alike_in_any_split(
        parts in prop::collection::vec("data: |\n\n|\r\n|\n|\\[DONE\\]|\\{\"a\":1\\}|[{}\\[\\]\",:1D]| +", 0..24),
        announced in any::<bool>(),
        points in points(),
    ) {
        let text = parts.concat();
        let whole = read(&[text.as_bytes()], announced);
        check_twin(text.as_bytes(), FramingHints { sse: announced, array_is_stream: false }, &whole.1);
        prop_assert_eq!(&read(&text.as_bytes().chunks(1).collect::<Vec<_>>(), announced), &whole);
        prop_assert_eq!(&read(&pieces(text.as_bytes(), &points), announced), &whole);
    }
}
