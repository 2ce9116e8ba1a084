//! One stream through its phases: endings, pauses, local replies.

use host_test::drive::{Arrivals, EndForm, MessageEnd, Piece, Step};
use host_test::host::{Direction, int};
use host_test::{
    Action, ChunkPlan, ClockPlan, Cut, Ending, Exchange, FailureKind, Guest, Headers, LocalReply, Options,
    StreamReport, drive,
};

use crate::probe::{exchange, probe, said, scripted, start};

const LOG: &str = "log property response.code; log property response.flags; \
                   log property response.code_details";

/// Returns the callbacks of a stream without their common beginning.
fn callbacks(report: &StreamReport) -> Vec<String> {
    let show = |step: &Step| {
        let name = step.callback.trim_start_matches("proxy_on_");
        let end = if step.end { " end" } else { "" };
        format!("{name} {}{end}", step.size)
    };
    report.steps.iter().map(show).collect()
}

fn run(script: &str, change: impl FnOnce(&mut Exchange)) -> (Guest, StreamReport) {
    let mut guest = start("");
    let mut exchange = exchange(script);
    change(&mut exchange);
    let report = drive(&mut guest, &exchange, &ChunkPlan::whole()).unwrap();
    (guest, report)
}

/// Checks the properties that the log phase reads at an ending, and the callbacks after the request.
fn check_ending(ending: Ending, answered: bool, told: (Option<u64>, u64, &str), after: &[&str]) {
    let (guest, report) = run(LOG, |exchange| {
        exchange.ending = ending.clone();
        exchange.response_headers = exchange.response_headers.take().filter(|_| answered);
    });
    let number = |number: u64| int(number).escape_ascii().to_string();
    let expected = [told.0.map_or("None".to_owned(), number), number(told.1), told.2.to_owned()];
    let expected = expected.map(|value| format!("property = {value}"));
    assert_eq!(said(&guest), expected, "{ending:?}");
    let last = ["log 0 end", "done 0 end", "delete 0 end"];
    assert_eq!(callbacks(&report)[3..], [after, &last].concat(), "{ending:?}");
}

#[test]
fn endings_of_a_response_look_as_they_do_in_envoy() {
    const AFTER: &str = "upstream_reset_after_response_started";
    let begun = ["response_headers 2", "response_body 6"];
    let whole = [&begun[..], &["response_body 0 end"]].concat();
    let via = (Some(200), 0, "via_upstream");
    check_ending(Ending::Clean, true, via, &whole);
    let told = ["response_headers 2", "response_body 6 end"];
    check_ending(Ending::OnLastChunk, true, via, &told);
    let trailed = [&begun[..], &["response_trailers 1 end"]].concat();
    let trailers = Headers::from([("t", "1")]);
    check_ending(Ending::Trailers(trailers), true, via, &trailed);

    let reset = format!("{AFTER}{{remote_reset}}");
    check_ending(Ending::UpstreamReset, true, (Some(200), 16, &reset), &begun);
    let cut = format!("{AFTER}{{protocol_error}}");
    check_ending(Ending::UpstreamCut, true, (Some(200), 8_388_608, &cut), &begun);
    let gone = "downstream_remote_disconnect";
    check_ending(Ending::ClientGone, true, (Some(200), 16_384, gone), &begun);
    check_ending(Ending::ClientGone, false, (None, 16_384, gone), &[]);
    check_ending(Ending::RouteTimeout, true, (Some(200), 4, "response_timeout"), &begun);
    let idle = (Some(200), 65_536, "stream_idle_timeout");
    check_ending(Ending::IdleTimeout, true, idle, &begun);
    check_ending(Ending::InternalRedirect, false, (Some(302), 0, "internal_redirect"), &[]);
}

#[test]
fn replies_of_the_proxy_look_as_they_do_in_envoy() {
    const BEFORE: &str = "upstream_reset_before_response_started";
    let timeout = ["response_headers 3", "response_body 24 end"];
    check_ending(Ending::RouteTimeout, false, (Some(504), 4, "response_timeout"), &timeout);
    let closed = format!("{BEFORE}{{connection_termination}}");
    let reply = ["response_headers 3", "response_body 95 end"];
    check_ending(Ending::UpstreamReset, false, (Some(503), 64, &closed), &reply);
    let refused = format!("{BEFORE}{{remote_connection_failure}}");
    let ending = Ending::LocalReply(LocalReply::ConnectFailure);
    let reply = ["response_headers 3", "response_body 98 end"];
    check_ending(ending, false, (Some(503), 32, &refused), &reply);
    let ending = Ending::LocalReply(LocalReply::NoHealthyUpstream);
    let reply = ["response_headers 3", "response_body 19 end"];
    check_ending(ending, false, (Some(503), 2, "no_healthy_upstream"), &reply);
    let ending = Ending::LocalReply(LocalReply::ClusterMissing);
    let reply = ["response_headers 1 end"];
    check_ending(ending, false, (Some(503), 16_777_216, "cluster_not_found"), &reply);
}

#[test]
fn a_head_can_be_all_there_is() {
    let (_, report) = run("", |exchange| {
        exchange.request_body.clear();
        exchange.response_body.clear();
        exchange.ending = Ending::HeadersOnly;
    });
    assert_eq!(callbacks(&report)[..2], ["request_headers 5 end", "response_headers 2 end"]);
    assert_eq!(report.client.outcome, MessageEnd::Complete);
    assert_eq!(report.upstream.outcome, MessageEnd::Complete);
}

#[test]
fn chunks_and_trailers_arrive_as_planned() {
    let mut guest = start("");
    let mut exchange = exchange("");
    exchange.request_trailers = Some(Headers::from([("a", "1"), ("b", "2")]));
    let plan = ChunkPlan { request: Cut::Every(4), response: Cut::At(vec![1]), end: EndForm::OnLastChunk };
    let report = drive(&mut guest, &exchange, &plan).unwrap();
    assert_eq!(
        callbacks(&report)[1..6],
        [
            "request_body 4",
            "request_body 2",
            "request_trailers 2 end",
            "response_headers 2",
            "response_body 1"
        ]
    );
    assert_eq!(callbacks(&report)[6], "response_body 5 end");
    assert_eq!(report.client.body, b"uvwxyz");
    assert_eq!(report.upstream.body, b"abcdef");
    assert_eq!(report.upstream.trailers, exchange.request_trailers);
}

#[test]
fn bytes_pass_when_they_come() {
    let mut guest = start("");
    let mut exchange = exchange("log property request.duration");
    exchange.clock = ClockPlan {
        request_end_ms: 1,
        response_head_ms: 10,
        arrivals: Arrivals::ByChunk(vec![20, 30]),
        end_ms: 45,
    };
    let report = drive(&mut guest, &exchange, &ChunkPlan::response_at([2])).unwrap();
    let pieces = [(10_020, 2), (10_030, 4)].map(|(at_ms, bytes)| Piece { at_ms, bytes });
    assert_eq!(report.client.pieces, pieces);
    let duration = int(45_000_000).escape_ascii().to_string();
    assert_eq!(said(&guest), [format!("property = {duration}")]);
}

#[test]
fn both_peers_see_a_cut_connection() {
    let (_, report) = run("", |exchange| exchange.ending = Ending::ClientGone);
    assert_eq!(report.client.outcome, MessageEnd::Reset);
    assert_eq!(report.client.body, b"uvwxyz");
    assert_eq!(report.upstream.outcome, MessageEnd::Complete);

    let (_, report) = run("", |exchange| {
        exchange.ending = Ending::ClientGone;
        exchange.response_headers = None;
        exchange.request_complete = false;
    });
    assert_eq!(report.upstream.outcome, MessageEnd::Reset);
    assert_eq!(report.client.headers, None);
    assert_eq!(callbacks(&report)[..2], ["request_headers 5", "request_body 6"]);
}

#[test]
fn a_pause_on_a_body_gathers_it() {
    let mut guest = start("");
    let script = "body stop; body read request 0 max; body_end read request 0 max";
    let mut stream = guest.open().unwrap();
    stream.request_headers(&scripted(script), false).unwrap();
    assert_eq!(stream.request_body(b"ab", false).unwrap(), Action::Pause);
    assert_eq!(stream.request_body(b"cd", false).unwrap(), Action::Pause);
    assert!(stream.is_held(Direction::Request));
    assert_eq!(stream.upstream().unwrap().body, b"");
    assert_eq!(stream.request_body(b"", true).unwrap(), Action::Continue);
    assert_eq!(stream.upstream().unwrap().body, b"abcd");
    assert_eq!(said(&guest), ["read = ab", "read = abcd", "read = abcd"]);
}

#[test]
fn without_the_flag_a_held_head_stops_everything() {
    let mut guest = start("tick effective 2; tick resume request");
    let mut stream = guest.open().unwrap();
    let id = stream.id();
    let script = "head stop; body read request 0 max";
    stream.request_headers(&scripted(script), false).unwrap();
    stream.request_body(b"ab", false).unwrap();
    stream.request_body(b"cd", false).unwrap();
    assert_eq!(stream.upstream().unwrap().headers, None);
    assert_eq!(said(&guest), [""; 0]);

    guest.tick().unwrap();
    assert_eq!(said(&guest)[2..], ["read = abcd"], "both chunks are one piece");
    assert_eq!(guest.stream(id).upstream().unwrap().body, b"abcd");
    assert!(!guest.stream(id).is_held(Direction::Request));

    let mut guest = start("");
    let stuck = drive(&mut guest, &exchange("head stop"), &ChunkPlan::whole()).unwrap_err();
    assert_eq!(stuck.kind, FailureKind::Driver);
}

#[test]
fn a_filter_may_reply_in_the_upstreams_place() {
    let script = "head stop; head reply 202 done; response_head get response x-by; \
                  response_body_end read response 0 max";
    let (guest, report) = run(&format!("{script}; {LOG}"), |_| ());
    assert_eq!(report.upstream.headers, None, "the upstream received no request");
    let head = report.client.headers.clone().unwrap();
    assert_eq!(head.text(":status"), Some("202"));
    assert_eq!(head.text("content-length"), Some("4"));
    assert_eq!(report.client.body, b"done");
    assert_eq!(report.client.outcome, MessageEnd::Complete);
    assert_eq!(report.local_responses.len(), 1);
    assert_eq!(callbacks(&report)[..3], ["request_headers 5", "response_headers 4", "response_body 4 end"]);
    assert_eq!(said(&guest)[..3], ["reply = Ok", "get = probe", "read = done"]);
    let code = int(202).escape_ascii().to_string();
    assert_eq!(said(&guest)[3], format!("property = {code}"));
    assert_eq!(said(&guest)[5], "property = None");
}

#[test]
fn a_reply_to_a_response_replaces_or_resets_it() {
    let (_, report) = run("response_head reply 419 no; response_head stop", |_| ());
    let head = report.client.headers.clone().unwrap();
    assert_eq!(head.text(":status"), Some("419"));
    assert_eq!(report.client.body, b"no");
    assert_eq!(report.client.outcome, MessageEnd::Complete);

    let (_, report) = run("response_body reply 500 no; response_body stop", |_| ());
    assert_eq!(report.client.headers.unwrap().text(":status"), Some("200"));
    assert_eq!(report.client.body, b"");
    assert_eq!(report.client.outcome, MessageEnd::Reset);
}

#[test]
fn a_filter_may_reset_a_stream() {
    let (_, report) = run("response_body reset response", |_| ());
    assert_eq!(report.client.outcome, MessageEnd::Reset);
    assert_eq!(callbacks(&report).last().unwrap(), "delete 0 end");
}

#[test]
fn held_bodies_have_a_limit() {
    let options = || Options { buffer_bytes_max: 5, ..Options::default() };
    let mut guest = Guest::start(&probe(), options()).unwrap();
    let report = drive(&mut guest, &exchange("body stop"), &ChunkPlan::whole()).unwrap();
    let head = report.client.headers.unwrap();
    assert_eq!(head.text(":status"), Some("413"));
    assert_eq!(report.upstream.body, b"");

    let mut guest = Guest::start(&probe(), options()).unwrap();
    let script = "response_body stop; log property response.code_details";
    let report = drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap();
    assert_eq!(report.client.outcome, MessageEnd::Reset);
    assert_eq!(said(&guest), ["property = response_payload_too_large"]);
}

#[test]
fn streams_of_one_guest_do_not_mix() {
    let mut guest = start("");
    let (a, b) = (guest.open_stream().unwrap(), guest.open_stream().unwrap());
    assert_ne!(a, b);
    let script = "response_body read response 0 max; log state k ";
    for (id, name) in [(a, "a"), (b, "b")] {
        let head = scripted(&format!("{script}{name}"));
        guest.stream(id).request(&head, &[]).unwrap();
    }
    for id in [b, a] {
        let head = Headers::response(200);
        guest.stream(id).response_headers(&head, false).unwrap();
    }
    guest.stream(a).response_body(b"1", false).unwrap();
    guest.stream(b).response_body(b"2", false).unwrap();
    let report_b = guest.stream(b).end(Ending::ClientGone).unwrap();
    guest.stream(a).response_body(b"3", false).unwrap();
    let report_a = guest.stream(a).end(Ending::Clean).unwrap();
    assert_eq!(report_a.client.body, b"13");
    assert_eq!(report_b.client.body, b"2");
    assert_eq!(report_a.filter_state["wasm.k"], b"a");
    assert_eq!(report_b.filter_state["wasm.k"], b"b");
    assert_eq!(said(&guest), ["read = 1", "read = 2", "state = Ok", "read = 3", "state = Ok"]);
}

#[test]
fn fuel_is_the_same_every_time() {
    let spent = || {
        let mut guest = start("");
        let report = drive(&mut guest, &exchange("body burn 1000"), &ChunkPlan::every(3)).unwrap();
        assert!(guest.fuel()["proxy_on_request_body"].calls == 3);
        report.fuel
    };
    assert_eq!(spent(), spent());
}
