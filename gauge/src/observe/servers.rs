//! Debian's Prometheus and Alertmanager, started with the shipped files, and killed when the value is dropped.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use simulators::process::{Folder, ServerProcess};
use simulators::python;
use simulators::workspace::workspace_dir;

use super::query::Prometheus;
use super::{compressed, history};

/// Maximum time of a start, on a machine that also builds something.
const START: Duration = Duration::from_secs(60);

/// The advice for a missing program.
pub const INSTALL: &str =
    "Debian: apt-get install --no-install-recommends prometheus prometheus-alertmanager";

/// The programs of the monitoring stack.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The path of `prometheus`.
    pub prometheus: PathBuf,
    /// The path of `promtool`, which is part of Prometheus.
    pub promtool: PathBuf,
    /// The path of `alertmanager`, under Debian's name or its own.
    pub alertmanager: PathBuf,
    /// The path of `amtool`, which is part of Alertmanager.
    pub amtool: PathBuf,
}

impl Programs {
    /// Finds the programs on the path. The error names the missing one, and how to install it.
    pub fn find() -> Result<Self> {
        let find = |names: &[&str]| {
            let found = names.iter().find_map(|name| on_path(name));
            found.with_context(|| format!("{} is not installed. {INSTALL}", names.join(" or ")))
        };
        Ok(Self {
            prometheus: find(&["prometheus"])?,
            promtool: find(&["promtool"])?,
            alertmanager: find(&["prometheus-alertmanager", "alertmanager"])?,
            amtool: find(&["amtool"])?,
        })
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Both servers, with their files.
#[derive(Debug)]
pub struct Servers {
    /// Prometheus.
    pub prometheus: Prometheus,
    /// The address of Alertmanager.
    pub alertmanager: SocketAddr,
    _running: [ServerProcess; 2],
    _folder: Folder,
}

impl Servers {
    /// Starts both with the shipped files in compressed time. Envoy's `metrics` are scraped every second, and
    /// Alertmanager's notifications go to `webhooks`.
    pub async fn start(programs: &Programs, metrics: SocketAddr, webhooks: SocketAddr) -> Result<Self> {
        let folder = Folder::new("observe")?;
        let text = alertmanager_configuration(webhooks)?.to_string();
        let file = folder.write("alertmanager.json", &text)?;
        let mut arguments = vec!["--cluster.listen-address=".to_owned(), given("--config.file", &file)];
        arguments.push(given("--storage.path", &folder.path("alertmanager")));
        let (first, alertmanager) =
            serve(&folder, "alertmanager.log", &programs.alertmanager, arguments).await?;

        let rules = compressed::rules(shipped("prometheus/rules.yaml")?).to_string();
        let rules = folder.write("rules.json", &rules)?;
        let text = prometheus_configuration(metrics, alertmanager, &rules)?.to_string();
        let file = folder.write("prometheus.json", &text)?;
        let data = folder.path("data");
        backfill(&programs.promtool, &folder, &data)?;
        let mut arguments = vec![given("--config.file", &file), given("--storage.tsdb.path", &data)];
        arguments.push("--log.level=info".to_owned());
        let (second, prometheus) = serve(&folder, "prometheus.log", &programs.prometheus, arguments).await?;
        let prometheus = Prometheus::new(prometheus);
        prometheus.ready(START).await?;
        Ok(Self { prometheus, alertmanager, _running: [first, second], _folder: folder })
    }
}

fn given(flag: &str, path: &Path) -> String {
    format!("{flag}={}", path.display())
}

/// Starts a server on a free port, and reads the port from its log.
async fn serve(
    folder: &Folder,
    log: &str,
    binary: &Path,
    mut arguments: Vec<String>,
) -> Result<(ServerProcess, SocketAddr)> {
    arguments.push("--web.listen-address=127.0.0.1:0".to_owned());
    let mut server = ServerProcess::start(binary, arguments, fs::File::create(folder.path(log))?)?;
    let deadline = Instant::now() + START;
    while Instant::now() < deadline {
        let words = folder.read(log);
        let lines = words.lines().filter(|line| line.contains("msg=\"Listening on\""));
        let address = lines.filter_map(|line| line.split_once("address=")?.1.trim().parse().ok()).next();
        if let Some(address) = address {
            return Ok((server, address));
        }
        if let Some(status) = server.ended()? {
            bail!("{} exited with {status}; its log:\n{words}", binary.display());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("{} was not ready after {START:?}; its log:\n{}", binary.display(), folder.read(log))
}

/// Reads a file that operators load.
fn shipped(name: &str) -> Result<Value> {
    let path = workspace_dir().join("envoy").join(name);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("{} is not YAML", path.display()))
}

/// Returns the shipped configuration with our addresses, and a scrape interval of one second.
fn prometheus_configuration(metrics: SocketAddr, alertmanager: SocketAddr, rules: &Path) -> Result<Value> {
    let mut document = shipped("prometheus/prometheus.yaml")?;
    let mut set = |pointer: &str, value: Value| -> Result<()> {
        let place = document.pointer_mut(pointer);
        *place.with_context(|| format!("envoy/prometheus/prometheus.yaml has no {pointer} any more"))? =
            value;
        Ok(())
    };
    set("/global/scrape_interval", json!("1s"))?;
    set("/global/evaluation_interval", json!("1s"))?;
    set("/rule_files/0", json!(rules))?;
    set("/alerting/alertmanagers/0/static_configs/0/targets/0", json!(alertmanager.to_string()))?;
    set("/scrape_configs/0/static_configs/0/targets/0", json!(metrics.to_string()))?;
    Ok(document)
}

/// Returns the shipped configuration in compressed time, with its webhooks pointed at ours.
fn alertmanager_configuration(webhooks: SocketAddr) -> Result<Value> {
    let mut document = compressed::waits(shipped("alertmanager/alertmanager.yaml")?);
    let receivers = document.get_mut("receivers").and_then(Value::as_array_mut);
    for receiver in receivers.context("envoy/alertmanager/alertmanager.yaml has no receivers any more")? {
        let name = receiver["name"].as_str().unwrap_or_default().to_owned();
        let webhook = receiver.pointer_mut("/webhook_configs/0/url");
        *webhook.with_context(|| format!("the receiver {name} has no webhook any more"))? =
            json!(format!("http://{webhooks}/{name}"));
    }
    Ok(document)
}

/// Imports a week of history into Prometheus' storage before the server starts.
fn backfill(promtool: &Path, folder: &Folder, data: &Path) -> Result<()> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let file = folder.write("history.txt", &history::text(now))?;
    let mut command = Command::new(promtool);
    command.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(file).arg(data);
    python::run(&mut command, "the release of Prometheus has to be 2.42 or later").map(drop)
}
