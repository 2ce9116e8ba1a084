//! The parts of a request that a simulated provider reads.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Chat,
    Completions,
    Embeddings,
    Messages,
}

/// A parsed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProviderRequest {
    pub(super) endpoint: Endpoint,
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
}

impl ProviderRequest {
    /// Parses path and body. The error message is sent to the client.
    pub(super) fn read(path: &str, body: &[u8]) -> Result<Self> {
        let endpoint = match path.split('?').next().unwrap_or_default() {
            "/v1/chat/completions" => Endpoint::Chat,
            "/v1/completions" => Endpoint::Completions,
            "/v1/embeddings" => Endpoint::Embeddings,
            "/v1/messages" => Endpoint::Messages,
            _ => bail!("unknown endpoint: {path}"),
        };
        let body: Value = serde_json::from_slice(body).context("the body is not JSON")?;
        let model = body["model"].as_str().context("the body has no model")?;
        Ok(Self {
            endpoint,
            model: model.to_owned(),
            stream: endpoint != Endpoint::Embeddings && body["stream"].as_bool().unwrap_or(false),
            include_usage: body["stream_options"]["include_usage"].as_bool().unwrap_or(false),
        })
    }
}
