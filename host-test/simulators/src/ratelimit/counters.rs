//! The counters of a rate-limit service.

use std::collections::BTreeMap;

use super::{Call, Descriptor, Limit};

/// Hits in the current window.
#[derive(Debug)]
pub(super) struct Counters {
    limits: Vec<Limit>,
    /// By domain and descriptor: one limit counts each value it has not named by itself.
    hits: BTreeMap<(String, Vec<(String, String)>), u64>,
}

impl Counters {
    pub(super) fn new(limits: Vec<Limit>) -> Self {
        Self { limits, hits: BTreeMap::new() }
    }

    pub(super) fn clear(&mut self) {
        self.hits.clear();
    }

    /// Counts the hits of a call, and returns for each descriptor whether it is over its limit.
    pub(super) fn count(&mut self, call: &Call) -> Vec<bool> {
        call.descriptors.iter().map(|descriptor| self.count_one(call, descriptor)).collect()
    }

    fn count_one(&mut self, call: &Call, descriptor: &Descriptor) -> bool {
        let Some(limit) = self.limits.iter().find(|limit| fits(limit, &call.domain, descriptor)) else {
            return false;
        };
        let added = descriptor.hits_addend.unwrap_or_else(|| u64::from(call.hits_addend).max(1));
        let hits = self.hits.entry((call.domain.clone(), descriptor.entries.clone())).or_default();
        *hits = hits.saturating_add(added);
        *hits > limit.hits_per_window
    }
}

fn fits(limit: &Limit, domain: &str, descriptor: &Descriptor) -> bool {
    let pairs = limit.keys.iter().zip(&descriptor.entries);
    limit.domain == domain
        && limit.keys.len() == descriptor.entries.len()
        && pairs.into_iter().all(|((key, value), (found_key, found))| {
            key == found_key && value.as_ref().is_none_or(|value| value == found)
        })
}

#[cfg(test)]
mod tests {
    use super::{Call, Counters, Descriptor, Limit};

    fn limit(tenant: Option<&str>, hits_per_window: u64) -> Limit {
        let keys = vec![("tenant".to_owned(), tenant.map(str::to_owned))];
        Limit { domain: "llm".into(), keys, hits_per_window }
    }

    fn call(tenant: &str, own: Option<u64>, hits_addend: u32) -> Call {
        let entries = vec![("tenant".to_owned(), tenant.to_owned())];
        let descriptors = vec![Descriptor { entries, hits_addend: own }];
        Call { domain: "llm".into(), descriptors, hits_addend, over_limit: false }
    }

    #[test]
    fn above_the_limit_is_over_and_at_it_is_not() {
        let mut counters = Counters::new(vec![limit(None, 10)]);
        assert_eq!(counters.count(&call("a", Some(10), 0)), [false]);
        assert_eq!(counters.count(&call("a", Some(0), 0)), [false], "a look counts nothing");
        assert_eq!(
            counters.count(&call("a", Some(0), 7)),
            [false],
            "a descriptor's 0 is not the request's 7"
        );
        assert_eq!(counters.count(&call("a", Some(1), 0)), [true]);
        assert_eq!(counters.count(&call("a", Some(0), 0)), [true]);
        assert_eq!(counters.count(&call("b", Some(0), 0)), [false], "each value by itself");
        counters.clear();
        assert_eq!(counters.count(&call("a", Some(0), 0)), [false]);
    }

    #[test]
    fn without_hits_of_its_own_a_descriptor_has_the_calls_or_one() {
        let mut counters = Counters::new(vec![limit(None, 3)]);
        assert_eq!(counters.count(&call("a", None, 2)), [false]);
        assert_eq!(counters.count(&call("a", None, 0)), [false]);
        assert_eq!(counters.count(&call("a", None, 0)), [true]);
    }

    #[test]
    fn the_first_limit_that_fits_counts() {
        let mut counters = Counters::new(vec![limit(Some("big"), 100), limit(None, 1)]);
        assert_eq!(counters.count(&call("big", Some(50), 0)), [false]);
        assert_eq!(counters.count(&call("small", Some(50), 0)), [true]);
        let elsewhere = Call { domain: "other".into(), ..call("small", Some(50), 0) };
        assert_eq!(counters.count(&elsewhere), [false], "no limit fits");
    }

    #[test]
    fn a_descriptor_over_its_limit_does_not_affect_others() {
        let mut counters = Counters::new(vec![limit(None, 1)]);
        let mut both = call("a", Some(2), 0);
        both.descriptors.extend(call("b", Some(1), 0).descriptors);
        assert_eq!(counters.count(&both), [true, false]);
    }
}
