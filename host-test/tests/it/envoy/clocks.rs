//! Three clocks on the same exchanges: the provider's, the gauge's and a client's. The client is an official SDK that
//! measures its own times.
//!
//! No tolerance is guessed, since the order of events leaves none. The gauge starts after the client and before the
//! provider has the request. It sees a piece of the answer after the provider sent it and before the client has it. So
//! every time is at least the provider's and at most the client's, however slow the machine is, once both are truncated
//! to the gauge's whole milliseconds. `--nocapture` prints the differences.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::official_clients::{PYTHON, installed, into_venv};
use super::rig::{Rig, Setup, run};

/// The SDK whose streams distinguish thinking from text.
const ANTHROPIC: &str = "anthropic==2.12.0";

/// The number of exchanges of each kind.
const EACH: usize = 5;

/// The waits to be measured. Each is longer than the milliseconds that a proxy takes, so a time taken at the wrong
/// event would be below the provider's or above the client's.
const WAITS: &str = "first_ms=150; token_ms=25; last_ms=100";

/// Arguments: base URL, `x-sim`, models. Prints one line per model: its times in nanoseconds since before the call.
const OPENAI_STREAMS: &str = r#"
import json, sys, time, openai
from openai.types.chat import ChatCompletionChunk
url, script, *models = sys.argv[1:]
client = openai.OpenAI(base_url=url, api_key="sk-sim", max_retries=0, default_headers={"x-sim": script})
for model in models:
    times = {"model": model}
    start = time.perf_counter_ns()
    # The plain loop hangs up at [DONE]; this one reads to the end, of which there is a time to take.
    with client.chat.completions.with_streaming_response.create(
        model=model, messages=[{"role": "user", "content": "Why is the sky blue?"}],
        stream=True, stream_options={"include_usage": True},
    ) as response:
        for line in response.iter_lines():
            now = time.perf_counter_ns() - start
            if not line.startswith("data: {"):
                continue
            times.setdefault("first_byte", now)
            chunk = ChatCompletionChunk.model_validate_json(line[len("data: "):])
            if chunk.choices and chunk.choices[0].delta.content:
                times.setdefault("first_token", now)
                times.setdefault("first_answer", now)
                times["last_token"] = now
            if chunk.usage:
                times["output_tokens"] = chunk.usage.completion_tokens
    times["end"] = time.perf_counter_ns() - start
    print(json.dumps(times))
"#;

const OPENAI_ANSWERS: &str = r#"
import json, sys, time, openai
url, script, *models = sys.argv[1:]
client = openai.OpenAI(base_url=url, api_key="sk-sim", max_retries=0, default_headers={"x-sim": script})
for model in models:
    start = time.perf_counter_ns()
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Why is the sky blue?"}])
    end = time.perf_counter_ns() - start
    print(json.dumps({"model": model, "first_byte": end, "end": end}))
"#;

/// Here the first events are not tokens, and the first tokens are not the answer.
const ANTHROPIC_STREAMS: &str = r#"
import json, sys, time, anthropic
url, script, *models = sys.argv[1:]
client = anthropic.Anthropic(base_url=url, api_key="sk-sim", max_retries=0, default_headers={"x-sim": script})
for model in models:
    times = {"model": model}
    start = time.perf_counter_ns()
    messages = [{"role": "user", "content": "Why is the sky blue?"}]
    for event in client.messages.create(model=model, max_tokens=1000, messages=messages, stream=True):
        now = time.perf_counter_ns() - start
        times.setdefault("first_byte", now)
        if event.type == "content_block_delta":
            times.setdefault("first_token", now)
            times["last_token"] = now
            if event.delta.type == "text_delta":
                times.setdefault("first_answer", now)
        if event.type == "message_delta":
            times["output_tokens"] = event.usage.output_tokens
    times["end"] = time.perf_counter_ns() - start
    print(json.dumps(times))
"#;

/// The times of one exchange by one clock, from its own start. A time that it does not measure is `None`.
#[derive(Debug, Default)]
struct Clock {
    first_byte: Option<Duration>,
    first_token: Option<Duration>,
    first_answer: Option<Duration>,
    last_token: Option<Duration>,
    end: Option<Duration>,
}

/// The numbers of the pieces of the provider's answer, by kind.
#[derive(Clone, Copy)]
struct Pieces {
    first_token: usize,
    first_answer: usize,
    last_token: usize,
    count: usize,
}

/// One exchange with all three clocks.
struct Exchange {
    model: String,
    provider: Clock,
    gauge: Clock,
    /// The histogram's bucket with the time per output token: its lower and upper bound (exclusive).
    per_token: Option<(Duration, Duration)>,
    client: Clock,
    output_tokens: Option<u32>,
}

fn client(line: &Value) -> Clock {
    let time = |name: &str| line[name].as_u64().map(Duration::from_nanos);
    Clock {
        first_byte: time("first_byte"),
        first_token: time("first_token"),
        first_answer: time("first_answer"),
        last_token: time("last_token"),
        end: time("end"),
    }
}

fn gauge(record: &Value) -> Clock {
    let time = |name: &str| record[name].as_u64().map(Duration::from_millis);
    Clock {
        first_byte: time("first_byte_ms"),
        first_token: time("first_token_ms"),
        first_answer: time("first_answer_ms"),
        last_token: None,
        end: time("duration_ms"),
    }
}

fn provider(rig: &Rig, model: &str, pieces: Option<Pieces>) -> Clock {
    let entries = rig.provider.ledger().entries();
    let [entry] = &entries.iter().filter(|entry| entry.model == model).collect::<Vec<_>>()[..] else {
        panic!("{model} is not one exchange");
    };
    let sent = &entry.sent_after;
    assert_eq!(sent.len(), pieces.map_or(1, |pieces| pieces.count), "{model}");
    let of = |place: fn(Pieces) -> usize| pieces.map(|pieces| sent[place(pieces)]);
    Clock {
        first_byte: sent.first().copied(),
        first_token: of(|pieces| pieces.first_token),
        first_answer: of(|pieces| pieces.first_answer),
        last_token: of(|pieces| pieces.last_token),
        end: sent.last().copied(),
    }
}

/// Returns the filter's record of this model's one exchange.
async fn record(rig: &Rig, model: &str) -> Value {
    // Envoy writes its log in the background: retry for at most ten seconds.
    for _ in 0..500 {
        let log = rig.envoy.access_log().unwrap();
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let mut lines = whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        if let Some(line) = lines.find(|line| line["llm"]["request_model"] == model) {
            assert_eq!((&line["llm"]["status"], &line["flags"]), (&"success".into(), &"-".into()), "{model}");
            return line["llm"].clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing of {model} in the access log");
}

/// Returns the bucket of Envoy's histogram with the one time per output token of this model. It has two digits
/// precision.
async fn per_token(rig: &Rig, model: &str) -> (Duration, Duration) {
    let page = format!("/stats?format=json&histogram_buckets=detailed&filter=per_output_token.*{model};");
    for _ in 0..500 {
        let page: Value = serde_json::from_str(&rig.envoy.admin().get(&page).await.unwrap()).unwrap();
        let cells = page.pointer("/stats/0/histograms/details/0/totals").and_then(Value::as_array);
        // A histogram shows its contents at the last flush.
        if let Some([cell]) = cells.map(Vec::as_slice) {
            assert_eq!(cell["count"], 1, "{page}");
            let [from, width] = ["lower_bound", "width"].map(|name| cell[name].as_f64().unwrap());
            return (Duration::from_secs_f64(from / 1e6), Duration::from_secs_f64((from + width) / 1e6));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no time per output token of {model}");
}

/// Lets the client play its exchanges, and compares all three clocks.
async fn measure(kind: &str, package: &'static str, script: &str, pieces: Option<Pieces>) {
    let rig = Rig::shared(Setup::Plain).await;
    let home = tokio::task::spawn_blocking(|| installed(package, into_venv)).await.unwrap();
    let (program, path) = match kind {
        "openai-stream" => (OPENAI_STREAMS, "/v1"),
        "openai-answer" => (OPENAI_ANSWERS, "/v1"),
        _ => (ANTHROPIC_STREAMS, ""),
    };
    let mut command = Command::new(home.join("bin/python"));
    command.args(["-c", program, &format!("http://{}{path}", rig.envoy.listener())]);
    command.arg(format!("{script}; {WAITS}")).args((0..EACH).map(|number| format!("clock-{kind}-{number}")));
    // A proxy configured on the machine must not be used on loopback.
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1").stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut exchanges = Vec::new();
    for line in lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let model = line["model"].as_str().unwrap().to_owned();
        let record = record(&rig, &model).await;
        assert_eq!(
            record["output_tokens"],
            if pieces.is_some() { line["output_tokens"].clone() } else { 8.into() }
        );
        exchanges.push(Exchange {
            provider: provider(&rig, &model, pieces),
            gauge: gauge(&record),
            per_token: if pieces.is_some() { Some(per_token(&rig, &model).await) } else { None },
            client: client(&line),
            output_tokens: line["output_tokens"].as_u64().map(|count| u32::try_from(count).unwrap()),
            model,
        });
    }
    assert_eq!(exchanges.len(), EACH);
    compare(&exchanges);
}

type Time = (&'static str, fn(&Clock) -> Option<Duration>);

/// The times in a record.
const TIMES: [Time; 4] = [
    ("first byte", |clock| clock.first_byte),
    ("first token", |clock| clock.first_token),
    ("first answer", |clock| clock.first_answer),
    ("duration", |clock| clock.end),
];

fn compare(exchanges: &[Exchange]) {
    let mut faults = Vec::new();
    for (name, time) in TIMES {
        let mut before_client = Vec::new();
        for Exchange { model, provider, gauge, client, .. } in exchanges {
            let [low, at, high] = [provider, gauge, client].map(time);
            let (Some(low), Some(at), Some(high)) = (low, at, high) else {
                // Only streams have tokens, and then all three clocks measured them.
                assert_eq!((low, at, high), (None, None, None), "{model}: {name}");
                continue;
            };
            println!("{model:24} {name:16} provider {low:>12.3?}  gauge {at:>8.3?}  client {high:>12.3?}");
            if !(low.as_millis() <= at.as_millis() && at.as_millis() <= high.as_millis()) {
                faults.push(format!("{model}: {name}: not {low:?} <= {at:?} <= {high:?}"));
            }
            before_client.push(high.saturating_sub(at));
        }
        tell(name, before_client);
    }
    compare_per_token(exchanges, &mut faults);
    assert_eq!(faults, [""; 0]);
}

/// (last token - first token) / (output tokens - 1). Each end is between two clocks, and so is the interval: it is
/// longest from the provider's first to the client's last, and shortest the other way round.
fn compare_per_token(exchanges: &[Exchange], faults: &mut Vec<String>) {
    let mut differences = Vec::new();
    for Exchange { model, provider, client, per_token, output_tokens, .. } in exchanges {
        let (Some((from, to)), Some(tokens)) = (per_token, output_tokens) else { continue };
        let [first, last]: [fn(&Clock) -> Duration; 2] =
            [|clock| clock.first_token.unwrap(), |clock| clock.last_token.unwrap()];
        let between = |first: Duration, last: Duration| last.saturating_sub(first) / (tokens - 1);
        let low = between(first(client), last(provider));
        let high = between(first(provider), last(client));
        let own = between(first(client), last(client));
        let of_provider = between(first(provider), last(provider));
        let name = "per output token";
        println!(
            "{model:24} {name:16} provider {of_provider:>12.3?}  gauge {from:?}..{to:?}  client {own:>12.3?}  \
             (it may be {low:.3?} to {high:.3?})"
        );
        // The gauge truncates to whole microseconds.
        if !(low.as_micros() < to.as_micros() && from.as_micros() <= high.as_micros()) {
            faults.push(format!("{model}: {name}: nothing of {from:?}..{to:?} is in {low:?}..={high:?}"));
        }
        differences.push(own.abs_diff((*from + *to) / 2));
    }
    tell("per output token", differences);
}

fn tell(name: &str, mut differences: Vec<Duration>) {
    differences.sort();
    if let Some(median) = differences.get(differences.len() / 2) {
        println!("{name}: client and gauge differ by {median:.3?} in the median");
    }
}

#[test]
fn openai_streams() {
    run(async {
        // One chunk with the role alone; then the tokens; the finish reason, usage and [DONE].
        let pieces = Pieces { first_token: 1, first_answer: 1, last_token: 9, count: 1 + 9 + 3 };
        measure("openai-stream", PYTHON, "output=9", Some(pieces)).await;
    });
}

#[test]
fn openai_answers() {
    run(measure("openai-answer", PYTHON, "output=8", None));
}

#[test]
fn anthropic_streams() {
    run(async {
        // Three events before the first delta; four of thinking; six of text; three more.
        let pieces = Pieces { first_token: 3, first_answer: 7, last_token: 12, count: 3 + 10 + 3 };
        measure("anthropic-stream", ANTHROPIC, "output=10; reasoning=4", Some(pieces)).await;
    });
}
