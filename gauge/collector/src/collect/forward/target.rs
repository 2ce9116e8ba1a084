//! Forwarding targets as an operator writes them.

use std::str::FromStr;

use anyhow::{Result, ensure};
use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};

/// A product that stores spans and scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// MLflow Tracking.
    Mlflow,
    /// Arize Phoenix.
    Phoenix,
}

/// A store of a product, at its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The product.
    pub product: Product,
    /// `host:port`.
    pub authority: String,
    /// The prefix of its paths: empty, or without a trailing slash.
    pub base: String,
    /// Headers of every request. Their values are never shown.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// A header for all targets of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    product: Product,
    name: HeaderName,
    value: HeaderValue,
}

impl Product {
    fn name(self) -> &'static str {
        match self {
            Self::Mlflow => "mlflow",
            Self::Phoenix => "phoenix",
        }
    }
}

impl FromStr for Product {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [Self::Mlflow, Self::Phoenix].into_iter().find(|product| product.name() == text);
        known.ok_or_else(|| format!("expected mlflow or phoenix, got {text:?}"))
    }
}

impl Target {
    /// Returns the name in the database and in messages.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}=http://{}{}", self.product.name(), self.authority, self.base)
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (product, url) =
            text.split_once('=').ok_or("expected KIND=URL, such as mlflow=http://127.0.0.1:5000")?;
        let product = product.parse()?;
        let url: Uri = url.parse().map_err(|error| format!("invalid URL: {error}"))?;
        // TLS would be a second stack beside the gateway's own, which Envoy has already.
        let advice = "expected an http:// URL; for https let an Envoy listener on loopback forward to it";
        if url.scheme_str() != Some("http") {
            return Err(advice.to_owned());
        }
        let authority = url.authority().ok_or("the URL has no host")?;
        if authority.as_str().contains('@') {
            return Err(
                "the URL is stored in the database: put a password into --header KIND:authorization=env:NAME"
                    .into(),
            );
        }
        if url.query().is_some() {
            return Err("expected a URL without a query".into());
        }
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self {
            product,
            authority: format!("{}:{port}", authority.host()),
            base: url.path().trim_end_matches('/').to_owned(),
            headers: Vec::new(),
        })
    }
}

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "expected KIND:NAME=VALUE, such as mlflow:x-mlflow-experiment-id=3";
        let (product, header) = text.split_once(':').ok_or(form)?;
        let (name, value) = header.split_once('=').ok_or(form)?;
        let product = product.parse()?;
        let name = name.parse().map_err(|_| format!("{name:?} is not a header name"))?;
        let value = match value.strip_prefix("env:") {
            Some(variable) => std::env::var(variable)
                .map_err(|_| format!("the environment variable {variable} is not set"))?,
            None => value.to_owned(),
        };
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| format!("the value of {name} has characters that are invalid in a header"))?;
        value.set_sensitive(true);
        Ok(Self { product, name, value })
    }
}

/// Adds each header to the targets of its product.
pub fn with_headers(mut targets: Vec<Target>, headers: Vec<Header>) -> Result<Vec<Target>> {
    for (place, target) in targets.iter().enumerate() {
        let is_twice = targets.iter().skip(place + 1).any(|other| other.name() == target.name());
        ensure!(!is_twice, "--forward {}: given twice", target.name());
    }
    for Header { product, name, value } in headers {
        let mut fitting = targets.iter_mut().filter(|target| target.product == product).peekable();
        ensure!(
            fitting.peek().is_some(),
            "--header {0}:{name}: there is no --forward {0}=URL",
            product.name()
        );
        fitting.for_each(|target| target.headers.push((name.clone(), value.clone())));
    }
    Ok(targets)
}
