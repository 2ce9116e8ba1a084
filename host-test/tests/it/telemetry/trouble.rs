//! A receiver with faults, and a plugin that shuts down: traffic is unchanged, and lost items are counted.

use host_test::{CallAnswer, ChunkPlan, drive};
use simulators::judge;

use super::*;

#[test]
fn a_receivers_answer_decides_between_retry_and_drop() {
    // The answer, and its effects: the dropped spans, and whether they are sent again.
    let cases: &[(CallAnswer, u64, bool)] = &[
        (CallAnswer::new(200, ""), 0, false),
        (CallAnswer::new(202, "{}"), 0, false),
        (CallAnswer::new(200, b"\x0A\x02\x08\x01".as_slice()), 1, false),
        (CallAnswer::new(200, r#"{"partialSuccess":{"rejectedSpans":"7"}}"#), 2, false),
        (CallAnswer::new(200, vec![b' '; 3 << 20]), 0, false),
        (CallAnswer::new(400, "what?"), 2, false),
        (CallAnswer::new(404, ""), 2, false),
        (CallAnswer::new(500, ""), 2, false),
        (CallAnswer::new(429, "").with("retry-after", "1"), 0, true),
        (CallAnswer::new(502, ""), 0, true),
        (CallAnswer::new(503, ""), 0, true),
        (CallAnswer::new(504, ""), 0, true),
        (CallAnswer::refused(), 0, true),
        (CallAnswer::timeout(), 0, true),
        (CallAnswer::lost(), 0, true),
    ];
    for (number, (answer, lost, comes_again)) in cases.iter().enumerate() {
        let mut guest = start(&EACH.replace(":1}", ":2}"));
        play(&mut guest);
        play(&mut guest);
        let token = under_way(&guest)[0];
        let before = sent(&guest, token);
        guest.answer(token, answer.clone()).unwrap();
        assert_eq!(dropped(&guest), (*lost, 0), "case {number}");
        pass(&mut guest, 2_100);
        assert_eq!(under_way(&guest).len(), usize::from(*comes_again), "case {number}");
        if *comes_again {
            assert_eq!(sent(&guest, under_way(&guest)[0]), before, "case {number}: not the same");
        }
        assert_eq!(dropped(&guest), (*lost, 0), "case {number}");
    }
}

#[test]
fn retry_after_is_respected() {
    let mut guest = start(EACH);
    play(&mut guest);
    let token = under_way(&guest)[0];
    guest.answer(token, CallAnswer::new(429, "").with("retry-after", "7")).unwrap();
    play(&mut guest);
    pass(&mut guest, 6_900);
    assert_eq!(under_way(&guest), [0; 0]);
    pass(&mut guest, 1_200);
    assert_eq!(take_all(&mut guest).spans.len(), 2);
    assert_eq!(dropped(&guest), (0, 0));
    assert_eq!(guest.host().tick_period_ms, 0);
}

#[test]
fn too_large_a_batch_comes_in_halves() {
    let mut guest = start(&EACH.replace(":1}", ":4}"));
    (0..4).for_each(|_| drop(play(&mut guest)));
    let token = under_way(&guest)[0];
    guest.answer(token, CallAnswer::new(413, "")).unwrap();
    let halves: Vec<_> = under_way(&guest).iter().map(|token| sent(&guest, *token).spans.len()).collect();
    assert_eq!(halves, [2, 2]);
    assert_eq!(take_all(&mut guest).spans.len(), 4);
    assert_eq!(dropped(&guest), (0, 0));
}

#[test]
fn a_receiver_that_is_not_there_costs_its_spans_and_nothing_else() {
    for is_unknown in [true, false] {
        let mut guest = start(EACH);
        let host = guest.host_mut();
        let clusters = if is_unknown { &mut host.unknown_clusters } else { &mut host.failing_clusters };
        clusters.insert("otel".to_owned());
        (0..20).for_each(|_| drop(play(&mut guest)));
        assert_eq!(dropped(&guest), (0, 0), "retries remain");
        assert!(guest.host().callouts.is_empty());
        // Six tries of each, with pauses between them, and then the next.
        pass(&mut guest, 60_000);
        assert_eq!(dropped(&guest).0, 1, "one after the other");
        let host = guest.host_mut();
        host.unknown_clusters.clear();
        host.failing_clusters.clear();
        until_sent(&mut guest);
        assert_eq!(take_all(&mut guest).spans.len(), 19, "the receiver is back");
        assert_eq!(dropped(&guest), (1, 0));
    }
}

#[test]
fn the_queue_is_bounded_in_bytes() {
    let mut guest = start(&EACH.replace("otel\"", "otel\",\"content\":\"all\""));
    guest.host_mut().failing_clusters.insert("otel".to_owned());
    let mut exchange = exchange();
    let text = "so many words ".repeat(1_600);
    exchange.request_body =
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}]}}"#).into();
    let memory = |guest: &Guest| guest.host().memory.bytes;
    let mut after_half = 0;
    for number in 0..1_000 {
        drive(&mut guest, &exchange, &ChunkPlan::whole()).unwrap();
        guest.run_pending().unwrap();
        if number == 500 {
            after_half = memory(&guest);
        }
    }
    let (lost, _) = dropped(&guest);
    assert!((600..700).contains(&lost), "{lost}: eight mebibytes are some 360 spans of 23 kilobytes");
    assert_eq!(memory(&guest), after_half, "a full queue does not grow");
    guest.host_mut().failing_clusters.clear();
    until_sent(&mut guest);
    let mut arrived = 0;
    while let Some(token) = under_way(&guest).first().copied() {
        arrived += sent(&guest, token).spans.len() as u64;
        guest.answer(token, CallAnswer::new(200, "")).unwrap();
    }
    assert_eq!(arrived + dropped(&guest).0, 1_000);
}

#[test]
fn a_plugin_flushes_its_batch_at_shutdown() {
    let judged = r#""judge":{"cluster":"judge","model":"g","sample_rate":1},"telemetry":{"cluster":"otel"}"#;
    let mut guest = start(judged);
    play(&mut guest);
    assert!(!guest.shut_down().unwrap());
    assert_eq!(under_way(&guest), [0; 0], "the scores of its judge are sent with it");
    let call = guest.host().in_flight().next().unwrap();
    let (token, answer) = (call.token, judge::answer(&call.body).unwrap());
    guest.answer(token, CallAnswer::new(200, answer)).unwrap();
    assert!(!guest.host().is_done());
    let received = take_all(&mut guest);
    assert_eq!((received.spans.len(), received.events.len()), (1, 4));
    assert!(guest.host().is_done());
    assert_eq!(dropped(&guest), (0, 0));

    // A receiver with faults does not delay the shutdown.
    let mut guest = start(r#""telemetry":{"cluster":"otel"}"#);
    play(&mut guest);
    assert!(!guest.shut_down().unwrap());
    let token = under_way(&guest)[0];
    guest.answer(token, CallAnswer::new(503, "").with("retry-after", "60")).unwrap();
    assert!(guest.host().is_done());
    assert_eq!(dropped(&guest), (1, 0));

    // Neither does one that does not exist.
    let mut guest = start(r#""telemetry":{"cluster":"otel"}"#);
    guest.host_mut().unknown_clusters.insert("otel".to_owned());
    play(&mut guest);
    guest.shut_down().unwrap();
    assert!(guest.host().is_done());
    assert_eq!(dropped(&guest), (1, 0));
    assert!(start(r#""telemetry":{"cluster":"otel"}"#).shut_down().unwrap(), "there is nothing to send");
}
