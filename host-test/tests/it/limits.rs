//! Failures that end a guest (memory, fuel, panics, misuse) and no other guest.

use host_test::{ChunkPlan, Ending, FailureKind, Guest, Options, SharedProxyState, drive};

use crate::probe::{exchange, probe, said, start};

fn fail(script: &str, options: Options) -> (Guest, Box<host_test::Failure>) {
    let mut guest = Guest::start(&probe(), options).unwrap();
    let failure = drive(&mut guest, &exchange(script), &ChunkPlan::whole()).unwrap_err();
    (guest, failure)
}

#[test]
fn a_panic_reports_callback_and_message() {
    let (guest, failure) = fail("response_body panic out of luck", Options::default());
    assert_eq!(failure.kind, FailureKind::Trap);
    assert_eq!(failure.callback, "proxy_on_response_body");
    let critical = failure.critical.clone().unwrap();
    assert!(critical.contains("out of luck"), "{critical}");
    assert!(failure.to_string().contains("out of luck"));
    assert_eq!(guest.failure(), Some(&*failure));
}

#[test]
fn memory_over_the_limit_ends_the_guest() {
    let options = || Options { memory_bytes_max: 8 << 20, ..Options::default() };
    let (guest, failure) = fail("head grow 16777216", options());
    assert_eq!(failure.kind, FailureKind::Memory);
    assert_eq!(failure.callback, "proxy_on_request_headers");
    assert_eq!(guest.host().memory.refusals, 1);
    assert!(guest.host().memory.bytes <= 8 << 20);

    let mut guest = Guest::start(&probe(), options()).unwrap();
    drive(&mut guest, &exchange("head grow 4194304"), &ChunkPlan::whole()).unwrap();
    assert!(guest.host().memory.bytes > 4 << 20);
    assert_eq!(guest.host().memory.refusals, 0);
}

#[test]
fn a_guest_that_cannot_have_its_first_memory_does_not_start() {
    let options = Options { memory_bytes_max: 4096, ..Options::default() };
    let failure = Guest::start(&probe(), options).err().unwrap();
    assert_eq!(failure.kind, FailureKind::Memory);
    assert_eq!(failure.callback, "instantiate");
}

#[test]
fn fuel_over_the_limit_ends_the_guest() {
    let options = Options { fuel_max: 10_000_000, ..Options::default() };
    let (_, failure) = fail("body spin", options.clone());
    assert_eq!(failure.kind, FailureKind::Fuel);
    assert_eq!(failure.callback, "proxy_on_request_body");

    // The limit applies to one callback: many callbacks may use more together.
    let mut guest = Guest::start(&probe(), options).unwrap();
    let script = "response_body burn 100000";
    drive(&mut guest, &exchange(script), &ChunkPlan::every(1)).unwrap();
}

#[test]
fn a_failed_guest_is_never_called_again() {
    let (mut guest, _) = fail("head panic", Options::configured("tick level"));
    assert_eq!(guest.tick().unwrap_err().kind, FailureKind::Dead);
    let failure = drive(&mut guest, &exchange(""), &ChunkPlan::whole()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Dead);
    assert_eq!(said(&guest), [""; 0]);
}

#[test]
fn a_failure_stays_in_its_worker() {
    let proxy_state = SharedProxyState::new();
    let options = || Options {
        proxy_state: proxy_state.clone(),
        ..Options::configured("configure define gauge g; configure increment 5 1")
    };
    let mut healthy = Guest::start(&probe(), options()).unwrap();
    let (_, failure) = fail("body panic", options());
    assert_eq!(failure.kind, FailureKind::Trap);
    let report = drive(&mut healthy, &exchange(""), &ChunkPlan::whole()).unwrap();
    assert_eq!(report.client.body, b"uvwxyz");
    assert_eq!(healthy.host().metric("g"), Some(2), "the counts stay");
}

#[test]
fn calls_that_crash_envoy_are_failures() {
    for script in ["response_body resume response", "head resume request"] {
        let (_, failure) = fail(script, Options::default());
        assert_eq!(failure.kind, FailureKind::ProxyCrash, "{script}");
    }
    let mut guest = start("tick resume request");
    guest.tick().unwrap();
    assert_eq!(guest.host().ignored, ["resume from a context without a stream"]);
}

#[test]
fn misuse_by_a_test_is_a_driver_failure() {
    let mut guest = start("");
    let stream = guest.open().unwrap();
    let failure = stream.end(Ending::Clean).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Driver);
    assert!(guest.stream(99).response_body(b"", true).is_err());
}
