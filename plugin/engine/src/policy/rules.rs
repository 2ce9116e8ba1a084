//! What requests are metered, and how models are renamed.

use super::{ConfigError, Place};
use crate::config::{MatchRule, Rename};
use crate::formats::{self, Format};
use crate::pattern::Pattern;

/// A rule of `match`.
#[derive(Debug)]
pub(super) struct Rule {
    path: Option<Pattern>,
    host: Option<Pattern>,
    pub(super) route: Option<Pattern>,
    pub(super) cluster: Option<Pattern>,
    pub(super) provider: Option<String>,
    pub(super) format: Option<&'static Format>,
}

impl Rule {
    pub(super) fn compile(number: usize, rule: &MatchRule) -> Result<Self, ConfigError> {
        let format = match &rule.format {
            None => None,
            Some(name) => Some(formats::named(name).ok_or_else(|| ConfigError {
                path: format!("match[{number}].format"),
                message: format!("unknown format `{name}`, expected one of {}", formats::names()),
            })?),
        };
        let pattern = |text: &Option<String>| text.as_deref().map(Pattern::new);
        Ok(Self {
            path: pattern(&rule.path),
            host: pattern(&rule.host.as_ref().map(|host| host.to_ascii_lowercase())),
            route: pattern(&rule.route),
            cluster: pattern(&rule.cluster),
            provider: rule.provider.clone(),
            format,
        })
    }

    pub(super) fn fits(&self, path: &str, host: &str, place: &Place) -> bool {
        let path = path.split('?').next().unwrap_or(path);
        let fits =
            |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.fits(text));
        fits(&self.path, path)
            && fits(&self.host, host)
            && fits(&self.route, &place.route)
            && fits(&self.cluster, &place.cluster)
    }
}

impl Rename {
    pub(super) fn compile(&self) -> (Pattern, String) {
        (Pattern::new(&self.pattern), self.to.clone())
    }
}
