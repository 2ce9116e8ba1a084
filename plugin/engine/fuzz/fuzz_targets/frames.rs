//! AWS frames against frames taken from the front of all bytes, and their documents against those of the naive body.
//! Input: what to do, two places to cut at, two places of a bit to flip, then the bytes; or, where frames are made of
//! them, for each frame a byte that chooses its headers and the form of its payload, then the payload up to a zero.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twin::frames_twin::{self, Frame, Rest};

#[rustfmt::skip]
#[path = "../../src/scan/crc32.rs"]
mod crc32;
mod cut;
#[rustfmt::skip]
#[path = "../../src/scan/frames.rs"]
mod frames;
mod limits {
    pub use llm_gauge_engine::limits::FRAME_HEADER_BYTES_MAX;
}
mod made;
mod twin;

use frames::{FrameSink, Frames, Kind, LostTrack};

#[derive(Default)]
struct Seen {
    whole: Vec<Frame>,
    open: Option<Frame>,
}

impl FrameSink for Seen {
    fn begin(&mut self, kind: Kind<'_>, payload_bytes: u64) {
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

fn read(pieces: &[&[u8]]) -> (Vec<Frame>, Rest) {
    let mut frames = Frames::default();
    let mut seen = Seen::default();
    let mut is_lost = false;
    for piece in pieces {
        // It is told once.
        let told = frames.feed(piece, &mut seen) == Err(LostTrack);
        assert!(!(told && is_lost));
        is_lost |= told;
    }
    let rest = match seen.open {
        _ if is_lost => Rest::Lost,
        Some(frame) => Rest::Open(frame),
        None if frames.is_inside() => Rest::Start,
        None => Rest::Nothing,
    };
    assert_eq!(frames.is_inside(), matches!(rest, Rest::Open(_) | Rest::Start));
    (seen.whole, rest)
}

fuzz_target!(|input: &[u8]| {
    let Some((&[what, a, b, high, low], rest)) = input.split_first_chunk::<5>() else { return };
    let mut bytes = if what & 1 == 0 { rest.to_vec() } else { made::frames(rest) };
    if what & 2 != 0 && !bytes.is_empty() {
        let bit = usize::from(u16::from_be_bytes([high, low])) % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    let bytes = &bytes[..bytes.len().min(6_000)];
    let expected = frames_twin::frames(bytes, limits::FRAME_HEADER_BYTES_MAX);
    for pieces in cut::cuttings(bytes, [a, b]) {
        assert_eq!(read(&pieces), expected);
    }
    // As a body they begin with a zero; what does not is another framing's.
    if bytes.first() == Some(&0) {
        twin::check(bytes, [a, b], false, false);
    }
});
