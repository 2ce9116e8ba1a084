//! Files that may hold prompts and answers: only their owner can read them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result};

/// Writes a file that only its owner can read, whatever mode a file of this name had before.
///
/// The content is written to a new file beside it, which then takes its place. So the old file's readers cannot
/// read the new content, and a failed write leaves the old content. A pipe or a device is written as it is.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    // A symbolic link stays, and the file that it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let written = match fs::metadata(&target) {
        Ok(found) if !found.is_file() => fs::write(&target, content),
        _ => replace(&target, content),
    };
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn replace(target: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.new", fastrand::u64(..)));
    let new = target.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&new)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, target));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}
