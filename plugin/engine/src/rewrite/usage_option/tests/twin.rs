//! The naive twin of the splice: the whole document as a tree, with its members in order. It uses nothing of the
//! engine, so that the fuzz targets can use it too.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON document.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonValue {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    Array(Vec<JsonValue>),
    Object(Vec<(String, JsonValue)>),
}

/// Parses strictly. `None` if the document is not JSON.
pub fn parse(document: &[u8]) -> Option<JsonValue> {
    serde_json::from_slice(document).ok()
}

impl JsonValue {
    /// Returns the document that asks for usage. `None` if this one should stay unchanged.
    pub fn with_option_if_needed(&self) -> Option<JsonValue> {
        let Self::Object(members) = self else { return None };
        let stream = members.iter().rev().find(|(key, _)| key == "stream");
        let is_single = members.iter().filter(|(key, _)| key == "stream_options").count() < 2;
        let streams = stream.is_some_and(|(_, value)| *value == Self::Bool(true));
        let has_duplicate =
            members.iter().any(|(key, value)| key == "stream_options" && value.count("include_usage") > 1);
        (streams && is_single && !has_duplicate).then(|| self.with_option())?
    }

    /// Returns the document with the option in its first possible place. `None` if that place is not free.
    pub fn with_option(&self) -> Option<JsonValue> {
        let Self::Object(members) = self else { return None };
        let mut members = members.clone();
        let wanted = || ("include_usage".to_owned(), Self::Bool(true));
        match members.iter_mut().find(|(key, _)| key == "stream_options").map(|(_, options)| options) {
            None => members.push(("stream_options".to_owned(), Self::Object(vec![wanted()]))),
            Some(options @ Self::Null) => *options = Self::Object(vec![wanted()]),
            Some(Self::Object(options)) => match options.iter_mut().find(|(key, _)| key == "include_usage") {
                None => options.push(wanted()),
                Some((_, value @ (Self::Null | Self::Bool(false)))) => *value = Self::Bool(true),
                Some(_) => return None,
            },
            Some(_) => return None,
        }
        Some(Self::Object(members))
    }

    fn count(&self, key: &str) -> usize {
        match self {
            Self::Object(members) => members.iter().filter(|(other, _)| other == key).count(),
            _ => 0,
        }
    }
}

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(Grow)
    }
}

struct Grow;

impl<'de> Visitor<'de> for Grow {
    type Value = JsonValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<JsonValue, E> {
        Ok(JsonValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<JsonValue, E> {
        Ok(JsonValue::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<JsonValue, E> {
        Ok(JsonValue::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<JsonValue, E> {
        Ok(JsonValue::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<JsonValue, E> {
        Ok(serde_json::Number::from_f64(value).map_or(JsonValue::Null, JsonValue::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<JsonValue, E> {
        Ok(JsonValue::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<JsonValue, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = elements.next_element()? {
            all.push(element);
        }
        Ok(JsonValue::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<JsonValue, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = entries.next_entry()? {
            members.push(member);
        }
        Ok(JsonValue::Object(members))
    }
}
