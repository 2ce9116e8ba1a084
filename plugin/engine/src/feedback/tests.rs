#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;
use crate::config::Policy;
use crate::ids::{Ids, SigningKey};

const SECRET: &str = "a secret for the tests";
const IDS: Ids = Ids { trace: [0x0A; 16], span: [0xB7; 8], parent: None };
const NOW_S: u64 = 1_764_000_000;

fn memory() -> MemoryBudget {
    MemoryBudget::new(1 << 20)
}

fn plan(keys: &str) -> Rc<FeedbackPlan> {
    let document = format!(r#"{{"feedback":{{"secret":"{SECRET}"{keys}}}}}"#);
    Rc::clone(Policy::parse(document.as_bytes()).unwrap().feedback().unwrap())
}

fn id_of(secret: &str, issued_s: u64) -> String {
    IDS.request_id(u32::try_from(issued_s).unwrap(), "gpt-4o", Some(&SigningKey::new(secret.as_bytes())))
}

fn head<'a>(method: &'a str, more: &[(&'a str, &'a str)]) -> Headers<'a> {
    let fields = [(":method", method), (":path", "/feedback")].into_iter().chain(more.iter().copied());
    Headers::new(fields.map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

fn post(plan: &Rc<FeedbackPlan>, body: &[u8]) -> (FeedbackReply, Option<AcceptedFeedback>) {
    let mut request = Request::begin(plan, &head("POST", &[]), false, &memory()).unwrap();
    match request.body(body) {
        Some(reply) => (reply, None),
        None => request.end(NOW_S, |_| Ok(())),
    }
}

/// Asserts the reply to a body, in which `ID` is replaced by a valid id.
#[track_caller]
fn check(body: &str, status: u32, expected: &str) {
    let (reply, feedback) = post(&plan(""), body.replace("ID", &id_of(SECRET, NOW_S)).as_bytes());
    assert_eq!((reply.status, reply.body.as_str()), (status, expected), "{body}");
    assert_eq!(feedback.is_some(), status == 202);
    assert_eq!(reply.headers, [("content-type", "application/json".to_owned())]);
}

const ACCEPTED: &str = r#"{"status":"accepted"}"#;

#[test]
fn feedback_is_accepted() {
    for rating in [r#""up""#, r#""down""#, "1", "2", "3", "4", "5"] {
        check(&format!(r#"{{"request_id":"ID","rating":{rating}}}"#), 202, ACCEPTED);
    }
    check(r#" {"comment":"\u00e4","rating":"up","request_id":"ID"} "#, 202, ACCEPTED);
    check(r#"{"comment":null,"rating":"up","request_id":"ID"}"#, 202, ACCEPTED);
    let id = id_of(SECRET, NOW_S);
    let (_, feedback) =
        post(&plan(""), format!(r#"{{"request_id":"{id}","rating":4,"comment":"Gut."}}"#).as_bytes());
    let expected = AcceptedFeedback {
        request_id: id,
        ids: IDS,
        model: "gpt-4o".to_owned(),
        rating: Rating::Points(4),
        comment: Some("Gut.".to_owned()),
    };
    assert_eq!(feedback, Some(expected));
}

#[test]
fn the_reply_names_the_faulty_field() {
    let rating = r#"{"error":"rating: expected \"up\", \"down\" or a whole number from 1 to 5"}"#;
    for wrong in
        ["0", "6", "11", "-1", "1.5", "5.0", "1e0", "true", "null", r#""UP""#, r#""5""#, r#""""#, "[1]", "{}"]
    {
        check(&format!(r#"{{"request_id":"ID","rating":{wrong}}}"#), 400, rating);
    }
    check(r#"{"request_id":"ID"}"#, 400, rating);
    let no_id = r#"{"error":"request_id: expected a string"}"#;
    check(r#"{"rating":"up"}"#, 400, no_id);
    check(r#"{"request_id":7,"rating":"up"}"#, 400, no_id);
    let no_form = r#"{"error":"request_id: expected the value of the response header x-llm-request-id"}"#;
    for id in ["", "x", "chatcmpl-123", "ID-00", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"] {
        check(&format!(r#"{{"request_id":"{id}","rating":"up"}}"#), 400, no_form);
    }
    check(
        r#"{"request_id":"ID","rating":"up","comment":1}"#,
        400,
        r#"{"error":"comment: expected a string"}"#,
    );
    let unknown = r#"{"error":"coment: unknown field, expected `request_id`, `rating` or `comment`"}"#;
    check(r#"{"request_id":"ID","rating":"up","coment":"x"}"#, 400, unknown);
    for no_object in ["[]", "7", r#""up""#, "null"] {
        check(no_object, 400, r#"{"error":"body: expected a JSON object"}"#);
    }
    check("{", 400, r#"{"error":"body: EOF while parsing an object at line 1 column 1"}"#);
    check("{} {}", 400, r#"{"error":"body: trailing characters at line 1 column 4"}"#);
    let twice = r#"{"error":"body: duplicate field `rating` at line 1 column 29"}"#;
    check(r#"{"rating":"up","rating":"up"}"#, 400, twice);
    let deep = r#"{"error":"body: recursion limit exceeded at line 1 column 128"}"#;
    check(&"[".repeat(16_384), 400, deep);
    check(&format!("{}1", r#"{"a":"#.repeat(3000)), 400, &deep.replace("128", "636"));
}

#[test]
fn texts_of_the_client_are_escaped_and_truncated() {
    let (reply, _) = post(&plan(""), br#"{"\"\n\u0001</script>":1}"#);
    let expected: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(
        expected["error"],
        "\"\n\u{1}</script>: unknown field, expected `request_id`, `rating` or `comment`"
    );
    let (reply, _) = post(&plan(""), format!(r#"{{"{}":1}}"#, "é".repeat(5000)).as_bytes());
    assert_eq!(reply.body, format!(r#"{{"error":"{}"}}"#, "é".repeat(100)));
    let (reply, _) = post(&plan(""), b"{\"request_id\":\"\xFF\"}");
    assert_eq!((reply.status, reply.body.contains("invalid unicode code point")), (400, true));
}

#[test]
fn only_recent_signed_ids_are_accepted() {
    let refused = |keys: &str, id: &str| {
        let (reply, feedback) =
            post(&plan(keys), format!(r#"{{"request_id":"{id}","rating":"up"}}"#).as_bytes());
        assert!(feedback.is_none() || reply.status == 202);
        (reply.status, reply.body)
    };
    let wrong = (401, r#"{"error":"request_id: the signature is wrong"}"#.to_owned());
    let good = id_of(SECRET, NOW_S);
    assert_eq!(refused("", &id_of("the secret of another", NOW_S)), wrong);
    assert_eq!(refused("", good.rsplit_once('-').unwrap().0), wrong, "unsigned");
    assert_eq!(refused("", &good.replace("-b7", "-b6")), wrong);
    let old = |hours: u64| (400, format!(r#"{{"error":"request_id: older than {hours} hours"}}"#));
    assert_eq!(refused("", &id_of(SECRET, NOW_S - 720 * 3600)).0, 202);
    assert_eq!(refused("", &id_of(SECRET, NOW_S - 720 * 3600 - 1)), old(720));
    assert_eq!(refused(r#","max_age_hours":1"#, &id_of(SECRET, NOW_S - 3601)), old(1));
    assert_eq!(refused("", &id_of(SECRET, 0)), old(720), "the id was issued with no response");
    assert_eq!(refused("", &id_of(SECRET, NOW_S + 3600)).0, 202);
}

#[test]
fn requests_are_refused_by_method_and_length_at_their_head() {
    let plan = plan("");
    let answer = |method, more: &[(&str, &str)], is_all| {
        Request::begin(&plan, &head(method, more), is_all, &memory()).err()
    };
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", ""] {
        let reply = answer(method, &[("origin", "https://app.example")], false).unwrap();
        assert_eq!((reply.status, reply.body.as_str()), (405, r#"{"error":"method: expected POST"}"#));
        let fields = [("content-type", "application/json".to_owned()), ("allow", "POST".to_owned())];
        assert_eq!(reply.headers, fields);
    }
    let reply = answer("HEAD", &[], true).unwrap();
    assert_eq!(
        reply,
        FeedbackReply { status: 405, headers: vec![("allow", "POST".to_owned())], body: String::new() }
    );
    let reply = answer("POST", &[("content-length", "16385")], false).unwrap();
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (413, r#"{"error":"body: expected at most 16384 bytes"}"#)
    );
    assert_eq!(answer("POST", &[("content-length", "16384")], false), None);
    assert_eq!(answer("POST", &[("content-length", "many")], false), None);
    let reply = answer("POST", &[], true).unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (400, r#"{"error":"body: expected a JSON object"}"#));
}

#[test]
fn the_body_is_bounded_over_all_pieces() {
    let plan = plan(r#","max_bytes":10"#);
    let mut request = Request::begin(&plan, &head("POST", &[]), false, &memory()).unwrap();
    assert_eq!(request.body(b"12345678"), None);
    assert_eq!(request.body(b"90"), None);
    assert_eq!(request.body(b"1").map(|reply| reply.status), Some(413));
}

#[test]
fn the_rate_is_checked_after_everything_else() {
    let plan = plan(r#","per_minute":7"#);
    let ask = |body: &str, taken: &mut u32| {
        let mut request = Request::begin(&plan, &head("POST", &[]), false, &memory()).unwrap();
        request.body(body.as_bytes());
        let (reply, feedback) = request.end(NOW_S, |per_minute| {
            assert_eq!(per_minute, 7);
            *taken += 1;
            Err(12)
        });
        assert_eq!(feedback, None);
        reply
    };
    let mut taken = 0;
    let good = format!(r#"{{"request_id":"{}","rating":"up"}}"#, id_of(SECRET, NOW_S));
    let reply = ask(&good, &mut taken);
    assert_eq!((reply.status, taken), (429, 1));
    assert_eq!(reply.body, r#"{"error":"rate: too much feedback in this minute"}"#);
    assert!(reply.headers.contains(&("retry-after", "12".to_owned())));
    assert_eq!((ask("{}", &mut taken).status, taken), (400, 1), "a refused request does not count");
}

#[test]
fn pages_of_configured_origins_may_read_replies() {
    let plan = plan(r#","cors":{"origins":["https://app.example","https://*.Team.example"]}"#);
    let ask = |method, origin| {
        Request::begin(&plan, &head(method, &[("origin", origin)]), true, &memory()).unwrap_err()
    };
    for origin in ["https://app.example", "https://a.team.example"] {
        let owned = |fields: &[(&'static str, &str)]| {
            fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>()
        };
        let preflight = [
            ("vary", "origin"),
            ("access-control-allow-origin", origin),
            ("allow", "POST, OPTIONS"),
            ("access-control-allow-methods", "POST"),
            ("access-control-allow-headers", "content-type, x-llm-feedback"),
            ("access-control-max-age", "600"),
        ];
        let expected = FeedbackReply { status: 204, headers: owned(&preflight), body: String::new() };
        assert_eq!(ask("OPTIONS", origin), expected);
        let actual = [
            ("vary", "origin"),
            ("access-control-allow-origin", origin),
            ("content-type", "application/json"),
        ];
        assert_eq!((ask("POST", origin).status, ask("POST", origin).headers), (400, owned(&actual)));
        assert!(ask("GET", origin).headers.contains(&("allow", "POST, OPTIONS".to_owned())));
    }
    for origin in ["https://app.example.evil", "http://app.example", "https://team.example", "null", ""] {
        let reply = ask("OPTIONS", origin);
        assert_eq!((reply.status, reply.headers.len()), (204, 2), "{reply:?}");
        assert!(ask("POST", origin).headers.iter().all(|(name, _)| !name.starts_with("access-control")));
    }
}

proptest! {
    /// Any bytes get one of the replies, and it is JSON.
    #[test]
    fn every_body_gets_a_reply(bytes: Vec<u8>) {
        let (reply, feedback) = post(&plan(""), &bytes);
        prop_assert_eq!((reply.status, feedback), (400, None));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&reply.body).unwrap()["error"].is_string());
    }

    /// Valid feedback with a few other bytes.
    #[test]
    fn damaged_feedback_gets_a_reply(changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..4)) {
        let id = id_of(SECRET, NOW_S);
        let mut body = format!(r#"{{"request_id":"{id}","rating":4,"comment":"\u00e4\n"}}"#).into_bytes();
        for (at, byte) in changes {
            let at = at % body.len();
            body[at] = byte;
        }
        let (reply, feedback) = post(&plan(""), &body);
        prop_assert!(matches!(reply.status, 202 | 400 | 401), "{}", reply.status);
        prop_assert_eq!(feedback.is_some(), reply.status == 202);
        prop_assert!(feedback.is_none_or(|feedback| feedback.request_id == id), "no other id is accepted");
        prop_assert!(serde_json::from_str::<serde_json::Value>(&reply.body).is_ok());
    }
}
