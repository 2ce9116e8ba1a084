//! The configuration as JSON.

use serde_json::error::Category;

use super::ConfigError;
use crate::json::JsonValue;
use crate::limits::TREE_KEYS_MAX;

/// Reads a whole document.
pub(super) fn read(document: &[u8]) -> Result<JsonValue, ConfigError> {
    let mut json = serde_json::Deserializer::from_slice(document);
    let tree = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // The document itself is `.` there, a key that was not read to its end `?`.
        let path = error.path().to_string().trim_end_matches(['.', '?']).to_owned();
        refused(path, &error.into_inner())
    })?;
    json.end().map_err(|error| refused(String::new(), &error))?;
    Ok(tree)
}

/// The reasons of `serde_json` and of [`JsonValue`] have keys and places in them, and no values.
fn refused(path: String, error: &serde_json::Error) -> ConfigError {
    let expected = match error.classify() {
        Category::Data => format!("at most {TREE_KEYS_MAX} keys in an object, each once"),
        Category::Io | Category::Syntax | Category::Eof => "valid JSON".to_owned(),
    };
    ConfigError::new(path, expected, error.to_string())
}
