//! Recordings of real providers' traffic, kept outside of this repository for their size and their licences.
//!
//! `LLM_GAUGE_CORPUS` names the folder that holds them, one folder below it for each provider's API; without the
//! variable it is looked for at its usual place beside the workspace. Where it is not there these tests say so
//! and pass: the project's own cases (`cases.rs`) hold the same rules. Every recording must come out exactly.

use std::io::Write as _;
use std::path::PathBuf;
use std::rc::Rc;

use host_test::replay::{self, Split};
use llm_gauge_engine::config::Policy;
use serde_json::{Map, Value};
use simulators::case::Case;
use simulators::native;
use simulators::workspace::workspace_dir;

use crate::common;

/// Recordings whose `expected` is wrong in one field, each with the proof. Everything else about them must be right,
/// and the field must still differ: one that has been put right leaves this list.
const WRONG: &[(&str, &str)] = &[
    // Four whole responses stand one after the other in the body, each with a `response.created` of its own. Three
    // of them ask for a call; one call is expected.
    ("azure-openai/vercel-ai-azure-reasoning-encrypted-content-1-0-189543", "tool_calls"),
    // The model in the path, amazon.titan-text-express-v1, completes texts, as another recording of it says. This
    // body cannot be read (the lengths in its frame are not its own), and a chat was guessed.
    ("bedrock-invoke/newrelic-mock-external-bedrock-server-invoke-model-10-ed1f4a", "operation"),
    // Vectors, an error and an answer from localhost, each in a shape that is OpenAI's and no more: nothing in the
    // exchange tells who made it. The names that are expected come from the recorder's folders.
    ("llamacpp/rig-llamacpp-embeddings-derive-document-embeddings-0-69ede2", "provider"),
    ("llamacpp/rig-llamacpp-error-matrix-rerank-empty-documents-0-bf00ed", "provider"),
    ("mistralrs/rig-mistralrs-responses-api-responses-api-multi-turn-replays-history-0-8f5c0a", "provider"),
];

/// Bodies up to this size are cut at every offset in the bare engine, longer ones at [`CUTS`] places, so that all
/// recordings take a minute or two: `cargo gauge replay --split every` does every offset of all of them, in the wasm.
const EVERY_OFFSET_BYTES_MAX: usize = 4 * 1024;

/// Places, spread evenly, at which longer bodies are cut.
const CUTS: usize = 64;

/// Random cuttings of each body in the wasm, beside whole and byte by byte.
const RANDOM_CUTTINGS: usize = 4;

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
        let differences = case.differences(&whole).into_iter();
        let mut faults = unlisted(
            case,
            differences.map(|difference| (difference.field.clone(), format!("{difference:?}"))),
        );
        let bytes: Vec<_> = body.chunks(1).collect();
        if fields(&bytes) != whole {
            faults.push("another record byte by byte".to_owned());
        }
        let step = if body.len() <= EVERY_OFFSET_BYTES_MAX { 1 } else { body.len() / CUTS };
        let cut = |at: &usize| fields(&[&body[..*at], &body[*at..]]) != whole;
        let offsets = (1..body.len()).step_by(step);
        faults.extend(offsets.filter(cut).map(|at| format!("another record when cut at {at}")));
        faults
    });
    assert_eq!(faults, [""; 0]);
}

#[test]
fn the_wasm_and_the_component_give_the_same_record_and_the_wasm_the_same_bytes() {
    let Some(cases) = recordings() else { return };
    let (module, component) = (common::filter(), common::component());
    let faults = common::each(&cases, |case| {
        let split = Split::Random(RANDOM_CUTTINGS);
        let outcome = replay::run(&module, b"", case, split).unwrap();
        let differences = outcome.differences.iter();
        let mut faults = unlisted(
            case,
            differences.map(|difference| (difference.field.clone(), format!("{difference:?}"))),
        );
        if !outcome.body_unchanged {
            faults.push("the client got other bytes".to_owned());
        }
        faults.extend(common::component_faults(&component, case, split, &outcome));
        faults.extend(
            outcome.unequal_cuttings.iter().map(|cutting| format!("another record when cut {cutting}")),
        );
        faults
    });
    assert_eq!(faults, [""; 0]);
}

/// The differences, each a field and what to say of it, less the one that [`WRONG`] lists; which must be there.
fn unlisted(case: &Case, differences: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let name = format!("{}/{}", case.folder, case.name);
    let listed = WRONG.iter().find(|(wrong, _)| *wrong == name).map(|(_, field)| *field);
    let (wrong, mut faults): (Vec<_>, Vec<_>) =
        differences.partition(|(field, _)| Some(field.as_str()) == listed);
    if let Some(field) = listed.filter(|_| wrong.is_empty()) {
        faults.push((
            String::new(),
            format!("{field} is as expected by now: it leaves the list of wrong ones"),
        ));
    }
    faults.into_iter().map(|(_, fault)| fault).collect()
}

/// All recordings, if there are any on this machine.
pub fn recordings() -> Option<Vec<Case>> {
    Some(Case::find(&[root()?]).unwrap())
}

fn root() -> Option<PathBuf> {
    let named = std::env::var_os("LLM_GAUGE_CORPUS").map(PathBuf::from);
    let usual = || workspace_dir().join("../shared/corpus");
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
