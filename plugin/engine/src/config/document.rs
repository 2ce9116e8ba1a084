//! Parses the configuration's JSON document.

use serde_json::error::Category;

use super::ConfigError;
use crate::json::JsonValue;
use crate::limits::TREE_KEYS_MAX;

/// Parses a whole document.
pub(super) fn read(document: &[u8]) -> Result<JsonValue, ConfigError> {
    let mut json = serde_json::Deserializer::from_slice(document);
    let tree = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // The path of the document itself is `.`, and that of an incomplete key ends with `?`.
        let path = error.path().to_string().trim_end_matches(['.', '?']).to_owned();
        refused(path, &error.into_inner())
    })?;
    json.end().map_err(|error| refused(String::new(), &error))?;
    Ok(tree)
}

/// Returns the error of a document. The messages of `serde_json` and of [`JsonValue`] contain keys and positions, but
/// no values.
fn refused(path: String, error: &serde_json::Error) -> ConfigError {
    let expected = match error.classify() {
        Category::Data => format!("at most {TREE_KEYS_MAX} keys in an object, each once"),
        Category::Io | Category::Syntax | Category::Eof => "valid JSON".to_owned(),
    };
    ConfigError::new(path, expected, error.to_string())
}
