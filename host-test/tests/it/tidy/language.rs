//! The project's English: how doc comments begin, which words are plain, and which names a type may have.

use std::collections::BTreeMap;

use super::source::{Source, TextKind};

/// The folders in which every comment and every text has been brought to the rules below.
const SWEPT: &[&str] = &["host-test", "gauge", "benches", "plugin"];

/// The source folders whose type names are checked, one for each crate.
const CRATES: &[&str] = &[
    "plugin/src",
    "plugin/component/src",
    "plugin/decode/src",
    "plugin/decode/fuzz",
    "plugin/engine/src",
    "plugin/engine/fuzz",
    "host-test/src",
    "host-test/tests",
    "host-test/probe/src",
    "host-test/simulators/src",
    "gauge/src",
    "gauge/tests",
    "gauge/collector/src",
    "benches/src",
    "benches/benches",
    "benches/guest/src",
];

/// This file quotes the words that it refuses.
const THIS_FILE: &str = "host-test/tests/it/tidy/language.rs";

/// Openings of a doc comment that describe the item indirectly. Name what the item is or does: "The time at which ...",
/// "Returns ...", "`None` if ...".
const BANNED_OPENINGS: &[&str] = &[
    "Likewise",
    "No one",
    "Nobody",
    "Not there",
    "So many",
    "Somebody",
    "The same",
    "There where",
    "What",
    "Where",
    "Whoever",
    "Whose",
    "Why",
];

/// Words and phrases with a plain one to use instead.
const BANNED_WORDS: &[(&str, &str)] = &[
    ("anew", "again"),
    ("are told", "are reported, receive"),
    ("be told", "be reported, receive"),
    ("by kind of", "per"),
    ("by now", "already"),
    ("by then", "already, at that time"),
    ("came of", "the result of"),
    ("can not", "cannot"),
    ("come of", "the result of"),
    ("comes of", "the result of"),
    ("dear", "expensive"),
    ("dearer", "more expensive"),
    ("dearest", "most expensive"),
    ("for ever", "without a limit, forever"),
    ("in life", "in production"),
    ("is told", "is reported, receives"),
    ("likewise", "also"),
    ("made up", "hallucinated, invented, consists of"),
    ("nobody", "no one, or name who or what it is"),
    ("not so much as", "not even"),
    ("there where", "where, if"),
    ("was told", "was reported, received"),
    ("were told", "were reported, received"),
    ("whoever", "name who it is"),
    ("whosoever", "name who it is"),
    ("without a word", "silently, without an error"),
];

/// Participles, gerunds and adjectives that are not nouns of the field: a type is named after what it is.
const BANNED_TYPE_NAMES: &[&str] = &[
    "Active",
    "Added",
    "Announced",
    "Answered",
    "Answering",
    "Asked",
    "Bad",
    "Begun",
    "Broken",
    "Calling",
    "Compiled",
    "Counted",
    "Drawn",
    "Due",
    "Ended",
    "Found",
    "Framed",
    "Given",
    "Heard",
    "Held",
    "Holding",
    "Into",
    "Joined",
    "Judged",
    "Kept",
    "Listening",
    "Lost",
    "Made",
    "Measured",
    "Metered",
    "Nobody",
    "Odd",
    "Passed",
    "Planned",
    "Played",
    "Read",
    "Reading",
    "Received",
    "Receiving",
    "Refused",
    "Rejected",
    "Rewriting",
    "Running",
    "Said",
    "Sampled",
    "Seen",
    "Shared",
    "Shown",
    "Spent",
    "Stopping",
    "Told",
    "UnderWay",
    "Unmetered",
    "Waiting",
    "Wanted",
    "Watched",
    "Whole",
    "Worst",
    "Written",
];

#[test]
fn doc_comments_begin_with_what_the_item_is() {
    let faults: Vec<_> = swept(SWEPT).iter().flat_map(opening_faults).collect();
    assert_eq!(faults, [""; 0]);
}

#[test]
fn texts_use_plain_words() {
    let faults: Vec<_> = swept(SWEPT).iter().flat_map(word_faults).collect();
    assert_eq!(faults, [""; 0]);
}

#[test]
fn public_type_names_are_unique_within_a_crate() {
    let faults: Vec<_> = CRATES.iter().flat_map(|folder| duplicate_faults(&swept(&[folder]))).collect();
    assert_eq!(faults, [""; 0]);
}

#[test]
fn type_names_are_nouns() {
    let faults: Vec<_> = swept(CRATES).iter().flat_map(noun_faults).collect();
    assert_eq!(faults, [""; 0]);
}

fn swept(folders: &[&str]) -> Vec<Source> {
    let sources = folders.iter().flat_map(|folder| Source::below(folder));
    sources.filter(|source| source.path != THIS_FILE).collect()
}

fn opening_faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for block in source.texts().iter().filter(|block| block.kind == TextKind::Doc) {
        let banned = BANNED_OPENINGS.iter().find(|opening| {
            let rest = block.text.strip_prefix(**opening);
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        });
        faults
            .extend(banned.map(|opening| format!("{}:{}: begins with `{opening}`", source.path, block.line)));
    }
    faults
}

fn word_faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for block in source.texts() {
        let words = block.text.to_lowercase();
        let words = words.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        let text = format!(" {} ", words.collect::<Vec<_>>().join(" "));
        for (banned, plain) in BANNED_WORDS.iter().filter(|(banned, _)| text.contains(&format!(" {banned} ")))
        {
            faults.push(format!("{}:{}: `{banned}`: use `{plain}`", source.path, block.line));
        }
    }
    faults
}

/// Tests inside a crate are left out: a naive twin of a type bears its name on purpose.
fn duplicate_faults(sources: &[Source]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_test() || source.path.contains("/it/")) {
        for declaration in source.types().into_iter().filter(|declaration| declaration.is_public) {
            let place = format!("{}:{}", source.path, declaration.line);
            places.entry(declaration.name).or_default().push(place);
        }
    }
    let places = places.into_iter().filter(|(_, places)| places.len() > 1);
    places.map(|(name, places)| format!("`{name}` is declared in {}", places.join(" and "))).collect()
}

fn noun_faults(source: &Source) -> Vec<String> {
    let declarations = source.types().into_iter();
    let banned = declarations.filter(|declaration| BANNED_TYPE_NAMES.contains(&declaration.name.as_str()));
    banned.map(|found| format!("{}:{}: `{}` is no noun", source.path, found.line, found.name)).collect()
}

#[test]
fn faults_are_found_where_they_are() {
    let text = "//! What it is.\n//!\n//! Whatever.\n\n/// The queue. It is\n/// told nothing.\npub struct Asked;\n\n// Nobody\nfn f() { g(\"made\u{20}up\", \"made UP\", 'a') }\n/// A.\npub(crate) enum Asked {}\nenum Asked {}\n";
    let source = Source::of("a.rs", text);
    assert_eq!(opening_faults(&source), ["a.rs:1: begins with `What`"]);
    let expected = [
        "a.rs:5: `is told`: use `is reported, receives`",
        "a.rs:9: `nobody`: use `no one, or name who or what it is`",
        "a.rs:10: `made up`: use `hallucinated, invented, consists of`",
        "a.rs:10: `made up`: use `hallucinated, invented, consists of`",
    ];
    assert_eq!(word_faults(&source), expected);
    assert_eq!(noun_faults(&source).len(), 3);
    assert_eq!(duplicate_faults(&[source]), ["`Asked` is declared in a.rs:7 and a.rs:12"]);
}
