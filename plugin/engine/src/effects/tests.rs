use super::*;
use crate::ids::Ids;
use crate::judge::EvaluationSource;
use crate::judge::capture::JudgeInput;

#[test]
fn every_lost_job_is_counted() {
    let ids = Ids { trace: [1; 16], span: [2; 8], parent: None };
    let text = str::to_owned;
    let judge = JudgeJob { request_id: text("id"), ids, model: text("m"), input: JudgeInput::default() };
    let evaluation = Evaluation {
        request_id: text("id"),
        ids,
        model: text("m"),
        name: text("relevance"),
        value: 4.0,
        label: text("4"),
        explanation: None,
        source: EvaluationSource::User,
        uid: text("u"),
    };
    let jobs = [
        CalloutJob::Judge(Box::new(judge)),
        CalloutJob::Span(Box::default()),
        CalloutJob::Evaluation(Box::new(evaluation)),
    ];
    let count = |stat: &str| StatUpdate::Count { stat: stat.to_owned(), by: 1 };
    let expected = [
        count("llm_judge_outcomes_total.model=.=m;.;.outcome=.=lost;.;"),
        count("llm_gauge_dropped_total.kind=.=spans;.;"),
        count("llm_gauge_dropped_total.kind=.=events;.;"),
    ];
    assert_eq!(jobs.map(|job| job.lost_update()), expected);
}
