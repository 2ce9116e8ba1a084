//! What of a stream is generated though nobody sees it. Cases cannot hold this: it is in no field of a record, only
//! in the time of the first token.

use std::rc::Rc;

use crate::config::{Place, Policy};
use crate::exchange::End;
use crate::exchange::Exchange;
use crate::head::Headers;
use crate::record::Times;

/// A path, and the document of one event that holds something generated and no visible text.
const GENERATED: &[(&str, &str)] = &[
    ("/v1/messages", r#"{"delta":{"type":"thinking_delta","thinking":"A river."}}"#),
    ("/v1/messages", r#"{"delta":{"type":"input_json_delta","partial_json":"{}"}}"#),
    ("/model/m/converse-stream", r#"{"delta":{"reasoningContent":{"text":"A river."}}}"#),
    ("/model/m/converse-stream", r#"{"delta":{"toolUse":{"input":"{}"}}}"#),
    (NOVA, r#"{"contentBlockDelta":{"delta":{"reasoningContent":{"text":"A river."}}}}"#),
    (NOVA, r#"{"contentBlockDelta":{"delta":{"toolUse":{"input":"{}"}}}}"#),
    (CHAT, r#"{"choices":[{"delta":{"content":[{"thinking":[{"text":"A river."}]}]}}]}"#),
    (CHAT, r#"{"choices":[{"delta":{"reasoning":"A river."}}]}"#),
    (CHAT, r#"{"choices":[{"delta":{"reasoning_content":"A river."}}]}"#),
    (CHAT, r#"{"choices":[{"delta":{"reasoning_details":[{"text":"A river."}]}}]}"#),
    (CHAT, r#"{"choices":[{"delta":{"refusal":"No."}}]}"#),
    (CHAT, r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{}"}}]}}]}"#),
    (CHAT, r#"{"choices":[{"delta":{"function_call":{"arguments":"{}"}}}]}"#),
    ("/v2/chat", r#"{"delta":{"message":{"content":{"thinking":"A river."}}}}"#),
    ("/v2/chat", r#"{"delta":{"message":{"tool_plan":"I look."}}}"#),
    ("/v2/chat", r#"{"delta":{"message":{"tool_calls":{"function":{"arguments":"{}"}}}}}"#),
    (GEMINI, r#"{"candidates":[{"content":{"parts":[{"text":"A river.","thought":true}]}}]}"#),
    (GEMINI, r#"{"candidates":[{"content":{"parts":[{"thought":true,"text":"A river."}]}}]}"#),
    (GEMINI, r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"depth"}}]}}]}"#),
    ("/v1beta/interactions", r#"{"event_type":"step.delta","delta":{"arguments":"{}"}}"#),
    ("/api/chat", r#"{"message":{"thinking":"A river."}}"#),
    ("/api/chat", r#"{"message":{"tool_calls":[{"function":{"name":"depth"}}]}}"#),
    ("/api/generate", r#"{"thinking":"A river."}"#),
    ("/v1/responses", r#"{"type":"response.reasoning_text.delta","delta":"A river."}"#),
];

const CHAT: &str = "/v1/chat/completions";
const GEMINI: &str = "/v1beta/models/m:streamGenerateContent";
const NOVA: &str = "/model/amazon.nova-lite-v1%3A0/invoke-with-response-stream";

#[test]
fn what_is_generated_and_not_seen() {
    for (path, document) in GENERATED {
        let times = times(path, document);
        assert_eq!((times.first_token_ms, times.first_answer_ms), (Some(7), None), "{path} {document}");
    }
}

#[test]
fn visible_text_is_both_and_an_empty_one_neither() {
    let seen = times(CHAT, r#"{"choices":[{"delta":{"content":"The"}}]}"#);
    assert_eq!((seen.first_token_ms, seen.first_answer_ms), (Some(7), Some(7)));
    let empty = times(CHAT, r#"{"choices":[{"delta":{"content":"","reasoning":""}}]}"#);
    assert_eq!((empty.first_token_ms, empty.first_answer_ms), (None, None));
}

/// The times of a stream with this one event, which comes after 7 ms.
fn times(path: &str, document: &str) -> Times {
    let policy = Rc::new(Policy::parse(b"{}").unwrap());
    let head =
        [(&b":method"[..], &b"POST"[..]), (b":path", path.as_bytes()), (b":authority", b"llm.internal")];
    let mut exchange = Exchange::begin(&policy, &Headers::new(head), &Place::default(), [7; 24], 0).unwrap();
    exchange.request_end();
    let head = [(&b":status"[..], &b"200"[..]), (b"content-type", b"text/event-stream")];
    exchange.response_head(&Headers::new(head));
    exchange.response_body(format!("data: {document}\n\n").as_bytes(), 7_000_000);
    exchange.response_end();
    exchange.finish(&End { code: Some(200), ..End::default() }, 9_000_000).times
}
