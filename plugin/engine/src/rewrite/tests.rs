use super::*;
use crate::config::Place;

const BODY: &[u8] = br#"{"stream":true}"#;
const ASKED: &[u8] = br#"{"stream":true,"stream_options":{"include_usage":true}}"#;
const STREAM: &[u8] = b"data: {\"choices\":[{}]}\n\ndata: {\"choices\":[],\"usage\":{}}\n\ndata: [DONE]\n\n";
const HIDDEN: &[u8] = b"data: {\"choices\":[{}]}\n\ndata: [DONE]\n\n";

fn begin_with(configuration: &[u8], fields: &[(&str, &str)]) -> Option<Rewrite> {
    let policy = Policy::parse(configuration).unwrap();
    let base = [
        (":method", "POST"),
        (":path", "/v1/chat/completions"),
        (":authority", "h.example"),
        ("content-type", "application/json"),
    ];
    let base = base.into_iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    let fields: Vec<_> = base.chain(fields.iter().copied()).filter(|(_, value)| !value.is_empty()).collect();
    let head = Headers::new(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let route = policy.route(&head, &Place::default())?;
    Rewrite::begin(&policy, route.format, &route.provider, &head)
}

fn begin(fields: &[(&str, &str)]) -> Option<Rewrite> {
    begin_with(br#"{"streaming":{"usage":"request"},"limits":{"request_bytes":100}}"#, fields)
}

fn respond(rewrite: &mut Rewrite, fields: &[(&str, &str)]) -> (bool, Vec<u8>) {
    let head = Headers::new(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let removes_length = rewrite.response_head(&head);
    (removes_length, rewrite.response_body(STREAM, true).unwrap_or_else(|| STREAM.to_vec()))
}

#[test]
fn only_what_may_need_it_is_rewritten() {
    let length = ("content-length", "15");
    assert!(begin(&[length]).unwrap().holds_request());
    assert!(!begin(&[]).unwrap().holds_request());
    assert!(begin(&[(":path", "/v1/completions"), length]).is_some());
    assert!(begin(&[("content-type", "Application/JSON; charset=utf-8"), length]).is_some());
    assert!(begin(&[("content-length", "100")]).is_some());
    for field in [
        ("content-length", "101"),
        ("content-length", "0"),
        ("content-length", "many"),
        ("content-type", "text/plain"),
        ("content-type", ""),
        ("content-encoding", "gzip"),
        ("expect", "100-continue"),
        (":path", "/v1/responses"),
        (":path", "/v1/messages"),
        (":path", "/v1/embeddings"),
        (":authority", "api.mistral.ai"),
        ("x-llm-gauge", "internal"),
    ] {
        assert!(begin(&[field]).is_none(), "{field:?}");
    }
    for (version, expected) in
        [("2024-06-01", false), ("2024-09-01-preview", true), ("2025-01-01", true), ("preview", true)]
    {
        let path = format!("/openai/deployments/d/chat/completions?a=b&api-version={version}");
        assert_eq!(begin(&[(":path", &path)]).is_some(), expected, "{version}");
    }
    for configuration in [&b"{}"[..], br#"{"streaming":{"usage":"observe"}}"#] {
        assert!(begin_with(configuration, &[length]).is_none());
    }
}

#[test]
fn a_held_request_changes_at_its_end_only() {
    let mut rewrite = begin(&[("content-length", "15"), ("accept-encoding", "gzip, br")]).unwrap();
    assert!(rewrite.refuses_encodings());
    let (first, second) = BODY.split_at(7);
    assert_eq!(rewrite.request_body(first, false), None);
    assert_eq!(rewrite.request_body(second, false), None);
    let edit = rewrite.request_body(b"", true).unwrap();
    assert_eq!(edit.apply(BODY).unwrap(), ASKED);
    assert_eq!(rewrite.length_after(&edit), ASKED.len());
    for identity in ["", "identity", "Identity"] {
        assert!(!begin(&[("accept-encoding", identity)]).unwrap().refuses_encodings());
    }
}

#[test]
fn a_head_that_told_another_length_is_left_alone() {
    let mut rewrite = begin(&[("content-length", "16")]).unwrap();
    assert_eq!(rewrite.request_body(BODY, true), None);
}

#[test]
fn a_passing_request_changes_in_one_piece() {
    for cut in 0..BODY.len() {
        let mut rewrite = begin(&[]).unwrap();
        let mut upstream = Vec::new();
        let (first, second) = BODY.split_at(cut);
        for (piece, end) in [(first, false), (second, false), (b"\n".as_slice(), true)] {
            match rewrite.request_body(piece, end) {
                Some(edit) => {
                    upstream.extend(edit.apply(piece).unwrap());
                    rewrite.asked();
                }
                None => upstream.extend(piece),
            }
        }
        assert_eq!(upstream, [ASKED, b"\n"].concat());
    }
}

#[test]
fn what_has_passed_stays() {
    let mut rewrite = begin(&[]).unwrap();
    assert_eq!(rewrite.request_body(br#"{"stream_options":{"include_usage":fal"#, false), None);
    assert_eq!(rewrite.request_body(br#"se},"stream":true}"#, true), None);
    let (_, client) = respond(&mut rewrite, &[(":status", "200"), ("content-type", "text/event-stream")]);
    assert_eq!(client, STREAM);
}

#[test]
fn hidden_is_what_was_asked_for_here() {
    let asked = || {
        let mut rewrite = begin(&[]).unwrap();
        rewrite.request_body(BODY, true).unwrap();
        rewrite.asked();
        rewrite
    };
    let (ok, sse) = ((":status", "200"), ("content-type", "text/event-stream; charset=utf-8"));
    assert_eq!(respond(&mut asked(), &[ok, sse]), (false, HIDDEN.to_vec()));
    assert_eq!(respond(&mut asked(), &[ok]), (false, HIDDEN.to_vec()));
    assert_eq!(respond(&mut asked(), &[ok, sse, ("content-length", "9")]), (true, HIDDEN.to_vec()));
    for fields in [
        &[ok, ("content-length", "9")][..],
        &[ok, sse, ("content-encoding", "gzip")],
        &[(":status", "400"), sse],
    ] {
        assert_eq!(respond(&mut asked(), fields), (false, STREAM.to_vec()), "{fields:?}");
    }
    assert_eq!(respond(&mut begin(&[]).unwrap(), &[ok, sse]), (false, STREAM.to_vec()));
}

#[test]
fn what_was_asked_before_is_hidden_and_not_asked_again() {
    let mut rewrite = Rewrite::of_asked(&Policy::parse(b"{}").unwrap());
    assert!(rewrite.is_asked() && !rewrite.holds_request() && !rewrite.refuses_encodings());
    assert_eq!(rewrite.request_body(ASKED, true), None);
    assert_eq!(respond(&mut rewrite, &[(":status", "200")]).1, HIDDEN);
    assert!(!begin(&[]).unwrap().is_asked());
}
