//! The image from which gateways load the filter, built and pushed by buildah, which needs no daemon and no root
//! rights.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use simulators::build;
use simulators::console;
use simulators::workspace::{target_dir, workspace_dir};

/// The arguments of `cargo gauge image`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  cargo gauge image docker://registry.example.com/llm-gauge:0.1.0\n  cargo gauge image oci:target/image:0.1.0                  a folder, for other tools to copy\n  cargo gauge image --plain-http docker://127.0.0.1:5000/llm-gauge:0.1.0\n\nLog in first with `buildah login REGISTRY`."
)]
pub struct ImageArgs {
    /// The destination of the image, as buildah and skopeo name it.
    #[arg(value_name = "TRANSPORT:DESTINATION")]
    destination: String,
    /// Use plain HTTP, for a registry without TLS.
    #[arg(long)]
    plain_http: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// An image that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The digest of the manifest, which a gateway's resource refers to with `@sha256:...`.
    pub digest: String,
    /// The digest of the filter in the image.
    pub wasm_digest: String,
    /// The size of the filter in bytes.
    pub wasm_bytes: usize,
}

/// Runs `cargo gauge image`.
pub fn run(args: &ImageArgs) -> Result<ExitCode> {
    console::note("building the filter (the first time takes half a minute), and the image");
    let image = push(&args.destination, args.plain_http)?;
    let Image { digest, wasm_digest, wasm_bytes } = &image;
    if args.json {
        let object = serde_json::json!({
            "destination": args.destination, "digest": digest, "wasm_digest": wasm_digest, "wasm_bytes": wasm_bytes,
        });
        console::print_line(object)?;
    } else {
        console::print_line(format_args!(
            "{}\nimage {digest}\nplugin.wasm {wasm_digest}, {wasm_bytes} bytes",
            args.destination
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the filter and its image, and pushes it. The same filter always gives the same digest.
pub fn push(destination: &str, plain_http: bool) -> Result<Image> {
    let wasm = build::filter(false)?;
    let bytes = fs::read(&wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let folder = Folder::new()?;
    let context = folder.0.join("context");
    fs::create_dir(&context)?;
    fs::write(context.join("plugin.wasm"), &bytes)?;
    fs::copy(workspace_dir().join("envoy/oci/Dockerfile"), context.join("Dockerfile"))
        .context("cannot copy envoy/oci/Dockerfile")?;
    // Timestamps would give the same filter another digest each time. So would Docker's own format, which contains the
    // name of a random container.
    folder
        .buildah([
            "build",
            "--quiet",
            "--isolation",
            "chroot",
            "--format",
            "oci",
            "--timestamp",
            "0",
            "--tag",
        ])
        .arg("llm-gauge")
        .arg(&context)
        .finish("cannot build the image")?;
    let digest = folder.0.join("digest");
    let mut push = folder.buildah(["push", "--quiet", "--digestfile"]);
    push.arg(&digest);
    if plain_http {
        push.arg("--tls-verify=false");
    }
    push.arg("llm-gauge").arg(destination).finish("cannot push the image")?;
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Ok(Image {
        digest: fs::read_to_string(&digest).context("buildah wrote no digest")?.trim().to_owned(),
        wasm_digest: format!("sha256:{sha256}"),
        wasm_bytes: bytes.len(),
    })
}

/// The images, layers and files of one build, removed with it. The user's own storage is not touched.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = target_dir().join("image").join(std::process::id().to_string());
        if path.exists() {
            fs::remove_dir_all(&path)?; // left by an earlier process with the same id
        }
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self(path))
    }

    fn buildah<const N: usize>(&self, arguments: [&str; N]) -> Buildah {
        let mut command = Command::new("buildah");
        // vfs needs no rights in the kernel, and another driver is no better for a layer with one file.
        command.args(["--storage-driver", "vfs", "--root"]).arg(self.0.join("storage"));
        command.arg("--runroot").arg(self.0.join("run")).args(arguments).stdin(Stdio::null());
        Buildah(command)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Buildah(Command);

impl Buildah {
    fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.0.arg(argument);
        self
    }

    fn finish(&mut self, what: &str) -> Result<()> {
        let output = self.0.output().with_context(|| {
            format!("{what}: buildah is needed (Debian: apt-get install buildah); or give envoy/oci/Dockerfile to docker")
        })?;
        if output.status.success() {
            return Ok(());
        }
        bail!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim())
    }
}
