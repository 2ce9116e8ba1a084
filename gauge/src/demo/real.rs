//! A few requests to a real OpenAI-compatible server, whose answers must report the same usage as the meter counts.

use std::env;

use anyhow::{Result, ensure};
use hyper::Uri;
use serde_json::{Value, json};
use simulators::console;
use simulators::envoy::{Envoy, Stats};
use simulators::load::{Answer, Client, End, Protocol, Request};

use super::checks::{self, Check};

/// The number of answers, and the number of streams.
const EACH: usize = 2;

/// Parses the value of `--upstream`.
pub(super) fn upstream(text: &str) -> Result<Uri> {
    let url: Uri = text.parse()?;
    ensure!(
        matches!(url.scheme_str(), Some("http" | "https")),
        "expected a URL with http:// or https://, got {text}"
    );
    let is_root = matches!(url.path(), "" | "/" | "/v1" | "/v1/");
    ensure!(is_root, "expected no path or /v1, got {}: requests go to /v1/chat/completions", url.path());
    Ok(url)
}

/// Sends the requests one after the other, so that a small local model can serve them, and compares the usage.
pub(super) async fn run(envoy: &Envoy, model: &str) -> Result<Vec<Check>> {
    let client = Client::new(envoy.listener(), Protocol::Http1);
    let mut expected = Stats::default();
    let mut deviations = Vec::new();
    for stream in [false, true].repeat(EACH) {
        let answer = client.send(request(model, stream)).await?.finish().await;
        console::note(format_args!(
            "{} {} in {:.1} s",
            if stream { "stream" } else { "answer" },
            answer.status,
            answer.took.as_secs_f64()
        ));
        if answer.status != 200 || answer.end != End::Complete {
            deviations.push(format!(
                "{} {:?}: {}",
                answer.status,
                answer.end,
                String::from_utf8_lossy(&answer.body)
            ));
        }
        if let Some(usage) = usage(&answer, stream) {
            add(&mut expected, model, &usage);
        } else {
            deviations.push("an answer reports no usage".into());
        }
    }
    let wanted = select(&expected, model);
    let missing = |stats: &Stats| select(stats, model).differences(&wanted);
    // The error is ignored, because it only repeats the differences of the check below.
    let _ = envoy.admin().until(missing).await;
    let stats = envoy.admin().stats().await?;
    let tokens =
        format!("{} tokens as the answers report", stats.sum("llm_tokens_total", &[("model", model)]));
    let mut found = vec![Check::new("the clients' side", format!("{} answers", 2 * EACH), deviations)];
    found.push(Check::new("llm_tokens_total", tokens, missing(&stats)));
    found.push(checks::at_rest(&stats));
    Ok(found)
}

fn request(model: &str, stream: bool) -> Request {
    let mut body = json!({
        "model": model,
        "messages": [{"role": "user", "content": "Say in one short sentence why the sky is blue."}],
        "max_tokens": 60,
        "stream": stream,
    });
    if stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    let request = Request::post("/v1/chat/completions", &body);
    match env::var("OPENAI_API_KEY") {
        Ok(key) => request.header("authorization", &format!("Bearer {key}")),
        Err(_) => request,
    }
}

/// Returns the usage object of an answer; in a stream, that of the last event with one.
fn usage(answer: &Answer, stream: bool) -> Option<Value> {
    let text = String::from_utf8_lossy(&answer.body);
    let documents: Vec<&str> = match stream {
        true => text.lines().filter_map(|line| line.strip_prefix("data: ")).collect(),
        false => vec![&text],
    };
    let parsed =
        documents.into_iter().rev().filter_map(|document| serde_json::from_str::<Value>(document).ok());
    parsed.map(|mut document| document["usage"].take()).find(Value::is_object)
}

fn add(expected: &mut Stats, model: &str, usage: &Value) {
    for (kind, key) in [("input", "prompt_tokens"), ("output", "completion_tokens")] {
        if let Some(count) = usage[key].as_u64().filter(|count| *count > 0) {
            let labels = [("provider", "openai"), ("model", model), ("type", kind), ("source", "reported")];
            expected.add("llm_tokens_total", &labels, count);
        }
    }
}

fn select(stats: &Stats, model: &str) -> Stats {
    stats.only(|series| {
        let labels = &series.labels;
        series.name == "llm_tokens_total"
            && labels.get("model").is_some_and(|found| found == model)
            && labels.get("source").is_some_and(|source| source == "reported")
    })
}
