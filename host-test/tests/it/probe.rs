//! The probe and its scripts: the only place where tests of the host set one up.

use host_test::{ChunkPlan, Exchange, FailureKind, Guest, Headers, LogLevel, Module, Options, drive};

/// The probe, compiled once.
pub fn probe() -> Module {
    use std::sync::OnceLock;
    static PROBE: OnceLock<Module> = OnceLock::new();
    let build = || {
        let path = simulators::build::wasm("probe", simulators::build::PROFILE).unwrap();
        Module::from_file(path).unwrap()
    };
    PROBE.get_or_init(build).clone()
}

/// A guest whose root context has this script.
pub fn start(script: &str) -> Guest {
    Guest::start(&probe(), Options::configured(script)).unwrap()
}

/// A request whose stream has this script.
pub fn scripted(script: &str) -> Headers {
    Headers::request("POST", "h.example", "/a?b=c").with("x-probe", script)
}

/// A plain exchange with this script: `abcdef` up, `uvwxyz` down.
pub fn exchange(script: &str) -> Exchange {
    let response = Headers::response(200).with("x-up", b"caf\xe9");
    Exchange::new(scripted(script), "abcdef", response, "uvwxyz")
}

/// What the probe has said, line by line.
pub fn said(guest: &Guest) -> Vec<&str> {
    guest.host().logged(LogLevel::Info)
}

/// Plays a script in one stream of a fresh guest and asks that it said this, and nothing else.
pub fn check(script: &str, lines: &[&str]) {
    let mut guest = start("");
    drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap();
    assert_eq!(said(&guest), lines, "{script}");
}

/// Plays a script and asks that the SDK panics on the answer of a host call.
pub fn check_panics(script: &str, status: u32) {
    let mut guest = start("");
    let failure = drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Trap, "{script}");
    let critical = failure.critical.unwrap_or_default();
    assert!(critical.contains(&format!("unexpected status: {status}")), "{script}: {critical}");
}
