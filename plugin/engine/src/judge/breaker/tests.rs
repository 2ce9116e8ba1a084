use super::*;

#[test]
fn breaker_opens_after_consecutive_failures_and_allows_one_probe() {
    let mut breaker = Breaker::default();
    for _ in 0..4 {
        breaker.record_failure(10);
        assert!(breaker.allows(10));
    }
    breaker.record_success();
    for _ in 0..5 {
        breaker.record_failure(10);
    }
    assert!(!breaker.allows(10 + OPEN_NS - 1));
    assert!(breaker.allows(10 + OPEN_NS));
    breaker.record_call();
    assert!(!breaker.allows(10 + OPEN_NS));
    // The probe fails, so the breaker stays open for the same time again.
    breaker.record_failure(20 + OPEN_NS);
    assert!(!breaker.allows(19 + OPEN_NS + OPEN_NS));
    assert!(breaker.allows(20 + OPEN_NS + OPEN_NS));
    breaker.record_call();
    breaker.record_busy(30 + OPEN_NS + OPEN_NS);
    assert!(!breaker.allows(30 + OPEN_NS + OPEN_NS));
    breaker.record_success();
    assert!(breaker.allows(0));
}
