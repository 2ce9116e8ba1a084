//! The label values that have a series of their own, agreed on by all workers of the proxy through its shared data.
//!
//! Each admitted value is a key, and each label has a count of them. Neither is ever taken out: nor does Envoy free a
//! stat, whatever the configuration becomes.

use llm_gauge_engine::series::{LocalRegistry, SeriesRegistry};

use crate::perform;
use crate::shared_record;

/// Admits label values for all workers, or for this one where the host shares no data.
#[derive(Debug, Default)]
pub(crate) struct SharedRegistry {
    local: LocalRegistry,
}

impl SharedRegistry {
    /// A registry whose counts of these labels are there to be changed.
    pub(crate) fn begin<'a>(labels: impl Iterator<Item = &'a str>) -> Self {
        labels.for_each(|label| shared_record::create(&count_key(label), &encode(0)));
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
        match shared_record::update(&count_key, more) {
            Err(()) => false,
            Ok(false) => self.local.admit(label, value, values_max),
            Ok(true) => {
                if perform::shared_data(&key).is_some() {
                    // Another worker was as fast, and has counted the value too.
                    let fewer = |bytes: &[u8]| Ok::<_, ()>(encode(decode(bytes).saturating_sub(1)));
                    let _best_effort = shared_record::update(&count_key, fewer);
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

/// Returns 0 for what is no count.
fn decode(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
