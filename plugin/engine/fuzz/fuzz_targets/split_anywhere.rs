//! One exchange in any pieces makes one record. Input: two bytes that choose heads and end, three places to cut at,
//! then the body, which is the request's and the response's alike.
#![no_main]

use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use llm_gauge_engine::effect::Effect;
use llm_gauge_engine::ending::End;
use llm_gauge_engine::exchange::Exchange;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::outputs;
use llm_gauge_engine::policy::{Place, Policy};
use llm_gauge_engine::record::Record;
use llm_gauge_engine::series::Series;

const PATHS: [&[u8]; 6] = [
    b"/v1/chat/completions",
    b"/v1/messages",
    b"/v1/complete",
    b"/v1/completions",
    b"/v1/embeddings",
    b"/v1/messages/count_tokens",
];
const TYPES: [&[u8]; 4] = [b"application/json", b"text/event-stream", b"text/event-stream; x=\xff", b""];
const CODES: [&[u8]; 4] = [b"200", b"400", b"503", b"x"];
const FLAGS: [u64; 4] = [0, 1 << 14, 1 << 4, 1 << 2];

thread_local! {
    static POLICY: Rc<Policy> = {
        let policy = br#"{"limits":{"event_bytes":200},"filter_state":["record"]}"#;
        Rc::new(Policy::parse(policy).expect("a good policy"))
    };
}

fn run(policy: &Rc<Policy>, choice: [usize; 2], body: &[u8], cuts: &[usize]) -> (Record, Vec<Effect>) {
    let pick = |shift: u32, of: usize| (choice[0] >> shift) % of;
    let path = PATHS[choice[1] % PATHS.len()];
    let request = [(&b":method"[..], &b"POST"[..]), (b":path", path), (b":authority", b"api.openai.com")];
    let request = Headers::new(request);
    let mut exchange =
        Exchange::begin(policy, &request, &Place::default(), [7; 24], 0).expect("a known path");
    for piece in pieces(body, cuts) {
        exchange.request_body(piece);
    }
    exchange.request_end();
    let response = [(&b":status"[..], CODES[pick(0, 4)]), (b"content-type", TYPES[pick(2, 4)])];
    exchange.response_head(&Headers::new(response));
    for piece in pieces(body, cuts) {
        exchange.response_body(piece, 5_000_000);
    }
    if choice[0] & 16 == 0 {
        exchange.response_end();
    }
    let end = End { code: None, flags: FLAGS[pick(5, 4)], details: String::new() };
    let record = exchange.finish(&end, 9_000_000);
    let effects = outputs::of(&record, policy, &mut Series::new(policy));
    (record, effects)
}

fn pieces<'a>(body: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for cut in cuts.into_iter().chain([body.len()]) {
        pieces.push(&body[from..cut]);
        from = cut;
    }
    pieces
}

fuzz_target!(|input: &[u8]| {
    let Some((choices, body)) = input.split_first_chunk::<5>() else { return };
    let [head, path, cuts @ ..] = choices.map(usize::from);
    let policy = POLICY.with(Rc::clone);
    let whole = run(&policy, [head, path], body, &[]);
    assert_eq!(run(&policy, [head, path], body, &cuts), whole);
    let every: Vec<_> = (0..body.len()).collect();
    assert_eq!(run(&policy, [head, path], body, &every), whole);
});
