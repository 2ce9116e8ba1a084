//! State that outlives a stream: metrics, shared data, queues, callouts.

use host_test::{CallAnswer, ChunkPlan, FailureKind, Guest, Headers, Options, SharedProxyState, drive};

use crate::probe::{check, exchange, probe, said, start};

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
        &["define = 5", "increment = Ok", "value = 18446744073709551611", "record = Ok", "value = 3"],
    );
    check(
        "head define histogram h; head record 6 9; head increment 6 1; head value 6",
        &["define = 6", "record = Ok", "increment = BadArgument", "value = BadArgument"],
    );
    check(
        "head increment 400 1; head record 400 1; head value 400; head value 4",
        &["increment = NotFound", "record = NotFound", "value = NotFound", "value = NotFound"],
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
    let proxy_state = SharedProxyState::new();
    let options = || Options {
        proxy_state: proxy_state.clone(),
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
    let proxy_state = SharedProxyState::new();
    let options = |script: &str| Options {
        proxy_state: proxy_state.clone(),
        vm_id: "vm".to_owned(),
        ..Options::configured(script)
    };
    let script = "configure register jobs; configure push 1 a; queue pop 1; queue pop 1; tick push 1 z";
    let mut first = Guest::start(&probe(), options(script)).unwrap();
    let script = "configure resolve vm jobs; configure resolve other jobs; configure push 7 a; \
                  configure pop 7; configure register jobs; configure push 1 b; queue pop 1";
    let mut second = Guest::start(&probe(), options(script)).unwrap();
    assert_eq!(
        said(&second)[..4],
        ["resolve = Some(1)", "resolve = None", "push = NotFound", "pop = NotFound"]
    );

    first.tick().unwrap();
    assert_eq!(first.run_pending().unwrap(), 1, "its own item was handled before");
    assert_eq!(said(&first)[3..], ["queue_ready = 1", "pop = a", "pop = b"]);
    assert_eq!(second.run_pending().unwrap(), 2);
    assert_eq!(said(&second)[6..], ["queue_ready = 1", "pop = z", "queue_ready = 1", "pop = None"]);
    assert_eq!(second.run_pending().unwrap(), 0);
}

#[test]
fn callouts_are_seen_and_answered() {
    let mut guest =
        start("configure call judge /v1 250 {}; answer get answer :status; answer read answer 0 max");
    let call = guest.host().callouts[0].clone();
    assert_eq!((call.token, call.cluster.as_str(), call.timeout_ms), (1, "judge", 250));
    assert_eq!(call.headers.text(":path"), Some("/v1"));
    assert_eq!(call.body, b"{}");
    assert_eq!(call.trailers, Headers::from([("t", "1")]));
    guest.answer(1, CallAnswer::new(201, "yes")).unwrap();
    assert_eq!(said(&guest), ["call = 1", "answer = 1 3 3 0", "get = 201", "read = yes"]);
    assert_eq!(guest.host().in_flight().count(), 0);
    let again = guest.answer(1, CallAnswer::new(200, "")).unwrap_err();
    assert_eq!(again.kind, FailureKind::Driver);
}

#[test]
fn a_lost_answer_has_no_headers_to_read() {
    let mut guest = start("configure call judge /v1 0; answer pairs answer; answer read answer 0 max");
    guest.answer(1, CallAnswer::lost()).unwrap();
    assert_eq!(said(&guest)[1..], ["answer = 1 0 0 0", "pairs = 0", "read = None"]);

    let mut guest = start("configure call judge /v1 0; answer get answer :status");
    let failure = guest.answer(1, CallAnswer::lost()).unwrap_err();
    assert_eq!(failure.critical.as_deref().map(|line| line.contains("unexpected status: 2")), Some(true));
}

#[test]
fn the_answer_to_a_deleted_stream_is_dropped() {
    let mut guest = start("");
    let script = "log call judge /v1 0; answer pairs answer";
    drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap();
    guest.answer(1, CallAnswer::timeout()).unwrap();
    assert_eq!(said(&guest), ["call = 1"]);
}

#[test]
fn callouts_fail_at_once_as_the_cluster_says() {
    let mut guest =
        start("tick call gone /v1 0; tick call sick /v1 0; tick call_without_path judge; tick grpc");
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
fn a_cancelled_callout_is_dropped_silently() {
    let mut guest = start("configure call judge /v1 0");
    guest.cancel(1).unwrap();
    assert_eq!(said(&guest), ["call = 1"]);
    assert_eq!(guest.host().in_flight().count(), 0);
    assert!(guest.cancel(1).is_err());
}
