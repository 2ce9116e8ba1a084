use super::*;
use crate::price::UNITS_PER_NANODOLLAR;

#[test]
fn stated_costs_are_exact() {
    for (digits, unit, nanodollars) in [
        ("0.00042", CostUnit::Dollar, Some(420_000)),
        ("4.2e-4", CostUnit::Dollar, Some(420_000)),
        ("4.2E-04", CostUnit::Dollar, Some(420_000)),
        ("12", CostUnit::Dollar, Some(12_000_000_000)),
        ("1.5e1", CostUnit::Dollar, Some(15_000_000_000)),
        ("0", CostUnit::Dollar, Some(0)),
        ("0.000000001", CostUnit::Dollar, Some(1)),
        ("37756000", CostUnit::Tick, Some(3_775_600)),
        ("-1", CostUnit::Dollar, None),
        ("1e99", CostUnit::Dollar, None),
        ("1000000", CostUnit::Dollar, None),
    ] {
        let cost = stated_units(digits, unit).map(|units| units / UNITS_PER_NANODOLLAR);
        assert_eq!(cost, nanodollars, "{digits}");
    }
}
