//! Malformed bodies.

use std::rc::Rc;
use std::sync::OnceLock;

use host_test::{Cut, replay};
use llm_gauge_engine::config::Policy;
use proptest::prelude::*;
use proptest::sample::Index;
use simulators::case::Case;
use simulators::native;

use super::*;

fn answered(body: &[u8], plan: &ChunkPlan) -> (Guest, StreamReport) {
    let mut guest = metering();
    let exchange = Exchange::new(request_head(), REQUEST, response_head(), body);
    let report = play(&mut guest, &exchange, plan);
    (guest, report)
}

#[test]
fn deep_nesting_ends_the_reading_and_nothing_else() {
    for opening in ["[", "{\"a\":", "{\"usage\":[", "{\"choices\":[{\"message\":"] {
        let body = opening.repeat(300_000 / opening.len());
        let (guest, report) = answered(body.as_bytes(), &ChunkPlan::every(16 * 1024));
        assert_eq!(gaps(&report), json!(["too_deep"]));
        assert_eq!(counter(&guest, "llm_gauge_gaps_total.reason=.=too_deep;.;"), Some(1));
        counted(&guest, &[(SUCCESS, 1)]);
    }
    let mut guest = metering();
    let body = [br#"{"model":"gpt-4o-mini","messages":"#, "[".repeat(300_000).as_bytes()].concat();
    let exchange = Exchange::new(request_head(), body, response_head(), RESPONSE);
    let report = play(&mut guest, &exchange, &ChunkPlan::every(16 * 1024));
    assert_eq!(gaps(&report), json!(["too_deep"]));
    counted(&guest, &[(SUCCESS, 1)]);
}

/// A body in an unsupported encoding is not decoded, and the client gets it unchanged.
#[test]
fn an_unknown_encoding_passes_untouched() {
    let bomb = [b"\x1f\x8b\x08\x00".as_slice(), &[0; 200_000]].concat();
    let mut guest = metering();
    let head = response_head().with("content-encoding", "x-squeezed");
    let exchange = Exchange::new(request_head(), REQUEST, head.clone(), bomb);
    let report = play(&mut guest, &exchange, &ChunkPlan::every(4096));
    assert_eq!(gaps(&report), json!(["unknown_encoding"]));
    assert_eq!(report.client.headers.unwrap().get("content-encoding"), Some(&b"x-squeezed"[..]));
    assert_eq!(counter(&guest, "llm_gauge_gaps_total.reason=.=unknown_encoding;.;"), Some(1));
    let missing =
        "llm_usage_missing_total.provider=.=openai;.;.model=.=gpt-4o-mini;.;.reason=.=unreadable;.;";
    assert_eq!(counter(&guest, missing), Some(1));
    counted(&guest, &[(SUCCESS, 1)]);
}

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..max)
}

/// Returns bytes that have more JSON and SSE syntax than random ones.
fn syntax() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        "\\u",
        "d83c",
        ":",
        ",",
        "\n",
        "\r",
        "\r\n\r\n",
        "data: ",
        "data",
        "event",
        "[DONE]",
        "null",
        "-1e9",
        "1",
        "18446744073709551616",
        "usage",
        "\"usage\":{",
        "\"prompt_tokens\":",
        "\"choices\":[",
        "\"index\":",
        "\u{feff}",
        " ",
        "\u{1f30a}",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..200)
        .prop_map(|pieces| pieces.concat().into_bytes())
}

fn cases() -> &'static Vec<Case> {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(common::own_cases)
}

/// Returns the body of a case with a few damaged places.
fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((any::<Index>(), 0..3usize, any::<u8>()), 1..6);
    (any::<Index>(), edits).prop_map(|(case, edits)| {
        let mut body = case.get(cases()).response_body.clone();
        for (place, kind, byte) in edits {
            let place = place.index(body.len() + 1);
            let end = if kind == 0 { place } else { (place + 1).min(body.len()) };
            body.splice(place..end, (kind < 2).then_some(byte));
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 768, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_pass_and_the_bare_engine_agrees(
        case in any::<Index>(),
        request in prop_oneof![bytes(400), syntax()],
        response in prop_oneof![bytes(400), syntax(), spoilt()],
        content_type in prop::option::of(prop_oneof![
            prop::sample::select(vec![b"text/event-stream".to_vec(), b"application/json".to_vec()]),
            bytes(12),
        ]),
        cut in 1usize..40,
    ) {
        let mut case = case.get(cases()).clone();
        case.request_body = request;
        case.response_body = response;
        case.response_head = vec![(":status".to_owned(), b"200".to_vec())];
        case.response_head.extend(content_type.map(|value| ("content-type".to_owned(), value)));
        let configuration = replay::with_record(&case.configuration).unwrap();
        let mut guest = Guest::start(&common::filter(), Options::configured(configuration)).unwrap();
        let plan = ChunkPlan { response: Cut::Every(cut), ..ChunkPlan::whole() };
        let report = play(&mut guest, &replay::exchange(&case), &plan);

        let policy = Rc::new(Policy::parse(&case.configuration).unwrap());
        let whole = std::iter::once(case.response_body.as_slice());
        let twin = native::record(&policy, &case, whole).unwrap();
        prop_assert_eq!(replay::record(&report).unwrap(), Value::Object(native::fields(&twin)));
        prop_assert_eq!(common::requests(&guest).values().sum::<u64>(), 1);
    }
}
