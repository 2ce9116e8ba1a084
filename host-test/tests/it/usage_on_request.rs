//! `streaming.usage: request` in the proxy-wasm host: every cutting of both bodies, and every way to hold and release
//! them.

use host_test::drive::{Arrivals, EndForm, MessageEnd};
use host_test::host::Direction;
use host_test::{
    Action, ChunkPlan, ClockPlan, Cut, Ending, Exchange, Guest, Headers, LogLevel, Options, StreamReport,
    drive,
};

use crate::common;

const ASKING: &str = r#"{"streaming": {"usage": "request"}}"#;
const BODY: &str = r#"{"model":"m","stream":true,"stream_options":{"include_obfuscation":false}}"#;
const ASKED: &str =
    r#"{"model":"m","stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}"#;
const BEFORE: &str = "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}],\"usage\":null}\n\n\
                      data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n";
const USAGE: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn start(configuration: &str, options: Options) -> Guest {
    let options = Options { configuration: configuration.into(), ..options };
    Guest::start(&common::filter(), options).unwrap()
}

/// Starts a guest in a proxy that is set up for it.
fn asking() -> Guest {
    start(ASKING, Options { allow_on_headers_stop_iteration: true, ..Options::default() })
}

fn head() -> Headers {
    Headers::request("POST", "api.openai.com", "/v1/chat/completions")
        .with("content-type", "application/json")
}

fn sized(body: &str) -> Headers {
    head().with("content-length", body.len().to_string())
}

fn streamed() -> (Headers, String) {
    let head = Headers::response(200).with("content-type", "text/event-stream");
    (head, [BEFORE, USAGE, DONE].concat())
}

fn exchange(head: Headers) -> Exchange {
    let (response, events) = streamed();
    Exchange::new(head, BODY, response, events)
}

fn is_never_paused(report: &StreamReport) -> bool {
    report.steps.iter().all(|step| step.action == Action::Continue)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Checks both peers: the request with the option, the stream without the chunk, and the counts from that chunk.
fn check_asked(report: &StreamReport) {
    assert_eq!(text(&report.upstream.body), ASKED);
    let upstream = report.upstream.headers.as_ref().unwrap();
    let length = ASKED.len().to_string();
    assert!(upstream.text("content-length").is_none_or(|told| told == length));
    assert_eq!(text(&report.client.body), [BEFORE, DONE].concat());
    assert_eq!(
        (report.client.outcome, report.upstream.outcome),
        (MessageEnd::Complete, MessageEnd::Complete)
    );
    let record = text(&report.filter_state["wasm.llm.json"]);
    assert!(record.contains(r#""input_tokens":3,"output_tokens":2,"total_tokens":5"#), "{record}");
}

#[test]
fn every_cutting_of_the_stream() {
    let mut guest = asking();
    let length = streamed().1.len();
    let cuts = (1..length).map(|at| Cut::At(vec![at])).chain([Cut::Whole, Cut::Every(1), Cut::Every(7)]);
    for response in cuts {
        for end in [EndForm::EmptyChunk, EndForm::OnLastChunk] {
            let plan = ChunkPlan { response: response.clone(), end, ..ChunkPlan::default() };
            check_asked(&drive(&mut guest, &exchange(sized(BODY)), &plan).unwrap());
        }
    }
    common::requests(&guest);
}

#[test]
fn every_cutting_of_the_request() {
    let mut guest = asking();
    for request in (1..BODY.len()).map(|at| Cut::At(vec![at])).chain([Cut::Whole, Cut::Every(1)]) {
        for end in [EndForm::EmptyChunk, EndForm::OnLastChunk] {
            let plan = ChunkPlan { request: request.clone(), end, ..ChunkPlan::default() };
            let report = drive(&mut guest, &exchange(sized(BODY)), &plan).unwrap();
            assert_eq!(report.upstream.headers.as_ref().unwrap().text("content-length"), Some("95"));
            check_asked(&report);
            // Without a length: the option is in the piece with the options' brace, and nothing waits.
            let report = drive(&mut guest, &exchange(head()), &plan).unwrap();
            assert!(is_never_paused(&report));
            check_asked(&report);
        }
    }
    common::requests(&guest);
}

#[test]
fn compressed_answers_are_not_asked_for() {
    let mut guest = asking();
    for head in [sized(BODY), head()] {
        let head = head.with("accept-encoding", "gzip, br");
        let report = drive(&mut guest, &exchange(head.clone()), &ChunkPlan::whole()).unwrap();
        assert_eq!(report.upstream.headers.as_ref().unwrap().text("accept-encoding"), Some("identity"));
        check_asked(&report);
        // A held request keeps its whole head if nothing is requested.
        let mut whole = exchange(head.clone());
        whole.request_body = BODY.replace("true", "null").into();
        let report = drive(&mut guest, &whole, &ChunkPlan::whole()).unwrap();
        let is_held = head.get("content-length").is_some();
        let expected = if is_held { "gzip, br" } else { "identity" };
        assert_eq!(report.upstream.headers.as_ref().unwrap().text("accept-encoding"), Some(expected));
        assert_eq!(report.upstream.body, whole.request_body);
    }
}

#[test]
fn an_answer_that_tells_its_length_is_not_cut_short() {
    let mut guest = asking();
    let mut exchange = exchange(sized(BODY));
    let length = exchange.response_body.len().to_string();
    exchange.response_headers = exchange.response_headers.map(|head| head.with("content-length", &length));
    let report = drive(&mut guest, &exchange, &ChunkPlan::whole()).unwrap();
    assert_eq!(report.client.headers.as_ref().unwrap().text("content-length"), None);
    check_asked(&report);
    // A whole document keeps its length.
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":3}}"#;
    exchange.response_body = answer.into();
    let head = Headers::response(200).with("content-type", "application/json");
    exchange.response_headers = Some(head.with("content-length", answer.len().to_string()));
    let report = drive(&mut guest, &exchange, &ChunkPlan::every(3)).unwrap();
    assert_eq!(text(&report.client.body), answer);
    assert_eq!(report.client.headers.unwrap().text("content-length"), Some("42"));
}

#[test]
fn trailers_end_both_ways() {
    let mut guest = asking();
    let trailers = Headers::from([("t", "1")]);
    let mut exchange = exchange(sized(BODY));
    exchange.ending = Ending::Trailers(trailers.clone());
    check_asked(&drive(&mut guest, &exchange, &ChunkPlan::every(5)).unwrap());
    // A request with trailers is released unchanged.
    exchange.request_trailers = Some(trailers);
    let report = drive(&mut guest, &exchange, &ChunkPlan::every(5)).unwrap();
    assert_eq!(text(&report.upstream.body), BODY);
    assert_eq!(report.upstream.outcome, MessageEnd::Complete);
    assert_eq!(report.client.body, exchange.response_body);
}

/// Nothing can be added to a body before its trailers, so only what must be hidden is held until then.
#[test]
fn trailers_take_no_whole_document_away() {
    let mut guest = asking();
    let last = "data: {\"choices\":[],\"x\":1}\n";
    for (sent, seen) in [(last, last), (USAGE.trim_end(), ""), (DONE.trim_end(), DONE.trim_end())] {
        let mut exchange = exchange(sized(BODY));
        exchange.response_body = [BEFORE, sent].concat().into();
        exchange.ending = Ending::Trailers(Headers::from([("t", "1")]));
        for plan in [ChunkPlan::whole(), ChunkPlan::every(1), ChunkPlan::every(7)] {
            let report = drive(&mut guest, &exchange, &plan).unwrap();
            assert_eq!(text(&report.client.body), [BEFORE, seen].concat());
            assert_eq!(report.client.outcome, MessageEnd::Complete);
        }
    }
}

/// The stream after a redirect gets the request with the option.
#[test]
fn a_redirect_that_the_proxy_follows_hides_it_too() {
    let mut guest = asking();
    let with_id = |id: &str, body: &str| sized(body).with("x-request-id", id);
    let redirected = |head, body| Exchange::unanswered(head, body, Ending::InternalRedirect);
    let again = |head: Headers| {
        let (response, events) = streamed();
        Exchange::new(head, ASKED, response, events)
    };
    let followed = |id: &str| with_id(id, ASKED).with("x-envoy-original-url", "http://h/");
    let play = |guest: &mut Guest, exchange: &Exchange| drive(guest, exchange, &ChunkPlan::every(9)).unwrap();
    // One redirect, and two.
    for times in [1, 2] {
        play(&mut guest, &redirected(with_id("a", BODY), BODY));
        for _ in 1..times {
            play(&mut guest, &redirected(followed("a"), ASKED));
        }
        let report = play(&mut guest, &again(followed("a")));
        assert!(is_never_paused(&report));
        check_asked(&report);
        // A client that asks for usage gets it, with and without a redirect.
        assert_eq!(play(&mut guest, &again(with_id("a", ASKED))).client.body, streamed().1.as_bytes());
    }
    play(&mut guest, &redirected(with_id("a", ASKED), ASKED));
    assert_eq!(play(&mut guest, &again(with_id("a", ASKED))).client.body, streamed().1.as_bytes());
    // Another request is not mistaken for the redirected one.
    play(&mut guest, &redirected(with_id("a", BODY), BODY));
    assert_eq!(play(&mut guest, &again(with_id("b", ASKED))).client.body, streamed().1.as_bytes());
    common::requests(&guest);
}

/// A proxy that gives requests no ids: only the very next request can follow a redirect, and only at once.
#[test]
fn a_redirect_without_a_request_id_hides_no_chunk_from_others() {
    let mut guest = asking();
    let redirected = Exchange::unanswered(sized(BODY), BODY, Ending::InternalRedirect);
    let (response, events) = streamed();
    let again = |head: Headers| Exchange::new(head, ASKED, response.clone(), events.clone());
    let followed = sized(ASKED).with("x-envoy-original-url", "http://h/");
    let other = Exchange::new(Headers::request("GET", "h", "/"), "", Headers::response(404), "");
    let play = |guest: &mut Guest, exchange: &Exchange| drive(guest, exchange, &ChunkPlan::whole()).unwrap();
    play(&mut guest, &redirected);
    check_asked(&play(&mut guest, &again(followed.clone())));
    // The redirect leads to a request that is not metered, or not at all.
    play(&mut guest, &redirected);
    play(&mut guest, &other);
    assert_eq!(play(&mut guest, &again(followed.clone())).client.body, events.as_bytes());
    play(&mut guest, &redirected);
    assert_eq!(play(&mut guest, &again(sized(ASKED))).client.body, events.as_bytes());
    play(&mut guest, &redirected);
    guest.advance_ms(100);
    assert_eq!(play(&mut guest, &again(followed)).client.body, events.as_bytes());
}

/// A retry below the filter, as an upstream HTTP filter: the head is that of the first attempt, the body the client's.
#[test]
fn a_second_attempt_has_the_length_of_its_own_body() {
    let mut guest = asking();
    check_asked(&drive(&mut guest, &exchange(sized(ASKED)), &ChunkPlan::whole()).unwrap());
    // What cannot be edited has its own length again.
    let mut exchange = exchange(sized(ASKED));
    exchange.request_body = "[]".into();
    let report = drive(&mut guest, &exchange, &ChunkPlan::every(1)).unwrap();
    assert_eq!(report.upstream.headers.unwrap().text("content-length"), Some("2"));
    assert_eq!(text(&report.upstream.body), "[]");
}

#[test]
fn events_pass_with_the_piece_that_brings_them() {
    let mut guest = asking();
    let mut exchange = exchange(sized(BODY));
    let at = [BEFORE.find("\n\n").unwrap() + 2, BEFORE.len(), BEFORE.len() + USAGE.len()];
    exchange.clock =
        ClockPlan { arrivals: Arrivals::ByChunk(vec![10, 20, 30, 40]), end_ms: 50, ..ClockPlan::default() };
    let report = drive(&mut guest, &exchange, &ChunkPlan::response_at(at)).unwrap();
    let pieces: Vec<_> = report.client.pieces.iter().map(|piece| (piece.at_ms % 100, piece.bytes)).collect();
    assert_eq!(pieces, [(10, at[0]), (20, at[1] - at[0]), (40, DONE.len())]);
}

#[test]
fn nothing_else_is_held() {
    let long = "x".repeat(1_000_001);
    let json = |path: &str| Headers::request("POST", "h", path).with("content-type", "application/json");
    for (configuration, head, body) in [
        ("{}", sized(BODY), BODY),
        (ASKING, sized(&long), long.as_str()),
        (r#"{"streaming":{"usage":"request"},"limits":{"request_bytes":9}}"#, sized(BODY), BODY),
        (ASKING, json("/v1/messages").with("content-length", "74"), BODY),
        (ASKING, sized(BODY).with("content-encoding", "identity").with("expect", "100-continue"), BODY),
    ] {
        let options = Options { allow_on_headers_stop_iteration: true, ..Options::default() };
        let mut guest = start(configuration, options);
        let mut exchange = exchange(head.clone());
        exchange.request_body = body.into();
        let report = drive(&mut guest, &exchange, &ChunkPlan::every(100_000)).unwrap();
        assert!(is_never_paused(&report), "{configuration}");
        assert_eq!(report.upstream.body, exchange.request_body);
        assert_eq!(report.upstream.headers.unwrap(), head);
        assert_eq!(report.client.body, exchange.response_body);
    }
}

/// A proxy that holds the body back with the head, as it does by default.
#[test]
fn a_request_without_a_visible_body_is_released() {
    let mut guest = start(ASKING, Options::default());
    for number in 0..5 {
        let mut stream = guest.open().unwrap();
        let (id, first) = (stream.id(), number < 3);
        let action = stream.request_headers(&sized(BODY), false).unwrap();
        stream.request_body(BODY.as_bytes(), true).unwrap();
        assert_eq!(action, if first { Action::Pause } else { Action::Continue });
        for (ms, is_held) in [(249, true), (1, false)].into_iter().filter(|_| first) {
            guest.advance_ms(ms);
            guest.run_pending().unwrap();
            assert_eq!(guest.stream(id).is_held(Direction::Request), is_held);
        }
        let upstream = guest.stream(id).upstream().unwrap().clone();
        assert_eq!((text(&upstream.body), upstream.headers), (BODY, Some(sized(BODY))));
        guest.stream(id).end(Ending::ClientGone).unwrap();
    }
    let errors = guest.host().logged(LogLevel::Error);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("needs `allow_on_headers_stop_iteration: true`"), "{}", errors[0]);
    common::requests(&guest);
}

/// Requests are held again after a minute, and after twice as long if their bodies are still withheld.
#[test]
fn a_proxy_that_withholds_bodies_is_tried_again() {
    let mut guest = start(ASKING, Options::default());
    let ask = |guest: &mut Guest| {
        let mut stream = guest.open().unwrap();
        let id = stream.id();
        let action = stream.request_headers(&sized(BODY), false).unwrap();
        stream.request_body(BODY.as_bytes(), true).unwrap();
        guest.advance_ms(250);
        guest.run_pending().unwrap();
        guest.stream(id).end(Ending::ClientGone).unwrap();
        action
    };
    for pause_ms in [60_000, 120_000] {
        let actions: Vec<_> = (0..4).map(|_| ask(&mut guest)).collect();
        assert_eq!(actions, [Action::Pause, Action::Pause, Action::Pause, Action::Continue]);
        guest.advance_ms(pause_ms - 251);
        assert_eq!(ask(&mut guest), Action::Continue);
        guest.advance_ms(1);
    }
    assert_eq!(guest.host().logged(LogLevel::Error).len(), 2);
}

/// Slow clients say nothing about the proxy, however many they are.
#[test]
fn slow_clients_do_not_turn_usage_on_request_off() {
    let mut guest = asking();
    for _ in 0..5 {
        let mut stream = guest.open().unwrap();
        let id = stream.id();
        assert_eq!(stream.request_headers(&sized(BODY), false).unwrap(), Action::Pause);
        for _ in 0..2 {
            guest.advance_ms(250);
            guest.run_pending().unwrap();
        }
        guest.advance_ms(10);
        let mut stream = guest.stream(id);
        assert_eq!(stream.request_body(BODY.as_bytes(), true).unwrap(), Action::Continue);
        assert_eq!(text(&stream.upstream().unwrap().body), BODY);
        stream.end(Ending::ClientGone).unwrap();
    }
    check_asked(&drive(&mut guest, &exchange(sized(BODY)), &ChunkPlan::whole()).unwrap());
    assert_eq!(guest.host().logged(LogLevel::Error), [""; 0]);
}

/// A client that sends its body late does not mean a wrong set-up: its own request continues, and the next one is held.
#[test]
fn a_slow_client_is_released_alone() {
    let mut guest = asking();
    let mut stream = guest.open().unwrap();
    let id = stream.id();
    stream.request_headers(&sized(BODY), false).unwrap();
    for _ in 0..2 {
        guest.advance_ms(250);
        guest.run_pending().unwrap();
    }
    let mut stream = guest.stream(id);
    assert!(!stream.is_held(Direction::Request));
    assert_eq!(stream.request_body(BODY.as_bytes(), true).unwrap(), Action::Continue);
    assert_eq!(text(&stream.upstream().unwrap().body), BODY);
    stream.end(Ending::ClientGone).unwrap();
    check_asked(&drive(&mut guest, &exchange(sized(BODY)), &ChunkPlan::whole()).unwrap());
    // A client that disconnects while it waits is not waited for any more.
    let mut guest = asking();
    let mut stream = guest.open().unwrap();
    stream.request_headers(&sized(BODY), false).unwrap();
    stream.end(Ending::ClientGone).unwrap();
    guest.advance_ms(500);
    guest.tick().unwrap();
    guest.tick().unwrap();
    common::requests(&guest);
}
