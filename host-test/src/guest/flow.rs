//! The proxy's side of one stream: the bytes it passed on, and those that the filter holds.

use std::collections::VecDeque;

use crate::header_map::Headers;
use crate::host::{Action, Direction, Side};

/// The message that one peer has received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveredMessage {
    /// The head after the filter's edits; `None` until it is passed on.
    pub headers: Option<Headers>,
    /// The body, after the filter's edits.
    pub body: Vec<u8>,
    /// The pieces in which the body was passed on.
    pub pieces: Vec<Piece>,
    /// The trailers after the filter's edits; `None` if none were passed on.
    pub trailers: Option<Headers>,
    /// The end of the message.
    pub outcome: MessageEnd,
}

/// One piece of a body, as it was passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The time on the monotonic clock, in milliseconds.
    pub at_ms: u64,
    /// The length in bytes.
    pub bytes: usize,
}

/// The end of a message, as its receiver sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MessageEnd {
    /// The message has not ended.
    #[default]
    Open,
    /// The message is complete.
    Complete,
    /// The message was cut off.
    Reset,
}

/// One callback of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The name of the export.
    pub callback: &'static str,
    /// The size argument of the callback: the number of headers, or the bytes of the body that the guest could read.
    pub size: usize,
    /// The end-of-stream argument of the callback.
    pub end: bool,
    /// The action that the callback returned.
    pub action: Action,
}

/// An event that arrives at the proxy.
#[derive(Debug)]
pub(crate) enum Event {
    Head(Headers, bool),
    Body(Vec<u8>, bool),
    Trailers(Headers),
}

/// A stream between its two peers.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) client: DeliveredMessage,
    pub(crate) upstream: DeliveredMessage,
    pub(crate) steps: Vec<Step>,
    pub(crate) fuel: u64,
    /// Whether a reply was made in place of the upstream.
    pub(crate) replied: bool,
    /// Whether the delivery of events has stopped.
    pub(crate) closed: bool,
    pub(crate) head_seen: bool,
    pub(crate) response_ended: bool,
    pub(crate) start_ns: u64,
    /// Bytes of the request and of the response as they arrived.
    pub(crate) arrived: [u64; 2],
    request: HeldEvents,
    response: HeldEvents,
}

/// The events that the filter holds in one direction.
#[derive(Debug, Default)]
pub(crate) struct HeldEvents {
    pub(super) head: bool,
    pub(super) body: bool,
    pub(super) trailers: bool,
    /// Whether the last event was delivered to the filter.
    pub(super) ended: bool,
    /// Events that wait because the filter stopped everything.
    pub(super) queue: VecDeque<Event>,
}

impl HeldEvents {
    /// Whether the filter holds anything.
    pub(crate) fn is_held(&self) -> bool {
        self.head || self.body || self.trailers
    }

    /// Queues an event for later. Pieces of a body are joined, as in Envoy's buffer.
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
            client: DeliveredMessage::default(),
            upstream: DeliveredMessage::default(),
            steps: Vec::new(),
            fuel: 0,
            replied: false,
            closed: false,
            head_seen: false,
            response_ended: false,
            start_ns,
            arrived: [0, 0],
            request: HeldEvents::default(),
            response: HeldEvents::default(),
        }
    }

    pub(crate) fn held_events(&self, direction: Direction) -> &HeldEvents {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }

    pub(super) fn held_events_mut(&mut self, direction: Direction) -> &mut HeldEvents {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }

    fn receiver(&mut self, direction: Direction) -> &mut DeliveredMessage {
        match direction {
            Direction::Request => &mut self.upstream,
            Direction::Response => &mut self.client,
        }
    }

    /// Cuts off the messages that have begun and not ended.
    pub(crate) fn reset(&mut self) {
        self.closed = true;
        for peer in [&mut self.client, &mut self.upstream] {
            if peer.outcome == MessageEnd::Open {
                peer.outcome = MessageEnd::Reset;
            }
        }
    }

    /// Passes on everything that one direction holds.
    pub(super) fn forward(&mut self, direction: Direction, side: &mut Side, at_ms: u64) {
        let held_events = self.held_events_mut(direction);
        let ended = held_events.ended;
        (held_events.head, held_events.body, held_events.trailers) = (false, false, false);
        let peer = self.receiver(direction);
        if peer.outcome != MessageEnd::Open {
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
            peer.outcome = MessageEnd::Complete;
        }
        side.close();
    }
}
