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

    /// Returns the name of a model after the rename rules. Without a rule, an Amazon Resource Name loses its account.
    pub(super) fn renamed<'a>(&'a self, model: &'a str) -> &'a str {
        let rule = self.renames.iter().find(|(pattern, _)| pattern.fits(model));
        rule.map_or_else(|| without_account(model), |(_, to)| to)
    }
}

/// Returns the resource of an Amazon Resource Name, such as
/// `arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-lite-v1:0`: the rest of it says where it
/// runs, and for whom. The type of the resource stays unless the resource is named by its model
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html>).
fn without_account(model: &str) -> &str {
    let Some(resource) = model.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4)) else {
        return model;
    };
    let named_by_model = ["foundation-model/", "inference-profile/"];
    named_by_model.iter().find_map(|kind| resource.strip_prefix(kind)).unwrap_or(resource)
}

#[cfg(test)]
mod tests {
    use super::without_account;

    #[test]
    fn a_resource_name_loses_its_account() {
        for (model, expected) in [
            ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
            (
                "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-lite-v1:0",
                "us.amazon.nova-lite-v1:0",
            ),
            (
                "arn:aws-us-gov:bedrock:us-gov-west-1:111122223333:application-inference-profile/a1b2",
                "application-inference-profile/a1b2",
            ),
            ("arn:aws:bedrock:eu-west-1:111122223333:provisioned-model/x9", "provisioned-model/x9"),
            ("arn:aws:bedrock:eu-west-1:111122223333", "arn:aws:bedrock:eu-west-1:111122223333"),
            ("ft:gpt-4o:acme::b1", "ft:gpt-4o:acme::b1"),
        ] {
            assert_eq!(without_account(model), expected);
        }
    }
}
