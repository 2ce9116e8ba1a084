//! Envoy's admin port: readiness, addresses and statistics.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::stats::Stats;
use crate::load::{Client, Protocol, Request};

/// Maximum time for a statistic to reach its value. It is long, because it only ends runs that have failed anyway.
const PATIENCE: Duration = Duration::from_secs(10);

/// The interval between two polls. Envoy cannot notify of a changed statistic.
const POLL: Duration = Duration::from_millis(20);

/// A client of one Envoy's admin port.
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client,
}

impl Admin {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { client: Client::new(address, Protocol::Http1) }
    }

    /// Returns the address of the admin port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.client.address()
    }

    /// Returns the body of an admin page.
    pub async fn get(&self, path: &str) -> Result<String> {
        let answer = self.client.send(Request::get(path)).await?.finish().await;
        ensure!(answer.status == 200, "Envoy's admin port answered {} for {path}", answer.status);
        String::from_utf8(answer.body)
            .with_context(|| format!("{path} is not UTF-8: a scrape would fail on it"))
    }

    /// Returns one scrape, as Prometheus would see it.
    pub async fn stats(&self) -> Result<Stats> {
        Stats::parse(&self.get("/stats/prometheus").await?)
    }

    /// Scrapes until `missing` returns an empty list, and returns that scrape.
    ///
    /// `missing` lists what differs from the expectation. Its last list is in the error.
    pub async fn until(&self, missing: impl Fn(&Stats) -> Vec<String>) -> Result<Stats> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let stats = self.stats().await?;
            let left = missing(&stats);
            if left.is_empty() {
                return Ok(stats);
            }
            if Instant::now() > deadline {
                bail!("not reached within {PATIENCE:?}:\n  {}", left.join("\n  "));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Returns the address that a listener is bound to.
    pub(super) async fn listener(&self, name: &str) -> Result<SocketAddr> {
        let page: Value = serde_json::from_str(&self.get("/listeners?format=json").await?)?;
        let statuses = page["listener_statuses"].as_array().into_iter().flatten();
        let listener = statuses.into_iter().find(|status| status["name"] == name);
        let listener = listener.with_context(|| format!("Envoy has no listener {name}: {page}"))?;
        let socket = &listener["local_address"]["socket_address"];
        let (address, port) = (socket["address"].as_str().unwrap_or_default(), &socket["port_value"]);
        format!("{address}:{port}")
            .parse()
            .with_context(|| format!("the address of listener {name}: {listener}"))
    }

    /// Whether Envoy reports that it serves; `false` while it does not answer.
    pub(super) async fn ready(&self) -> bool {
        self.get("/ready").await.is_ok()
    }
}
