//! The label values that have series of their own. All workers of the proxy agree on them through its shared data.
//!
//! Each admitted value is a key, and each label has a count of its values. Neither is ever removed, since Envoy never
//! frees a stat, whatever the configuration becomes.

use llm_gauge_engine::series::{LocalRegistry, SeriesRegistry};

use crate::perform;
use crate::shared_data;

/// Admits label values for all workers, or for this one only if the host shares no data.
#[derive(Debug, Default)]
pub(crate) struct SharedRegistry {
    local: LocalRegistry,
}

impl SharedRegistry {
    /// Creates the counts of these labels in the shared data, and returns the registry.
    pub(crate) fn begin<'a>(labels: impl Iterator<Item = &'a str>) -> Self {
        labels.for_each(|label| shared_data::create(&count_key(label), &encode(0)));
        Self::default()
    }
}

impl SeriesRegistry for SharedRegistry {
    fn admit(&self, label: &str, value: &str, values_max: usize) -> bool {
        let (key, count_key) = (["llm-gauge.series.", label, "=", value].concat(), count_key(label));
        if perform::shared_data(&key).is_some() {
            return true;
        }
        let more = |bytes: &[u8]| match decode(bytes) {
            count if (count as usize) < values_max => Ok(encode(count.saturating_add(1))),
            _ => Err(()),
        };
        match shared_data::update(&count_key, more) {
            Err(()) => false,
            Ok(false) => self.local.admit(label, value, values_max),
            Ok(true) => {
                if perform::shared_data(&key).is_some() {
                    // Another worker has admitted the value at the same time, and has counted it too.
                    let fewer = |bytes: &[u8]| Ok::<_, ()>(encode(decode(bytes).saturating_sub(1)));
                    let _best_effort = shared_data::update(&count_key, fewer);
                }
                perform::swap_shared_data(&key, b"1", 0);
                true
            }
        }
    }
}

fn count_key(label: &str) -> String {
    ["llm-gauge.series.", label].concat()
}

fn encode(count: u32) -> [u8; 4] {
    count.to_le_bytes()
}

/// Decodes a count. Bytes that are not a count are 0.
fn decode(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
