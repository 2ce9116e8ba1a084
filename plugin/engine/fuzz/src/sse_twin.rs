//! Event streams against the naive twin, which splits the whole text.
//!
//! An input is two places to cut at, and then the stream.

use llm_gauge_decode_fuzz::cuttings::cuttings;
use llm_gauge_engine::scan::{Sse, SseSink};

use crate::twins::sse_twin::{self, Events};

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some((&cuts, stream)) = input.split_first_chunk::<2>() else { return };
    let expected = sse_twin::events(stream);
    for pieces in cuttings(stream, cuts) {
        assert_eq!(events(&pieces), expected);
    }
}

fn events(pieces: &[&[u8]]) -> Events {
    let mut sse = Sse::default();
    let mut collector = Collector::default();
    for piece in pieces {
        sse.feed(piece, &mut collector);
    }
    let open = sse.is_inside_event().then_some(collector.data);
    Events { open, ..collector.events }
}

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
