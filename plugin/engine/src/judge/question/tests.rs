use super::*;
use crate::callouts::Callout;
use crate::judge::dispatch::tests::{completion, dispatcher, job, policy, verdict};
use crate::limits::JUDGE_REPLY_BYTES_MAX;

const SECRET: &str = r#","headers":{"authorization":"Bearer secret"}"#;

fn question() -> Question {
    let policy = policy(SECRET);
    Question::ask(policy.judge().unwrap(), 0, job("C").input, [1; 16]).unwrap()
}

/// Returns the question as a callout, for helpers that read callouts.
fn call(question: &Question) -> Callout {
    let request = question.request().clone();
    let (cluster, body) = (request.cluster, request.body);
    Callout {
        number: 0,
        cluster,
        headers: Vec::new(),
        body,
        timeout_ms: request.timeout_ms,
        wants_gzip: false,
    }
}

#[test]
fn a_question_has_the_request_of_the_dispatcher_without_secret_headers() {
    let mut dispatcher = dispatcher(&policy(SECRET));
    dispatcher.submit(job("C"), &mut Vec::new());
    let called = dispatcher.next(0, [1; 24], &mut |_| true, &mut Vec::new()).unwrap();
    let question = question();
    let request = question.request();
    let pairs = [(":method", "POST"), (":path", &request.path), (":authority", &request.authority)];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let headers = pairs.map(owned).into_iter().chain(request.headers.clone());
    let headers: Vec<_> = headers.chain([owned(("authorization", "Bearer secret"))]).collect();
    assert_eq!(called.headers, headers);
    assert_eq!(String::from_utf8(called.body), String::from_utf8(request.body.clone()));
    assert_eq!((called.cluster.as_str(), called.timeout_ms), (request.cluster.as_str(), request.timeout_ms));
    assert!(!request.headers.iter().any(|(name, _)| name == "authorization"));
}

#[test]
fn answer_returns_a_verdict_or_an_outcome() {
    let question = question();
    let good = verdict(&call(&question), [5, 4, 3], "no");
    let judged = question.answer(200, good.as_bytes());
    let scores = [("faithfulness", 5), ("relevance", 4), ("completeness", 3)];
    let scores = scores.map(|(name, score)| (name.to_owned(), score, "r".to_owned())).to_vec();
    let expected = Verdict { scores, hallucination: Some((false, "r".to_owned())) };
    assert_eq!(
        judged,
        Judgement { verdict: Ok(expected), input_tokens: Some(900), output_tokens: Some(100) }
    );
    assert_eq!(question.answer(200, good.as_bytes()), judged, "a question can be answered again");

    let long = format!("{good}{}", " ".repeat(JUDGE_REPLY_BYTES_MAX));
    for (status, body, outcome, tokens) in [
        (200, completion("{}"), Outcome::InvalidVerdict, Some(900)),
        (200, long, Outcome::InvalidVerdict, None),
        (200, String::new(), Outcome::InvalidVerdict, None),
        (429, good.clone(), Outcome::JudgeError, None),
        (504, String::new(), Outcome::JudgeError, None),
    ] {
        let judged = question.answer(status, body.as_bytes());
        assert_eq!((judged.verdict, judged.input_tokens), (Err(outcome), tokens), "{status} {}", body.len());
    }
}

#[test]
fn a_question_needs_a_judge_of_the_plan() {
    let policy = policy(r#","judges":[{"cluster":"other","model":"k"}]"#);
    let plan = policy.judge().unwrap();
    let cluster = |judge| {
        let question = Question::ask(plan, judge, job("C").input, [1; 16])?;
        Some(question.request().cluster.clone())
    };
    assert_eq!([0, 1, 2].map(cluster), [Some("judge".to_owned()), Some("other".to_owned()), None]);
}
