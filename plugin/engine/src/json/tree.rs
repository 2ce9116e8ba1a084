//! A small JSON document as a tree: keys of the configuration, what a judge answers, what a user has to say.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::limits::TREE_KEYS_MAX;

/// A JSON value. Unlike `serde_json::Value` it refuses a key that stands there twice, where the last one would win:
/// an answer that says 1 and then 5 has no score. Its depth is bounded by `serde_json`, its size by who reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonValue {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number written without sign, point and exponent.
    Whole(u64),
    /// Any other number.
    Number(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<JsonValue>),
    /// An object, in the order it is written; no key twice.
    Object(Vec<(String, JsonValue)>),
}

impl JsonValue {
    /// Reads a whole document; `None` if it is not JSON, or if a key is twice in one object.
    pub fn parse(document: &[u8]) -> Option<Self> {
        Self::read(document).ok()
    }

    /// The same, with what is wrong and where.
    pub fn read(document: &[u8]) -> Result<Self, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_slice(document);
        // By the way the configuration takes, though nobody asks for the path: so the filter holds this code once.
        let tree =
            serde_path_to_error::deserialize(&mut json).map_err(serde_path_to_error::Error::into_inner)?;
        json.end()?;
        Ok(tree)
    }

    /// The value of a key, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.pairs()?.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The text, if this is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if this is a whole one.
    pub fn whole(&self) -> Option<u64> {
        match self {
            Self::Whole(number) => Some(*number),
            _ => None,
        }
    }

    /// The items, if this is a list.
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The keys and their values, if this is an object.
    pub fn pairs(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(pairs) => Some(pairs),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(JsonValueVisitor)
    }
}

struct JsonValueVisitor;

impl<'de> Visitor<'de> for JsonValueVisitor {
    type Value = JsonValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<JsonValue, E> {
        Ok(JsonValue::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<JsonValue, E> {
        Ok(JsonValue::Bool(value))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<JsonValue, E> {
        Ok(JsonValue::Whole(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<JsonValue, E> {
        Ok(JsonValue::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<JsonValue, E> {
        Ok(JsonValue::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<JsonValue, E> {
        Ok(JsonValue::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<JsonValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(JsonValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<JsonValue, A::Error> {
        let mut object = Vec::<(String, JsonValue)>::new();
        while let Some((key, value)) = pairs.next_entry::<String, JsonValue>()? {
            if object.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
            }
            // Each key is held against all before it: what a hostile answer could make of that is bounded here.
            if object.len() >= TREE_KEYS_MAX {
                return Err(A::Error::custom(format_args!("more than {TREE_KEYS_MAX} keys in one object")));
            }
            object.push((key, value));
        }
        Ok(JsonValue::Object(object))
    }
}

#[cfg(test)]
mod tests;
