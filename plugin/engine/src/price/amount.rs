//! A price: a decimal that is never a float, and its tiers.

/// Digits behind the point: dollars for a million tokens are then whole [units](super::UNITS_PER_DOLLAR) for one.
const FRACTION_DIGITS: usize = 18;

/// Digits before the point; with more, a slip of the pen would be a plausible price.
const WHOLE_DIGITS_MAX: usize = 9;

/// What one token costs, by how much input its request has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    base: u128,
    /// Start and price, by rising start.
    tiers: Vec<(u64, u128)>,
}

impl Price {
    /// Reads dollars for a million tokens: `2.5`, or with tiers `1.25 >200000 2.5`, where the second price is the one
    /// of requests with more than 200,000 tokens of input. `None` for anything else. Text, since a JSON number with a
    /// point would go through a float.
    pub fn new(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let base = units(words.next()?)?;
        let mut tiers = Vec::<(u64, u128)>::new();
        while let Some(word) = words.next() {
            let start = word.strip_prefix('>')?.parse().ok()?;
            if tiers.last().is_some_and(|(previous, _)| *previous >= start) {
                return None;
            }
            tiers.push((start, units(words.next()?)?));
        }
        Some(Self { base, tiers })
    }

    /// Units for one token in a request with so much input. A tier begins above its start, not at it.
    pub fn at(&self, input_tokens: u64) -> u128 {
        let mut tiers = self.tiers.iter().rev();
        tiers.find(|(start, _)| input_tokens > *start).map_or(self.base, |(_, price)| *price)
    }
}

/// Reads dollars for a million tokens as units for one.
fn units(text: &str) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let fits = |digits: &str, at_most| (1..=at_most).contains(&digits.len());
    if !fits(whole, WHOLE_DIGITS_MAX) || !fits(fraction, FRACTION_DIGITS) {
        return None;
    }
    let zeros = core::iter::repeat_n(b'0', FRACTION_DIGITS.saturating_sub(fraction.len()));
    let mut digits = whole.bytes().chain(fraction.bytes()).chain(zeros);
    digits.try_fold(0_u128, |units, digit| {
        let digit = digit.is_ascii_digit().then(|| digit.saturating_sub(b'0'))?;
        units.checked_mul(10)?.checked_add(u128::from(digit))
    })
}

#[cfg(test)]
mod tests;
