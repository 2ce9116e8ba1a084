//! Makes foreign text safe to show: prompts, answers, comments and model names may have any contents.

use std::fmt::Write;

/// Maximum characters of a name.
const NAME_CHARS_MAX: usize = 40;

/// Makes invisible characters visible: controls, which a terminal obeys, and marks that change the direction of the
/// following text, by which a comment could rewrite its line. Line ends and tabs stay.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\t' => plain.push(letter),
            _ if is_unseen(letter) => drop(write!(plain, "\\u{{{:x}}}", u32::from(letter))),
            _ => plain.push(letter),
        }
    }
    plain
}

fn is_unseen(letter: char) -> bool {
    let is_mark = matches!(letter,
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{2028}' | '\u{2029}' | '\u{feff}');
    letter.is_control() || is_mark
}

/// Returns a name on one line, made safe, and cut if it is too long.
pub fn name(text: &str) -> String {
    name_within(text, NAME_CHARS_MAX)
}

/// Returns a name for a place with less room.
pub fn name_within(text: &str, chars_max: usize) -> String {
    let mut letters = plain(text).replace(['\n', '\t'], " ").chars().collect::<Vec<_>>();
    if letters.len() > chars_max {
        letters.truncate(chars_max.saturating_sub(1));
        letters.push('…');
    }
    letters.into_iter().collect()
}

/// Formats a count with separated thousands.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Formats a large count with three digits.
pub fn short(count: f64) -> String {
    let scaled = [(1e9, "G"), (1e6, "M"), (1e3, "k")].into_iter().find(|(scale, _)| count >= *scale);
    let Some((scale, unit)) = scaled else { return format!("{count:.0}") };
    let count = count / scale;
    if count < 10.0 {
        format!("{count:.2} {unit}")
    } else {
        format!("{count:.*} {unit}", usize::from(count < 100.0))
    }
}

/// Formats a rate in percent.
pub fn per_cent(rate: f64) -> String {
    format!("{:.1} %", rate * 100.0)
}

/// Formats a probability, with a lower limit.
pub fn p(p: f64) -> String {
    match p {
        _ if p < 0.0001 => "p < 0.0001".to_owned(),
        _ if p < 0.01 => format!("p = {p:.4}"),
        _ => format!("p = {p:.2}"),
    }
}

#[cfg(test)]
mod tests;
