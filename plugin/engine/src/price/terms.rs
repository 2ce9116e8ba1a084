//! The words of a response that change its price: the service tier, the speed, the region, and a cost that the provider states.
//!
//! A table has the standard prices. A word that is not standard changes them by a factor of the provider's price list,
//! which is in [`formats`](crate::formats). If the factor is unknown, the tokens are unpriced: a standard price would be
//! wrong without a sign.

use super::UNITS_PER_DOLLAR;

/// A kind of word that changes the price of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceTerm {
    /// The service tier.
    Tier,
    /// The speed.
    Speed,
    /// The region of the inference.
    Region,
}

/// The unit of a stated cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostUnit {
    /// US dollars.
    Dollar,
    /// Ten billionths of a US dollar (xAI's ticks).
    Tick,
}

/// The words of a response that change its price, and the cost that it states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceTerms {
    /// The last word of each kind.
    words: [Option<String>; 3],
    /// The cost in units that the provider states; `None` if it states none.
    pub stated_units: Option<u128>,
    /// Whether the provider does not bill the exchange.
    pub is_unbilled: bool,
}

impl PriceTerms {
    /// Sets the word of a kind.
    pub fn set(&mut self, term: PriceTerm, word: Option<String>) {
        if let (Some(place), Some(word)) = (self.words.get_mut(term as usize), word) {
            *place = Some(word);
        }
    }

    /// Sets the stated cost, if these are the digits of one.
    pub fn set_stated(&mut self, digits: Option<&str>, unit: CostUnit) {
        self.stated_units = digits.and_then(|digits| stated_units(digits, unit)).or(self.stated_units);
    }

    /// Returns the words that are set, each with its kind.
    pub fn words(&self) -> impl Iterator<Item = (PriceTerm, &str)> {
        let kinds = [PriceTerm::Tier, PriceTerm::Speed, PriceTerm::Region];
        kinds.into_iter().zip(&self.words).filter_map(|(term, word)| Some((term, word.as_deref()?)))
    }
}

/// Returns a stated cost in units. `None` if the number is negative, or absurdly large.
///
/// The digits are read exactly: a float would lose the last ones.
fn stated_units(digits: &str, unit: CostUnit) -> Option<u128> {
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: u128 = [whole, fraction].concat().parse().ok()?;
    let per_unit = match unit {
        CostUnit::Dollar => UNITS_PER_DOLLAR,
        CostUnit::Tick => UNITS_PER_DOLLAR / 10_000_000_000,
    };
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10_u128.checked_pow(shift.unsigned_abs())?;
    let units = if shift >= 0 {
        digits.checked_mul(power)?.checked_mul(per_unit)
    } else if per_unit.checked_rem(power) == Some(0) {
        // The division is exact, and loses no digit.
        digits.checked_mul(per_unit.checked_div(power)?)
    } else {
        digits.checked_mul(per_unit)?.checked_div(power)
    };
    units.filter(|units| *units < UNITS_PER_DOLLAR.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests;
