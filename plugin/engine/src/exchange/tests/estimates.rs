use super::*;

#[test]
fn tokens_are_estimated_if_they_are_not_reported() {
    let tokens = |case| record(case).estimated_tokens();
    let stream = Case { body: &OPENAI[..3], has_end: false, flags: CLIENT_LEFT, ..CHAT };
    // The prompt is a word of two letters in a message with its template; the answer is a word of five letters.
    assert_eq!(tokens(stream), (Some(8), Some(1)));
    assert_eq!(tokens(Case { body: &OPENAI[..1], ..stream }), (Some(8), Some(0)));
    assert_eq!(tokens(Case { body: OPENAI, ..stream }), (None, None));
    assert_eq!(tokens(Case { request: "", body: &[], ..stream }), (None, None));
    // The input was reported, and a first count of the output, which is `{}Hi` and a call.
    let part = Case { body: &ANTHROPIC[..5], ..MESSAGES };
    let cut = Case { flags: CLIENT_LEFT, has_end: false, ..part };
    assert_eq!(tokens(cut), (None, Some(40)));
    assert_eq!(record(cut).tokens(), (Some(33), Some(40)));
    assert_eq!(record(cut).source(), Some("reported"));
    assert_eq!(tokens(Case { body: &ANTHROPIC[..1], ..cut }), (None, Some(1)));
    assert_eq!(tokens(Case { body: ANTHROPIC, ..part }), (None, None));
    // A unary answer that breaks off, and an error body that is not an error object.
    let half = r#"{"choices":[{"message":{"content":"one two three"#;
    let unary = Case { body: &[(5, half)], content_type: "application/json", ..stream };
    assert_eq!(tokens(unary), (Some(8), Some(3)));
    assert_eq!(tokens(Case { code: "500", flags: 0, ..unary }), (None, None));
}

#[test]
fn a_prompt_consists_of_texts_turns_and_tools() {
    let prompt_of = |request| {
        let case = Case { request, body: &OPENAI[..1], has_end: false, flags: CLIENT_LEFT, ..CHAT };
        let prompt = record(case).estimate.unwrap().prompt;
        (prompt.text.characters(), prompt.turns, prompt.values)
    };
    assert_eq!(
        prompt_of(r#"{"messages":[{"role":"user","content":"a\u00e9\n"},{"content":[{"text":"b"}]}]}"#),
        (4, 2, 0)
    );
    let image = r#"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}"#;
    assert_eq!(prompt_of(image), (0, 1, 0));
    let tools =
        r#"{"tools":[{"function":{"name":"add","parameters":{"x":{"type":"int"},"required":["x"],"n":1}}}]}"#;
    assert_eq!(prompt_of(tools), (7, 0, 10));
    assert_eq!(prompt_of(&format!(r#"{{"tools":{{"{}":"gone"}}}}"#, "k".repeat(65))), (0, 0, 1));
}
