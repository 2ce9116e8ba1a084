use super::*;

/// Returns the rules of `rules` that can never count: another rule goes on inside an object or array at their place,
/// and their field ignores those. A text may also be an array of parts, which further rules are for.
fn rules_that_ignore_a_container<F: Field>(rules: &[&[Rule<F>]]) -> Vec<String> {
    let all = || rules.iter().copied().flatten();
    let is_ignored = |rule: &&Rule<F>| {
        let mut inside = all().filter_map(|other| other.path.strip_prefix(rule.path));
        let is_text = rule.field.is_text() && rule.only.is_none();
        inside.any(|rest| rest.starts_with('.') || (rest.starts_with("[]") && !is_text))
    };
    let ignored = all().filter(is_ignored).filter(|rule| !rule.takes_containers());
    ignored.map(|rule| format!("{}: {:?}", rule.path, rule.field)).collect()
}

/// Returns the rules for everything inside a container (`.**`) whose field is no text.
fn deep_rules_without_text<F: Field>(rules: &[&[Rule<F>]]) -> Vec<String> {
    let deep = rules.iter().copied().flatten().filter(|rule| rule.path.ends_with(".**"));
    let faults = deep.filter(|rule| !rule.flows());
    faults.map(|rule| format!("{}: {:?}", rule.path, rule.field)).collect()
}

#[test]
fn rows_have_no_rule_that_ignores_the_container_at_its_place() {
    for format in ALL {
        assert_eq!(rules_that_ignore_a_container(format.request), [""; 0], "{}", format.name);
        assert_eq!(rules_that_ignore_a_container(format.response), [""; 0], "{}", format.name);
        assert_eq!(deep_rules_without_text(format.request), [""; 0], "{}", format.name);
        assert_eq!(deep_rules_without_text(format.response), [""; 0], "{}", format.name);
    }
}

#[test]
fn a_rule_that_ignores_the_container_at_its_place_is_found() {
    let inside = Rule::at("calls[].arguments.text", ResponseField::WholeAside);
    let on_object = Rule::at("calls[].arguments", ResponseField::WholeAside);
    let on_array = Rule::at("calls", ResponseField::Finish);
    let on_element = Rule::only("calls[]", "x", ResponseField::ToolCall);
    let good = Rule::at("calls[]", ResponseField::ToolCall);
    assert_eq!(
        rules_that_ignore_a_container(&[&[inside, on_object, on_array, on_element, good]]),
        ["calls[].arguments: WholeAside", "calls: Finish", "calls[]: ToolCall"]
    );
    let parts = Rule::at("content[].text", RequestField::Text);
    let text = Rule::at("content", RequestField::Text);
    assert_eq!(rules_that_ignore_a_container(&[&[parts, text]]), [""; 0]);
    let deep = Rule::at("usage.**", ResponseField::Usage(Count::Input));
    assert_eq!(deep_rules_without_text(&[&[deep]]), ["usage.**: Usage(Input)"]);
}

#[test]
fn model_in_path_is_decoded_and_cut_at_the_mark_behind_it() {
    let format = named("bedrock_converse").unwrap();
    let model = |path| model_in_path(format, path);
    assert_eq!(model("/model/a.b-v1%3A0/converse?x=/model/c/").as_deref(), Some("a.b-v1:0"));
    assert_eq!(model("/model/100%/converse").as_deref(), Some("100%"));
    assert_eq!(model("/model//converse"), None);
    assert_eq!(model("/model/unknown/converse"), None);
    assert_eq!(model("/other"), None);
}

#[test]
fn a_finish_reason_tells_whether_an_answer_is_whole_by_the_words_of_its_row() {
    let is_whole = |format: &str, reason: &str| named(format).unwrap().is_whole_answer(reason);
    for reason in ["PROHIBITED_CONTENT", "RECITATION", "SPII", "MALFORMED_CALL", "LANGUAGE", "IMAGE_OTHER"] {
        assert!(!is_whole("gemini_generate_content", reason), "{reason}");
        assert!(!is_whole("gemini_interactions", reason), "{reason}");
    }
    for (format, reason) in [
        ("anthropic_messages", "pause_turn"),
        ("bedrock_anthropic", "pause_turn"),
        ("bedrock_anthropic", "guardrail_intervened"),
        ("bedrock_converse", "guardrail_intervened"),
        ("bedrock_nova", "guardrail_intervened"),
        ("openai_chat", "Content_Filter"),
        ("cohere_v2_chat", "ERROR_TOXIC"),
    ] {
        assert!(!is_whole(format, reason), "{format} {reason}");
    }
    for (format, reason) in
        [("openai_chat", "stop"), ("openai_chat", "eos"), ("anthropic_messages", "end_turn")]
    {
        assert!(is_whole(format, reason), "{format} {reason}");
    }
}
