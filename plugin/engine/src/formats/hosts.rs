//! Which provider a host belongs to.

use crate::pattern;

/// Pattern for a host, and `gen_ai.provider.name` as OpenTelemetry lists it where it does.
const HOSTS: &[(&str, &str)] = &[
    ("api.openai.com", "openai"),
    ("*.api.openai.com", "openai"),
    ("chatgpt.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    ("*.openai.azure.com", "azure.ai.openai"),
    ("*.cognitiveservices.azure.com", "azure.ai.openai"),
    ("*.services.ai.azure.com", "azure.ai.inference"),
    ("*.inference.ai.azure.com", "azure.ai.inference"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("*-aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("aiplatform.*.rep.googleapis.com", "gcp.vertex_ai"),
    ("bedrock*.amazonaws.com", "aws.bedrock"),
    ("bedrock-mantle.*.api.aws", "aws.bedrock"),
    ("runtime.sagemaker.*.amazonaws.com", "aws.sagemaker"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.mistral.ai", "mistral_ai"),
    ("codestral.mistral.ai", "mistral_ai"),
    ("api.groq.com", "groq"),
    ("api.deepseek.com", "deepseek"),
    ("api.x.ai", "x_ai"),
    ("*.api.x.ai", "x_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("openrouter.ai", "openrouter"),
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("dashscope*.aliyuncs.com", "alibaba"),
    ("api.z.ai", "z_ai"),
    ("open.bigmodel.cn", "z_ai"),
    ("api.cerebras.ai", "cerebras"),
    ("api.doubleword.ai", "doubleword"),
    ("*.githubcopilot.com", "github.copilot"),
    ("router.huggingface.co", "huggingface"),
    ("api-inference.huggingface.co", "huggingface"),
    ("*.endpoints.huggingface.cloud", "huggingface"),
    ("api.venice.ai", "venice"),
    ("ai-gateway.vercel.sh", "vercel-gateway"),
    ("api.voyageai.com", "voyage"),
    ("api.writer.com", "writer"),
    ("api.avian.io", "avian"),
    ("api.portkey.ai", "portkey"),
    ("*.snowflakecomputing.com", "snowflake"),
    ("api.aleph-alpha.com", "aleph-alpha"),
    ("*.ml.cloud.ibm.com", "ibm.watsonx.ai"),
    ("api.replicate.com", "replicate"),
    ("ollama.com", "ollama"),
    // Each from its provider's page of the API's base URL.
    ("api.moonshot.ai", "moonshot_ai"),
    ("api.moonshot.cn", "moonshot_ai"),
    ("integrate.api.nvidia.com", "nvidia"),
    ("api.minimax.io", "minimax"),
    ("api.minimaxi.com", "minimax"),
    ("api.minimax.chat", "minimax"),
    ("api.fireworks.ai", "fireworks"),
    ("api.deepinfra.com", "deepinfra"),
    ("api.siliconflow.com", "siliconflow"),
    ("api.siliconflow.cn", "siliconflow"),
    ("ark.*.volces.com", "volcengine"),
    ("ark.*.bytepluses.com", "volcengine"),
    ("inference.baseten.co", "baseten"),
    ("*.api.baseten.co", "baseten"),
    ("api.novita.ai", "novita"),
    ("api.studio.nebius.com", "nebius"),
    ("api.studio.nebius.ai", "nebius"),
    ("api.tokenfactory.nebius.com", "nebius"),
    ("api.sambanova.ai", "sambanova"),
    ("*.cloud.databricks.com", "databricks"),
    ("*.azuredatabricks.net", "databricks"),
    ("*.gcp.databricks.com", "databricks"),
    ("api.cloudflare.com", "cloudflare"),
    ("gateway.ai.cloudflare.com", "cloudflare"),
    ("inference.generativeai.*.oraclecloud.com", "oci"),
    ("*.ml.hana.ondemand.com", "sap"),
];

/// Ollama's own port, on whatever host.
const OLLAMA_PORT: &str = "11434";

/// The provider behind `host` (in lower case, a port may follow), if it is a known one.
pub fn provider_of(host: &str) -> Option<&'static str> {
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let found = HOSTS.iter().find(|(pattern, _)| pattern::fits(pattern, name));
    found.map(|(_, provider)| *provider).or((port == OLLAMA_PORT).then_some("ollama"))
}

/// The providers that are known by their hosts, in the order of their names.
pub fn providers() -> std::collections::BTreeSet<&'static str> {
    HOSTS.iter().map(|(_, provider)| *provider).collect()
}

/// Returns the pattern for the first host of a provider; `None` if no host is known to be its own.
pub fn host_pattern(provider: &str) -> Option<&'static str> {
    HOSTS.iter().find(|(_, known)| *known == provider).map(|(pattern, _)| *pattern)
}

#[cfg(test)]
mod tests;
