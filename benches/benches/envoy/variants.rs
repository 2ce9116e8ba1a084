//! The variants to compare: one Envoy for each, which differ only in the filter.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use simulators::build;
use simulators::envoy::{Bootstrap, Stats};
use simulators::load::Protocol;

use crate::ext_proc::ExtProc;

/// A filter, or none.
pub struct Variant {
    /// The name in the table.
    pub name: &'static str,
    /// The configuration of its Envoy.
    pub bootstrap: Bootstrap,
    /// The check that it did its work, by its statistics or, if it has none, by its log.
    pub counted: CountCheck,
}

/// The evidence that a variant has found the counts.
#[derive(Clone, Copy)]
pub enum CountCheck {
    /// It does not look for counts.
    Nothing,
    /// A metric is the sum of all tokens.
    Tokens(&'static str),
    /// The sum of these metrics is the number of exchanges with usage, or of values found in them.
    Exchanges(&'static [&'static str]),
    /// It logs an error for an exchange without usage.
    Log,
}

/// Reads a stream piece by piece, so that it delays nothing, and looks for one number.
const LUA: &str = r#"
function envoy_on_response(response)
  local rest, tokens = "", nil
  for chunk in response:bodyChunks() do
    local text = rest .. chunk:getBytes(0, chunk:length())
    local at = string.find(text, '"total_tokens":', 1, true)
    if at then tokens = string.match(text, "^%s*(%d+)", at + 15) or tokens end
    rest = string.sub(text, -40)
  end
  if tokens then
    response:streamInfo():dynamicMetadata():set("envoy.filters.http.lua", "tokens", tokens)
  else
    response:logErr("no usage")
  end
end
"#;

impl Variant {
    /// Returns all variants; `upstream` is the address that they send to.
    pub fn all(upstream: SocketAddr, ext_proc: &ExtProc) -> Result<Vec<Self>> {
        let guest = build::wasm("bench-guest", build::PROFILE)?;
        let filter = build::filter(false)?;
        let base = || -> Result<Bootstrap> {
            Bootstrap::shipped()?.without_access_log()?.upstream("openai", upstream, Protocol::Http1)
        };
        let native = |filters| base()?.instead(filters);
        let wasm = |file: &Path, configuration: &str| base()?.filter(file)?.configuration(configuration);
        let variant = |name, bootstrap: Result<Bootstrap>, counted| -> Result<Self> {
            Ok(Self { name, bootstrap: bootstrap?, counted })
        };
        [
            variant(NONE, native(vec![]), CountCheck::Nothing),
            variant("no filter, again", native(vec![]), CountCheck::Nothing),
            variant("empty wasm", wasm(&guest, "empty"), CountCheck::Nothing),
            variant(COPY, wasm(&guest, "copy"), CountCheck::Nothing),
            variant(GAUGE, wasm(&filter, "{}"), CountCheck::Tokens("llm_tokens_total")),
            variant(
                NATIVE,
                native(ai_protocol_manager()),
                CountCheck::Exchanges(&["envoy_ai_protocol_manager_token_usage_found"]),
            ),
            variant("Lua", native(lua()), CountCheck::Log),
            variant(
                "json_/sse_to_metadata",
                native(to_metadata()),
                CountCheck::Exchanges(&[
                    "envoy_json_to_metadata_resp_success",
                    "envoy_sse_to_metadata_resp_json_metadata_added",
                ]),
            ),
            variant("serde_json in wasm", wasm(&guest, "tree"), CountCheck::Tokens("bench_tokens_total")),
            variant(
                EXT_PROC,
                native(external()).and_then(|envoy| envoy.cluster("ext_proc", ext_proc.address())),
                CountCheck::Nothing,
            ),
        ]
        .into_iter()
        .collect()
    }
}

/// The baseline.
pub const NONE: &str = "no filter";
/// The variant that goals refer to.
pub const COPY: &str = "copy-only wasm";
/// Our filter.
pub const GAUGE: &str = "llm-gauge";
/// Envoy's own filter.
pub const NATIVE: &str = "ai_protocol_manager";
/// The variant with a separate server.
pub const EXT_PROC: &str = "ext_proc + server";

impl CountCheck {
    /// Compares the counts with what was sent: exchanges and their tokens.
    pub fn check(self, stats: &Stats, log: &str, exchanges: u64, tokens: u64) -> Result<(), String> {
        match self {
            Self::Nothing => Ok(()),
            Self::Tokens(metric) => {
                let counted = stats.sum(metric, &[]);
                (counted == tokens as f64)
                    .then_some(())
                    .ok_or(format!("{metric}: expected {tokens}, got {counted}"))
            }
            Self::Exchanges(metrics) => {
                let counted: f64 = metrics.iter().map(|metric| stats.sum(metric, &[])).sum();
                let enough = counted >= exchanges as f64;
                enough.then_some(()).ok_or(format!("{metrics:?}: expected {exchanges}, got {counted}"))
            }
            Self::Log => (!log.contains("no usage")).then_some(()).ok_or("a stream without usage".to_owned()),
        }
    }
}

fn ai_protocol_manager() -> Vec<Value> {
    vec![json!({"name": "envoy.filters.http.ai_protocol_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.ai_protocol_manager.v3.AiProtocolManager",
        "response_handling": {"token_usage": {"include_unconfigured_routes": true}},
    }})]
}

fn lua() -> Vec<Value> {
    vec![json!({"name": "envoy.filters.http.lua", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": LUA},
    }})]
}

/// Both filters at once, each of which handles its own content types.
fn to_metadata() -> Vec<Value> {
    let rule = |path: &[&str]| {
        let selectors: Vec<_> = path.iter().map(|key| json!({"key": key})).collect();
        let key = path.join("_");
        json!({"selectors": selectors, "on_present": {"metadata_namespace": "usage", "key": key}})
    };
    let rules = [
        rule(&["model"]),
        rule(&["usage", "prompt_tokens"]),
        rule(&["usage", "completion_tokens"]),
        rule(&["usage", "total_tokens"]),
    ];
    let wrapped: Vec<_> = rules.iter().map(|rule| json!({"rule": rule})).collect();
    vec![
        json!({"name": "envoy.filters.http.json_to_metadata", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata",
            "response_rules": {"rules": rules},
        }}),
        json!({"name": "envoy.filters.http.sse_to_metadata", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.sse_to_metadata.v3.SseToMetadata",
            "response_rules": {"content_parser": {"name": "envoy.content_parsers.json", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.content_parsers.json.v3.JsonContentParser",
                "rules": wrapped,
            }}},
        }}),
    ]
}

fn external() -> Vec<Value> {
    vec![json!({"name": "envoy.filters.http.ext_proc", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor",
        "grpc_service": {"envoy_grpc": {"cluster_name": "ext_proc"}},
        "processing_mode": {
            "request_header_mode": "SKIP", "response_header_mode": "SEND",
            "request_body_mode": "NONE", "response_body_mode": "STREAMED",
        },
        "message_timeout": "10s",
    }})]
}
