use super::*;

#[test]
fn rate_bounds_feedback_per_minute() {
    let now = 7 * MINUTE_NS + 20 * SECOND_NS;
    let one = Rate::default().take(2, now).unwrap();
    let two = one.take(2, now).unwrap();
    assert_eq!(two.take(2, now), Err(40));
    assert_eq!(two.take(2, 8 * MINUTE_NS - 1), Err(1));
    assert_eq!(two.take(2, 8 * MINUTE_NS), Ok(Rate { minute: 8, taken: 1 }));
}

#[test]
fn decode_reads_encoded_records_and_ignores_other_bytes() {
    let record = Rate { minute: 1, taken: u64::MAX };
    assert_eq!(Rate::decode(&record.encode()), record);
    for bytes in [&b""[..], b"x", &record.encode()[1..], &[0xFF; 24]] {
        assert_eq!(Rate::decode(bytes), Rate::default());
    }
    assert_eq!(record.take(u64::MAX, MINUTE_NS), Err(60));
}
