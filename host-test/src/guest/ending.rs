//! The ways in which a stream can end, and what Envoy reports about each.

use std::collections::BTreeMap;

use super::Guest;
use super::flow::{DeliveredMessage, Event, MessageEnd, Step};
use crate::failure::{Failure, FailureKind, Result};
use crate::header_map::Headers;
use crate::host::{Action, Direction, LocalResponse, Phase, int};

/// The ways in which a stream can end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The response is complete. Its end is one more chunk without bytes, unless the last chunk carried the end flag.
    Clean,
    /// The response is complete, and its last chunk carries the end flag.
    OnLastChunk,
    /// The response is complete with its head: a 204, or an empty body with an announced length.
    HeadersOnly,
    /// The response is complete with these trailers.
    Trailers(Headers),
    /// The upstream resets an HTTP/2 stream. Before a response head, the proxy replies 503.
    UpstreamReset,
    /// The upstream closes an HTTP/1 connection in the middle of a body, or sends fewer bytes than it announced. Before
    /// a response head, the proxy replies 503.
    UpstreamCut,
    /// The client disconnects: before the response, during it, or during its own upload.
    ClientGone,
    /// The route's timeout expires. Before a response head, the proxy replies 504.
    RouteTimeout,
    /// The stream's idle timeout expires, in the middle of a response.
    IdleTimeout,
    /// The proxy replies in place of the upstream.
    LocalReply(LocalReply),
    /// The proxy follows a redirect itself: this context ends without a response, and a new one starts.
    InternalRedirect,
}

/// The reasons for which the proxy replies in place of the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalReply {
    /// The connection was refused.
    ConnectFailure,
    /// The connection was closed before a response head.
    UpstreamClosed,
    /// The cluster has no healthy host.
    NoHealthyUpstream,
    /// The route names a cluster that does not exist. This reply has no body.
    ClusterMissing,
    /// The route's timeout expired before a response head.
    Timeout,
    /// The route itself answers, with status 200.
    DirectResponse,
}

/// The result of a stream, seen from outside the filter.
#[derive(Debug, Clone)]
pub struct StreamReport {
    /// The context id of the stream.
    pub id: u32,
    /// The response as the client received it.
    pub client: DeliveredMessage,
    /// The request as the upstream received it.
    pub upstream: DeliveredMessage,
    /// The local responses that the filter sent. The first one took effect.
    pub local_responses: Vec<LocalResponse>,
    /// The filter state that the filter set, under its full names: `wasm.` and the path.
    pub filter_state: BTreeMap<String, Vec<u8>>,
    /// Whether an edit of the request head made the proxy select the route again.
    pub route_cache_cleared: bool,
    /// Every callback in order, with its arguments and its answer.
    pub steps: Vec<Step>,
    /// Fuel of all callbacks of this stream.
    pub fuel: u64,
}

/// Response code, flags and details that Envoy reports for an ending, and the local reply if it sends one.
#[derive(Debug)]
pub(crate) struct EndingDetails {
    code: Option<u64>,
    flags: u64,
    code_details: Option<String>,
    headers: Headers,
    body: Vec<u8>,
}

impl EndingDetails {
    fn new(code: Option<u64>, flags: u64, details: &str) -> Self {
        Self {
            code,
            flags,
            code_details: Some(details.to_owned()),
            headers: Headers::new(),
            body: Vec::new(),
        }
    }

    fn local(code: u16, flags: u64, details: &str, body: &str) -> Self {
        let mut ending = Self::new(Some(code.into()), flags, details);
        ending.headers = Headers::response(code);
        if !body.is_empty() {
            ending.headers.add("content-length", body.len().to_string());
            ending.headers.add("content-type", "text/plain");
        }
        ending.body = body.into();
        ending
    }

    fn from_local_reply(reply: LocalReply) -> Self {
        const RESET: &str = "upstream connect error or disconnect/reset before headers. reset reason: ";
        match reply {
            LocalReply::ConnectFailure => Self::local(
                503,
                1 << 5,
                "upstream_reset_before_response_started{remote_connection_failure}",
                &format!("{RESET}remote connection failure"),
            ),
            LocalReply::UpstreamClosed => Self::local(
                503,
                1 << 6,
                "upstream_reset_before_response_started{connection_termination}",
                &format!("{RESET}connection termination"),
            ),
            LocalReply::NoHealthyUpstream => {
                Self::local(503, 1 << 1, "no_healthy_upstream", "no healthy upstream")
            }
            LocalReply::ClusterMissing => Self::local(503, 1 << 24, "cluster_not_found", ""),
            LocalReply::Timeout => Self::local(504, 1 << 2, "response_timeout", "upstream request timeout"),
            LocalReply::DirectResponse => Self::local(200, 0, "direct_response", "OK"),
        }
    }

    /// Returns the details of a reply by the filter, for which Envoy reports no details string.
    pub(crate) fn from_guest_reply(reply: &LocalResponse) -> Self {
        let mut headers = Headers::new().with(":status", reply.status.to_string());
        for (name, value) in reply.headers.iter() {
            headers.add(name, value);
        }
        if !reply.body.is_empty() {
            headers.set("content-length", reply.body.len().to_string());
            if headers.get("content-type").is_none() {
                headers.add("content-type", "text/plain");
            }
        }
        Self {
            code: Some(reply.status.into()),
            flags: 0,
            code_details: None,
            headers,
            body: reply.body.clone(),
        }
    }

    pub(crate) fn request_too_large() -> Self {
        Self::local(413, 0, "request_payload_too_large", "Payload Too Large")
    }

    pub(crate) fn response_too_large() -> Self {
        Self::new(None, 0, "response_payload_too_large")
    }

    /// Returns the details of an ending that cuts off a response after its head; `None` for every other ending.
    fn from_reset(ending: &Ending) -> Option<Self> {
        const AFTER: &str = "upstream_reset_after_response_started";
        Some(match ending {
            Ending::UpstreamReset => Self::new(None, 1 << 4, &format!("{AFTER}{{remote_reset}}")),
            Ending::UpstreamCut => Self::new(None, 1 << 23, &format!("{AFTER}{{protocol_error}}")),
            Ending::ClientGone => Self::new(None, 1 << 14, "downstream_remote_disconnect"),
            Ending::RouteTimeout => Self::new(None, 1 << 2, "response_timeout"),
            Ending::IdleTimeout => Self::new(None, 1 << 16, "stream_idle_timeout"),
            Ending::InternalRedirect => Self::new(Some(302), 0, "internal_redirect"),
            _ => return None,
        })
    }
}

impl Guest {
    /// Plays the rest of a stream and removes it.
    pub(crate) fn end_stream(&mut self, id: u32, ending: Ending) -> Result<StreamReport> {
        let Some(flow) = self.flows.get(&id) else {
            return Err(misuse(format!("there is no stream {id}")));
        };
        let over = flow.closed || flow.replied || flow.response_ended;
        if !over {
            self.play_ending(id, ending, flow.head_seen)?;
        }
        self.finish(id)
    }

    fn play_ending(&mut self, id: u32, ending: Ending, head_seen: bool) -> Result<()> {
        match ending {
            Ending::Clean | Ending::OnLastChunk | Ending::HeadersOnly | Ending::Trailers(_) if !head_seen => {
                Err(misuse(format!("stream {id} cannot end cleanly without a response")))
            }
            Ending::Clean | Ending::OnLastChunk | Ending::HeadersOnly => {
                let end = Event::Body(Vec::new(), true);
                self.deliver(id, Direction::Response, end).map(drop)
            }
            Ending::Trailers(trailers) => {
                let end = Event::Trailers(trailers);
                self.deliver(id, Direction::Response, end).map(drop)
            }
            Ending::LocalReply(_) if head_seen => Err(misuse(format!(
                "the proxy cannot reply to stream {id}: the upstream has already replied"
            ))),
            Ending::LocalReply(reply) => self.reply(id, &EndingDetails::from_local_reply(reply)),
            Ending::UpstreamReset | Ending::UpstreamCut if !head_seen => {
                self.reply(id, &EndingDetails::from_local_reply(LocalReply::UpstreamClosed))
            }
            Ending::RouteTimeout if !head_seen => {
                self.reply(id, &EndingDetails::from_local_reply(LocalReply::Timeout))
            }
            broken => {
                if let Some(details) = EndingDetails::from_reset(&broken) {
                    self.set_ending_properties(id, &details);
                }
                self.reset(id);
                Ok(())
            }
        }
    }

    /// Replies in place of the upstream, if the response has not begun.
    pub(crate) fn reply(&mut self, id: u32, details: &EndingDetails) -> Result<()> {
        let Some(flow) = self.flows.get_mut(&id) else {
            return Ok(());
        };
        flow.replied = true;
        let (head_seen, head_sent) = (flow.head_seen, flow.client.headers.is_some());
        if flow.upstream.headers.is_some() && flow.upstream.outcome == MessageEnd::Open {
            flow.upstream.outcome = MessageEnd::Reset;
        }
        if let Some(state) = self.host_mut().streams.get_mut(&id) {
            state.request.close();
        }
        self.set_ending_properties(id, details);
        if head_sent {
            self.reset(id);
        } else if head_seen {
            self.replace_response(id, details);
        } else {
            let bare = details.body.is_empty();
            let head = Event::Head(details.headers.clone(), bare);
            self.deliver(id, Direction::Response, head)?;
            if !bare {
                let body = Event::Body(details.body.clone(), true);
                self.deliver(id, Direction::Response, body)?;
            }
        }
        Ok(())
    }

    /// Sends a reply made while the filter handles the response head: the client gets it, and no callback sees it.
    fn replace_response(&mut self, id: u32, details: &EndingDetails) {
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.client.headers = Some(details.headers.clone());
            flow.client.body = details.body.clone();
            flow.client.outcome = MessageEnd::Complete;
        }
        self.reset(id);
    }

    /// Sets the properties that describe an ending.
    pub(crate) fn set_ending_properties(&mut self, id: u32, details: &EndingDetails) {
        let Some(state) = self.host_mut().streams.get_mut(&id) else {
            return;
        };
        if let Some(code) = details.code {
            state.set("response.code", int(code));
        }
        state.set("response.flags", int(details.flags));
        match &details.code_details {
            Some(code_details) => state.set("response.code_details", code_details.clone().into_bytes()),
            None => state.unset("response.code_details"),
        }
    }

    /// Calls the last three callbacks in Envoy's order, and returns the report.
    fn finish(&mut self, id: u32) -> Result<StreamReport> {
        self.set_total_properties(id);
        let host = self.host_mut();
        if let Some(state) = host.streams.get_mut(&id) {
            state.request.close();
            state.response.close();
        }
        self.last_callback(id, "proxy_on_log", Phase::Log)?;
        self.last_callback(id, "proxy_on_done", Phase::Done)?;
        self.last_callback(id, "proxy_on_delete", Phase::Done)?;
        let (flow, state) = (self.flows.remove(&id), self.host_mut().streams.remove(&id));
        let (Some(flow), Some(state)) = (flow, state) else {
            return Err(misuse(format!("there is no stream {id}")));
        };
        Ok(StreamReport {
            id,
            client: flow.client,
            upstream: flow.upstream,
            local_responses: state.local_responses,
            filter_state: state.filter_state,
            route_cache_cleared: state.route_cache_cleared,
            steps: flow.steps,
            fuel: flow.fuel,
        })
    }

    fn last_callback(&mut self, id: u32, callback: &'static str, phase: Phase) -> Result<()> {
        if let Some(state) = self.host_mut().streams.get_mut(&id) {
            state.phase = phase;
        }
        let before = self.callback_fuel(callback);
        if callback == "proxy_on_done" {
            // The answer of a stream does not matter here: Envoy deletes it anyway.
            self.run::<_, u32>(id, callback, (id,))?;
        } else {
            self.run::<_, ()>(id, callback, (id,))?;
        }
        let spent = self.callback_fuel(callback) - before;
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.fuel += spent;
            flow.closed = true;
            flow.steps.push(Step { callback, size: 0, end: true, action: Action::Continue });
        }
        self.perform_commands()
    }

    /// Sets the properties that the proxy knows once a stream is over.
    fn set_total_properties(&mut self, id: u32) {
        let now_ns = self.host().clock().monotonic_ns;
        let Some(flow) = self.flows.get(&id) else {
            return;
        };
        let duration_ns = now_ns - flow.start_ns;
        let [request, response] = flow.arrived;
        let by_upstream = flow.response_ended && !flow.replied;
        let Some(state) = self.host_mut().streams.get_mut(&id) else {
            return;
        };
        let head = |headers: &Option<Headers>| headers.as_ref().map_or(0, Headers::byte_size) as u64;
        let totals = [request + head(&state.request.headers), response + head(&state.response.headers)];
        state.set("request.duration", int(duration_ns));
        state.set("request.size", int(request));
        state.set("request.total_size", int(totals[0]));
        state.set("response.size", int(response));
        state.set("response.total_size", int(totals[1]));
        if by_upstream {
            state.set("response.backend_latency", int(duration_ns));
        }
    }
}

fn misuse(message: String) -> Box<Failure> {
    Failure::new(FailureKind::Driver, "end", message)
}
