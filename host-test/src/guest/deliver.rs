//! Delivers events to the filter and performs its actions.

use super::Guest;
use super::ending::EndingDetails;
use super::flow::{Event, Step};
use crate::failure::{Failure, FailureKind, Result};
use crate::host::{Action, Command, Direction, LocalResponse, Phase};

impl Guest {
    /// Delivers one event to the filter, and forwards to the peer what the filter lets through.
    pub(crate) fn deliver(&mut self, id: u32, direction: Direction, event: Event) -> Result<Action> {
        let stop_iteration = self.stop_iteration;
        let Some(flow) = self.flows.get_mut(&id) else {
            let message = format!("there is no stream {id}");
            return Err(Failure::new(FailureKind::Driver, "deliver", message));
        };
        if flow.closed || (flow.replied && direction == Direction::Request) {
            return Ok(Action::Pause);
        }
        let held_events = flow.held_events_mut(direction);
        let stopped = (held_events.head && !stop_iteration) || held_events.trailers;
        if stopped {
            held_events.queue_up(event);
            return Ok(Action::Pause);
        }
        let step = self.call_filter(id, direction, event)?;
        self.perform_replies_and_resets(id)?;
        let Some(flow) = self.flows.get_mut(&id) else {
            return Ok(step.action);
        };
        // A reply from a request callback replaces the rest of the request; one from a response callback, that
        // response.
        if flow.closed || (flow.replied && direction == Direction::Request) {
            return Ok(Action::Pause);
        }
        match step.action {
            Action::Continue => self.forward(id, direction),
            Action::Pause => self.hold(id, direction, step.callback)?,
        }
        self.perform_commands()?;
        Ok(step.action)
    }

    /// Calls the filter.
    fn call_filter(&mut self, id: u32, direction: Direction, event: Event) -> Result<Step> {
        let (callback, size, end) = self.prepare_callback(id, direction, event);
        let count = u32::try_from(size).unwrap_or(u32::MAX);
        let before = self.callback_fuel(callback);
        let answer: Option<u32> = if callback.ends_with("trailers") {
            self.run(id, callback, (id, count))?
        } else {
            self.run(id, callback, (id, count, u32::from(end)))?
        };
        let spent = self.callback_fuel(callback) - before;
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

    /// Puts an event where the filter can reach it. Returns the callback to call, and its arguments.
    fn prepare_callback(
        &mut self,
        id: u32,
        direction: Direction,
        event: Event,
    ) -> (&'static str, usize, bool) {
        let none = ("", 0, false);
        let Some(flow) = self.flows.get_mut(&id) else {
            return none;
        };
        let held_events = flow.held_events_mut(direction);
        let holding = held_events.body;
        held_events.ended |= !matches!(event, Event::Head(_, false) | Event::Body(_, false));
        let ended = held_events.ended;
        if direction == Direction::Response {
            flow.head_seen = true;
            flow.response_ended |= ended;
        }
        if let Event::Body(chunk, _) = &event {
            flow.arrived[direction as usize] += chunk.len() as u64;
        }
        let Some(state) = self.host_mut().streams.get_mut(&id) else {
            return none;
        };
        if direction == Direction::Response {
            state.phase = Phase::Response;
        }
        let side = state.side_mut(direction);
        let (size, end) = match event {
            Event::Head(headers, end) => {
                let size = headers.len();
                side.headers = Some(headers);
                side.headers_open = true;
                return (callback(direction, 0), size, end);
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
                return (callback(direction, 2), size, true);
            }
        };
        (callback(direction, 1), size, end)
    }

    fn forward(&mut self, id: u32, direction: Direction) {
        let at_ms = self.host().proxy_state().now_ms();
        let Some(mut flow) = self.flows.remove(&id) else {
            return;
        };
        if let Some(state) = self.host_mut().streams.get_mut(&id) {
            flow.forward(direction, state.side_mut(direction), at_ms);
        }
        self.flows.insert(id, flow);
    }

    /// Holds what the filter paused on, up to the proxy's limit.
    fn hold(&mut self, id: u32, direction: Direction, callback: &str) -> Result<()> {
        let Some(flow) = self.flows.get_mut(&id) else {
            return Ok(());
        };
        let held_events = flow.held_events_mut(direction);
        held_events.head |= callback.ends_with("headers");
        held_events.body |= callback.ends_with("body");
        held_events.trailers |= callback.ends_with("trailers");
        let state = self.host().stream(id);
        let held = state.and_then(|state| state.side(direction).buffer.as_ref());
        if held.is_none_or(|buffer| buffer.len() <= self.buffer_bytes_max) {
            return Ok(());
        }
        match direction {
            Direction::Request => self.reply(id, &EndingDetails::request_too_large()),
            Direction::Response => {
                self.set_ending_properties(id, &EndingDetails::response_too_large());
                self.reset(id);
                Ok(())
            }
        }
    }

    /// Performs the actions that the guest requested during a callback, on any stream.
    pub(crate) fn perform_commands(&mut self) -> Result<()> {
        while !self.host().commands.is_empty() {
            for command in std::mem::take(&mut self.host_mut().commands) {
                match command {
                    Command::Resume(id, direction) => self.resume(id, direction)?,
                    Command::Close(id) => self.reset(id),
                    Command::Reply(id, reply) => self.reply_from_guest(id, reply)?,
                }
            }
        }
        Ok(())
    }

    /// Performs the actions that take effect before the callback's own answer: replies and resets of this stream.
    fn perform_replies_and_resets(&mut self, id: u32) -> Result<()> {
        let commands = std::mem::take(&mut self.host_mut().commands);
        let (now, later): (Vec<_>, Vec<_>) = commands
            .into_iter()
            .partition(|command| matches!(command, Command::Reply(of, _) | Command::Close(of) if *of == id));
        self.host_mut().commands = now;
        self.perform_commands()?;
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

    /// Releases what is held. If nothing is held, Envoy itself crashes, so the guest fails here.
    fn resume(&mut self, id: u32, direction: Direction) -> Result<()> {
        let Some(flow) = self.flows.get_mut(&id) else {
            return Ok(());
        };
        if flow.closed || (flow.replied && direction == Direction::Request) {
            return Ok(());
        }
        if !flow.held_events(direction).is_held() {
            let message = format!("the guest resumed the {direction:?} direction, which was not paused");
            let failure = Failure::new(FailureKind::ProxyCrash, "proxy_continue_stream", message);
            return Err(self.fail(failure));
        }
        self.forward(id, direction);
        while let Some(flow) = self.flows.get_mut(&id)
            && !flow.held_events(direction).is_held()
            && let Some(event) = flow.held_events_mut(direction).queue.pop_front()
        {
            self.deliver(id, direction, event)?;
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
        self.reply(id, &EndingDetails::from_guest_reply(&reply))
    }
}

fn callback(direction: Direction, part: usize) -> &'static str {
    const REQUEST: [&str; 3] =
        ["proxy_on_request_headers", "proxy_on_request_body", "proxy_on_request_trailers"];
    const RESPONSE: [&str; 3] =
        ["proxy_on_response_headers", "proxy_on_response_body", "proxy_on_response_trailers"];
    match direction {
        Direction::Request => REQUEST[part],
        Direction::Response => RESPONSE[part],
    }
}
