use super::*;
use crate::workspace::cases_dir;

fn uses_by(format: &str, cases: &[&str]) -> Vec<RuleUse> {
    let files = cases.iter().map(|name| cases_dir().join(format!("{name}.case.json")));
    let cases = Case::find(&files.collect::<Vec<_>>()).unwrap();
    uses(formats::named(format).unwrap(), &cases).unwrap()
}

fn unneeded(uses: &[RuleUse]) -> Vec<&str> {
    uses.iter().filter(|rule| rule.needed_by.is_none()).map(|rule| rule.rule.as_str()).collect()
}

#[test]
fn rules_that_no_case_needs_are_found() {
    let uses = uses_by("replicate_predictions", &["replicate_predictions/unary"]);
    let first = RuleUse { part: RulePart::Request, rule: "model: Model".to_owned(), needed_by: None };
    assert_eq!((uses.len(), &uses[0]), (4, &first));
    let without_error_case =
        ["model: Model", "error: Error", "error.type: ErrorType", "error.code: ErrorCode"];
    assert_eq!(unneeded(&uses), without_error_case);
}

#[test]
fn a_rule_of_a_shared_list_is_held_by_a_case_of_another_row() {
    // The name of an error is in the head for every row of InvokeModel.
    let case = "bedrock_titan/error-400";
    let uses = uses_by("bedrock_jurassic", &[case, "bedrock_jurassic/unary"]);
    let errors = uses.iter().find(|rule| rule.rule == "x-amzn-errortype: ErrorType").unwrap();
    assert_eq!((errors.part, errors.needed_by.as_deref()), (RulePart::ResponseHead, Some(case)));
}

#[test]
fn a_case_that_fails_with_all_rules_is_an_error() {
    let mut cases = Case::find(&[cases_dir().join("cohere_embed/unary.case.json")]).unwrap();
    cases[0].expected.insert("choices".to_owned(), 7.into());
    let error = uses(formats::named("cohere_embed").unwrap(), &cases).unwrap_err().to_string();
    let expected = "cohere_embed/unary: choices: expected 7, got ";
    assert!(error.starts_with(expected) && error.ends_with(", with all rules of its row"), "{error}");
}

#[test]
fn rules_are_described_in_words() {
    let format = formats::named("gemini_interactions").unwrap();
    let rules: Vec<_> = format.response[0].iter().map(in_words).collect();
    for expected in [
        "status: Finish in documents without a kind",
        "step.type: ToolCall if \"function_call\" in \"step.start\"",
        "usage.input_tokens_by_modality[].tokens: UsageOf",
    ] {
        assert!(rules.iter().any(|rule| rule == expected), "{expected}: {rules:?}");
    }
}
