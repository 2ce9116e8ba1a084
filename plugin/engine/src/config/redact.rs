//! Compiles the section `redact`.

use super::ConfigError;
use super::keys::{root::REDACT, telemetry::REDACTION_NAMES};
use super::section::{Item, Section, displayed, listed, quoted};
use crate::limits::REGEX_BYTES_MAX;
use crate::metrics::is_label_name;
use crate::telemetry::{Redaction, Redactor, redaction_names};

pub(super) fn read(document: &Section<'_>) -> Result<Redactor, ConfigError> {
    let items = document.list(&REDACT)?.unwrap_or_default();
    Ok(Redactor::new(items.into_iter().map(redaction).collect::<Result<_, _>>()?))
}

fn redaction(item: Item<'_>) -> Result<Redaction, ConfigError> {
    if let Some(name) = item.1.text() {
        let expected = || ["one of ", &listed(&redaction_names()), ", or an object"].concat();
        return Redaction::named(name).ok_or_else(|| ConfigError::new(item.0, expected(), quoted(name)));
    }
    if item.1.pairs().is_none() {
        return Err(ConfigError::new(item.0, "the name of a pattern, or an object", displayed(item.1)));
    }
    let redaction = Section::new(item, &REDACTION_NAMES)?;
    let (name, regex) = (redaction.filled_text("name")?, redaction.filled_text("regex")?);
    if !is_label_name(name) {
        return redaction.refuse_value("name", "lower-case letters, digits and _, a letter first");
    }
    if regex.len() > REGEX_BYTES_MAX {
        return redaction.refuse(
            "regex",
            format!("at most {REGEX_BYTES_MAX} bytes"),
            regex.len().to_string(),
        );
    }
    match Redaction::regex(name, regex) {
        Ok(Some(redaction)) => Ok(redaction),
        Ok(None) => redaction.refuse("regex", "a pattern that does not match the empty text", quoted(regex)),
        Err(error) => {
            let got = [&quoted(regex), ": ", &error.to_string()].concat();
            redaction.refuse("regex", "a regular expression", got)
        }
    }
}
