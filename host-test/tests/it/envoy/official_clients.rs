//! The official clients of OpenAI, in the loops of their documentation: they take the first choice of every chunk, and
//! fail on a chunk without one. So a client that did not ask for usage must never get the usage chunk.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::Value;
use simulators::workspace::target_dir;

use super::rig::{Rig, Setup, run};

/// Pinned releases, because the treatment of a chunk changes between them.
pub(super) const PYTHON: &str = "openai==3.54.0";
const JAVASCRIPT: &str = "openai@7.57.0";

/// Arguments: base URL, `x-sim`, model. Prints all text.
const PYTHON_LOOPS: &str = r#"
import sys, openai
url, script, model = sys.argv[1:]
client = openai.OpenAI(base_url=url, api_key="sk-sim", max_retries=0, default_headers={"x-sim": script})
messages = [{"role": "user", "content": "Why is the sky blue?"}]
for chunk in client.chat.completions.create(model=model, messages=messages, stream=True):
    print(chunk.choices[0].delta.content or "", end="")
for chunk in client.completions.create(model=model, prompt="Once", stream=True):
    print(chunk.choices[0].text, end="")
"#;

const JAVASCRIPT_LOOPS: &str = r#"
import OpenAI from "openai";
const [url, script, model] = process.argv.slice(1);
const client = new OpenAI({baseURL: url, apiKey: "sk-sim", maxRetries: 0, defaultHeaders: {"x-sim": script}});
const messages = [{role: "user", content: "Why is the sky blue?"}];
for await (const chunk of await client.chat.completions.create({model, messages, stream: true}))
    process.stdout.write(chunk.choices[0].delta.content ?? "");
for await (const chunk of await client.completions.create({model, prompt: "Once", stream: true}))
    process.stdout.write(chunk.choices[0].text);
"#;

/// Returns all text of the model's exchanges, from the provider's own bytes.
fn text_sent(rig: &Rig, model: &str) -> String {
    let mut text = String::new();
    for entry in rig.provider.ledger().entries().into_iter().filter(|entry| entry.model == model) {
        let body = String::from_utf8(entry.body).unwrap();
        for data in body.split("\n\n").filter_map(|event| event.strip_prefix("data: {")) {
            let chunk: Value = serde_json::from_str(&format!("{{{data}")).unwrap();
            let choice = &chunk["choices"][0];
            let piece = choice["delta"]["content"].as_str().or(choice["text"].as_str());
            text.push_str(piece.unwrap_or_default());
        }
    }
    text
}

/// Runs the loops with an unexpected chunk (they fail), and behind the filter that asks and hides (they do not).
async fn check(client: &str, breaks_with: &str, command: impl Fn() -> Command) {
    let play = async |rig: &Rig, script: &str, model: &str| {
        let mut command = command();
        command.arg(format!("http://{}/v1", rig.envoy.listener())).args([script, model]).stdin(Stdio::null());
        // A proxy configured on the machine must not be used on loopback.
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        let run = tokio::task::spawn_blocking(move || command.output());
        let output = run.await.unwrap().unwrap();
        let [text, errors] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.success(), text, errors)
    };
    let unasked = Rig::shared(Setup::Plain).await;
    let (is_fine, _, errors) = play(&unasked, "usage=always; output=5", &format!("{client}-breaks")).await;
    assert!(!is_fine && errors.contains(breaks_with), "{errors}");

    let asking = Rig::shared(Setup::Asking).await;
    let model = format!("{client}-works");
    let (is_fine, text, errors) = play(&asking, "input=30; output=9", &model).await;
    assert!(is_fine, "{errors}");
    assert_eq!(text, text_sent(&asking, &model));
    let entries = asking.provider.ledger().entries();
    let asked = entries.iter().filter(|entry| entry.model == model && entry.reported.input == 30).count();
    assert_eq!(asked, 2, "the provider was asked in both loops");
    let is_counted = |stats: &simulators::envoy::Stats| {
        let labels = [("model", model.as_str()), ("type", "output"), ("source", "reported")];
        let found = stats.sum("llm_tokens_total", &labels);
        if found == 18.0 { Vec::new() } else { vec![format!("output tokens: expected 18, found {found}")] }
    };
    asking.envoy.admin().until(is_counted).await.unwrap();
}

#[test]
fn python() {
    run(async {
        let home = tokio::task::spawn_blocking(|| installed(PYTHON, into_venv)).await.unwrap();
        check("python", "IndexError", || {
            let mut command = Command::new(home.join("bin/python"));
            command.args(["-c", PYTHON_LOOPS]);
            command
        })
        .await;
    });
}

#[test]
fn javascript() {
    if Command::new("npm").arg("--version").output().is_err() {
        // Written directly, since the test's output is captured: a skipped test should be visible.
        let words =
            b"SKIPPED: official_clients::javascript needs node and npm (Debian: apt-get install npm)\n";
        std::io::stderr().write_all(words).unwrap();
        return;
    }
    run(async {
        let home = tokio::task::spawn_blocking(|| installed(JAVASCRIPT, by_npm)).await.unwrap();
        check("javascript", "TypeError", || {
            let mut command = Command::new("node");
            command.current_dir(&home).args(["--input-type=module", "-e", JAVASCRIPT_LOOPS, "--"]);
            command
        })
        .await;
    });
}

/// Returns the folder below `target/clients/` with a package, which is installed on first use.
pub(crate) fn installed(package: &str, install: fn(&str, &Path)) -> PathBuf {
    let home = target_dir().join("clients");
    fs::create_dir_all(&home).unwrap();
    let ready = home.join(package);
    // The lock is released when the file is closed, however this process ends.
    let lock = fs::File::create(home.join(format!("{package}.lock"))).unwrap();
    lock.lock().unwrap();
    let done = ready.join("installed");
    if !done.is_file() {
        let _ = fs::remove_dir_all(&ready);
        install(package, &ready);
        fs::write(done, "").unwrap();
    }
    ready
}

pub(super) fn into_venv(package: &str, folder: &Path) {
    let python = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    step(Command::new(python).args(["-m", "venv"]).arg(folder));
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"];
    step(Command::new(folder.join("bin/python")).args(pip).arg(package));
}

fn by_npm(package: &str, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let quiet = ["install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--loglevel=error"];
    step(Command::new("npm").args(quiet).arg("--prefix").arg(folder).arg(package));
}

fn step(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
