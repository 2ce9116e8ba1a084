//! The filters that ours is compared with. The plugin's configuration chooses one: `empty`, `copy` or `tree`.
//!
//! `tree` is the obvious way to write such a filter: it holds a body until it is complete, or an event until its empty
//! line, and parses it into a `serde_json::Value`. It counts tokens and nothing else.
#![cfg(target_arch = "wasm32")]
#![expect(missing_docs, reason = "the macro that exports the entry point writes none")]

mod scanner;

use std::cell::Cell;
use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, MetricType};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// The counter of `tree`.
const TOKENS: &str = "bench_tokens_total";

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Behaviour {
    #[default]
    Empty,
    Copy,
    Tree,
}

#[derive(Default)]
struct Root {
    behaviour: Behaviour,
    counter: Rc<Cell<Option<u32>>>,
}

struct Stream {
    behaviour: Behaviour,
    counter: Rc<Cell<Option<u32>>>,
    body: Vec<u8>,
    tokens: u64,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let behaviour = match self.get_plugin_configuration().as_deref() {
            Some(b"empty") => Behaviour::Empty,
            Some(b"copy") => Behaviour::Copy,
            Some(b"tree") => Behaviour::Tree,
            _ => return false,
        };
        self.behaviour = behaviour;
        if behaviour == Behaviour::Tree {
            self.counter.set(hostcalls::define_metric(MetricType::Counter, TOKENS).ok());
        }
        true
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        let counter = Rc::clone(&self.counter);
        Some(Box::new(Stream { behaviour: self.behaviour, counter, body: Vec::new(), tokens: 0 }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_body(&mut self, bytes: usize, _: bool) -> Action {
        if self.behaviour != Behaviour::Empty {
            let body = hostcalls::get_buffer(BufferType::HttpRequestBody, 0, bytes);
            std::hint::black_box(&body);
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, bytes: usize, end: bool) -> Action {
        if self.behaviour == Behaviour::Empty {
            return Action::Continue;
        }
        let body = hostcalls::get_buffer(BufferType::HttpResponseBody, 0, bytes);
        let body = std::hint::black_box(body).ok().flatten().unwrap_or_default();
        if self.behaviour == Behaviour::Tree {
            self.body.extend_from_slice(&body);
            self.read(end);
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        if let (Some(counter), Ok(tokens @ 1..)) = (self.counter.get(), i64::try_from(self.tokens)) {
            let _ = hostcalls::increment_metric(counter, tokens);
        }
    }
}

impl Stream {
    fn read(&mut self, end: bool) {
        if !self.body.starts_with(b"data:") {
            if end && !self.body.is_empty() {
                self.tokens = scanner::tokens(&self.body).unwrap_or(0);
            }
            return;
        }
        let mut from = 0;
        while let Some(length) = self.body[from..].windows(2).position(|two| two == b"\n\n") {
            let event = &self.body[from..from + length];
            let event = event.strip_prefix(b"data: ").unwrap_or(event);
            self.tokens = scanner::tokens(event).unwrap_or(self.tokens);
            from += length + 2;
        }
        self.body.drain(..from);
    }
}
