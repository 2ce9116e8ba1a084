//! A real Envoy with the filter: found or installed, started, queried, and killed when the value is dropped.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use simulators::{build, envoy::{Bootstrap, Envoy}, load::Protocol, provider::Provider};
//!
//! let provider = Provider::start().await?;
//! let bootstrap = Bootstrap::shipped()?
//!     .filter(&build::filter(false)?)?
//!     .upstream("openai", provider.address(), Protocol::Http1)?
//!     .upstream("anthropic", provider.address(), Protocol::Http1)?;
//! let envoy = Envoy::start(bootstrap, 2).await?;
//! println!("metrics: http://{}/stats/prometheus", envoy.admin().address());
//! # Ok(())
//! # }
//! ```

mod admin;
mod bootstrap;
mod install;
mod stats;

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub use self::admin::Admin;
pub use self::bootstrap::Bootstrap;
pub use self::install::binary;
pub use self::stats::{Series, Stats};
use crate::process::{Folder, ServerProcess};

/// Maximum time of a start. The filter is compiled during it, which takes seconds on a loaded machine, never minutes.
const START: Duration = Duration::from_secs(60);

/// The time that connections of a replaced listener stay open, in seconds. Envoy's default is ten minutes.
const DRAIN_S: &str = "3";

/// A running Envoy. Dropping it kills the process.
#[derive(Debug)]
pub struct Envoy {
    server: ServerProcess,
    admin: Admin,
    listener: SocketAddr,
    folder: Folder,
}

impl Envoy {
    /// Starts Envoy on free ports and waits until it serves. Installs it first if the machine has none.
    pub async fn start(bootstrap: Bootstrap, workers: usize) -> Result<Self> {
        let folder = Folder::new("envoy")?;
        let config = write(&folder, bootstrap)?;
        Self::run(folder, config, workers).await
    }

    /// Like [`start`](Self::start), with the listeners in a separate file, so that [`reload`](Self::reload) can replace
    /// them.
    pub async fn start_reloadable(bootstrap: Bootstrap, workers: usize) -> Result<Self> {
        let folder = Folder::new("envoy")?;
        let config = write_split(&folder, bootstrap)?;
        Self::run(folder, config, workers).await
    }

    /// Replaces the listeners of an Envoy started with [`start_reloadable`](Self::start_reloadable) by those of
    /// `bootstrap`. Envoy reports in its statistics whether it accepted them.
    pub fn reload(&self, bootstrap: Bootstrap) -> Result<()> {
        write_split(&self.folder, bootstrap).map(drop)
    }

    async fn run(folder: Folder, config: PathBuf, workers: usize) -> Result<Self> {
        let binary = tokio::task::spawn_blocking(binary).await??;
        let log = fs::File::create(folder.path("envoy.log"))?;
        let mut arguments: Vec<OsString> =
            ["--disable-hot-restart", "--log-level", "warning"].map(OsString::from).into();
        arguments.extend(["--file-flush-interval-msec", "50", "--concurrency"].map(OsString::from));
        arguments.push(workers.to_string().into());
        arguments.extend(["--drain-time-s", DRAIN_S].map(OsString::from));
        arguments.extend(["--admin-address-path".into(), folder.path("admin").into_os_string()]);
        arguments.extend(["--config-path".into(), config.into_os_string()]);
        let mut server = ServerProcess::start(&binary, arguments, log)?;
        match wait_ready(&mut server, &folder).await {
            Ok((admin, listener)) => Ok(Self { server, admin, listener, folder }),
            Err(error) => {
                drop(server);
                Err(error.context(format!("Envoy did not start; its log:\n{}", folder.read("envoy.log"))))
            }
        }
    }

    /// Returns the address that clients connect to.
    #[must_use]
    pub fn listener(&self) -> SocketAddr {
        self.listener
    }

    /// Returns a client of the admin port.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Returns the process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Returns the log so far without warnings on deprecated fields. `fail_open` is one; the bootstrap explains why it
    /// stays.
    pub fn log(&self) -> Result<String> {
        let log = fs::read_to_string(self.folder.path("envoy.log"))?;
        Ok(log
            .lines()
            .filter(|line| !line.contains("Deprecated field"))
            .map(|line| format!("{line}\n"))
            .collect())
    }

    /// Returns the access log so far. Envoy writes it in the background, about 50 ms after the exchange.
    pub fn access_log(&self) -> Result<String> {
        let path = self.folder.path("access.log");
        if path.exists() { Ok(fs::read_to_string(path)?) } else { Ok(String::new()) }
    }
}

/// Validates a bootstrap with `envoy --mode validate`. Returns whether Envoy accepts it, and Envoy's messages.
pub fn validate(bootstrap: Bootstrap) -> Result<(bool, String)> {
    let folder = Folder::new("envoy")?;
    let config = write(&folder, bootstrap)?;
    let output = Command::new(binary()?)
        .args(["--mode", "validate", "--disable-hot-restart", "--log-level", "warning", "--config-path"])
        .arg(config)
        .stdin(Stdio::null())
        .output()
        .context("starting Envoy to validate a configuration")?;
    let words = [output.stdout, output.stderr].map(|words| String::from_utf8_lossy(&words).into_owned());
    Ok((output.status.success(), words.concat()))
}

/// Waits until Envoy serves, and returns its addresses.
async fn wait_ready(server: &mut ServerProcess, folder: &Folder) -> Result<(Admin, SocketAddr)> {
    let deadline = Instant::now() + START;
    while Instant::now() < deadline {
        if let Some(status) = server.ended()? {
            bail!("Envoy exited with {status} before it was ready");
        }
        // Envoy writes the file once its admin port is bound. A half-written address does not parse or is not ready.
        let address = fs::read_to_string(folder.path("admin")).ok().and_then(|text| text.trim().parse().ok());
        if let Some(admin) = address.map(Admin::new)
            && admin.ready().await
        {
            let listener = admin.listener("llm").await?;
            return Ok((admin, listener));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("Envoy was not ready after {START:?}")
}

/// Writes the bootstrap with the paths and ports of this run.
fn write(folder: &Folder, bootstrap: Bootstrap) -> Result<PathBuf> {
    let bootstrap = bootstrap.placed(&folder.path("access.log"))?;
    folder.write("bootstrap.json", &bootstrap.document().to_string())
}

/// Like `write`, with the listeners in a separate file. The file is moved into place, because Envoy only notices moves.
fn write_split(folder: &Folder, bootstrap: Bootstrap) -> Result<PathBuf> {
    let listeners = folder.path("listeners.json");
    let (document, resources) = bootstrap.placed(&folder.path("access.log"))?.split(&listeners)?;
    fs::rename(folder.write("listeners.next.json", &resources.to_string())?, &listeners)?;
    folder.write("bootstrap.json", &document.to_string())
}
