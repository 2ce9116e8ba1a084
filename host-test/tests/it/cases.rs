//! The project's own cases: through the real wasm, cut at every offset, the component, and the bare engine.

use std::collections::BTreeSet;
use std::rc::Rc;

use host_test::replay::{self, Split};
use llm_gauge_engine::config::{Place, Policy};
use llm_gauge_engine::formats;
use llm_gauge_engine::head::Headers;
use serde_json::{Map, Value};
use simulators::case::{COMPARED, COMPARED_IF_NAMED, COMPARED_NATIVELY, Case};
use simulators::native::expectations::{Engine, PreparedCase};
use simulators::native::{self, rules};

use crate::common;

/// The number of random cuttings of each case in the component. It runs the engine that the filter runs at every
/// offset, and only its boundary is different.
const COMPONENT_CUTTINGS: usize = 16;

#[test]
fn every_case_in_the_real_wasm_at_every_offset_and_in_the_component() {
    let (module, component) = (common::filter(), common::component());
    let faults = common::each(&common::own_cases(), |case| {
        let outcome = replay::run(&module, b"", case, Split::Every).unwrap();
        let mut faults: Vec<_> =
            outcome.differences.iter().map(|difference| format!("{difference:?}")).collect();
        let pieces = case.response_body.len().max(1);
        if outcome.cuttings != pieces + 1 {
            faults.push(format!("{} cuttings of {pieces} bytes", outcome.cuttings));
        }
        if !outcome.body_unchanged {
            faults.push("the client got other bytes than the upstream sent".to_owned());
        }
        faults.extend(
            outcome.unequal_cuttings.iter().map(|cutting| format!("the record differs when cut {cutting}")),
        );
        // One for each, one whole, one byte by byte.
        let (split, cuttings) = (Split::Random(COMPONENT_CUTTINGS), COMPONENT_CUTTINGS + 2);
        faults.extend(common::component_faults(&component, case, split, cuttings, &outcome));
        let twin = Value::Object(native_fields(case));
        if outcome.record != twin {
            faults.push(format!("the bare engine has {twin}"));
        }
        faults
    });
    assert_eq!(faults, [""; 0]);
}

#[test]
fn every_case_in_the_bare_engine() {
    let faults = common::each(&common::own_cases(), |case| {
        let differences = PreparedCase::new(case).unwrap().differences(&Engine::default()).unwrap();
        differences.iter().map(|difference| format!("{difference:?}")).collect()
    });
    assert_eq!(faults, [""; 0]);
}

/// A key that is not compared would hold nothing.
#[test]
fn every_case_expects_known_fields_only() {
    let known = [COMPARED, COMPARED_IF_NAMED, COMPARED_NATIVELY, &["usage_present"]].concat();
    let faults = common::each(&common::own_cases(), |case| {
        let unknown = case.expected.keys().filter(|field| !known.contains(&field.as_str()));
        unknown.map(|field| format!("expected.{field}: not a field that is compared")).collect()
    });
    assert_eq!(faults, [""; 0]);
}

/// Every format needs a case, since a format without one is untested.
#[test]
fn every_format_has_cases_of_its_own() {
    let mut without: BTreeSet<_> = formats::ALL.iter().map(|format| format.name).collect();
    for case in common::own_cases() {
        let policy = Policy::parse(&case.configuration).unwrap();
        let head = case.request_head.iter().map(|(name, value)| (name.as_bytes(), value.as_slice()));
        let head = Headers::new(head);
        let field = |name: &str| head.get(name).unwrap();
        assert!(policy.may_meter(field(":method")), "{}", case.name);
        let route = policy.route(&head, &Place::default()).unwrap();
        assert_eq!(route.format.name, case.folder, "{} is in the folder of another format", case.name);
        without.remove(route.format.name);
    }
    assert_eq!(without, BTreeSet::new());
}

fn native_fields(case: &Case) -> Map<String, Value> {
    let policy = Rc::new(Policy::parse(&case.configuration).unwrap());
    let whole = std::iter::once(case.response_body.as_slice());
    native::fields(&native::record(&policy, case, whole).unwrap())
}

/// Takes each rule out of its row once: a case has to fail. `cargo replay --without-each-rule FORMAT` lists the rules.
#[test]
fn every_rule_of_every_row_is_needed_by_a_case() {
    let uses = rules::uses_of_all(&common::own_cases()).unwrap();
    let unneeded: Vec<_> = uses
        .iter()
        .filter(|(_, rule)| rule.needed_by.is_none())
        .map(|(format, rule)| format!("{}: {}", format.name, rule.rule))
        .collect();
    assert_eq!(unneeded, [""; 0]);
    assert!(uses.len() > 1_000, "{} rules", uses.len());
}
