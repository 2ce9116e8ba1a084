//! The table as the configuration holds it.

use core::fmt;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{Class, Name, Price};

/// Prices, as `cargo gauge prices` makes them or as an operator writes them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct Prices {
    /// Where the rows come from, in words; shown in the build info.
    #[serde(default = "own")]
    pub version: String,
    /// The day the rows were made for; shown in the build info.
    #[serde(default)]
    pub date: String,
    /// Whose data this is and under which licence; for people.
    #[serde(default)]
    pub notice: IgnoredAny,
    /// For a provider, whose rows are its own, in the order they are asked. Without an entry: those of its own name.
    #[serde(default)]
    pub providers: BTreeMap<String, Vec<String>>,
    /// The rows; the first that fits counts.
    pub rows: Vec<Row>,
}

fn own() -> String {
    "own".to_owned()
}

/// The prices of one model: `{"provider": "acme", "match": ["talk-*"], "input": "2.5", "output": "10"}`.
#[derive(Debug)]
pub struct Row {
    /// Who sells it; `*` for any provider.
    pub provider: String,
    /// The model's names.
    pub names: Vec<Name>,
    /// Names that fit and are not meant.
    pub except: Vec<Name>,
    /// One for each class that has a price.
    pub prices: Vec<(Class, Price)>,
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(RowVisitor)
    }
}

/// By hand, since a derived row would keep room for every class in each of some thousand rows.
struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let (mut provider, mut names) = (None, None);
        let mut row =
            Row { provider: String::new(), names: Vec::new(), except: Vec::new(), prices: Vec::new() };
        while let Some(key) = map.next_key::<String>()? {
            match (key.as_str(), Class::named(&key)) {
                ("provider", _) => provider = Some(map.next_value()?),
                ("match", _) => names = Some(map.next_value()?),
                ("except", _) => row.except = map.next_value()?,
                (_, Some(class)) => {
                    if row.prices.iter().any(|(priced, _)| *priced == class) {
                        return Err(Error::custom(format_args!("duplicate field `{key}`")));
                    }
                    row.prices.push((class, map.next_value()?));
                }
                (_, None) => {
                    let known = Class::names();
                    return Err(Error::custom(format_args!(
                        "unknown field `{key}`, expected provider, match, except or a price: {known}"
                    )));
                }
            }
        }
        row.provider = provider.ok_or_else(|| Error::missing_field("provider"))?;
        row.names = names.ok_or_else(|| Error::missing_field("match"))?;
        if row.names.is_empty() {
            return Err(Error::custom("`match` names no model"));
        }
        Ok(row)
    }
}
