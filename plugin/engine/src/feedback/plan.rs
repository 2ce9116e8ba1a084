//! The key `feedback`, compiled.

use crate::config::keys::{Keys, Refusal};
use crate::head::Headers;
use crate::ids::Key;
use crate::limits;
use crate::pattern::Pattern;
use crate::tree::Tree;

/// How feedback is taken.
#[derive(Debug)]
pub struct Plan {
    path: String,
    /// The first signs; empty: ids are not signed.
    keys: Vec<Key>,
    bytes_max: usize,
    per_minute: u64,
    age_s_max: u64,
    /// Origins whose pages may send feedback; `None`: pages of this very origin only.
    origins: Option<Vec<Pattern>>,
}

const KEYS: &[&str] = &["path", "secret", "max_bytes", "per_minute", "max_age_hours", "cors"];

impl Plan {
    /// Gives the key its meaning.
    pub fn compile(config: &Tree) -> Result<Self, Refusal> {
        let keys = Keys::of(config, String::new(), KEYS)?;
        let path = keys.text("path")?.unwrap_or("/feedback");
        if !path.starts_with('/') || path.contains(['?', '#', '*']) {
            return keys.refuse("path", "expected a path such as `/feedback`, without a pattern or query");
        }
        let bytes_max = keys.positive("max_bytes", limits::FEEDBACK_BYTES_DEFAULT as u64)?;
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        if bytes_max > limits::FEEDBACK_BYTES_MAX {
            let most = limits::FEEDBACK_BYTES_MAX;
            return keys.refuse("max_bytes", format!("expected a number of at most {most}"));
        }
        Ok(Self {
            path: path.to_owned(),
            keys: secrets(&keys)?,
            bytes_max,
            per_minute: keys.positive("per_minute", limits::FEEDBACK_PER_MINUTE_DEFAULT)?,
            age_s_max: keys
                .positive("max_age_hours", limits::FEEDBACK_AGE_HOURS_DEFAULT)?
                .saturating_mul(3600),
            origins: origins(&keys)?,
        })
    }

    /// Whether a request with this head is one of feedback, whatever its method.
    pub fn is_at(&self, head: &Headers<'_>) -> bool {
        let path = head.get(":path").unwrap_or_default();
        path.strip_prefix(self.path.as_bytes()).is_some_and(|rest| matches!(rest.first(), None | Some(b'?')))
    }

    /// What new ids are signed with.
    pub fn signing_key(&self) -> Option<&Key> {
        self.keys.first()
    }

    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub(super) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    pub(super) fn per_minute(&self) -> u64 {
        self.per_minute
    }

    pub(super) fn age_s_max(&self) -> u64 {
        self.age_s_max
    }

    pub(super) fn has_cors(&self) -> bool {
        self.origins.is_some()
    }

    pub(super) fn allows(&self, origin: &str) -> bool {
        self.origins.iter().flatten().any(|pattern| pattern.fits(origin))
    }
}

/// One, or a list. No message has any of them.
fn secrets(keys: &Keys<'_>) -> Result<Vec<Key>, Refusal> {
    let Some(value) = keys.get("secret") else {
        return Ok(Vec::new());
    };
    let secrets = value.list().unwrap_or(core::slice::from_ref(value));
    if secrets.is_empty() || secrets.len() > limits::SECRETS_MAX {
        let most = limits::SECRETS_MAX;
        return keys.refuse("secret", format!("expected one secret, or a list of at most {most}"));
    }
    let key = |secret: &Tree| {
        let secret = secret.text().filter(|secret| secret.len() >= limits::SECRET_BYTES_MIN);
        secret.map(|secret| Key::new(secret.as_bytes()))
    };
    match secrets.iter().map(key).collect() {
        Some(secrets) => Ok(secrets),
        None => {
            let least = limits::SECRET_BYTES_MIN;
            keys.refuse("secret", format!("expected random text of at least {least} bytes"))
        }
    }
}

fn origins(keys: &Keys<'_>) -> Result<Option<Vec<Pattern>>, Refusal> {
    let Some(cors) = keys.get("cors") else {
        return Ok(None);
    };
    let keys = Keys::of(cors, keys.path("cors"), &["origins"])?;
    let list = keys.list("origins")?.unwrap_or_default();
    if list.is_empty() || list.len() > limits::ORIGINS_MAX {
        let most = limits::ORIGINS_MAX;
        return keys.refuse("origins", format!("expected a list of 1 to {most} origins"));
    }
    let mut patterns = Vec::new();
    for (path, origin) in list {
        // What a browser sends: scheme and host, neither a path nor a slash at the end.
        let is_origin = |origin: &&str| {
            let host = origin.split_once("://").map(|(_, host)| host);
            *origin == "*" || host.is_some_and(|host| !host.is_empty() && !host.contains('/'))
        };
        match origin.text().filter(is_origin) {
            Some(origin) => patterns.push(Pattern::new(&origin.to_ascii_lowercase())),
            None => return Err((path, "expected an origin such as `https://app.example`".to_owned())),
        }
    }
    Ok(Some(patterns))
}

#[cfg(test)]
mod tests;
