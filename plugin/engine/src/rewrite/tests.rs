use super::*;
use crate::config::Place;

const BODY: &[u8] = br#"{"stream":true}"#;
const EDITED: &[u8] = br#"{"stream":true,"stream_options":{"include_usage":true}}"#;
const STREAM: &[u8] = b"data: {\"choices\":[{}]}\n\ndata: {\"choices\":[],\"usage\":{}}\n\ndata: [DONE]\n\n";
const FILTERED: &[u8] = b"data: {\"choices\":[{}]}\n\ndata: [DONE]\n\n";

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
fn rewrite_begins_only_for_requests_that_may_need_it() {
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
fn a_held_request_is_edited_at_its_end() {
    let mut rewrite = begin(&[("content-length", "15"), ("accept-encoding", "gzip, br")]).unwrap();
    assert!(rewrite.needs_identity_encoding());
    let (first, second) = BODY.split_at(7);
    assert_eq!(rewrite.request_body(first, false), None);
    assert_eq!(rewrite.request_body(second, false), None);
    let edit = rewrite.request_body(b"", true).unwrap();
    assert_eq!(edit.apply(BODY).unwrap(), EDITED);
    assert_eq!(rewrite.length_after(&edit), EDITED.len());
    for identity in ["", "identity", "Identity"] {
        assert!(!begin(&[("accept-encoding", identity)]).unwrap().needs_identity_encoding());
    }
}

#[test]
fn a_second_attempt_announces_the_length_of_its_own_body() {
    let mut rewrite = begin(&[("content-length", &EDITED.len().to_string())]).unwrap();
    let edit = rewrite.request_body(BODY, true).unwrap();
    assert_eq!(rewrite.length_after(&edit), EDITED.len());
    assert_eq!(rewrite.corrected_length(), Some(BODY.len()));
    let mut rewrite = begin(&[("content-length", &BODY.len().to_string())]).unwrap();
    rewrite.request_body(BODY, true).unwrap();
    assert_eq!(rewrite.corrected_length(), None);
}

#[test]
fn a_passing_request_is_edited_in_one_piece() {
    for cut in 0..BODY.len() {
        let mut rewrite = begin(&[]).unwrap();
        let mut upstream = Vec::new();
        let (first, second) = BODY.split_at(cut);
        for (piece, end) in [(first, false), (second, false), (b"\n".as_slice(), true)] {
            match rewrite.request_body(piece, end) {
                Some(edit) => {
                    upstream.extend(edit.apply(piece).unwrap());
                    rewrite.confirm_edit();
                }
                None => upstream.extend(piece),
            }
        }
        assert_eq!(upstream, [EDITED, b"\n"].concat());
    }
}

#[test]
fn a_request_whose_edit_is_in_a_passed_piece_stays_unchanged() {
    let mut rewrite = begin(&[]).unwrap();
    assert_eq!(rewrite.request_body(br#"{"stream_options":{"include_usage":fal"#, false), None);
    assert_eq!(rewrite.request_body(br#"se},"stream":true}"#, true), None);
    let (_, client) = respond(&mut rewrite, &[(":status", "200"), ("content-type", "text/event-stream")]);
    assert_eq!(client, STREAM);
}

#[test]
fn usage_chunks_are_removed_only_after_an_edit() {
    let edited = || {
        let mut rewrite = begin(&[]).unwrap();
        rewrite.request_body(BODY, true).unwrap();
        rewrite.confirm_edit();
        rewrite
    };
    let (ok, sse) = ((":status", "200"), ("content-type", "text/event-stream; charset=utf-8"));
    assert_eq!(respond(&mut edited(), &[ok, sse]), (false, FILTERED.to_vec()));
    assert_eq!(respond(&mut edited(), &[ok]), (false, FILTERED.to_vec()));
    assert_eq!(respond(&mut edited(), &[ok, sse, ("content-length", "9")]), (true, FILTERED.to_vec()));
    for fields in [
        &[ok, ("content-length", "9")][..],
        &[ok, sse, ("content-encoding", "gzip")],
        &[(":status", "400"), sse],
    ] {
        assert_eq!(respond(&mut edited(), fields), (false, STREAM.to_vec()), "{fields:?}");
    }
    assert_eq!(respond(&mut begin(&[]).unwrap(), &[ok, sse]), (false, STREAM.to_vec()));
}

#[test]
fn a_resent_request_is_not_edited_again_and_its_response_is_filtered() {
    let mut rewrite = Rewrite::of_resent_request(&Policy::parse(b"{}").unwrap());
    assert!(rewrite.is_edited() && !rewrite.holds_request() && !rewrite.needs_identity_encoding());
    assert_eq!(rewrite.request_body(EDITED, true), None);
    assert_eq!(respond(&mut rewrite, &[(":status", "200")]).1, FILTERED);
    assert!(!begin(&[]).unwrap().is_edited());
}
