//! A filter that makes the host calls of a script, and logs the answer of each.
//!
//! A script is a list of commands separated by `;`, each one `phase operation arguments…`. The root context takes
//! its script from the plugin configuration, a stream from the request header `x-probe`. Every operation logs
//! one line, `operation = answer`; `operation.rs` implements the operations.
#![cfg(target_arch = "wasm32")]

mod operation;

use operation::{Script, Verdict};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Trace);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

#[derive(Default)]
struct Root {
    script: Script,
}

struct Stream {
    script: Script,
}

impl Context for Root {
    fn on_done(&mut self) -> bool {
        self.script.run("done").accepted()
    }

    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, trailers: usize) {
        operation::say("answer", format!("{token} {headers} {body} {trailers}"));
        self.script.run("answer");
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let configuration = self.get_plugin_configuration().unwrap_or_default();
        assert_eq!(configuration.len(), size, "the size that was announced");
        self.script = Script::parse(&configuration);
        self.script.run("configure").accepted()
    }

    fn on_tick(&mut self) {
        self.script.run("tick");
    }

    fn on_queue_ready(&mut self, queue: u32) {
        operation::say("queue_ready", queue.to_string());
        self.script.run("queue");
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        let script = Script::default();
        Some(Box::new(Stream { script }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Stream {
    fn on_done(&mut self) -> bool {
        self.script.run("done").accepted()
    }

    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, trailers: usize) {
        operation::say("answer", format!("{token} {headers} {body} {trailers}"));
        self.script.run("answer");
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let script = self.get_http_request_header_bytes("x-probe");
        self.script = Script::parse(&script.unwrap_or_default());
        action(self.script.run("head"))
    }

    fn on_http_request_body(&mut self, _: usize, end: bool) -> Action {
        action(self.script.run(if end { "body_end" } else { "body" }))
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        action(self.script.run("trailers"))
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        action(self.script.run("response_head"))
    }

    fn on_http_response_body(&mut self, _: usize, end: bool) -> Action {
        let phase = if end { "response_body_end" } else { "response_body" };
        action(self.script.run(phase))
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        action(self.script.run("response_trailers"))
    }

    fn on_log(&mut self) {
        self.script.run("log");
    }
}

fn action(verdict: Verdict) -> Action {
    match verdict {
        Verdict::Go => Action::Continue,
        Verdict::Stop => Action::Pause,
    }
}
