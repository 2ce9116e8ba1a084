//! The framing against a split of the whole text. Input: two places to cut at, then the stream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm_gauge_engine::scan::{Sse, SseSink};
use twin::Events;

#[path = "../../src/scan/sse/tests/twin.rs"]
mod twin;

#[derive(Default)]
struct Collector {
    events: Events,
    data: Vec<u8>,
}

impl SseSink for Collector {
    fn data(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
    }

    fn dispatch(&mut self) {
        self.events.whole.push(core::mem::take(&mut self.data));
    }
}

fn read(pieces: &[&[u8]]) -> Events {
    let mut sse = Sse::default();
    let mut collector = Collector::default();
    for piece in pieces {
        sse.feed(piece, &mut collector);
    }
    let open = sse.is_inside_event().then_some(collector.data);
    Events { open, ..collector.events }
}

fuzz_target!(|input: &[u8]| {
    let Some((cuts, stream)) = input.split_first_chunk::<2>() else { return };
    let mut cuts = cuts.map(|cut| usize::from(cut) % (stream.len() + 1));
    cuts.sort_unstable();
    let expected = twin::events(stream);
    assert_eq!(read(&[stream]), expected);
    assert_eq!(read(&[&stream[..cuts[0]], &stream[cuts[0]..cuts[1]], &stream[cuts[1]..]]), expected);
    assert_eq!(read(&stream.chunks(1).collect::<Vec<_>>()), expected);
});
