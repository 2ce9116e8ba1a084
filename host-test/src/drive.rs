//! Drives one HTTP stream through its phases.
//!
//! [`drive`] plays a whole [`Exchange`], cut up as a [`ChunkPlan`] says. A test that has to act in between (other
//! streams, callouts, a clock that moves) calls [`Guest::open_stream`] and plays the steps of a [`Stream`] itself.

mod plan;

use crate::failure::{Failure, FailureKind, Result};
use crate::guest::{Event, Flow, Guest};
use crate::header_map::Headers;
use crate::host::{Action, Direction, Phase, PropertyPath, StreamState, int};

pub use crate::guest::{DeliveredMessage, Ending, LocalReply, MessageEnd, Piece, Step, StreamReport};
pub use plan::{Arrivals, ChunkPlan, ClockPlan, Cut, EndForm};

/// A request and its response, to be played to a guest.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request head, pseudo-headers included.
    pub request_headers: Headers,
    /// The request body.
    pub request_body: Vec<u8>,
    /// The request trailers; `None` if the request has none.
    pub request_trailers: Option<Headers>,
    /// Whether the client sends its whole request; `false` if it disconnects during an upload.
    pub request_complete: bool,
    /// The response head; `None` if the upstream never answers.
    pub response_headers: Option<Headers>,
    /// The response body, up to the point at which it ends.
    pub response_body: Vec<u8>,
    /// The way in which the stream ends.
    pub ending: Ending,
    /// The times of the events.
    pub clock: ClockPlan,
    /// Values of properties that replace those of the driver: a path with dots, and the value.
    pub properties: Vec<(String, Vec<u8>)>,
}

/// An open stream of a guest. Several can be open at once: [`Guest::stream`] returns each one by its id.
pub struct Stream<'guest> {
    guest: &'guest mut Guest,
    id: u32,
}

/// Plays a whole exchange in a new stream and returns the report.
///
/// Events that wait for the next turn of the event loop (see [`Guest::run_pending`]) are left to the caller, unless the
/// filter holds the request and can only release it there.
pub fn drive(guest: &mut Guest, exchange: &Exchange, plan: &ChunkPlan) -> Result<StreamReport> {
    let start_ms = guest.host().proxy_state().now_ms();
    let mut stream = guest.open()?;
    for (path, value) in &exchange.properties {
        stream.set_property(path.as_str(), value.clone());
    }
    play_request(&mut stream, exchange, plan, start_ms)?;
    if !stream.is_replied() && exchange.response_headers.is_some() {
        stream.ensure_request_released()?;
    }
    if !stream.is_replied() {
        play_response(&mut stream, exchange, plan, start_ms)?;
    }
    stream.advance_to(start_ms + exchange.clock.end_ms);
    stream.end(exchange.ending.clone())
}

impl Exchange {
    /// Returns an exchange that ends cleanly.
    pub fn new(
        request_headers: Headers,
        request_body: impl Into<Vec<u8>>,
        response_headers: Headers,
        response_body: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            request_headers,
            request_body: request_body.into(),
            request_trailers: None,
            request_complete: true,
            response_headers: Some(response_headers),
            response_body: response_body.into(),
            ending: Ending::Clean,
            clock: ClockPlan::default(),
            properties: Vec::new(),
        }
    }

    /// Returns an exchange without a response, which ends as given.
    pub fn unanswered(request_headers: Headers, request_body: impl Into<Vec<u8>>, ending: Ending) -> Self {
        Self {
            response_headers: None,
            ending,
            ..Self::new(request_headers, request_body, Headers::new(), "")
        }
    }
}

impl Guest {
    /// Opens a stream and returns its id, for [`stream`](Self::stream).
    pub fn open_stream(&mut self) -> Result<u32> {
        let id = self.next_context();
        let mut state = StreamState::new();
        let clock = self.host().clock();
        state.set("request.time", int(clock.wall_ns));
        state.set("request.protocol", b"HTTP/1.1".to_vec());
        state.set("connection.id", int(u64::from(id)));
        state.set("source.address", b"10.0.0.9:50000".to_vec());
        self.host_mut().streams.insert(id, state);
        let flow = Flow::new(clock.monotonic_ns);
        self.flows.insert(id, flow);
        let before = self.callback_fuel("proxy_on_context_create");
        self.run::<_, ()>(id, "proxy_on_context_create", (id, crate::host::ROOT))?;
        let spent = self.callback_fuel("proxy_on_context_create") - before;
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.fuel += spent;
        }
        Ok(id)
    }

    /// Opens a stream.
    pub fn open(&mut self) -> Result<Stream<'_>> {
        let id = self.open_stream()?;
        Ok(self.stream(id))
    }

    /// Returns a stream that was opened before.
    pub fn stream(&mut self, id: u32) -> Stream<'_> {
        Stream { guest: self, id }
    }
}

impl Stream<'_> {
    /// Returns the context id of the stream.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns the guest that the stream runs in.
    pub fn guest(&mut self) -> &mut Guest {
        self.guest
    }

    /// Sets the value that a property of this stream has from now on. It replaces the driver's value.
    pub fn set_property(&mut self, path: impl Into<PropertyPath>, value: impl Into<Vec<u8>>) {
        if let Some(state) = self.guest.host_mut().streams.get_mut(&self.id) {
            state.overrides.insert(path.into(), value.into());
        }
    }

    /// Plays the request head.
    pub fn request_headers(&mut self, headers: &Headers, end: bool) -> Result<Action> {
        let event = Event::Head(headers.clone(), end);
        self.guest.deliver(self.id, Direction::Request, event)
    }

    /// Plays a piece of the request body.
    pub fn request_body(&mut self, chunk: &[u8], end: bool) -> Result<Action> {
        let event = Event::Body(chunk.to_vec(), end);
        self.guest.deliver(self.id, Direction::Request, event)
    }

    /// Plays the request trailers, which end the request.
    pub fn request_trailers(&mut self, trailers: &Headers) -> Result<Action> {
        let event = Event::Trailers(trailers.clone());
        self.guest.deliver(self.id, Direction::Request, event)
    }

    /// Plays a whole request: head, chunks, and the empty last chunk that Envoy adds.
    pub fn request(&mut self, headers: &Headers, chunks: &[&[u8]]) -> Result<()> {
        self.request_headers(headers, chunks.is_empty())?;
        for chunk in chunks {
            self.request_body(chunk, false)?;
        }
        if !chunks.is_empty() {
            self.request_body(b"", true)?;
        }
        Ok(())
    }

    /// Plays the response head.
    pub fn response_headers(&mut self, headers: &Headers, end: bool) -> Result<Action> {
        if self.is_replied() {
            return Ok(Action::Pause);
        }
        self.guest.set_response_properties(self.id, headers);
        let event = Event::Head(headers.clone(), end);
        self.guest.deliver(self.id, Direction::Response, event)
    }

    /// Plays a piece of the response body.
    pub fn response_body(&mut self, chunk: &[u8], end: bool) -> Result<Action> {
        if self.is_replied() {
            return Ok(Action::Pause);
        }
        let event = Event::Body(chunk.to_vec(), end);
        self.guest.deliver(self.id, Direction::Response, event)
    }

    /// Plays the response trailers, which end the response.
    pub fn response_trailers(&mut self, trailers: &Headers) -> Result<Action> {
        if self.is_replied() {
            return Ok(Action::Pause);
        }
        let event = Event::Trailers(trailers.clone());
        self.guest.deliver(self.id, Direction::Response, event)
    }

    /// Whether the proxy or the filter has replied in place of the upstream, or the stream was reset.
    pub fn is_replied(&self) -> bool {
        self.flow().is_some_and(|flow| flow.replied || flow.closed)
    }

    /// Whether the filter holds anything in this direction.
    pub fn is_held(&self, direction: Direction) -> bool {
        self.flow().is_some_and(|flow| flow.held_events(direction).is_held())
    }

    /// Returns the message that the client has received so far; `None` if the stream does not exist.
    pub fn client(&self) -> Option<&DeliveredMessage> {
        self.flow().map(|flow| &flow.client)
    }

    /// Returns the message that the upstream has received so far; `None` if the stream does not exist.
    pub fn upstream(&self) -> Option<&DeliveredMessage> {
        self.flow().map(|flow| &flow.upstream)
    }

    /// Ends the stream: plays the remaining events, then `on_log`, `on_done` and `on_delete`.
    pub fn end(self, ending: Ending) -> Result<StreamReport> {
        self.guest.end_stream(self.id, ending)
    }

    fn flow(&self) -> Option<&Flow> {
        self.guest.flows.get(&self.id)
    }

    fn advance_to(&mut self, at_ms: u64) {
        let now_ms = self.guest.host().proxy_state().now_ms();
        self.guest.advance_ms(at_ms.saturating_sub(now_ms));
    }

    fn ensure_request_released(&mut self) -> Result<()> {
        if self.is_held(Direction::Request) {
            self.guest.run_pending()?;
        }
        if self.is_held(Direction::Request) && !self.is_replied() {
            return Err(Failure::new(
                FailureKind::Driver,
                "drive",
                "the filter holds the request, so no upstream can answer it",
            ));
        }
        Ok(())
    }
}

fn play_request(stream: &mut Stream<'_>, exchange: &Exchange, plan: &ChunkPlan, start_ms: u64) -> Result<()> {
    let chunks = plan.request.apply(&exchange.request_body);
    let complete = exchange.request_complete;
    let bare = chunks.is_empty() && exchange.request_trailers.is_none();
    stream.request_headers(&exchange.request_headers, bare && complete)?;
    stream.advance_to(start_ms + exchange.clock.request_end_ms);
    let ends_itself = exchange.request_trailers.is_some() || !complete;
    let on_last = plan.end == EndForm::OnLastChunk && !ends_itself;
    for (index, chunk) in chunks.iter().enumerate() {
        stream.request_body(chunk, on_last && index + 1 == chunks.len())?;
    }
    match &exchange.request_trailers {
        Some(trailers) if complete => stream.request_trailers(trailers).map(drop),
        None if complete && !bare && !on_last => stream.request_body(b"", true).map(drop),
        _ => Ok(()),
    }
}

fn play_response(
    stream: &mut Stream<'_>,
    exchange: &Exchange,
    plan: &ChunkPlan,
    start_ms: u64,
) -> Result<()> {
    let Some(headers) = &exchange.response_headers else {
        return Ok(());
    };
    stream.advance_to(start_ms + exchange.clock.response_head_ms);
    stream.response_headers(headers, exchange.ending == Ending::HeadersOnly)?;
    let chunks = plan.response.apply(&exchange.response_body);
    let on_last = exchange.ending == Ending::OnLastChunk
        || (exchange.ending == Ending::Clean && plan.end == EndForm::OnLastChunk);
    let mut arrived = 0;
    for (index, chunk) in chunks.iter().enumerate() {
        arrived += chunk.len();
        let at_ms = exchange.clock.arrivals.time_ms(index, arrived);
        stream.advance_to(start_ms + at_ms);
        stream.response_body(chunk, on_last && index + 1 == chunks.len())?;
    }
    Ok(())
}

impl Guest {
    /// Sets the properties that the proxy knows once the upstream has answered.
    fn set_response_properties(&mut self, id: u32, headers: &Headers) {
        let Some(state) = self.host_mut().streams.get_mut(&id) else {
            return;
        };
        let status = headers.text(":status").and_then(|code| code.parse().ok());
        state.phase = Phase::Response;
        state.set("response.code", int(status.unwrap_or(0)));
        state.set("response.flags", int(0));
        state.set("response.code_details", b"via_upstream".to_vec());
        state.set("upstream.address", b"10.0.0.1:443".to_vec());
        state.set("upstream.port", int(443));
        state.set("upstream.local_address", b"10.0.0.9:40000".to_vec());
        state.set("upstream.request_attempt_count", int(1));
        state.set("upstream.cx_pool_ready_duration", int(1_000_000));
    }
}
