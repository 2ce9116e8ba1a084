use proptest::prelude::*;

use super::*;
use crate::limits::LABEL_BYTES_MAX;

/// Extracts labels from a stat's name as `stats_tags` with `(\.label=\.=(.*?);\.;)` do, one label after the other.
fn extract(stat: &str, labels: &[&str]) -> (String, Vec<String>) {
    let mut name = stat.to_owned();
    let mut values = Vec::new();
    for label in labels {
        let (before, from_value) = stat.split_once(&format!(".{label}=.=")).unwrap();
        let (value, after) = from_value.split_once(";.;").unwrap();
        assert!(
            stat.len()
                == before
                    .len()
                    .saturating_add(label.len())
                    .saturating_add(value.len())
                    .saturating_add(after.len())
                    .saturating_add(7)
        );
        name = name.replacen(&format!(".{label}=.={value};.;"), "", 1);
        values.push(value.to_owned());
    }
    (name, values)
}

fn check(value: &str, expected: &str) {
    assert_eq!(label_value(value), expected, "{value:?}");
    let stat = stat(&TIME_TO_FIRST_BYTE, [("provider", value), ("model", "m")].into_iter());
    assert_eq!(stat, format!("llm_time_to_first_byte_milliseconds.provider=.={expected};.;.model=.=m;.;"));
}

#[test]
fn stat_name_has_the_labels() {
    assert_eq!(stat(&BUILD_INFO, [].into_iter()), "llm_gauge_build_info");
    let labels = [("provider", "openai"), ("model", "gpt-4o")];
    let expected = "llm_tokens_total.provider=.=openai;.;.model=.=gpt-4o;.;";
    assert_eq!(stat(&TOKENS, labels.into_iter()), expected);
}

#[test]
fn label_value_replaces_marks_and_control_characters() {
    check("", "unknown");
    check("a;.;b", "a;_;b");
    check(";.", ";_");
    check(";;..;", ";;_.;");
    check(".;", ".;");
    check("x;", "x;");
    check("a\nb\r\t\0\u{7f}\u{85}", "a_b_____");
    check("x.status=.=success", "x.status=_=success");
    check("=.==.=", "=_==_=");
    check("\"quoted\" {a=\"b\"}\\", "\"quoted\" {a=\"b\"}\\");
    check("gpt-4.1:free/é", "gpt-4.1:free/é");
}

#[test]
fn label_value_is_cut_off_between_characters() {
    check(&"x".repeat(200_000), &"x".repeat(128));
    check(&"x".repeat(128), &"x".repeat(128));
    check(&format!("{}é", "x".repeat(127)), &"x".repeat(127));
    check(&format!("{}é", "x".repeat(126)), &format!("{}é", "x".repeat(126)));
    check(&"😀".repeat(33), &"😀".repeat(32));
}

#[test]
fn label_name_is_a_prometheus_name_in_lower_case() {
    for (name, is_good) in
        [("a", true), ("a_1", true), ("", false), ("_a", false), ("1a", false), ("A", false)]
    {
        assert_eq!(is_label_name(name), is_good, "{name}");
    }
    for name in ["a-b", "a b", "a.b", "é", "a\n"] {
        assert!(!is_label_name(name), "{name}");
    }
}

#[test]
fn metrics_are_unique_and_no_label_is_the_end_of_another() {
    let names = label_names();
    for name in &names {
        assert!(is_label_name(name), "{name}");
        let others = names.iter().filter(|other| *other != name);
        let alike: Vec<_> = others.filter(|other| other.ends_with(name)).collect();
        assert!(alike.is_empty(), "{name} ends {alike:?}");
    }
    let mut metrics: Vec<_> = ALL.iter().map(|metric| metric.name).collect();
    metrics.sort_unstable();
    metrics.dedup();
    assert_eq!(metrics.len(), ALL.len());
}

proptest! {
    #[test]
    fn stats_tags_extract_the_labels_of_any_values(
        values in prop::array::uniform5("([;.=]|model|\\.status|=\\.=|;\\.;|error=\\.=|\\PC|\n){0,12}"),
    ) {
        let labels = REQUESTS.labels;
        let stat = stat(&REQUESTS, labels.iter().copied().zip(values.iter().map(String::as_str)));
        let expected: Vec<_> = values.iter().map(|value| label_value(value)).collect();
        prop_assert_eq!(extract(&stat, labels), (REQUESTS.name.to_owned(), expected.clone()));
        for value in &expected {
            prop_assert!(value.len() <= LABEL_BYTES_MAX && !value.is_empty() && !value.contains(char::is_control));
            prop_assert_eq!(&label_value(value), value);
        }
    }
}
