//! One request and its response: heads, body bytes and an end are fed in, and a [`Record`] comes out.
//!
//! Times are nanoseconds of a monotonic clock with any origin. Nothing here fails: a part that cannot be read becomes
//! a [`Gap`], and the record holds the rest.

mod ending;
mod text_capture;

pub use ending::End;

use std::rc::Rc;

use llm_gauge_decode::{Bounds, Reservation};

use crate::config::{Place, Policy, Route};
use crate::estimate::Estimate;
use crate::formats::Format;
use crate::head::Headers;
use crate::ids::Ids;
use crate::limits::{EXCHANGE_BYTES, REQUEST_WINDOW_BYTES_MAX, RESPONSE_WINDOW_BYTES_MAX};
use crate::metrics;
use crate::record::{Answer, ErrorClass, Gap, Record, Status, Times, UsageMissing};
use crate::request::RequestState;
use crate::response::{DeltaTimes, ResponseReader, ResponseState};
use crate::scan::{Body, Framing, FramingHints, Paths};
use ending::ResponseProgress;
use text_capture::TextCapture;

/// Content types of streams.
const STREAMS: &[&str] = &["text/event-stream", "application/vnd.amazon.eventstream"];

/// Content types of line-delimited documents. A body with one of them is a stream even if it has only one document.
const LINES: &[&str] = &["application/x-ndjson", "application/stream+json", "application/jsonl"];

/// An exchange that has begun and not ended.
#[derive(Debug)]
pub struct Exchange {
    policy: Rc<Policy>,
    route: Route,
    ids: Ids,
    /// The value of `x-llm-request-id`. Empty until [`Exchange::issue`] creates it.
    request_id: String,
    /// The request's `:authority`, for the span. `None` if there is none, or no telemetry is configured.
    authority: Option<String>,
    labels: Vec<String>,
    began_ns: u64,
    request: RequestState,
    response: Response,
    text_capture: Option<Box<TextCapture>>,
    /// The memory that every exchange needs whatever its peers send, plus that of the kept header fields.
    memory: Reservation,
    /// Whether the memory budget had no room for this exchange. No body is read then.
    is_blind: bool,
}

#[derive(Debug)]
struct Response {
    status: Option<u32>,
    /// `None` until the response head arrives, or if the body cannot be read.
    body: Option<Body>,
    announced_stream: bool,
    /// Whether the content type announces line-delimited documents.
    announced_lines: bool,
    state: ResponseState,
    first_byte_ns: Option<u64>,
    last_byte_ns: u64,
    has_head: bool,
    has_end: bool,
    /// Whether the body has been read to its end.
    is_finished: bool,
}

/// The reason why a request is not metered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// No rule of the policy matches the request.
    Unmatched,
    /// The worker's memory budget is overdrawn.
    Memory,
}

impl Exchange {
    /// Begins the exchange of this request head at `now_ns`.
    ///
    /// # Errors
    ///
    /// Fails if the request is not to be metered.
    pub fn begin(
        policy: &Rc<Policy>,
        head: &Headers<'_>,
        place: &Place,
        random: [u8; 24],
        now_ns: u64,
    ) -> Result<Self, SkipReason> {
        let route = policy.route(head, place).ok_or(SkipReason::Unmatched)?;
        Self::begin_on(policy, route, head, random, now_ns)
    }

    /// Begins the exchange of this request head at `now_ns`, metered by `route`.
    ///
    /// # Errors
    ///
    /// Fails if the worker's memory budget is overdrawn.
    pub fn begin_on(
        policy: &Rc<Policy>,
        route: Route,
        head: &Headers<'_>,
        random: [u8; 24],
        now_ns: u64,
    ) -> Result<Self, SkipReason> {
        if policy.memory().is_overdrawn() {
            return Err(SkipReason::Memory);
        }
        let mut memory = policy.memory().reservation();
        let is_blind = memory.grow(EXCHANGE_BYTES).is_err();
        if is_blind {
            memory.take(EXCHANGE_BYTES);
        }
        let bounds =
            Bounds { budget: policy.memory().for_requests(), window_bytes_max: REQUEST_WINDOW_BYTES_MAX };
        let ids = Ids::new(head.get("traceparent"), head.get("x-request-id"), random);
        let mut exchange = Self {
            policy: Rc::clone(policy),
            ids,
            request_id: String::new(),
            authority: None,
            labels: policy.label_values(head),
            began_ns: now_ns,
            request: RequestState::new(head, route.model_in_path.clone(), policy.event_bytes_max(), bounds),
            response: Response {
                status: None,
                body: None,
                announced_stream: false,
                announced_lines: false,
                state: ResponseState::new(route.format, policy.memory()),
                first_byte_ns: None,
                last_byte_ns: 0,
                has_head: false,
                has_end: false,
                is_finished: false,
            },
            text_capture: None,
            memory,
            is_blind,
            route,
        };
        if policy.telemetry().is_some() {
            exchange.authority = head.text(":authority").map(str::to_owned);
        }
        if policy.keeps_texts() {
            exchange.capture(&ids.trace, head);
        }
        if is_blind {
            exchange.request.stop(Gap::Memory);
        }
        Ok(exchange)
    }

    /// Returns the value of `x-llm-request-id`; the first call creates it, with `unix_s`, the wall clock in seconds.
    ///
    /// The shell calls it as late as it can, in the response head, since the id contains the request's model.
    pub fn issue(&mut self, unix_s: u32) -> &str {
        if self.request_id.is_empty() {
            let model = self.request.model.as_deref().filter(|model| !model.is_empty());
            let model = model.map(|model| metrics::label_value(self.policy.renamed(model)));
            let key = self.policy.signing_key();
            self.request_id = self.ids.request_id(unix_s, &model.unwrap_or_default(), key);
        }
        &self.request_id
    }

    /// Returns the exchange's `gen_ai.provider.name` as the route determines it.
    pub fn provider(&self) -> &str {
        &self.route.provider
    }

    /// Returns the exchange's wire format.
    pub fn format(&self) -> &'static Format {
        self.route.format
    }

    /// Reads bytes of the request's body. They may be cut anywhere.
    pub fn request_body(&mut self, bytes: &[u8]) {
        if let Some(paths) = self.policy.paths(self.route.format_index, self.text_capture.is_some()) {
            self.request.feed(bytes, self.route.format, &paths.request);
        }
    }

    /// Ends the request's body.
    pub fn request_end(&mut self) {
        if let Some(paths) = self.policy.paths(self.route.format_index, self.text_capture.is_some()) {
            self.request.finish(self.route.format, &paths.request);
        }
    }

    /// Reads the head of the response that the client receives.
    pub fn response_head(&mut self, head: &Headers<'_>) {
        let response = &mut self.response;
        response.has_head = true;
        response.status = head.status();
        response.state.head(head);
        let is_one_of = |types: &[&str]| types.iter().any(|media_type| head.media_type_is(media_type));
        response.announced_lines = is_one_of(LINES);
        response.announced_stream = is_one_of(STREAMS) || response.announced_lines;
        if !head.is_media() {
            let announced = FramingHints {
                sse: head.media_type_is("text/event-stream"),
                array_is_stream: self.route.format.array_is_stream,
            };
            let body = Body::new(announced, self.policy.event_bytes_max());
            let encoding = head.content_encoding();
            let bounds =
                Bounds { budget: self.policy.memory().clone(), window_bytes_max: RESPONSE_WINDOW_BYTES_MAX };
            response.body = if encoding.is_empty() { Some(body) } else { body.encoded(&encoding, bounds) };
            if response.body.is_none() {
                response.state.add_gap(Gap::UnknownEncoding);
            }
            if self.is_blind {
                response.body = None;
                response.state.add_gap(Gap::Memory);
            }
        }
    }

    /// Reads bytes of the response's body, which pass the proxy at `now_ns`. They may be cut anywhere.
    pub fn response_body(&mut self, bytes: &[u8], now_ns: u64) {
        if bytes.is_empty() {
            return;
        }
        self.response.first_byte_ns.get_or_insert(now_ns);
        self.response.last_byte_ns = now_ns;
        self.read(now_ns, |body, paths, reader| body.feed(bytes, paths, reader));
    }

    /// Ends the response, after its protocol has ended it by an end of stream or by trailers.
    pub fn response_end(&mut self) {
        self.response.has_end = true;
        self.finish_response();
    }

    /// Stops reading the request's body, since the host had no memory to pass on a piece of it.
    pub fn stop_request(&mut self) {
        self.request.stop(Gap::Memory);
    }

    /// Stops reading the response's body, since the host had no memory to pass on a piece of it.
    pub fn stop_response(&mut self) {
        self.response.body = None;
        self.response.state.add_gap(Gap::Memory);
    }

    /// Reads the response's body to its end, on the first call only. This frees the memory of its decoder.
    fn finish_response(&mut self) {
        if core::mem::replace(&mut self.response.is_finished, true) {
            return;
        }
        // The end of the stream completes a last event without its blank line; that event arrived with the last
        // bytes.
        self.read(self.response.last_byte_ns, |body, paths, reader| body.finish(paths, reader));
    }

    /// Returns whether the response is complete and not an error. The proxy's report of its end then changes nothing,
    /// and [`End::default`] can replace it.
    pub fn is_complete_success(&self) -> bool {
        self.response.has_end && self.response.status.is_some_and(|status| (200..400).contains(&status))
    }

    /// Ends the exchange at `now_ns`.
    pub fn finish(mut self, end: &End, now_ns: u64) -> Record {
        // A response without a head delivered no id to the client, so the time in the id does not matter.
        self.issue(0);
        self.finish_response();
        let http_status = end.code.or(self.response.status);
        let is_http_error = http_status.is_some_and(|code| code >= 400);
        let streaming = self.response.is_stream();
        let state = &mut self.response.state;
        // If no byte could be read, it is unknown whether the end marker arrived.
        let is_blind = self.response.body.as_ref().is_none_or(Body::is_blind);
        let end_marker = state.has_ended() || is_blind;
        let progress = ResponseProgress {
            head: self.response.has_head,
            end: self.response.has_end,
            document: self.response.body.as_ref().is_some_and(Body::is_whole),
            end_marker,
        };
        let speaker = state.speaker().filter(|_| !self.route.is_provider_known);
        let answer = state.answer(streaming, is_http_error);
        let (status, error) = ending::classify(end, progress, &answer, self.route.format);
        if status == Status::Cancelled {
            // The client did not wait for the rest, so its absence is no gap.
            state.remove_gap(Gap::Truncated);
        } else if streaming && !is_http_error && !progress.end_marker && !answer.has_error {
            state.add_gap(Gap::IncompleteStream);
        }
        let mut gaps = state.take_gaps();
        let usage_missing = self.usage_missing(&answer, (status, error), http_status, &gaps);
        // The gaps of the request are added last: they cannot explain missing usage.
        self.request.gaps.retain(|gap| !gaps.contains(gap));
        gaps.append(&mut self.request.gaps);
        let times = self.times(&answer, now_ns);
        let (judged, content) = match self.text_capture {
            Some(_) => self.finish_capture(&answer, status, &gaps),
            None => (None, None),
        };
        let estimate = self.policy.estimates().then(|| self.estimate(&answer));
        Record {
            usage_missing,
            judged,
            content,
            ids: self.ids,
            authority: self.authority,
            estimate,
            request_id: self.request_id,
            convention: self.route.format.convention(),
            provider: speaker.map_or_else(|| self.route.provider.clone(), str::to_owned),
            initial_provider: self.route.provider,
            operation: self.route.format.operation.name(),
            request_model: self.request.model,
            labels: self.labels,
            answer,
            http_status,
            status,
            error,
            times,
            gaps,
        }
    }

    fn estimate(&self, answer: &Answer) -> Estimate {
        Estimate {
            frame: self.route.format.frame,
            prompt: self.request.prompt,
            answer: self.response.state.text(),
            calls: answer.tool_calls.unwrap_or(0),
        }
    }

    fn read(&mut self, now_ns: u64, read: impl FnOnce(&mut Body, &Paths, &mut ResponseReader<'_>)) {
        let paths = self.policy.paths(self.route.format_index, self.text_capture.is_some());
        if let (Some(body), Some(paths)) = (&mut self.response.body, paths) {
            let paths = &paths.response;
            read(body, paths, &mut self.response.state.at(paths, now_ns));
        }
    }

    fn times(&self, answer: &Answer, now_ns: u64) -> Times {
        let since = |at_ns: u64| at_ns.saturating_sub(self.began_ns) / 1_000_000;
        let deltas = match answer.streaming {
            true => self.response.state.deltas(),
            false => DeltaTimes::default(),
        };
        // The output count of a stream that broke off may be that of its beginning, while its deltas go on.
        let has_ended = answer.complete == Some(true) || !answer.finish_reasons.is_empty();
        let output_tokens = answer.output_tokens.filter(|_| has_ended);
        let gaps_between_tokens = output_tokens.unwrap_or(0).saturating_sub(1);
        let generating_ns = deltas.last_ns.zip(deltas.first_ns);
        let generating_us = generating_ns.map(|(last, first)| last.saturating_sub(first) / 1_000);
        Times {
            duration_ms: since(now_ns),
            first_byte_ms: self.response.first_byte_ns.map(since),
            first_token_ms: deltas.first_ns.map(since),
            first_answer_ms: deltas.first_answer_ns.map(since),
            per_output_token_us: generating_us.and_then(|us| us.checked_div(gaps_between_tokens)),
        }
    }

    fn usage_missing(
        &self,
        answer: &Answer,
        (status, error): (Status, ErrorClass),
        http_status: Option<u32>,
        gaps: &[Gap],
    ) -> Option<UsageMissing> {
        let has_usage = answer.input_tokens.or(answer.output_tokens).is_some() && !answer.is_first_output;
        if has_usage || !self.route.format.has_usage || answer.is_pending {
            return None;
        }
        // A format that always reports usage has it at a place that no rule knows.
        let is_unknown_place = status == Status::Success
            && self.response.state.has_documents()
            && self.route.format.always_reports(answer.streaming);
        let is_unreadable = is_unknown_place || gaps.iter().any(|gap| *gap != Gap::IncompleteStream);
        ending::usage_missing(status, error, http_status, is_unreadable)
    }
}

impl Response {
    fn is_stream(&self) -> bool {
        match &self.body {
            Some(body) if body.framing() == Framing::Json => body.is_stream() || self.announced_lines,
            Some(body) if body.framing() != Framing::Unknown => body.is_stream(),
            _ => self.announced_stream,
        }
    }
}

#[cfg(test)]
mod tests;
