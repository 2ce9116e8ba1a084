use serde_json::Value;

use super::*;

fn judged(
    case: &str,
    outcome: &'static str,
    scores: &[(&str, u8)],
    hallucination: Option<&'static str>,
) -> JudgedExchange {
    let reason = "it says \"a < b\"\n".to_owned();
    let score =
        |(name, score): &(&str, u8)| ((*name).to_owned(), Score { score: *score, reason: reason.clone() });
    JudgedExchange {
        folder: "recorded".to_owned(),
        case: case.to_owned(),
        outcome,
        detail: (outcome == "judge_error").then(|| "the judge answered with status 500".to_owned()),
        scores: scores.iter().map(score).collect(),
        hallucination: hallucination.map(|verdict| Finding { verdict, reason: "none".to_owned() }),
        judge_tokens: if scores.is_empty() { (0, 0) } else { (400, 60) },
    }
}

fn report(bars: &[(&str, f64)]) -> Report {
    let bars: Vec<_> = bars
        .iter()
        .map(|(criterion, mean)| Threshold { criterion: (*criterion).to_owned(), mean: *mean })
        .collect();
    let criteria = ["faithfulness", "relevance", "completeness"].map(str::to_owned).to_vec();
    let exchanges = vec![
        judged("good", "scored", &[("faithfulness", 5), ("relevance", 4), ("completeness", 5)], Some("no")),
        judged("bad", "scored", &[("faithfulness", 2), ("relevance", 3), ("completeness", 5)], Some("yes")),
        judged("bare", "scored", &[("relevance", 4), ("completeness", 1)], None),
        judged("a-name-that-is-much-longer-than-the-room-that-a-table-has", "not_applicable", &[], None),
        judged("down", "judge_error", &[], None),
    ];
    Report::new("grader".to_owned(), criteria, exchanges, &bars)
}

#[test]
fn the_table_fits_and_adds_up() {
    let table = report(&[]).table();
    let expected = "\
exchange                           outcome         faithfulness relevance completeness hallucination
recorded/good                      scored                     5         4            5            no
recorded/bad                       scored                     2         3            5           yes
recorded/bare                      scored                     -         4            1             -
…er-than-the-room-that-a-table-has not_applicable             -         -            -             -
recorded/down                      judge_error                -         -            -             -
mean                               3 scored                3.50      3.67         3.67          50 %

judged by grader, which read 1200 tokens and wrote 180
";
    assert_eq!(table, expected);
    assert!(table.lines().all(|line| line.chars().count() <= COLUMNS), "{table}");
}

#[test]
fn a_threshold_is_met_by_its_own_value_and_not_below() {
    let unanswered = "1 of 5 exchanges: the judge answered with status 500";
    assert_eq!(report(&[("faithfulness", 3.5), ("relevance", 3.6)]).faults(), [unanswered]);
    assert_eq!(
        report(&[("faithfulness", 3.51), ("relevance", 3.67)]).faults(),
        [
            "faithfulness: expected a mean of at least 3.51, got 3.50",
            "relevance: expected a mean of at least 3.67, got 3.67",
            unanswered
        ]
    );
    let nothing =
        Report::new(String::new(), Vec::new(), Vec::new(), &[Threshold { criterion: "x".into(), mean: 1.0 }]);
    assert_eq!(nothing.faults(), ["x: expected a mean of at least 1, got no score"]);
}

#[test]
fn json_has_reasons_and_means() {
    let json: Value = serde_json::to_value(report(&[("relevance", 4.0)])).unwrap();
    assert_eq!(json["means"]["faithfulness"], serde_json::json!({"mean": 3.5, "scores": 2}));
    assert_eq!(json["hallucination"], 0.5);
    assert_eq!(json["outcomes"], serde_json::json!({"judge_error": 1, "not_applicable": 1, "scored": 3}));
    assert_eq!(json["bars"][0]["met"], false);
    assert_eq!(json["exchanges"][1]["scores"]["faithfulness"]["score"], 2);
    assert_eq!(json["exchanges"][1]["scores"]["faithfulness"]["reason"], "it says \"a < b\"\n");
    assert_eq!(json["exchanges"][4]["detail"], "the judge answered with status 500");
}

#[test]
fn junit_has_a_case_for_each_exchange_and_bar() {
    let xml = report(&[("faithfulness", 3.5), ("relevance", 4.0)]).junit();
    for part in [
        "<testsuite name=\"exchanges\" tests=\"5\" errors=\"1\" skipped=\"1\">",
        "<testcase classname=\"recorded\" name=\"bad\">",
        "<property name=\"faithfulness\" value=\"2: it says &quot;a &lt; b&quot;&#10;\"/>",
        "<property name=\"hallucination\" value=\"yes: none\"/>",
        "<skipped message=\"not_applicable\"/>",
        "<error type=\"judge_error\" message=\"the judge answered with status 500\"/>",
        "<testsuite name=\"bars\" tests=\"2\" failures=\"1\">",
        "<testcase classname=\"bars\" name=\"relevance &gt;= 4\">\n      <failure message=\"expected a mean of at least 4, got 3.67\"/>",
    ] {
        assert_eq!(xml.matches(part).count(), 1, "{part}\n{xml}");
    }
    assert_eq!(junit::escaped("a\u{0}\u{1b}b'\u{2028}\u{fffe}"), "a\u{fffd}\u{fffd}b'\u{2028}\u{fffd}");
}
