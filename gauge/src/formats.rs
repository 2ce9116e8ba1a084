//! `cargo gauge formats`: the wire formats that are read, and the providers that are known by their hosts.

use std::process::ExitCode;

use anyhow::Result;
use llm_gauge_engine::formats;
use simulators::console;

/// Prints every format with the hosts and paths it is recognised by, and the known providers.
pub fn run() -> Result<ExitCode> {
    console::print(list())?;
    Ok(ExitCode::SUCCESS)
}

fn list() -> String {
    let mut text = String::new();
    for format in formats::ALL {
        text.push_str(&format!("{} ({})\n", format.name, format.operation.name()));
        let claims = if format.claims.is_empty() { &["what no other format claims"] } else { format.claims };
        claims.iter().for_each(|claim| text.push_str(&format!("  {claim}\n")));
    }
    text.push_str("\nproviders known by their hosts\n");
    let mut line = " ".to_owned();
    for provider in formats::providers() {
        if line.len() + provider.len() + 1 > console::COLUMNS {
            text.push_str(&format!("{line}\n"));
            line = " ".to_owned();
        }
        line.push_str(&format!(" {provider}"));
    }
    text.push_str(&format!("{line}\n"));
    text
}
