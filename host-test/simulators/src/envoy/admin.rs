//! Envoy's admin port: readiness, addresses and statistics.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::stats::Stats;
use crate::load::{Client, Protocol, Request};

/// How long a statistic may take to reach its value: generous, as it only ends a run that has failed anyway.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks. Envoy has no way to tell when a statistic changes.
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

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.client.address()
    }

    /// The body of an admin page.
    pub async fn get(&self, path: &str) -> Result<String> {
        let answer = self.client.send(Request::get(path)).await?.finish().await;
        ensure!(answer.status == 200, "Envoy's admin port answered {} for {path}", answer.status);
        String::from_utf8(answer.body)
            .with_context(|| format!("{path} is not UTF-8: a scrape would fail on it"))
    }

    /// One scrape, as Prometheus would see it.
    pub async fn stats(&self) -> Result<Stats> {
        Stats::parse(&self.get("/stats/prometheus").await?)
    }

    /// Scrapes until `missing` has nothing more to say, and gives that scrape.
    ///
    /// `missing` lists what is not as it should be yet, and its last words are the error's.
    pub async fn until(&self, missing: impl Fn(&Stats) -> Vec<String>) -> Result<Stats> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let stats = self.stats().await?;
            let left = missing(&stats);
            if left.is_empty() {
                return Ok(stats);
            }
            if Instant::now() > deadline {
                bail!("after {PATIENCE:?} of waiting:\n  {}", left.join("\n  "));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The address that a listener got.
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

    /// Whether Envoy serves: its own word, false as long as nothing answers.
    pub(super) async fn ready(&self) -> bool {
        self.get("/ready").await.is_ok()
    }
}
