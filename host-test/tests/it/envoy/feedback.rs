//! Feedback in a real Envoy with two workers: every reply over both protocols, exact counts, and no request to the
//! provider.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use llm_gauge_engine::ids::{Ids, SigningKey};
use serde_json::{Value, json};
use simulators::envoy::{Bootstrap, Stats, validate};
use simulators::load::{Answer, Client, End, Protocol, Request};
use simulators::provider::Provider;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::rig::{Rig, chat, run, shipped};

const SECRET: &str = "the secret of the tests";
const MODEL: &str = "rated";
const ACCEPTED: &str = r#"{"status":"accepted"}"#;

async fn bootstrap(changes: Value) -> (Provider, Bootstrap) {
    let provider = Provider::start().await.unwrap();
    let mut bootstrap: Bootstrap = shipped().await;
    for cluster in ["openai", "anthropic"] {
        bootstrap = bootstrap.upstream(cluster, provider.address(), Protocol::Http1).unwrap();
    }
    let mut all = json!({"secret": [SECRET, "an older one of the tests"], "per_minute": 1_000_000});
    for (key, value) in changes.as_object().unwrap() {
        all[key] = value.clone();
    }
    (provider, bootstrap.with_feedback(&all).unwrap())
}

async fn rig(changes: Value) -> Rig {
    let (provider, bootstrap) = bootstrap(changes).await;
    Rig::over(provider, bootstrap).await
}

fn id_of(secret: &str, age_s: u64) -> String {
    let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() - age_s;
    let key = SigningKey::new(secret.as_bytes());
    let ids = Ids { trace: [7; 16], span: [8; 8], parent: None };
    ids.request_id(u32::try_from(unix_s).unwrap(), MODEL, Some(&key))
}

async fn send(rig: &Rig, protocol: Protocol, request: Request) -> Answer {
    let answer = rig.send(protocol, request).await.finish().await;
    assert_eq!(answer.end, End::Complete);
    answer
}

/// Posts a body, in which `ID` is replaced by an id, and returns the status and the body of the reply.
async fn post(rig: &Rig, protocol: Protocol, body: &[u8]) -> (u16, String) {
    let answer = send(rig, protocol, Request::post_bytes("/feedback", body.to_vec())).await;
    assert_eq!(answer.header("content-type"), "application/json");
    (answer.status, String::from_utf8(answer.body).unwrap())
}

/// Waits until feedback and requests have these counts, and checks that the provider only received the chats.
async fn expect(rig: &Rig, chats: usize, ratings: &[(&str, usize)]) {
    let waited = rig.envoy.admin().until(|stats: &Stats| {
        let mut missing = Vec::new();
        let mut compare = |name: &str, labels: &[(&str, &str)], expected: usize| {
            let found = stats.sum(name, labels);
            if found != expected as f64 {
                missing.push(format!("{name} {labels:?}: expected {expected}, got {found}"));
            }
        };
        compare("llm_requests_total", &[], chats);
        compare("llm_active_requests", &[], 0);
        compare("llm_feedback_total", &[], ratings.iter().map(|(_, by)| by).sum());
        for (rating, by) in ratings {
            compare("llm_feedback_total", &[("model", MODEL), ("rating", rating)], *by);
        }
        missing
    });
    waited.await.unwrap_or_else(|error| panic!("{error:#}\n{}", rig.envoy.log().unwrap_or_default()));
    assert_eq!(rig.provider.ledger().entries().len(), chats);
}

#[test]
fn feedback_on_an_answer_is_counted() {
    run(async {
        let rig = rig(json!({})).await;
        let ratings = ["\"up\"", "\"down\"", "1", "2", "3", "4", "5"];
        for protocol in [Protocol::Http1, Protocol::Http2] {
            for stream in [true, false] {
                let answer = rig.ask(protocol, chat(MODEL, stream, "input=5; output=2")).await;
                let id = answer.header("x-llm-request-id");
                for rating in ratings {
                    let body = format!(r#"{{"request_id":"{id}","rating":{rating},"comment":"Gut."}}"#);
                    assert_eq!(post(&rig, protocol, body.as_bytes()).await, (202, ACCEPTED.to_owned()));
                }
            }
        }
        let counted: Vec<_> = ratings.iter().map(|rating| (rating.trim_matches('"'), 4)).collect();
        expect(&rig, 4, &counted).await;
    });
}

/// Returns bodies with the status and the beginning of the message of each reply.
fn refused() -> Vec<(Vec<u8>, u16, &'static str)> {
    let good = id_of(SECRET, 0);
    let of = |id: &str, rest: &str| format!(r#"{{"request_id":"{id}"{rest}}}"#).into_bytes();
    let up = r#","rating":"up""#;
    let mut cases = vec![
        (of(&id_of("the secret of another", 0), up), 401, "request_id: the signature"),
        (of(&good.replace("0707", "0706"), up), 401, "request_id: the signature"),
        (of(good.rsplit_once('-').unwrap().0, up), 401, "request_id: the signature"),
        (of(&id_of(SECRET, 721 * 3600), up), 400, "request_id: older than 720 hours"),
        (of("chatcmpl-123", up), 400, "request_id: expected the value of"),
        (of(&good, r#","rating":"up","rating":"up""#), 400, "body: duplicate field"),
        (of(&good, r#","rating":"up","note":1"#), 400, "note: unknown field"),
        (of(&good, r#","rating":"up","comment":[]"#), 400, "comment: expected"),
        (b"{\"request_id\":\"\xFF\xFE\"}".to_vec(), 400, "body: invalid unicode"),
        (b"rating=up".to_vec(), 400, "body: expected value"),
        (b"[".repeat(16_000), 400, "body: recursion limit"),
        (br#"{"a":"#.repeat(3_000), 400, "body: recursion limit"),
        (
            of(&good, &format!(r#","rating":"up","comment":"{}""#, "x".repeat(1_000_000))),
            413,
            "body: expected at most",
        ),
    ];
    for rating in ["11", "0", "1.5", "-1", "true", "null", r#""UP""#, r#""5""#, "[]"] {
        cases.push((of(&good, &format!(r#","rating":{rating}"#)), 400, "rating: expected"));
    }
    cases
}

#[test]
fn invalid_feedback_is_refused_with_the_reason() {
    run(async {
        let rig = rig(json!({})).await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            for (body, status, message) in refused() {
                let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
                let (answered, said) = post(&rig, protocol, &body).await;
                assert_eq!(answered, status, "{protocol:?} {shown}: {said}");
                let said: Value = serde_json::from_str(&said).unwrap();
                assert!(said["error"].as_str().unwrap().starts_with(message), "{shown}: {said}");
            }
            let body = format!(r#"{{"request_id":"{}","rating":5}}"#, id_of("an older one of the tests", 60));
            assert_eq!(post(&rig, protocol, body.as_bytes()).await.0, 202);
        }
        expect(&rig, 0, &[("5", 2)]).await;
        assert!(!rig.envoy.log().unwrap().contains("the secret of the tests"));
    });
}

#[test]
fn heads_and_origins_are_answered_without_a_body() {
    run(async {
        let rig = rig(json!({})).await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            for method in ["GET", "PUT", "DELETE", "HEAD"] {
                let answer = send(&rig, protocol, Request::of(method, "/feedback").unwrap()).await;
                assert_eq!((answer.status, answer.header("allow")), (405, "POST, OPTIONS"), "{method}");
                let body = if method == "HEAD" { "" } else { r#"{"error":"method: expected POST"}"# };
                assert_eq!(String::from_utf8(answer.body).unwrap(), body);
            }
            let empty = send(&rig, protocol, Request::of("POST", "/feedback").unwrap()).await;
            assert_eq!(empty.status, 400);
            for (origin, allowed) in [("https://app.example", true), ("https://evil.example", false)] {
                let preflight = Request::of("OPTIONS", "/feedback").unwrap();
                let preflight =
                    preflight.header("access-control-request-method", "POST").header("origin", origin);
                let answer = send(&rig, protocol, preflight).await;
                assert_eq!((answer.status, answer.body.len(), answer.header("vary")), (204, 0, "origin"));
                let expected = |value| if allowed { value } else { "" };
                assert_eq!(answer.header("access-control-allow-origin"), expected(origin));
                assert_eq!(answer.header("access-control-allow-methods"), expected("POST"));
                assert_eq!(
                    answer.header("access-control-allow-headers"),
                    expected("content-type, x-llm-feedback")
                );
                let body = format!(r#"{{"request_id":"{}","rating":"up"}}"#, id_of(SECRET, 0));
                let actual = Request::post_bytes("/feedback?page=1", body).header("origin", origin);
                let answer = send(&rig, protocol, actual).await;
                assert_eq!(
                    (answer.status, answer.header("access-control-allow-origin")),
                    (202, expected(origin))
                );
            }
        }
        expect(&rig, 0, &[("up", 4)]).await;
    });
}

/// Returns a chunk of a chunked upload.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

const CHUNKED: &[u8] =
    b"POST /feedback HTTP/1.1\r\nhost: h\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";

#[test]
fn uploads_come_in_chunks_and_may_break_off() {
    run(async {
        let rig = rig(json!({})).await;
        let connect = || TcpStream::connect(rig.envoy.listener());
        let body = format!(r#"{{"request_id":"{}","rating":3,"comment":"äöü"}}"#, id_of(SECRET, 0));
        for bytes in [1, 7, body.len()] {
            let mut connection = connect().await.unwrap();
            connection.set_nodelay(true).unwrap();
            connection.write_all(CHUNKED).await.unwrap();
            for piece in body.as_bytes().chunks(bytes) {
                connection.write_all(&chunk(piece)).await.unwrap();
            }
            connection.write_all(b"0\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 202 ") && answer.ends_with(ACCEPTED), "{answer}");
        }
        // An upload that never ends is answered as soon as it is too long.
        let mut connection = connect().await.unwrap();
        connection.write_all(CHUNKED).await.unwrap();
        connection.write_all(&chunk(&[b' '; 16_384])).await.unwrap();
        connection.write_all(&chunk(b" ")).await.unwrap();
        let mut answer = [0; 12];
        connection.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413");
        // Clients that disconnect in the middle do no harm.
        for _ in 0..50 {
            let mut connection = connect().await.unwrap();
            connection.write_all(CHUNKED).await.unwrap();
            connection.write_all(&chunk(&body.as_bytes()[..20])).await.unwrap();
        }
        assert_eq!(post(&rig, Protocol::Http1, body.as_bytes()).await.0, 202);
        expect(&rig, 0, &[("3", 4)]).await;
    });
}

/// Sends twenty, each on its own connection. Returns how many were accepted, and whether all were in one minute.
async fn twenty(rig: &Rig, body: &str) -> (usize, bool) {
    let (started, mut accepted, mut wait_s) = (Instant::now(), 0, 60);
    for _ in 0..20 {
        let client = Client::new(rig.envoy.listener(), Protocol::Http1);
        let request = Request::post_bytes("/feedback", body.to_owned());
        let answer = client.send(request).await.unwrap().finish().await;
        if answer.status == 202 {
            accepted += 1;
        } else {
            assert_eq!(answer.status, 429);
            assert_eq!(answer.body, br#"{"error":"rate: too much feedback in this minute"}"#);
            wait_s = answer.header("retry-after").parse().unwrap();
        }
    }
    (accepted, started.elapsed().as_secs() + 1 + wait_s <= 60)
}

#[test]
fn the_rate_holds_for_both_workers() {
    run(async {
        // A minute of Envoy's clock may end in the middle, but hardly twice in a row.
        for _ in 0..3 {
            let rig = rig(json!({"per_minute": 5})).await;
            let body = format!(r#"{{"request_id":"{}","rating":4}}"#, id_of(SECRET, 0));
            let (accepted, is_one_minute) = twenty(&rig, &body).await;
            expect(&rig, 0, &[("4", accepted)]).await;
            if is_one_minute {
                assert_eq!(accepted, 5);
                return;
            }
        }
        panic!("no minute was long enough");
    });
}

/// A proxy that holds the body back together with the head.
#[test]
fn feedback_never_hangs_where_the_proxy_is_not_set_up() {
    run(async {
        let (provider, bootstrap) = bootstrap(json!({})).await;
        let rig = Rig::over(provider, bootstrap.without_stop_iteration().unwrap()).await;
        let body = format!(r#"{{"request_id":"{}","rating":4}}"#, id_of(SECRET, 0));
        let said = r#"{"error":"body: the proxy does not pass it to the filter, or it arrived too late: send it as x-llm-feedback"}"#;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            assert_eq!(post(&rig, protocol, body.as_bytes()).await, (503, said.to_owned()));
            let client = Client::new(rig.envoy.listener(), protocol);
            let request = Request::post_bytes("/feedback", "").header("x-llm-feedback", &body);
            assert_eq!(client.send(request).await.unwrap().finish().await.status, 202);
        }
        expect(&rig, 0, &[("4", 2)]).await;
        let log = rig.envoy.log().unwrap();
        assert!(log.contains("needs `allow_on_headers_stop_iteration: true`"), "{log}");
    });
}

#[test]
fn envoy_reports_an_invalid_key_without_the_secret() {
    run(async {
        let said = |bootstrap: Bootstrap| async {
            tokio::task::spawn_blocking(|| validate(bootstrap)).await.unwrap().unwrap()
        };
        let (valid, words) = said(shipped().await.with_feedback(&json!({})).unwrap()).await;
        assert!(
            !valid && words.contains("feedback.secret[0]: expected a secret of your own"),
            "with envoy/feedback.yaml: {words}"
        );
        let (valid, words) = said(shipped().await.with_feedback(&json!({"secret": SECRET})).unwrap()).await;
        assert!(valid, "with envoy/feedback.yaml: {words}");
        let (valid, words) =
            said(shipped().await.with_feedback(&json!({"secret": "hunter2"})).unwrap()).await;
        assert!(
            !valid && words.contains("feedback.secret: expected random text of at least 16 bytes"),
            "{words}"
        );
        let filters_words = words.lines().filter(|line| line.contains("llm-gauge:"));
        assert!(filters_words.clone().count() > 0 && !filters_words.collect::<String>().contains("hunter2"));
    });
}
