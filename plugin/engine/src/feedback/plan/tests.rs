use crate::head::Headers;
use crate::policy::Policy;

fn compile(feedback: &str) -> Result<Policy, String> {
    Policy::parse(format!(r#"{{"feedback":{feedback}}}"#).as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn messages_name_the_key() {
    let cases = [
        ("7", "feedback: expected an object"),
        (
            r#"{"secrets":"x"}"#,
            "feedback.secrets: unknown field `secrets`, expected one of `path`, `secret`, `max_bytes`, \
             `per_minute`, `max_age_hours`, `cors`",
        ),
        (r#"{"path":7}"#, "feedback.path: expected a string"),
        (
            r#"{"path":"feedback"}"#,
            "feedback.path: expected a path such as `/feedback`, without a pattern or query",
        ),
        (
            r#"{"path":"/a?b"}"#,
            "feedback.path: expected a path such as `/feedback`, without a pattern or query",
        ),
        (
            r#"{"path":"/a/*"}"#,
            "feedback.path: expected a path such as `/feedback`, without a pattern or query",
        ),
        (r#"{"secret":"hunter2"}"#, "feedback.secret: expected random text of at least 16 bytes"),
        (r#"{"secret":7}"#, "feedback.secret: expected random text of at least 16 bytes"),
        (
            r#"{"secret":["hunter2-hunter2-hunter2","x"]}"#,
            "feedback.secret: expected random text of at least 16 bytes",
        ),
        (r#"{"secret":[]}"#, "feedback.secret: expected one secret, or a list of at most 4"),
        (r#"{"secret":[1,2,3,4,5]}"#, "feedback.secret: expected one secret, or a list of at most 4"),
        (r#"{"max_bytes":0}"#, "feedback.max_bytes: expected a number of at least 1, got 0"),
        (r#"{"max_bytes":1000001}"#, "feedback.max_bytes: expected a number of at most 1000000"),
        (r#"{"per_minute":0}"#, "feedback.per_minute: expected a number of at least 1, got 0"),
        (r#"{"per_minute":1.5}"#, "feedback.per_minute: expected a whole number"),
        (r#"{"max_age_hours":"x"}"#, "feedback.max_age_hours: expected a whole number"),
        (r#"{"cors":true}"#, "feedback.cors: expected an object"),
        (r#"{"cors":{}}"#, "feedback.cors.origins: expected a list of 1 to 64 origins"),
        (r#"{"cors":{"origins":[]}}"#, "feedback.cors.origins: expected a list of 1 to 64 origins"),
        (r#"{"cors":{"origins":"*"}}"#, "feedback.cors.origins: expected a list"),
        (
            r#"{"cors":{"origins":["*","app.example"]}}"#,
            "feedback.cors.origins[1]: expected an origin such as `https://app.example`",
        ),
        (
            r#"{"cors":{"origins":["https://app.example/"]}}"#,
            "feedback.cors.origins[0]: expected an origin such as `https://app.example`",
        ),
    ];
    for (feedback, message) in cases {
        assert_eq!(compile(feedback).unwrap_err(), message);
    }
}

#[test]
fn secrets_show_nowhere() {
    for feedback in [r#"{"secret":"hunter2-hunter2-hunter2"}"#, r#"{"secret":["hunter2-hunter2-hunter2"]}"#] {
        let shown = format!("{:?}", compile(feedback).unwrap());
        assert!(shown.contains("keys: [Key]") && !shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn it_is_off_unless_configured() {
    assert!(Policy::parse(b"{}").unwrap().feedback().is_none());
    assert!(compile("null").unwrap().feedback().is_none());
}

#[test]
fn one_path_whatever_the_query() {
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
