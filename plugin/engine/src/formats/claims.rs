//! Which row a request belongs to.

use super::{ALL, Format, other, provider_of};
use crate::pattern;

/// Methods of requests that ask a provider for something; the others are a browser's and a load balancer's.
const OTHER_METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Whether a request of this method may be one to a provider at all.
pub fn may_ask(method: &[u8]) -> bool {
    OTHER_METHODS.iter().any(|other| other.as_bytes() == method)
}

/// The row whose claim fits best; requests to a known provider that no row claims are `other`.
pub fn claimed(method: &str, host: &str, path: &str) -> Option<&'static Format> {
    let path = path.split('?').next().unwrap_or(path);
    let place = [host, path].concat();
    let mut best: Option<(&str, &Format)> = None;
    let rows = if method == "POST" { ALL } else { &[] };
    for format in rows {
        for claim in format.claims {
            // Of two of one length the later one, as it would stand after it if they were sorted.
            let is_better = best.is_none_or(|(known, _)| claim.len() >= known.len());
            if is_better && pattern::fits(claim, &place) {
                best = Some((claim, format));
            }
        }
    }
    let other = || provider_of(host).filter(|_| may_ask(method.as_bytes())).map(|_| &other::FORMAT);
    best.map(|(_, format)| format).or_else(other)
}
