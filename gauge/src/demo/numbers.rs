//! Formatting of numbers for people.

/// Returns a counter's value as a whole number.
pub(super) fn whole(count: f64) -> u64 {
    count as u64
}

/// Formats a whole number with separated thousands.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digit.is_ascii_digit() {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0.0, 999.0, 1000.0, 1234567.0].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
