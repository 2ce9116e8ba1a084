//! The proxy's side of one stream: what was passed on, and what a filter holds back.

use std::collections::VecDeque;

use crate::header_map::Headers;
use crate::host::{Action, Side, Way};

/// What one peer has got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// The head, after the filter's edits.
    pub headers: Option<Headers>,
    /// The body, after the filter's edits.
    pub body: Vec<u8>,
    /// The same body, as the pieces in which it came.
    pub pieces: Vec<Piece>,
    /// The trailers, after the filter's edits.
    pub trailers: Option<Headers>,
    /// How it ended.
    pub outcome: Outcome,
}

/// One piece of a body, as it was passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// When, on the monotonic clock.
    pub at_ms: u64,
    /// How long.
    pub bytes: usize,
}

/// How a message ended for the one who gets it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Outcome {
    /// It has not.
    #[default]
    Open,
    /// With everything there.
    Complete,
    /// Broken off.
    Reset,
}

/// One callback of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The export.
    pub callback: &'static str,
    /// The number it was called with: headers, or bytes of the body the guest could read.
    pub size: usize,
    /// Whether it was told that this is the end.
    pub end: bool,
    /// What it answered.
    pub action: Action,
}

/// Something that arrives.
#[derive(Debug)]
pub(crate) enum Event {
    Head(Headers, bool),
    Body(Vec<u8>, bool),
    Trailers(Headers),
}

/// A stream between its peers.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) client: Received,
    pub(crate) upstream: Received,
    pub(crate) steps: Vec<Step>,
    pub(crate) fuel: u64,
    /// A reply was made here, in the upstream's place.
    pub(crate) replied: bool,
    /// Nothing is delivered any more.
    pub(crate) closed: bool,
    pub(crate) head_seen: bool,
    pub(crate) response_ended: bool,
    pub(crate) start_ns: u64,
    /// Bytes of the request and of the response as they arrived.
    pub(crate) arrived: [u64; 2],
    request: Lane,
    response: Lane,
}

/// What is held back on one way.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(super) head: bool,
    pub(super) body: bool,
    pub(super) trailers: bool,
    /// The last event was shown to the filter.
    pub(super) ended: bool,
    /// What waits behind a filter that stopped everything.
    pub(super) queue: VecDeque<Event>,
}

impl Lane {
    /// Whether the filter holds anything back.
    pub(crate) fn is_held(&self) -> bool {
        self.head || self.body || self.trailers
    }

    /// Keeps an event for later. Pieces of a body become one, as they do in Envoy's buffer.
    pub(super) fn queue_up(&mut self, event: Event) {
        match (self.queue.back_mut(), event) {
            (Some(Event::Body(held, ended)), Event::Body(chunk, end)) => {
                held.extend(chunk);
                *ended |= end;
            }
            (_, event) => self.queue.push_back(event),
        }
    }
}

impl Flow {
    pub(crate) fn new(start_ns: u64) -> Self {
        Self {
            client: Received::default(),
            upstream: Received::default(),
            steps: Vec::new(),
            fuel: 0,
            replied: false,
            closed: false,
            head_seen: false,
            response_ended: false,
            start_ns,
            arrived: [0, 0],
            request: Lane::default(),
            response: Lane::default(),
        }
    }

    pub(crate) fn lane(&self, way: Way) -> &Lane {
        match way {
            Way::Request => &self.request,
            Way::Response => &self.response,
        }
    }

    pub(super) fn lane_mut(&mut self, way: Way) -> &mut Lane {
        match way {
            Way::Request => &mut self.request,
            Way::Response => &mut self.response,
        }
    }

    fn receiver(&mut self, way: Way) -> &mut Received {
        match way {
            Way::Request => &mut self.upstream,
            Way::Response => &mut self.client,
        }
    }

    /// Breaks off what has begun and not ended.
    pub(crate) fn reset(&mut self) {
        self.closed = true;
        for peer in [&mut self.client, &mut self.upstream] {
            if peer.outcome == Outcome::Open {
                peer.outcome = Outcome::Reset;
            }
        }
    }

    /// Passes on all that is there of one way.
    pub(super) fn pass_on(&mut self, way: Way, side: &mut Side, at_ms: u64) {
        let lane = self.lane_mut(way);
        let ended = lane.ended;
        (lane.head, lane.body, lane.trailers) = (false, false, false);
        let peer = self.receiver(way);
        if peer.outcome != Outcome::Open {
            side.close();
            return;
        }
        if peer.headers.is_none() {
            peer.headers = side.headers.clone();
        }
        let body = side.buffer.take().unwrap_or_default();
        if !body.is_empty() {
            let bytes = body.len();
            peer.pieces.push(Piece { at_ms, bytes });
            peer.body.extend(body);
        }
        if ended {
            peer.trailers = side.trailers.clone();
            peer.outcome = Outcome::Complete;
        }
        side.close();
    }
}
