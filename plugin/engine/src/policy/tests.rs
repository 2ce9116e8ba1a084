use super::*;

/// The whole message an operator sees.
fn refused(config: &str, message: &str) {
    let error = Policy::parse(config.as_bytes()).map(|_| "accepted").unwrap_err();
    assert_eq!(error.to_string(), message, "{config}");
}

#[test]
fn estimates_are_on_or_off() {
    let estimates = |config: &str| Policy::parse(config.as_bytes()).unwrap().estimates();
    assert!(estimates("{}") && estimates(r#"{"estimate":"on"}"#) && estimates(r#"{"estimate":true}"#));
    assert!(!estimates(r#"{"estimate":"off"}"#) && !estimates(r#"{"estimate":false}"#));
    let error = Policy::parse(br#"{"estimate":"maybe"}"#).unwrap_err().to_string();
    assert_eq!(
        error,
        "estimate: invalid value: string \"maybe\", expected `on` or `off` at line 1 column 19"
    );
}

#[test]
fn unknown_keys_are_refused_at_every_level() {
    refused(
        r#"{"labls":[]}"#,
        "labls: unknown field `labls`, expected one of `service`, `match`, `labels`, `models`, `streaming`, `estimate`, `prices`, `judge`, `feedback`, `telemetry`, `redact`, \
         `filter_state`, `limits` at line 1 column 8",
    );
    refused(
        r#"{"match":[{},{"pth":"*"}]}"#,
        "match[1].pth: unknown field `pth`, expected one of `path`, `host`, `route`, `cluster`, `provider`, `format` \
         at line 1 column 19",
    );
    refused(
        r#"{"labels":[{"name":"a","header":"b","max":1}]}"#,
        "labels[0].max: unknown field `max`, expected one of `name`, `header`, `max_values`, `default` \
         at line 1 column 41",
    );
    refused(
        r#"{"models":{"max":1}}"#,
        "models.max: unknown field `max`, expected one of `known`, `rename`, `max_series` at line 1 column 16",
    );
    refused(
        r#"{"models":{"rename":[{"from":"a"}]}}"#,
        "models.rename[0].from: unknown field `from`, expected `match` or `to` at line 1 column 28",
    );
    refused(
        r#"{"streaming":{"x":1}}"#,
        "streaming.x: unknown field `x`, expected `usage` at line 1 column 17",
    );
    refused(
        r#"{"limits":{"x":1}}"#,
        "limits.x: unknown field `x`, expected one of `event_bytes`, `request_bytes`, `worker_bytes` at line 1 column 14",
    );
}

#[test]
fn wrong_types_are_refused_in_words_of_the_document() {
    refused("[]", "invalid type: sequence, expected an object");
    refused("1", "invalid type: integer `1`, expected an object at line 1 column 1");
    refused("null", "invalid type: null, expected an object at line 1 column 4");
    refused(r#"{"models":7}"#, "models: invalid type: integer `7`, expected an object at line 1 column 11");
    refused(r#"{"labels":{}}"#, "labels: invalid type: map, expected a sequence at line 1 column 10");
    refused(
        r#"{"match":["a"]}"#,
        "match[0]: invalid type: string \"a\", expected an object at line 1 column 13",
    );
    let whole = "expected a whole number at line 1 column";
    refused(
        r#"{"models":{"max_series":"9"}}"#,
        &format!("models.max_series: invalid type: string \"9\", {whole} 27"),
    );
    refused(
        r#"{"models":{"max_series":-1}}"#,
        &format!("models.max_series: invalid type: integer `-1`, {whole} 26"),
    );
    refused(
        r#"{"limits":{"event_bytes":1.5}}"#,
        &format!("limits.event_bytes: invalid type: floating point `1.5`, {whole} 28"),
    );
    refused(
        r#"{"streaming":{"usage":"guess"}}"#,
        "streaming.usage: unknown variant `guess`, expected `observe` or `request` at line 1 column 29",
    );
    refused(r#"{"labels":[{"name":"a"}]}"#, "labels[0]: missing field `header` at line 1 column 23");
    refused(r#"{"limits":{},"limits":{}}"#, "duplicate field `limits` at line 1 column 21");
}

#[test]
fn values_without_sense_are_refused() {
    let zero = "expected a number of at least 1, got 0";
    refused(r#"{"models":{"max_series":0}}"#, &format!("models.max_series: {zero}"));
    refused(
        r#"{"limits":{"worker_bytes":1048575}}"#,
        "limits.worker_bytes: expected 1048576 to 805306368 bytes, got 1048575",
    );
    refused(r#"{"limits":{"event_bytes":0}}"#, &format!("limits.event_bytes: {zero}"));
    refused(r#"{"limits":{"request_bytes":0}}"#, &format!("limits.request_bytes: {zero}"));
    refused(
        r#"{"labels":[{"name":"a1","header":"b","max_values":0}]}"#,
        &format!("labels[0].max_values: {zero}"),
    );
    refused(
        r#"{"match":[{"format":"openai_chat"},{"format":"nope"}]}"#,
        &format!("match[1].format: unknown format `nope`, expected one of {}", crate::formats::names()),
    );
    let keys = "record, request_id, provider, operation, request_model, model, response_model, status, error, source, \
                finish_reasons, response_id, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, \
                cost_nanodollars, duration_ms, first_byte_ms, first_token_ms, first_answer_ms";
    refused(
        r#"{"filter_state":["status","tokens"]}"#,
        &format!("filter_state[1]: unknown key `tokens`, expected one of {keys}"),
    );
}

#[test]
fn prices_are_refused_with_their_row() {
    let row = |row: &str, message: &str| {
        let good = r#"{"provider":"p","match":"a","input":"1"}"#;
        let config = format!(r#"{{"prices":{{"rows":[{good},{row}]}}}}"#);
        let error = Policy::parse(config.as_bytes()).unwrap_err().to_string();
        assert_eq!(error.split(" at line ").next(), Some(message), "{config}");
    };
    row(
        r#"{"provider":"p","match":"b","input":2.5}"#,
        "prices.rows[1].input: invalid type: floating point `2.5`, expected a string",
    );
    row(
        r#"{"provider":"p","match":"b","output":"1,5"}"#,
        "prices.rows[1].output: `1,5` is no price: expected dollars for a million tokens as text, such as 2.5, or with \
         tiers by input: 1.25 >200000 2.5",
    );
    let star = "has a * inside: expected it at the ends only";
    row(r#"{"provider":"p","match":"b*c"}"#, &format!("prices.rows[1].match: `b*c` {star}"));
    row(r#"{"provider":"p","match":"b","except":"c*d"}"#, &format!("prices.rows[1].except: `c*d` {star}"));
    row(r#"{"match":"b"}"#, "prices.rows[1].provider: expected a value");
    row(r#"{"provider":"p"}"#, "prices.rows[1].match: expected a value");
    row(r#"{"provider":"p","match":""}"#, "prices.rows[1].match: expected a value");
    row(r#"["p"]"#, "prices.rows[1]: invalid type: sequence, expected an object");
    refused(
        r#"{"prices":{"rows":[],"providers":{"cloud":"acme"}}}"#,
        "prices.providers.cloud: no row has the provider `acme`",
    );
    refused(r#"{"prices":{}}"#, "prices: missing field `rows` at line 1 column 12");
    let unknown = Policy::parse(br#"{"prices":{"rows":[{"inputs":"1"}]}}"#).unwrap_err().to_string();
    let said =
        "prices.rows[0].inputs: unknown field, expected provider, match, except or a class of tokens: ";
    assert!(unknown.starts_with(said) && unknown.contains(", cache_write_1h, "), "{unknown}");
    row(
        r#"{"provider":"p","match":"b","input":"1","input":"1"}"#,
        "prices.rows[1].input: stands there twice",
    );
}

#[test]
fn labels_must_be_new_and_tell_apart() {
    let label = |name: &str, message: &str| {
        let config =
            format!(r#"{{"labels":[{{"name":"tenant","header":"x"}},{{"name":"{name}","header":"y"}}]}}"#);
        refused(&config, &format!("labels[1].name: `{name}` {message}"));
    };
    for name in ["", "Tenant", "1a", "a-b", "_x", "é"] {
        label(name, "is no label name: expected lower-case letters, digits and _, a letter first");
    }
    label("tenant", "cannot be told apart from the label `tenant`");
    label("sub_tenant", "cannot be told apart from the label `tenant`");
    label("nant", "cannot be told apart from the label `tenant`");
    label("model", "cannot be told apart from the label `model`");
    label("my_model", "cannot be told apart from the label `model`");
    label("core", "cannot be told apart from the label `score`");
    for name in ["request_id", "input_tokens", "total_tokens", "sampled", "le"] {
        label(name, "is taken by Prometheus or by a field of filter state `json`");
    }
    let header = |header: &str| {
        let config = format!(r#"{{"labels":[{{"name":"tenant","header":"{header}"}}]}}"#);
        refused(&config, &format!("labels[0].header: expected a header name in lower case, got `{header}`"));
    };
    header("X-Tenant");
    header("");
    let many: Vec<_> = (0..5).map(|number| format!(r#"{{"name":"l{number}","header":"x"}}"#)).collect();
    refused(&format!("{{\"labels\":[{}]}}", many.join(",")), "labels: expected at most 4 labels, got 5");
    assert!(Policy::parse(format!("{{\"labels\":[{}]}}", many[..4].join(",")).as_bytes()).is_ok());
}

#[test]
fn what_is_no_document_is_refused() {
    refused("{} x", "trailing characters at line 1 column 4");
    refused("{}{}", "trailing characters at line 1 column 3");
    refused("{", "EOF while parsing an object at line 1 column 1");
    refused(r#"{"models":{"#, "models: EOF while parsing an object at line 1 column 11");
    refused("models: {}", "expected value at line 1 column 1");
    refused(r#"{"service":"\x"}"#, "service: invalid escape at line 1 column 14");
    assert!(Policy::parse(b"{\"service\":\"\xff\"}").is_err());
}

#[test]
fn nothing_at_all_meters() {
    for config in ["", " \n", "{}"] {
        let policy = Policy::parse(config.as_bytes()).unwrap();
        assert_eq!(policy.event_bytes_max(), 16 * 1024 * 1024);
        assert_eq!((policy.asks_usage(), policy.request_bytes_max()), (false, 1_000_000));
        assert_eq!((policy.models().max_series, policy.labels().len()), (200, 0));
        assert!(policy.rules.is_none() && !policy.asks_for_place());
    }
    let empty = Policy::parse(b"").unwrap();
    assert_eq!(empty.fingerprint(), Policy::parse(b"{}").unwrap().fingerprint());
    assert_ne!(empty.fingerprint(), Policy::parse(b"{ }").unwrap().fingerprint());
    assert_eq!(empty.fingerprint(), "44136fa355b3678a");
}

/// Meters a request: the format and the provider, or `-`.
fn check(rules: &str, request: &str, expected: &str) {
    let policy = match rules {
        "" => Policy::parse(b"{}"),
        rules => Policy::parse(format!("{{\"match\":[{rules}]}}").as_bytes()),
    };
    let policy = policy.unwrap();
    let mut parts = request.split(' ');
    let mut next = || parts.next().unwrap_or("");
    let [method, host, path, route, cluster, guard] = [next(), next(), next(), next(), next(), next()];
    let mut fields = vec![(":method", method), (":authority", host), (":path", path)];
    fields.extend((!guard.is_empty()).then_some(("x-llm-gauge", guard)));
    let head = Headers::new(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let place = Place { route: route.to_owned(), cluster: cluster.to_owned() };
    let route = policy.route(&head, &place);
    let found = route.map_or("-".to_owned(), |route| format!("{} {}", route.format.name, route.provider));
    assert_eq!(found, expected, "{rules}: {request}");
}

#[test]
fn without_rules_paths_decide() {
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
fn the_guard_header_keeps_our_own_calls_out() {
    check("", "POST api.openai.com /v1/chat/completions r c internal", "-");
    check("{}", "POST api.openai.com /v1/chat/completions r c internal", "-");
    check("", "POST api.openai.com /v1/chat/completions r c other", "openai_chat openai");
}

#[test]
fn the_first_rule_that_fits_decides() {
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
fn rules_say_what_must_be_asked() {
    let asks = |config: &str| Policy::parse(config.as_bytes()).unwrap().asks_for_place();
    assert!(asks(r#"{"match":[{},{"route":"a"}]}"#) && asks(r#"{"match":[{"cluster":"a"}]}"#));
    assert!(!asks(r#"{"match":[{"path":"a","host":"b","provider":"c"}]}"#) && !asks(r#"{"match":[]}"#));
    let policy = Policy::parse(br#"{"match":[{}]}"#).unwrap();
    assert!(policy.may_meter(b"POST") && !policy.may_meter(b"GET"));
    let none = Policy::parse(b"{}").unwrap();
    assert!(none.may_meter(b"POST") && none.may_meter(b"GET") && !none.may_meter(b"OPTIONS"));
}

#[test]
fn the_first_rename_that_fits_decides() {
    let policy = br#"{"models":{"rename":[{"match":"gpt-4o-*","to":"gpt-4o"},{"match":"*","to":"rest"}]}}"#;
    let policy = Policy::parse(policy).unwrap();
    assert_eq!((policy.renamed("gpt-4o-mini"), policy.renamed("gpt-4o")), ("gpt-4o", "rest"));
    assert_eq!(Policy::parse(b"{}").unwrap().renamed("x"), "x");
}

#[test]
fn label_values_are_harmless_and_short() {
    let config =
        br#"{"labels":[{"name":"tenant","header":"x-t"},{"name":"team","header":"x-u","default":"none"}]}"#;
    let policy = Policy::parse(config).unwrap();
    let check = |tenant: &[u8], expected: &str| {
        let head = Headers::new([(&b"x-t"[..], tenant)]);
        assert_eq!(policy.label_values(&head), [expected, "none"]);
    };
    check(b"acme", "acme");
    check(b"", "unknown");
    check(b"a;.;b\xff", "a;_;b\u{fffd}");
    check(&[b'x'; 60_000], &"x".repeat(128));
    assert_eq!(policy.label_values(&Headers::default()), ["unknown", "none"]);
}
