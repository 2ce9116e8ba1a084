//! How far a real model agrees with people, as the filter's judge.
//!
//! Needs a server of OpenAI's chat completions, and takes a while; so it is left out unless asked for:
//!
//! ```text
//! LLM_GAUGE_JUDGE=http://127.0.0.1:8080 cargo test -p host-test --test it -- --ignored --nocapture agreement
//! ```

use host_test::load::{Client, Protocol, Request};
use host_test::{CallAnswer, Exchange, Headers};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{counts, head, play, start};

/// Context, question, answer, and whether people find the answer supported by the context. Words mislead on purpose: what
/// is supported says it in others, and what is not uses the same.
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

#[test]
#[ignore = "needs LLM_GAUGE_JUDGE, the address of a real model"]
fn agreement_with_people() {
    let url = std::env::var("LLM_GAUGE_JUDGE").expect("LLM_GAUGE_JUDGE=http://HOST:PORT");
    let address = url.trim_start_matches("http://").trim_end_matches('/').parse().expect("http://HOST:PORT");
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
}
