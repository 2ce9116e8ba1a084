//! Helpers of several tests: the filter, built and compiled once, and cases spread over threads.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use host_test::component::Component;
use host_test::replay::{self, CaseOutcome, Split};
use host_test::{Guest, Module, component};
use simulators::build;
use simulators::case::Case;
use simulators::workspace::cases_dir;

/// Returns the filter as it ships.
pub fn filter() -> Module {
    static FILTER: OnceLock<Module> = OnceLock::new();
    let load = || Module::from_file(build::filter(false).unwrap()).unwrap();
    FILTER.get_or_init(load).clone()
}

/// Returns the component as it ships.
pub fn component() -> Component {
    static COMPONENT: OnceLock<Component> = OnceLock::new();
    let load = || Component::from_file(component::build().unwrap()).unwrap();
    COMPONENT.get_or_init(load).clone()
}

/// Returns the differences of the component's run of a case from the filter's: in the record, or between cuttings, of
/// which there must be this many.
pub fn component_faults(
    component: &Component,
    case: &Case,
    split: Split,
    cuttings_expected: usize,
    filter: &CaseOutcome,
) -> Vec<String> {
    let outcome = replay::run_component(component, b"", case, split).unwrap();
    let cuttings = outcome.unequal_cuttings.iter();
    let mut faults: Vec<_> =
        cuttings.map(|cutting| format!("the record of the component differs when cut {cutting}")).collect();
    if outcome.cuttings != cuttings_expected {
        faults
            .push(format!("the component: expected {cuttings_expected} cuttings, got {}", outcome.cuttings));
    }
    if outcome.record != filter.record {
        faults.push(format!("the component: expected {}, got {}", filter.record, outcome.record));
    }
    faults
}

/// Returns the project's own cases.
pub fn own_cases() -> Vec<Case> {
    Case::find(&[cases_dir()]).unwrap()
}

/// Checks every case, on as many threads as there are processors, and returns the faults, each with its case.
pub fn each(cases: &[Case], check: impl Fn(&Case) -> Vec<String> + Sync) -> Vec<String> {
    let mut faults = Vec::new();
    let gather = |case: &Case, found: Vec<String>| {
        faults.extend(found.into_iter().map(|fault| format!("{}/{}: {fault}", case.folder, case.name)));
        Ok(())
    };
    replay::run_parallel(cases, check, gather).unwrap();
    faults
}

/// Returns the label values of every `llm_requests_total`, separated by slashes, with its count. Fails the test if the
/// filter has trapped or still counts a request as active, so most tests end with it.
pub fn requests(guest: &Guest) -> BTreeMap<String, u64> {
    assert_eq!(guest.failure(), None);
    let metrics = &guest.host().proxy_state().metrics;
    let active = metrics.iter().filter(|((stat, _), _)| stat.starts_with("llm_active_requests."));
    for ((stat, _), metric) in active {
        assert_eq!(metric.value, 0, "{stat}");
    }
    let requests = metrics.iter().filter_map(|((stat, _), metric)| {
        let labels = stat.strip_prefix("llm_requests_total.")?.split(";.;");
        let values: Vec<_> = labels.filter_map(|label| Some(label.split_once("=.=")?.1)).collect();
        Some((values.join("/"), metric.value))
    });
    let requests: BTreeMap<_, _> = requests.collect();
    let is_followed = metrics.keys().any(|(stat, _)| stat.starts_with("llm_active_requests."));
    assert!(is_followed || requests.is_empty(), "nothing was ever active");
    requests
}
