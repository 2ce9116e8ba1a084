//! Prometheus and Alertmanager with the shipped rules over a real Envoy: traffic makes every alert of
//! [`journal::ALERTS`] fire, and it is delivered, and resolved when the traffic has no faults any more.
//!
//! - [`compressed`]: compresses time, the one difference from the shipped files: a minute is a second
//! - [`history`]: the week of data that a spike is compared with
//! - [`servers`]: both servers; [`query`]: queries to Prometheus; [`webhook`]: receives the notifications
//! - [`traffic`]: sends requests; [`journal`]: records the states of the alerts

pub mod compressed;
pub mod history;
pub mod journal;
pub mod query;
pub mod servers;
pub mod traffic;
pub mod webhook;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use serde_json::json;
use simulators::build;
use simulators::envoy::{Bootstrap, Envoy};
use simulators::judge::{JudgeBehaviour, JudgeServer};
use simulators::load::{Client, Protocol};
use simulators::provider::Provider;

use self::journal::Journal;
use self::servers::{Programs, Servers};
use self::traffic::Traffic;
use self::webhook::WebhookReceiver;
use crate::dashboards;

/// Maximum time of a step on a busy machine. All steps together normally take two minutes.
const PATIENCE: Duration = Duration::from_secs(180);

/// The interval between two polls of Prometheus.
const POLL: Duration = Duration::from_millis(200);

/// As shipped, with room for one tenant, so that the second one is folded.
const CONFIGURATION: &str = r#"{
    "match": [{"path": "/v1/messages", "provider": "anthropic"}, {"path": "/v1/*", "provider": "openai"}],
    "labels": [{"name": "tenant", "header": "x-tenant", "max_values": 1}]
}"#;

/// All running parts.
#[derive(Debug)]
pub struct MonitoringStack {
    /// The proxy with the filter.
    pub envoy: Envoy,
    /// Prometheus and Alertmanager.
    pub servers: Servers,
    /// The start in Unix seconds.
    pub began: f64,
    webhook: WebhookReceiver,
    traffic: Traffic,
    _providers: [Provider; 2],
    _judges: [JudgeServer; 2],
}

impl MonitoringStack {
    /// Starts everything, with traffic without faults.
    pub async fn start(programs: &Programs) -> Result<Self> {
        let filter = tokio::task::spawn_blocking(|| build::filter(false)).await??;
        let began = unix_seconds()?;
        let providers = [Provider::start().await?, Provider::start().await?];
        // The second judge gives high scores always, so the two disagree about unfaithful answers.
        let judges = [
            JudgeServer::start(JudgeBehaviour::Verdict).await?,
            JudgeServer::start(JudgeBehaviour::Always(4)).await?,
        ];
        let changes = json!({
            "model": "gpt-4o-mini", "provider": "openai", "headers": {}, "sample_rate": 0.3, "rules": [{"model": "gpt-4.1*", "sample_rate": 1}],
            "budget": {"calls_per_minute": 1_000_000}, "panel": "on", "judges": [{"cluster": "second", "model": "content"}],
        });
        let bootstrap =
            Bootstrap::shipped()?.filter(&filter)?.configuration(CONFIGURATION)?.label("tenant")?;
        let bootstrap = bootstrap.priced()?.flush_every(POLL)?.cluster("second", judges[1].address())?;
        let bootstrap = bootstrap
            .with_feedback(&json!({"secret": ["a secret for the demo"]}))?
            .judged(changes)?
            .upstream("judge", judges[0].address(), Protocol::Http1)?
            .upstream("openai", providers[0].address(), Protocol::Http1)?
            .upstream("anthropic", providers[1].address(), Protocol::Http2)?;
        let envoy = Envoy::start(bootstrap, 2).await?;
        let webhook = WebhookReceiver::start().await?;
        let servers = Servers::start(programs, envoy.admin().address(), webhook.address()).await?;
        let traffic = Traffic::start(Client::new(envoy.listener(), Protocol::Http1));
        Ok(Self { envoy, servers, began, webhook, traffic, _providers: providers, _judges: judges })
    }

    /// Starts all faults once Prometheus sees traffic, waits until each alert was delivered, ends the faults, and waits
    /// until each alert is resolved. `tell` gets a line for each event.
    ///
    /// An event that does not happen in time is an error.
    pub async fn observe(&self, mut tell: impl FnMut(&str)) -> Result<Journal> {
        self.settled().await?;
        let mut journal = Journal::begin();
        self.traffic.set_faulty(true);
        tell(
            "six faults start: a slow model, a failing one, an unfaithful one, an expensive one, a token spike, low ratings",
        );
        self.until(&mut journal, &mut tell, Journal::all_delivered).await?;
        self.traffic.set_faulty(false);
        tell("all faults end");
        self.until(&mut journal, &mut tell, Journal::all_resolved).await?;
        Ok(journal)
    }

    /// Draws every dashboard from the data of Prometheus, into files of `folder`.
    pub async fn pictures(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let to = unix_seconds()?;
        let mut paths = Vec::new();
        for dashboard in dashboards::table::ALL {
            let data = dashboards::data(dashboard, &self.servers.prometheus, self.began, to).await?;
            let path = folder.join(format!("{}.svg", dashboard.name));
            let picture = dashboards::picture::svg(dashboard, &data, self.began, to);
            fs::write(&path, picture).with_context(|| format!("writing {}", path.display()))?;
            paths.push(path);
        }
        Ok(paths)
    }

    /// Waits until Prometheus has evaluated every rule, and one of them from traffic.
    async fn settled(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let prometheus = &self.servers.prometheus;
        loop {
            let unwell = prometheus.rules().await?;
            if unwell.is_empty() && prometheus.count("llm:request_duration_seconds:quantile5m > 0").await? > 0
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("Prometheus saw no traffic after {PATIENCE:?}; rules: {}", unwell.join("; "));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn until(
        &self,
        journal: &mut Journal,
        tell: &mut impl FnMut(&str),
        done: fn(&Journal) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let active = self.servers.prometheus.alerts().await?;
            journal.take(&active, &self.webhook.notifications()).iter().for_each(|news| tell(news));
            if done(journal) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "after {PATIENCE:?} not all alerts are in the expected state:\n{}",
                    journal.lines().join("\n")
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Returns the time as Prometheus writes it.
pub fn unix_seconds() -> Result<f64> {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Ok(time.context("the clock is before 1970")?.as_secs_f64())
}
