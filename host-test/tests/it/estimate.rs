//! How far estimates are from what providers reported, over recordings of their traffic.

use std::rc::Rc;

use host_test::native;
use llm_gauge_engine::policy::Policy;

use crate::corpus;

#[test]
fn dump() {
    let Some(cases) = corpus::recordings() else { return };
    let policy = Rc::new(Policy::parse(b"").unwrap());
    let mut out = String::new();
    for case in &cases {
        let Ok(record) = native::record(&policy, case, std::iter::once(case.response_body.as_slice())) else {
            continue;
        };
        let Some(e) = record.estimate else { continue };
        let row = serde_json::json!({
            "name": case.name, "folder": case.folder, "op": record.operation, "http": record.http_status,
            "stream": record.answer.streaming, "in": e.prompt.text.counts(), "inc": e.prompt.text.characters(), "turns": e.prompt.turns, "values": e.prompt.values,
            "out": e.answer.counts(), "outc": e.answer.characters(), "model": record.request_model, "rmodel": record.answer.model, "provider": record.provider,
            "ri": record.answer.input_tokens, "ro": record.answer.output_tokens, "calls": record.answer.tool_calls, "body": case.request_body.len(),
            "reasoning": case.expected.get("reasoning_tokens"), "complete": record.answer.complete, "first": record.answer.is_first_output, "gaps": record.gaps.len(),
        });
        out.push_str(&row.to_string());
        out.push('\n');
    }
    std::fs::write("/tmp/est/dump.jsonl", out).unwrap();
}
