//! The resource `question`: questions to judges.

use llm_gauge_engine::judge;

use crate::contract::Component;
use crate::contract::judge::{Guest, GuestQuestion, PolicyBorrow, Question};
use crate::contract::types::{JudgeInput, JudgeRequest, Judgement};
use crate::convert;
use crate::meter::PolicyResource;

impl Guest for Component {
    type Question = QuestionResource;
}

pub(crate) struct QuestionResource(judge::Question);

impl GuestQuestion for QuestionResource {
    fn ask(
        policy: PolicyBorrow<'_>,
        judge: u32,
        input: JudgeInput,
        (random, more): (u64, u64),
    ) -> Option<Question> {
        let plan = policy.get::<PolicyResource>().0.judge()?;
        let judge = usize::try_from(judge).ok()?;
        let question = judge::Question::ask(plan, judge, input.into(), convert::random([random, more]))?;
        Some(Question::new(Self(question)))
    }

    fn request(&self) -> JudgeRequest {
        self.0.request().clone().into()
    }

    fn answer(&self, status: u32, body: Vec<u8>) -> Judgement {
        self.0.answer(status, &body).into()
    }
}
