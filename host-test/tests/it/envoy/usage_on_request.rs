//! `streaming.usage: request`: the request that the provider gets, the stream that the client gets, and the counts.

use simulators::load::{Answer, End, Protocol, Request};
use simulators::provider::ledger::Entry;
use simulators::provider::{EXCHANGE_HEADER, Provider, script};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::rig::{ASKING, Rig, Setup, run, shipped};

const CHAT: &str = "/v1/chat/completions";

/// The text that is inserted into a request without options.
const OPTION: &str = r#","stream_options":{"include_usage":true}"#;

/// Returns a request for a stream without usage: the bytes before its last brace.
fn open_body(model: &str) -> String {
    format!(r#"{{ "model":"{model}", "messages":[{{"role":"user","content":"Why? \"}}"}}], "stream" : true"#)
}

fn body(model: &str) -> String {
    format!("{}\n}}\n", open_body(model))
}

fn body_asked(model: &str) -> String {
    format!("{}\n{OPTION}}}\n", open_body(model))
}

/// Returns the provider's bytes without the event that has the usage and no choice.
fn without_usage_chunk(sent: &[u8]) -> String {
    let sent = String::from_utf8(sent.to_vec()).unwrap();
    let events = sent.split_inclusive("\n\n");
    events.filter(|event| !event.contains(r#""choices":[],"#) || !event.contains("prompt_tokens")).collect()
}

fn entry_of(rig: &Rig, answer: &Answer) -> Entry {
    rig.provider.ledger().entry(answer.header(EXCHANGE_HEADER).parse().unwrap()).unwrap()
}

async fn ask(rig: &Rig, protocol: Protocol, request: Request) -> (Answer, Entry) {
    let answer =
        rig.send(protocol, request.header(script::HEADER, "input=30; output=9")).await.finish().await;
    assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
    let entry = entry_of(rig, &answer);
    (answer, entry)
}

/// The tokens and requests of one stream of 30 and 9 tokens.
const COUNTED: &str = r#"
    llm_requests_total{operation="chat",status="success",error="none"} 1
    llm_request_duration_milliseconds_count{operation="chat"} 1
    llm_time_to_first_byte_milliseconds_count 1
    llm_time_to_first_token_milliseconds_count 1
    llm_time_to_first_answer_milliseconds_count 1
    llm_time_per_output_token_microseconds_count 1
    llm_tokens_total{type="input",source="reported"} 30
    llm_tokens_total{type="output",source="reported"} 9
"#;

const PROTOCOLS: [(Setup, Protocol, &str); 4] = [
    (Setup::Asking, Protocol::Http1, "h1-h1"),
    (Setup::Asking, Protocol::Http2, "h2-h1"),
    (Setup::AskingHttp2, Protocol::Http1, "h1-h2"),
    (Setup::AskingHttp2, Protocol::Http2, "h2-h2"),
];

#[test]
fn a_client_that_did_not_ask_never_sees_the_answer() {
    run(async {
        for (setup, protocol, model) in PROTOCOLS {
            let rig = Rig::shared(setup).await;
            let request = Request::post_bytes(CHAT, body(model));
            let (answer, entry) = ask(&rig, protocol, request).await;
            let upstream = String::from_utf8(entry.request).unwrap();
            assert_eq!(upstream, body_asked(model));
            assert_eq!(entry.request_length, Some(upstream.len().to_string()), "{model}");
            assert_eq!(String::from_utf8(answer.body).unwrap(), without_usage_chunk(&entry.body));
            assert!(entry.body.windows(13).any(|window| window == b"prompt_tokens"));
            rig.expect("openai", model, COUNTED).await;
        }
    });
}

#[test]
fn a_client_that_asked_gets_it_all() {
    run(async {
        for (setup, protocol, model) in PROTOCOLS {
            let rig = Rig::shared(setup).await;
            let model = format!("{model}-itself");
            let sent = body_asked(&model);
            let (answer, entry) = ask(&rig, protocol, Request::post_bytes(CHAT, sent.clone())).await;
            assert_eq!(String::from_utf8(entry.request).unwrap(), sent);
            assert_eq!(entry.body, answer.body);
            rig.expect("openai", &model, COUNTED).await;
        }
    });
}

#[test]
fn the_clients_other_options_stay() {
    run(async {
        let rig = Rig::shared(Setup::Asking).await;
        let of = |options: &str| format!(r#"{{"stream_options":{options},"stream":true,"model":"options"}}"#);
        for (before, after) in [
            (r#"{"include_obfuscation":false}"#, r#"{"include_obfuscation":false,"include_usage":true}"#),
            (r#"{"include_usage":false}"#, r#"{"include_usage":true}"#),
            ("null", r#"{"include_usage":true}"#),
        ] {
            let (answer, entry) = ask(&rig, Protocol::Http1, Request::post_bytes(CHAT, of(before))).await;
            assert_eq!(String::from_utf8(entry.request).unwrap(), of(after));
            assert_eq!(entry.request_length, Some(of(after).len().to_string()));
            assert_eq!(String::from_utf8(answer.body).unwrap(), without_usage_chunk(&entry.body));
        }
    });
}

/// Whole answers, other formats, and requests that are too long to be held pass unchanged; none is refused.
#[test]
fn other_requests_pass_unchanged() {
    run(async {
        let long = |bytes: usize| {
            let stuff = "x".repeat(bytes - r#"{"model":"m","stream":true,"x":""}"#.len());
            format!(r#"{{"model":"m","stream":true,"x":"{stuff}"}}"#)
        };
        for (setup, protocol, _) in PROTOCOLS {
            let rig = Rig::shared(setup).await;
            for (path, body) in [
                (CHAT, r#" {"model" : "m","stream":false} "#.to_owned()),
                (CHAT, r#"{"model":"m"}"#.to_owned()),
                ("/v1/embeddings", r#"{"model":"m","stream":true}"#.to_owned()),
                ("/v1/messages", r#"{"model":"m","stream":true}"#.to_owned()),
                (CHAT, long(1_000_001)),
                (CHAT, long(2 * 1024 * 1024)),
            ] {
                let (answer, entry) = ask(&rig, protocol, Request::post_bytes(path, body.clone())).await;
                assert_eq!(entry.request_bytes, body.len());
                assert!(body.as_bytes().starts_with(&entry.request), "{path}");
                assert_eq!(entry.request_length, Some(body.len().to_string()));
                assert_eq!(entry.body, answer.body);
            }
            // The maximum length: held, and not refused.
            let (answer, entry) = ask(&rig, protocol, Request::post_bytes(CHAT, long(1_000_000))).await;
            assert_eq!(entry.request_bytes, 1_000_000 + OPTION.len());
            assert_eq!(entry.request_length, Some(entry.request_bytes.to_string()));
            assert_eq!(String::from_utf8(answer.body).unwrap(), without_usage_chunk(&entry.body));
        }
    });
}

#[test]
fn compressed_answers_are_not_asked_for() {
    run(async {
        // The shipped route removes the header as well. The request that reaches it shows in the access log only, so
        // this checks the one property that both have in common: no compressed response is accepted.
        let rig = Rig::shared(Setup::Asking).await;
        let request = Request::post_bytes(CHAT, body("encodings")).header("accept-encoding", "gzip, br");
        let (_, entry) = ask(&rig, Protocol::Http1, request).await;
        assert!(matches!(entry.accept_encoding.as_deref(), None | Some("identity")));
    });
}

/// Sends the pieces of an HTTP/1.1 request one by one, each forwarded before the next, and reads to the end.
async fn upload(rig: &Rig, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(rig.envoy.listener()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
        // A round trip of another exchange gives the proxy time to handle the piece separately.
        ask(rig, Protocol::Http1, Request::post_bytes("/v1/embeddings", r#"{"model":"between"}"#)).await;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Returns a head for a raw upload.
fn head(length: &str) -> String {
    format!(
        "POST {CHAT} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n{}: output=2\r\n\
         connection: close\r\n{length}\r\n\r\n",
        script::HEADER
    )
}

fn entry_of_model(rig: &Rig, model: &str) -> Entry {
    let entries = rig.provider.ledger().entries();
    entries.into_iter().rev().find(|entry| entry.model == model).unwrap()
}

/// Returns the number of chunks of an answer, and whether any has usage.
fn shown(answer: &str) -> (usize, bool) {
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    (answer.matches("data: {").count(), answer.contains("prompt_tokens"))
}

#[test]
fn uploads_in_pieces() {
    run(async {
        for setup in [Setup::Asking, Setup::AskingHttp2] {
            let rig = Rig::shared(setup).await;
            let body = body("pieces");
            let expected = body_asked("pieces");
            let known = head(&format!("content-length: {}", body.len()));
            for at in [1, 40, body.len() - 2] {
                let (first, second) = body.as_bytes().split_at(at);
                let answer = upload(&rig, &[known.as_bytes(), first, second]).await;
                let entry = entry_of_model(&rig, "pieces");
                assert_eq!(String::from_utf8(entry.request).unwrap(), expected);
                assert_eq!(entry.request_length, Some(expected.len().to_string()));
                assert_eq!(shown(&answer), (4, false));
            }
            // Without a length, nothing is held, and the change is at the last brace.
            let unknown = head("transfer-encoding: chunked");
            for at in [1, 40, body.len() - 2] {
                let (first, second) = body.split_at(at);
                let first = format!("{:x}\r\n{first}\r\n", first.len());
                let second = format!("{:x}\r\n{second}\r\n0\r\n\r\n", second.len());
                let answer = upload(&rig, &[unknown.as_bytes(), first.as_bytes(), second.as_bytes()]).await;
                let entry = entry_of_model(&rig, "pieces");
                assert_eq!(String::from_utf8(entry.request).unwrap(), expected);
                assert_eq!(entry.request_length, None);
                assert_eq!(shown(&answer), (4, false));
            }
        }
    });
}

/// A proxy that holds the body back with the head: requests continue by themselves, unchanged, and soon without a wait.
#[test]
fn requests_never_hang_where_the_proxy_is_not_set_up() {
    run(async {
        let rig = Rig::shared(Setup::Blind).await;
        for number in 0..10 {
            let model = format!("blind-{number}");
            let (answer, entry) = ask(&rig, Protocol::Http1, Request::post_bytes(CHAT, body(&model))).await;
            assert_eq!(String::from_utf8(entry.request).unwrap(), body(&model));
            assert_eq!(entry.request_length, Some(body(&model).len().to_string()));
            assert_eq!(entry.body, answer.body);
        }
        let log = rig.envoy.log().unwrap();
        assert!(log.contains("needs `allow_on_headers_stop_iteration: true`"), "{log}");
    });
}

/// Answers two requests of one connection, or of two: a redirect to `/v1/again/chat/completions`, and a stream there.
/// Returns the bodies of both requests.
async fn redirect_once(listener: TcpListener, stream: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    while bodies.len() < 2 {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        while let Some((head, body)) = read_request(&mut connection, &mut bytes).await {
            bodies.push(body);
            let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
            let answer = if head.starts_with(&format!("POST {CHAT} ")) {
                let location = format!("http://{host}/v1/again/chat/completions");
                format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
            } else {
                let length = stream.len();
                format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {length}\r\n\r\n{stream}"
                )
            };
            connection.write_all(answer.as_bytes()).await.unwrap();
            if bodies.len() == 2 {
                break;
            }
        }
    }
    bodies
}

/// Reads the next request of a connection with a length. Returns its head, in lower case except the first line, and its
/// body.
async fn read_request(connection: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<(String, String)> {
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let length: usize = length.parse().unwrap();
            if rest.len() >= length {
                *bytes = rest[length..].into();
                return Some((head.to_owned(), rest[..length].to_owned()));
            }
        }
        if connection.read_buf(bytes).await.unwrap() == 0 {
            return None;
        }
    }
}

/// The stream after a redirect has the changed request: it hides what the client did not ask for.
#[test]
fn a_redirect_that_envoy_follows_hides_it_too() {
    run(async {
        let before = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
        let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":9}}\n\n";
        let done = "data: [DONE]\n\n";
        for (sent, seen) in [
            (body("around"), [before, done].concat()),
            (body_asked("around"), [before, usage, done].concat()),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let upstream =
                tokio::spawn(async move { redirect_once(listener, &[before, usage, done].concat()).await });
            let bootstrap = shipped().await.upstream("openai", address, Protocol::Http1).unwrap();
            let bootstrap = bootstrap.configuration(ASKING).unwrap().following_redirects().unwrap();
            let rig = Rig::over(Provider::start().await.unwrap(), bootstrap).await;
            let answer = rig.send(Protocol::Http1, Request::post_bytes(CHAT, sent)).await.finish().await;
            assert_eq!((answer.status, String::from_utf8(answer.body).unwrap()), (200, seen));
            assert_eq!(upstream.await.unwrap(), [body_asked("around"), body_asked("around")]);
        }
    });
}
