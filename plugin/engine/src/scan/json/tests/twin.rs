//! The naive twin of the scanner: it makes strict JSON of the text that the scanner is lenient about, and walks it with
//! serde_json. It does not use the engine, so that the fuzz targets can use it too.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A value at a wanted place: the number of its path, its indices and the value.
#[derive(Clone, Debug, PartialEq)]
pub struct PathValue {
    pub path: usize,
    pub outer: u32,
    pub inner: u32,
    pub value: Value,
}

/// A value in a form that both twins can report.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Open,
    Null,
    Bool(bool),
    Number(serde_json::Number),
    /// The first bytes, and whether the whole string was empty.
    Text(Vec<u8>, bool),
}

impl Value {
    /// Returns the number that the scanner reports as `digits`; `Null` if they are no number or out of range.
    pub fn number(digits: &str) -> Self {
        let number = serde_json::from_str(digits);
        number.map_or(Self::Null, Self::Number)
    }
}

/// Returns all values at `wanted` places, with strings cut off at `text_max` bytes; `None` if the text is not JSON even
/// by the scanner's lenient rules.
pub fn read(text: &str, wanted: &[&str], text_max: usize, number_max: usize) -> Option<Vec<PathValue>> {
    let repaired = repair(text, number_max);
    let paths: Vec<_> = wanted.iter().map(|path| segments(path)).collect();
    let mut found = Vec::new();
    let mut json = serde_json::Deserializer::from_str(&repaired);
    let walk = Walk { path: Vec::new(), ordinals: Vec::new(), paths: &paths, text_max, found: &mut found };
    walk.deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(found)
}

/// Whether the text is the beginning of a JSON document.
pub fn is_cut(text: &str, number_max: usize) -> bool {
    let repaired = repair(text, number_max);
    serde_json::from_str::<serde::de::IgnoredAny>(&repaired).is_err_and(|error| error.is_eof())
}

/// Keys, with `None` for the elements of an array.
type Path = Vec<Option<String>>;

fn segments(path: &str) -> Path {
    let mut segments = Vec::new();
    for part in path.split('.') {
        let key = part.trim_end_matches("[]");
        segments.extend((!key.is_empty()).then(|| Some(key.to_owned())));
        segments.extend(part.matches("[]").map(|_| None));
    }
    segments
}

struct Walk<'a> {
    path: Path,
    ordinals: Vec<u32>,
    paths: &'a [Path],
    text_max: usize,
    found: &'a mut Vec<PathValue>,
}

impl Walk<'_> {
    fn found(&mut self, value: Value) {
        if let Some(path) = self.paths.iter().position(|path| *path == self.path) {
            let outer = self.ordinals.first().copied().unwrap_or(0);
            let inner = self.ordinals.last().copied().unwrap_or(0);
            self.found.push(PathValue { path, outer, inner, value });
        }
    }

    fn inner(&mut self, segment: Option<String>, ordinal: Option<u32>) -> Walk<'_> {
        let path = self.path.iter().cloned().chain([segment]).collect();
        let ordinals = self.ordinals.iter().copied().chain(ordinal).collect();
        Walk { path, ordinals, paths: self.paths, text_max: self.text_max, found: self.found }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.found(Value::Null);
        Ok(())
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<(), E> {
        self.found(Value::Bool(value));
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<(), E> {
        self.found(Value::Number(value.into()));
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<(), E> {
        self.found(Value::Number(value.into()));
        Ok(())
    }

    fn visit_f64<E>(mut self, value: f64) -> Result<(), E> {
        self.found(serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number));
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        let start = text.as_bytes().get(..self.text_max).unwrap_or(text.as_bytes());
        self.found(Value::Text(start.to_vec(), text.is_empty()));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        self.found(Value::Open);
        let mut ordinal = 0;
        while elements.next_element_seed(self.inner(None, Some(ordinal)))?.is_some() {
            ordinal += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.found(Value::Open);
        while let Some(key) = entries.next_key::<String>()? {
            entries.next_value_seed(self.inner(Some(key), None))?;
        }
        Ok(())
    }
}

/// Returns the text as strict JSON, if it is JSON by the scanner's lenient rules.
fn repair(text: &str, number_max: usize) -> String {
    let mut repaired = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if letter == '"' {
            let (decoded, after) = string(&rest[1..]);
            match after {
                Some(after) => rest = after,
                None => return repaired + "\"",
            }
            repaired += &serde_json::to_string(&decoded).unwrap_or_default();
        } else if letter == '-' || letter.is_ascii_digit() {
            let is_part = |letter: char| letter.is_ascii_digit() || ".eE+-".contains(letter);
            let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            let is_good = number.len() <= number_max && serde_json::from_str::<f64>(number).is_ok();
            repaired += if is_good { number } else { "null" };
            // A space keeps the number apart from the bytes after it.
            repaired.push(' ');
            rest = after;
        } else {
            repaired.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    repaired
}

/// Decodes a string from after its opening quote. Returns it and the text after its closing quote; `None` if there is
/// no closing quote.
pub fn string(text: &str) -> (String, Option<&str>) {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text;
    let mut after = None;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        if letter == '"' {
            after = Some(rest);
            break;
        }
        if letter != '\\' {
            units.extend(letter.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        let Some(escape) = rest.chars().next() else { break };
        rest = &rest[escape.len_utf8()..];
        if escape == 'u' {
            let digits = rest.chars().take(4).take_while(char::is_ascii_hexdigit).count();
            let unit = u16::from_str_radix(&rest[..digits], 16).unwrap_or(0);
            units.push(if digits == 4 { unit } else { 0xFFFD });
            rest = &rest[digits..];
            continue;
        }
        let plain = match escape {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            other => other,
        };
        units.extend(plain.encode_utf16(&mut [0; 2]).iter());
    }
    (String::from_utf16_lossy(&units), after)
}
