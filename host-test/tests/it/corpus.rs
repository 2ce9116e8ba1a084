//! Recordings of real providers' traffic, which are outside this repository because of their size and their licences.
//!
//! `LLM_GAUGE_CORPUS` is the folder of the recordings, with a folder for each provider's API. Without the variable, the
//! default is a folder beside the workspace. Without recordings these tests print that they are skipped and pass: the
//! project's own cases (`cases.rs`) test the same rules. Every recording must give the exact expected record.

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

/// Recordings whose `expected` is wrong in one field, each with the proof. All other fields must be right, and this
/// field must still differ: a corrected recording has to be removed from the list.
const WRONG: &[(&str, &str)] = &[
    // Four whole responses follow each other in the body, each with its own `response.created`. Three of them request a
    // call; one call is expected.
    ("azure-openai/vercel-ai-azure-reasoning-encrypted-content-1-0-189543", "tool_calls"),
    // The model in the path, amazon.titan-text-express-v1, completes texts, as another recording of it shows. This body
    // cannot be read (the lengths in its frame are wrong), so the operation was guessed.
    ("bedrock-invoke/newrelic-mock-external-bedrock-server-invoke-model-10-ed1f4a", "operation"),
    // Vectors, an error and an answer from localhost, each in a plain OpenAI format. Nothing in the exchange names the
    // provider. The expected names are those of the recorder's folders.
    ("llamacpp/rig-llamacpp-embeddings-derive-document-embeddings-0-69ede2", "provider"),
    ("llamacpp/rig-llamacpp-error-matrix-rerank-empty-documents-0-bf00ed", "provider"),
    ("mistralrs/rig-mistralrs-responses-api-responses-api-multi-turn-replays-history-0-8f5c0a", "provider"),
    // The total has tokens that the parts leave out: Gemini's thinking, which is billed as output
    // (https://ai.google.dev/gemini-api/docs/pricing). The expected output leaves them out too.
    ("gemini-openai-compat/pydantic-ai-compatible-api-with-tool-calls-without-id-0-d614a6", "output_tokens"),
    ("gemini-openai-compat/pydantic-ai-compatible-api-with-tool-calls-without-id-1-38060e", "output_tokens"),
    // The shell is the client's: the answer ends with a call, whose output the client sends back.
    ("openai-responses/vercel-ai-fixtures-openai-shell-tool-1-0-1037ac", "tool_calls"),
];

/// The maximum size of bodies that are cut at every offset in the bare engine. Longer ones are cut at [`CUTS`] places,
/// so that all recordings take a minute or two. `cargo gauge replay --split every` runs every offset of all of them in
/// the wasm.
const EVERY_OFFSET_BYTES_MAX: usize = 4 * 1024;

/// The number of evenly spread places at which longer bodies are cut.
const CUTS: usize = 64;

/// The number of random cuttings of each body in the wasm, in addition to whole and byte by byte.
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
            faults.push("the record differs byte by byte".to_owned());
        }
        let step = if body.len() <= EVERY_OFFSET_BYTES_MAX { 1 } else { body.len() / CUTS };
        let cut = |at: &usize| fields(&[&body[..*at], &body[*at..]]) != whole;
        let offsets = (1..body.len()).step_by(step);
        faults.extend(offsets.filter(cut).map(|at| format!("the record differs when cut at {at}")));
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
            faults.push("the client got other bytes than the upstream sent".to_owned());
        }
        // Whole only: the component runs the engine that the filter runs in all cuttings, and `cases.rs` cuts it too.
        faults.extend(common::component_faults(&component, case, Split::Whole, 1, &outcome));
        faults.extend(
            outcome.unequal_cuttings.iter().map(|cutting| format!("the record differs when cut {cutting}")),
        );
        faults
    });
    assert_eq!(faults, [""; 0]);
}

/// Returns the differences, each with its field, without the one that [`WRONG`] lists. That one must exist.
fn unlisted(case: &Case, differences: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let name = format!("{}/{}", case.folder, case.name);
    let listed = WRONG.iter().find(|(wrong, _)| *wrong == name).map(|(_, field)| *field);
    let (wrong, mut faults): (Vec<_>, Vec<_>) =
        differences.partition(|(field, _)| Some(field.as_str()) == listed);
    if let Some(field) = listed.filter(|_| wrong.is_empty()) {
        faults
            .push((String::new(), format!("{field} is as expected: remove it from the list of wrong ones")));
    }
    faults.into_iter().map(|(_, fault)| fault).collect()
}

/// Returns all recordings; `None` if there are none on this machine.
pub fn recordings() -> Option<Vec<Case>> {
    Some(Case::find(&[root()?]).unwrap())
}

fn root() -> Option<PathBuf> {
    let named = std::env::var_os("LLM_GAUGE_CORPUS").map(PathBuf::from);
    let usual = || workspace_dir().join("../shared/corpus");
    let is_named = named.is_some();
    let root = named.unwrap_or_else(usual);
    if !is_named && !root.is_dir() {
        // Written directly, since the test harness captures the output of a passing test.
        let mut screen = std::io::stderr();
        let said = "SKIPPED: no recordings at ../shared/corpus; LLM_GAUGE_CORPUS names another folder";
        writeln!(screen, "\n{said}").unwrap();
        return None;
    }
    Some(root)
}
