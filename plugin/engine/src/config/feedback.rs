//! Compiles the section `feedback`.

use super::ConfigError;
use super::keys::feedback::{
    AGE_HOURS, BODY_BYTES, CORS_NAMES, FEEDBACK_NAMES, ORIGINS, PATH_DEFAULT, PER_MINUTE,
};
use super::section::{Section, displayed, is_placeholder, kind, placeholder};
use crate::feedback::FeedbackPlan;
use crate::ids::SigningKey;
use crate::json::JsonValue;
use crate::limits::{SECRET_BYTES_MIN, SECRETS_MAX};
use crate::pattern::Pattern;

/// Compiles the section. `None` if it is absent.
pub(super) fn read(document: &Section<'_>) -> Result<Option<FeedbackPlan>, ConfigError> {
    let Some(item) = document.item("feedback") else {
        return Ok(None);
    };
    let feedback = Section::new(item, &FEEDBACK_NAMES)?;
    let path = feedback.text("path")?.unwrap_or(PATH_DEFAULT);
    if !path.starts_with('/') || path.contains(['?', '#', '*']) {
        return feedback.refuse_value("path", "a path such as `/feedback`, without a query or a pattern");
    }
    Ok(Some(FeedbackPlan {
        path: path.to_owned(),
        keys: secrets(&feedback)?,
        bytes_max: feedback.size(&BODY_BYTES)?,
        per_minute: feedback.integer(&PER_MINUTE)?,
        age_s_max: feedback.integer(&AGE_HOURS)?.saturating_mul(3600),
        origins: origins(&feedback)?,
    }))
}

/// Reads one secret or a list of secrets. No error repeats one.
fn secrets(feedback: &Section<'_>) -> Result<Vec<SigningKey>, ConfigError> {
    let Some((path, value)) = feedback.item("secret") else {
        return Ok(Vec::new());
    };
    let Some(items) = value.list() else {
        return Ok(vec![secret(path, value)?]);
    };
    if items.is_empty() || items.len() > SECRETS_MAX {
        let expected = format!("one secret or a list of 1 to {SECRETS_MAX}");
        return feedback.refuse("secret", expected, format!("a list of {}", items.len()));
    }
    let item = |(number, item)| secret(format!("{path}[{number}]"), item);
    items.iter().enumerate().map(item).collect()
}

fn secret(path: String, value: &JsonValue) -> Result<SigningKey, ConfigError> {
    let got = match value.text() {
        Some(secret) if is_placeholder(secret) => return Err(placeholder(path)),
        Some(secret) if secret.len() >= SECRET_BYTES_MIN => return Ok(SigningKey::new(secret.as_bytes())),
        Some(secret) => format!("{} bytes", secret.len()),
        None => kind(value).to_owned(),
    };
    Err(ConfigError::new(path, format!("random text of at least {SECRET_BYTES_MIN} bytes"), got))
}

/// Reads the origins whose pages may send feedback. `None` if `cors` is absent.
fn origins(feedback: &Section<'_>) -> Result<Option<Vec<Pattern>>, ConfigError> {
    let Some(item) = feedback.item("cors") else {
        return Ok(None);
    };
    let cors = Section::new(item, &CORS_NAMES)?;
    let Some(items) = cors.list(&ORIGINS)? else {
        return cors.refuse_value(ORIGINS.name, "a list");
    };
    let mut patterns = Vec::new();
    for (path, origin) in items {
        // Browsers send scheme and host, without a path or a trailing slash.
        let is_origin = |origin: &&str| {
            let host = origin.split_once("://").map(|(_, host)| host);
            *origin == "*" || host.is_some_and(|host| !host.is_empty() && !host.contains('/'))
        };
        match origin.text().filter(is_origin) {
            Some(origin) => patterns.push(Pattern::new(&origin.to_ascii_lowercase())),
            None => {
                let expected = "an origin such as `https://app.example`, without a path";
                return Err(ConfigError::new(path, expected, displayed(origin)));
            }
        }
    }
    Ok(Some(patterns))
}
