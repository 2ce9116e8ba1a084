//! A price: a decimal that is never a float, and its tiers.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// Digits behind the point: dollars for a million tokens are then whole [units](super::UNITS_PER_DOLLAR) for one.
const FRACTION_DIGITS: usize = 18;

/// Digits before the point; with more, a slip of the pen would be a plausible price.
const WHOLE_DIGITS_MAX: usize = 9;

/// What one token costs, by how much input its request has.
///
/// Written as dollars for a million tokens: `"2.5"`, or with tiers `["1.25", 200000, "2.5"]`, a price and then pairs
/// of a start and the price for requests with more input than that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    base: u128,
    /// Start and price, by rising start.
    tiers: Box<[(u64, u128)]>,
}

impl Price {
    /// Units for one token in a request with so much input. A tier begins above its start, not at it.
    pub fn at(&self, input_tokens: u64) -> u128 {
        let mut tiers = self.tiers.iter().rev();
        tiers.find(|(start, _)| input_tokens > *start).map_or(self.base, |(_, price)| *price)
    }
}

/// Reads dollars for a million tokens as units for one.
fn units(text: &str) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let fits = whole.len() <= WHOLE_DIGITS_MAX && fraction.len() <= FRACTION_DIGITS;
    if !fits || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let digits = [whole, fraction].concat();
    let missing = u32::try_from(FRACTION_DIGITS.checked_sub(fraction.len())?).ok()?;
    digits.parse::<u128>().ok()?.checked_mul(10_u128.checked_pow(missing)?)
}

/// One amount of a price.
struct Amount(u128);

/// One item of a price with tiers: texts are amounts and numbers are starts, as long as they come in turn.
enum Item {
    Amount(u128),
    Number(u64),
}

const EXPECTED: &str =
    "dollars for a million tokens as text, such as \"2.5\", or with tiers [\"1.25\", 200000, \"2.5\"]";

fn amount<E: Error>(text: &str) -> Result<u128, E> {
    let refused = || E::custom(format_args!("`{text}` is no price: expected {EXPECTED}"));
    units(text).ok_or_else(refused)
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(PriceVisitor)
    }
}

struct PriceVisitor;

impl<'de> Visitor<'de> for PriceVisitor {
    type Value = Price;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Price, E> {
        Ok(Price { base: amount(text)?, tiers: Box::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Price, A::Error> {
        let Some(Amount(base)) = items.next_element()? else {
            return Err(Error::invalid_length(0, &self));
        };
        let mut tiers: Vec<(u64, u128)> = Vec::new();
        while let Some(start) = items.next_element::<Item>()? {
            let Item::Number(start) = start else {
                return Err(Error::custom("expected the start of a tier, a number of tokens"));
            };
            if tiers.last().is_some_and(|(previous, _)| *previous >= start) {
                return Err(Error::custom(format_args!(
                    "the tier at {start} starts too low: starts have to rise"
                )));
            }
            let Some(Amount(price)) = items.next_element()? else {
                return Err(Error::custom(format_args!("the tier at {start} has no price")));
            };
            tiers.push((start, price));
        }
        Ok(Price { base, tiers: tiers.into() })
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        match Item::deserialize(json)? {
            Item::Amount(units) => Ok(Self(units)),
            Item::Number(_) => Err(Error::custom(format_args!("a number is no price: expected {EXPECTED}"))),
        }
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl Visitor<'_> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Item, E> {
        amount(text).map(Item::Amount)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Item, E> {
        Ok(Item::Number(number))
    }
}

#[cfg(test)]
mod tests;
