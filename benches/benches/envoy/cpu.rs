//! CPU time of a process or a thread, from Linux's scheduler: in nanoseconds, unlike `utime` and `stime`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// Returns the nanoseconds that all threads of a process have run.
pub fn of_process(pid: u32) -> Result<u64> {
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).context("CPU time is read from Linux's /proc")? {
        total += of_task(&thread?.path())?;
    }
    Ok(total)
}

/// Returns the nanoseconds that a thread of this process has run.
pub fn of_thread(thread: u32) -> Result<u64> {
    of_task(Path::new(&format!("/proc/self/task/{thread}")))
}

fn of_task(task: &Path) -> Result<u64> {
    let path = task.join("schedstat");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let first = text.split_whitespace().next().and_then(|number| number.parse().ok());
    first.with_context(|| format!("{}: expected a number first", path.display()))
}

/// Reads a clock once it no longer advances: the work that follows the last byte of an exchange belongs to it.
pub async fn read_settled(clock: impl Fn() -> Result<u64>) -> Result<u64> {
    let mut last = clock()?;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let now = clock()?;
        if now == last {
            break;
        }
        last = now;
    }
    Ok(last)
}
