//! The repository follows its own rules: the layering of modules, sizes, language, and valid names in what operators
//! read.

mod language;
mod names;
mod source;

use std::collections::BTreeSet;
use std::path::Path;

use simulators::workspace::workspace_dir;

use source::Source;

/// The engine's modules, each with those it may name. Each of those is further down, so there are no cycles.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("rewrite", &["config", "formats", "head", "limits", "scan"]),
    (
        "exchange",
        &[
            "config",
            "estimate",
            "formats",
            "head",
            "ids",
            "judge",
            "limits",
            "metrics",
            "record",
            "request",
            "response",
            "scan",
            "telemetry",
        ],
    ),
    ("response", &["estimate", "formats", "head", "judge", "limits", "price", "record", "scan", "usage"]),
    ("request", &["estimate", "formats", "head", "judge", "record", "scan"]),
    (
        "effects",
        &[
            "config",
            "feedback",
            "filter_state",
            "formats",
            "head",
            "ids",
            "json",
            "judge",
            "metrics",
            "price",
            "record",
            "series",
            "telemetry",
            "usage",
        ],
    ),
    ("series", &["config", "metrics", "price"]),
    (
        "config",
        &[
            "feedback",
            "filter_state",
            "formats",
            "head",
            "ids",
            "json",
            "judge",
            "limits",
            "metrics",
            "pattern",
            "price",
            "scan",
            "telemetry",
        ],
    ),
    ("telemetry", &["callouts", "ids", "json", "judge", "limits", "metrics", "record", "usage"]),
    ("formats", &["estimate", "judge", "limits", "pattern", "price", "record", "scan", "usage"]),
    ("scan", &["limits", "record", "simd"]),
    ("record", &["estimate", "ids", "judge", "price", "usage"]),
    ("judge", &["callouts", "head", "ids", "json", "limits", "metrics", "pattern", "price", "usage"]),
    ("price", &["usage"]),
    ("usage", &[]),
    ("metrics", &["limits"]),
    ("estimate", &["simd"]),
    ("filter_state", &[]),
    ("feedback", &["head", "ids", "json", "limits", "pattern"]),
    ("pattern", &[]),
    ("json", &["limits", "simd"]),
    ("simd", &[]),
    ("callouts", &["ids"]),
    ("ids", &["limits"]),
    ("limits", &[]),
    ("head", &[]),
];

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 60;

/// Words that identify a provider. They are in the rows of its formats and nowhere else.
const PROVIDERS: &[&str] = &[
    "openai",
    "anthropic",
    "claude",
    "gpt-",
    "gemini",
    "vertex",
    "bedrock",
    "cohere",
    "mistral",
    "groq",
    "deepseek",
    "perplexity",
    "openrouter",
    "together",
    "azure",
    "ollama",
];

#[test]
fn no_module_is_named_upwards() {
    for (place, (module, names)) in MAY_NAME.iter().enumerate() {
        for name in *names {
            let at = MAY_NAME.iter().position(|(other, _)| other == name);
            assert!(at.is_some_and(|at| at > place), "{module} -> {name} has to point down the list");
        }
    }
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for source in Source::below("plugin/engine/src") {
        let module = source.module();
        if module == "lib" || module == "testing" {
            continue; // `lib` only declares modules, and `testing` does not ship
        }
        let row = MAY_NAME.iter().find(|(name, _)| *name == module);
        let Some((module, allowed)) = row else {
            faults.push(format!("{}: give the module `{module}` a place in MAY_NAME", source.path));
            continue;
        };
        for name in source.crate_names() {
            if name == *module {
                continue;
            }
            match allowed.iter().find(|allowed| **allowed == name) {
                Some(allowed) => drop(used.insert((*module, *allowed))),
                None => faults.push(format!("{}: {module} may not name {name}", source.path)),
            }
        }
    }
    assert_eq!(faults, [""; 0]);
    let allowed = MAY_NAME.iter().flat_map(|(module, names)| names.iter().map(move |name| (*module, *name)));
    let unused: Vec<_> = allowed.filter(|edge| !used.contains(edge)).collect();
    assert_eq!(unused, [("", ""); 0], "unused edges");
}

#[test]
fn providers_are_named_in_their_formats_only() {
    let sources = Source::below("plugin/engine/src").into_iter().chain(Source::below("plugin/src"));
    let mut faults = Vec::new();
    for source in sources.filter(|source| source.module() != "formats") {
        for (number, line) in source.shipped_lines() {
            let line = line.to_lowercase();
            for provider in PROVIDERS.iter().filter(|provider| line.contains(**provider)) {
                faults.push(format!("{}:{number}: {provider}", source.path));
            }
        }
    }
    assert_eq!(faults, [""; 0]);
}

#[test]
fn one_file_calls_the_host() {
    let calling = |source: &Source| {
        let words = source.code_words();
        words.contains("hostcalls") || words.contains("unsafe")
    };
    let sources = Source::below("plugin/src").into_iter().chain(Source::below("plugin/engine/src"));
    let paths: Vec<_> = sources.filter(calling).map(|source| source.path).collect();
    let files = ["plugin/src/perform.rs", "plugin/src/perform/abi.rs", "plugin/src/perform/wasi.rs"];
    assert_eq!(paths, files);
}

#[test]
fn files_and_functions_fit_their_budgets() {
    let mut faults = Vec::new();
    for source in
        ["plugin", "host-test/src", "host-test/simulators/src", "gauge/src", "gauge/collector/src", "benches"]
            .into_iter()
            .flat_map(Source::below)
    {
        let lines = source.text.lines().count();
        if lines >= FILE_LINES_MAX {
            faults.push(format!("{}: {lines} lines", source.path));
        }
        for (name, lines) in source.functions() {
            if lines >= FUNCTION_LINES_MAX {
                faults.push(format!("{}: {name} has {lines} lines", source.path));
            }
        }
    }
    assert_eq!(faults, [""; 0]);
}

/// The compiler refuses an entry without its row; this test finds a row without its entry.
#[test]
fn every_row_is_in_the_list_of_formats() {
    let dir = "plugin/engine/src/formats";
    let list = std::fs::read_to_string(workspace_dir().join("plugin/engine/src/formats.rs")).unwrap();
    let mut missing = Vec::new();
    let mut rows = 0;
    for source in Source::below(dir) {
        let module = Path::new(&source.path).file_stem().unwrap().to_str().unwrap().to_owned();
        if module == "tests" {
            continue;
        }
        if !list.contains(&format!("mod {module};")) {
            missing.push(format!("mod {module};"));
        }
        for line in source.text.lines() {
            let row =
                line.trim_start().strip_prefix("pub const ").and_then(|rest| rest.split_once(": Format"));
            let Some((row, _)) = row else { continue };
            rows += 1;
            if !list.contains(&format!("    &{module}::{row},")) {
                missing.push(format!("&{module}::{row},"));
            }
        }
    }
    assert_eq!(missing, [""; 0]);
    assert_eq!(rows, llm_gauge_engine::formats::ALL.len());
    let names: BTreeSet<_> = llm_gauge_engine::formats::ALL.iter().map(|format| format.name).collect();
    assert_eq!(names.len(), rows, "two rows of one name");
}
