use super::*;

#[test]
fn it_opens_after_failures_in_a_row_and_lets_one_probe_through() {
    let mut breaker = Breaker::default();
    for _ in 0..4 {
        breaker.failed(10);
        assert!(breaker.allows(10));
    }
    breaker.succeeded();
    for _ in 0..5 {
        breaker.failed(10);
    }
    assert!(!breaker.allows(10 + OPEN_NS - 1));
    assert!(breaker.allows(10 + OPEN_NS));
    breaker.called();
    assert!(!breaker.allows(10 + OPEN_NS));
    // The probe fails: closed again for as long.
    breaker.failed(20 + OPEN_NS);
    assert!(!breaker.allows(19 + OPEN_NS + OPEN_NS));
    assert!(breaker.allows(20 + OPEN_NS + OPEN_NS));
    breaker.called();
    breaker.busy(30 + OPEN_NS + OPEN_NS);
    assert!(!breaker.allows(30 + OPEN_NS + OPEN_NS));
    breaker.succeeded();
    assert!(breaker.allows(0));
}
