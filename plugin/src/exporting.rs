//! The exporter's desk in its worker: its clock and its random bytes.

use std::cell::RefCell;
use std::rc::Rc;

use llm_gauge_engine::call::{Answer, Call};
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::effect::Effect;
use llm_gauge_engine::evaluation::Evaluation;
use llm_gauge_engine::export::Exporter;
use llm_gauge_engine::limits::TELEMETRY_REPLY_BYTES_MAX;
use llm_gauge_engine::otlp::Span;

use crate::calling::Caller;
use crate::perform::{self, Random};

pub(crate) struct Exporting {
    exporter: RefCell<Exporter>,
    random: RefCell<Random>,
}

impl Exporting {
    /// `None` where nothing is to be exported.
    pub(crate) fn begin(policy: &Rc<Policy>) -> Option<Self> {
        Some(Self { exporter: RefCell::new(Exporter::new(policy)?), random: RefCell::default() })
    }

    /// Takes the span of an exchange that ends now; when to look at the desk, where nobody would.
    pub(crate) fn span(&self, span: Span, out: &mut Vec<Effect>) -> Option<u64> {
        self.exporter.borrow_mut().span(span, perform::wall_ns(), perform::now_ns(), out)
    }

    /// Takes a score, likewise.
    pub(crate) fn evaluation(&self, score: &Evaluation, out: &mut Vec<Effect>) -> Option<u64> {
        self.exporter.borrow_mut().evaluation(score, perform::wall_ns(), perform::now_ns(), out)
    }
}

impl Caller for Exporting {
    fn next(&self, now_ns: u64, out: &mut Vec<Effect>) -> Option<Call> {
        let random = self.random.borrow_mut().next();
        let call = self.exporter.borrow_mut().next(now_ns, random, out)?;
        Some(if call.wants_gzip { call.zipped(perform::compress) } else { call })
    }

    fn sent(&self, number: u64, token: Option<u32>, now_ns: u64, out: &mut Vec<Effect>) {
        self.exporter.borrow_mut().sent(number, token, now_ns, out);
    }

    fn answered(&self, token: u32, answer: &Answer<'_>, now_ns: u64, out: &mut Vec<Effect>) -> bool {
        self.exporter.borrow_mut().answered(token, answer, now_ns, out)
    }

    fn reply_bytes(&self) -> usize {
        TELEMETRY_REPLY_BYTES_MAX.saturating_add(1)
    }

    fn wake_ms(&self, now_ns: u64) -> Option<u64> {
        self.exporter.borrow().wake_ms(now_ns)
    }

    fn is_idle(&self) -> bool {
        self.exporter.borrow().is_idle()
    }

    fn close(&self) {
        self.exporter.borrow_mut().close();
    }

    fn abandon(&self, out: &mut Vec<Effect>) {
        self.exporter.borrow_mut().abandon(out);
    }
}
