//! One exchange of any format in any pieces makes one record. Input: what to ask, the format and which of its
//! places, the heads, how it ends, eight places to cut at, how long the request is, then its body and the response's.
#![no_main]

use std::io::{Read as _, Write as _};
use std::rc::Rc;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use llm_gauge_engine::effects::{Effects, exchange_effects};
use llm_gauge_engine::ending::End;
use llm_gauge_engine::exchange::Exchange;
use llm_gauge_engine::formats;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::config::{Place, Policy};
use llm_gauge_engine::record::{Gap, Record};
use llm_gauge_engine::series::Series;

mod made;

/// Content types of requests, and whether the body is a form's.
const ASKED_TYPES: [&[u8]; 5] =
    [b"application/json", b"", b"multipart/form-data; boundary=b", b"text/plain; x=\xff", b"audio/wav"];
/// Content types of responses.
const TYPES: [&[u8]; 10] = [
    b"application/json",
    b"text/event-stream",
    b"application/vnd.amazon.eventstream",
    b"application/x-ndjson",
    b"text/event-stream; x=\xff",
    b"multipart/mixed; boundary=b",
    b"application/stream+json",
    b"application/jsonl",
    b"audio/mpeg",
    b"",
];
const ENCODINGS: [&[u8]; 8] = [b"", b"", b"", b"gzip", b"br", b"zstd", b"identity", b"gzip, deflate"];
const CODES: [&[u8]; 8] = [b"200", b"400", b"401", b"404", b"429", b"500", b"503", b"x"];
/// Flags of Envoy, each by itself: none, the client left, resets, time-outs, limits.
const FLAGS: [u64; 8] = [0, 0, 1 << 14, 1 << 4, 1 << 2, 1 << 5, 1 << 11, 1 << 28];
/// What stands for each star of a claim; some name a vendor that has a row of its own.
const MODELS: [&str; 5] = ["m", "amazon.nova-lite-v1:0", "anthropic.claude-3", "ai21.jamba", "gemini-2.0"];
/// A format without claims is that of a known host's other paths.
const OTHER: (&str, &str) = ("api.openai.com", "/v1/files");
/// As in claims of a path only; the one for hosts that no table knows is the second.
const HOSTS: [&str; 4] =
    ["api.openai.com", "h.example", "bedrock-runtime.us-east-1.amazonaws.com", "localhost:11434"];

/// Longer responses have nothing new.
const LENGTH_MAX: usize = 6000;

thread_local! {
    static POLICY: Rc<Policy> = {
        let policy = br#"{"limits":{"event_bytes":200},"filter_state":["record"],"prices":{"rows":[{"provider":"openai","match":"*","input":"2","output":"8"}]},
            "labels":[{"name":"team","header":"x-team"}]}"#;
        Rc::new(Policy::parse(policy).expect("a good policy"))
    };
}

/// Hosts and paths that lead to the row, at least one for each.
fn places(row: usize) -> Vec<(String, String)> {
    let format = formats::ALL[row];
    let mut places = Vec::new();
    if format.claims.is_empty() {
        places.push((OTHER.0.to_owned(), OTHER.1.to_owned()));
    }
    for claim in format.claims {
        for (model, host) in MODELS.iter().flat_map(|model| HOSTS.iter().map(move |host| (model, host))) {
            // A claim without a host begins with a star that stands for any.
            let place = match claim.strip_prefix("*/") {
                Some(path) => format!("{host}/{}", path.replace('*', model)),
                None => claim.replacen("*.", "e.", 1).replacen('*', "/v1", 1).replace('*', model),
            };
            let slash = place.find('/').unwrap_or(place.len());
            let (host, path) = place.split_at(slash);
            // Some other row may have the better claim.
            let reached = formats::claimed("POST", host, path);
            if reached.is_some_and(|reached| reached.name == format.name) {
                places.push((host.to_owned(), path.to_owned()));
            }
        }
    }
    places
}

/// The places of every row, or this says which has none.
fn all_places() -> Vec<Vec<(String, String)>> {
    let rows = formats::ALL.iter().enumerate();
    rows.map(|(row, format)| {
        let places = places(row);
        assert!(!places.is_empty(), "no place leads to {}", format.name);
        places
    })
    .collect()
}

struct Choice {
    what: u8,
    host: String,
    path: String,
    head: u8,
    status: u8,
    end: u8,
}

type Seen = (Record, Effects);

fn run(choice: &Choice, request: &[&[u8]], response: &[&[u8]]) -> Seen {
    let policy = POLICY.with(Rc::clone);
    let pick = |byte: u8, of: usize| usize::from(byte) % of;
    let asked = [
        (&b":method"[..], &b"POST"[..]),
        (b":path", choice.path.as_bytes()),
        (b":authority", choice.host.as_bytes()),
        (b"content-type", ASKED_TYPES[pick(choice.what, 5)]),
        (b"content-encoding", ENCODINGS[pick(choice.what >> 4, 8)]),
        (b"x-team", b"t"),
    ];
    let asked = Headers::new(asked);
    let mut exchange = Exchange::begin(&policy, &asked, &Place::default(), [7; 24], 0).expect("a known path");
    request.iter().for_each(|piece| exchange.request_body(piece));
    // Bits of the end: the request is cut off, the response has no end or no head, it comes before the request's end.
    if choice.end & 8 == 0 {
        exchange.request_end();
    }
    let head = [
        (&b":status"[..], CODES[pick(choice.status, 8)]),
        (b"content-type", TYPES[pick(choice.head, 10)]),
        (b"content-encoding", ENCODINGS[pick(choice.status >> 4, 8)]),
        (b"x-amzn-errortype", if choice.status & 8 == 0 { b"" } else { b"ThrottlingException:http" }),
        (b"x-amzn-bedrock-input-token-count", b"3"),
    ];
    if choice.end & 16 == 0 {
        exchange.response_head(&Headers::new(head));
    }
    response.iter().for_each(|piece| exchange.response_body(piece, 5_000_000));
    if choice.end & 32 == 0 {
        exchange.response_end();
    }
    let code = (choice.end & 64 != 0).then_some(503);
    let end = End { code, flags: FLAGS[pick(choice.end, 8)], details: String::new() };
    let record = exchange.finish(&end, 9_000_000);
    let effects = exchange_effects(&record, &policy, &mut Series::new(&policy));
    (record, effects)
}

/// `body` cut at these places.
fn pieces<'a>(body: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| usize::from(*cut) * (body.len() + 1) / 256).collect();
    cuts.sort_unstable();
    let begins = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([body.len()]);
    begins.zip(ends).map(|(begin, end)| &body[begin..end]).collect()
}

/// The body as its head announces it.
fn encoded(encoding: &[u8], body: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::new(1);
    let mut encoded = Vec::new();
    let made = match encoding {
        b"gzip" => flate2::read::GzEncoder::new(body, level).read_to_end(&mut encoded),
        b"zstd" => return zstd::stream::encode_all(body, 1).expect("a level"),
        b"br" => {
            let mut encoder = brotlic::CompressorWriter::new(Vec::new());
            encoder.write_all(body).expect("a write to memory");
            return encoder.into_inner().expect("an end");
        }
        b"gzip, deflate" => {
            let inner = self::encoded(b"gzip", body);
            flate2::read::ZlibEncoder::new(&inner[..], level).read_to_end(&mut encoded)
        }
        _ => return body.to_vec(),
    };
    made.expect("an encoder that works");
    encoded
}

/// The same, but for bombs, which go off a little earlier in pieces.
fn assert_alike(seen: &Seen, whole: &Seen) {
    let is_bomb = |seen: &Seen| seen.0.gaps.contains(&Gap::DecodedTooLarge);
    assert!(seen == whole || is_bomb(seen) || is_bomb(whole), "{:?}\n{:?}", seen.0, whole.0);
}

fuzz_target!(|input: &[u8]| {
    static ROWS: LazyLock<Vec<Vec<(String, String)>>> = LazyLock::new(all_places);
    let Some((&[what, row, place, head, status, end, cuts @ .., length], bodies)) =
        input.split_first_chunk::<15>()
    else {
        return;
    };
    let places = &ROWS[usize::from(row) % formats::ALL.len()];
    let (host, path) = places[usize::from(place) % places.len()].clone();
    let choice = Choice { what, host, path, head, status, end };
    let (request, response) = bodies.split_at(usize::from(length) * bodies.len() / 255);
    let mut response = if place & 128 == 0 { response.to_vec() } else { made::frames(response) };
    response.truncate(LENGTH_MAX);
    if end & 128 != 0 {
        response = encoded(ENCODINGS[usize::from(status >> 4) % 8], &response);
    }
    let response = response.as_slice();
    let whole = run(&choice, &[request], &[response]);
    assert_alike(&run(&choice, &pieces(request, &cuts[..4]), &pieces(response, &cuts[4..])), &whole);
    // Beyond a bound the smallest pieces are longer than a byte, so that no round is slow.
    let every = |body: &[u8]| 1 + body.len() / 1000;
    let by_bytes = run(
        &choice,
        &request.chunks(every(request)).collect::<Vec<_>>(),
        &response.chunks(every(response)).collect::<Vec<_>>(),
    );
    assert_alike(&by_bytes, &whole);
});
