#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

use super::{FrameKind, FrameLengthError, FrameSink, Frames};
use crate::limits::FRAME_HEADER_BYTES_MAX;
use crate::testing::frames_twin::{self as twin, Rest};

/// Logs the calls of a sink, one line each.
#[derive(Default)]
struct EventLog {
    lines: Vec<String>,
    payload: Vec<u8>,
}

impl FrameSink for EventLog {
    fn begin(&mut self, kind: FrameKind<'_>, payload_bytes: u64) {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        self.lines.push(format!("begin {}/{} {payload_bytes}", text(kind.event), text(kind.exception)));
    }

    fn payload(&mut self, bytes: &[u8]) {
        self.payload.extend_from_slice(bytes);
    }

    fn end(&mut self, sound: bool) {
        let payload = std::mem::take(&mut self.payload);
        self.lines.push(format!("end {} {sound}", String::from_utf8_lossy(&payload)));
    }
}

fn header(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(name.len()).unwrap()];
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(7);
    bytes.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(value.as_bytes());
    bytes
}

fn frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let word = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let total = [16, headers.len(), payload.len()].iter().sum();
    let mut bytes = [word(total), word(headers.len())].concat();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(headers);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

fn read(pieces: &[&[u8]]) -> (Vec<String>, Result<(), FrameLengthError>, bool) {
    let mut frames = Frames::default();
    let mut seen = EventLog::default();
    let result = pieces.iter().try_for_each(|piece| frames.feed(piece, &mut seen));
    check_twin(&pieces.concat(), &seen.lines, (result, frames.is_inside()));
    (seen.lines, result, frames.is_inside())
}

fn check_twin(bytes: &[u8], lines: &[String], end: (Result<(), FrameLengthError>, bool)) {
    let (whole, rest) = twin::frames(bytes, FRAME_HEADER_BYTES_MAX);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let begin = |frame: &twin::Frame| {
        format!("begin {}/{} {}", text(&frame.event), text(&frame.exception), frame.payload_bytes)
    };
    let both = |frame: &twin::Frame| [begin(frame), format!("end {} {}", text(&frame.payload), frame.sound)];
    let mut expected: Vec<_> = whole.iter().flat_map(both).collect();
    let expected_end = match rest {
        Rest::Nothing => (Ok(()), false),
        Rest::Start => (Ok(()), true),
        Rest::Open(frame) => {
            expected.push(begin(&frame));
            (Ok(()), true)
        }
        Rest::Lost => (Err(FrameLengthError), false),
    };
    assert_eq!((lines, end), (expected.as_slice(), expected_end));
}

/// The example that AWS publishes for the encoding has no headers and a payload.
#[test]
fn frames_read_the_published_example() {
    let bytes = b"\0\0\0\x1d\0\0\0\0\xfd\x52\x8c\x5a{'foo':'bar'}\xc3\x65\x39\x36";
    assert_eq!(read(&[bytes]).0, ["begin / 13", "end {'foo':'bar'} true"]);
}

#[test]
fn frames_read_alike_cut_at_any_byte() {
    let mut all_types = vec![1, b'a', 0, 1, b'b', 1, 1, b'c', 2, 9, 1, b'd', 3, 9, 9, 1, b'e', 4, 9, 9, 9, 9];
    all_types.extend_from_slice(&[1, b'f', 5, 9, 9, 9, 9, 9, 9, 9, 9, 1, b'g', 6, 0, 2, 9, 9]);
    all_types.extend_from_slice(&[1, b'h', 8, 9, 9, 9, 9, 9, 9, 9, 9, 1, b'i', 9]);
    all_types.extend_from_slice(&[9; 16]);
    all_types.extend_from_slice(&header(":event-type", "chunk"));
    let exception = [header(":message-type", "exception"), header(":exception-type", "throttling")].concat();
    let bytes =
        [frame(&all_types, b"{}"), frame(b"", b""), frame(&exception, b"{\"message\":\"\"}")].concat();
    let lines = [
        "begin chunk/ 2",
        "end {} true",
        "begin / 0",
        "end  true",
        "begin /throttling 14",
        "end {\"message\":\"\"} true",
    ];
    for at in 0..=bytes.len() {
        let (before, after) = bytes.split_at(at);
        assert_eq!(read(&[before, after]).0, lines, "cut at {at}");
    }
    let bytes: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(read(&bytes), (lines.map(str::to_owned).to_vec(), Ok(()), false));
}

#[test]
fn frames_detect_any_flipped_bit() {
    let good = frame(&header(":event-type", "chunk"), b"{\"a\":1}");
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let (lines, result, inside) = read(&[&bad]);
        let unsound = lines.last().is_some_and(|line| line.ends_with("false"));
        assert!(result == Err(FrameLengthError) || (unsound && !inside), "bit {bit}: {lines:?}");
    }
}

#[test]
fn frame_after_one_with_a_bad_checksum_is_read() {
    let mut bytes = frame(b"", b"bad");
    bytes[13] ^= 1;
    bytes.extend_from_slice(&frame(b"", b"good"));
    assert_eq!(read(&[&bytes]).0, ["begin / 3", "end b`d false", "begin / 4", "end good true"]);
}

#[test]
fn headers_beyond_the_limit_are_ignored() {
    let mut headers = header("x", &"x".repeat(5000));
    headers.extend_from_slice(&header(":event-type", "chunk"));
    assert_eq!(read(&[&frame(&headers, b"")]).0, ["begin / 0", "end  true"]);
}

#[test]
fn frames_notice_the_end_inside_a_frame() {
    let bytes = frame(&header("x", "y"), b"payload");
    for at in 1..bytes.len() {
        assert!(read(&[&bytes[..at]]).2, "{at}");
    }
}
