//! Calls to a real judge: TLS, a key, a timeout, and retries if it is too busy.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use llm_gauge_engine::judge::JudgeRequest;
use llm_gauge_engine::limits::JUDGE_REPLY_BYTES_MAX;
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};

/// Maximum number of tries of one call, the first included.
const TRIES_MAX: u32 = 4;

/// The pause before the second try. It doubles with each try.
const BACK_OFF: Duration = Duration::from_millis(500);

/// Maximum pause. A judge that asks for a longer one is not tried again.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The URL of a judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Scheme, host and port.
    base: String,
    /// The path of the endpoint.
    pub(super) path: String,
}

/// The result of a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CallResult {
    /// A status and a body.
    Body(u16, Vec<u8>),
    /// There was no answer before the timeout.
    Late,
    /// The server could not be reached, with the error message.
    Unreachable(String),
}

/// The client of a judge.
#[derive(Clone)]
pub(super) struct JudgeClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    key: Option<HeaderValue>,
}

impl Target {
    /// Parses a URL. A path that lacks `chat/completions` is completed.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected a URL such as `https://api.openai.com`";
        let uri: Uri = text.parse().map_err(|_| EXPECTED.to_owned())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(EXPECTED.to_owned());
        };
        if !matches!(scheme, "http" | "https") {
            return Err(EXPECTED.to_owned());
        }
        if authority.as_str().contains('@') {
            return Err(
                "expected a URL without a key, which would end up in logs: set JUDGE_API_KEY".to_owned()
            );
        }
        let given = uri.path_and_query().map_or("", |path| path.as_str()).trim_end_matches('/');
        let path = match given {
            "" => "/v1/chat/completions".to_owned(),
            given if given.ends_with("/v1") => format!("{given}/chat/completions"),
            given => given.to_owned(),
        };
        Ok(Self { base: format!("{scheme}://{authority}"), path })
    }
}

/// The key is left out, because it is a secret.
impl fmt::Debug for JudgeClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl JudgeClient {
    /// Returns a client of this judge.
    pub(super) fn new(target: &Target, key: Option<String>) -> Result<Self> {
        let key = key.filter(|key| !key.is_empty()).map(|key| {
            let key = HeaderValue::try_from(format!("Bearer {}", key.trim()));
            key.map_err(|_| anyhow!("JUDGE_API_KEY: expected a valid header value"))
        });
        let mut key = key.transpose()?;
        if let Some(key) = &mut key {
            key.set_sensitive(true);
        }
        let connector = HttpsConnectorBuilder::new();
        let connector = match target.base.starts_with("https:") {
            true => connector.with_native_roots().context("this machine has no CA certificates")?,
            // Without certificates, a judge can still be called over plain HTTP.
            false => connector.with_tls_config(without_trusted_certificates()?),
        };
        let https = connector.https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(https);
        Ok(Self { client, base: target.base.clone(), key })
    }

    /// Makes the call, and retries if the judge is too busy. The timeout applies to each try.
    pub(super) async fn call(&self, request: &JudgeRequest) -> CallResult {
        let timeout = Duration::from_millis(request.timeout_ms);
        let mut pause = BACK_OFF;
        for number in 1.. {
            let (status, headers, body) = match tokio::time::timeout(timeout, self.call_once(request)).await {
                Err(_) => return CallResult::Late,
                Ok(Err(error)) => return CallResult::Unreachable(format!("{error:#}")),
                Ok(Ok(answer)) => answer,
            };
            let asked = retry_after(&headers).unwrap_or(pause);
            if !matches!(status, 429 | 503) || number >= TRIES_MAX || asked > PAUSE_MAX {
                return CallResult::Body(status, body);
            }
            tokio::time::sleep(asked).await;
            pause *= 2;
        }
        CallResult::Late
    }

    async fn call_once(&self, request: &JudgeRequest) -> Result<(u16, HeaderMap, Vec<u8>)> {
        let mut call = Request::post(format!("{}{}", self.base, request.path));
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        if let Some(key) = &self.key {
            call = call.header(AUTHORIZATION, key);
        }
        let call = call.body(Full::new(Bytes::from(request.body.clone())))?;
        let response = self.client.request(call).await;
        let response = response.with_context(|| format!("cannot reach the judge at {}", self.base))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok((status, headers, body(response).await.context("the judge's answer broke off")?))
    }
}

fn without_trusted_certificates() -> Result<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Returns sixteen unpredictable bytes.
pub(super) fn random() -> Result<[u8; 16]> {
    let mut random = [0; 16];
    let filled = default_provider().secure_random.fill(&mut random);
    filled.map_err(|_| anyhow!("the system provides no random numbers"))?;
    Ok(random)
}

/// Returns the body, cut off just above the limit, so that it is recognised as too long.
async fn body(mut response: Response<hyper::body::Incoming>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(frame) = response.frame().await {
        body.extend_from_slice(frame?.data_ref().map_or(&[][..], |data| data.as_ref()));
        if body.len() > JUDGE_REPLY_BYTES_MAX {
            break;
        }
    }
    Ok(body)
}

/// Returns the `retry-after` of a response in seconds; `None` if it has none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_completed_and_a_key_in_a_url_refused() {
        for (url, base, path) in [
            ("https://api.openai.com", "https://api.openai.com", "/v1/chat/completions"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080", "/v1/chat/completions"),
            ("https://a.example/openai/v1/", "https://a.example", "/openai/v1/chat/completions"),
            ("https://a.example/grade?version=1", "https://a.example", "/grade?version=1"),
        ] {
            let target = Target { base: base.to_owned(), path: path.to_owned() };
            assert_eq!(Target::parse(url), Ok(target));
        }
        for wrong in ["api.openai.com", "ftp://a.example", "/v1", "", "https://key@a.example"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
