//! The judge in the proxy-wasm host: its requests, all faults of a judge's server, and exactly one outcome for every
//! sampled exchange.

mod agreement;
mod budget;

use std::collections::BTreeMap;

use host_test::{
    CallAnswer, ChunkPlan, Ending, Exchange, Guest, Headers, Options, SharedProxyState, StreamReport, drive,
};
use simulators::judge::{self, JudgeRequest};

use crate::common;

/// A configuration that samples everything.
const ALL: &str = r#"{"judge":{"cluster":"judge","model":"grader","sample_rate":1}}"#;

const QUESTION: &str = r#"{"model":"m","messages":[{"role":"user","content":"How tall is the tower?"},
    {"role":"tool","content":"The tower is 120 metres tall"}]}"#;

fn start(configuration: &str) -> Guest {
    Guest::start(&common::filter(), Options::configured(configuration)).unwrap()
}

fn head() -> Headers {
    Headers::request("POST", "api.openai.com", "/v1/chat/completions")
        .with("content-type", "application/json")
}

fn exchange(answer: &str) -> Exchange {
    let body = format!(
        r#"{{"model":"m","choices":[{{"index":0,"message":{{"content":"{answer}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":1}}}}"#
    );
    let response = Headers::response(200).with("content-type", "application/json");
    Exchange::new(head(), QUESTION, response, body)
}

/// Plays an exchange to its end and the next turn of the event loop. The bytes of both sides are unchanged.
#[track_caller]
fn play(guest: &mut Guest, exchange: &Exchange) -> StreamReport {
    let report = drive(guest, exchange, &ChunkPlan::whole()).unwrap();
    assert_eq!(report.upstream.body, exchange.request_body);
    assert_eq!(report.client.body, exchange.response_body);
    guest.run_pending().unwrap();
    report
}

/// Returns the one call in flight: its token and its contents.
#[track_caller]
fn asked(guest: &Guest) -> (u32, JudgeRequest) {
    let calls: Vec<_> = guest.host().in_flight().collect();
    let [call] = calls[..] else {
        panic!("expected one call in flight, got {}", calls.len());
    };
    assert_eq!((call.cluster.as_str(), call.context), ("judge", host_test::host::ROOT));
    assert_eq!(
        call.headers.text("x-llm-gauge").map(str::len),
        Some(41),
        "the mark of the filter's own calls"
    );
    (call.token, JudgeRequest::read(&call.body).unwrap())
}

/// Returns the token of a call in flight; `None` if there is none.
fn under_way(guest: &Guest) -> Option<u32> {
    guest.host().in_flight().map(|call| call.token).next()
}

/// Returns the counters of a metric, by their labels without the model.
fn counts(guest: &Guest, metric: &str) -> BTreeMap<String, u64> {
    let proxy_state = guest.host().proxy_state();
    let start = format!("{metric}.");
    let counts = proxy_state.metrics.iter().filter_map(|((stat, _), metric)| {
        let labels = stat.strip_prefix(&start)?.split(";.;").filter_map(|label| label.split_once("=.="));
        let values: Vec<_> = labels
            .filter(|(name, _)| *name != ".model" && *name != "model")
            .map(|(_, value)| value)
            .collect();
        Some((values.join("/"), metric.value))
    });
    counts.collect()
}

/// Returns the outcomes, after checking that every sampled exchange has one.
#[track_caller]
fn outcomes(guest: &Guest) -> Vec<(String, u64)> {
    common::requests(guest);
    let outcomes = counts(guest, "llm_judge_outcomes_total");
    let sampled: u64 = counts(guest, "llm_judge_sampled_total").values().sum();
    assert_eq!(outcomes.values().sum::<u64>(), sampled);
    outcomes.into_iter().collect()
}

#[track_caller]
fn check(guest: &Guest, expected: &[(&str, u64)]) {
    let expected: Vec<_> = expected.iter().map(|(name, by)| ((*name).to_owned(), *by)).collect();
    assert_eq!(outcomes(guest), expected);
}

#[test]
fn a_sampled_answer_is_scored() {
    let mut guest = start(ALL);
    let report = play(&mut guest, &exchange("The tower is 120 metres tall."));
    let record = String::from_utf8(report.filter_state["wasm.llm.json"].clone()).unwrap();
    assert!(record.contains(r#""sampled":true"#), "{record}");
    let (token, asked) = asked(&guest);
    assert_eq!(
        (asked.question.as_str(), asked.context.as_str(), asked.answer.as_str()),
        ("How tall is the tower?", "The tower is 120 metres tall", "The tower is 120 metres tall.")
    );
    assert_eq!(asked.criteria, ["faithfulness", "relevance", "completeness", "hallucination"]);
    guest.answer(token, CallAnswer::new(200, judge::completion(&asked.verdict()))).unwrap();
    check(&guest, &[("scored", 1)]);
    let points = counts(&guest, "llm_evaluation_points_total");
    let expected = [("completeness", 5), ("faithfulness", 5), ("relevance", 5)];
    assert_eq!(points, expected.map(|(name, points)| (name.to_owned(), points)).into());
    assert_eq!(counts(&guest, "llm_hallucinations_total"), [("no".to_owned(), 1)].into());
    assert_eq!(
        guest.host().samples("llm_judge_duration_milliseconds.model=.=m;.;").map(|all| all.len()),
        Some(1)
    );
}

#[test]
fn faults_of_a_judge_are_counted() {
    type Answerer = fn(&JudgeRequest) -> CallAnswer;
    let cases: &[(&str, Answerer)] = &[
        ("judge_error", |_| CallAnswer::new(500, "oh no")),
        ("judge_error", |_| CallAnswer::new(401, "who?")),
        ("timeout", |_| CallAnswer::timeout()),
        ("judge_error", |_| CallAnswer::lost()),
        ("invalid_verdict", |_| CallAnswer::new(200, "")),
        ("invalid_verdict", |_| CallAnswer::new(200, "I would say five.")),
        ("invalid_verdict", |_| CallAnswer::new(200, judge::completion("I would say five."))),
        ("invalid_verdict", |asked| {
            CallAnswer::new(200, judge::completion(&format!("```json\n{}\n```", asked.verdict())))
        }),
        ("invalid_verdict", |asked| {
            let whole = judge::completion(&asked.verdict());
            CallAnswer::new(200, &whole.as_bytes()[..whole.len() / 2])
        }),
        ("invalid_verdict", |_| CallAnswer::new(200, vec![b' '; 3 << 20])),
        ("invalid_verdict", |_| CallAnswer::new(200, b"\xFF\xFE".repeat(20))),
    ];
    for (number, (outcome, answer)) in cases.iter().enumerate() {
        let mut guest = start(ALL);
        play(&mut guest, &exchange("It is 120 metres tall."));
        let (token, asked) = asked(&guest);
        guest.answer(token, answer(&asked)).unwrap();
        assert_eq!(outcomes(&guest), [((*outcome).to_owned(), 1)], "case {number}");
        assert_eq!(counts(&guest, "llm_evaluations_total"), BTreeMap::new(), "case {number}");
        // The next exchange is judged as usual.
        play(&mut guest, &exchange("It is 120 metres tall."));
        let (token, asked) = self::asked(&guest);
        guest.answer(token, CallAnswer::new(200, judge::completion(&asked.verdict()))).unwrap();
        assert_eq!(counts(&guest, "llm_judge_outcomes_total").get("scored"), Some(&1));
    }
}

#[test]
fn a_busy_judge_is_asked_once_more() {
    for status in [429, 503] {
        let mut guest = start(ALL);
        play(&mut guest, &exchange("It is 120 metres tall."));
        let (token, before) = asked(&guest);
        guest.answer(token, CallAnswer::new(status, "").with("retry-after", "3")).unwrap();
        guest.advance_ms(2_900);
        guest.run_pending().unwrap();
        assert_eq!(guest.host().in_flight().count(), 0);
        for _ in 0..4 {
            guest.advance_ms(400);
            guest.run_pending().unwrap();
        }
        let (token, after) = asked(&guest);
        assert_ne!(before.nonce, after.nonce);
        guest.answer(token, CallAnswer::new(status, "")).unwrap();
        check(&guest, &[("judge_error", 1)]);
        assert_eq!(guest.host().tick_period_ms, 0, "nothing ticks for nothing");
    }
}

#[test]
fn a_missing_judge_costs_nothing_but_the_sample() {
    for is_unknown in [true, false] {
        let mut guest = start(ALL);
        let host = guest.host_mut();
        let clusters = if is_unknown { &mut host.unknown_clusters } else { &mut host.failing_clusters };
        clusters.insert("judge".to_owned());
        for _ in 0..20 {
            play(&mut guest, &exchange("It is 120 metres tall."));
        }
        check(&guest, &[("judge_error", 20)]);
        assert!(guest.host().callouts.is_empty());
    }
}

#[test]
fn too_many_at_once_are_dropped_and_counted() {
    let mut guest = start(
        r#"{"judge":{"cluster":"judge","model":"g","sample_rate":1,"max_in_flight":3,"max_queue":5,"budget":{"calls_per_minute":100000}}}"#,
    );
    let exchange = exchange("It is 120 metres tall.");
    let mut memory_bytes = Vec::new();
    for number in 0..1000 {
        drive(&mut guest, &exchange, &ChunkPlan::whole()).unwrap();
        if matches!(number, 100 | 999) {
            memory_bytes.push(guest.host().memory.bytes);
        }
    }
    guest.run_pending().unwrap();
    assert_eq!(memory_bytes[0], memory_bytes[1], "dropped exchanges have left nothing in memory");
    assert_eq!(guest.host().in_flight().count(), 3);
    assert_eq!(counts(&guest, "llm_judge_outcomes_total"), [("queue_full".to_owned(), 995)].into());
    while let Some(token) = under_way(&guest) {
        let call = guest.host().in_flight().find(|call| call.token == token).unwrap();
        let answer = judge::answer(&call.body).unwrap();
        guest.answer(token, CallAnswer::new(200, answer)).unwrap();
    }
    check(&guest, &[("queue_full", 995), ("scored", 5)]);
}

#[test]
fn exchanges_without_texts_are_not_judged() {
    let mut guest = start(r#"{"judge":{"cluster":"judge","model":"g","sample_rate":1,"max_chars":100}}"#);
    play(&mut guest, &exchange(""));
    play(&mut guest, &exchange(&"word ".repeat(30)));
    let mut cut_off = exchange("It is 120 metres tall.");
    cut_off.response_body.truncate(80);
    cut_off.ending = Ending::ClientGone;
    drive(&mut guest, &cut_off, &ChunkPlan::whole()).unwrap();
    guest.run_pending().unwrap();
    let none = Exchange::unanswered(head(), QUESTION, Ending::ClientGone);
    drive(&mut guest, &none, &ChunkPlan::whole()).unwrap();
    guest.run_pending().unwrap();
    assert!(guest.host().callouts.is_empty());
    check(&guest, &[("not_applicable", 3), ("too_large", 1)]);
}

#[test]
fn a_plugin_waits_for_its_calls_at_shutdown() {
    let mut guest = start(ALL);
    play(&mut guest, &exchange("It is 120 metres tall."));
    assert!(!guest.shut_down().unwrap());
    let (token, asked) = asked(&guest);
    assert!(!guest.host().is_done());
    guest.answer(token, CallAnswer::new(200, judge::completion(&asked.verdict()))).unwrap();
    assert!(guest.host().is_done());
    check(&guest, &[("scored", 1)]);

    let mut guest = start(ALL);
    assert!(guest.shut_down().unwrap(), "there is nothing to wait for");
    assert!(start("{}").shut_down().unwrap());
}

#[test]
fn our_own_calls_are_no_traffic() {
    let mut guest = start(ALL);
    play(&mut guest, &exchange("It is 120 metres tall."));
    let mark = guest.host().callouts[0].headers.text("x-llm-gauge").unwrap().to_owned();
    let marked = |mark: &str| {
        let mut own = exchange("It is 120 metres tall.");
        own.request_headers = own.request_headers.with("x-llm-gauge", mark);
        own
    };
    let requests = |guest: &Guest| counts(guest, "llm_requests_total").values().sum::<u64>();
    let report = play(&mut guest, &marked(&mark));
    assert_eq!(report.upstream.headers, Some(head()), "the mark stays in the gateway");
    assert_eq!((guest.host().callouts.len(), requests(&guest)), (1, 1));
    // A client does not know the key, and a mark is of no use for long.
    let forged = format!("{}{}", &mark[..9], "0".repeat(32));
    let report = play(&mut guest, &marked("internal"));
    assert_eq!(report.upstream.headers, Some(head()));
    play(&mut guest, &marked(&forged));
    assert_eq!(requests(&guest), 3);
    guest.advance_ms(301_000);
    play(&mut guest, &marked(&mark));
    assert_eq!(requests(&guest), 4);
}

#[test]
fn calls_of_other_workers_and_of_a_fleet_are_no_traffic() {
    let fleet = ALL.replace("\"judge\":", r#""feedback":{"secret":"0123456789abcdef"},"judge":"#);
    for (configuration, is_shared) in [(ALL, true), (&fleet, false)] {
        let proxy_state = SharedProxyState::new();
        let options = Options { proxy_state: proxy_state.clone(), ..Options::configured(configuration) };
        let mut guest = Guest::start(&common::filter(), options).unwrap();
        play(&mut guest, &exchange("It is 120 metres tall."));
        let mark = guest.host().callouts[0].headers.text("x-llm-gauge").unwrap().to_owned();
        let proxy_state = if is_shared { proxy_state } else { SharedProxyState::new() };
        let options = Options { seed: 5, proxy_state, ..Options::configured(configuration) };
        let mut other = Guest::start(&common::filter(), options).unwrap();
        let mut own = exchange("It is 120 metres tall.");
        own.request_headers = own.request_headers.with("x-llm-gauge", &mark);
        play(&mut other, &own);
        assert!(other.host().callouts.is_empty());
    }
}

#[test]
fn the_same_trace_is_sampled_alike_everywhere() {
    let configuration = r#"{"judge":{"cluster":"judge","model":"g","sample_rate":0.25,"max_in_flight":1000,"budget":{"calls_per_minute":100000}}}"#;
    let mut workers = [0, 1].map(|seed| {
        let options = Options { seed, ..Options::configured(configuration) };
        Guest::start(&common::filter(), options).unwrap()
    });
    let mut sampled = 0;
    for number in 0..400 {
        let mut traced = exchange("It is 120 metres tall.");
        let trace = format!("00-{:032x}-00f067aa0ba902b7-01", number + 1);
        traced.request_headers = traced.request_headers.with("traceparent", &trace);
        let told = workers.each_mut().map(|worker| {
            let report = play(worker, &traced);
            String::from_utf8_lossy(&report.filter_state["wasm.llm.json"]).contains(r#""sampled":true"#)
        });
        assert_eq!(told[0], told[1], "{trace}");
        sampled += u32::from(told[0]);
    }
    assert!((80..=120).contains(&sampled), "{sampled} of 400");
    assert_eq!(workers[0].host().in_flight().count(), sampled as usize);
}

#[test]
fn a_reconfigured_plugin_counts_its_open_exchanges_as_lost() {
    let one_by_one = r#"{"judge":{"cluster":"judge","model":"g","sample_rate":1,"max_in_flight":1}}"#;
    let mut guest = start(one_by_one);
    for _ in 0..3 {
        play(&mut guest, &exchange("It is 120 metres tall."));
    }
    let before = under_way(&guest).unwrap();
    guest.reconfigure(ALL).unwrap();
    check(&guest, &[("lost", 3)]);
    // The answer to an earlier call is ignored, and the new configuration makes its own calls.
    guest.answer(before, CallAnswer::timeout()).unwrap();
    play(&mut guest, &exchange("It is 120 metres tall."));
    let (token, asked) = asked(&guest);
    guest.answer(token, CallAnswer::new(200, judge::completion(&asked.verdict()))).unwrap();
    check(&guest, &[("lost", 3), ("scored", 1)]);
    assert_eq!(guest.host().tick_period_ms, 0);
}
