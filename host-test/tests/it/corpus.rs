//! Recordings of real providers' traffic, kept outside of this repository for their size and their licences.
//!
//! `LLM_GAUGE_CORPUS` names the folder that holds them, one folder below it for each provider's API; without the
//! variable it is looked for at its usual place beside the workspace. Where it is not there these tests say so
//! and pass: the project's own cases (`cases.rs`) hold the same rules.

use std::io::Write as _;
use std::path::PathBuf;
use std::rc::Rc;

use host_test::case::Case;
use host_test::replay::{self, EVERY_OFFSET_BYTES_MAX, Split};
use host_test::{build, native};
use llm_gauge_engine::policy::Policy;
use serde_json::{Map, Value};

use crate::common;

/// Folders in which every case must come out exactly. It only ever grows.
const EXACT: &[&str] = &["anthropic-messages", "openai-chat", "openai-completions", "openai-embeddings"];

/// Random cuttings of each body in the wasm, beside whole and byte by byte. Every offset would take it some five
/// minutes for these folders: `cargo gauge replay --split every` does that, and the bare engine does it here.
const CUTTINGS: usize = 64;

#[test]
fn the_engine_gives_one_record_however_a_recording_is_cut() {
    let Some(cases) = recordings() else { return };
    let faults = common::each(&cases, |case| {
        let policy = Rc::new(Policy::parse(b"").unwrap());
        let body = case.response_body.as_slice();
        let fields = |pieces: &[&[u8]]| -> Map<String, Value> {
            let record = native::record(&policy, case, pieces.iter().copied());
            native::fields(&record.unwrap())
        };
        let whole = fields(&[body]);
        let differences = case.differences(&whole);
        let mut faults: Vec<_> = differences.iter().map(|difference| format!("{difference:?}")).collect();
        let bytes: Vec<_> = body.chunks(1).collect();
        if fields(&bytes) != whole {
            faults.push("another record byte by byte".to_owned());
        }
        if body.len() <= EVERY_OFFSET_BYTES_MAX {
            let cut = |at: &usize| fields(&[&body[..*at], &body[*at..]]) != whole;
            faults.extend((1..body.len()).filter(cut).map(|at| format!("another record when cut at {at}")));
        }
        faults
    });
    assert_eq!(faults, [""; 0]);
}

#[test]
fn the_wasm_gives_the_same_record_and_the_same_bytes() {
    let Some(cases) = recordings() else { return };
    let module = common::filter();
    let faults = common::each(&cases, |case| {
        let outcome = replay::run(&module, b"", case, Split::Random(CUTTINGS)).unwrap();
        let mut faults: Vec<_> =
            outcome.differences.iter().map(|difference| format!("{difference:?}")).collect();
        if !outcome.body_unchanged {
            faults.push("the client got other bytes".to_owned());
        }
        faults.extend(
            outcome.unequal_cuttings.iter().map(|cutting| format!("another record when cut {cutting}")),
        );
        faults
    });
    assert_eq!(faults, [""; 0]);
}

/// The recordings that must come out exactly, if there are any on this machine.
fn recordings() -> Option<Vec<Case>> {
    let root = root()?;
    let folders: Vec<_> = EXACT.iter().map(|folder| root.join(folder)).collect();
    Some(Case::find(&folders).unwrap())
}

/// All recordings, if there are any.
pub fn all() -> Option<Vec<Case>> {
    Some(Case::find(&[root()?]).unwrap())
}

fn root() -> Option<PathBuf> {
    let named = std::env::var_os("LLM_GAUGE_CORPUS").map(PathBuf::from);
    let usual = || build::workspace_dir().join("../shared/corpus");
    let is_named = named.is_some();
    let root = named.unwrap_or_else(usual);
    if !is_named && !root.is_dir() {
        // Not through a macro: the test harness would keep a passing test's words to itself.
        let mut screen = std::io::stderr();
        let said = "SKIPPED: no recordings at ../shared/corpus; LLM_GAUGE_CORPUS names another folder";
        writeln!(screen, "\n{said}").unwrap();
        return None;
    }
    Some(root)
}
