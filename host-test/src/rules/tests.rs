use super::*;

fn rule(part: RulePart, rule: &str, needed_by: Option<&str>) -> RuleUse {
    RuleUse { part, rule: rule.to_owned(), needed_by: needed_by.map(str::to_owned) }
}

#[test]
fn report_lists_rules_by_part_and_then_the_unneeded_ones() {
    let long =
        "interaction.usage.output_tokens_by_modality[].modality: Modality in \"interaction.completed\"";
    let uses = [
        rule(RulePart::Request, "messages[].role: Role", None),
        rule(RulePart::Request, "model: Model", Some("acme_talk/unary")),
        rule(RulePart::Response, long, Some("other_talk/stream")),
    ];
    let expected = "request\n  ✗ messages[].role: Role\n  ✓ model: Model\n      unary\nresponse\n  \
                    ✓ interaction.usage.output_tokens_by_modality[].modality: Modality in\n      \
                    \"interaction.completed\"\n      other_talk/stream\nno case needs\n  \
                    request: messages[].role: Role\n";
    let report = report("acme_talk", &uses);
    assert_eq!(report, expected);
    assert!(report.lines().all(|line| line.chars().count() <= console::COLUMNS));
}

#[test]
fn rule_report_refuses_a_format_that_does_not_exist() {
    let error = run("acme_talk", &[], false).unwrap_err().to_string();
    assert!(error.starts_with("--without-each-rule: expected one of aleph_alpha_complete, "), "{error}");
    assert!(error.ends_with(", got `acme_talk`"), "{error}");
}
