use llm_gauge_decode::MemoryBudget;

use super::*;
use crate::formats;
use crate::testing::every_cutting;

fn bounds() -> Bounds {
    Bounds { budget: MemoryBudget::new(1 << 20), window_bytes_max: 1 << 16 }
}

/// What a body asks for: the model, whether a stream, the gaps.
fn check(body: &str, model: Option<&str>, stream: Option<bool>, gaps: &[Gap]) {
    let format = formats::named("openai_chat").unwrap();
    let paths = formats::paths(format.request, "", formats::Wanted::Estimate);
    for pieces in every_cutting(body.as_bytes()) {
        let mut asked = Asked::new(&Headers::default(), None, 100, bounds());
        for piece in pieces {
            asked.feed(piece, format, &paths);
        }
        asked.finish(format, &paths);
        asked.feed(b"{\"model\":\"late\"}", format, &paths);
        asked.finish(format, &paths);
        assert_eq!(
            (asked.model.as_deref(), asked.stream, asked.gaps.as_slice()),
            (model, stream, gaps),
            "{body}"
        );
    }
}

#[test]
fn the_body_says_what_is_asked_for() {
    check("", None, None, &[]);
    check(r#"{"model":"a","stream":true}"#, Some("a"), Some(true), &[]);
    check(r#"{"stream":false,"messages":[{"model":"no"}],"model":"a"}"#, Some("a"), Some(false), &[]);
    check(r#"{"mod\u0065l":"a"}"#, Some("a"), None, &[]);
    check(r#"{"model":"a","model":"b","model":""}"#, Some("b"), None, &[]);
    check(r#"{"model":7,"stream":"true"}"#, None, None, &[]);
    check(r#"{"model":"a","x":["#, Some("a"), None, &[Gap::Truncated]);
    check(r#"{"model":"a",}"#, Some("a"), None, &[Gap::Malformed]);
    check("<xml/>", None, None, &[Gap::NotJson]);
    check("--boundary", None, None, &[Gap::Malformed]);
}
