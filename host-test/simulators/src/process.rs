//! Servers that run as child processes and end with this process. Each has its own folder.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};

use crate::workspace::target_dir;

/// A shell command that runs a server so that it cannot outlive this process. A watcher waits for the end of standard
/// input, which the kernel closes when this process ends, and then kills the server, which has replaced the shell.
/// Linux's parent-death signal does not work here: it fires when the *thread* that started the server ends, and test
/// threads end.
const WATCHED: &str =
    r#"exec 3<&0; (cat <&3 >/dev/null; kill -KILL $$) 2>/dev/null & exec "$0" "$@" 3<&- </dev/null"#;

/// A running server. Dropping it kills the process.
#[derive(Debug)]
pub struct ServerProcess {
    /// The child, whose open standard input keeps WATCHED from killing it.
    child: Child,
}

impl ServerProcess {
    /// Starts a server whose output goes to `log`.
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

    /// Returns the exit status; `None` while it runs.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for ServerProcess {
    /// Ends the child and reads its exit status, so that no zombie is left.
    ///
    /// The watcher kills it, because its parent shell cannot confuse it with another process of the same id: the status
    /// is read only afterwards. The kill from here is for the case that the watcher itself was killed.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        for _ in 0..400 {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(std::time::Duration::from_millis(5)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        // Both only fail if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files of one run. They are removed with it, unless a test is failing and the files help to find out why.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Creates a folder below `target/KIND/run`.
    pub fn new(kind: &str) -> Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = target_dir().join(kind).join("run").join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?; // left by an earlier process with the same id
        }
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self(path))
    }

    /// Returns the path of a file in the folder.
    pub fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Writes a file and returns its path.
    pub fn write(&self, file: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(file);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// Returns the text of a file; empty if it does not exist.
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
