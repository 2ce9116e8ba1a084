//! The keys of an object in the configuration, and messages that name them.

use crate::tree::Tree;

/// Where a key stands below the one that is compiled, with the dot or bracket before it, and what is wrong there.
pub type Refusal = (String, String);

/// Refuses a key.
pub(crate) fn refuse<T>(path: String, message: impl Into<String>) -> Result<T, Refusal> {
    Err((path, message.into()))
}

/// An object, and where it stands.
pub(crate) struct Keys<'a> {
    path: String,
    pairs: &'a [(String, Tree)],
}

impl<'a> Keys<'a> {
    /// The object `tree` at `path`; all of its keys must be `known`.
    pub(crate) fn of(tree: &'a Tree, path: String, known: &[&str]) -> Result<Self, Refusal> {
        let Some(pairs) = tree.pairs() else {
            return refuse(path, "expected an object");
        };
        match pairs.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            None => Ok(Self { path, pairs }),
            Some((key, _)) => {
                let known = known.join("`, `");
                let message = ["unknown field `", key, "`, expected one of `", &known, "`"].concat();
                refuse([path.as_str(), ".", key].concat(), message)
            }
        }
    }

    /// Where a key of it stands.
    pub(crate) fn path(&self, key: &str) -> String {
        [self.path.as_str(), ".", key].concat()
    }

    /// Refuses a key of it.
    pub(crate) fn refuse<T>(&self, key: &str, message: impl Into<String>) -> Result<T, Refusal> {
        refuse(self.path(key), message)
    }

    /// A key that may be left out; null is left out too.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Tree> {
        let value = self.pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value);
        value.filter(|value| **value != Tree::Null)
    }

    /// Its keys with their values.
    pub(crate) fn texts(&self) -> Result<Vec<(&'a str, &'a str)>, Refusal> {
        let text = |(key, _): &'a (String, Tree)| Ok((key.as_str(), self.text(key)?.unwrap_or_default()));
        self.pairs.iter().map(text).collect()
    }

    /// A string.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(Tree::Text(text)) => Ok(Some(text)),
            Some(_) => self.refuse(key, "expected a string"),
        }
    }

    /// A string that has to be there, and that says something.
    pub(crate) fn required(&self, key: &str) -> Result<&'a str, Refusal> {
        match self.text(key)?.filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(text),
            None => refuse(self.path.clone(), ["missing field `", key, "`"].concat()),
        }
    }

    /// A whole number.
    pub(crate) fn whole(&self, key: &str) -> Result<Option<u64>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(Tree::Whole(number)) => Ok(Some(*number)),
            Some(_) => self.refuse(key, "expected a whole number"),
        }
    }

    /// A whole number of at least 1.
    pub(crate) fn positive(&self, key: &str, default: u64) -> Result<u64, Refusal> {
        match self.whole(key)?.unwrap_or(default) {
            0 => self.refuse(key, "expected a number of at least 1, got 0"),
            number => Ok(number),
        }
    }

    /// A number from 0 up.
    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(Tree::Number(number)) if *number >= 0.0 => Ok(Some(*number)),
            Some(Tree::Whole(number)) => Ok(Some(*number as f64)),
            Some(_) => self.refuse(key, "expected a number of at least 0"),
        }
    }

    /// `true` or `false`; also `on` or `off`.
    pub(crate) fn switch(&self, key: &str, default: bool) -> Result<bool, Refusal> {
        match self.get(key) {
            None => Ok(default),
            Some(Tree::Bool(is)) => Ok(*is),
            Some(Tree::Text(word)) if word == "on" || word == "off" => Ok(word == "on"),
            Some(_) => self.refuse(key, "expected `on` or `off`"),
        }
    }

    /// The items of a list, each with where it stands.
    pub(crate) fn list(&self, key: &str) -> Result<Option<Vec<(String, &'a Tree)>>, Refusal> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let Some(items) = value.list() else {
            return self.refuse(key, "expected a list");
        };
        let path = |number: usize| format!("{}[{number}]", self.path(key));
        Ok(Some(items.iter().enumerate().map(|(number, item)| (path(number), item)).collect()))
    }

    /// An object, empty if it is left out.
    pub(crate) fn object(&self, key: &str) -> Result<&'a [(String, Tree)], Refusal> {
        match self.get(key) {
            None => Ok(&[]),
            Some(value) => match value.pairs() {
                Some(pairs) => Ok(pairs),
                None => self.refuse(key, "expected an object"),
            },
        }
    }

    /// The same, of which every value is a string.
    pub(crate) fn strings(&self, key: &str) -> Result<Vec<(&'a str, &'a str)>, Refusal> {
        Keys { path: self.path(key), pairs: self.object(key)? }.texts()
    }

    /// Further headers of a call, by a key `headers`. Their values may be secrets, so that no message has one.
    pub(crate) fn headers(&self) -> Result<Vec<(String, String)>, Refusal> {
        const OURS: [&str; 4] = ["x-llm-gauge", "content-type", "content-length", "content-encoding"];
        let headers = self.strings("headers")?;
        for (name, value) in &headers {
            let has_value = value.bytes().all(|byte| byte >= b' ' && byte != 0x7F);
            if OURS.contains(name) || !is_header_name(name) || !has_value {
                return self.refuse(
                    "headers",
                    ["`", name, "` is no further header's name, or has no header's value"].concat(),
                );
            }
        }
        Ok(headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// Whether a header may be called this; in lower case, as HTTP/2 has them.
pub(crate) fn is_header_name(name: &str) -> bool {
    let is_mark = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    !name.is_empty() && name.bytes().all(is_mark)
}
