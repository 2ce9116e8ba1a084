use super::{HOSTS, pattern, provider_of};

/// A host that fits each pattern, and the provider it is for.
fn examples() -> impl Iterator<Item = (String, &'static str)> {
    HOSTS.iter().map(|(pattern, provider)| (pattern.replace('*', "r-1"), *provider))
}

#[test]
fn every_line_counts() {
    for (host, provider) in examples() {
        assert_eq!(provider_of(&host), Some(provider), "{host}");
        assert_eq!(provider_of(&format!("{host}:443")), Some(provider), "{host}");
        assert_eq!(provider_of(&format!("{host}.evil.example")), None, "{host}");
        let lines = HOSTS.iter().filter(|(pattern, _)| pattern::fits(pattern, &host));
        assert_eq!(lines.count(), 1, "{host}: one line is enough");
    }
}

#[test]
fn a_port_tells_where_no_host_does() {
    assert_eq!(provider_of("gpu-3.internal:11434"), Some("ollama"));
    assert_eq!(provider_of("gpu-3.internal:8000"), None);
    assert_eq!(provider_of("api.openai.com:11434"), Some("openai"));
}
