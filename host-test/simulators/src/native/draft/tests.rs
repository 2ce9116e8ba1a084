use super::*;
use crate::native::expectations::{Engine, PreparedCase};

const ANSWER: &[u8] = br#"{"id":"c_1","message":{"role":"assistant","content":[{"type":"text","text":"The Elbe."}]},"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":263,"output_tokens":269}}}"#;

fn draft(body: ResponseBody) -> Draft {
    let format = formats::named("cohere_v2_chat").unwrap();
    Draft {
        format,
        name: "unary".to_owned(),
        about: "An answer.".to_owned(),
        host: example_host(format),
        path: example_path(format),
        request_body: Some(
            br#"{"model":"m-1","messages":[{"role":"user","content":"Name a river."}]}"#.to_vec(),
        ),
        status: 200,
        content_type: "application/json".to_owned(),
        response_body: body,
    }
}

#[test]
fn draft_writes_a_case_that_expects_what_the_engine_reads() {
    let folder = tempfile::tempdir().unwrap();
    let draft = draft(ResponseBody::Bytes(ANSWER.to_vec()));
    let path = draft.write(folder.path()).unwrap();
    assert_eq!(path, folder.path().join("cohere_v2_chat/unary.case.json"));
    let text = std::fs::read_to_string(&path).unwrap();
    let head = "{\n \"about\": \"An answer.\",\n \"request\": {\n  \"method\": \"POST\",\n  \"host\": \"api.cohere.com\",\n  \
                \"path\": \"/v2/chat\",\n";
    assert!(text.starts_with(head), "{text}");
    let case = Case::read(&path).unwrap();
    assert_eq!(case.response_body, ANSWER);
    let expected = |field: &str| case.expected[field].clone();
    assert_eq!((expected("input_tokens"), expected("output_tokens")), (json!(263), json!(269)));
    assert_eq!((expected("response_model"), expected("usage_present")), (Value::Null, json!(true)));
    let texts = json!({"question": "Name a river.", "context": "", "answer": "The Elbe."});
    assert_eq!(expected("judge_input"), texts);
    assert!(!case.expected.contains_key("first_token_event") && case.expected_metrics.is_empty());
    assert_eq!(PreparedCase::new(&case).unwrap().differences(&Engine::default()).unwrap(), []);

    let error = draft.write(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("unary.case.json: expected a new name, got that of a case"), "{error}");
}

#[test]
fn draft_of_a_stream_names_the_events_of_the_first_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let events = "data: {\"type\":\"message-start\",\"id\":\"c_2\"}\n\n\
                  data: {\"type\":\"content-delta\",\"delta\":{\"message\":{\"content\":{\"thinking\":\"Hm.\"}}}}\n\n\
                  data: {\"type\":\"content-delta\",\"delta\":{\"message\":{\"content\":{\"text\":\"The Elbe.\"}}}}\n\n";
    let body = ResponseBody::Bytes(events.as_bytes().to_vec());
    let draft = Draft { content_type: "text/event-stream".to_owned(), ..draft(body) };
    let case = Case::read(&draft.write(folder.path()).unwrap()).unwrap();
    let expected = |field: &str| case.expected[field].clone();
    assert_eq!((expected("first_token_event"), expected("first_answer_event")), (json!(2), json!(3)));
    assert_eq!((expected("complete"), expected("estimated_output_tokens")), (json!(false), json!(4)));
    // A stream that breaks off is nothing to judge.
    assert_eq!(expected("judge_input"), Value::Null);
}

#[test]
fn draft_keeps_readable_frames_and_refuses_the_request_of_another_format() {
    let folder = tempfile::tempdir().unwrap();
    let format = formats::named("bedrock_nova").unwrap();
    let frames = br#"[{"chunk": {"metadata": {"usage": {"inputTokens": 7, "outputTokens": 11}}}}]"#;
    let body = ResponseBody::Frames(frames.to_vec());
    let content_type = content_type_of(&body.bytes().unwrap()).to_owned();
    assert_eq!(content_type, "application/vnd.amazon.eventstream");
    let path = "/model/amazon.nova-lite-v1/invoke-with-response-stream".to_owned();
    let draft = Draft { format, path, content_type, ..draft(body) };
    let case = Case::read(&draft.write(folder.path()).unwrap()).unwrap();
    assert!(folder.path().join("bedrock_nova/unary.response.frames.json").is_file());
    assert_eq!(case.expected["input_tokens"], 7);

    let error = Draft { path: "/v2/chat".to_owned(), ..draft }.check_claim().unwrap_err().to_string();
    assert_eq!(
        error,
        "api.cohere.com/v2/chat: expected a request of bedrock_nova, got one of cohere_v2_chat"
    );
}

#[test]
fn examples_of_every_row_are_claimed_by_it() {
    for format in formats::ALL.iter().filter(|format| !format.claims.is_empty()) {
        let (host, path) = (example_host(format), example_path(format));
        let claimed = formats::claimed("POST", &host, &path).map(|row| row.name);
        assert_eq!(claimed, Some(format.name), "{host}{path}");
    }
}

#[test]
fn content_type_is_what_a_body_looks_like() {
    for (body, expected) in [
        (&b"{\"a\":1}"[..], "application/json"),
        (b"{\"a\":1}\n{\"a\":2}\n", "application/x-ndjson"),
        (b"{\n \"a\": 1", "application/json"),
        (b"[{\"a\":1}]", "application/json"),
        (b"event: x\ndata: {}\n\n", "text/event-stream"),
        (b": comment\n\n", "text/event-stream"),
        (b"\0\0\0\x1d", "application/vnd.amazon.eventstream"),
        (b"Bad Gateway", "text/plain"),
    ] {
        assert_eq!(content_type_of(body), expected);
    }
}
