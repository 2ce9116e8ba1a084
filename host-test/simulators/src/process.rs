//! Servers that run beside this process, and end with it; each has a folder of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};

use crate::workspace::target_dir;

/// Runs a server so that it cannot outlive this process, however that ends: a watcher waits for the end of
/// standard input, which the kernel closes with us, and kills the process that the shell turned into. Linux's
/// parent-death signal is no good here: it fires when the *thread* that started the server ends, as test threads
/// do.
const WATCHED: &str =
    r#"exec 3<&0; (cat <&3 >/dev/null; kill -KILL $$) 2>/dev/null & exec "$0" "$@" 3<&- </dev/null"#;

/// A running server; dropping it kills it.
#[derive(Debug)]
pub struct Server {
    /// Its standard input is held open: the sign of life that WATCHED waits on.
    child: Child,
}

impl Server {
    /// Starts it, with all its words going to `log`.
    pub fn start<A: AsRef<OsStr>>(
        binary: &Path,
        arguments: impl IntoIterator<Item = A>,
        log: fs::File,
    ) -> Result<Self> {
        let child = Command::new("/bin/sh")
            .args(["-c", WATCHED])
            .arg(binary)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        Ok(Self { child })
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    /// Ends our own child and takes its exit status, so that no zombie is left.
    ///
    /// The watcher does it, before whose eyes the process cannot be replaced by another of the same number: its status
    /// is only taken afterwards. Killing it from here is for the case that the watcher itself was killed.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        for _ in 0..400 {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(std::time::Duration::from_millis(5)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        // Both can only fail when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files of one run, removed with it unless a test is failing: then they are what one wants to read.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// One below `target/KIND/run`.
    pub fn new(kind: &str) -> Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = target_dir().join(kind).join("run").join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?; // of an earlier process with the same number
        }
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self(path))
    }

    /// A file in it.
    pub fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Writes a file.
    pub fn write(&self, file: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(file);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// A file's text, empty where there is none.
    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
