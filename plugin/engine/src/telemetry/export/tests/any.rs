//! Any order of spans, events, callouts and responses: each submitted item is delivered, dropped, or still kept.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Span(usize),
    Score,
    Next { is_taken: bool },
    Answer { which: usize, how: usize },
    Pass { ms: u64 },
    Close,
    Abandon,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3000_usize).prop_map(Step::Span),
        4 => Just(Step::Score),
        6 => prop::bool::weighted(0.9).prop_map(|is_taken| Step::Next { is_taken }),
        6 => (0..4_usize, 0..16_usize).prop_map(|(which, how)| Step::Answer { which, how }),
        4 => (0..40_000_u64).prop_map(|ms| Step::Pass { ms }),
        1 => prop::bool::weighted(0.1).prop_map(|is| if is { Step::Close } else { Step::Score }),
        1 => prop::bool::weighted(0.1).prop_map(|is| if is { Step::Abandon } else { Step::Score }),
    ]
}

/// The responses of a receiver.
const ANSWERS: &[(Option<u32>, &[u8])] = &[
    (Some(200), b""),
    (Some(200), b""),
    (Some(200), b""),
    (Some(200), b"\x0A\x02\x08\x01"),
    (Some(200), b"\x0A\x02\x08\x7F"),
    (Some(200), b"{\"partialSuccess\":{\"rejectedSpans\":\"2\"}}"),
    (Some(200), b"junk"),
    (Some(429), b""),
    (Some(503), b""),
    (Some(503), b""),
    (Some(504), b""),
    (Some(413), b""),
    (Some(413), b""),
    (Some(400), b""),
    (Some(302), b""),
    (None, b""),
];

#[derive(Default)]
struct Tally {
    produced: u64,
    delivered: u64,
    last_token: u32,
    under_way: Vec<(u32, Callout)>,
}

impl Tally {
    fn play(&mut self, rig: &mut Rig, step: &Step) {
        match step {
            Step::Span(bytes) => {
                rig.span(*bytes);
                self.produced += 1;
            }
            Step::Score => {
                rig.score();
                self.produced += 1;
            }
            Step::Next { is_taken } => {
                if let Some(call) = rig.next() {
                    self.last_token += 1;
                    let token = is_taken.then_some(self.last_token);
                    rig.exporter.record_sent(call.number, token, rig.now_ns, &mut rig.out);
                    self.under_way.extend(token.map(|token| (token, call)));
                }
            }
            Step::Answer { which, how } if *which < self.under_way.len() => {
                let (token, call) = self.under_way.remove(*which);
                let (status, body) = ANSWERS[*how];
                let answer = CalloutResponse { status, is_local: false, retry_after: Some(b"2"), body };
                let is_known = rig.exporter.handle_response(token, &answer, rig.now_ns, &mut rig.out);
                if is_known && status == Some(200) {
                    let items = items(&call) as u64;
                    self.delivered += items - partial_success::rejected(body).min(items);
                }
                // A second response to a callout is ignored.
                assert!(!rig.exporter.handle_response(token, &answer, rig.now_ns, &mut rig.out));
            }
            Step::Answer { .. } => {}
            Step::Pass { ms } => rig.pass(*ms),
            Step::Close => rig.exporter.close(),
            Step::Abandon => rig.exporter.abandon(&mut rig.out),
        }
    }
}

proptest! {
    #[test]
    fn every_item_is_delivered_dropped_or_kept(steps in prop::collection::vec(step(), 0..300)) {
        let mut rig = Rig::new(r#","batch":{"max_items":4,"max_bytes":5000,"interval_ms":700}"#);
        let mut tally = Tally::default();
        for step in &steps {
            tally.play(&mut rig, step);
            let (spans, events) = rig.dropped();
            prop_assert_eq!(tally.produced, tally.delivered + spans + events + item_count(&rig.exporter) as u64, "{:?}", step);
            prop_assert!(rig.exporter.memory.bytes() <= TELEMETRY_QUEUE_BYTES_MAX);
            let in_flight = rig.exporter.lanes.iter().map(|lane| lane.callouts.in_flight());
            prop_assert!(in_flight.sum::<usize>() <= 2 * TELEMETRY_IN_FLIGHT_MAX);
            prop_assert_eq!(rig.exporter.is_idle(), item_count(&rig.exporter) == 0);
            // If an item is kept, the exporter asks to be called.
            prop_assert_eq!(rig.wake_ms().is_some(), item_count(&rig.exporter) > 0);
        }
        rig.exporter.abandon(&mut rig.out);
        let (spans, events) = rig.dropped();
        prop_assert_eq!(tally.produced, tally.delivered + spans + events);
        rig.check_idle((spans, events));
    }
}
