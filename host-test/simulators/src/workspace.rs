//! Paths of this repository and of its build results.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Returns the folder of the workspace, where the first `Cargo.toml` is.
pub fn workspace_dir() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package)
}

/// Returns the folder that build results go to.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => workspace_dir().join(dir),
        None => workspace_dir().join("target"),
    }
}

/// Returns the folder of the recorded exchanges that the tests run.
pub fn cases_dir() -> PathBuf {
    workspace_dir().join("host-test/cases")
}

/// Replaces a file by what `write` writes to a temporary path beside it. A reader sees the whole old or the whole new
/// file.
pub fn replace_file(path: &Path, write: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    let folder = path.parent().context("the path has no folder")?;
    std::fs::create_dir_all(folder)?;
    let name = path.file_name().context("the path has no file name")?.to_string_lossy();
    let fresh = folder.join(format!(".{}.{name}", std::process::id()));
    write(&fresh)
        .and_then(|()| std::fs::rename(&fresh, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
