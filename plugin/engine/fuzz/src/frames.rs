//! AWS event stream frames, and the documents in them, against the naive twins of the readers.
//!
//! An input is an operation, two places to cut at, the position of a bit to flip in two bytes, and then the frames:
//! encoded (operation even), or as `frame_encoder` takes them. The operation's second bit says whether the bit is
//! flipped.

use llm_gauge_decode_fuzz::cuttings::cuttings;

use crate::frame_encoder;
use crate::frame_reader::{FrameKind, FrameLengthError, FrameSink, Frames};
use crate::limits::FRAME_HEADER_BYTES_MAX;
use crate::twins::frames_twin::{self, Frame, Rest};

/// The maximum number of bytes, so that no input takes long.
const BYTES_MAX: usize = 6_000;

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some((&[operation, a, b, high, low], rest)) = input.split_first_chunk::<5>() else { return };
    let mut bytes = if operation & 1 == 0 { rest.to_vec() } else { frame_encoder::frames(rest) };
    if operation & 2 != 0 && !bytes.is_empty() {
        let bit = usize::from(u16::from_be_bytes([high, low])) % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    bytes.truncate(BYTES_MAX);
    let expected = frames_twin::frames(&bytes, FRAME_HEADER_BYTES_MAX);
    for pieces in cuttings(&bytes, [a, b]) {
        assert_eq!(frames(&pieces), expected);
    }
    // A body is read as frames only if it begins with a zero.
    if bytes.first() == Some(&0) {
        crate::bodies::check_body(&bytes, [a, b], false, false);
    }
}

fn frames(pieces: &[&[u8]]) -> (Vec<Frame>, Rest) {
    let mut frames = Frames::default();
    let mut collector = Collector::default();
    let mut is_lost = false;
    for piece in pieces {
        let is_lost_here = frames.feed(piece, &mut collector) == Err(FrameLengthError);
        assert!(!(is_lost_here && is_lost), "the loss is reported twice");
        is_lost |= is_lost_here;
    }
    let rest = match collector.open {
        _ if is_lost => Rest::Lost,
        Some(frame) => Rest::Open(frame),
        None if frames.is_inside() => Rest::Start,
        None => Rest::Nothing,
    };
    assert_eq!(frames.is_inside(), matches!(rest, Rest::Open(_) | Rest::Start));
    (collector.whole, rest)
}

#[derive(Default)]
struct Collector {
    whole: Vec<Frame>,
    open: Option<Frame>,
}

impl FrameSink for Collector {
    fn begin(&mut self, kind: FrameKind<'_>, payload_bytes: u64) {
        assert_eq!(self.open, None);
        let (event, exception) = (kind.event.to_vec(), kind.exception.to_vec());
        self.open = Some(Frame { event, exception, payload_bytes, ..Frame::default() });
    }

    fn payload(&mut self, bytes: &[u8]) {
        self.open.as_mut().expect("a frame").payload.extend_from_slice(bytes);
    }

    fn end(&mut self, sound: bool) {
        let frame = self.open.take().expect("a frame");
        self.whole.push(Frame { sound, ..frame });
    }
}
