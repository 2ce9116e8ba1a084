//! A JSON object that is written field by field.
//!
//! It is written by hand, since every exchange writes one: with derived serialisers it took a seventh of an
//! exchange's cost.

use crate::json::{push_number, push_text};
use crate::record::{Record, Word};

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum FieldValue<'a> {
    /// An unknown value.
    Null,
    Bool(bool),
    Number(u64),
    Text(&'a str),
    Names(&'a [&'static str]),
    Word(&'a Word),
    Words(&'a [Word]),
    /// The other models of a record, each with its tokens.
    OtherModels(&'a Record),
}

/// Fields in their order. A name is written unchanged, so it must not need escapes.
pub(super) type Fields<'a> = Vec<(&'a str, FieldValue<'a>)>;

/// Returns the fields as a JSON object. Nulls are left out unless `nulls`.
pub(super) fn json(fields: &Fields<'_>, nulls: bool) -> String {
    let mut json = String::with_capacity(1024);
    json.push('{');
    for (name, value) in fields {
        if nulls || !matches!(value, FieldValue::Null) {
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

impl FieldValue<'_> {
    /// Returns the value without JSON syntax: text has no quotes.
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
            Self::Number(value) => push_number(json, value),
            Self::Text(value) => push_text(json, value),
            Self::Names(names) => array(json, names.iter().map(|name| FieldValue::Text(name))),
            Self::Word(Word::Text(value)) => push_text(json, value),
            Self::Word(Word::Number(value)) => {
                if *value < 0 {
                    json.push('-');
                }
                push_number(json, value.unsigned_abs());
            }
            Self::Words(words) => array(json, words.iter().map(FieldValue::Word)),
            Self::OtherModels(record) => other_models(json, record),
        }
    }
}

fn other_models(json: &mut String, record: &Record) {
    json.push('[');
    for (place, ((model, _), input, output)) in record.other_models().enumerate() {
        json.push_str(if place > 0 { ",{\"model\":" } else { "{\"model\":" });
        push_text(json, model);
        json.push_str(",\"input_tokens\":");
        push_number(json, input);
        json.push_str(",\"output_tokens\":");
        push_number(json, output);
        json.push('}');
    }
    json.push(']');
}

fn array<'a>(json: &mut String, values: impl Iterator<Item = FieldValue<'a>>) {
    json.push('[');
    for (place, value) in values.enumerate() {
        if place > 0 {
            json.push(',');
        }
        value.write(json);
    }
    json.push(']');
}

impl From<bool> for FieldValue<'_> {
    fn from(is: bool) -> Self {
        Self::Bool(is)
    }
}

impl From<u64> for FieldValue<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for FieldValue<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl<'a> From<&'a str> for FieldValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a Word> for FieldValue<'a> {
    fn from(word: &'a Word) -> Self {
        Self::Word(word)
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for FieldValue<'a> {
    fn from(known: Option<T>) -> Self {
        known.map_or(Self::Null, T::into)
    }
}

#[cfg(test)]
mod tests;
