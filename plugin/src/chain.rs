//! Finds a second instance of the filter in the filter chain of one request, which would count the exchange twice.
//!
//! All instances of a worker share a VM. The first instance registers its exchange by the header `x-request-id`, which
//! few exchanges in progress have in common. Only for such a pair are the properties compared that tell one request
//! from another.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use llm_gauge_engine::head::Headers;

use crate::names::NameHasher;
use crate::perform;

/// The shortest time between two warnings.
const WARNING_NS: u64 = 60_000_000_000;

thread_local! {
    /// The exchanges in progress in this VM: by the hash of their request id, the stream that began last.
    static IN_PROGRESS: RefCell<HashMap<u64, u32, BuildHasherDefault<NameHasher>>> = RefCell::default();
    static WARNED_NS: Cell<u64> = const { Cell::new(0) };
}

/// The place of an exchange among those in progress.
pub(crate) struct ChainPlace {
    hash: u64,
    stream: u32,
}

impl ChainPlace {
    /// Registers the exchange of a stream. `None` if another instance meters this request already.
    pub(crate) fn enter(stream: u32, head: &Headers<'_>) -> Option<Self> {
        let hash = hash(head.get("x-request-id").unwrap_or_default());
        let other = IN_PROGRESS.with_borrow(|streams| streams.get(&hash).copied());
        if other.is_some_and(|other| perform::is_same_request(stream, other)) {
            warn();
            return None;
        }
        IN_PROGRESS.with_borrow_mut(|streams| streams.insert(hash, stream));
        Some(Self { hash, stream })
    }
}

impl Drop for ChainPlace {
    fn drop(&mut self) {
        IN_PROGRESS.with_borrow_mut(|streams| {
            if streams.get(&self.hash) == Some(&self.stream) {
                streams.remove(&self.hash);
            }
        });
    }
}

fn hash(request_id: &[u8]) -> u64 {
    let (mut hasher, (words, tail)) = (NameHasher::default(), request_id.as_chunks::<8>());
    words.iter().for_each(|word| hasher.write_u64(u64::from_le_bytes(*word)));
    tail.hash(&mut hasher);
    hasher.finish()
}

fn warn() {
    let (now_ns, last_ns) = (perform::now_ns(), WARNED_NS.get());
    if last_ns == 0 || now_ns.saturating_sub(last_ns) >= WARNING_NS {
        WARNED_NS.set(now_ns);
        perform::log_warning(
            "llm-gauge: a request passes two instances of the filter, and the first one counts it: remove one of the \
             two from the filter chain",
        );
    }
}
