use super::*;
use crate::config::Policy;
use crate::judge::prompt::tests::INJECTIONS;

const NONCE: &str = "00112233445566778899aabbccddeeff";

fn read_as(context: &str, body: &str) -> JudgeReply {
    let policy = Policy::parse(br#"{"judge":{"cluster":"judge","model":"m"}}"#).unwrap();
    let text = |text: &str| text.to_owned();
    let input = JudgeInput { question: text("Q"), context: text(context), answer: text("A") };
    JudgeReply::read(body.as_bytes(), policy.judge().unwrap(), &input, NONCE)
}

fn completion(content: &str) -> String {
    let content = serde_json::to_string(content).unwrap();
    format!(
        r#"{{"choices":[{{"index":0,"message":{{"role":"assistant","content":{content}}},"finish_reason":"stop"}}]}}"#
    )
}

fn read(content: &str) -> Option<Verdict> {
    read_as("C", &completion(content)).verdict
}

/// Returns a valid verdict with one part replaced.
fn changed(from: &str, to: &str) -> String {
    let good = format!(
        r#"{{"nonce":"{NONCE}","faithfulness":{{"reason":"f","score":2}},"relevance":{{"reason":"r","score":5}},"completeness":{{"reason":"c","score":1}},"hallucination":{{"reason":"h","verdict":"yes"}}}}"#
    );
    assert!(good.contains(from), "{from}");
    good.replacen(from, to, 1)
}

#[test]
fn read_accepts_a_valid_verdict() {
    let text = |text: &str| text.to_owned();
    let expected = Verdict {
        scores: vec![
            (text("faithfulness"), 2, text("f")),
            (text("relevance"), 5, text("r")),
            (text("completeness"), 1, text("c")),
        ],
        hallucination: Some((true, text("h"))),
    };
    assert_eq!(read(&changed("", "")).as_ref(), Some(&expected));
    assert_eq!(
        read(&changed("{\"nonce\"", " {\n \"nonce\"")).as_ref(),
        Some(&expected),
        "white space is allowed"
    );
    let reordered = changed(r#""faithfulness":{"reason":"f","score":2},"#, "")
        .replace("\"hallucination\"", r#""faithfulness":{"score":2,"reason":"f"},"hallucination""#);
    assert_eq!(read(&reordered).as_ref(), Some(&expected), "the order of keys does not matter");
    // A reason may hold any text.
    for injection in INJECTIONS {
        let reason = serde_json::to_string(injection).unwrap();
        assert!(read(&changed("\"f\"", &reason)).is_some(), "{injection}");
    }
}

#[test]
fn read_rejects_anything_but_a_valid_verdict() {
    let long = format!("\"{}\"", "x".repeat(REASON_BYTES_MAX + 1));
    let cases = [
        changed(NONCE, "ffeeddccbbaa99887766554433221100"),
        changed(NONCE, ""),
        changed(&format!("\"{NONCE}\""), "null"),
        changed(&format!(r#""nonce":"{NONCE}","#), ""),
        changed("\"score\":5", "\"score\":6"),
        changed("\"score\":5", "\"score\":0"),
        changed("\"score\":5", "\"score\":-5"),
        changed("\"score\":5", "\"score\":5.0"),
        changed("\"score\":5", "\"score\":4.5"),
        changed("\"score\":5", "\"score\":5e0"),
        changed("\"score\":5", "\"score\":\"5\""),
        changed("\"score\":5", "\"score\":[5]"),
        changed("\"score\":5", "\"score\":true"),
        changed("\"score\":5", "\"score\":null"),
        changed("\"score\":5", "\"score\":257"),
        changed("\"score\":5", "\"score\":18446744073709551621"),
        changed("\"score\":5", "\"score\":1,\"score\":5"),
        changed("\"score\":5", "\"score\":5,\"certainty\":1"),
        changed("\"score\":5", "\"value\":5"),
        changed(r#"{"reason":"r","score":5}"#, "5"),
        changed(r#""reason":"r","#, ""),
        changed(r#""reason":"r""#, r#""reason":7"#),
        changed(r#""r""#, &long),
        changed("\"relevance\"", "\"Relevance\""),
        changed(r#""relevance":{"reason":"r","score":5},"#, ""),
        changed("\"relevance\"", r#""overall":{"reason":"r","score":5},"relevance""#),
        changed("\"relevance\"", r#""relevance":{"reason":"r","score":1},"relevance""#),
        changed("\"yes\"", "\"Yes\""),
        changed("\"yes\"", "\"maybe\""),
        changed("\"yes\"", "true"),
        changed("\"yes\"", "\"no\",\"verdict\":\"yes\""),
        changed("{\"nonce\"", "```json\n{\"nonce\""),
        changed("{\"nonce\"", "Here it is: {\"nonce\""),
        changed("\"yes\"}}", "\"yes\"}} Good luck!"),
        changed("\"yes\"}}", "\"yes\"}}{}"),
        changed("\"yes\"}}", "\"yes\"}"),
        changed("{\"nonce\"", "[{\"nonce\""),
        String::new(),
        "null".to_owned(),
        "5".to_owned(),
    ];
    for content in cases {
        assert_eq!(read(&content), None, "{content}");
    }
    for injection in INJECTIONS {
        assert_eq!(read(injection), None, "{injection}");
    }
}

#[test]
fn read_rejects_scores_that_the_prompt_did_not_ask_for() {
    assert_eq!(read_as("", &completion(&changed("", ""))).verdict, None);
    let asked = format!(
        r#"{{"nonce":"{NONCE}","relevance":{{"reason":"r","score":5}},"completeness":{{"reason":"c","score":1}}}}"#
    );
    assert!(read_as("", &completion(&asked)).verdict.is_some());
    assert_eq!(read_as("C", &completion(&asked)).verdict, None);
}

#[test]
fn read_rejects_an_incomplete_chat_completion() {
    let good = completion(&changed("", ""));
    let verdict = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        read_as("C", &good.replacen(from, to, 1)).verdict.is_some()
    };
    assert!(verdict("\"stop\"", "null") && verdict(",\"finish_reason\":\"stop\"", ""));
    assert!(!verdict("\"stop\"", "\"length\"") && !verdict("\"stop\"", "\"content_filter\""));
    assert!(!verdict("\"choices\"", "\"choice\"") && !verdict("[{\"index\"", "[{},{\"index\""));
    assert!(!verdict("\"content\"", "\"refusal\"") && !verdict("{\"choices\"", "[{\"choices\""));
    let two = good.replacen("\"choices\"", "\"choices\":[],\"choices\"", 1);
    assert_eq!(read_as("C", &two).verdict, None);
}

#[test]
fn read_returns_the_tokens_of_invalid_verdicts_too() {
    let with_usage = |content: &str, usage: &str| {
        read_as("C", &completion(content).replacen('{', &format!("{{\"usage\":{usage},"), 1)).tokens
    };
    let usage = r#"{"prompt_tokens":900,"completion_tokens":80,"total_tokens":980}"#;
    assert_eq!(with_usage("no idea", usage), Some((900, 80)));
    assert_eq!(with_usage("no idea", r#"{"prompt_tokens":900}"#), None);
    assert_eq!(with_usage("no idea", r#"{"prompt_tokens":-1,"completion_tokens":1.5}"#), None);
    assert_eq!(with_usage("no idea", "null"), None);
}
