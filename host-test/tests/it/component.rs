//! The component: it gives the same records as the filter, refuses calls out of order, and imports nothing. `cases.rs`
//! and `corpus.rs` compare its records with the filter's at every cut.

mod contract;
#[path = "../../examples/gateway.rs"]
#[allow(dead_code, reason = "its `main` is for `cargo run --example`")]
mod gateway;

use std::rc::Rc;

use host_test::component::{self, Component, Instance, PACKAGE, VERSION, fields, meter, types};
use host_test::{ChunkPlan, Guest, Headers, Options, drive, replay};
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::exchange::End;
use llm_gauge_engine::ids::RequestId;
use simulators::native;
use wasmtime::component::ResourceAny;

use crate::common;

/// A configuration that samples everything.
const ALL: &str = r#"{"judge":{"cluster":"judge","model":"grader","sample_rate":1,"headers":{"authorization":"Bearer secret"}}}"#;

fn bytes() -> Vec<u8> {
    std::fs::read(component::build().unwrap()).unwrap()
}

/// Returns the error of a component, with all of its causes.
fn refusal(wasm: &[u8]) -> String {
    format!("{:#}", Component::from_bytes(wasm).err().expect("it is refused"))
}

#[test]
fn the_component_has_no_imports() {
    let engine = wasmtime::Engine::default();
    let component = wasmtime::component::Component::from_binary(&engine, &bytes()).unwrap();
    let kind = component.component_type();
    let imports: Vec<_> = kind.imports(&engine).map(|(name, _)| name.to_owned()).collect();
    assert_eq!(imports, [""; 0]);
    let exports: Vec<_> = kind.exports(&engine).map(|(name, _)| name.to_owned()).collect();
    let expected = ["types", "meter", "judge"].map(|name| format!("{PACKAGE}/{name}@{VERSION}"));
    assert_eq!(exports, expected);
}

#[test]
fn a_component_of_another_version_is_refused_with_both_versions() {
    // The same names except for the version, which has the same length: a component of another contract.
    let (ours, other) = (format!("@{VERSION}"), "@9.8.7");
    let mut wasm = bytes();
    let places: Vec<_> =
        (0..wasm.len() - ours.len()).filter(|at| wasm[*at..].starts_with(ours.as_bytes())).collect();
    assert!(places.len() >= 3, "{places:?}");
    for at in places {
        wasm[at..at + ours.len()].copy_from_slice(other.as_bytes());
    }
    assert_eq!(
        refusal(&wasm),
        "the component has version llm-gauge:evaluation@9.8.7, expected llm-gauge:evaluation@0.1.0: take both from one release"
    );
}

#[test]
fn foreign_components_are_refused() {
    assert_eq!(
        refusal(b"\0asm\x0d\0\x01\0"),
        "the component does not export llm-gauge:evaluation: it is not a component of llm-gauge"
    );
    assert!(refusal(b"\0asm\x01\0\0\0").starts_with("not a usable component"));
    assert!(refusal(b"{}").starts_with("not a usable component"));
}

#[test]
fn configurations_are_refused_by_key() {
    let mut instance = common::component().start().unwrap();
    let refused = |instance: &mut Instance, document: &str| {
        instance.policy(document.as_bytes()).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&mut instance, r#"{"models":{"max_series":0}}"#),
        "models.max_series: expected at least 1, got 0"
    );
    assert_eq!(refused(&mut instance, "[]"), "expected an object, got a list");
    assert!(instance.policy(b"").is_ok(), "an instance that refused one takes another");
}

/// Every end and every cut of a response gives the bare engine's record, which is also the filter's.
#[test]
fn every_end_is_the_engines() {
    let component = common::component();
    let faults = common::each(&common::own_cases(), |case| {
        let mut case = case.clone();
        case.response_body.truncate(case.response_body.len() / 2);
        let mut instance = component.start().unwrap();
        let policy = instance.policy(&case.configuration).unwrap();
        let twin = Rc::new(Policy::parse(&case.configuration).unwrap());
        let mut faults = Vec::new();
        for (code, flags, details) in [
            (None, 0, "via_upstream"),
            (None, 1 << 14, "downstream_remote_disconnect"),
            (Some(504), 1 << 2, "response_timeout"),
            (None, 1 << 4, "upstream_reset_after_response_started{remote_reset}"),
        ] {
            let end = || End { code, flags, details: details.to_owned() };
            let metered = instance.meter_ending(policy, &case, &ChunkPlan::every(7), end()).unwrap().unwrap();
            let whole = std::iter::once(case.response_body.as_slice());
            let expected = native::fields(&native::record_ending(&twin, &case, whole, end()).unwrap());
            let actual = fields(&metered.record);
            let wrong = expected.iter().filter(|(name, value)| actual.get(*name) != Some(*value));
            faults.extend(wrong.map(|(name, value)| {
                format!("{details}: {name}: expected {value}, got {:?}", actual.get(name))
            }));
            assert_eq!(actual.len(), expected.len());
        }
        faults
    });
    assert_eq!(faults, [""; 0]);
}

/// An exchange that has begun.
struct OpenExchange {
    instance: Instance,
    exchange: ResourceAny,
}

impl OpenExchange {
    fn new() -> Self {
        let mut instance = common::component().start().unwrap();
        let policy = instance.policy(b"").unwrap();
        let (meter, _, store) = instance.exports();
        let field = |(name, value): (&str, &str)| types::Field { name: name.into(), value: value.into() };
        let head = [(":method", "POST"), (":path", "/v1/chat/completions"), (":authority", "api.openai.com")];
        let place = meter::Place { route: String::new(), cluster: String::new() };
        let begun = meter.policy().call_begin(store, policy, &head.map(field).to_vec(), &place, (1, 2, 3), 0);
        let exchange = begun.unwrap().unwrap();
        Self { instance, exchange }
    }

    fn call(&mut self, call: &str) -> Result<(), meter::Misuse> {
        let exchange = self.exchange;
        let (meter, _, store) = self.instance.exports();
        let calls = meter.exchange();
        match call {
            "request body" => calls.call_request_body(store, exchange, b"{\"model\":\"m\"}"),
            "request end" => calls.call_request_end(store, exchange),
            "head" => {
                let status = types::Field { name: ":status".into(), value: "200".into() };
                calls.call_response_head(store, exchange, &vec![status])
            }
            "body" => calls.call_response_body(
                store,
                exchange,
                br#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
                1,
            ),
            "end" => calls.call_response_end(store, exchange),
            other => panic!("{other}"),
        }
        .unwrap()
    }

    fn request_id(&mut self, unix_s: u32) -> String {
        let (meter, _, store) = self.instance.exports();
        meter.exchange().call_request_id(store, self.exchange, unix_s).unwrap()
    }

    fn finish(&mut self) -> Result<types::ExchangeRecord, meter::Misuse> {
        let (meter, _, store) = self.instance.exports();
        let ending = meter::Ending { code: None, flags: 0, details: String::new() };
        meter.exchange().call_finish(store, self.exchange, &ending, 2_000_000).unwrap()
    }

    #[track_caller]
    fn check(&mut self, calls: &[(&str, Option<meter::Misuse>)]) {
        for (call, misuse) in calls {
            assert_eq!(format!("{:?}", self.call(call).err()), format!("{misuse:?}"), "{call}");
        }
    }
}

#[test]
fn calls_out_of_order_are_values_and_change_nothing() {
    use meter::Misuse;
    let mut rig = OpenExchange::new();
    rig.check(&[
        ("body", Some(Misuse::BodyBeforeHead)),
        ("end", Some(Misuse::BodyBeforeHead)),
        ("request body", None),
        ("request end", None),
        ("request body", Some(Misuse::RequestEnded)),
        ("request end", Some(Misuse::RequestEnded)),
        ("head", None),
        ("head", Some(Misuse::SecondHead)),
        ("body", None),
        ("end", None),
        ("body", Some(Misuse::ResponseEnded)),
        ("end", Some(Misuse::ResponseEnded)),
    ]);
    let id = rig.request_id(1_700_000_000);
    assert_eq!(RequestId::read(&id, &[]).unwrap().issued_s, 1_700_000_000);
    let record = rig.finish().unwrap();
    assert_eq!((record.usage.input_tokens, record.usage.output_tokens), (Some(3), Some(4)));
    assert_eq!((record.request_model.as_deref(), record.gaps.len()), (Some("m"), 0));
    assert_eq!(record.request_id, id);
    rig.check(
        &["request body", "request end", "head", "body", "end"].map(|call| (call, Some(Misuse::Finished))),
    );
    assert!(matches!(rig.finish(), Err(Misuse::Finished)));
    assert_eq!(rig.request_id(1), "");
}

/// Servers that refuse an upload answer before its end, and a client may disconnect before the answer.
#[test]
fn an_early_answer_and_an_early_end_are_in_order() {
    let mut rig = OpenExchange::new();
    rig.check(&[
        ("request body", None),
        ("head", None),
        ("request body", None),
        ("body", None),
        ("end", None),
    ]);
    assert_eq!(rig.finish().unwrap().usage.output_tokens, Some(4));
    assert!(OpenExchange::new().finish().unwrap().http_status.is_none());
}

/// Returns the nonce of a request to a judge.
fn nonce(body: &str) -> &str {
    body.split("<question-").nth(1).and_then(|rest| rest.get(..32)).unwrap()
}

#[test]
fn component_and_filter_make_the_same_judge_request_without_secrets() {
    let case =
        common::own_cases().into_iter().find(|case| case.name == "unary" && case.folder == "openai_chat");
    let case = case.unwrap();
    let mut guest = Guest::start(&common::filter(), Options::configured(ALL)).unwrap();
    drive(&mut guest, &replay::exchange(&case), &ChunkPlan::whole()).unwrap();
    guest.run_pending().unwrap();
    let call = guest.host().in_flight().next().unwrap().clone();

    let mut instance = common::component().start().unwrap();
    let policy = instance.policy(ALL.as_bytes()).unwrap();
    let metered = instance.meter(policy, &case, &ChunkPlan::whole()).unwrap().unwrap();
    let Some(types::JudgeDecision::Input(input)) = metered.record.judged else { panic!("it is not sampled") };
    let (question, request) = instance.ask(policy, &input, (1, 2)).unwrap();

    let [filters, ours] = [call.body, request.body].map(|body| String::from_utf8(body).unwrap());
    assert_ne!(nonce(&filters), nonce(&ours));
    assert_eq!(filters.replace(nonce(&filters), "NONCE"), ours.replace(nonce(&ours), "NONCE"));
    let pairs = [(":method", "POST"), (":path", &request.path), (":authority", &request.authority)];
    let head =
        pairs.into_iter().fold(Headers::new(), |head, (name, value)| head.with(name, value.as_bytes()));
    let head = request.headers.iter().fold(head, |head, field| head.with(&field.name, &field.value));
    // The mark is for other instances of the filter.
    let mark = call.headers.text("x-llm-gauge").unwrap();
    let expected = head.with("authorization", "Bearer secret").with("x-llm-gauge", mark);
    assert_eq!(call.headers, expected);
    assert_eq!((call.cluster, u64::from(call.timeout_ms)), (request.cluster, request.timeout_ms));

    let verdict = simulators::judge::answer(ours.as_bytes()).unwrap();
    let judgement = instance.answer(question, 200, verdict.as_bytes()).unwrap();
    let scores = judgement.verdict.unwrap().scores;
    let names: Vec<_> = scores.iter().map(|score| score.criterion.as_str()).collect();
    assert_eq!(names, ["relevance", "completeness"], "there is no context");
    assert_eq!((judgement.input_tokens, judgement.output_tokens), (Some(400), Some(60)));
}

#[test]
fn the_example_says_what_its_comment_promises() {
    let file = component::build().unwrap();
    let said = gateway::meter(file.to_str().unwrap()).unwrap();
    let promised = include_str!("../../examples/gateway.rs");
    assert!(promised.contains(&format!("//! prints `{said}`.")), "{said}");
}
