//! The image, pushed to a real registry on loopback and pulled again: one layer, one file, the filter's bytes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use gauge::image::{self, Image};
use serde_json::Value;
use sha2::{Digest, Sha256};
use simulators::build;

use super::skipped;

/// Debian's registry. Dropping it stops the process.
struct Registry {
    child: Child,
    address: String,
}

impl Registry {
    /// Starts a registry on a free port, which it logs.
    fn start(folder: &Path) -> Self {
        let storage = folder.join("registry");
        let configuration = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:0'}}\n",
            storage.display()
        );
        let file = folder.join("registry.yaml");
        fs::write(&file, configuration).unwrap();
        let mut child = Command::new("docker-registry");
        let child = child.arg("serve").arg(file).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = child.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let port = log.find_map(|line| {
            let line = line.unwrap();
            let (_, rest) = line.split_once("listening on 127.0.0.1:")?;
            Some(rest.split(|letter: char| !letter.is_ascii_digit()).next()?.to_owned())
        });
        // The pipe has to be read, since a full pipe would block the registry.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, address: format!("127.0.0.1:{}", port.expect("its log tells the port")) }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdin(Stdio::null()).output().is_ok()
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[test]
fn a_registry_gives_back_the_filter() {
    let needed = ["buildah", "skopeo", "docker-registry"];
    if !needed.into_iter().all(is_installed) {
        return skipped(
            "a_registry_gives_back_the_filter",
            "buildah, skopeo and docker-registry (Debian: apt-get install buildah skopeo docker-registry)",
        );
    }
    let wasm = fs::read(build::filter(false).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::start(folder.path());
    let name = format!("docker://{}/llm-gauge:test", registry.address);
    let pushed = image::push(&name, true).unwrap();
    assert_eq!((pushed.wasm_bytes, &pushed.wasm_digest), (wasm.len(), &sha256(&wasm)));
    // The same filter gives the same image, so a digest in a manifest can be checked by another build.
    let Image { digest, .. } = image::push(&name, true).unwrap();
    assert_eq!(digest, pushed.digest);

    let copy = folder.path().join("copy");
    let by_digest = format!("docker://{}/llm-gauge@{digest}", registry.address);
    let target = format!("dir:{}", copy.display());
    run(Command::new("skopeo").args(["copy", "--quiet", "--src-tls-verify=false", &by_digest, &target]));
    let manifest = fs::read(copy.join("manifest.json")).unwrap();
    assert_eq!(sha256(&manifest), digest);
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    let [layer] = manifest["layers"].as_array().unwrap().as_slice() else {
        panic!("more than one layer: {manifest}");
    };
    assert_eq!(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
    let blob = copy.join(layer["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap());
    assert_eq!(run(Command::new("tar").arg("--list").arg("--file").arg(&blob)), "plugin.wasm\n");
    run(Command::new("tar").arg("--extract").arg("--file").arg(&blob).arg("--directory").arg(folder.path()));
    assert!(fs::read(folder.path().join("plugin.wasm")).unwrap() == wasm, "another file than was built");
}
