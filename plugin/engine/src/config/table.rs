//! The table of all configuration keys as text: as `cargo gauge check --explain` prints it, as Markdown and as JSON.
//! The filter does not call it, so its module does not contain the meanings.

use core::fmt;

use super::keys::{Bound, Fallback, Key, Kind, OBJECTS, Object, UNBOUNDED};
use crate::json;

/// A key of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The path, with `[]` for any item of a list, such as `labels[].name`.
    pub path: String,
    /// The type of the value.
    pub kind: String,
    /// The unit of the value. Empty if it has none.
    pub unit: &'static str,
    /// The default: `required` if the key is required, `none` if its absence turns the feature off.
    pub default: String,
    /// The accepted values beyond the type. Empty if all values are accepted.
    pub bound: String,
    /// The meaning of the key.
    pub meaning: &'static str,
    /// Whether the value may be a secret, which no error repeats.
    pub is_secret: bool,
}

/// Returns the rows of all keys: those of the document, then those of each section.
pub fn rows() -> Vec<Row> {
    let rows = |object: &Object| object.keys.iter().map(|key| Row::new(object.path, key));
    OBJECTS.iter().flat_map(rows).collect()
}

/// Returns the row of the key at a path such as `labels[0].name`. `None` if there is no such key.
pub fn row(path: &str) -> Option<Row> {
    let path = without_indices(path);
    rows().into_iter().find(|row| row.path == path)
}

/// Returns the row of the key at a path, or of the nearest key that contains it. Errors may name an item of a list,
/// an arbitrary key or an unknown one.
///
/// `None` if nothing on the path is a key.
pub fn nearest_row(path: &str) -> Option<Row> {
    let rows = rows();
    let path = without_indices(path);
    let mut path = path.as_str();
    loop {
        if let Some(row) = rows.iter().find(|row| row.path == path) {
            return Some(row.clone());
        }
        let parent = || path.rsplit_once('.').map(|(parent, _)| parent);
        path = path.strip_suffix("[]").or_else(parent)?;
    }
}

/// Returns the rows of the keys in the object, or in the items of the list, at a path.
pub fn rows_in(path: &str) -> Vec<Row> {
    let path = without_indices(path);
    let path = path.strip_suffix("[]").unwrap_or(&path);
    let is_in = |row: &Row| {
        let parent = row.path.rsplit_once('.').map_or("", |(parent, _)| parent);
        parent == path || parent.strip_suffix("[]") == Some(path)
    };
    rows().into_iter().filter(is_in).collect()
}

/// Returns all keys as Markdown: a heading and a table for each object.
pub fn markdown() -> String {
    let mut text = String::new();
    let mut before = None;
    for object in OBJECTS {
        if before != Some(object.path) {
            let heading = match object.path {
                "" => "## The document".to_owned(),
                path => format!("## `{path}`"),
            };
            let head = "| key | type | unit | default | bound | meaning |\n|---|---|---|---|---|---|\n";
            let space = if before.is_some() { "\n" } else { "" };
            text.extend([space, &heading, "\n\n", head]);
        }
        before = Some(object.path);
        for key in object.keys {
            let row = Row::new(object.path, key);
            let default = match key.default {
                Fallback::Text(_) | Fallback::Json(_) => format!("`{}`", row.default),
                _ => row.default,
            };
            let cells = [&row.kind, row.unit, &default, &row.bound, row.meaning];
            let cells = cells.map(|cell| cell.replace('|', "\\|")).join(" | ");
            text.push_str(&format!("| `{}` | {cells} |\n", key.name));
        }
    }
    text
}

/// Returns all keys as a JSON array of objects with the fields of [`Row`].
pub fn json() -> String {
    let mut text = "[".to_owned();
    for (number, row) in rows().into_iter().enumerate() {
        text.push_str(if number == 0 { "\n" } else { ",\n" });
        for (before, value) in [
            ("{\"path\":", row.path.as_str()),
            (",\"type\":", &row.kind),
            (",\"unit\":", row.unit),
            (",\"default\":", &row.default),
            (",\"bound\":", &row.bound),
            (",\"meaning\":", row.meaning),
        ] {
            text.push_str(before);
            json::push_text(&mut text, value);
        }
        text.push_str(&format!(",\"is_secret\":{}}}", row.is_secret));
    }
    text.push_str("\n]\n");
    text
}

impl Row {
    fn new(object: &str, key: &Key) -> Self {
        let path = match object {
            "" => key.name.to_owned(),
            path => [path, ".", key.name].concat(),
        };
        let (kind, default, bound) = (kind(key.kind), default(key.default), bound(key.bound));
        Self { path, kind, unit: key.unit, default, bound, meaning: key.meaning, is_secret: key.is_secret }
    }
}

/// Writes the path, the meaning, and one line each for type, default and bound.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  {}\n  type:    {}", self.path, self.meaning, self.kind)?;
        if !self.unit.is_empty() {
            write!(f, ", {}", self.unit)?;
        }
        write!(f, "\n  default: {}", self.default)?;
        if !self.bound.is_empty() {
            write!(f, "\n  bound:   {}", self.bound)?;
        }
        Ok(())
    }
}

/// Returns a path with `[]` for every `[0]`.
fn without_indices(path: &str) -> String {
    let mut parts = path.split('[');
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        normal.push('[');
        normal.push_str(part.trim_start_matches(|letter: char| letter.is_ascii_digit()));
    }
    normal
}

fn kind(kind: Kind) -> String {
    let words = match kind {
        Kind::Object => "object",
        Kind::Objects => "list of objects",
        Kind::Pairs => "object of strings",
        Kind::Text => "string",
        Kind::Texts => "list of strings",
        Kind::Integer => "whole number",
        Kind::Number => "number",
        Kind::Switch => "`on` or `off`",
        Kind::Choice(words) => return ["one of `", &words.join("`, `"), "`"].concat(),
        Kind::Mixed(words) => words,
    };
    words.to_owned()
}

fn default(default: Fallback) -> String {
    match default {
        Fallback::Required => "required".to_owned(),
        Fallback::Absent => "none".to_owned(),
        Fallback::Text(text) => ["\"", text, "\""].concat(),
        Fallback::Json(json) => json.to_owned(),
        Fallback::Integer(UNBOUNDED) => "no bound".to_owned(),
        Fallback::Integer(number) => number.to_string(),
        Fallback::Number(number) => number.to_string(),
        Fallback::Switch(true) => "on".to_owned(),
        Fallback::Switch(false) => "off".to_owned(),
        Fallback::Words(words) => words.to_owned(),
    }
}

fn bound(bound: Bound) -> String {
    match bound {
        Bound::Any => String::new(),
        Bound::Integer { least: 0, most: UNBOUNDED } => String::new(),
        Bound::Integer { least, most: UNBOUNDED } => format!("at least {least}"),
        Bound::Integer { least, most } => format!("{least} to {most}"),
        Bound::Number { most } if most.is_finite() => format!("0 to {most}"),
        Bound::Number { .. } => "at least 0".to_owned(),
        Bound::Items { least: 0, most } => format!("at most {most} items"),
        Bound::Items { least, most } => format!("{least} to {most} items"),
        Bound::Bytes { least, most: usize::MAX } => format!("at least {least} bytes"),
        Bound::Bytes { least, most } => format!("{least} to {most} bytes"),
        Bound::Words(words) => words.to_owned(),
    }
}
