//! Which provider a host belongs to.

/// Host, or with a leading dot the end of one, and `gen_ai.provider.name` as OpenTelemetry lists it.
const HOSTS: &[(&str, &str)] = &[
    ("api.openai.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    (".openai.azure.com", "azure.ai.openai"),
    (".services.ai.azure.com", "azure.ai.inference"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("-aiplatform.googleapis.com", "gcp.vertex_ai"),
    (".amazonaws.com", "aws.bedrock"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.groq.com", "groq"),
    ("api.deepseek.com", "deepseek"),
    ("api.x.ai", "x_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("openrouter.ai", "openrouter"),
    ("api.together.xyz", "together_ai"),
];

/// The provider behind `host` (a port may follow), if it is a known one.
pub fn provider_of(host: &str) -> Option<&'static str> {
    let host = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    let host = host.to_ascii_lowercase();
    let fits = |pattern: &str| match pattern.starts_with(['.', '-']) {
        true => host.ends_with(pattern),
        false => host == pattern,
    };
    let found = HOSTS.iter().find(|(pattern, _)| fits(pattern));
    found.map(|(_, provider)| *provider)
}
