#![allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test may panic")]

mod any;

use super::*;
use crate::config::Policy;
use crate::ids::Ids;
use crate::judge::EvaluationSource;
use crate::telemetry::otlp::{Encoding, Value};

const MS: u64 = 1_000_000;
const WALL_NS: u64 = 1_750_000_000_000_000_000;

fn exporter(policy: &Policy) -> Exporter {
    Exporter::new(policy.telemetry().unwrap(), policy.redactor(), policy.memory())
}

/// Returns the number of items of an exporter, waiting or in flight.
fn item_count(exporter: &Exporter) -> usize {
    let batches = exporter.lanes.iter().flat_map(|lane| lane.callouts.items());
    let waiting = exporter.lanes.iter().map(|lane| lane.batcher.len());
    batches.map(|batch| batch.items.len()).chain(waiting).sum()
}

/// An exporter with its clock and its stats.
struct Rig {
    exporter: Exporter,
    now_ns: u64,
    out: Vec<StatUpdate>,
}

impl Rig {
    fn new(telemetry: &str) -> Self {
        let document = format!(r#"{{"telemetry":{{"cluster":"otel"{telemetry}}}}}"#);
        let policy = Policy::parse(document.as_bytes()).unwrap();
        Self { exporter: exporter(&policy), now_ns: 1000 * MS, out: Vec::new() }
    }

    /// Submits a span with a text of `bytes` bytes.
    fn span(&mut self, bytes: usize) -> Option<u64> {
        let attributes = vec![("output.value".into(), Value::Text("x".repeat(bytes)))];
        let span =
            Span { trace: [1; 16], id: [2; 8], name: "chat".to_owned(), attributes, ..Span::default() };
        self.exporter.span(span, WALL_NS, self.now_ns, &mut self.out)
    }

    fn spans(&mut self, count: usize, bytes: usize) {
        for _ in 0..count {
            self.span(bytes);
        }
    }

    fn score(&mut self) -> Option<u64> {
        let score = Evaluation {
            request_id: "id".to_owned(),
            ids: Ids { trace: [1; 16], span: [2; 8], parent: None },
            model: "m".to_owned(),
            name: "relevance".to_owned(),
            value: 4.0,
            label: "4".to_owned(),
            explanation: Some("Ask jan@example.com".to_owned()),
            source: EvaluationSource::Judge("g".to_owned()),
            uid: "n-relevance".to_owned(),
        };
        self.exporter.evaluation(&score, WALL_NS, self.now_ns, &mut self.out)
    }

    fn next(&mut self) -> Option<Callout> {
        self.exporter.next(self.now_ns, [0; 24], &mut self.out)
    }

    /// Makes the next callout with this token.
    #[track_caller]
    fn send(&mut self, token: u32) -> Callout {
        let call = self.next().expect("a call");
        self.exporter.record_sent(call.number, Some(token), self.now_ns, &mut self.out);
        call
    }

    fn answer(&mut self, token: u32, status: u32) {
        self.answer_as(token, status, None, b"");
    }

    fn answer_as(&mut self, token: u32, status: u32, retry_after: Option<&[u8]>, body: &[u8]) {
        let answer = CalloutResponse { status: Some(status), is_local: false, retry_after, body };
        assert!(self.exporter.handle_response(token, &answer, self.now_ns, &mut self.out));
    }

    fn wake_ms(&self) -> Option<u64> {
        self.exporter.wake_ms(self.now_ns)
    }

    fn pass(&mut self, ms: u64) {
        self.now_ns += ms * MS;
    }

    /// Returns the numbers of spans and events that were dropped.
    fn dropped(&self) -> (u64, u64) {
        dropped(&self.out)
    }

    #[track_caller]
    fn check_idle(&self, dropped: (u64, u64)) {
        assert_eq!(self.dropped(), dropped);
        assert!(self.exporter.is_idle());
        assert_eq!(self.wake_ms(), None);
        assert_eq!(item_count(&self.exporter), 0);
    }
}

fn dropped(out: &[StatUpdate]) -> (u64, u64) {
    let by_kind = |kind: &str| {
        let counts = out.iter().map(|effect| match effect {
            StatUpdate::Count { stat, by }
                if *stat == format!("llm_gauge_dropped_total.kind=.={kind};.;") =>
            {
                *by
            }
            _ => 0,
        });
        counts.sum()
    };
    (by_kind("spans"), by_kind("events"))
}

/// Returns the number of items in a callout.
fn items(call: &Callout) -> usize {
    let marks: &[u8] = if path(call).ends_with("traces") { b"\x12\x08\x02\x02" } else { b"\x52\x08\x02\x02" };
    call.body.windows(marks.len()).filter(|window| *window == marks).count()
}

fn path(call: &Callout) -> &str {
    call.headers.iter().find(|(name, _)| name == ":path").map_or("", |(_, value)| value)
}

#[test]
fn a_batch_is_sent_after_its_interval() {
    let mut rig = Rig::new(r#","path":"/otel","headers":{"x-key":"k"}"#);
    assert_eq!(rig.span(1), Some(5000));
    rig.pass(1000);
    assert_eq!(rig.span(1), None, "a call is already due at that time");
    assert_eq!(rig.wake_ms(), Some(4000));
    assert!(rig.next().is_none());
    rig.pass(4000);
    let call = rig.send(7);
    assert_eq!((call.cluster.as_str(), call.timeout_ms, call.wants_gzip), ("otel", 10_000, false));
    let head: Vec<_> = call.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        head,
        [
            (":method", "POST"),
            (":path", "/otel/v1/traces"),
            (":authority", "otel"),
            ("content-type", "application/x-protobuf"),
            ("x-key", "k")
        ]
    );
    assert_eq!(items(&call), 2);
    rig.answer(7, 200);
    rig.check_idle((0, 0));
}

#[test]
fn a_full_batch_is_sent_at_once() {
    let mut rig = Rig::new(r#","batch":{"max_items":3}"#);
    assert_eq!([rig.span(1), rig.span(1), rig.span(1), rig.span(1)], [Some(5000), None, Some(0), None]);
    assert_eq!(items(&rig.send(1)), 3);
    assert!(rig.next().is_none(), "the fourth waits");
    rig.answer(1, 200);
    // 300 bytes fit into a batch once.
    let mut rig = Rig::new(r#","batch":{"max_bytes":600}"#);
    assert_eq!([rig.span(300), rig.span(300)], [Some(5000), Some(0)]);
    assert_eq!(items(&rig.send(1)), 1);
    assert!(rig.next().is_none());
}

#[test]
fn spans_and_events_are_sent_in_separate_batches() {
    let mut rig = Rig::new(r#","batch":{"max_items":1}"#);
    assert_eq!((rig.span(1), rig.score()), (Some(0), Some(0)));
    let calls = [rig.send(1), rig.send(2)];
    assert_eq!(calls.each_ref().map(path), ["/v1/traces", "/v1/logs"]);
    assert_eq!(calls.each_ref().map(items), [1, 1]);
    rig.answer(2, 404);
    rig.answer(1, 204);
    rig.check_idle((0, 1));
    let mut rig = Rig::new(r#","events":"off""#);
    assert_eq!((rig.score(), rig.wake_ms()), (None, None));
    let mut rig = Rig::new(r#","traces":"off""#);
    assert_eq!((rig.span(1), rig.wake_ms()), (None, None));
}

#[test]
fn a_permanently_rejected_batch_is_dropped_at_once() {
    for status in [400, 401, 403, 404, 415, 500, 501, 301] {
        let mut rig = Rig::new(r#","batch":{"max_items":2}"#);
        rig.spans(2, 1);
        rig.send(1);
        rig.answer(1, status);
        rig.check_idle((2, 0));
    }
}

#[test]
fn a_temporarily_rejected_batch_is_retried_with_backoff() {
    let mut rig = Rig::new(r#","batch":{"max_items":1}"#);
    rig.span(1);
    for (status, pause_ms) in [(429, 1000), (502, 2000), (503, 4000), (504, 8000), (503, 16_000)] {
        rig.send(1);
        rig.answer(1, status);
        assert_eq!((rig.wake_ms(), rig.dropped()), (Some(pause_ms), (0, 0)));
        rig.pass(pause_ms - 1);
        assert!(rig.next().is_none());
        rig.pass(1);
    }
    rig.send(1);
    rig.answer(1, 503);
    rig.check_idle((1, 0));
    // The next item is not penalised, but waits as long.
    assert_eq!(rig.span(1), Some(30_000));
}

#[test]
fn retry_after_is_honoured() {
    let waits = |header: &[u8]| {
        let mut rig = Rig::new(r#","batch":{"max_items":1}"#);
        rig.span(1);
        rig.send(1);
        rig.answer_as(1, 429, Some(header), b"");
        assert_eq!(rig.span(1), None, "a call is due for the retry");
        rig.wake_ms()
    };
    assert_eq!(waits(b"7"), Some(7000));
    assert_eq!(waits(b" 0 "), Some(1000), "at least the own backoff");
    assert_eq!(waits(b"86400"), Some(300_000));
    assert_eq!(waits(b"Wed, 21 Oct 2026 07:28:00 GMT"), Some(1000));
    assert_eq!(waits(b"\xFF"), Some(1000));
}

#[test]
fn a_batch_that_is_too_large_is_halved() {
    let mut rig = Rig::new(r#","batch":{"max_items":5}"#);
    rig.spans(5, 1);
    rig.send(1);
    rig.answer(1, 413);
    let halves = [rig.send(2), rig.send(3)].map(|call| items(&call));
    assert_eq!(halves, [2, 3]);
    rig.answer(2, 200);
    rig.answer(3, 413);
    let rest = [rig.send(4), rig.send(5)].map(|call| items(&call));
    assert_eq!(rest, [1, 2]);
    rig.answer(4, 413);
    rig.answer(5, 200);
    rig.check_idle((1, 0));
}

#[test]
fn items_rejected_by_partial_success_are_counted() {
    let mut rig = Rig::new(r#","batch":{"max_items":3}"#);
    rig.spans(3, 1);
    rig.send(1);
    rig.answer_as(1, 200, None, b"\x0A\x02\x08\x02");
    rig.check_idle((2, 0));
    rig.score();
    rig.score();
    rig.score();
    rig.send(1);
    rig.answer_as(1, 200, None, br#"{"partialSuccess":{"rejectedLogRecords":"99"}}"#);
    rig.check_idle((2, 3));
}

#[test]
fn a_callout_that_the_host_refuses_or_loses_is_retried() {
    let mut rig = Rig::new(r#","batch":{"max_items":1}"#);
    rig.span(1);
    let call = rig.next().unwrap();
    rig.exporter.record_sent(call.number, None, rig.now_ns, &mut rig.out);
    assert_eq!(rig.wake_ms(), Some(1000));
    rig.pass(1000);
    rig.send(1);
    // The host never responds: the timeout and ten more seconds.
    assert_eq!(rig.wake_ms(), Some(20_000));
    rig.pass(20_000);
    assert!(rig.next().is_none());
    rig.pass(2000);
    rig.send(2);
    // A response that arrives too late is ignored.
    let late = CalloutResponse { status: Some(200), is_local: false, retry_after: None, body: b"" };
    assert!(!rig.exporter.handle_response(1, &late, rig.now_ns, &mut rig.out));
    // A batch whose response was lost may have been delivered. It is sent again with the same ids.
    let lost = CalloutResponse { status: None, ..late };
    assert!(rig.exporter.handle_response(2, &lost, rig.now_ns, &mut rig.out));
    rig.pass(4000);
    rig.send(3);
    rig.answer(3, 200);
    rig.check_idle((0, 0));
}

#[test]
fn the_number_of_callouts_in_flight_is_bounded() {
    let mut rig = Rig::new(r#","batch":{"max_items":1}"#);
    rig.spans(5, 1);
    rig.send(1);
    rig.send(2);
    assert!(rig.next().is_none());
    assert_eq!(rig.wake_ms(), Some(20_000), "the next call is due at a timeout");
    rig.answer(1, 200);
    rig.send(3);
    assert!(rig.next().is_none());
}

#[test]
fn the_bytes_of_kept_items_are_bounded() {
    let mut rig = Rig::new(r#","batch":{"max_bytes":8388608}"#);
    let size = 64 * 1024;
    rig.spans(200, size);
    assert_eq!(rig.dropped(), (73, 0), "127 fit into eight mebibytes, with their attribute names");
    assert!(rig.exporter.memory.bytes() <= TELEMETRY_QUEUE_BYTES_MAX);
    rig.pass(5000);
    rig.send(1);
    assert!(rig.exporter.memory.bytes() > TELEMETRY_QUEUE_BYTES_MAX - size, "items in flight are kept too");
    rig.span(size);
    assert_eq!(rig.dropped(), (74, 0));
    rig.answer(1, 200);
    rig.check_idle((74, 0));
}

#[test]
fn items_beyond_the_memory_budget_are_dropped_and_give_it_back() {
    let document = br#"{"limits":{"worker_bytes":1048576},"telemetry":{"cluster":"otel"}}"#;
    let policy = Policy::parse(document).unwrap();
    let mut rig = Rig { exporter: exporter(&policy), ..Rig::new("") };
    rig.spans(16, 60 * 1024);
    assert_eq!(rig.dropped(), (4, 0), "12 fit into three quarters of a mebibyte");
    rig.exporter.abandon(&mut rig.out);
    rig.check_idle((16, 0));
    assert_eq!(policy.memory().used_bytes(), 0);
}

#[test]
fn a_span_larger_than_a_batch_is_sent_without_its_content() {
    let mut rig = Rig::new(r#","batch":{"max_bytes":1000}"#);
    rig.span(2000);
    rig.pass(5000);
    let call = rig.send(1);
    assert!(call.body.len() < 1000);
    assert!(String::from_utf8_lossy(&call.body).contains("llm_gauge.content_too_large"));
}

#[test]
fn a_closing_exporter_sends_its_items_once() {
    let mut rig = Rig::new("");
    rig.span(1);
    rig.score();
    rig.exporter.close();
    assert_eq!(rig.wake_ms(), Some(1));
    rig.send(1);
    rig.send(2);
    rig.answer(1, 200);
    rig.answer(2, 503);
    rig.check_idle((0, 1));
    assert_eq!(rig.span(1), Some(0));
    rig.exporter.abandon(&mut rig.out);
    rig.check_idle((1, 1));
}

#[test]
fn reasons_are_exported_only_with_content() {
    let text = |policy: &str| {
        let document = format!(r#"{{"telemetry":{{"cluster":"o"{policy}}},"redact":["email"]}}"#);
        let policy = Policy::parse(document.as_bytes()).unwrap();
        let mut rig = Rig { exporter: exporter(&policy), now_ns: 0, out: Vec::new() };
        rig.score();
        assert!(rig.next().is_none(), "the next turn redacts the reason");
        rig.pass(5000);
        String::from_utf8_lossy(&rig.send(1).body).into_owned()
    };
    assert!(!text("").contains("gen_ai.evaluation.explanation"));
    let all = text(r#","content":"all""#);
    assert!(all.contains("Ask [email]") && !all.contains("jan@"), "{all}");
}

#[test]
fn the_encoding_of_an_item_does_not_depend_on_when_it_is_sent() {
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        let span = Span { duration_ms: 5, ..Span::default() };
        assert_eq!(encoding.span(&span, 7), encoding.span(&span, 7));
        assert!(!encoding.span(&span, 0).is_empty(), "a clock at the epoch is valid");
    }
}
