//! For any cuts of a body and any end of the stream, the client gets the upstream's bytes, and the record is the one
//! that the bare engine makes of the same bytes in one piece.

use std::rc::Rc;
use std::sync::OnceLock;

use host_test::drive::EndForm;
use host_test::{ChunkPlan, Cut, Ending, Guest, Headers, Module, Options, drive, replay};
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::exchange::End;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use simulators::case::Case;
use simulators::native;

use crate::common;

#[derive(Debug, Clone)]
struct Run {
    case: Index,
    kept: Option<Index>,
    request_cuts: Vec<Index>,
    response_cuts: Vec<Index>,
    on_last_chunk: bool,
    ending: usize,
}

/// The response code details of a response that its upstream has ended.
const VIA_UPSTREAM: &str = "via_upstream";

/// The endings of a response, each with its bit in Envoy's response flags and its details.
const ENDINGS: &[(Ending, u64, &str)] = &[
    (Ending::Clean, 0, VIA_UPSTREAM),
    (Ending::ClientGone, 1 << 14, "downstream_remote_disconnect"),
    (Ending::UpstreamReset, 1 << 4, "upstream_reset_after_response_started{remote_reset}"),
    (Ending::UpstreamCut, 1 << 23, "upstream_reset_after_response_started{protocol_error}"),
    (Ending::RouteTimeout, 1 << 2, "response_timeout"),
    (Ending::IdleTimeout, 1 << 16, "stream_idle_timeout"),
];

fn run() -> impl Strategy<Value = Run> {
    let index = any::<Index>;
    let cuts = || prop::collection::vec(index(), 0..12);
    let kept = prop::option::of(index());
    (index(), kept, cuts(), cuts(), any::<bool>(), 0..=ENDINGS.len()).prop_map(
        |(case, kept, request_cuts, response_cuts, on_last_chunk, ending)| Run {
            case,
            kept,
            request_cuts,
            response_cuts,
            on_last_chunk,
            ending,
        },
    )
}

fn fixtures() -> &'static (Module, Vec<Case>) {
    static FIXTURES: OnceLock<(Module, Vec<Case>)> = OnceLock::new();
    FIXTURES.get_or_init(|| (common::filter(), common::own_cases()))
}

fn cut(at: &[Index], body: &[u8]) -> Cut {
    let mut at: Vec<_> = at.iter().map(|index| index.index(body.len() + 1)).collect();
    at.sort_unstable();
    Cut::At(at)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_any_end_one_record(run in run()) {
        let (module, cases) = fixtures();
        let mut case = run.case.get(cases).clone();
        if let Some(kept) = run.kept {
            case.response_body.truncate(kept.index(case.response_body.len() + 1));
        }
        // One ending in addition to the list: trailers, which also end a response.
        let trailers = (Ending::Trailers(Headers::from([("x-checksum", b"\xff")])), 0, VIA_UPSTREAM);
        let (ending, flags, details) = ENDINGS.get(run.ending).cloned().unwrap_or(trailers);

        let mut guest = Guest::start(module, Options::configured(replay::with_record(&case.configuration).unwrap()))
            .unwrap();
        let mut exchange = replay::exchange(&case);
        exchange.ending = ending;
        let plan = ChunkPlan {
            request: cut(&run.request_cuts, &case.request_body),
            response: cut(&run.response_cuts, &case.response_body),
            end: if run.on_last_chunk { EndForm::OnLastChunk } else { EndForm::EmptyChunk },
        };
        let report = drive(&mut guest, &exchange, &plan).unwrap();

        prop_assert_eq!(&report.client.body, &case.response_body);
        prop_assert_eq!(&report.upstream.body, &case.request_body);
        let policy = Rc::new(Policy::parse(&case.configuration).unwrap());
        let whole = std::iter::once(case.response_body.as_slice());
        let end = End { code: None, flags, details: details.to_owned() };
        let twin = native::record_ending(&policy, &case, whole, end).unwrap();
        prop_assert_eq!(replay::record(&report).unwrap(), Value::Object(native::fields(&twin)));
        prop_assert_eq!(common::requests(&guest).values().sum::<u64>(), 1);
    }
}
