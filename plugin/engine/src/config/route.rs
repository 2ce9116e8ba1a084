//! Selects the requests to meter, with their format and provider.

use super::Policy;
use crate::formats::{self, Format};
use crate::head::Headers;

/// The format and provider of a metered request.
#[derive(Clone, Debug)]
pub struct Route {
    /// The wire format.
    pub format: &'static Format,
    /// The value of `gen_ai.provider.name`.
    pub provider: String,
    /// Whether a rule or the host determines the provider, so that the response need not.
    pub is_provider_known: bool,
    /// The model in the request's path. `None` if the format's paths have none.
    pub model_in_path: Option<String>,
    /// The index of the format in [`formats::ALL`].
    pub(crate) format_index: usize,
}

/// The route and cluster that Envoy chose for a request. Empty unless a rule [needs it](Policy::needs_place).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The property `xds.route_name`.
    pub route: String,
    /// The property `xds.cluster_name`.
    pub cluster: String,
}

impl Policy {
    /// Returns whether requests with this method may be metered. This is the cheapest check, so it is the first one.
    pub fn may_meter(&self, method: &[u8]) -> bool {
        match &self.rules {
            Some(_) => method == b"POST",
            None => formats::may_ask(method),
        }
    }

    /// Returns whether a rule needs the [`Place`] of a request.
    pub fn needs_place(&self) -> bool {
        self.rules.iter().flatten().any(|rule| rule.needs_place())
    }

    /// Returns the reason why a request without a route is not metered: no rule matches its path, host or place, or a
    /// rule does and no format is known at its path. `None` without rules, since all traffic of a proxy passes then.
    pub fn unmatched_reason(&self, head: &Headers<'_>, place: &Place) -> Option<&'static str> {
        let rules = self.rules.as_ref()?;
        let text = |name| String::from_utf8_lossy(head.get(name).unwrap_or_default()).into_owned();
        let (path, host) = (text(":path"), text(":authority").to_ascii_lowercase());
        let is_matched = rules.iter().any(|rule| rule.fits(&path, &host, place));
        Some(if is_matched { "format" } else { "rule" })
    }

    /// Returns the route of a request. `None` if the request is not metered.
    pub fn route(&self, head: &Headers<'_>, place: &Place) -> Option<Route> {
        let (method, raw_path) = (head.get(":method")?, head.get(":path")?);
        let raw_host = head.get(":authority").unwrap_or_default();
        if self.rules.is_some() && method != b"POST" {
            return None;
        }
        let path = String::from_utf8_lossy(raw_path);
        // Hosts are case-insensitive, and a client must not evade a rule with another case.
        let host = String::from_utf8_lossy(raw_host).to_ascii_lowercase();
        let rule = match &self.rules {
            None => None,
            Some(rules) => Some(rules.iter().find(|rule| rule.fits(&path, &host, place))?),
        };
        let named = rule.and_then(|rule| rule.format);
        let format = named.or_else(|| formats::claimed(&String::from_utf8_lossy(method), &host, &path))?;
        let ruled = rule.and_then(|rule| rule.provider.as_deref());
        let known = ruled.or_else(|| formats::provider_of(&host));
        Some(Route {
            format,
            provider: known.unwrap_or(format.provider).to_owned(),
            is_provider_known: known.is_some(),
            model_in_path: formats::model_in_path(format, &path),
            format_index: formats::ALL.iter().position(|row| row.name == format.name)?,
        })
    }
}

#[cfg(test)]
mod tests;
