//! Feedback in one stream: the request is held at its head, so that no upstream hears of it, and answered at its end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use llm_gauge_engine::config::Policy;
use llm_gauge_engine::feedback::{FeedbackPlan, Rate, Reply, Request};
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::outputs;
use proxy_wasm::types::{Action, BufferType};

use crate::perform::{self, Random};
use crate::record;
use crate::root::Shared;

/// Feedback in one worker.
pub(crate) struct Desk {
    /// Where all workers find what was taken in this minute.
    rate_key: String,
    /// What this one took, where the host shares no data.
    own_rate: Cell<Rate>,
    random: RefCell<Random>,
}

impl Desk {
    /// `None` where no feedback is configured.
    pub(crate) fn begin(policy: &Policy) -> Option<Self> {
        policy.feedback()?;
        let rate_key = format!("llm-gauge.feedback.rate.{}", policy.fingerprint());
        record::begin(&rate_key, &Rate::default().encode());
        Some(Self { rate_key, own_rate: Cell::default(), random: RefCell::default() })
    }

    /// Takes one, or says in how many seconds there is room for one.
    fn take(&self, per_minute: u64) -> Result<(), u64> {
        let now_ns = perform::now_ns();
        let after = |bytes: &[u8]| Rate::decode(bytes).take(per_minute, now_ns).map(|rate| rate.encode());
        if record::change(&self.rate_key, after)? {
            return Ok(());
        }
        // Where nothing is shared, or others were faster every time, each worker has a bound of its own.
        self.own_rate.get().take(per_minute, now_ns).map(|after| self.own_rate.set(after))
    }
}

/// One request of feedback whose body is on its way.
pub(crate) struct Receiving {
    shared: Rc<Shared>,
    stream: u32,
    request: Request,
    /// Bytes that are held, and were seen.
    held_bytes: usize,
    is_answered: bool,
}

impl Receiving {
    /// Takes the request, or answers it at once where its body is of no matter.
    pub(crate) fn begin(
        shared: &Rc<Shared>,
        stream: u32,
        plan: &Rc<FeedbackPlan>,
        head: &Headers<'_>,
        is_all: bool,
    ) -> Option<Self> {
        match Request::begin(plan, head, is_all, shared.policy.memory()) {
            Ok(request) => {
                shared.holding.begin_feedback(stream, request.blind());
                Some(Self { shared: Rc::clone(shared), stream, request, held_bytes: 0, is_answered: false })
            }
            Err(reply) => {
                perform::reply(&reply);
                None
            }
        }
    }

    /// Further bytes, of which `at_hand` are held now.
    pub(crate) fn body(&mut self, at_hand: usize, is_end: bool) -> Action {
        if self.is_answered || !self.shared.holding.shows_body(self.stream) {
            return Action::Pause; // answered before
        }
        let bytes = at_hand.saturating_sub(self.held_bytes);
        let memory = self.shared.policy.memory();
        let body = perform::body(BufferType::HttpRequestBody, self.held_bytes, bytes, memory);
        self.held_bytes = at_hand;
        let reply = match body {
            Some(body) => self.request.body(&body),
            None => Some(self.request.lost()),
        };
        match reply {
            Some(reply) => self.answer(&reply),
            None if is_end => self.end(),
            None => {}
        }
        Action::Pause
    }

    /// Everything has come.
    pub(crate) fn end(&mut self) {
        let Some(desk) = self.shared.feedback.as_ref().filter(|_| !self.is_answered) else {
            return;
        };
        let (reply, given) = self.request.end(perform::unix_s(), |per_minute| desk.take(per_minute));
        if let Some(given) = given {
            let random = desk.random.borrow_mut().next();
            let effects = outputs::given(given, &mut self.shared.series.borrow_mut(), random);
            self.shared.perform(effects);
        }
        self.answer(&reply);
    }

    fn answer(&mut self, reply: &Reply) {
        self.is_answered = true;
        perform::reply(reply);
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.shared.holding.end(self.stream);
    }
}
