//! What judging may cost in a minute and in an hour, shared by all workers.
//!
//! The workers keep one record as shared data of the proxy and change it by compare-and-swap. What a call will cost is
//! not known before it is answered, so an estimate is taken out first and set right then.

use super::plan::BudgetLimits;

const MINUTE_NS: u64 = 60_000_000_000;
const HOUR_NS: u64 = 3_600_000_000_000;

/// What a call costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Tokens that the judge reads and writes.
    pub tokens: u64,
    /// What they cost, in nanodollars; 0 where there is no price.
    pub nanodollars: u64,
}

/// A call that was answered: what was taken out for it, and when, and what it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Taken out before.
    pub reserved: Price,
    /// When, on the clock that the workers share.
    pub reserved_at_ns: u64,
    /// What it came to.
    pub actual: Price,
}

/// The record: what was spent in the minute and in the hour under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    minute: u64,
    calls: u64,
    hour: u64,
    spent: Price,
}

impl Budget {
    /// The record that these bytes are. Others, which nobody of ours wrote, count as an empty one.
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

    /// As shared data.
    pub fn encode(&self) -> Vec<u8> {
        let numbers = [self.minute, self.calls, self.hour, self.spent.tokens, self.spent.nanodollars];
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// The record after a call at this price; `None` if it would be over a limit.
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

    /// The record after a call was answered. What was taken out in an hour that has passed is no matter any more.
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

    /// Nothing is spent yet of a minute and an hour that begin.
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
