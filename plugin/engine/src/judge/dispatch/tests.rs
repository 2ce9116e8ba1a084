mod any;
mod hostile;

use std::collections::BTreeMap;

use super::*;
use crate::config::Policy;
use crate::ids::Ids;
use crate::judge::capture::JudgeInput;
use crate::limits::JUDGE_REPLY_BYTES_MAX;

const SECOND: u64 = 1_000_000_000;

pub(in crate::judge) fn policy(judge: &str) -> Rc<Policy> {
    let document = format!(r#"{{"judge":{{"cluster":"judge","model":"j"{judge}}}}}"#);
    Rc::new(Policy::parse(document.as_bytes()).unwrap())
}

pub(in crate::judge) fn job(context: &str) -> JudgeJob {
    let text = |text: &str| text.to_owned();
    let input = JudgeInput { question: text("Q"), context: text(context), answer: text("A") };
    JudgeJob { request_id: text("id"), ids: Ids::new(None, None, [7; 24]), model: text("m"), input }
}

pub(in crate::judge) fn dispatcher(policy: &Policy) -> Dispatcher {
    Dispatcher::new(policy.judge().unwrap(), policy.prices(), false, policy.memory())
}

/// A dispatcher with its clock and its stats.
struct Rig {
    dispatcher: Dispatcher,
    now_ns: u64,
    out: Vec<StatUpdate>,
    settled: Vec<Settlement>,
    random: u8,
}

impl Rig {
    fn new(judge: &str) -> Self {
        let dispatcher = dispatcher(&policy(judge));
        Self { dispatcher, now_ns: SECOND, out: Vec::new(), settled: Vec::new(), random: 0 }
    }

    fn next(&mut self) -> Option<Callout> {
        self.random = self.random.wrapping_add(1);
        self.dispatcher.next(self.now_ns, [self.random; 24], &mut |_| true, &mut self.out)
    }

    /// Makes the next callout with this token.
    fn send(&mut self, token: u32) -> Callout {
        let call = self.next().expect("a call");
        self.dispatcher.record_sent(call.number, Some(token), self.now_ns, &mut self.out);
        call
    }

    /// Makes the next callout with this token, and returns whether there was one.
    fn send_next(&mut self, token: u32) -> bool {
        let call = self.next();
        if let Some(call) = &call {
            self.dispatcher.record_sent(call.number, Some(token), self.now_ns, &mut self.out);
        }
        call.is_some()
    }

    fn answer(&mut self, token: u32, status: u32, body: &str) {
        self.answer_as(
            token,
            CalloutResponse {
                status: Some(status),
                is_local: false,
                retry_after: None,
                body: body.as_bytes(),
            },
        );
    }

    fn answer_as(&mut self, token: u32, answer: CalloutResponse<'_>) {
        let result = self.dispatcher.handle_response(token, &answer, self.now_ns, &mut self.out);
        self.settled.extend(result.map(|result| result.settlement));
    }

    /// Returns the counters by stat, without durations.
    fn counts(&self) -> BTreeMap<&str, u64> {
        let mut counts = BTreeMap::new();
        for effect in &self.out {
            if let StatUpdate::Count { stat, by } = effect {
                let count: &mut u64 = counts.entry(stat.as_str()).or_default();
                *count = count.saturating_add(*by);
            }
        }
        counts
    }

    fn outcomes(&self) -> Vec<(String, u64)> {
        let named = |(stat, by): (&&str, &u64)| {
            let outcome = stat.strip_prefix("llm_judge_outcomes_total.model=.=m;.;.outcome=.=")?;
            Some((outcome.trim_end_matches(";.;").to_owned(), *by))
        };
        self.counts().iter().filter_map(named).collect()
    }

    #[track_caller]
    fn check(&self, expected: &[(&str, u64)]) {
        let expected: Vec<_> = expected.iter().map(|(name, by)| ((*name).to_owned(), *by)).collect();
        assert_eq!(self.outcomes(), expected);
        assert!(self.dispatcher.is_idle() && self.dispatcher.memory.bytes() == 0);
    }
}

fn busy_response() -> CalloutResponse<'static> {
    CalloutResponse { status: Some(429), is_local: false, retry_after: None, body: b"" }
}

/// Returns a valid verdict for a callout, with these scores and this hallucination verdict.
pub(in crate::judge) fn verdict(call: &Callout, scores: [u8; 3], is_hallucinated: &str) -> String {
    let body = String::from_utf8(call.body.clone()).unwrap();
    let nonce = body.split("</answer-").nth(1).unwrap().get(..32).unwrap();
    let [faithfulness, relevance, completeness] = scores;
    let content = format!(
        r#"{{"nonce":"{nonce}","faithfulness":{{"reason":"r","score":{faithfulness}}},"relevance":{{"reason":"r","score":{relevance}}},"completeness":{{"reason":"r","score":{completeness}}},"hallucination":{{"reason":"r","verdict":"{is_hallucinated}"}}}}"#
    );
    completion(&content)
}

pub(in crate::judge) fn completion(content: &str) -> String {
    let content = serde_json::to_string(content).unwrap();
    format!(
        r#"{{"choices":[{{"message":{{"content":{content}}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":900,"completion_tokens":100}}}}"#
    )
}

#[test]
fn dispatcher_counts_and_returns_the_scores_of_a_verdict() {
    let mut rig = Rig::new("");
    rig.dispatcher.submit(job("C"), &mut rig.out);
    let call = rig.send(7);
    assert_eq!((call.cluster.as_str(), call.timeout_ms), ("judge", 30_000));
    let head: Vec<_> = call.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        head,
        [
            (":method", "POST"),
            (":path", "/v1/chat/completions"),
            (":authority", "judge"),
            ("content-type", "application/json"),
        ]
    );
    rig.now_ns += 250_000_000;
    rig.answer(7, 200, &verdict(&call, [5, 4, 3], "no"));
    rig.check(&[("scored", 1)]);
    let expected = [
        ("llm_evaluation_points_total.model=.=m;.;.criterion=.=completeness;.;", 3),
        ("llm_evaluation_points_total.model=.=m;.;.criterion=.=faithfulness;.;", 5),
        ("llm_evaluation_points_total.model=.=m;.;.criterion=.=relevance;.;", 4),
        ("llm_evaluations_total.model=.=m;.;.criterion=.=completeness;.;.score=.=3;.;", 1),
        ("llm_evaluations_total.model=.=m;.;.criterion=.=faithfulness;.;.score=.=5;.;", 1),
        ("llm_evaluations_total.model=.=m;.;.criterion=.=relevance;.;.score=.=4;.;", 1),
        ("llm_hallucinations_total.model=.=m;.;.verdict=.=no;.;", 1),
        ("llm_judge_outcomes_total.model=.=m;.;.outcome=.=scored;.;", 1),
        ("llm_judge_tokens_total.type=.=input;.;", 900),
        ("llm_judge_tokens_total.type=.=output;.;", 100),
    ];
    assert_eq!(rig.counts().into_iter().collect::<Vec<_>>(), expected);
    let took =
        StatUpdate::Observe { stat: "llm_judge_duration_milliseconds.model=.=m;.;".to_owned(), value: 250 };
    assert!(rig.out.contains(&took));
    assert_eq!(rig.settled.iter().map(|settled| settled.actual.tokens).collect::<Vec<_>>(), [1000]);
}

#[test]
fn without_context_no_criterion_that_needs_it_is_scored() {
    let mut rig = Rig::new("");
    rig.dispatcher.submit(job(""), &mut rig.out);
    let call = rig.send(1);
    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    let schema = &body["response_format"]["json_schema"]["schema"];
    assert_eq!(schema["required"], serde_json::json!(["nonce", "relevance", "completeness"]));
    // Scores that the prompt did not ask for make the verdict invalid.
    rig.answer(1, 200, &verdict(&call, [5, 5, 5], "no"));
    rig.check(&[("invalid_verdict", 1)]);
}

#[test]
fn each_failure_has_its_outcome() {
    let outcome = |answer: CalloutResponse<'_>| {
        let mut rig = Rig::new("");
        rig.dispatcher.submit(job("C"), &mut rig.out);
        rig.send(1);
        rig.answer_as(1, answer);
        rig.outcomes().first().map(|(name, _)| name.clone())
    };
    let answer = |status, is_local, body| CalloutResponse { status, is_local, retry_after: None, body };
    assert_eq!(outcome(answer(Some(504), true, b"")).as_deref(), Some("timeout"));
    assert_eq!(outcome(answer(Some(504), false, b"")).as_deref(), Some("judge_error"));
    assert_eq!(outcome(answer(Some(500), false, b"")).as_deref(), Some("judge_error"));
    assert_eq!(outcome(answer(None, false, b"")).as_deref(), Some("judge_error"));
    assert_eq!(outcome(answer(Some(200), false, b"I would say 5.")).as_deref(), Some("invalid_verdict"));
    let long = vec![b' '; JUDGE_REPLY_BYTES_MAX + 1];
    assert_eq!(outcome(answer(Some(200), false, &long)).as_deref(), Some("invalid_verdict"));
    assert_eq!(outcome(answer(Some(503), true, b"")), None, "the query is retried");

    let mut rig = Rig::new("");
    rig.dispatcher.submit(job("C"), &mut rig.out);
    let call = rig.next().unwrap();
    rig.dispatcher.record_sent(call.number, None, rig.now_ns, &mut rig.out);
    rig.check(&[("judge_error", 1)]);
}

#[test]
fn dispatcher_retries_a_busy_judge_once() {
    let mut rig = Rig::new("");
    rig.dispatcher.submit(job("C"), &mut rig.out);
    rig.send(1);
    rig.answer_as(
        1,
        CalloutResponse { status: Some(429), is_local: false, retry_after: Some(b"2"), body: b"" },
    );
    assert_eq!(rig.next(), None);
    let wake_ms = rig.dispatcher.wake_ms(rig.now_ns).unwrap();
    assert!((2000..2500).contains(&wake_ms), "{wake_ms}");
    rig.now_ns += wake_ms * 1_000_000;
    let call = rig.send(2);
    rig.answer(2, 200, &verdict(&call, [1, 1, 1], "yes"));
    rig.check(&[("scored", 1)]);
    assert_eq!(rig.settled.first().map(|settled| settled.actual), Some(Price::default()));

    rig.dispatcher.submit(job("C"), &mut rig.out);
    rig.send(3);
    rig.answer(3, 503, "");
    rig.now_ns += 2 * SECOND;
    rig.send(4);
    rig.answer(4, 503, "");
    rig.check(&[("judge_error", 1), ("scored", 1)]);
    // A longer pause than a sample is worth.
    rig.dispatcher.submit(job("C"), &mut rig.out);
    rig.send(5);
    rig.answer_as(
        5,
        CalloutResponse { status: Some(429), is_local: false, retry_after: Some(b"3600"), body: b"" },
    );
    rig.check(&[("judge_error", 2), ("scored", 1)]);
}

#[test]
fn jobs_over_a_bound_are_counted() {
    let mut rig = Rig::new(r#","max_queue":2,"max_in_flight":1"#);
    for _ in 0..4 {
        rig.dispatcher.submit(job("C"), &mut rig.out);
    }
    assert_eq!(rig.outcomes(), [("queue_full".to_owned(), 2)]);
    let call = rig.send(1);
    assert_eq!(rig.next(), None, "one callout is in flight");
    rig.answer(1, 200, &verdict(&call, [5, 5, 5], "no"));
    let denied = rig.dispatcher.next(rig.now_ns, [9; 24], &mut |_| false, &mut rig.out);
    assert_eq!(denied, None);
    rig.check(&[("over_budget", 1), ("queue_full", 2), ("scored", 1)]);

    let mut rig = Rig::new(r#","max_queue":4096"#);
    let half = "x".repeat(JUDGE_QUEUE_BYTES_MAX / 2 - 2);
    for _ in 0..3 {
        rig.dispatcher.submit(job(&half), &mut rig.out);
    }
    assert_eq!(rig.outcomes(), [("queue_full".to_owned(), 1)]);
    rig.dispatcher.abandon(&mut rig.out);
    rig.check(&[("lost", 2), ("queue_full", 1)]);
}

#[test]
fn a_callout_without_a_response_times_out() {
    let mut rig = Rig::new(r#","max_in_flight":1"#);
    rig.dispatcher.submit(job("C"), &mut rig.out);
    rig.send(1);
    assert_eq!(rig.dispatcher.wake_ms(rig.now_ns), Some(40_000));
    rig.now_ns = rig.now_ns.saturating_add(39 * SECOND);
    assert_eq!((rig.next(), rig.outcomes().len()), (None, 0));
    rig.now_ns = rig.now_ns.saturating_add(SECOND);
    assert_eq!(rig.next(), None);
    rig.check(&[("timeout", 1)]);
    rig.answer(1, 200, "");
    rig.check(&[("timeout", 1)]);
}

#[test]
fn a_judge_with_an_open_breaker_is_not_called() {
    let mut rig = Rig::new("");
    for token in 0..5 {
        rig.dispatcher.submit(job("C"), &mut rig.out);
        rig.send(token);
        rig.answer(token, 500, "");
    }
    for _ in 0..3 {
        rig.dispatcher.submit(job("C"), &mut rig.out);
    }
    assert_eq!(rig.next(), None);
    rig.check(&[("judge_error", 8)]);
    rig.now_ns += 30 * SECOND;
    rig.dispatcher.submit(job("C"), &mut rig.out);
    rig.dispatcher.submit(job("C"), &mut rig.out);
    let probe = rig.send(10);
    assert_eq!(rig.next(), None, "only one probe is allowed");
    rig.answer(10, 200, &verdict(&probe, [5, 5, 5], "no"));
    rig.check(&[("judge_error", 9), ("scored", 1)]);
    rig.dispatcher.submit(job("C"), &mut rig.out);
    rig.send(11);
}

const SECOND_JUDGE: &str = r#","judges":[{"cluster":"other","model":"k","weight":3}]"#;

#[test]
fn queries_are_distributed_by_weight() {
    let mut rig = Rig::new(&[SECOND_JUDGE, r#","max_in_flight":1000,"max_queue":1000"#].concat());
    let mut clusters = BTreeMap::<String, u32>::new();
    for number in 0..256_u32 {
        rig.dispatcher.submit(job("C"), &mut rig.out);
        let random = [u8::try_from(number).unwrap(); 24];
        let call = rig.dispatcher.next(rig.now_ns, random, &mut |_| true, &mut rig.out).unwrap();
        *clusters.entry(call.cluster).or_default() += 1;
    }
    assert_eq!(clusters, BTreeMap::from([("judge".to_owned(), 64), ("other".to_owned(), 192)]));
}

#[test]
fn both_judges_of_a_panel_score_each_job() {
    let both = [SECOND_JUDGE, r#","panel":"on""#].concat();
    let mut rig = Rig::new(&both);
    rig.dispatcher.submit(job("C"), &mut rig.out);
    let calls = [rig.send(1), rig.send(2)];
    assert_eq!(calls.each_ref().map(|call| call.cluster.as_str()), ["judge", "other"]);
    rig.answer(1, 200, &verdict(&calls[0], [5, 4, 3], "no"));
    assert_eq!(rig.outcomes(), [], "the other callout is in flight");
    rig.answer(2, 200, &verdict(&calls[1], [3, 4, 2], "yes"));
    rig.check(&[("scored", 1)]);
    let counts = rig.counts();
    assert_eq!(counts.get("llm_evaluation_points_total.model=.=m;.;.criterion=.=faithfulness;.;"), Some(&8));
    let disagreements: Vec<_> = counts.keys().filter(|stat| stat.contains("disagreement")).collect();
    assert_eq!(
        disagreements,
        [
            &"llm_judge_disagreement_total.criterion=.=faithfulness;.;",
            &"llm_judge_disagreement_total.criterion=.=hallucination;.;"
        ]
    );
    // One verdict is enough.
    rig.dispatcher.submit(job("C"), &mut rig.out);
    let calls = [rig.send(3), rig.send(4)];
    rig.answer(3, 500, "");
    rig.answer(4, 200, &verdict(&calls[1], [3, 4, 2], "yes"));
    rig.check(&[("scored", 2)]);
    rig.dispatcher.submit(job("C"), &mut rig.out);
    rig.send(5);
    rig.send(6);
    rig.answer(5, 200, "no");
    rig.answer(6, 500, "");
    rig.check(&[("invalid_verdict", 1), ("scored", 2)]);
}

#[test]
fn cost_counts_whole_nanodollars_and_carries_the_rest_over() {
    let prices = r#""prices":{"rows":[{"provider":"openai","match":"j","input":"0.15","output":"0.6"}]}"#;
    let document =
        format!(r#"{{"judge":{{"cluster":"judge","model":"j","budget":{{"usd_per_hour":1}}}},{prices}}}"#);
    let policy = Policy::parse(document.as_bytes()).unwrap();
    let mut rig = Rig::new("");
    rig.dispatcher = dispatcher(&policy);
    rig.dispatcher.submit(job("C"), &mut rig.out);
    let call = rig.send(1);
    rig.answer(1, 200, &verdict(&call, [5, 5, 5], "no"));
    // 900 x 150 + 100 x 600
    assert_eq!(rig.counts().get("llm_judge_cost_nanodollars_total"), Some(&195_000));
    assert_eq!(
        rig.settled.first().map(|settled| settled.actual),
        Some(Price { tokens: 1000, nanodollars: 195_000 })
    );
}
