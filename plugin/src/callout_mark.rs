//! The mark of the filter's own calls: its keys are those of this proxy, or of a fleet that shares a secret.

use llm_gauge_engine::callouts::{CalloutMark, MARK_HEADER};
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::ids::SigningKey;
use proxy_wasm::types::MapType;

use crate::perform;
use crate::shared_data;

/// The key of the shared secret of all workers.
const SECRET_KEY: &str = "llm-gauge.mark";

/// Returns the mark of this configuration. The secrets of `feedback` come first, since all proxies of a fleet have
/// them: a call through another proxy is then recognised too.
pub(crate) fn open(policy: &Policy) -> CalloutMark {
    let mut secret = [0; 32];
    perform::fill_random(&mut secret);
    shared_data::create(SECRET_KEY, &secret);
    let shared = perform::shared_data(SECRET_KEY).map_or_else(|| secret.to_vec(), |(bytes, _)| bytes);
    let mut keys = policy.feedback().map(|plan| plan.keys().to_vec()).unwrap_or_default();
    keys.push(SigningKey::new(&shared));
    CalloutMark::new(keys)
}

/// Removes the mark from a request, which must not reach the upstream. Returns whether it is a call of the filter.
pub(crate) fn take(mark: &CalloutMark, head: &Headers<'_>) -> bool {
    let Some(value) = head.get(MARK_HEADER) else {
        return false;
    };
    perform::remove_header(MapType::HttpRequestHeaders, MARK_HEADER);
    mark.is_valid(value, unix_s())
}

/// Returns the field of a call that is made now.
pub(crate) fn field(mark: &CalloutMark) -> Option<(String, String)> {
    Some((MARK_HEADER.to_owned(), mark.value(unix_s())?))
}

fn unix_s() -> u32 {
    u32::try_from(perform::unix_s()).unwrap_or(u32::MAX)
}
