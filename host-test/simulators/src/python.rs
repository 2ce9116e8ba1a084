//! Pinned packages from PyPI, each in its own virtual environment under `target/`. Nothing else on the machine changes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::console;
use crate::workspace::target_dir;

/// A package at one version.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// The name on PyPI.
    pub name: &'static str,
    /// The version to install.
    pub version: &'static str,
    /// The size of the download, for messages.
    pub size: &'static str,
    /// The folder below `target/`.
    pub folder: &'static str,
    /// Whether its dependencies are installed too.
    pub with_dependencies: bool,
    /// The advice to print if pip fails.
    pub advice: &'static str,
}

impl Package {
    /// Returns what `found` finds in the package's virtual environment. The environment is created on first use with
    /// `python`, else `$PYTHON`, else `python3`.
    ///
    /// Blocks during the installation, and reports it on standard error. Any number of threads and processes may call
    /// it at once: one installs, the others wait for it.
    pub fn installed(
        &self,
        python: Option<&Path>,
        found: impl Fn(&Path) -> Option<PathBuf>,
    ) -> Result<PathBuf> {
        let home = target_dir().join(self.folder);
        let ready = home.join(self.version);
        if let Some(found) = found(&ready) {
            return Ok(found);
        }
        fs::create_dir_all(&home).with_context(|| format!("creating {}", home.display()))?;
        // The lock is released when the file is closed, however this process ends.
        let lock = fs::File::create(home.join("install.lock"))
            .with_context(|| format!("creating the lock of the installation of {}", self.name))?;
        lock.lock().with_context(|| format!("waiting for another process to install {}", self.name))?;
        if let Some(found) = found(&ready) {
            return Ok(found);
        }
        let partial = home.join(format!("{}.partial", self.version));
        for unfit in [&partial, &ready] {
            if unfit.exists() {
                fs::remove_dir_all(unfit)
                    .with_context(|| format!("removing the unusable {}", unfit.display()))?;
            }
        }
        self.install_into(&partial, python)?;
        if found(&partial).is_none() {
            bail!("{} {} does not contain the expected files", self.name, self.version);
        }
        // Only a complete installation gets the final name.
        fs::rename(&partial, &ready).with_context(|| format!("renaming {}", partial.display()))?;
        console::note(format_args!("{}: {} is ready", self.name, self.version));
        found(&ready)
            .with_context(|| format!("the installed {} vanished: something else cleans target/", self.name))
    }

    fn install_into(&self, folder: &Path, python: Option<&Path>) -> Result<()> {
        console::note(format_args!(
            "{}: installing {} under {} (once)",
            self.name,
            self.version,
            folder.display()
        ));
        let python = python.map(OsString::from).or_else(|| env::var_os("PYTHON"));
        run(
            Command::new(python.unwrap_or_else(|| "python3".into())).args(["-m", "venv"]).arg(folder),
            "python3 with its venv module is needed (Debian: apt-get install python3-venv); set PYTHON to use another",
        )?;
        console::note(format_args!("{}: downloading (about {})", self.name, self.size));
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]);
        if !self.with_dependencies {
            pip.arg("--no-deps");
        }
        run(pip.arg(format!("{}=={}", self.name, self.version)), self.advice)?;
        Ok(())
    }
}

/// Runs a command to its end and returns its output. The error has the command's own error output and the advice.
pub fn run(command: &mut Command, advice: &str) -> Result<Vec<u8>> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("starting {}: {advice}", words_of(command)))?;
    if !output.status.success() {
        let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
        let said = String::from_utf8_lossy(said);
        bail!("{} failed ({}): {}\n{advice}", words_of(command), output.status, said.trim());
    }
    Ok(output.stdout)
}

/// Returns a command as it would be typed, with `SCRIPT` in place of a script argument.
fn words_of(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words = words.map(|word| word.to_string_lossy()).map(|word| match word.contains('\n') {
        true => "SCRIPT".to_owned(),
        false => word.into_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}
