use crate::config::Policy;
use crate::head::Headers;

fn compile(feedback: &str) -> Result<Policy, String> {
    Policy::parse(format!(r#"{{"feedback":{feedback}}}"#).as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn debug_shows_no_secret() {
    for feedback in [r#"{"secret":"hunter2-hunter2-hunter2"}"#, r#"{"secret":["hunter2-hunter2-hunter2"]}"#] {
        let debug_text = format!("{:?}", compile(feedback).unwrap());
        assert!(debug_text.contains("keys: [SigningKey]") && !debug_text.contains("hunter2"), "{debug_text}");
    }
}

#[test]
fn feedback_is_off_unless_configured() {
    assert!(Policy::parse(b"{}").unwrap().feedback().is_none());
    assert!(compile("null").unwrap().feedback().is_none());
}

#[test]
fn is_at_ignores_the_query() {
    let policy = compile(r#"{"path":"/v1/feedback"}"#).unwrap();
    let plan = policy.feedback().unwrap();
    let is_at = |path: &str| plan.is_at(&Headers::new([(&b":path"[..], path.as_bytes())]));
    assert!(is_at("/v1/feedback") && is_at("/v1/feedback?x=1") && is_at("/v1/feedback?"));
    for path in ["/v1/feedbacks", "/v1/feedback/", "/feedback", "/v1", "", "/x?/v1/feedback", "/v1/Feedback"]
    {
        assert!(!is_at(path), "{path}");
    }
    assert!(!plan.is_at(&Headers::default()));
}
