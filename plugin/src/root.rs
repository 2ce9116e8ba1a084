//! The root context: one per VM and configuration.

use std::cell::RefCell;
use std::rc::Rc;

use llm_gauge_decode::MemoryBudget;
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::effect::Effect;
use llm_gauge_engine::outputs;
use llm_gauge_engine::series::Series;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::calling::Calling;
use crate::feedback::Desk;
use crate::holding::Holding;
use crate::perform::{self, Random, Stats};
use crate::stream::Stream;
use crate::ticks::Ticks;

/// What the streams of one VM share.
pub(crate) struct Shared {
    pub(crate) policy: Rc<Policy>,
    pub(crate) series: RefCell<Series>,
    pub(crate) stats: RefCell<Stats>,
    pub(crate) random: RefCell<Random>,
    pub(crate) holding: Holding,
    /// There where there is anybody to call.
    calling: Option<Calling>,
    /// There where feedback is configured.
    pub(crate) feedback: Option<Desk>,
    /// A request that was made to ask and that the proxy is about to send around, by its `x-request-id`.
    pub(crate) redirected: RefCell<Option<Vec<u8>>>,
}

impl Shared {
    /// Does what the engine asks for.
    pub(crate) fn perform(&self, effects: Vec<Effect>) {
        match &self.calling {
            Some(calling) => calling.perform(effects, &self.stats),
            None => effects.into_iter().for_each(|effect| perform::perform(&self.stats, effect)),
        }
    }
}

thread_local! {
    /// The memory of this VM, which all configurations that run in it share.
    static MEMORY: MemoryBudget = MemoryBudget::new(0);
}

#[derive(Default)]
pub(crate) struct Root {
    /// Not there before the first good configuration.
    shared: Option<Rc<Shared>>,
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, fields: usize, body_bytes: usize, _trailers: usize) {
        if let Some((shared, calling)) = self.calling() {
            calling.on_answer(token, fields, body_bytes, &shared.stats);
        }
    }

    /// `false`: the plugin says itself when it may go, with what is under way.
    fn on_done(&mut self) -> bool {
        self.calling().is_none_or(|(shared, calling)| calling.close(&shared.stats))
    }
}

impl Root {
    fn calling(&self) -> Option<(&Shared, &Calling)> {
        let shared = self.shared.as_deref()?;
        Some((shared, shared.calling.as_ref()?))
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
        let ticks = Rc::new(Ticks::default());
        let shared = Shared {
            series: RefCell::new(Series::new(&policy)),
            stats: RefCell::new(Stats::default()),
            random: RefCell::default(),
            holding: Holding::new(&ticks),
            calling: Calling::begin(&policy, &ticks),
            feedback: Desk::begin(&policy),
            redirected: RefCell::default(),
            policy,
        };
        // Envoy makes a new root for a new configuration; other hosts give it to the old one.
        if let Some((before, calling)) = self.calling() {
            calling.abandon(&before.stats);
            perform::tick_every(0);
        }
        perform::perform(&shared.stats, outputs::build_info(&shared.policy));
        self.shared = Some(Rc::new(shared));
        true
    }

    fn on_tick(&mut self) {
        if let Some(shared) = &self.shared {
            shared.holding.tick();
        }
        if let Some((shared, calling)) = self.calling() {
            calling.run(&shared.stats);
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        if let Some((shared, calling)) = self.calling() {
            calling.on_queue(queue, &shared.stats);
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(context_id, self.shared.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
