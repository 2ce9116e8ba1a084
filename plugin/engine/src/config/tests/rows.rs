//! Tests of the rows of the table of keys, as operators and tools read them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::table::{accepted_at, keys, refused_at};
use crate::config::keys::OBJECTS;
use crate::config::table;

#[test]
fn rows_are_sorted_unique_and_in_one_style() {
    let rows = table::rows();
    let paths: BTreeSet<_> = rows.iter().map(|row| row.path.as_str()).collect();
    assert_eq!((paths.len(), rows.len()), (keys().len(), keys().len()), "a path twice");
    for row in &rows {
        let is_sentence = row.meaning.ends_with('.') && !row.meaning.contains(['\n', '|']);
        assert!(is_sentence && row.meaning.len() <= 120, "{}: {} bytes", row.path, row.meaning.len());
        assert!(!row.kind.is_empty() && !row.default.is_empty(), "{}", row.path);
    }
    // Only numbers have units, and only numbers or strings have prices.
    assert!(
        rows.iter()
            .all(|row| row.unit.is_empty() || row.kind.contains("number") || row.unit.starts_with("USD"))
    );
}

#[test]
fn row_of_a_path_is_found_with_its_indices() {
    let path = |path: &str| table::nearest_row(path).map(|row| row.path);
    assert_eq!(path("judge.timeout_ms").as_deref(), Some("judge.timeout_ms"));
    assert_eq!(path("judge.judges[12].model").as_deref(), Some("judge.judges[].model"));
    assert_eq!(path("labels[].name").as_deref(), Some("labels[].name"));
    assert_eq!(path("redact[3]").as_deref(), Some("redact"));
    assert_eq!(path("judge.headers.x-api.key").as_deref(), Some("judge.headers"));
    assert_eq!(path("feedback.secret[1]").as_deref(), Some("feedback.secret"));
    assert_eq!(path("judge.timeout").as_deref(), Some("judge"));
    assert_eq!((path("nothing"), path("")), (None, None));
    assert_eq!(table::row("labels[0].name").map(|row| row.path).as_deref(), Some("labels[].name"));
    assert!(table::row("judge.headers.x").is_none());
    let names: Vec<_> = table::rows_in("feedback").into_iter().map(|row| row.path).collect();
    assert_eq!(names.first().map(String::as_str), Some("feedback.path"));
    assert_eq!(names.len(), 6);
    assert_eq!(table::rows_in("labels").len(), 4);
    assert_eq!(table::rows_in("").len(), 13);
    assert_eq!(table::rows_in("judge.timeout_ms").len(), 0);
}

#[test]
fn row_displays_meaning_type_default_and_bound() {
    assert_eq!(
        table::row("judge.timeout_ms").unwrap().to_string(),
        "judge.timeout_ms\n  Longest wait for one call to a judge.\n  type:    whole number, ms\n  \
         default: 30000\n  bound:   1 to 600000"
    );
    assert_eq!(
        table::row("estimate").unwrap().to_string(),
        "estimate\n  Whether tokens are estimated if a response ends without reported usage.\n  \
         type:    `on` or `off`\n  default: on"
    );
}

#[test]
fn markdown_has_a_table_per_object() {
    let markdown = table::markdown();
    let start = "## The document\n\n| key | type | unit | default | bound | meaning |\n|---|---|---|---|---|---|\n\
                 | `service` | string |  | `\"llm-gauge\"` |  | Name of the metered service: ";
    assert!(markdown.starts_with(start), "{markdown}");
    assert_eq!(markdown.matches("\n## `judge`\n").count(), 1);
    let headings: BTreeSet<_> = OBJECTS.iter().map(|object| object.path).collect();
    assert_eq!(markdown.matches("## ").count(), headings.len());
    let rows: Vec<_> = markdown.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), keys().len());
    assert!(rows.iter().all(|row| row.replace("\\|", "").matches('|').count() == 7));
    assert!(rows.contains(
        &"| `timeout_ms` | whole number | ms | 30000 | 1 to 600000 | Longest wait for one call to a judge. |"
    ));
}

#[test]
fn json_has_the_fields_of_each_row() {
    let json: Vec<Value> = serde_json::from_str(&table::json()).unwrap();
    let rows = table::rows();
    assert_eq!(json.len(), rows.len());
    for (json, row) in json.iter().zip(rows) {
        assert_eq!(
            *json,
            json!({
                "path": row.path, "type": row.kind, "unit": row.unit, "default": row.default, "bound": row.bound,
                "meaning": row.meaning, "is_secret": row.is_secret,
            })
        );
    }
}

/// Asserts that a native check refuses a size which the filter cannot hold.
#[test]
fn sizes_beyond_32_bits_are_refused() {
    for path in ["models.max_series", "labels[].max_values", "limits.request_bytes"] {
        accepted_at(path, &json!(u32::MAX));
        refused_at(path, &json!(1_u64 << 32), "at most 4294967295", "4294967296");
    }
}
