//! The root context: one per VM and configuration.

use std::rc::Rc;

use llm_gauge_decode::MemoryBudget;
use llm_gauge_engine::config::Policy;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::callouts::Callouts;
use crate::perform;
use crate::plugin_state::PluginState;
use crate::stream::Stream;

thread_local! {
    /// The memory budget of this VM, which all its configurations share.
    static MEMORY: MemoryBudget = MemoryBudget::new(0);
}

#[derive(Default)]
pub(crate) struct Root {
    /// `None` until a configuration is accepted.
    shared: Option<Rc<PluginState>>,
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, fields: usize, body_bytes: usize, _trailers: usize) {
        if let Some((shared, callouts)) = self.callouts() {
            callouts.on_response(token, fields, body_bytes, &shared.stats);
        }
    }

    /// Returns `false` while callouts are in flight: the plugin then reports the end of its shutdown itself.
    fn on_done(&mut self) -> bool {
        if let Some(shared) = &self.shared {
            shared.build_info.end(&shared.policy, &shared.stats);
        }
        self.callouts().is_none_or(|(shared, callouts)| callouts.close(&shared.stats))
    }
}

impl Root {
    fn callouts(&self) -> Option<(&PluginState, &Callouts)> {
        let shared = self.shared.as_deref()?;
        Some((shared, shared.callouts.as_ref()?))
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, configuration_bytes: usize) -> bool {
        let document = perform::configuration(configuration_bytes);
        let policy = match Policy::parse(&document) {
            Ok(mut policy) => {
                MEMORY.with(|memory| policy.share_memory(memory));
                Rc::new(policy)
            }
            Err(error) => {
                perform::log_error(&format!("llm-gauge: configuration refused: {error}"));
                return false;
            }
        };
        let shared = PluginState::new(policy);
        // Envoy creates a new root context for a new configuration; other hosts configure the old one again.
        if let Some((before, callouts)) = self.callouts() {
            callouts.abandon(&before.stats);
            perform::set_timer_period(0);
        }
        if let Some(before) = &self.shared {
            before.build_info.end(&before.policy, &before.stats);
        }
        self.shared = Some(Rc::new(shared));
        true
    }

    fn on_tick(&mut self) {
        if let Some(shared) = &self.shared {
            shared.held_requests.tick();
        }
        if let Some((shared, callouts)) = self.callouts() {
            callouts.run(&shared.stats);
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        if let Some((shared, callouts)) = self.callouts() {
            callouts.on_queue(queue, &shared.stats);
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        if let Some(shared) = &self.shared {
            shared.build_info.count(&shared.policy, &shared.stats);
        }
        Some(Box::new(Stream::new(context_id, self.shared.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
