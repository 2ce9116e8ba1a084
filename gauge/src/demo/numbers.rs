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

/// Formats a whole number in a few columns: from a million on in millions.
pub(super) fn compact(number: f64) -> String {
    if number < 1e6 { grouped(number) } else { format!("{}M", one_decimal(number / 1e6)) }
}

fn one_decimal(number: f64) -> String {
    let tenths = (number * 10.0).round();
    format!("{}.{}", grouped((tenths / 10.0).floor()), tenths % 10.0)
}

#[cfg(test)]
mod tests {
    use super::{compact, grouped};

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0.0, 999.0, 1000.0, 1234567.0].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn millions_are_short() {
        assert_eq!(
            [999_999.0, 1e6, 123_456_789.0, 1.2e9].map(compact),
            ["999,999", "1.0M", "123.5M", "1,200.0M"]
        );
    }
}
