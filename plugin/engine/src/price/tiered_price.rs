//! A price as an exact decimal, with tiers.

/// The maximum number of decimal places. Dollars per million tokens are then whole [units](super::UNITS_PER_DOLLAR) per
/// token.
const FRACTION_DIGITS: usize = 18;

/// The maximum number of digits before the decimal point, so that a missing point is not accepted as a price.
const WHOLE_DIGITS_MAX: usize = 9;

/// The price of one token, depending on the input of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TieredPrice {
    base: u128,
    /// Start and price of each tier, by rising start.
    tiers: Vec<(u64, u128)>,
}

impl TieredPrice {
    /// Parses dollars per million tokens: `2.5`, or with a tier `1.25 >200000 2.5`, where the second price applies to
    /// requests with more than 200,000 input tokens. `None` for anything else.
    ///
    /// The price is text, since a JSON number with a decimal point would be parsed as a float.
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

    /// Returns the units per token for a request with this inclusive input. A tier begins above its start, not at it.
    pub fn at(&self, input_tokens: u64) -> u128 {
        let mut tiers = self.tiers.iter().rev();
        tiers.find(|(start, _)| input_tokens > *start).map_or(self.base, |(_, price)| *price)
    }
}

/// Parses dollars per million tokens as units per token; `None` if the text is no decimal within the limits.
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
