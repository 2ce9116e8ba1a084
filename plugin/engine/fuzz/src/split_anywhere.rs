//! One exchange of any format makes one record, whatever the pieces it arrives in.
//!
//! An input is the name of a format and a line feed; five bytes that make a `Choice`; eight places to cut at; the
//! request's share of the bodies, in 255ths; and then the request's and the response's body. A name that no format has
//! stands for one of them. A format's number would not do: it changes when formats are added.

use std::io::Read as _;
use std::rc::Rc;
use std::sync::LazyLock;

use flate2::read::{GzEncoder, ZlibEncoder};
use llm_gauge_decode_fuzz::cuttings::{cut, smallest};
use llm_gauge_decode_fuzz::references::{Options, brotli_encode, zstd_encode};
use llm_gauge_engine::config::{Place, Policy};
use llm_gauge_engine::effects::{Effects, exchange_effects};
use llm_gauge_engine::exchange::End;
use llm_gauge_engine::exchange::Exchange;
use llm_gauge_engine::formats::{self, Format};
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::record::{Gap, Record};
use llm_gauge_engine::series::Series;

use crate::frame_encoder;

/// The content types of requests.
const REQUEST_TYPES: [&[u8]; 5] =
    [b"application/json", b"", b"multipart/form-data; boundary=b", b"text/plain; x=\xff", b"audio/wav"];
/// The content types of responses.
const RESPONSE_TYPES: [&[u8]; 10] = [
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
const STATUSES: [&[u8]; 8] = [b"200", b"400", b"401", b"404", b"429", b"500", b"503", b"x"];
/// Envoy's response flags, one at a time: none, the client left, resets, timeouts, limits.
const FLAGS: [u64; 8] = [0, 0, 1 << 14, 1 << 4, 1 << 2, 1 << 5, 1 << 11, 1 << 28];
/// The texts that replace each star of a claim. Some name a vendor that has a format of its own.
const MODELS: [&str; 5] = ["m", "amazon.nova-lite-v1:0", "anthropic.claude-3", "ai21.jamba", "gemini-2.0"];
/// The host and path of a format without claims: another path of a known host.
const OTHER: (&str, &str) = ("api.openai.com", "/v1/files");
/// The hosts of claims that only name a path. The second is in no table.
const HOSTS: [&str; 4] =
    ["api.openai.com", "h.example", "bedrock-runtime.us-east-1.amazonaws.com", "localhost:11434"];

/// The maximum size of a response, so that no input takes long.
const RESPONSE_BYTES_MAX: usize = 6000;

thread_local! {
    static POLICY: Rc<Policy> = {
        let policy = br#"{"limits":{"event_bytes":200},"filter_state":["record"],"prices":{"rows":[{"provider":"openai","match":"*","input":"2","output":"8"}]},
            "labels":[{"name":"team","header":"x-team"}]}"#;
        Rc::new(Policy::parse(policy).expect("a good policy"))
    };
}

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some((name, input)) = split_name(input) else { return };
    let Some((&[request, place, head, status, end, cuts @ .., share], bodies)) =
        input.split_first_chunk::<14>()
    else {
        return;
    };
    let (host, path) = place_of(name, place);
    let choice = Choice { request, host, path, head, status, end };
    let (request, response) = bodies.split_at(usize::from(share) * bodies.len() / 255);
    let mut response = if place & 128 == 0 { response.to_vec() } else { frame_encoder::frames(response) };
    response.truncate(RESPONSE_BYTES_MAX);
    if end & 128 != 0 {
        response = encoded(choice.response_encoding(), &response);
    }
    let response = response.as_slice();
    let whole = run(&choice, &[request], &[response]);
    assert_alike(&run(&choice, &cut(request, &cuts[..4]), &cut(response, &cuts[4..])), &whole);
    assert_alike(&run(&choice, &smallest(request), &smallest(response)), &whole);
}

/// Splits the name of a format off an input.
pub fn split_name(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', input)?;
    Some((&input[..end], &input[end + 1..]))
}

/// Returns a host and a path that lead to the format of this name.
fn place_of(name: &[u8], choice: u8) -> (String, String) {
    static PLACES: LazyLock<Vec<Vec<(String, String)>>> =
        LazyLock::new(|| formats::ALL.iter().map(|format| places(format)).collect());
    let named = formats::ALL.iter().position(|format| format.name.as_bytes() == name);
    let some = || name.iter().map(|byte| usize::from(*byte)).sum::<usize>() % formats::ALL.len();
    let places = &PLACES[named.unwrap_or_else(some)];
    places[usize::from(choice) % places.len()].clone()
}

/// Returns all hosts and paths that lead to the format, and panics if there is none.
fn places(format: &Format) -> Vec<(String, String)> {
    let mut places = Vec::new();
    if format.claims.is_empty() {
        places.push((OTHER.0.to_owned(), OTHER.1.to_owned()));
    }
    for claim in format.claims {
        for (model, host) in MODELS.iter().flat_map(|model| HOSTS.iter().map(move |host| (model, host))) {
            // A claim without a host begins with a star that matches any host.
            let place = match claim.strip_prefix("*/") {
                Some(path) => format!("{host}/{}", path.replace('*', model)),
                None => claim.replacen("*.", "e.", 1).replacen('*', "/v1", 1).replace('*', model),
            };
            let slash = place.find('/').unwrap_or(place.len());
            let (host, path) = place.split_at(slash);
            // Another format may have a more specific claim.
            let reached = formats::claimed("POST", host, path);
            if reached.is_some_and(|reached| reached.name == format.name) {
                places.push((host.to_owned(), path.to_owned()));
            }
        }
    }
    assert!(!places.is_empty(), "no place leads to {}", format.name);
    places
}

/// The parameters of an exchange that an input chooses.
struct Choice {
    /// The content type and encoding of the request.
    request: u8,
    host: String,
    path: String,
    /// The content type of the response.
    head: u8,
    /// The status and encoding of the response; bit 3 adds an error header of AWS.
    status: u8,
    /// Envoy's response flag, then five bits: the request is cut off, there is no response head, no end of the
    /// response, Envoy answers itself, the response is actually encoded.
    end: u8,
}

impl Choice {
    fn response_encoding(&self) -> &'static [u8] {
        ENCODINGS[usize::from(self.status >> 4) % ENCODINGS.len()]
    }
}

fn run(choice: &Choice, request: &[&[u8]], response: &[&[u8]]) -> (Record, Effects) {
    let policy = POLICY.with(Rc::clone);
    let pick = |byte: u8, of: usize| usize::from(byte) % of;
    let head = [
        (&b":method"[..], &b"POST"[..]),
        (b":path", choice.path.as_bytes()),
        (b":authority", choice.host.as_bytes()),
        (b"content-type", REQUEST_TYPES[pick(choice.request, REQUEST_TYPES.len())]),
        (b"content-encoding", ENCODINGS[pick(choice.request >> 4, ENCODINGS.len())]),
        (b"x-team", b"t"),
    ];
    let head = Headers::new(head);
    let mut exchange = Exchange::begin(&policy, &head, &Place::default(), [7; 24], 0).expect("a known path");
    request.iter().for_each(|piece| exchange.request_body(piece));
    if choice.end & 8 == 0 {
        exchange.request_end();
    }
    let head = [
        (&b":status"[..], STATUSES[pick(choice.status, STATUSES.len())]),
        (b"content-type", RESPONSE_TYPES[pick(choice.head, RESPONSE_TYPES.len())]),
        (b"content-encoding", choice.response_encoding()),
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
    let end = End { code, flags: FLAGS[pick(choice.end, FLAGS.len())], details: String::new() };
    let record = exchange.finish(&end, 9_000_000);
    let effects = exchange_effects(&record, &policy, &mut Series::new(&policy));
    (record, effects)
}

/// Returns the body in this encoding, or unchanged if the encoder is not built in.
fn encoded(encoding: &[u8], body: &[u8]) -> Vec<u8> {
    let options = Options { level: 1, window_log: 19, has_checksum: false, piece_bytes: RESPONSE_BYTES_MAX };
    let gzip_level = flate2::Compression::new(1);
    let mut encoded = Vec::new();
    match encoding {
        b"gzip" => {
            GzEncoder::new(body, gzip_level).read_to_end(&mut encoded).expect("encoding to memory succeeds");
        }
        b"gzip, deflate" => {
            let inner = GzEncoder::new(body, gzip_level);
            ZlibEncoder::new(inner, gzip_level)
                .read_to_end(&mut encoded)
                .expect("encoding to memory succeeds");
        }
        b"br" => return brotli_encode(body, options).unwrap_or_else(|| body.to_vec()),
        b"zstd" => return zstd_encode(body, options).unwrap_or_else(|| body.to_vec()),
        _ => return body.to_vec(),
    }
    encoded
}

/// Checks that both results are equal. A body that decodes to far more than its own size is refused slightly earlier in
/// pieces.
fn assert_alike(seen: &(Record, Effects), whole: &(Record, Effects)) {
    let is_bomb = |seen: &(Record, Effects)| seen.0.gaps.contains(&Gap::DecodedTooLarge);
    assert!(seen == whole || is_bomb(seen) || is_bomb(whole), "{:?}\n{:?}", seen.0, whole.0);
}
