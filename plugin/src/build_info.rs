//! The gauge of the build and its configuration. A configuration that no worker has any more becomes 0.
//!
//! The root contexts of a configuration are counted in the shared data, each from its first stream on: Envoy also
//! configures a root context that serves no stream and never ends.

use std::cell::{Cell, RefCell};

use llm_gauge_engine::config::Policy;
use llm_gauge_engine::effects::build_info;

use crate::perform::{self, Stats};
use crate::shared_data;

/// The part of one root context in the gauge.
#[derive(Default)]
pub(crate) struct BuildInfo {
    is_counted: Cell<bool>,
}

impl BuildInfo {
    /// Reports that a root context has the configuration.
    pub(crate) fn begin(policy: &Policy, stats: &RefCell<Stats>) -> Self {
        shared_data::create(&key(policy), &0_u32.to_le_bytes());
        perform::update_stat(stats, build_info(policy, true));
        Self::default()
    }

    /// Counts the root context, which serves a stream.
    pub(crate) fn count(&self, policy: &Policy, stats: &RefCell<Stats>) {
        if !self.is_counted.replace(true) {
            let _is_shared = change(policy, |count| count.saturating_add(1));
            perform::update_stat(stats, build_info(policy, true));
        }
    }

    /// Reports that the root context has the configuration no more. If nothing is shared, other workers may have it.
    pub(crate) fn end(&self, policy: &Policy, stats: &RefCell<Stats>) {
        let was_counted = self.is_counted.take();
        if change(policy, |count| count.saturating_sub(was_counted.into())) == Some(0) {
            perform::update_stat(stats, build_info(policy, false));
        }
    }
}

/// Changes the number of root contexts with a configuration, and returns the new one. `None` if nothing is shared.
fn change(policy: &Policy, change: impl Fn(u32) -> u32) -> Option<u32> {
    let after = Cell::new(0);
    let update = |bytes: &[u8]| {
        after.set(change(bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))));
        Ok::<_, ()>(after.get().to_le_bytes())
    };
    shared_data::update(&key(policy), update).is_ok_and(|is_shared| is_shared).then(|| after.get())
}

fn key(policy: &Policy) -> String {
    ["llm-gauge.configurations.", policy.fingerprint()].concat()
}
