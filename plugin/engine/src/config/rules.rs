//! Compiles the section `match`.

use super::keys::root;
use super::section::Section;
use super::{ConfigError, Place};
use crate::formats::{self, Format};
use crate::pattern::Pattern;

/// A rule that selects requests to meter.
#[derive(Debug)]
pub(super) struct MatchRule {
    path: Option<Pattern>,
    host: Option<Pattern>,
    route: Option<Pattern>,
    cluster: Option<Pattern>,
    pub(super) provider: Option<String>,
    pub(super) format: Option<&'static Format>,
}

/// Compiles the rules. `None` if the section is absent, so that paths decide.
pub(super) fn read(document: &Section<'_>) -> Result<Option<Vec<MatchRule>>, ConfigError> {
    let Some(items) = document.list(&root::RULES)? else {
        return Ok(None);
    };
    let rule = |item| MatchRule::read(&Section::new(item, &root::MATCH_NAMES)?);
    items.into_iter().map(rule).collect::<Result<_, _>>().map(Some)
}

impl MatchRule {
    fn read(rule: &Section<'_>) -> Result<Self, ConfigError> {
        let pattern = |key| Ok::<_, ConfigError>(rule.text(key)?.map(Pattern::new));
        let host = rule.text("host")?.map(|host| Pattern::new(&host.to_ascii_lowercase()));
        let format = match rule.text("format")? {
            None => None,
            Some(name) => match formats::named(name) {
                Some(format) => Some(format),
                None => return rule.refuse_value("format", ["one of ", &formats::names()].concat()),
            },
        };
        Ok(Self {
            path: pattern("path")?,
            host,
            route: pattern("route")?,
            cluster: pattern("cluster")?,
            provider: rule.text("provider")?.map(str::to_owned),
            format,
        })
    }

    /// Returns whether the rule matches a request. `host` must be in lower case.
    pub(super) fn fits(&self, path: &str, host: &str, place: &Place) -> bool {
        let path = path.split('?').next().unwrap_or(path);
        let fits =
            |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.fits(text));
        fits(&self.path, path)
            && fits(&self.host, host)
            && fits(&self.route, &place.route)
            && fits(&self.cluster, &place.cluster)
    }

    /// Returns whether the rule needs the [`Place`] of a request.
    pub(super) fn needs_place(&self) -> bool {
        self.route.is_some() || self.cluster.is_some()
    }
}
