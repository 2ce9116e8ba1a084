//! Attributes by name. Columns take theirs, and the rest is stored as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use serde_json::{Map, Value};

/// Attributes as JSON values. Of duplicate names, the last one counts.
#[derive(Debug)]
pub(super) struct Attributes(Map<String, Value>);

impl Attributes {
    pub(super) fn new(pairs: Vec<KeyValue>) -> Self {
        Self(pairs.into_iter().map(|pair| (pair.key, value(pair.value))).collect())
    }

    /// Takes the first of these names that exists. The others are removed too, as they have the same meaning.
    fn take(&mut self, names: &[&str]) -> Option<Value> {
        let found = names.iter().filter_map(|name| self.0.remove(*name)).collect::<Vec<_>>();
        found.into_iter().find(|value| !value.is_null())
    }

    /// Takes a text; any other value as JSON.
    pub(super) fn text(&mut self, names: &[&str]) -> Option<String> {
        match self.take(names)? {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }

    /// Takes a count or an amount: a whole number that is not negative.
    pub(super) fn count(&mut self, names: &[&str]) -> Option<i64> {
        let number = self.take(names)?;
        number.as_i64().or_else(|| whole(number.as_f64()?)).filter(|number| *number >= 0)
    }

    pub(super) fn number(&mut self, names: &[&str]) -> Option<f64> {
        self.take(names)?.as_f64()
    }

    pub(super) fn flag(&mut self, names: &[&str]) -> Option<bool> {
        self.take(names)?.as_bool()
    }

    /// Returns the attributes that no column has taken.
    pub(super) fn rest(self) -> String {
        Value::Object(self.0).to_string()
    }
}

/// Converts the number of a sender that knows floats only.
fn whole(number: f64) -> Option<i64> {
    let is_exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "within the whole numbers that a double holds")]
    is_exact.then_some(number as i64)
}

/// Converts a value. The decoder bounds the depth.
fn value(any: Option<AnyValue>) -> Value {
    match any.and_then(|any| any.value) {
        Some(Any::StringValue(text)) => Value::String(text),
        Some(Any::BoolValue(flag)) => Value::Bool(flag),
        Some(Any::IntValue(number)) => number.into(),
        // JSON cannot represent infinities and NaN.
        Some(Any::DoubleValue(number)) => number.into(),
        Some(Any::BytesValue(bytes)) => STANDARD.encode(bytes).into(),
        Some(Any::ArrayValue(array)) => array.values.into_iter().map(|any| value(Some(any))).collect(),
        Some(Any::KvlistValue(list)) => Value::Object(Attributes::new(list.values).0),
        _ => Value::Null,
    }
}
