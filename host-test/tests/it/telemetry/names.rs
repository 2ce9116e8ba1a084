//! Every exported name, compared with `names.golden.txt`. Dashboards and queries depend on them, so a change there is a
//! change for users:
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test -p host-test --test it telemetry::names
//! ```

use std::collections::BTreeSet;

use host_test::{ChunkPlan, Ending, drive};
use simulators::workspace::workspace_dir;

use super::*;

const EVERYTHING: &str = r#""labels":[{"name":"tenant","header":"x-tenant"}],
    "judge":{"cluster":"judge","model":"g","sample_rate":1,"max_chars":2000},
    "prices":{"rows":[{"provider":"openai","match":"*","input":"1","output":"1"}]},
    "telemetry":{"cluster":"otel","batch":{"max_items":1},"attributes":"both","content":"all"}"#;

#[test]
fn names_are_as_they_were() {
    let mut guest = start(EVERYTHING);
    let mut received = ReceivedTelemetry::default();
    let mut play = |exchange: &Exchange| {
        drive(&mut guest, exchange, &ChunkPlan::whole()).unwrap();
        guest.run_pending().unwrap();
        if guest.host().in_flight().any(|call| call.cluster == "judge") {
            answer_judge(&mut guest);
        }
        received.add(take_all(&mut guest));
    };
    let exchange = exchange();
    play(&exchange);
    // A host with a port, every count, two tokens or more.
    let mut rich = exchange.clone();
    rich.request_headers = Headers::request("POST", "api.openai.com:8443", "/v1/chat/completions");
    rich.response_body = STREAM.replace(
        r#""total_tokens":14"#,
        r#""total_tokens":14,"prompt_tokens_details":{"cached_tokens":1,"cache_write_tokens":2},"completion_tokens_details":{"reasoning_tokens":3}"#,
    ).into();
    play(&rich);
    let mut large = exchange.clone();
    let text = "so many words ".repeat(1_600);
    large.request_body =
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}]}}"#).into();
    play(&large);
    let mut left = exchange.clone();
    left.response_body.truncate(STREAM.find("\n\n").unwrap() + 2);
    left.ending = Ending::ClientGone;
    play(&left);

    let mut names = BTreeSet::new();
    for span in &received.spans {
        names.extend(values(&span.attributes).into_keys().map(|name| format!("span attribute {name}")));
        names.extend(span.events.iter().map(|event| format!("span event {}", event.name)));
    }
    for event in &received.events {
        names.insert(format!("event {}", event.event_name));
        names.extend(values(&event.attributes).into_keys().map(|name| format!("event attribute {name}")));
    }
    names.extend(received.resource.into_keys().map(|name| format!("resource attribute {name}")));
    let path = workspace_dir().join("host-test/tests/it/telemetry/names.golden.txt");
    let found: String = names.iter().map(|name| format!("{name}\n")).collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, golden, "if the change is intended, run the test with UPDATE_GOLDEN=1");
}
