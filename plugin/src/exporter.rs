//! The telemetry exporter in its worker, with its clocks and its random bytes.

use std::cell::RefCell;

use llm_gauge_engine::callouts::{Callout, CalloutResponse};
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::judge::Evaluation;
use llm_gauge_engine::limits::TELEMETRY_REPLY_BYTES_MAX;
use llm_gauge_engine::metrics::StatUpdate;
use llm_gauge_engine::telemetry::Exporter;
use llm_gauge_engine::telemetry::otlp::Span;

use crate::callout_owner::CalloutOwner;
use crate::perform;
use crate::random::Random;

pub(crate) struct TelemetryExporter {
    exporter: RefCell<Exporter>,
    random: RefCell<Random>,
}

impl TelemetryExporter {
    /// Returns the exporter to the configured receiver. `None` if none is configured.
    pub(crate) fn new(policy: &Policy) -> Option<Self> {
        let exporter = Exporter::new(policy.telemetry()?, policy.redactor(), policy.memory());
        Some(Self { exporter: RefCell::new(exporter), random: RefCell::default() })
    }

    /// Submits the span of an exchange that ends now. Returns the milliseconds after which the exporter must be
    /// called. `None` if a call at that time or before is already due.
    pub(crate) fn span(&self, span: Span, out: &mut Vec<StatUpdate>) -> Option<u64> {
        self.exporter.borrow_mut().span(span, perform::wall_ns(), perform::now_ns(), out)
    }

    /// Submits a score, and returns the same as [`span`](Self::span).
    pub(crate) fn evaluation(&self, score: &Evaluation, out: &mut Vec<StatUpdate>) -> Option<u64> {
        self.exporter.borrow_mut().evaluation(score, perform::wall_ns(), perform::now_ns(), out)
    }
}

impl CalloutOwner for TelemetryExporter {
    fn next(&self, now_ns: u64, out: &mut Vec<StatUpdate>) -> Option<Callout> {
        let random = self.random.borrow_mut().next();
        let callout = self.exporter.borrow_mut().next(now_ns, random, out)?;
        Some(if callout.wants_gzip { callout.zipped(perform::compress) } else { callout })
    }

    fn record_sent(&self, number: u64, token: Option<u32>, now_ns: u64, out: &mut Vec<StatUpdate>) {
        self.exporter.borrow_mut().record_sent(number, token, now_ns, out);
    }

    fn handle_response(
        &self,
        token: u32,
        response: &CalloutResponse<'_>,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) -> Option<Vec<Evaluation>> {
        self.exporter.borrow_mut().handle_response(token, response, now_ns, out).then(Vec::new)
    }

    fn response_bytes(&self) -> usize {
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

    fn abandon(&self, out: &mut Vec<StatUpdate>) {
        self.exporter.borrow_mut().abandon(out);
    }
}
