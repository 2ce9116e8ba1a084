//! The probe and its scripts: all tests of the host set one up here.

use host_test::{ChunkPlan, Exchange, FailureKind, Guest, Headers, LogLevel, Module, Options, drive};

/// Returns the probe, which is compiled once.
pub fn probe() -> Module {
    use std::sync::OnceLock;
    static PROBE: OnceLock<Module> = OnceLock::new();
    let build = || {
        let path = simulators::build::wasm("probe", simulators::build::PROFILE).unwrap();
        Module::from_file(path).unwrap()
    };
    PROBE.get_or_init(build).clone()
}

/// Starts a guest whose root context has this script.
pub fn start(script: &str) -> Guest {
    Guest::start(&probe(), Options::configured(script)).unwrap()
}

/// Returns a request whose stream has this script.
pub fn scripted(script: &str) -> Headers {
    Headers::request("POST", "h.example", "/a?b=c").with("x-probe", script)
}

/// Returns a plain exchange with this script: `abcdef` in the request, `uvwxyz` in the response.
pub fn exchange(script: &str) -> Exchange {
    let response = Headers::response(200).with("x-up", b"caf\xe9");
    Exchange::new(scripted(script), "abcdef", response, "uvwxyz")
}

/// Returns the lines that the probe has logged.
pub fn said(guest: &Guest) -> Vec<&str> {
    guest.host().logged(LogLevel::Info)
}

/// Plays a script in one stream of a new guest, and checks that it logged these lines and nothing else.
pub fn check(script: &str, lines: &[&str]) {
    let mut guest = start("");
    drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap();
    assert_eq!(said(&guest), lines, "{script}");
}

/// Plays a script, and checks that the SDK panics on the status of a host call.
pub fn check_panics(script: &str, status: u32) {
    let mut guest = start("");
    let failure = drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Trap, "{script}");
    let critical = failure.critical.unwrap_or_default();
    assert!(critical.contains(&format!("unexpected status: {status}")), "{script}: {critical}");
}
