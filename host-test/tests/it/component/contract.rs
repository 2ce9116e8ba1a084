//! Compares the contract in `wit/` with the engine's own types: the same names, in the same order.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::rc::Rc;

use host_test::component::{PACKAGE, VERSION};
use llm_gauge_engine::config::{ConfigError, Place, Policy};
use llm_gauge_engine::effects::record_json;
use llm_gauge_engine::exchange::End;
use llm_gauge_engine::feedback::{AcceptedFeedback, Rating};
use llm_gauge_engine::ids::Ids;
use llm_gauge_engine::judge::capture::JudgeInput;
use llm_gauge_engine::judge::{Judgement, Outcome, Question, Verdict};
use llm_gauge_engine::record::{
    Answer, ErrorClass, Gap, Record, SOURCE_ESTIMATED, SOURCE_REPORTED, Status, Times, UsageMissing,
};
use serde_json::{Map, Value};
use simulators::native;
use simulators::workspace::workspace_dir;
use wit_parser::{Docs, PackageId, Resolve, TypeDefKind};

use crate::common;

fn contract() -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(workspace_dir().join("wit")).unwrap();
    (resolve, package)
}

/// Returns the fields of a record, or the cases of an enum or a variant, in snake case and in their order.
fn names(interface: &str, name: &str) -> Vec<String> {
    let (resolve, package) = contract();
    let interface = &resolve.interfaces[resolve.packages[package].interfaces[interface]];
    let names: Vec<_> = match &resolve.types[interface.types[name]].kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| &field.name).collect(),
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| &case.name).collect(),
        TypeDefKind::Variant(cases) => cases.cases.iter().map(|case| &case.name).collect(),
        other => panic!("{name} is {other:?}"),
    };
    names.into_iter().map(|name| name.replace('-', "_")).collect()
}

/// Returns the fields of a struct, from its derived `Debug`.
fn fields(value: &impl Debug) -> Vec<String> {
    let text = format!("{value:#?}");
    let field = |line: &str| Some(line.strip_prefix("    ")?.split_once(": ")?.0.to_owned());
    text.lines().filter_map(field).filter(|name| !name.starts_with(' ')).collect()
}

fn record() -> Record {
    let case = common::own_cases().into_iter().find(|case| case.folder == "openai_chat").unwrap();
    let policy = Rc::new(Policy::parse(b"").unwrap());
    native::record(&policy, &case, std::iter::once(case.response_body.as_slice())).unwrap()
}

#[test]
fn structs_have_the_fields_of_the_contract() {
    let verdict = Verdict { scores: Vec::new(), hallucination: None };
    let judgement = Judgement { verdict: Ok(verdict.clone()), input_tokens: None, output_tokens: None };
    let policy = Policy::parse(br#"{"judge":{"cluster":"c","model":"m"}}"#).unwrap();
    let question = Question::ask(policy.judge().unwrap(), 0, JudgeInput::default(), [1; 16]).unwrap();
    let error = ConfigError { path: String::new(), expected: String::new(), got: String::new() };
    for (interface, name, engine) in [
        ("types", "times", fields(&Times::default())),
        ("types", "judge-input", fields(&JudgeInput::default())),
        ("types", "verdict", fields(&verdict)),
        ("types", "judgement", fields(&judgement)),
        ("types", "judge-request", fields(question.request())),
        ("meter", "ending", fields(&End::default())),
        ("meter", "place", fields(&Place::default())),
        ("meter", "config-error", fields(&error)),
    ] {
        assert!(!engine.is_empty());
        assert_eq!(names(interface, name), engine, "{name}");
    }
}

#[test]
fn enums_have_the_cases_of_the_contract() {
    for (name, engine) in [
        ("gap", Gap::ALL.map(Gap::name).to_vec()),
        ("status", Status::ALL.map(Status::name).to_vec()),
        ("error-class", ErrorClass::ALL.map(ErrorClass::name).to_vec()),
        ("usage-missing", UsageMissing::ALL.map(UsageMissing::name).to_vec()),
        ("outcome", Outcome::ALL.map(Outcome::name).to_vec()),
        ("source", vec![SOURCE_REPORTED, SOURCE_ESTIMATED]),
    ] {
        assert_eq!(names("types", name), engine, "{name}");
    }
}

/// The engine's record and the contract's have the same fields, except for those listed here.
#[test]
fn a_record_has_the_fields_of_the_contract() {
    let record = record();
    let all: BTreeSet<_> = names("types", "exchange-record").into_iter().collect();
    let ours: BTreeSet<_> = all.iter().cloned().chain(names("types", "usage")).collect();
    let told: Map<String, Value> = serde_json::from_str(&record_json(&record)).unwrap();
    let told: BTreeSet<_> = told.keys().cloned().collect();
    let beyond =
        |more: &BTreeSet<String>, less: &BTreeSet<String>| more.difference(less).cloned().collect::<Vec<_>>();
    assert_eq!(beyond(&told, &ours), [""; 0]);
    // Filter state has the id and the times beside the record. Labels, texts and the status are in other places.
    assert_eq!(beyond(&ours, &told), ["http_status", "judged", "labels", "request_id", "times", "usage"]);
    // `answer` is spread out, `estimate` is in the usage, `initial_provider` is for a gauge, `convention` adds up the
    // counts of other models, and the others are for spans.
    let engine: BTreeSet<_> = fields(&record).into_iter().collect();
    assert_eq!(
        beyond(&engine, &all),
        ["answer", "authority", "content", "convention", "estimate", "ids", "initial_provider"]
    );
    // Of the answer: two fields have longer names, two are in the usage, and the others only determine others, or a cost,
    // which is not in the contract.
    let answer: BTreeSet<_> = fields(&Answer::default()).into_iter().collect();
    assert_eq!(
        beyond(&answer, &ours),
        ["has_error", "id", "is_first_output", "is_pending", "model", "others", "terms"]
    );
}

/// The fields of feedback, without those that the engine reads from the id.
#[test]
fn feedback_has_the_fields_of_the_contract() {
    let text = |text: &str| text.to_owned();
    let ids = Ids::new(None, None, [1; 24]);
    let given = AcceptedFeedback {
        request_id: text("id"),
        ids,
        model: text("m"),
        rating: Rating::Up,
        comment: Some(text("c")),
    };
    let engine = fields(&given).into_iter().filter(|name| !matches!(name.as_str(), "ids" | "model"));
    assert_eq!(names("types", "feedback"), engine.collect::<Vec<_>>());
    let ratings =
        [Rating::Up, Rating::Down, Rating::Points(3)].map(|rating| format!("{rating:?}").to_lowercase());
    assert_eq!(names("types", "rating").join(" "), ratings.join(" ").replace("(3)", ""));
}

#[test]
fn the_world_has_no_imports_and_the_version_of_the_host() {
    let (resolve, package) = contract();
    let package = &resolve.packages[package];
    assert_eq!(package.name.to_string(), format!("{PACKAGE}@{VERSION}"));
    let world = &resolve.worlds[package.worlds["gauge"]];
    assert_eq!(world.imports.len(), 0);
    assert_eq!(world.exports.len(), 3);
}

#[test]
fn every_item_is_documented() {
    let (resolve, package) = contract();
    let package = &resolve.packages[package];
    let mut bare = Vec::new();
    let mut look = |docs: &Docs, name: String| {
        if docs.contents.as_ref().is_none_or(|text| text.trim().is_empty()) {
            bare.push(name);
        }
    };
    for (name, world) in &package.worlds {
        look(&resolve.worlds[*world].docs, name.clone());
    }
    for (name, interface) in &package.interfaces {
        let interface = &resolve.interfaces[*interface];
        look(&interface.docs, name.clone());
        for (function, it) in &interface.functions {
            look(&it.docs, format!("{name}.{function}"));
        }
        for (kind, id) in &interface.types {
            let it = &resolve.types[*id];
            let of = |part: &str| format!("{name}.{kind}.{part}");
            match &it.kind {
                // Imported from another interface, where it is documented.
                TypeDefKind::Type(wit_parser::Type::Id(other)) if resolve.types[*other].owner != it.owner => {
                    continue;
                }
                TypeDefKind::Record(record) => {
                    record.fields.iter().for_each(|it| look(&it.docs, of(&it.name)))
                }
                TypeDefKind::Enum(cases) => cases.cases.iter().for_each(|it| look(&it.docs, of(&it.name))),
                TypeDefKind::Variant(cases) => cases.cases.iter().for_each(|it| look(&it.docs, of(&it.name))),
                _ => {}
            }
            look(&it.docs, of(""));
        }
    }
    assert_eq!(bare, [""; 0]);
}
