//! Traffic without faults, and traffic with a fault for every alert.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use simulators::load::{Client, Request};
use simulators::provider::script;
use tokio::task::{AbortHandle, JoinSet};

use super::history;

/// The interval between two rounds of requests.
const TICK: Duration = Duration::from_millis(100);

/// The timeout of one exchange. The slow ones take a third of it.
const STUCK: Duration = Duration::from_secs(40);

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

/// The header with the user's rating of the answer, which only this module reads.
const RATING: &str = "x-sim-rating";

/// Contexts for the answers: one with the words of the simulated answers, and one with others.
const FITTING: &str = "The answer spans two pages, and ends.";
const FOREIGN: &str = "An invoice from May, overdue.";

/// Requests that are sent until the value is dropped.
#[derive(Debug)]
pub struct Traffic {
    faulty: Arc<AtomicBool>,
    sending: AbortHandle,
}

impl Traffic {
    /// Starts traffic without faults.
    #[must_use]
    pub fn start(client: Client) -> Self {
        let faulty = Arc::new(AtomicBool::new(false));
        let sending = tokio::spawn(send(client, Arc::clone(&faulty))).abort_handle();
        Self { faulty, sending }
    }

    /// Switches all faults on or off.
    pub fn set_faulty(&self, faulty: bool) {
        self.faulty.store(faulty, Ordering::Relaxed);
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

async fn send(client: Client, faulty: Arc<AtomicBool>) {
    let mut running = JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    // On a busy machine, delayed ticks are not caught up.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for number in 0.. {
        ticks.tick().await;
        for request in planned(number, faulty.load(Ordering::Relaxed)) {
            let client = client.clone();
            // The result is ignored here; the alerts show it.
            running.spawn(async move { drop(tokio::time::timeout(STUCK, play(&client, request)).await) });
        }
        while running.try_join_next().is_some() {}
    }
}

/// Sends a request, and then the user's rating of the answer.
async fn play(client: &Client, request: Request) -> Option<()> {
    let rating = request.header_value(RATING).map(str::to_owned);
    let answer = client.send(request).await.ok()?.finish().await;
    let rating = rating.filter(|_| answer.status == 200)?;
    let feedback = json!({"request_id": answer.header("x-llm-request-id"), "rating": rating});
    client.send(Request::post("/feedback", &feedback)).await.ok()?.finish().await;
    Some(())
}

/// Returns the requests of one tick, of which there are ten per second. Each fault has its own model, so that each
/// alert has its own cause.
fn planned(number: u64, faulty: bool) -> Vec<Request> {
    let mut requests = Vec::new();
    let stream = number.is_multiple_of(3);
    match number % 4 {
        0 => requests.push(chat(
            "gpt-4.1-mini",
            stream,
            FITTING,
            "input=900; cached=600; output=24; token_ms=4",
        )),
        1 => {
            let (context, rating) = if faulty { (FOREIGN, "down") } else { (FITTING, "up") };
            let request = chat("gpt-4.1", stream, context, "input=700; output=30");
            requests.push(request.header(RATING, rating));
        }
        2 => requests.push(messages("claude-haiku-4-5", if faulty { "status=529" } else { "output=12" })),
        _ => requests.push(messages("claude-haiku-4-5", "input=300; cached=200; output=20")),
    }
    if faulty {
        // Ten per second, each of which takes eleven seconds: a minute of a slow provider, in parallel.
        requests.push(chat("o4-mini", true, FITTING, "first_ms=11000; output=20; reasoning=8; token_ms=3"));
    } else if number.is_multiple_of(4) {
        requests.push(chat("o4-mini", true, FITTING, "first_ms=150; output=20; reasoning=8; token_ms=3"));
    }
    match (number % 10, faulty) {
        (3, true) => requests.push(messages("claude-opus-4-1", "input=900000; output=400")),
        (7, true) => requests.push(embeddings("input=200000")),
        (7, false) => requests.push(embeddings("input=100")),
        _ => {}
    }
    if number % 20 == 9 {
        requests.push(odd(number / 20));
    }
    requests
}

/// Returns rare requests, which have their own panels.
fn odd(number: u64) -> Request {
    match number % 6 {
        0 => chat("gpt-4.1-mini", false, FITTING, "truncate"),
        1 => chat("house-model", false, FITTING, "input=50; output=9"),
        2 => chat("gpt-4.1-mini", true, FITTING, "output=30; error_after=4"),
        3 => chat("gpt-4.1-mini", true, FITTING, "output=30; usage=never"),
        4 => chat("gpt-4.1-mini", false, FITTING, "status=429; retry_after=2"),
        _ => chat("gpt-4.1-mini", true, FITTING, "output=30; token_ms=2; reset_after=5"),
    }
}

fn question(context: &str) -> String {
    format!("Where does the answer end? <context>{context}</context>")
}

fn chat(model: &str, stream: bool, context: &str, script: &str) -> Request {
    let messages = json!([{"role": "user", "content": question(context)}]);
    let mut body = json!({"model": model, "messages": messages, "stream": stream});
    if stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    scripted(Request::post(CHAT, &body), script)
}

fn messages(model: &str, script: &str) -> Request {
    let messages = json!([{"role": "user", "content": question(FITTING)}]);
    scripted(
        Request::post(MESSAGES, &json!({"model": model, "max_tokens": 1000, "messages": messages})),
        script,
    )
}

fn embeddings(script: &str) -> Request {
    scripted(Request::post("/v1/embeddings", &json!({"model": history::MODEL, "input": "a page"})), script)
}

fn scripted(request: Request, script: &str) -> Request {
    // One tenant more than the label has room for.
    let tenant = if script == "truncate" { "globex" } else { "acme" };
    request.header(script::HEADER, script).header("x-tenant", tenant)
}

#[cfg(test)]
mod tests {
    use super::planned;
    use simulators::provider::Script;

    #[test]
    fn every_script_can_be_played() {
        for number in 0..120 {
            for request in [planned(number, true), planned(number, false)].concat() {
                let script = request.header_value("x-sim").unwrap().to_owned();
                Script::parse(&script).unwrap_or_else(|error| panic!("{script}: {error:#}"));
            }
        }
    }
}
