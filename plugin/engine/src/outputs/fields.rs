//! What is told of a record, field by field, and the JSON object that the fields make.
//!
//! Written by hand, since this object leaves every exchange: by way of derived serialisers it was a seventh of all
//! that an exchange costs.

use core::fmt::Write as _;

use crate::blocks::{BLOCK_BYTES, Run, lanes};
use crate::record::Word;

/// A field's value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// Not known.
    Null,
    Bool(bool),
    Number(u64),
    Text(&'a str),
    Names(&'a [&'static str]),
    Word(&'a Word),
    Words(&'a [Word]),
}

/// Fields in the order they are written. Their names are words and nothing that a string could not hold.
pub(super) type Fields<'a> = Vec<(&'a str, Value<'a>)>;

/// The JSON object; nulls are left out unless `nulls`.
pub(super) fn json(fields: &Fields<'_>, nulls: bool) -> String {
    let mut json = String::with_capacity(1024);
    json.push('{');
    for (name, value) in fields {
        if nulls || !matches!(value, Value::Null) {
            if json.len() > 1 {
                json.push(',');
            }
            json.push('"');
            json.push_str(name);
            json.push_str("\":");
            value.write(&mut json);
        }
    }
    json.push('}');
    json
}

impl Value<'_> {
    /// As a value of its own: text without quotes.
    pub(super) fn plain(self) -> String {
        match self {
            Self::Text(text) => text.to_owned(),
            other => {
                let mut json = String::new();
                other.write(&mut json);
                json
            }
        }
    }

    fn write(self, json: &mut String) {
        match self {
            Self::Null => json.push_str("null"),
            Self::Bool(is) => json.push_str(if is { "true" } else { "false" }),
            Self::Number(value) => number(json, value),
            Self::Text(value) => text(json, value),
            Self::Names(names) => array(json, names.iter().map(|name| Value::Text(name))),
            Self::Word(Word::Text(value)) => text(json, value),
            Self::Word(Word::Number(value)) => {
                if *value < 0 {
                    json.push('-');
                }
                number(json, value.unsigned_abs());
            }
            Self::Words(words) => array(json, words.iter().map(Value::Word)),
        }
    }
}

fn array<'a>(json: &mut String, values: impl Iterator<Item = Value<'a>>) {
    json.push('[');
    for (place, value) in values.enumerate() {
        if place > 0 {
            json.push(',');
        }
        value.write(json);
    }
    json.push(']');
}

/// Not by the standard library's formatting, whose way to two digits is a few hundred instructions long.
fn number(json: &mut String, value: u64) {
    let mut digits = [0; 20];
    let (mut left, mut written) = (value, 0_usize);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' | u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        written = written.saturating_add(1);
        if left == 0 {
            break;
        }
    }
    let digits = digits.iter().skip(digits.len().saturating_sub(written));
    json.extend(digits.map(|digit| char::from(*digit)));
}

/// A JSON string.
fn text(json: &mut String, value: &str) {
    json.push('"');
    if value.as_bytes().chunks(BLOCK_BYTES).all(is_plain) {
        json.push_str(value);
    } else {
        for char in value.chars() {
            match u8::try_from(char).ok().filter(u8::is_ascii).and_then(escaped) {
                None => json.push(char),
                Some(b'u') => drop(write!(json, "\\u{:04x}", u32::from(char))),
                Some(escape) => json.extend(['\\', escape.into()]),
            }
        }
    }
    json.push('"');
}

/// Whether all of a block stands for itself.
fn is_plain(block: &[u8]) -> bool {
    let mut others = 0;
    lanes(block, |lane, at| {
        others |= (lane.is(b'"') | lane.is(b'\\') | lane.within(0, 0x20)).wrapping_shl(at);
    });
    // Zeros that fill a lane up are none of the block's.
    others & Run::plain(block).text == 0
}

/// What stands behind the backslash for a byte that may not stand for itself.
fn escaped(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        ..0x20 => Some(b'u'),
        _ => None,
    }
}

impl From<bool> for Value<'_> {
    fn from(is: bool) -> Self {
        Self::Bool(is)
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a Word> for Value<'a> {
    fn from(word: &'a Word) -> Self {
        Self::Word(word)
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Value<'a> {
    fn from(known: Option<T>) -> Self {
        known.map_or(Self::Null, T::into)
    }
}

#[cfg(test)]
mod tests;
