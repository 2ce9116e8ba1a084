//! The table as the configuration holds it: texts, to which [`Table`](super::Table) gives their meaning.

use core::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

/// Prices, as `cargo gauge prices` makes them or as an operator writes them.
#[derive(Debug, Default)]
pub struct Prices {
    /// Where the rows come from, in words; shown in the build info.
    pub version: String,
    /// The day the rows were made for; shown in the build info.
    pub date: String,
    /// Whose data this is and under which licence; for people.
    pub notice: String,
    /// For a provider, whose rows are its own, in the order they are asked, with spaces between them. Without an
    /// entry: those of its own name.
    pub providers: Texts,
    /// The rows; the first that fits counts. A row is `{"provider": "acme", "match": "talk-4 talk-5-*", "input": "2.5",
    /// "output": "10"}`: who sells (`*` for any provider), the model's names as [`Name`](super::Name) reads them,
    /// `except` for names that fit and are not meant, and for each class that has a price the price, as
    /// [`Price`](super::Price) reads it.
    pub rows: Vec<Texts>,
}

// By hand, since what derive makes of this is three times as much code in the filter.
impl<'de> Deserialize<'de> for Prices {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(PricesVisitor)
    }
}

struct PricesVisitor;

impl<'de> Visitor<'de> for PricesVisitor {
    type Value = Prices;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Prices, A::Error> {
        const KEYS: &[&str] = &["version", "date", "notice", "providers", "rows"];
        let mut prices = Prices::default();
        let mut has_rows = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "rows" {
                prices.rows = map.next_value()?;
                has_rows = true;
            } else if key == "providers" {
                prices.providers = map.next_value()?;
            } else {
                *match key.as_str() {
                    "version" => &mut prices.version,
                    "date" => &mut prices.date,
                    "notice" => &mut prices.notice,
                    _ => return Err(Error::unknown_field(&key, KEYS)),
                } = map.next_value()?;
            }
        }
        if !has_rows {
            return Err(Error::missing_field("rows"));
        }
        Ok(prices)
    }
}

/// An object of texts, in its own order. All of the table is made of them: with a type for each kind of value, reading
/// it would be as much code as reading the rest of the configuration.
#[derive(Debug, Default)]
pub struct Texts(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(entry) = map.next_entry()? {
            texts.push(entry);
        }
        Ok(Texts(texts))
    }
}
