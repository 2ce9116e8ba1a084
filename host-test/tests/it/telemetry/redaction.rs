//! The redaction of texts that clients choose: it runs after the answer has left, no turn takes long, and no text leaves
//! unredacted.

use super::*;

/// WebAssembly instructions of 5 ms, at two a nanosecond.
const TURN_FUEL_MAX: u64 = 10_000_000;

/// Plays an exchange with these texts until its span is sent. Returns the span's attributes, and the fuel of the most
/// expensive turn.
fn played(redact: &Value, question: &str, answer: &str) -> (AttributeMap, u64) {
    let redact = format!(r#""redact":{redact},"#);
    let content = r#"{"cluster":"otel","batch":{"max_items":1},"content":"all"}"#;
    let mut guest = start(&format!(r#"{redact}"telemetry":{content}"#));
    let asked = json!({"model": "m", "messages": [{"role": "user", "content": question}]}).to_string();
    let said = json!({"choices": [{"message": {"content": answer}, "finish_reason": "stop"}]}).to_string();
    let head = Headers::request("POST", "api.openai.com", "/v1/chat/completions")
        .with("content-type", "application/json");
    let response = Headers::response(200).with("content-type", "application/json");
    drive(&mut guest, &Exchange::new(head, asked, response, said), &ChunkPlan::whole()).unwrap();
    assert!(under_way(&guest).is_empty(), "nothing is sent in the stream's own callbacks");
    // The tokens of a tick are few, so the most expensive ones are slices of the redaction.
    for _ in 0..2_000 {
        if !under_way(&guest).is_empty() {
            break;
        }
        guest.advance_ms(2);
        guest.run_pending().unwrap();
    }
    let turns = ["proxy_on_tick", "proxy_on_queue_ready", "proxy_on_log"];
    let fuel = turns.iter().filter_map(|turn| guest.fuel().get(*turn)).map(|fuel| fuel.max).max().unwrap();
    let received = take_all(&mut guest);
    (values(&received.spans[0].attributes), fuel)
}

#[test]
fn no_turn_takes_long_whatever_a_client_writes() {
    let named = json!(["email", "card", "phone", "api_key", "ssn"]);
    let own =
        json!([{"name": "order", "regex": r"\bORD-[0-9]{4,}\b"}, {"name": "worst", "regex": "(a|b|ab)*c"}]);
    for redact in [&named, &own] {
        for unit in [
            "a",
            "a ",
            "Aa ",
            "0a",
            "AB12 ",
            "a@",
            "1 ",
            "ab",
            "+1 ",
            "sk-",
            "abcdefghijklmno1 ",
            "-----BEGIN ",
        ] {
            let text = unit.repeat((16 << 10) / unit.len());
            let (_, fuel) = played(redact, &text, &text);
            assert!(fuel < TURN_FUEL_MAX, "{redact} {unit:?}: {fuel}");
        }
    }
}

#[test]
fn what_takes_too_long_is_left_out_and_says_so() {
    let text = "a ".repeat(8 << 10);
    let own = json!([{"name": "letter", "regex": r"\b[a-z]\b"}, "email"]);
    let (attributes, fuel) = played(&own, &text, "Write to jan@example.com");
    assert!(fuel < TURN_FUEL_MAX, "{fuel}");
    assert_eq!(attributes.get("llm_gauge.redaction_over_budget"), Some(&json!(true)));
    assert!(!attributes.contains_key("gen_ai.input.messages"), "{attributes:?}");
    assert!(!format!("{attributes:?}").contains("jan@"));
}

#[test]
fn texts_are_redacted_before_they_leave() {
    let redact = json!(["email", {"name": "order", "regex": r"\bORD-[0-9]{4,}\b"}]);
    let filler = "The Rhine is a river. ".repeat(200);
    let question = format!("{filler}ORD-12345 {filler}jan@example.com");
    let (attributes, _) = played(&redact, &question, "See ORD-99999.");
    let text = format!("{attributes:?}");
    assert!(text.contains("[order]") && text.contains("[email]"), "{text}");
    assert!(!text.contains("ORD-") && !text.contains("jan@"));
}
