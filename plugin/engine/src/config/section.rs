//! An object of the configuration: its typed values, with errors that name the key.

use super::ConfigError;
use super::keys::{Choice, Integer, List, Number, Switch};
use crate::json::JsonValue;

/// The bound on the bytes of a refused text that an error repeats.
const GOT_BYTES_MAX: usize = 64;

/// The headers that the filter sets on its own calls.
const OWN_HEADERS: [&str; 4] = ["x-llm-gauge", "content-type", "content-length", "content-encoding"];

/// A value of the configuration with its path.
pub(super) type Item<'a> = (String, &'a JsonValue);

/// An object of the configuration with its path.
pub(super) struct Section<'a> {
    path: String,
    pairs: &'a [(String, JsonValue)],
}

impl<'a> Section<'a> {
    /// Returns the object `tree` at `path`.
    ///
    /// # Errors
    ///
    /// Fails if `tree` is not an object, or has a key that is not in `known`.
    pub(super) fn new((path, tree): Item<'a>, known: &[&str]) -> Result<Self, ConfigError> {
        let Some(pairs) = tree.pairs() else {
            return Err(ConfigError::new(path, "an object", displayed(tree)));
        };
        let section = Self { path, pairs };
        match pairs.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            None => Ok(section),
            Some((key, _)) => section.refuse(key, ["one of ", &listed(known)].concat(), quoted(key)),
        }
    }

    /// Returns the path of a key of this object.
    pub(super) fn path(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => [path, ".", key].concat(),
        }
    }

    /// Returns the error of a key.
    pub(super) fn refuse<T>(
        &self,
        key: &str,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Result<T, ConfigError> {
        Err(ConfigError::new(self.path(key), expected, got))
    }

    /// Returns the error of a key, with its value. Not for a key that may hold a secret.
    pub(super) fn refuse_value<T>(&self, key: &str, expected: impl Into<String>) -> Result<T, ConfigError> {
        self.refuse(key, expected, self.get(key).map_or_else(|| "nothing".to_owned(), displayed))
    }

    /// Returns the value of a key. `None` if the key is absent or null.
    pub(super) fn get(&self, key: &str) -> Option<&'a JsonValue> {
        let value = self.pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value);
        value.filter(|value| **value != JsonValue::Null)
    }

    /// Returns the keys with their values.
    pub(super) fn values(&self) -> impl Iterator<Item = (&'a str, &'a JsonValue)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Returns the value of a key with its path. `None` if the key is absent or null.
    pub(super) fn item(&self, key: &str) -> Option<Item<'a>> {
        Some((self.path(key), self.get(key)?))
    }

    /// Returns the object at a key. It is empty if the key is absent.
    pub(super) fn section(&self, key: &str, known: &[&str]) -> Result<Self, ConfigError> {
        match self.item(key) {
            Some(item) => Section::new(item, known),
            None => Ok(Self { path: self.path(key), pairs: &[] }),
        }
    }

    /// Returns a string. `None` if the key is absent.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        match self.get(key) {
            None => Ok(None),
            Some(JsonValue::Text(text)) => Ok(Some(text)),
            Some(_) => self.refuse_value(key, "a string"),
        }
    }

    /// Returns a required string.
    pub(super) fn required_text(&self, key: &str) -> Result<&'a str, ConfigError> {
        match self.text(key)? {
            Some(text) => Ok(text),
            None => self.refuse_value(key, "a string"),
        }
    }

    /// Returns a required string that is not blank.
    pub(super) fn filled_text(&self, key: &str) -> Result<&'a str, ConfigError> {
        match self.text(key)?.filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(text),
            None => self.refuse_value(key, "a string that is not empty"),
        }
    }

    /// Returns an integer within the key's bounds.
    pub(super) fn integer(&self, key: &Integer) -> Result<u64, ConfigError> {
        let number = match self.get(key.name) {
            None => return Ok(key.default),
            Some(JsonValue::Whole(number)) => *number,
            Some(_) => return self.refuse_value(key.name, "a whole number"),
        };
        if number < key.least {
            return self.refuse_value(key.name, format!("at least {}", key.least));
        }
        if number > key.most {
            return self.refuse_value(key.name, format!("at most {}", key.most));
        }
        Ok(number)
    }

    /// Returns an integer within the key's bounds, as a size in memory.
    pub(super) fn size(&self, key: &Integer) -> Result<usize, ConfigError> {
        Ok(usize::try_from(self.integer(key)?).unwrap_or(usize::MAX))
    }

    /// Returns a number from 0 to the key's bound. `None` if the key is absent and has no default.
    pub(super) fn number(&self, key: &Number) -> Result<Option<f64>, ConfigError> {
        let number = match self.get(key.name) {
            None => return Ok(key.default),
            Some(JsonValue::Whole(number)) => *number as f64,
            Some(JsonValue::Number(number)) => *number,
            Some(_) => return self.refuse_value(key.name, "a number"),
        };
        if number < 0.0 {
            return self.refuse_value(key.name, "at least 0");
        }
        if number > key.most {
            return self.refuse_value(key.name, format!("at most {}", key.most));
        }
        Ok(Some(number))
    }

    /// Returns a boolean. The words `on` and `off` are accepted too, since some YAML parsers convert them to booleans
    /// and others do not.
    pub(super) fn switch(&self, key: &Switch) -> Result<bool, ConfigError> {
        match self.get(key.name) {
            None => Ok(key.default),
            Some(JsonValue::Bool(is_on)) => Ok(*is_on),
            Some(JsonValue::Text(word)) if word == "on" || word == "off" => Ok(word == "on"),
            Some(_) => self.refuse_value(key.name, "`on` or `off`"),
        }
    }

    /// Returns the index of the chosen word. It is 0 if the key is absent.
    pub(super) fn choice(&self, key: &Choice) -> Result<usize, ConfigError> {
        let Some(value) = self.get(key.name) else {
            return Ok(0);
        };
        let chosen = value.text().and_then(|word| key.words.iter().position(|known| *known == word));
        match chosen {
            Some(index) => Ok(index),
            None => self.refuse_value(key.name, ["one of ", &listed(key.words)].concat()),
        }
    }

    /// Returns the items of a list within the key's bounds. `None` if the key is absent.
    pub(super) fn list(&self, key: &List) -> Result<Option<Vec<Item<'a>>>, ConfigError> {
        let Some(value) = self.get(key.name) else {
            return Ok(None);
        };
        let Some(items) = value.list() else {
            return self.refuse_value(key.name, "a list");
        };
        if items.is_empty() && !key.may_be_empty {
            return self.refuse(key.name, "at least 1 item", "0");
        }
        if items.len() > key.most {
            return self.refuse(key.name, format!("at most {} items", key.most), items.len().to_string());
        }
        let path = |number: usize| format!("{}[{number}]", self.path(key.name));
        Ok(Some(items.iter().enumerate().map(|(number, item)| (path(number), item)).collect()))
    }

    /// Returns the strings of a list. It is empty if the key is absent.
    pub(super) fn texts(&self, key: &List) -> Result<Vec<(String, &'a str)>, ConfigError> {
        let text = |(path, item): Item<'a>| match item.text() {
            Some(text) => Ok((path, text)),
            None => Err(ConfigError::new(path, "a string", displayed(item))),
        };
        self.list(key)?.unwrap_or_default().into_iter().map(text).collect()
    }

    /// Returns the entries of an object with arbitrary keys and string values. It is empty if the key is absent. A
    /// null is an empty string.
    pub(super) fn pairs(&self, key: &str) -> Result<Vec<(&'a str, &'a str)>, ConfigError> {
        let mut texts = Vec::new();
        for (name, value) in self.free_keys(key)? {
            match value {
                JsonValue::Text(text) => texts.push((name.as_str(), text.as_str())),
                JsonValue::Null => texts.push((name.as_str(), "")),
                _ => {
                    return Err(ConfigError::new(
                        [&self.path(key), ".", name].concat(),
                        "a string",
                        displayed(value),
                    ));
                }
            }
        }
        Ok(texts)
    }

    /// Returns the headers of the filter's own calls, from the key `headers`. No error repeats a value, since it may
    /// be a secret, nor a malformed name, since it may be a whole header.
    pub(super) fn headers(&self) -> Result<Vec<(String, String)>, ConfigError> {
        let mut headers = Vec::new();
        for (name, value) in self.free_keys("headers")? {
            if !is_header_name(name) {
                let expected = "header names of lower-case letters, digits, - and _";
                return self.refuse("headers", expected, "a name with another character");
            }
            let path = || [&self.path("headers"), ".", name].concat();
            if OWN_HEADERS.contains(&name.as_str()) {
                return Err(ConfigError::new(
                    path(),
                    "a header that the filter does not set itself",
                    quoted(name),
                ));
            }
            let text = match value {
                JsonValue::Null => "",
                JsonValue::Text(text) => text,
                _ => return Err(ConfigError::new(path(), "a string", kind(value))),
            };
            if text.bytes().any(|byte| byte < b' ' || byte == 0x7F) {
                return Err(ConfigError::new(path(), "a string without control characters", "one with them"));
            }
            if is_placeholder(text) {
                return Err(placeholder(path()));
            }
            headers.push((name.clone(), text.to_owned()));
        }
        Ok(headers)
    }

    /// Returns the entries of an object with arbitrary keys. It is empty if the key is absent. Errors never repeat
    /// its value.
    fn free_keys(&self, key: &str) -> Result<&'a [(String, JsonValue)], ConfigError> {
        match self.get(key) {
            None => Ok(&[]),
            Some(value) => match value.pairs() {
                Some(pairs) => Ok(pairs),
                None => self.refuse(key, "an object", kind(value)),
            },
        }
    }
}

/// Returns whether a secret is still the example's, whose every word to replace begins with `CHANGE`.
pub(super) fn is_placeholder(secret: &str) -> bool {
    let is_example = |word: &str| {
        word.starts_with("CHANGE")
            || ["changeme", "change-me", "change_me"].iter().any(|example| word.eq_ignore_ascii_case(example))
    };
    secret.split(' ').any(is_example)
}

/// Returns the error for a secret that everyone knows.
pub(super) fn placeholder(path: String) -> ConfigError {
    ConfigError::new(path, "a secret of your own", "the placeholder of an example")
}

/// Returns whether a text is a valid header name in lower case, as in HTTP/2.
pub(super) fn is_header_name(name: &str) -> bool {
    let is_mark = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    !name.is_empty() && name.bytes().all(is_mark)
}

/// Returns the words in backticks, separated by commas.
pub(super) fn listed(words: &[&str]) -> String {
    ["`", &words.join("`, `"), "`"].concat()
}

/// Returns a text in backticks with escaped control characters. A long text is truncated.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = "`".to_owned();
    for letter in text.chars() {
        if quoted.len() > GOT_BYTES_MAX {
            quoted.push_str("...");
            break;
        }
        match letter.is_control() {
            true => quoted.extend(letter.escape_default()),
            false => quoted.push(letter),
        }
    }
    quoted.push('`');
    quoted
}

/// Returns a value as errors repeat it. Not for a key that may hold a secret.
pub(super) fn displayed(value: &JsonValue) -> String {
    match value {
        JsonValue::Bool(is) => is.to_string(),
        JsonValue::Whole(number) => number.to_string(),
        // `Debug` writes 7.0 for 7.0, while `Display` writes 7, which would look like an integer.
        JsonValue::Number(number) => format!("{number:?}"),
        JsonValue::Text(text) if !text.is_empty() => quoted(text),
        _ => kind(value).to_owned(),
    }
}

/// Returns the type of a value, without the value itself.
pub(super) fn kind(value: &JsonValue) -> &'static str {
    match value {
        JsonValue::Null => "null",
        JsonValue::Bool(_) => "a boolean",
        JsonValue::Whole(_) | JsonValue::Number(_) => "a number",
        JsonValue::Text(text) if text.is_empty() => "an empty string",
        JsonValue::Text(_) => "a string",
        JsonValue::List(_) => "a list",
        JsonValue::Object(_) => "an object",
    }
}
