//! The times of the first token and the first answer of a stream. The paths that hold them are tested in each
//! format's cases (`first_token_event` and `first_answer_event` in `expected`).

use std::rc::Rc;

use crate::config::{Place, Policy};
use crate::exchange::End;
use crate::exchange::Exchange;
use crate::head::Headers;
use crate::record::Times;

const CHAT: &str = "/v1/chat/completions";

#[test]
fn visible_text_sets_first_token_and_first_answer_and_empty_text_neither() {
    let visible = times(CHAT, r#"{"choices":[{"delta":{"content":"The"}}]}"#);
    assert_eq!((visible.first_token_ms, visible.first_answer_ms), (Some(7), Some(7)));
    let empty = times(CHAT, r#"{"choices":[{"delta":{"content":"","reasoning":""}}]}"#);
    assert_eq!((empty.first_token_ms, empty.first_answer_ms), (None, None));
}

/// Returns the times of a stream with this one event, which arrives after 7 ms.
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
