use llm_gauge_decode::MemoryBudget;

use super::*;
use crate::formats;
use crate::testing::every_cutting;

fn bounds() -> Bounds {
    Bounds { budget: MemoryBudget::new(1 << 20), window_bytes_max: 1 << 16 }
}

/// Asserts the model that a body asks for, and its gaps.
fn check(body: &str, model: Option<&str>, gaps: &[Gap]) {
    let format = formats::named("openai_chat").unwrap();
    let paths = formats::paths(format.request, "", formats::ReadDepth::Estimate);
    for pieces in every_cutting(body.as_bytes()) {
        let mut state = RequestState::new(&Headers::default(), None, 100, bounds());
        for piece in pieces {
            state.feed(piece, format, &paths);
        }
        state.finish(format, &paths);
        state.feed(b"{\"model\":\"late\"}", format, &paths);
        state.finish(format, &paths);
        assert_eq!((state.model.as_deref(), state.gaps.as_slice()), (model, gaps), "{body}");
    }
}

#[test]
fn request_state_takes_the_last_model_of_the_body() {
    check("", None, &[]);
    check(r#"{"model":"a","stream":true}"#, Some("a"), &[]);
    check(r#"{"messages":[{"model":"no"}],"model":"a"}"#, Some("a"), &[]);
    check(r#"{"mod\u0065l":"a"}"#, Some("a"), &[]);
    check(r#"{"model":"a","model":"b","model":""}"#, Some("b"), &[]);
    check(r#"{"model":7}"#, None, &[]);
    check(r#"{"model":"a","x":["#, Some("a"), &[Gap::Truncated]);
    check(r#"{"model":"a",}"#, Some("a"), &[Gap::Malformed]);
    check("<xml/>", None, &[Gap::NotJson]);
    check("--boundary", None, &[Gap::Malformed]);
}
