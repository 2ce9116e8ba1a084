//! The budget of judge calls per minute and per hour, which all workers share.
//!
//! The workers keep one record in the proxy's shared data and change it by compare-and-swap. The price of a call is
//! only known once it is answered, so an estimate is reserved first and corrected then.

use super::plan::BudgetLimits;

const MINUTE_NS: u64 = 60_000_000_000;
const HOUR_NS: u64 = 3_600_000_000_000;

/// The price of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// The number of tokens that the judge reads and writes.
    pub tokens: u64,
    /// The price of the tokens in nanodollars; 0 if they have no price.
    pub nanodollars: u64,
}

/// The correction of a reserved price, once the call has been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The reserved price.
    pub reserved: Price,
    /// The time of the reservation, on the clock that the workers share.
    pub reserved_at_ns: u64,
    /// The actual price.
    pub actual: Price,
}

/// The record: the calls in the current minute and the prices in the current hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    minute: u64,
    calls: u64,
    hour: u64,
    spent: Price,
}

impl Budget {
    /// Decodes the record from shared data. Bytes that are not a record count as an empty one.
    pub fn decode(bytes: &[u8]) -> Self {
        let (numbers, rest) = bytes.as_chunks::<8>();
        let numbers: Vec<_> = numbers.iter().map(|number| u64::from_le_bytes(*number)).collect();
        match (numbers.as_slice(), rest) {
            (&[minute, calls, hour, tokens, nanodollars], []) => {
                Self { minute, calls, hour, spent: Price { tokens, nanodollars } }
            }
            _ => Self::default(),
        }
    }

    /// Encodes the record for shared data.
    pub fn encode(&self) -> Vec<u8> {
        let numbers = [self.minute, self.calls, self.hour, self.spent.tokens, self.spent.nanodollars];
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// Returns the record after a call at this price. `None` if it would exceed a limit.
    pub fn take(self, price: Price, limits: &BudgetLimits, now_ns: u64) -> Option<Self> {
        let mut after = self.at(now_ns);
        after.calls = after.calls.saturating_add(1);
        after.spent.tokens = after.spent.tokens.saturating_add(price.tokens);
        after.spent.nanodollars = after.spent.nanodollars.saturating_add(price.nanodollars);
        let is_within = after.calls <= limits.calls_per_minute
            && after.spent.tokens <= limits.tokens_per_hour
            && after.spent.nanodollars <= limits.nanodollars_per_hour;
        is_within.then_some(after)
    }

    /// Returns the record after a call was answered. A reservation of an earlier hour needs no correction.
    pub fn settle(self, settlement: &Settlement, now_ns: u64) -> Self {
        let mut after = self.at(now_ns);
        if hour_of(settlement.reserved_at_ns) == after.hour {
            let right = |spent: u64, reserved: u64, actual: u64| {
                spent.saturating_sub(reserved).saturating_add(actual)
            };
            let Settlement { reserved, actual, .. } = settlement;
            after.spent.tokens = right(after.spent.tokens, reserved.tokens, actual.tokens);
            after.spent.nanodollars =
                right(after.spent.nanodollars, reserved.nanodollars, actual.nanodollars);
        }
        after
    }

    /// Returns the record with the sums of a past minute or hour reset.
    fn at(mut self, now_ns: u64) -> Self {
        let (minute, hour) = (now_ns.checked_div(MINUTE_NS).unwrap_or(0), hour_of(now_ns));
        if self.minute != minute {
            (self.minute, self.calls) = (minute, 0);
        }
        if self.hour != hour {
            (self.hour, self.spent) = (hour, Price::default());
        }
        self
    }
}

fn hour_of(now_ns: u64) -> u64 {
    now_ns.checked_div(HOUR_NS).unwrap_or(0)
}

#[cfg(test)]
mod tests;
