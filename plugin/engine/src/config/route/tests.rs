use super::*;

/// Asserts the format and the provider of a request, or `-` if it is not metered.
fn check(rules: &str, request: &str, expected: &str) {
    let policy = match rules {
        "" => Policy::parse(b"{}"),
        rules => Policy::parse(format!("{{\"match\":[{rules}]}}").as_bytes()),
    };
    let policy = policy.unwrap();
    let mut parts = request.split(' ');
    let mut next = || parts.next().unwrap_or("");
    let [method, host, path, route, cluster] = [next(), next(), next(), next(), next()];
    let fields = [(":method", method), (":authority", host), (":path", path)];
    let head = Headers::new(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let place = Place { route: route.to_owned(), cluster: cluster.to_owned() };
    let route = policy.route(&head, &place);
    let found = route.map_or("-".to_owned(), |route| format!("{} {}", route.format.name, route.provider));
    assert_eq!(found, expected, "{rules}: {request}");
}

#[test]
fn route_without_rules_follows_paths() {
    check("", "POST api.openai.com /v1/chat/completions", "openai_chat openai");
    check("", "POST api.openai.com:443 /v1/chat/completions?x=/v1/messages", "openai_chat openai");
    check("", "POST API.Groq.com /openai/v1/chat/completions", "openai_chat groq");
    check("", "POST localhost /v1/completions", "openai_completions openai_compatible");
    check("", "POST localhost /v1/messages", "anthropic_messages anthropic");
    check("", "POST localhost /v1/messages/count_tokens", "anthropic_count_tokens anthropic");
    check("", "POST localhost /v1/embeddings", "openai_embeddings openai_compatible");
    check("", "POST localhost /v1/complete", "anthropic_complete anthropic");
    check("", "POST localhost /v1/models", "-");
    check("", "POST localhost /", "-");
    check("", "GET api.openai.com /v1/chat/completions/x", "other openai");
    check("", "GET api.openai.com /v1/chat/completions", "other openai");
    check("", "POST api.openai.com /v1/files", "other openai");
    check("", "DELETE api.openai.com /v1/files/x", "other openai");
    check("", "GET localhost /v1/chat/completions", "-");
    check("", "POST localhost:11434 /v1/chat/completions", "openai_chat ollama");
    check("", "POST s3.us-east-1.amazonaws.com /bucket", "-");
    check("", "POST h /model/us.anthropic.claude-v2/invoke", "bedrock_anthropic aws.bedrock");
    check("", "POST h /model/mistral.mistral-large-2407-v1%3A0/invoke", "bedrock_mistral_chat aws.bedrock");
    check("", "POST h /model/cohere.command-light-text-v14/invoke", "bedrock_cohere_text aws.bedrock");
    check("", "POST api.writer.com /v1/chat", "openai_chat writer");
    check("", "POST api.cohere.com /v1/chat", "cohere_v1_chat cohere");
    check("", "POST h /v1/models/x:generateContent", "gemini_generate_content gcp.gemini");
    check("", "POST h /v1/models/text-embedding-004:predict", "gemini_embeddings gcp.gemini");
    check("", "post api.openai.com /v1/chat/completions", "-");
    check("", "OPTIONS api.openai.com /v1/chat/completions", "-");
}

#[test]
fn route_applies_the_first_rule_that_matches() {
    let path = r#"{"path":"/llm/*"}"#;
    check(path, "POST h /llm/v1/chat/completions?a=b", "openai_chat openai_compatible");
    check(path, "POST h /v1/chat/completions", "-");
    check(path, "POST h /llm/other", "-");
    check(path, "GET h /llm/v1/chat/completions", "-");
    check(r#"{"path":"/llm"}"#, "POST h /llm?x", "-");
    let named = r#"{"path":"/llm","format":"anthropic_messages","provider":"house"}"#;
    check(named, "POST api.openai.com /llm?x", "anthropic_messages house");
    let host = r#"{"host":"*.Example.com","provider":"x"}"#;
    check(host, "POST a.example.com /v1/messages", "anthropic_messages x");
    check(host, "POST A.EXAMPLE.COM /v1/messages", "anthropic_messages x");
    check(host, "POST example.org /v1/messages", "-");
    check(host, "POST a.example.com:8443 /v1/messages", "-");
    check(r#"{"route":"llm-*"}"#, "POST h /v1/messages llm-1 c", "anthropic_messages anthropic");
    check(r#"{"route":"llm-*"}"#, "POST h /v1/messages other c", "-");
    check(r#"{"cluster":"c"}"#, "POST h /v1/messages r c", "anthropic_messages anthropic");
    check(r#"{"cluster":"c","route":"x"}"#, "POST h /v1/messages r c", "-");
    let two = r#"{"path":"/a*","provider":"one"},{"provider":"two"}"#;
    check(two, "POST h /a/v1/messages", "anthropic_messages one");
    check(two, "POST h /b/v1/messages", "anthropic_messages two");
    check("", "POST h", "-");
}

#[test]
fn rules_select_by_place_and_method() {
    let asks = |config: &str| Policy::parse(config.as_bytes()).unwrap().needs_place();
    assert!(asks(r#"{"match":[{},{"route":"a"}]}"#) && asks(r#"{"match":[{"cluster":"a"}]}"#));
    assert!(!asks(r#"{"match":[{"path":"a","host":"b","provider":"c"}]}"#) && !asks(r#"{"match":[]}"#));
    let policy = Policy::parse(br#"{"match":[{}]}"#).unwrap();
    assert!(policy.may_meter(b"POST") && !policy.may_meter(b"GET"));
    let none = Policy::parse(b"{}").unwrap();
    assert!(none.may_meter(b"POST") && none.may_meter(b"GET") && !none.may_meter(b"OPTIONS"));
}
