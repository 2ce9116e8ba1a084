//! Prometheus' HTTP API: its alerts, and queries.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use simulators::load::{Client, Protocol, Request};

/// A running Prometheus.
#[derive(Clone, Debug)]
pub struct Prometheus {
    client: Client,
}

/// One series of a range query: its labels, and its times with values.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The labels of the series.
    pub labels: BTreeMap<String, String>,
    /// Unix seconds and values. Values that are not numbers are left out.
    pub points: Vec<(f64, f64)>,
}

/// An alert that is pending or firing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveAlert {
    /// The name of the alert.
    pub name: String,
    /// Whether it is firing, and not pending.
    pub is_firing: bool,
}

impl Prometheus {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { client: Client::new(address, Protocol::Http1) }
    }

    /// Returns the address of the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.client.address()
    }

    pub(super) async fn ready(&self, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Ok(exchange) = self.client.send(Request::get("/-/ready")).await
                && exchange.finish().await.status == 200
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("Prometheus was not ready after {patience:?}")
    }

    /// Returns the alerts that are pending or firing.
    pub async fn alerts(&self) -> Result<Vec<ActiveAlert>> {
        let data = self.get("/api/v1/alerts").await?;
        let alerts = data["alerts"].as_array().context("alerts are a list")?;
        let active = alerts.iter().map(|alert| ActiveAlert {
            name: alert["labels"]["alertname"].as_str().unwrap_or_default().to_owned(),
            is_firing: alert["state"] == "firing",
        });
        Ok(active.collect())
    }

    /// Returns the rules that fail or have not been evaluated yet, with their errors.
    pub async fn rules(&self) -> Result<Vec<String>> {
        let data = self.get("/api/v1/rules").await?;
        let groups = data["groups"].as_array().context("groups are a list")?;
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
        let unwell = rules.filter(|rule| rule["health"] != "ok");
        Ok(unwell.map(|rule| format!("{}: {} {}", rule["name"], rule["health"], rule["lastError"])).collect())
    }

    /// Returns the number of series that an expression has now.
    pub async fn count(&self, expression: &str) -> Result<usize> {
        let data = self.get(&format!("/api/v1/query?query={}", escaped(expression))).await?;
        match &data["result"] {
            Value::Array(series) if data["resultType"] == "vector" => Ok(series.len()),
            _ => Ok(1),
        }
    }

    /// Returns the values of an expression between two times (Unix seconds), every `step` seconds.
    pub async fn range(&self, expression: &str, from: f64, to: f64, step: f64) -> Result<Vec<Line>> {
        let query = escaped(expression);
        let path = format!("/api/v1/query_range?query={query}&start={from:.3}&end={to:.3}&step={step}");
        let data = self.get(&path).await?;
        let series = data["result"].as_array().context("a result is a list")?;
        Ok(series.iter().map(line).collect())
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.client.send(Request::get(path)).await?.finish().await;
        let mut body: Value = serde_json::from_slice(&answer.body)
            .with_context(|| format!("Prometheus answered {} for {path}", answer.status))?;
        ensure!(body["status"] == "success", "Prometheus refused {path}: {}", body["error"]);
        Ok(body["data"].take())
    }
}

fn line(series: &Value) -> Line {
    let labels = series["metric"].as_object().into_iter().flatten();
    let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    let points = series["values"].as_array().into_iter().flatten();
    let points = points.filter_map(|point| {
        let value: f64 = point[1].as_str()?.parse().ok()?;
        value.is_finite().then_some((point[0].as_f64()?, value))
    });
    Line { labels: labels.collect(), points: points.collect() }
}

/// Escapes a text for a URL.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(byte.into()),
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}
