//! The ways a stream can end, and what Envoy says about each.

use std::collections::BTreeMap;

use super::Guest;
use super::flow::{Event, Outcome, Received, Step};
use crate::failure::{Failure, FailureKind, Result};
use crate::header_map::Headers;
use crate::host::{Action, LocalResponse, Phase, Way, int};

/// How a stream ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The response is complete; its end is one more chunk without bytes, unless the last chunk said so already.
    Clean,
    /// The response is complete, and its last chunk says so.
    OnLastChunk,
    /// The response is complete with its head: a 204, or an empty body whose length was announced.
    HeadersOnly,
    /// The response is complete with these trailers.
    Trailers(Headers),
    /// The upstream resets an HTTP/2 stream. Before a response head, the proxy replies 503.
    UpstreamReset,
    /// The upstream closes an HTTP/1 connection in the middle of a body, or sends less than it announced. Before a
    /// response head, the proxy replies 503.
    UpstreamCut,
    /// The client goes away: before the response, during it, or during its own upload.
    ClientGone,
    /// The route's timeout strikes. Before a response head, the proxy replies 504.
    RouteTimeout,
    /// The stream's idle timeout strikes, in the middle of a response.
    IdleTimeout,
    /// The proxy replies in the upstream's place.
    LocalReply(LocalReply),
    /// The proxy follows a redirect itself: this context ends here, without a response, and another one starts.
    InternalRedirect,
}

/// Why the proxy replies in the upstream's place.
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
    /// The route's timeout struck before a response head.
    Timeout,
    /// The route itself answers, with status 200.
    DirectResponse,
}

/// What a stream came to, seen from outside the filter.
#[derive(Debug, Clone)]
pub struct StreamReport {
    /// The context id it had.
    pub id: u32,
    /// What the client got.
    pub client: Received,
    /// What the upstream got.
    pub upstream: Received,
    /// The local responses the filter sent; the first one took effect.
    pub local_responses: Vec<LocalResponse>,
    /// The filter state it left, under its full names: `wasm.` and the path.
    pub filter_state: BTreeMap<String, Vec<u8>>,
    /// Whether an edit of the request head made the proxy select the route anew.
    pub route_cache_cleared: bool,
    /// Every callback, in order, with what it was shown and what it answered.
    pub steps: Vec<Step>,
    /// Fuel over all callbacks of this stream.
    pub fuel: u64,
}

/// What the proxy knows about an ending, and what it replies.
#[derive(Debug)]
pub(crate) struct Facts {
    code: Option<u64>,
    flags: u64,
    details: Option<String>,
    headers: Headers,
    body: Vec<u8>,
}

impl Facts {
    fn new(code: Option<u64>, flags: u64, details: &str) -> Self {
        Self { code, flags, details: Some(details.to_owned()), headers: Headers::new(), body: Vec::new() }
    }

    fn local(code: u16, flags: u64, details: &str, body: &str) -> Self {
        let mut facts = Self::new(Some(code.into()), flags, details);
        facts.headers = Headers::response(code);
        if !body.is_empty() {
            facts.headers.add("content-length", body.len().to_string());
            facts.headers.add("content-type", "text/plain");
        }
        facts.body = body.into();
        facts
    }

    fn of_reply(reply: LocalReply) -> Self {
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

    /// A reply by the filter: Envoy knows of no details then.
    pub(crate) fn of_guest(reply: &LocalResponse) -> Self {
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
        Self { code: Some(reply.status.into()), flags: 0, details: None, headers, body: reply.body.clone() }
    }

    pub(crate) fn request_too_large() -> Self {
        Self::local(413, 0, "request_payload_too_large", "Payload Too Large")
    }

    pub(crate) fn response_too_large() -> Self {
        Self::new(None, 0, "response_payload_too_large")
    }

    /// What breaks a response off, once it has begun.
    fn of_break(ending: &Ending) -> Option<Self> {
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
    /// Plays the rest of a stream and takes it away.
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
                Err(misuse(format!("stream {id} cannot end well without a response")))
            }
            Ending::Clean | Ending::OnLastChunk | Ending::HeadersOnly => {
                let end = Event::Body(Vec::new(), true);
                self.deliver(id, Way::Response, end).map(drop)
            }
            Ending::Trailers(trailers) => {
                let end = Event::Trailers(trailers);
                self.deliver(id, Way::Response, end).map(drop)
            }
            Ending::LocalReply(_) if head_seen => {
                Err(misuse(format!("the proxy cannot reply to stream {id}: the upstream has")))
            }
            Ending::LocalReply(reply) => self.reply(id, &Facts::of_reply(reply)),
            Ending::UpstreamReset | Ending::UpstreamCut if !head_seen => {
                self.reply(id, &Facts::of_reply(LocalReply::UpstreamClosed))
            }
            Ending::RouteTimeout if !head_seen => self.reply(id, &Facts::of_reply(LocalReply::Timeout)),
            broken => {
                if let Some(facts) = Facts::of_break(&broken) {
                    self.note(id, &facts);
                }
                self.reset(id);
                Ok(())
            }
        }
    }

    /// Replies in the upstream's place, as far as the response still allows it.
    pub(crate) fn reply(&mut self, id: u32, facts: &Facts) -> Result<()> {
        let Some(flow) = self.flows.get_mut(&id) else {
            return Ok(());
        };
        flow.replied = true;
        let (head_seen, head_sent) = (flow.head_seen, flow.client.headers.is_some());
        if flow.upstream.headers.is_some() && flow.upstream.outcome == Outcome::Open {
            flow.upstream.outcome = Outcome::Reset;
        }
        if let Some(state) = self.host_mut().streams.get_mut(&id) {
            state.request.close();
        }
        self.note(id, facts);
        if head_sent {
            self.reset(id);
        } else if head_seen {
            self.replace_response(id, facts);
        } else {
            let bare = facts.body.is_empty();
            let head = Event::Head(facts.headers.clone(), bare);
            self.deliver(id, Way::Response, head)?;
            if !bare {
                let body = Event::Body(facts.body.clone(), true);
                self.deliver(id, Way::Response, body)?;
            }
        }
        Ok(())
    }

    /// A reply made while the filter has the response head: the client gets it, and no callback sees it.
    fn replace_response(&mut self, id: u32, facts: &Facts) {
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.client.headers = Some(facts.headers.clone());
            flow.client.body = facts.body.clone();
            flow.client.outcome = Outcome::Complete;
        }
        self.reset(id);
    }

    /// What properties say about an ending.
    pub(crate) fn note(&mut self, id: u32, facts: &Facts) {
        let Some(state) = self.host_mut().streams.get_mut(&id) else {
            return;
        };
        if let Some(code) = facts.code {
            state.set("response.code", int(code));
        }
        state.set("response.flags", int(facts.flags));
        match &facts.details {
            Some(details) => state.set("response.code_details", details.clone().into_bytes()),
            None => state.unset("response.code_details"),
        }
    }

    /// The three last callbacks, in Envoy's order, and the report.
    fn finish(&mut self, id: u32) -> Result<StreamReport> {
        self.note_totals(id);
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
        let before = self.fuel_of(callback);
        if callback == "proxy_on_done" {
            // What a stream answers here does not matter: Envoy deletes it all the same.
            self.run::<_, u32>(id, callback, (id,))?;
        } else {
            self.run::<_, ()>(id, callback, (id,))?;
        }
        let spent = self.fuel_of(callback) - before;
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.fuel += spent;
            flow.closed = true;
            flow.steps.push(Step { callback, size: 0, end: true, action: Action::Continue });
        }
        self.settle()
    }

    /// What the proxy knows once a stream is over.
    fn note_totals(&mut self, id: u32) {
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
