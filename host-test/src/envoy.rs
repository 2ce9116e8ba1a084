//! A real Envoy with the filter in it: found or installed, started, asked, and gone when the value is.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use host_test::{build, envoy::{Bootstrap, Envoy}, load::Protocol, provider::Provider};
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

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

pub use self::admin::Admin;
pub use self::bootstrap::Bootstrap;
pub use self::install::binary;
pub use self::stats::{Series, Stats};
use crate::build::target_dir;

/// How long a start may take. A filter is compiled by then; under a loaded machine that takes seconds, never
/// minutes.
const START: Duration = Duration::from_secs(60);

/// How long connections of a listener that was replaced live on; ten minutes would be usual.
const DRAIN_S: &str = "3";

/// Runs Envoy so that it cannot outlive this process, however that ends: a watcher waits for the end of
/// standard input, which the kernel closes with us, and kills the process that the shell turned into. Linux's
/// parent-death signal is no good here: it fires when the *thread* that started Envoy ends, as test threads
/// do.
const WATCHED: &str =
    r#"exec 3<&0; (cat <&3 >/dev/null; kill -KILL $$) 2>/dev/null & exec "$0" "$@" 3<&- </dev/null"#;

/// A running Envoy; dropping it kills it.
#[derive(Debug)]
pub struct Envoy {
    /// Its standard input is held open: the sign of life that WATCHED waits on.
    child: Child,
    admin: Admin,
    listener: SocketAddr,
    folder: Folder,
}

impl Envoy {
    /// Starts Envoy with its own ports and waits until it serves. Installs it first if there is none.
    pub async fn start(bootstrap: Bootstrap, workers: usize) -> Result<Self> {
        let folder = Folder::new()?;
        let config = folder.write(bootstrap)?;
        Self::run(folder, config, workers).await
    }

    /// The same with the listeners in a file of their own, so that [`reload`](Self::reload) can replace them.
    pub async fn start_reloadable(bootstrap: Bootstrap, workers: usize) -> Result<Self> {
        let folder = Folder::new()?;
        let config = folder.write_split(bootstrap)?;
        Self::run(folder, config, workers).await
    }

    /// Replaces the listeners of an Envoy that was started for it by those of `bootstrap`. Envoy says in its statistics
    /// what it makes of them.
    pub fn reload(&self, bootstrap: Bootstrap) -> Result<()> {
        self.folder.write_split(bootstrap).map(drop)
    }

    async fn run(folder: Folder, config: PathBuf, workers: usize) -> Result<Self> {
        let binary = tokio::task::spawn_blocking(binary).await??;
        let log = fs::File::create(folder.path("envoy.log"))?;
        let mut child = Command::new("/bin/sh")
            .args(["-c", WATCHED])
            .arg(binary)
            .args(["--disable-hot-restart", "--log-level", "warning", "--file-flush-interval-msec", "50"])
            .args(["--concurrency", &workers.to_string(), "--drain-time-s", DRAIN_S])
            .arg("--admin-address-path")
            .arg(folder.path("admin"))
            .arg("--config-path")
            .arg(config)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("starting Envoy")?;
        match wait_ready(&mut child, &folder).await {
            Ok((admin, listener)) => Ok(Self { child, admin, listener, folder }),
            Err(error) => {
                stop(&mut child);
                let log = fs::read_to_string(folder.path("envoy.log")).unwrap_or_default();
                Err(error.context(format!("Envoy did not start; its log:\n{log}")))
            }
        }
    }

    /// Where clients connect.
    #[must_use]
    pub fn listener(&self) -> SocketAddr {
        self.listener
    }

    /// Its admin port.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Its process, for what the kernel knows about it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far, less its notes on deprecated fields: `fail_open` is one, and the bootstrap
    /// says why it stays.
    pub fn log(&self) -> Result<String> {
        let log = fs::read_to_string(self.folder.path("envoy.log"))?;
        Ok(log
            .lines()
            .filter(|line| !line.contains("Deprecated field"))
            .map(|line| format!("{line}\n"))
            .collect())
    }

    /// The access log so far. Envoy writes it in the background, some 50 ms after the exchange.
    pub fn access_log(&self) -> Result<String> {
        let path = self.folder.path("access.log");
        if path.exists() { Ok(fs::read_to_string(path)?) } else { Ok(String::new()) }
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// What `envoy --mode validate` says of a bootstrap: whether it accepts it, and its messages.
pub fn validate(bootstrap: Bootstrap) -> Result<(bool, String)> {
    let folder = Folder::new()?;
    let config = folder.write(bootstrap)?;
    let output = Command::new(binary()?)
        .args(["--mode", "validate", "--disable-hot-restart", "--log-level", "warning", "--config-path"])
        .arg(config)
        .stdin(Stdio::null())
        .output()
        .context("starting Envoy to validate a configuration")?;
    let words = [output.stdout, output.stderr].map(|words| String::from_utf8_lossy(&words).into_owned());
    Ok((output.status.success(), words.concat()))
}

/// Waits until Envoy serves, and learns where.
async fn wait_ready(child: &mut Child, folder: &Folder) -> Result<(Admin, SocketAddr)> {
    let deadline = Instant::now() + START;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            bail!("it ended with {status}");
        }
        // Envoy writes the file once its admin port is bound; a half-written address does not parse, or is
        // not ready.
        let address = fs::read_to_string(folder.path("admin")).ok().and_then(|text| text.trim().parse().ok());
        if let Some(admin) = address.map(Admin::new)
            && admin.ready().await
        {
            let listener = admin.listener("llm").await?;
            return Ok((admin, listener));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("it was not ready after {START:?}")
}

/// Ends our own child and takes its exit status, so that no zombie is left.
///
/// The watcher does it, before whose eyes the process cannot be replaced by another of the same number: its status is
/// only taken afterwards. Killing it from here is for the case that the watcher itself was killed.
fn stop(child: &mut Child) {
    drop(child.stdin.take());
    for _ in 0..400 {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            Ok(Some(_)) | Err(_) => return,
        }
    }
    // Both can only fail when it is gone already.
    let _ = child.kill();
    let _ = child.wait();
}

/// The files of one run, removed with it unless a test is failing: then they are what one wants to read.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = target_dir().join("envoy/run").join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?; // of an earlier process with the same number
        }
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self(path))
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Writes the bootstrap with everything in it that belongs to this run.
    fn write(&self, bootstrap: Bootstrap) -> Result<PathBuf> {
        let document: Value = bootstrap.placed(&self.path("access.log"))?.document().clone();
        let path = self.path("bootstrap.json");
        fs::write(&path, document.to_string()).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// The same with its listeners in a file beside it, which is moved to its place: only that is what Envoy notices.
    fn write_split(&self, bootstrap: Bootstrap) -> Result<PathBuf> {
        let (listeners, next) = (self.path("listeners.json"), self.path("listeners.next.json"));
        let (document, resources) = bootstrap.placed(&self.path("access.log"))?.split(&listeners)?;
        fs::write(&next, resources.to_string())?;
        fs::rename(&next, &listeners)?;
        let path = self.path("bootstrap.json");
        fs::write(&path, document.to_string()).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
