//! Compiles the section `models`.

use super::ConfigError;
use super::keys::root;
use super::section::Section;
use crate::pattern::Pattern;

/// The settings that map models to label values.
#[derive(Debug)]
pub struct Models {
    /// The models that always have series of their own.
    pub known: Vec<String>,
    /// The number of models with series of their own. Further models become `other`.
    pub max_series: usize,
    /// Patterns for models, with the names that replace them. The first that matches decides.
    renames: Vec<(Pattern, String)>,
}

impl Models {
    pub(super) fn read(document: &Section<'_>) -> Result<Self, ConfigError> {
        let models = document.section("models", &root::MODELS_NAMES)?;
        let known = models.texts(&root::KNOWN)?.into_iter().map(|(_, model)| model.to_owned()).collect();
        let mut renames = Vec::new();
        for item in models.list(&root::RENAMES)?.unwrap_or_default() {
            let rename = Section::new(item, &root::RENAME_NAMES)?;
            let pattern = Pattern::new(rename.required_text("match")?);
            renames.push((pattern, rename.required_text("to")?.to_owned()));
        }
        Ok(Self { known, max_series: models.size(&root::MODEL_SERIES)?, renames })
    }

    /// Returns the name of a model after the rename rules.
    pub(super) fn renamed<'a>(&'a self, model: &'a str) -> &'a str {
        let rule = self.renames.iter().find(|(pattern, _)| pattern.fits(model));
        rule.map_or(model, |(_, to)| to)
    }
}
