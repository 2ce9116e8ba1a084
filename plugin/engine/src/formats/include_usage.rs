//! Formats whose streams report their usage on request only.

/// Who understands `stream_options.include_usage`.
#[derive(Clone, Copy, Debug)]
pub struct IncludeUsage {
    /// Providers that refuse a request with the option.
    pub refused_by: &'static [&'static str],
    /// A query parameter that dates the protocol, and the first date that knows the option.
    pub since: Option<(&'static str, &'static str)>,
}

/// Mistral answers 422 (`extra_forbidden`), and reports usage unasked. Azure's dated versions know the option from
/// 2024-09-01-preview on; its undated ones (`v1`, `preview`, `latest`) all do.
pub(super) const STREAM_OPTIONS: IncludeUsage =
    IncludeUsage { refused_by: &["mistral_ai"], since: Some(("api-version", "2024-09-01")) };

impl IncludeUsage {
    /// Returns whether a request to this provider at this path (with its query) may have the option.
    pub fn is_understood(&self, provider: &str, path: &str) -> bool {
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let is_dated = |(name, first): (&str, &str)| {
            let mut parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
            parameters.any(|(key, date)| key == name && date < first)
        };
        !self.refused_by.contains(&provider) && !self.since.is_some_and(is_dated)
    }
}
