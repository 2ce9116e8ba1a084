//! The texts of an exchange that are captured for a judge or for its span.

use std::rc::Rc;

use super::Exchange;
use crate::head::Headers;
use crate::judge::capture::{CapturedTexts, JudgeDecision, RequestCapture, SpanContent};
use crate::judge::{Facts, Sample};
use crate::record::{Answer, Gap, Status, Word};
use crate::telemetry::Content;

/// The facts that are needed to repeat the sampling decision once the model is known.
#[derive(Debug)]
pub(super) struct TextCapture {
    /// `None` if texts are captured for the span only.
    sample: Option<Sample>,
    path: String,
}

impl Exchange {
    /// Decides at the request head whether texts of the exchange are captured, and begins the captures.
    #[cold]
    pub(super) fn capture(&mut self, trace: &[u8; 16], head: &Headers<'_>) -> Option<()> {
        let policy = Rc::clone(&self.policy);
        let path = head.text(":path").unwrap_or_default();
        let facts = self.facts(path, self.request.model.as_deref());
        let sample = policy.judge().and_then(|plan| plan.sample(trace, &facts));
        if sample.is_none() && !(policy.content() == Content::All && facts.is_answer()) {
            return None;
        }
        let (sources, chars_max) = policy.texts();
        self.memory.take(path.len());
        self.request.capture =
            Some(Box::new(RequestCapture::new(sources, chars_max, head, &policy.memory().for_requests())));
        self.response.state.keep_answer(chars_max, policy.memory());
        self.text_capture = Some(Box::new(TextCapture { sample, path: path.to_owned() }));
        Some(())
    }

    fn facts<'a>(&'a self, path: &'a str, model: Option<&'a str>) -> Facts<'a> {
        let operation = self.route.format.operation.name();
        let model = model.map(|model| self.policy.renamed(model));
        Facts { operation, path, model, labels: &self.labels }
    }

    /// Ends the captures. Returns the decision of the judge's sampling, and the texts that the span may carry.
    ///
    /// Each is `None` if the exchange is not sampled after all, or its texts may not be exported.
    #[cold]
    pub(super) fn finish_capture(
        &mut self,
        answer: &Answer,
        status: Status,
        gaps: &[Gap],
    ) -> (Option<JudgeDecision>, Option<SpanContent>) {
        let (Some(sampled), Some(request)) = (self.text_capture.take(), self.request.capture.take()) else {
            return (None, None);
        };
        let policy = Rc::clone(&self.policy);
        let facts = self.facts(&sampled.path, self.request.model.as_deref().or(Some("")));
        let judge =
            policy.judge().filter(|plan| sampled.sample.is_some_and(|is| plan.is_sampled(is, &facts)));
        let leaves = match policy.content() {
            Content::None => false,
            Content::Sampled => judge.is_some(),
            Content::All => true,
        };
        if judge.is_none() && !leaves {
            return (None, None);
        }
        let texts = CapturedTexts::new(*request, self.response.state.take_capture());
        let format = self.route.format;
        let is_whole = |word: &Word| match word {
            Word::Text(text) => format.is_whole_answer(text),
            Word::Number(_) => true,
        };
        let is_answered = status == Status::Success
            && gaps.is_empty()
            && answer.complete != Some(false)
            && answer.tool_calls.unwrap_or(0) == 0
            && answer.finish_reasons.iter().all(is_whole);
        let decision = judge.map(|plan| match is_answered {
            true => texts.judge_decision(plan.chars_max()),
            false => JudgeDecision::Nothing,
        });
        (decision, leaves.then(|| texts.span_content()))
    }
}
