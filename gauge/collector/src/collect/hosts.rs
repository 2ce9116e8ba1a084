//! Refuses requests of web pages: any page that an operator's browser shows can send requests to the collector's
//! address, and by DNS rebinding it can do so under a name of its own.
//!
//! Accepted hosts are those that no foreign page can have, and those that the operator names:
//!
//! - an IP address: a page under it was served from it
//! - `localhost` and any other name without a dot, such as a Docker service or the name of an Envoy cluster, which is
//!   what the filter sends by default: no one can register such a name
//! - Istio's names of clusters, `outbound|4318||host`: no URL can contain `|`
//! - the names of `--allow-host`
//!
//! Of a request with `Origin`, host and port have to be the requested ones. There is no page here, so that no browser
//! sends one for good reasons.

use std::net::{IpAddr, Ipv6Addr};

use hyper::Uri;
use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};

use super::receive::Refusal;

/// The hosts under which the collector can be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HostPolicy {
    /// The names that the operator allows, in lower case.
    allowed: Vec<String>,
}

impl HostPolicy {
    pub(super) fn new(allowed: &[String]) -> Self {
        Self { allowed: allowed.iter().map(|name| bare(name)).collect() }
    }

    /// Refuses a request with a foreign host or origin.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let in_uri = uri.authority().map(|authority| authority.as_str());
        let in_header = single(headers, &HOST)?;
        // HTTP/2 has it in the URI, HTTP/1 in the header, and a request to a proxy in both.
        let Some(host) = in_uri.or(in_header) else {
            return Err(Refusal::bad("host: expected one, got none"));
        };
        for given in [in_uri, in_header].into_iter().flatten() {
            if !self.accepts(given) {
                return Err(Refusal::foreign_host(&bare(given)));
            }
        }
        match single(headers, &ORIGIN)? {
            Some(origin) if !is_origin_of(origin, host) => Err(Refusal::foreign_origin(origin)),
            _ => Ok(()),
        }
    }

    fn accepts(&self, host: &str) -> bool {
        let name = bare(host);
        if name.is_empty() || host.contains('@') {
            return false;
        }
        let is_address = name.parse::<IpAddr>().is_ok() || literal(&name).is_some();
        is_address || !name.contains('.') || name.contains('|') || self.allowed.contains(&name)
    }
}

/// Returns the only value of a header.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next().map(|value| value.to_str());
    match (value, values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        _ => Err(Refusal::bad(&format!("{name}: expected one value of ASCII"))),
    }
}

/// Whether an origin, `http://host:port`, is that of the requested host.
fn is_origin_of(origin: &str, host: &str) -> bool {
    origin.strip_prefix("http://").is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// Returns the address of an IPv6 literal such as `[::1]`.
fn literal(name: &str) -> Option<Ipv6Addr> {
    name.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// Returns a host in lower case, without its port and without the dot at the end of a full name.
fn bare(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !is_open(name) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Whether a text ends within the brackets of an IPv6 literal.
fn is_open(text: &str) -> bool {
    text.starts_with('[') && !text.contains(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(policy: &HostPolicy, fields: &[(HeaderName, &str)]) -> Option<(u16, String)> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value.parse().unwrap());
        }
        let refusal = policy.check(&Uri::from_static("/v1/traces"), &headers).err()?;
        Some((refusal.status(), refusal.message().to_owned()))
    }

    #[test]
    fn hosts_that_no_foreign_page_can_have_are_accepted() {
        let policy = HostPolicy::new(&["Otel.Example".into()]);
        for host in [
            "127.0.0.1:4318",
            "localhost:4318",
            "LOCALHOST",
            "[::1]:4318",
            "[::1]",
            "10.0.0.7",
            "otel",
            "otel-collector:4318",
            "otel_collector",
            "outbound|4318||otel.observability.svc.cluster.local",
            "otel.example",
            "OTEL.example.:4318",
        ] {
            assert_eq!(refusal(&policy, &[(HOST, host)]), None, "{host}");
        }
    }

    #[test]
    fn foreign_hosts_are_refused_with_what_to_do() {
        let policy = HostPolicy::new(&["otel.example".into()]);
        for (host, name) in [
            ("evil.example:4318", "evil.example"),
            ("127.0.0.1.evil.example", "127.0.0.1.evil.example"),
            ("x.otel.example", "x.otel.example"),
            ("a@otel", "a@otel"),
            ("[::1].evil.example:4318", "[::1].evil.example"),
            (":4318", ""),
        ] {
            let words = format!(
                "host: expected an IP address, localhost, a name without dots or one of --allow-host, got `{name}`: \
                 start the collector with --allow-host {name}, or set the sender's `telemetry.authority`"
            );
            assert_eq!(refusal(&policy, &[(HOST, host)]), Some((421, words)), "{host}");
        }
        assert_eq!(refusal(&policy, &[]), Some((400, "host: expected one, got none".into())));
        let two = [(HOST, "otel"), (HOST, "otel")];
        assert_eq!(refusal(&policy, &two), Some((400, "host: expected one value of ASCII".into())));
    }

    #[test]
    fn both_places_of_a_host_are_checked() {
        let policy = HostPolicy::default();
        let check = |uri: &'static str, host: &'static str| {
            let headers = [(HOST, host.parse().unwrap())].into_iter().collect();
            policy.check(&Uri::from_static(uri), &headers).is_ok()
        };
        assert!(check("http://otel/v1/traces", "otel"));
        assert!(!check("http://otel/v1/traces", "evil.example"));
        assert!(!check("http://evil.example/v1/traces", "otel"));
    }

    #[test]
    fn requests_of_pages_elsewhere_are_refused() {
        let policy = HostPolicy::default();
        let host = (HOST, "127.0.0.1:4318");
        assert_eq!(refusal(&policy, &[host.clone(), (ORIGIN, "http://127.0.0.1:4318")]), None);
        for origin in [
            "http://evil.example",
            "https://127.0.0.1:4318",
            "http://127.0.0.1:3000",
            "http://127.0.0.1",
            "null",
            "",
        ] {
            let words = format!(
                "origin: expected none, got `{origin}`: the pages of other sites may not send to the collector"
            );
            assert_eq!(refusal(&policy, &[host.clone(), (ORIGIN, origin)]), Some((403, words)));
        }
    }
}
