//! A small JSON document as a tree of values: for the configuration, judges' verdicts and feedback.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::limits::TREE_KEYS_MAX;

/// A JSON value.
///
/// Unlike `serde_json::Value` it refuses duplicate keys, of which the last one would win: a verdict that says 1 and
/// then 5 has no score. `serde_json` bounds its depth, and the reader of the document its size.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonValue {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer without sign, point and exponent.
    Whole(u64),
    /// Any other number.
    Number(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<JsonValue>),
    /// An object in document order, without duplicate keys.
    Object(Vec<(String, JsonValue)>),
}

impl JsonValue {
    /// Parses a whole document; `None` if it is not JSON, or if an object has a duplicate key.
    pub fn parse(document: &[u8]) -> Option<Self> {
        Self::read(document).ok()
    }

    /// Parses a whole document.
    ///
    /// # Errors
    ///
    /// Returns what is wrong, and where, if the document is not JSON or an object has a duplicate key.
    pub fn read(document: &[u8]) -> Result<Self, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_slice(document);
        // The path is not used here, but the configuration is parsed in the same way, so the filter holds this code
        // only once.
        let tree =
            serde_path_to_error::deserialize(&mut json).map_err(serde_path_to_error::Error::into_inner)?;
        json.end()?;
        Ok(tree)
    }

    /// Returns the value of a key; `None` if this is no object or has no such key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.pairs()?.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Returns the text; `None` if this is no string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number; `None` if this is no integer.
    pub fn whole(&self) -> Option<u64> {
        match self {
            Self::Whole(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the items; `None` if this is no array.
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the keys and their values; `None` if this is no object.
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
            // Each key is compared with all before it; the limit bounds the work that a hostile document can cause.
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
