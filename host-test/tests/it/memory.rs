//! Buffers for foreign input use a memory budget: neither many bodies at once nor large ones end the filter, all are
//! counted, and the memory is returned.

use host_test::{Action, ChunkPlan, Ending, Exchange, Guest, Headers, Options, drive};

use crate::common;

/// The size of a VM that traps if the filter relies on the allocator.
const SMALL_VM_BYTES: usize = 32 << 20;

/// The default budget, and one that leaves a small VM room for itself.
const CONFIGURATIONS: [&str; 2] = ["{}", r#"{"limits":{"worker_bytes":16777216}}"#];

const SAMPLED: &str = r#"{"judge":{"cluster":"judge","model":"grader","sample_rate":1,
    "context":["system","tool_results","documents"]},"limits":{"worker_bytes":16777216}}"#;

fn guest(configuration: &str, memory_bytes_max: usize) -> Guest {
    let options = Options { memory_bytes_max, ..Options::configured(configuration) };
    Guest::start(&common::filter(), options).unwrap()
}

/// Returns the beginning of a `zstd` request with a window of `window_bytes`, which expands to as many from about 40
/// KB.
fn zstd(window_bytes: usize) -> Vec<u8> {
    let start = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{}"#, "y".repeat(40_000));
    let exponent = u8::try_from(window_bytes.ilog2()).unwrap() - 10;
    let mut body = [0xFD2F_B528u32.to_le_bytes().as_slice(), &[0, exponent << 3]].concat();
    let mut block = |bytes: usize, kind: usize, content: &[u8]| {
        body.extend_from_slice(&(bytes << 3 | kind << 1).to_le_bytes()[..3]);
        body.extend_from_slice(content);
    };
    block(start.len(), 0, start.as_bytes());
    (0..window_bytes >> 17).for_each(|_| block(128 << 10, 1, b"x"));
    body
}

/// Returns a deflate stream of stored blocks only, which another layer of compression can make small.
fn stored(bytes: usize) -> Vec<u8> {
    let mut frame = [0xFD2F_B528u32.to_le_bytes().as_slice(), &[0, 13 << 3]].concat();
    for _ in 0..bytes >> 17 {
        frame.extend_from_slice(&((128usize << 10) << 3).to_le_bytes()[..3]);
        frame.extend(std::iter::repeat_n(b'x', 128 << 10));
    }
    frame
}

fn head(encoding: &str) -> Headers {
    let head = Headers::request("POST", "api.openai.com", "/v1/chat/completions")
        .with("content-type", "application/json");
    if encoding.is_empty() { head } else { head.with("content-encoding", encoding) }
}

/// Opens a stream with this unfinished request.
fn open(guest: &mut Guest, head: &Headers, body: &[u8]) -> u32 {
    let mut stream = guest.open().unwrap();
    stream.request_headers(head, false).unwrap();
    for piece in body.chunks(16 << 10) {
        assert_eq!(stream.request_body(piece, false).unwrap(), Action::Continue, "it passes");
    }
    stream.id()
}

/// Checks that an unrelated exchange is counted in full.
fn another_is_counted(guest: &mut Guest) {
    let answer =
        r#"{"choices":[{"message":{"content":"Hi"}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
    let response = Headers::response(200).with("content-type", "application/json");
    let exchange = Exchange::new(head(""), r#"{"model":"other-model"}"#, response, answer);
    drive(guest, &exchange, &ChunkPlan::whole()).unwrap();
    let tokens =
        "llm_tokens_total.provider=.=openai;.;.model=.=other-model;.;.type=.=output;.;.source=.=reported;.;";
    assert_eq!(guest.host().metric(tokens), Some(4));
}

fn gaps(guest: &Guest, reason: &str) -> u64 {
    guest.host().metric(&format!("llm_gauge_gaps_total.reason=.={reason};.;")).unwrap_or(0)
}

/// Opens `streams` requests at once, and ends them all: everything is counted, and the memory is free again.
fn attack(configuration: &str, streams: u64, head: &Headers, body: &[u8]) -> Guest {
    let mut guest = guest(configuration, SMALL_VM_BYTES);
    let ids: Vec<_> = (0..streams).map(|_| open(&mut guest, head, body)).collect();
    another_is_counted(&mut guest);
    for id in ids {
        guest.stream(id).end(Ending::ClientGone).unwrap();
    }
    guest.run_pending().unwrap();
    assert_eq!(common::requests(&guest).values().sum::<u64>(), streams + 1, "each is counted once");
    guest
}

#[test]
fn held_windows_are_bounded_over_all_streams() {
    let body = zstd(8 << 20);
    for configuration in CONFIGURATIONS {
        let guest = attack(configuration, 75, &head("zstd"), &body);
        assert!(guest.host().memory.bytes <= SMALL_VM_BYTES, "{configuration}");
    }
    let twice = Headers::request("POST", "api.openai.com", "/v1/chat/completions")
        .with("content-type", "application/json")
        .with("content-encoding", "zstd, zstd");
    attack("{}", 75, &twice, &stored(2 << 20));
}

#[test]
fn linear_memory_stays_below_twice_the_budget() {
    let mut guest = guest("{}", 1 << 30);
    let body = zstd(8 << 20);
    let ids: Vec<_> = (0..100).map(|_| open(&mut guest, &head("zstd"), &body)).collect();
    another_is_counted(&mut guest);
    let first_wave_bytes = guest.host().memory.bytes;
    assert!(first_wave_bytes < 128 << 20, "{first_wave_bytes}");
    for id in ids {
        guest.stream(id).end(Ending::ClientGone).unwrap();
    }
    for _ in 0..100 {
        open(&mut guest, &head("zstd"), &body);
    }
    let growth_bytes = guest.host().memory.bytes - first_wave_bytes;
    assert!(growth_bytes < 8 << 20, "returned memory is used again: {growth_bytes}");
}

#[test]
fn a_body_that_gets_no_memory_is_a_gap_of_its_own() {
    // Each takes 44 KB for gzip's window, and requests may take half of a mebibyte.
    let gzip = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 0];
    let guest = attack(r#"{"limits":{"worker_bytes":1048576}}"#, 40, &head("gzip"), &gzip);
    assert_eq!(gaps(&guest, "memory"), 29, "11 have a window, which the client leaves in its middle");
}

#[test]
fn captured_texts_are_bounded_over_all_streams() {
    let text = "\u{1F600}".repeat(5_000);
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"tool","content":"{text}"}},{{"role":"user","content":"{text}"}},{{"role":"user","content":"{text}"#
    );
    let mut guest = guest(SAMPLED, SMALL_VM_BYTES);
    let ids: Vec<_> = (0..1000).map(|_| open(&mut guest, &head(""), body.as_bytes())).collect();
    let answer = r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
    for id in ids {
        let mut stream = guest.stream(id);
        stream.request_body(br#""}]}"#, true).unwrap();
        let response = Headers::response(200).with("content-type", "application/json");
        stream.response_headers(&response, false).unwrap();
        stream.response_body(answer.as_bytes(), true).unwrap();
        stream.end(Ending::Clean).unwrap();
    }
    let counts = |name: &str| {
        let proxy_state = guest.host().proxy_state();
        let found = proxy_state.metrics.iter().filter(|((stat, _), _)| stat.starts_with(name));
        found.map(|(_, metric)| metric.value).sum::<u64>()
    };
    assert_eq!((counts("llm_requests_total."), counts("llm_judge_sampled_total.")), (1000, 1000));
    let lost = "llm_judge_outcomes_total.model=.=m;.;.outcome=.=memory;.;";
    assert!(guest.host().metric(lost) > Some(500), "{:?}", guest.host().metric(lost));
}

#[test]
fn exchanges_beyond_the_budget_pass_and_are_counted_as_dropped() {
    let mut guest = guest(r#"{"limits":{"worker_bytes":1048576}}"#, SMALL_VM_BYTES);
    let ids: Vec<_> = (0..2000).map(|_| open(&mut guest, &head(""), br#"{"model":"m"}"#)).collect();
    for id in ids {
        guest.stream(id).end(Ending::ClientGone).unwrap();
    }
    let counted = common::requests(&guest).values().sum::<u64>();
    let dropped = guest.host().metric("llm_gauge_dropped_total.kind=.=exchanges;.;").unwrap_or(0);
    assert_eq!(counted + dropped, 2000);
    // 1.5 MiB of 2560 bytes each.
    assert_eq!(counted, 615);
    another_is_counted(&mut guest);
}

#[test]
fn a_response_whose_piece_cannot_be_copied_passes_and_is_a_gap() {
    let mut guest = guest("{}", 6 << 20);
    let held: Vec<_> = (0..400)
        .map(|_| open(&mut guest, &head("gzip"), &[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 0]))
        .collect();
    let body = vec![b' '; 1 << 20];
    let response = Headers::response(200).with("content-type", "application/json");
    let exchange = Exchange::new(head(""), r#"{"model":"m"}"#, response, body.clone());
    let report = drive(&mut guest, &exchange, &ChunkPlan::whole()).unwrap();
    assert_eq!(report.client.body, body);
    for id in held {
        guest.stream(id).end(Ending::ClientGone).unwrap();
    }
    let dropped = guest.host().metric("llm_gauge_dropped_total.kind=.=exchanges;.;").unwrap_or(0);
    assert_eq!(common::requests(&guest).values().sum::<u64>() + dropped, 401);
    another_is_counted(&mut guest);
}
