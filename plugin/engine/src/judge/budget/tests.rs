use super::*;

const LIMITS: BudgetLimits =
    BudgetLimits { calls_per_minute: 2, tokens_per_hour: 1000, nanodollars_per_hour: 50 };

fn price(tokens: u64, nanodollars: u64) -> Price {
    Price { tokens, nanodollars }
}

#[test]
fn budget_bounds_calls_per_minute() {
    let now = 7 * HOUR_NS;
    let one = Budget::default().take(price(1, 1), &LIMITS, now).unwrap();
    let two = one.take(price(1, 1), &LIMITS, now + MINUTE_NS - 1).unwrap();
    assert_eq!(two.take(price(1, 1), &LIMITS, now + MINUTE_NS - 1), None);
    assert!(two.take(price(1, 1), &LIMITS, now + MINUTE_NS).is_some());
}

#[test]
fn budget_bounds_tokens_and_dollars_per_hour() {
    let limits = BudgetLimits { calls_per_minute: 1000, ..LIMITS };
    let full = Budget::default().take(price(1000, 0), &limits, 0).unwrap();
    assert_eq!(full.take(price(1, 0), &limits, HOUR_NS - 1), None);
    assert!(full.take(price(1, 0), &limits, HOUR_NS).is_some());
    let full = Budget::default().take(price(0, 50), &limits, 0).unwrap();
    assert_eq!(full.take(price(0, 1), &limits, 1), None);
    assert_eq!(Budget::default().take(price(u64::MAX, 0), &limits, 0), None);
}

#[test]
fn settle_replaces_the_estimate_by_the_actual_price() {
    let limits = BudgetLimits { calls_per_minute: 1000, ..LIMITS };
    let reserved = price(900, 40);
    let taken = Budget::default().take(reserved, &limits, 5).unwrap();
    let settlement = Settlement { reserved, reserved_at_ns: 5, actual: price(100, 4) };
    let settled = taken.settle(&settlement, 6);
    assert_eq!(settled.spent, price(100, 4));
    assert!(settled.take(price(900, 46), &limits, 7).is_some());
    // The call cost more than was reserved.
    let more = Settlement { actual: price(2000, 4), ..settlement };
    assert_eq!(taken.settle(&more, 6).take(price(0, 0), &limits, 7), None);
    // A reservation of a past hour needs no correction.
    let next_hour = taken.at(HOUR_NS).take(price(10, 1), &limits, HOUR_NS).unwrap();
    assert_eq!(next_hour.settle(&settlement, HOUR_NS + 1).spent, price(10, 1));
}

#[test]
fn decode_reads_encoded_records_and_ignores_other_bytes() {
    let record = Budget { minute: 1, calls: 2, hour: 3, spent: price(4, u64::MAX) };
    assert_eq!(Budget::decode(&record.encode()), record);
    for bytes in [&b""[..], b"x", &record.encode()[1..], &[0xFF; 48]] {
        assert_eq!(Budget::decode(bytes), Budget::default());
    }
}
