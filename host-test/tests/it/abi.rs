//! What the host calls mean, held against what Envoy was measured to do.

use host_test::host::int;
use host_test::{
    CallAnswer, ChunkPlan, Exchange, FailureKind, Guest, Headers, LogLevel, Module, Options,
    SharedWorld, drive,
};

/// The probe, compiled once.
pub fn probe() -> Module {
    use std::sync::OnceLock;
    static PROBE: OnceLock<Module> = OnceLock::new();
    let build = || {
        let path = host_test::build::wasm("probe", host_test::build::PROFILE).unwrap();
        Module::from_file(path).unwrap()
    };
    PROBE.get_or_init(build).clone()
}

/// A guest whose root context has this script.
pub fn start(script: &str) -> Guest {
    Guest::start(&probe(), Options::configured(script)).unwrap()
}

/// A request whose stream has this script.
pub fn scripted(script: &str) -> Headers {
    Headers::request("POST", "h.example", "/a?b=c").with("x-probe", script)
}

/// A plain exchange with this script: `abcdef` up, `uvwxyz` down.
pub fn exchange(script: &str) -> Exchange {
    let response = Headers::response(200).with("x-up", b"caf\xe9");
    Exchange::new(scripted(script), "abcdef", response, "uvwxyz")
}

/// What the probe has said, line by line.
pub fn said(guest: &Guest) -> Vec<&str> {
    guest.host().logged(LogLevel::Info)
}

/// Plays a script in one stream of a fresh guest and asks that it said this, and nothing else.
fn check(script: &str, lines: &[&str]) {
    let mut guest = start("");
    drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap();
    assert_eq!(said(&guest), lines, "{script}");
}

/// Plays a script and asks that the SDK panics on the answer of a host call.
fn check_panics(script: &str, status: u32) {
    let mut guest = start("");
    let failure = drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Trap, "{script}");
    let critical = failure.critical.unwrap_or_default();
    assert!(
        critical.contains(&format!("unexpected status: {status}")),
        "{script}: {critical}"
    );
}

#[test]
fn metrics_follow_their_kind() {
    check(
        "head define counter c; head increment 4 2; head record 4 5; head value 4; \
         head increment 4 0; head increment 4 -1; head value 4",
        &[
            "define = 4",
            "increment = Ok",
            "record = Ok",
            "value = 7",
            "increment = BadArgument",
            "increment = BadArgument",
            "value = 7",
        ],
    );
    check(
        "head define gauge g; head increment 5 -5; head value 5; head record 5 3; head value 5",
        &[
            "define = 5",
            "increment = Ok",
            "value = 18446744073709551611",
            "record = Ok",
            "value = 3",
        ],
    );
    check(
        "head define histogram h; head record 6 9; head increment 6 1; head value 6",
        &[
            "define = 6",
            "record = Ok",
            "increment = BadArgument",
            "value = BadArgument",
        ],
    );
    check(
        "head increment 400 1; head record 400 1; head value 400; head value 4",
        &[
            "increment = NotFound",
            "record = NotFound",
            "value = NotFound",
            "value = NotFound",
        ],
    );
}

#[test]
fn every_define_is_a_new_id_of_the_same_metric() {
    let mut guest = start(
        "configure define counter c; configure define counter c; configure increment 4 1; \
         configure increment 8 1; configure define histogram h; configure record 6 30; configure record 6 10",
    );
    assert_eq!(said(&guest)[..2], ["define = 4", "define = 8"]);
    let host = guest.host_mut();
    assert_eq!(host.metric("c"), Some(2));
    assert_eq!(host.samples("h"), Some(vec![30, 10]));
    assert_eq!(host.metric("h"), None);
    assert_eq!(host.metric_names(), ["c", "h"]);
    assert_eq!(host.define_metric_calls, 3);
}

#[test]
fn workers_share_metrics_but_not_ids() {
    let world = SharedWorld::new();
    let options = || Options {
        world: world.clone(),
        ..Options::configured("configure define gauge g; configure increment 5 2")
    };
    let first = Guest::start(&probe(), options()).unwrap();
    let second = Guest::start(&probe(), options()).unwrap();
    assert_eq!(said(&first)[0], "define = 5");
    assert_eq!(said(&second)[0], "define = 5");
    assert_eq!(first.host().metric("g"), Some(4));
    let apart = start("");
    assert_eq!(apart.host().metric("g"), None);
}

#[test]
fn heads_are_readable_in_their_phase_and_in_the_log() {
    check(
        "head get request :path; response_head get response :status; \
         log get request :path; log get response x-up; log get request absent",
        &[
            "get = /a?b=c",
            "get = 200",
            "get = /a?b=c",
            "get = caf\\xe9",
            "get = None",
        ],
    );
    check_panics("body get request :path", 2);
    check_panics("response_head get request :path", 2);
    check_panics("response_body get request :path", 2);
    check_panics("response_body get response :status", 2);
    check_panics("head get response :status", 2);
    check_panics("log set request a b", 2);
    check_panics("log add response a b", 2);
    check_panics("response_body set response a b", 2);
    check_panics("head get answer :status", 2);
}

#[test]
fn whole_maps_forgive_where_single_values_do_not() {
    check(
        "head pairs request; response_head pairs request; response_body pairs response; log pairs request",
        &["pairs = 5", "pairs = 0", "pairs = 0", "pairs = 5"],
    );
}

#[test]
fn a_head_that_is_held_stays_open() {
    let options = Options {
        allow_on_headers_stop_iteration: true,
        ..Options::default()
    };
    let mut guest = Guest::start(&probe(), options).unwrap();
    let script = "head stop; body stop; body_end get request :path; \
                  body_end write request 0 6 A; body_end set request content-length 1";
    let report = drive(&mut guest, &exchange(script), &ChunkPlan::every(4)).unwrap();
    assert_eq!(said(&guest), ["get = /a?b=c", "write = Ok", "set = Ok"]);
    assert_eq!(report.upstream.body, b"A");
    let head = report.upstream.headers.unwrap();
    assert_eq!(head.text("content-length"), Some("1"));
    assert!(report.route_cache_cleared);
}

#[test]
fn header_edits_reach_the_peer() {
    let script = "head set request a 1; head add request a 2; head add request b 3; head remove request b; \
                  response_head only response x y; response_trailers set response_trailers t 2";
    let mut guest = start("");
    let mut exchange = exchange(script);
    exchange.ending = host_test::Ending::Trailers(Headers::from([("t", "1")]));
    let report = drive(&mut guest, &exchange, &ChunkPlan::whole()).unwrap();
    let head = report.upstream.headers.unwrap();
    let values: Vec<_> = head.iter().filter(|(name, _)| *name == b"a").collect();
    assert_eq!(values, [(&b"a"[..], &b"1"[..]), (b"a", b"2")]);
    assert_eq!(head.get("b"), None);
    assert_eq!(report.client.headers, Some(Headers::from([("x", "y")])));
    assert_eq!(report.client.trailers, Some(Headers::from([("t", "2")])));
}

#[test]
fn buffers_show_the_chunk_and_refuse_what_envoy_refuses() {
    check(
        "body read request 0 max; body read request 2 3; body_end read request 0 max; \
         response_body read response 5 10; response_body read request 0 max; log read response 0 max; \
         head read request 0 max; head read downstream 0 9; head read plugin 0 max",
        &[
            "read = None",
            "read = None",
            "read = None",
            "read = abcdef",
            "read = cde",
            "read = None",
            "read = z",
            "read = None",
            "read = None",
        ],
    );
    // Its end wraps around.
    check_panics("body read request 1 max", 2);
    check_panics("body read request 7 1", 2);
}

#[test]
fn bodies_are_edited_at_the_front_or_at_the_end() {
    let cases = [
        ("0 6 new", "new"),
        ("0 6", ""),
        ("0 max Z", "Z"),
        ("0 2 UV", "UVwxyz"),
        ("0 0 pre", "preuvwxyz"),
        ("6 0 post", "uvwxyzpost"),
        ("99 0 post", "uvwxyzpost"),
    ];
    for (arguments, body) in cases {
        let mut guest = start("");
        let script = format!("response_body write response {arguments}");
        let report = drive(&mut guest, &exchange(&script), &ChunkPlan::whole()).unwrap();
        assert_eq!(report.client.body, body.as_bytes(), "{arguments}");
    }
    check_panics("response_body write response 3 1 x", 2);
    check_panics("response_body write request 0 0 x", 1);
    let mut guest = start("");
    let script = "response_body_end write response 0 0 !";
    let report = drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap();
    assert_eq!(report.client.body, b"uvwxyz!", "the empty end takes bytes");
}

#[test]
fn properties_come_and_go_with_the_phases() {
    let script = "head property request.path; head property request.url_path; head property request.query; \
         head property response.code; response_head property request.path; response_head property response.code; \
         response_head property request.duration; log property request.method; log property request.duration; \
         log property response.code_details; log property no.such; log property filter_state";
    let mut guest = start("");
    drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap();
    let expected = [
        "property = /a?b=c",
        "property = /a",
        "property = b=c",
        "property = None",
        "property = None",
        &format!("property = {}", int(200).escape_ascii()),
        "property = None",
        "property = POST",
        &format!("property = {}", int(0).escape_ascii()),
        "property = via_upstream",
        "property = None",
        "property = SerializationFailure",
    ];
    assert_eq!(said(&guest), expected);
}

#[test]
fn what_a_test_sets_wins_and_filter_state_is_kept() {
    let script = "head property xds.cluster_name; head state llm.x 1; head property llm.x; \
                  log state llm.x 2; log property response.flags";
    let mut guest = start("");
    let mut exchange = exchange(script);
    exchange.properties = vec![
        ("xds.cluster_name".to_owned(), b"openai".to_vec()),
        ("response.flags".to_owned(), b"x".to_vec()),
    ];
    let report = drive(&mut guest, &exchange, &ChunkPlan::whole()).unwrap();
    let state: Vec<_> = report.filter_state.into_iter().collect();
    assert_eq!(state, [("wasm.llm.x".to_owned(), b"2".to_vec())]);
    // Filter state of two words is looked up by its first, which is not what was set.
    assert_eq!(
        said(&guest),
        [
            "property = openai",
            "state = Ok",
            "property = None",
            "state = Ok",
            "property = x"
        ]
    );
    let outside = Guest::start(&probe(), Options::configured("configure state a b"));
    assert_eq!(outside.err().unwrap().kind, FailureKind::Trap);
}

#[test]
fn shared_data_swaps_only_against_its_version() {
    check(
        "head data k; head store k a 9; head data k; head store k b 1; head data k; head store k c 1; head store k d 0",
        &[
            "data = None None",
            "store = Ok",
            "data = a Some(1)",
            "store = Ok",
            "data = b Some(2)",
            "store = CasMismatch",
            "store = Ok",
        ],
    );
}

#[test]
fn queues_wake_the_last_registrant_when_the_loop_turns() {
    let world = SharedWorld::new();
    let options = |script: &str| Options {
        world: world.clone(),
        vm_id: "vm".to_owned(),
        ..Options::configured(script)
    };
    let script =
        "configure register jobs; configure push 1 a; queue pop 1; queue pop 1; tick push 1 z";
    let mut first = Guest::start(&probe(), options(script)).unwrap();
    let script = "configure resolve vm jobs; configure resolve other jobs; configure push 7 a; \
                  configure pop 7; configure register jobs; configure push 1 b; queue pop 1";
    let mut second = Guest::start(&probe(), options(script)).unwrap();
    assert_eq!(
        said(&second)[..4],
        [
            "resolve = Some(1)",
            "resolve = None",
            "push = NotFound",
            "pop = NotFound"
        ]
    );

    first.tick().unwrap();
    assert_eq!(first.run_pending().unwrap(), 1, "its own item came before");
    assert_eq!(said(&first)[3..], ["queue_ready = 1", "pop = a", "pop = b"]);
    assert_eq!(second.run_pending().unwrap(), 2);
    assert_eq!(
        said(&second)[6..],
        [
            "queue_ready = 1",
            "pop = z",
            "queue_ready = 1",
            "pop = None"
        ]
    );
    assert_eq!(second.run_pending().unwrap(), 0);
}

#[test]
fn callouts_are_seen_and_answered() {
    let mut guest = start(
        "configure call judge /v1 250 {}; answer get answer :status; answer read answer 0 max",
    );
    let call = guest.host().callouts[0].clone();
    assert_eq!(
        (call.token, call.cluster.as_str(), call.timeout_ms),
        (1, "judge", 250)
    );
    assert_eq!(call.headers.text(":path"), Some("/v1"));
    assert_eq!(call.body, b"{}");
    assert_eq!(call.trailers, Headers::from([("t", "1")]));
    guest.answer(1, CallAnswer::new(201, "yes")).unwrap();
    assert_eq!(
        said(&guest),
        ["call = 1", "answer = 1 3 3 0", "get = 201", "read = yes"]
    );
    assert_eq!(guest.host().in_flight().count(), 0);
    let again = guest.answer(1, CallAnswer::new(200, "")).unwrap_err();
    assert_eq!(again.kind, FailureKind::Driver);
}

#[test]
fn a_lost_answer_has_no_headers_to_read() {
    let mut guest =
        start("configure call judge /v1 0; answer pairs answer; answer read answer 0 max");
    guest.answer(1, CallAnswer::lost()).unwrap();
    assert_eq!(
        said(&guest)[1..],
        ["answer = 1 0 0 0", "pairs = 0", "read = None"]
    );

    let mut guest = start("configure call judge /v1 0; answer get answer :status");
    let failure = guest.answer(1, CallAnswer::lost()).unwrap_err();
    assert_eq!(
        failure
            .critical
            .as_deref()
            .map(|line| line.contains("unexpected status: 2")),
        Some(true)
    );
}

#[test]
fn a_callout_of_a_stream_that_is_gone_is_never_heard_of() {
    let mut guest = start("");
    let script = "log call judge /v1 0; answer pairs answer";
    drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap();
    guest.answer(1, CallAnswer::timeout()).unwrap();
    assert_eq!(said(&guest), ["call = 1"]);
}

#[test]
fn callouts_fail_at_once_as_the_cluster_says() {
    let mut guest = start(
        "tick call gone /v1 0; tick call sick /v1 0; tick call_without_path judge; tick grpc",
    );
    let host = guest.host_mut();
    host.unknown_clusters.insert("gone".to_owned());
    host.failing_clusters.insert("sick".to_owned());
    guest.tick().unwrap();
    assert_eq!(
        said(&guest),
        [
            "call = BadArgument",
            "call = InternalFailure",
            "call_without_path = BadArgument",
            "grpc = InternalFailure"
        ]
    );
    assert!(guest.host().callouts.is_empty());
}

#[test]
fn a_cancelled_callout_is_dropped_without_a_word() {
    let mut guest = start("configure call judge /v1 0");
    guest.cancel(1).unwrap();
    assert_eq!(said(&guest), ["call = 1"]);
    assert_eq!(guest.host().in_flight().count(), 0);
    assert!(guest.cancel(1).is_err());
}

#[test]
fn the_clock_moves_only_when_told() {
    let mut guest =
        start("tick time; tick time; tick clock 0; tick clock 1; tick clock 2; tick clock 3");
    guest.tick().unwrap();
    guest.advance_ms(5);
    guest.tick().unwrap();
    let (wall, steady) = (1_750_000_000_000_000_000_u64, 10_000_000_000_u64);
    let lines = |after_ns: u64| {
        [
            format!("time = {}", wall + after_ns),
            format!("time = {}", wall + after_ns),
            format!("clock = 0 {}", wall + after_ns),
            format!("clock = 0 {}", steady + after_ns),
            "clock = 58 0".to_owned(),
            "clock = 58 0".to_owned(),
        ]
    };
    assert_eq!(said(&guest), [lines(0), lines(5_000_000)].concat());
}

#[test]
fn ticks_wait_until_they_are_due() {
    let mut guest = start("configure tick 20; tick level");
    assert_eq!(guest.run_pending().unwrap(), 0);
    guest.advance_ms(19);
    assert_eq!(guest.run_pending().unwrap(), 0);
    guest.advance_ms(1);
    assert_eq!(guest.run_pending().unwrap(), 1);
    assert_eq!(guest.run_pending().unwrap(), 0);
    assert_eq!(said(&guest), ["tick = Ok", "level = Info"]);
}

#[test]
fn random_numbers_depend_on_the_seed_alone() {
    let run = |seed| {
        let options = Options {
            seed,
            ..Options::configured("configure random 5")
        };
        said(&Guest::start(&probe(), options).unwrap())[0].to_owned()
    };
    assert_eq!(run(0), "random = 0 [af, cd, 1d, 7b, 39]");
    assert_eq!(run(0), run(0));
    assert_ne!(run(0), run(1));
}

#[test]
fn a_root_that_is_not_done_says_so_later() {
    let mut guest = start("done stop; tick say_done");
    assert!(!guest.shut_down().unwrap());
    assert!(!guest.host().is_done());
    guest.tick().unwrap();
    assert!(guest.host().is_done());
    guest.delete().unwrap();
    assert!(start("").shut_down().unwrap());
    check_panics("head say_done", 1);
}

#[test]
fn odds_and_ends() {
    check(
        "head foreign sign; head status; head effective 1; head effective 77",
        &[
            "foreign = NotFound",
            "status = (0, None)",
            "effective = Ok",
            "effective = BadArgument",
        ],
    );
}

#[test]
fn an_unknown_import_is_named() {
    // A module of one import, written by hand: type () -> (), import "env" "proxy_no_such".
    let wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x15\x01\x03env\x0dproxy_no_such\0\0";
    let error = Module::from_bytes(wasm).err().unwrap();
    assert!(
        format!("{error:#}").contains("env.proxy_no_such"),
        "{error:#}"
    );
    let error = Module::from_bytes(b"\0asm\x01\0\0\0").err().unwrap();
    assert!(error.to_string().contains("proxy_abi_version_0_2_1"));
    assert!(Module::from_bytes(b"{}").is_err());
}

#[test]
fn a_refused_configuration_fails_the_start() {
    let failure = Guest::start(&probe(), Options::configured("configure stop"));
    assert_eq!(failure.err().unwrap().kind, FailureKind::Refused);
}

#[test]
fn standard_output_is_a_log_and_exit_an_end() {
    let mut guest = start("tick print 1 hello; tick print 2 bad; tick print 7 x; tick environment");
    guest.tick().unwrap();
    assert_eq!(
        said(&guest),
        [
            "hello",
            "print = 0 5",
            "print = 0 3",
            "print = 8 0",
            "environment = 0 0 0"
        ]
    );
    assert_eq!(guest.host().logged(LogLevel::Error), ["bad"]);
    let failure = start("tick exit 3").tick().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Trap);
    assert!(failure.message.contains("code 3"), "{failure}");
}
