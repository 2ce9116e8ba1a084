//! The semantics of the host calls of a stream, the clock and WASI, as measured with Envoy.

use host_test::host::int;
use host_test::{ChunkPlan, Ending, FailureKind, Guest, Headers, LogLevel, Module, Options, drive};

use crate::probe::{check, check_panics, exchange, probe, said, start};

#[test]
fn heads_are_readable_in_their_phase_and_in_the_log() {
    check(
        "head get request :path; response_head get response :status; \
         log get request :path; log get response x-up; log get request absent",
        &["get = /a?b=c", "get = 200", "get = /a?b=c", "get = caf\\xe9", "get = None"],
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
    let options = Options { allow_on_headers_stop_iteration: true, ..Options::default() };
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
    exchange.ending = Ending::Trailers(Headers::from([("t", "1")]));
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
    // The end of the range wraps around.
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
fn overridden_properties_win_and_filter_state_is_kept() {
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
    // Filter state with a path of two parts is looked up by its first part, which was not set.
    assert_eq!(
        said(&guest),
        ["property = openai", "state = Ok", "property = None", "state = Ok", "property = x"]
    );
    let outside = Guest::start(&probe(), Options::configured("configure state a b"));
    assert_eq!(outside.err().unwrap().kind, FailureKind::Trap);
}

#[test]
fn the_clock_moves_only_by_advance() {
    let mut guest = start("tick time; tick time; tick clock 0; tick clock 1; tick clock 2; tick clock 3");
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
        let options = Options { seed, ..Options::configured("configure random 5") };
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
fn foreign_functions_status_and_effective_context_answer_like_envoy() {
    check(
        "head foreign sign; head status; head effective 1; head effective 77",
        &["foreign = NotFound", "status = (0, None)", "effective = Ok", "effective = BadArgument"],
    );
}

#[test]
fn an_unknown_import_is_named() {
    // A module with one import, written by hand: type () -> (), import "env" "proxy_no_such".
    let wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x15\x01\x03env\x0dproxy_no_such\0\0";
    let error = Module::from_bytes(wasm).err().unwrap();
    assert!(format!("{error:#}").contains("env.proxy_no_such"), "{error:#}");
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
    assert_eq!(said(&guest), ["hello", "print = 0 5", "print = 0 3", "print = 8 0", "environment = 0 0 0"]);
    assert_eq!(guest.host().logged(LogLevel::Error), ["bad"]);
    let failure = start("tick exit 3").tick().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Trap);
    assert!(failure.message.contains("code 3"), "{failure}");
}
