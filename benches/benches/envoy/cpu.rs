//! CPU time of a process or a thread, as Linux's scheduler accounts for it: in nanoseconds, unlike `utime` and `stime`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// Nanoseconds that all threads of a process have run.
pub fn of_process(pid: u32) -> Result<u64> {
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).context("CPU time is read from Linux's /proc")? {
        total += of_task(&thread?.path())?;
    }
    Ok(total)
}

/// Nanoseconds that a thread of this process has run.
pub fn of_thread(thread: u32) -> Result<u64> {
    of_task(Path::new(&format!("/proc/self/task/{thread}")))
}

fn of_task(task: &Path) -> Result<u64> {
    let path = task.join("schedstat");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let first = text.split_whitespace().next().and_then(|number| number.parse().ok());
    first.with_context(|| format!("{} begins with no number", path.display()))
}

/// Reads a clock once it stands still: what an exchange leaves to do after its last byte belongs to it.
pub async fn settled(clock: impl Fn() -> Result<u64>) -> Result<u64> {
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
