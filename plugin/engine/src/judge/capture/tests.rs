use std::rc::Rc;

use super::*;
use crate::config::{Place, Policy};
use crate::exchange::End;
use crate::exchange::Exchange;
use crate::head::Headers;

/// One exchange, and its captured texts, whole and cut into pieces.
struct Case {
    path: &'static str,
    request: &'static str,
    response: &'static str,
}

const ALL_SOURCES: &str = r#"{"judge":{"cluster":"judge","model":"j","sample_rate":1,"max_chars":200,
    "context":["system","tool_results","documents",{"tag":"context"},{"header":"x-rag"},{"pointer":"/metadata/facts"}]}}"#;

fn decision_with(policy: &str, case: &Case, cut: usize, header: &str) -> Option<JudgeDecision> {
    let policy = Rc::new(Policy::parse(policy.as_bytes()).unwrap());
    let head = [
        (&b":method"[..], &b"POST"[..]),
        (b":path", case.path.as_bytes()),
        (b":authority", b"h"),
        (b"x-rag", header.as_bytes()),
    ];
    let head = Headers::new(head.into_iter().filter(|(_, value)| !value.is_empty()));
    let mut exchange = Exchange::begin(&policy, &head, &Place::default(), [7; 24], 0).unwrap();
    case.request.as_bytes().chunks(cut).for_each(|piece| exchange.request_body(piece));
    exchange.request_end();
    let is_stream = case.response.starts_with("data:") || case.response.starts_with("event:");
    let content_type = if is_stream { &b"text/event-stream"[..] } else { b"application/json" };
    exchange.response_head(&Headers::new([(&b":status"[..], &b"200"[..]), (b"content-type", content_type)]));
    case.response.as_bytes().chunks(cut).for_each(|piece| exchange.response_body(piece, 1));
    exchange.response_end();
    exchange.finish(&End { code: Some(200), ..End::default() }, 2).judged
}

#[track_caller]
fn check(path: &'static str, request: &'static str, response: &'static str, expected: [&str; 3]) {
    let case = Case { path, request, response };
    let [question, context, answer] = expected.map(str::to_owned);
    let expected = Some(JudgeDecision::Input(JudgeInput { question, context, answer }));
    for cut in [1, 2, 3, 7, 64, 100_000] {
        assert_eq!(decision_with(ALL_SOURCES, &case, cut, ""), expected, "cut {cut}");
    }
}

#[track_caller]
fn check_nothing(path: &'static str, request: &'static str, response: &'static str) {
    for cut in [1, 100_000] {
        let case = Case { path, request, response };
        assert_eq!(decision_with(ALL_SOURCES, &case, cut, ""), Some(JudgeDecision::Nothing), "cut {cut}");
    }
}

const CHAT: &str = "/v1/chat/completions";
const REQUEST: &str = r#"{"model":"m","messages":[{"role":"user","content":"Why?"}]}"#;
const RESPONSE: &str = r#"{"choices":[{"index":0,"message":{"content":"So."},"finish_reason":"stop"}]}"#;

#[test]
fn openai_chat_is_captured() {
    check(CHAT, REQUEST, RESPONSE, ["Why?", "", "So."]);
    check(
        CHAT,
        r#"{"messages":[{"role":"system","content":"S"},{"content":[{"type":"text","text":"old"}],"role":"user"},
            {"role":"assistant","content":"no","tool_calls":[{"function":{"arguments":"{}"}}]},
            {"content":"21 \u00b0C","role":"tool"},{"role":"user","content":[{"type":"text","text":"a"},
            {"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"\"b\"\n"}]}],"model":"m"}"#,
        r#"{"choices":[{"message":{"reasoning_content":"hm","content":"x\u00e9"},"finish_reason":"stop","index":0},
            {"message":{"content":"other"},"finish_reason":"stop","index":1}]}"#,
        ["a\n\"b\"\n", "S\n21 °C", "xé"],
    );
    // The second choice is sent first, and its number comes after its text.
    check(
        CHAT,
        REQUEST,
        "data: {\"choices\":[{\"delta\":{\"content\":\"So\"},\"index\":1}]}\n\n\
         data: {\"choices\":[{\"delta\":{\"content\":\"No\"},\"index\":0},{\"delta\":{\"content\":\" it\"},\"index\":1}]}\n\n\
         data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"x\"},\"index\":1},{\"delta\":{\"content\":\".\"},\"index\":1,\"finish_reason\":\"stop\"}]}\n\n\
         data: {\"choices\":[{\"delta\":{},\"index\":0,\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        ["Why?", "", "So it."],
    );
}

#[test]
fn an_exchange_without_a_complete_answer_in_words_cannot_be_judged() {
    let unary = |message: &str, finish: &str| -> &'static str {
        format!(r#"{{"choices":[{{"index":0,"message":{message},"finish_reason":"{finish}"}}]}}"#).leak()
    };
    check_nothing(CHAT, REQUEST, unary(r#"{"content":null,"refusal":"I cannot."}"#, "stop"));
    check_nothing(CHAT, REQUEST, unary(r#"{"content":"Half an","refusal":null}"#, "length"));
    check_nothing(
        CHAT,
        REQUEST,
        unary(r#"{"content":"Wait","tool_calls":[{"function":{"arguments":"{}"}}]}"#, "tool_calls"),
    );
    check_nothing(CHAT, REQUEST, unary(r#"{"content":" \n"}"#, "stop"));
    check_nothing(CHAT, REQUEST, unary(r#"{"content":"x"}"#, "content_filter"));
    check_nothing(CHAT, r#"{"messages":[{"role":"assistant","content":"x"}]}"#, RESPONSE);
    check_nothing(CHAT, "nothing", RESPONSE);
    check_nothing(CHAT, REQUEST, r#"{"error":{"message":"no"}}"#);
    let cut_off = "data: {\"choices\":[{\"delta\":{\"content\":\"So\"},\"index\":0}]}\n\n";
    check_nothing(CHAT, REQUEST, cut_off);
}

#[test]
fn context_is_read_from_the_configured_sources() {
    check(
        CHAT,
        r#"{"metadata":{"facts":["F",{"n":2}],"else":"no"},"messages":[{"role":"user",
            "content":"<context> C1 </context>Why<context>C2</context>?<context>"}]}"#,
        RESPONSE,
        ["Why?<context>", "F\n2\nC1\nC2", "So."],
    );
    let case = Case { path: CHAT, request: REQUEST, response: RESPONSE };
    let Some(JudgeDecision::Input(input)) = decision_with(ALL_SOURCES, &case, 9, "H") else {
        panic!("expected the texts of a judge");
    };
    assert_eq!(input.context, "H");
    let plain = r#"{"judge":{"cluster":"judge","model":"j","sample_rate":1,"context":["tool_results"]}}"#;
    let request =
        r#"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"Q"}],"documents":["D"]}"#;
    let case = Case { path: CHAT, request, response: RESPONSE };
    let Some(JudgeDecision::Input(input)) = decision_with(plain, &case, 9, "H") else {
        panic!("expected the texts of a judge");
    };
    assert_eq!((input.question.as_str(), input.context.as_str()), ("Q", ""));
}

#[test]
fn texts_over_the_bound_are_dropped_and_not_truncated() {
    let request = |chars: usize| -> &'static str {
        format!(r#"{{"messages":[{{"role":"user","content":"{}"}}]}}"#, "é".repeat(chars)).leak()
    };
    let decision = |request, response| {
        let decision = [1, 100_000]
            .map(|cut| decision_with(ALL_SOURCES, &Case { path: CHAT, request, response }, cut, ""));
        assert_eq!(decision[0], decision[1]);
        matches!(decision[0], Some(JudgeDecision::TooLarge))
    };
    // `So.` and 197 characters make 200.
    assert!(!decision(request(197), RESPONSE));
    assert!(decision(request(198), RESPONSE));
    assert!(decision(request(201), RESPONSE));
    let answer = format!(
        r#"{{"choices":[{{"index":0,"message":{{"content":"{}"}},"finish_reason":"stop"}}]}}"#,
        "x".repeat(201)
    );
    assert!(decision(REQUEST, answer.leak()));
    // Earlier turns are not captured, however long they are.
    let history = format!(
        r#"{{"messages":[{{"role":"user","content":"{0}"}},{{"content":"{0}","role":"assistant"}},{{"role":"user","content":"Q"}}]}}"#,
        "x".repeat(500)
    );
    assert!(!decision(history.leak(), RESPONSE));
}

#[test]
fn context_over_the_bound_makes_the_exchange_too_large() {
    // Each text fits, but all of them together do not. Without its context the answer would be judged by another
    // standard.
    let request = |tool: usize, tagged: usize| -> &'static str {
        format!(
            r#"{{"messages":[{{"role":"tool","content":"{}"}},{{"role":"user","content":"Why?<context>{}</context>"}}]}}"#,
            "t".repeat(tool),
            "c".repeat(tagged)
        )
        .leak()
    };
    let decision =
        |request| decision_with(ALL_SOURCES, &Case { path: CHAT, request, response: RESPONSE }, 9, "");
    // `Why?`, `So.` and the line end between them make 8.
    assert!(matches!(decision(request(100, 92)), Some(JudgeDecision::Input(_))));
    assert_eq!(decision(request(100, 93)), Some(JudgeDecision::TooLarge));
    assert_eq!(decision(request(150, 151)), Some(JudgeDecision::TooLarge));
}

#[test]
fn unusual_texts_are_captured_unchanged() {
    check(
        CHAT,
        r#"{"messages":[{"role":"user","content":"a\ud800b\udc00\u0000\u202e"}]}"#,
        r#"{"choices":[{"index":0,"message":{"content":"\ud83d\ude00\ud83d"},"finish_reason":"stop"}]}"#,
        ["a\u{FFFD}b\u{FFFD}\0\u{202E}", "", "\u{1F600}\u{FFFD}"],
    );
}

#[test]
fn context_of_a_wildcard_pointer_is_bounded() {
    let policy = r#"{"judge":{"cluster":"judge","model":"j","sample_rate":1,"max_chars":200,"context":[{"pointer":"/facts/*/text"}]}}"#;
    let request = |facts: usize| -> &'static str {
        let facts = vec![r#"{"text":"f","more":[1]}"#; facts].join(",");
        format!(r#"{{"facts":[{facts}],"messages":[{{"role":"user","content":"Why?"}}]}}"#).leak()
    };
    let decision =
        |request, cut| decision_with(policy, &Case { path: CHAT, request, response: RESPONSE }, cut, "");
    for cut in [1, 100_000] {
        // One letter and one line end each.
        let Some(JudgeDecision::Input(input)) = decision(request(97), cut) else {
            panic!("expected the texts of a judge");
        };
        assert_eq!(input.context, vec!["f"; 97].join("\n"));
        assert_eq!(decision(request(98), cut), Some(JudgeDecision::TooLarge));
        assert_eq!(decision(request(50_000), cut), Some(JudgeDecision::TooLarge));
    }
}

#[test]
fn exchanges_that_are_not_sampled_keep_no_text() {
    let case = Case { path: CHAT, request: REQUEST, response: RESPONSE };
    let never = r#"{"judge":{"cluster":"judge","model":"j","sample_rate":0}}"#;
    assert_eq!(decision_with(never, &case, 9, ""), None);
    assert_eq!(decision_with("{}", &case, 9, ""), None);
    let vectors = Case { path: "/v1/embeddings", request: r#"{"input":"Q"}"#, response: r#"{"data":[]}"# };
    assert_eq!(decision_with(ALL_SOURCES, &vectors, 9, ""), None);
}
