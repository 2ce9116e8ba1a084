//! Compiles the section `labels`.

use super::ConfigError;
use super::keys::root;
use super::section::{Section, quoted};
use crate::filter_state::is_json_field;
use crate::metrics::{self, is_label_name};

/// An extra label, whose values are read from a request header.
#[derive(Debug)]
pub struct Label {
    /// The label's name.
    pub name: String,
    /// The request header that holds its value, in lower case.
    pub header: String,
    /// The number of values with series of their own. Further values become `other`.
    pub max_values: usize,
    /// The value for requests without the header.
    pub default: String,
}

pub(super) fn read(document: &Section<'_>) -> Result<Vec<Label>, ConfigError> {
    let mut labels = Vec::new();
    for item in document.list(&root::LABELS)?.unwrap_or_default() {
        let label = Section::new(item, &root::LABEL_NAMES)?;
        let name = label.required_text("name")?;
        check_name(&label, name, &labels)?;
        let header = label.required_text("header")?;
        if header.is_empty() || header.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return label.refuse_value("header", "a header name in lower case");
        }
        labels.push(Label {
            name: name.to_owned(),
            header: header.to_owned(),
            max_values: label.size(&root::LABEL_VALUES)?,
            default: label.text("default")?.unwrap_or_default().to_owned(),
        });
    }
    Ok(labels)
}

fn check_name(label: &Section<'_>, name: &str, before: &[Label]) -> Result<(), ConfigError> {
    if !is_label_name(name) {
        return label.refuse_value("name", "lower-case letters, digits and _, a letter first");
    }
    let mut taken = metrics::label_names();
    taken.extend(before.iter().map(|label| label.name.as_str()));
    // Envoy's tag extraction may match a name at the end of a longer one.
    if let Some(other) = taken.iter().find(|other| other.ends_with(name) || name.ends_with(**other)) {
        let expected = ["a name that neither ends with the label ", &quoted(other), " nor ends it"].concat();
        return label.refuse_value("name", expected);
    }
    if name == "le" || is_json_field(name) {
        let expected = "a name other than `le` and the fields of filter state `json`";
        return label.refuse_value("name", expected);
    }
    Ok(())
}
