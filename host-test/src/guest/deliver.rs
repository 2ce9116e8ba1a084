//! Brings events to the filter, and does what it answers.

use super::Guest;
use super::ending::Facts;
use super::flow::{Event, Step};
use crate::failure::{Failure, FailureKind, Result};
use crate::host::{Action, Command, LocalResponse, Phase, Way};

impl Guest {
    /// Brings one event to the filter, and what it lets through to the peer.
    pub(crate) fn deliver(&mut self, id: u32, way: Way, event: Event) -> Result<Action> {
        let stop_iteration = self.stop_iteration;
        let Some(flow) = self.flows.get_mut(&id) else {
            let message = format!("there is no stream {id}");
            return Err(Failure::new(FailureKind::Driver, "deliver", message));
        };
        if flow.closed || (flow.replied && way == Way::Request) {
            return Ok(Action::Pause);
        }
        let lane = flow.lane_mut(way);
        let stopped = (lane.head && !stop_iteration) || lane.trailers;
        if stopped {
            lane.queue_up(event);
            return Ok(Action::Pause);
        }
        let step = self.show(id, way, event)?;
        self.settle_before(id)?;
        let Some(flow) = self.flows.get_mut(&id) else {
            return Ok(step.action);
        };
        // A reply made in a request callback replaces the rest of the request; one made to a response, that response.
        if flow.closed || (flow.replied && way == Way::Request) {
            return Ok(Action::Pause);
        }
        match step.action {
            Action::Continue => self.pass_on(id, way),
            Action::Pause => self.hold(id, way, step.callback)?,
        }
        self.settle()?;
        Ok(step.action)
    }

    /// Calls the filter.
    fn show(&mut self, id: u32, way: Way, event: Event) -> Result<Step> {
        let (callback, size, end) = self.expose(id, way, event);
        let count = u32::try_from(size).unwrap_or(u32::MAX);
        let before = self.fuel_of(callback);
        let answer: Option<u32> = if callback.ends_with("trailers") {
            self.run(id, callback, (id, count))?
        } else {
            self.run(id, callback, (id, count, u32::from(end)))?
        };
        let spent = self.fuel_of(callback) - before;
        let action = match answer {
            None | Some(0) => Action::Continue,
            Some(_) => Action::Pause,
        };
        let step = Step { callback, size, end, action };
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.fuel += spent;
            flow.steps.push(step);
        }
        Ok(step)
    }

    /// Puts an event where the filter can reach it. Gives the callback to make, and its arguments.
    fn expose(&mut self, id: u32, way: Way, event: Event) -> (&'static str, usize, bool) {
        let none = ("", 0, false);
        let Some(flow) = self.flows.get_mut(&id) else {
            return none;
        };
        let lane = flow.lane_mut(way);
        let holding = lane.body;
        lane.ended |= !matches!(event, Event::Head(_, false) | Event::Body(_, false));
        let ended = lane.ended;
        if way == Way::Response {
            flow.head_seen = true;
            flow.response_ended |= ended;
        }
        if let Event::Body(chunk, _) = &event {
            flow.arrived[way as usize] += chunk.len() as u64;
        }
        let Some(state) = self.host_mut().streams.get_mut(&id) else {
            return none;
        };
        if way == Way::Response {
            state.phase = Phase::Response;
        }
        let side = state.side_mut(way);
        let (size, end) = match event {
            Event::Head(headers, end) => {
                let size = headers.len();
                side.headers = Some(headers);
                side.headers_open = true;
                return (callback(way, 0), size, end);
            }
            Event::Body(chunk, end) => {
                let buffer = side.buffer.get_or_insert_default();
                if !holding {
                    buffer.clear();
                }
                buffer.extend(chunk);
                (buffer.len(), end)
            }
            Event::Trailers(trailers) => {
                let size = trailers.len();
                side.trailers = Some(trailers);
                side.trailers_open = true;
                return (callback(way, 2), size, true);
            }
        };
        (callback(way, 1), size, end)
    }

    fn pass_on(&mut self, id: u32, way: Way) {
        let at_ms = self.host().proxy_state().now_ms();
        let Some(mut flow) = self.flows.remove(&id) else {
            return;
        };
        if let Some(state) = self.host_mut().streams.get_mut(&id) {
            flow.pass_on(way, state.side_mut(way), at_ms);
        }
        self.flows.insert(id, flow);
    }

    /// Keeps what the filter paused on, within the proxy's limit.
    fn hold(&mut self, id: u32, way: Way, callback: &str) -> Result<()> {
        let Some(flow) = self.flows.get_mut(&id) else {
            return Ok(());
        };
        let lane = flow.lane_mut(way);
        lane.head |= callback.ends_with("headers");
        lane.body |= callback.ends_with("body");
        lane.trailers |= callback.ends_with("trailers");
        let state = self.host().stream(id);
        let held = state.and_then(|state| state.side(way).buffer.as_ref());
        if held.is_none_or(|buffer| buffer.len() <= self.buffer_bytes_max) {
            return Ok(());
        }
        match way {
            Way::Request => self.reply(id, &Facts::request_too_large()),
            Way::Response => {
                self.note(id, &Facts::response_too_large());
                self.reset(id);
                Ok(())
            }
        }
    }

    /// Does what the guest asked for during a callback, to whatever streams.
    pub(crate) fn settle(&mut self) -> Result<()> {
        while !self.host().commands.is_empty() {
            for command in std::mem::take(&mut self.host_mut().commands) {
                match command {
                    Command::Resume(id, way) => self.resume(id, way)?,
                    Command::Close(id) => self.reset(id),
                    Command::Reply(id, reply) => self.reply_from_guest(id, reply)?,
                }
            }
        }
        Ok(())
    }

    /// Does the part of it that comes before the callback's own answer counts: replies and resets of this stream.
    fn settle_before(&mut self, id: u32) -> Result<()> {
        let commands = std::mem::take(&mut self.host_mut().commands);
        let (now, later): (Vec<_>, Vec<_>) = commands
            .into_iter()
            .partition(|command| matches!(command, Command::Reply(of, _) | Command::Close(of) if *of == id));
        self.host_mut().commands = now;
        self.settle()?;
        self.host_mut().commands.extend(later);
        Ok(())
    }

    pub(crate) fn reset(&mut self, id: u32) {
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.reset();
        }
        if let Some(state) = self.host_mut().streams.get_mut(&id) {
            state.request.close();
            state.response.close();
        }
    }

    /// Lets go of what is held. Envoy itself crashes if nothing is, and so does this guest.
    fn resume(&mut self, id: u32, way: Way) -> Result<()> {
        let Some(flow) = self.flows.get_mut(&id) else {
            return Ok(());
        };
        if flow.closed || (flow.replied && way == Way::Request) {
            return Ok(());
        }
        if !flow.lane(way).is_held() {
            let message = format!("the guest resumed a {way:?} that was not paused");
            let failure = Failure::new(FailureKind::ProxyCrash, "proxy_continue_stream", message);
            return Err(self.die(failure));
        }
        self.pass_on(id, way);
        while let Some(flow) = self.flows.get_mut(&id)
            && !flow.lane(way).is_held()
            && let Some(event) = flow.lane_mut(way).queue.pop_front()
        {
            self.deliver(id, way, event)?;
        }
        Ok(())
    }

    fn reply_from_guest(&mut self, id: u32, reply: LocalResponse) -> Result<()> {
        let Some(state) = self.host_mut().streams.get_mut(&id) else {
            return Ok(());
        };
        state.local_responses.push(reply.clone());
        if self.flows.get(&id).is_none_or(|flow| flow.replied) {
            return Ok(());
        }
        self.reply(id, &Facts::of_guest(&reply))
    }
}

fn callback(way: Way, part: usize) -> &'static str {
    const REQUEST: [&str; 3] =
        ["proxy_on_request_headers", "proxy_on_request_body", "proxy_on_request_trailers"];
    const RESPONSE: [&str; 3] =
        ["proxy_on_response_headers", "proxy_on_response_body", "proxy_on_response_trailers"];
    match way {
        Way::Request => REQUEST[part],
        Way::Response => RESPONSE[part],
    }
}
