//! Errors of `judge`.

use super::{accepted, refused};

/// Asserts the error of a `judge` with these keys beside a cluster and a model.
#[track_caller]
fn judge_refused(keys: &str, message: &str) {
    let document = format!(
        r#"{{"labels":[{{"name":"tenant","header":"x-tenant"}}],"judge":{{"cluster":"c","model":"m",{keys}}}}}"#
    );
    refused(&document, &format!("judge.{message}"));
}

#[test]
fn judges_need_a_cluster_and_a_model() {
    let filled = "expected a string that is not empty";
    refused(r#"{"judge":{}}"#, &format!("judge.cluster: {filled}, got nothing"));
    refused(r#"{"judge":{"cluster":"c"}}"#, &format!("judge.model: {filled}, got nothing"));
    refused(r#"{"judge":{"cluster":" ","model":"m"}}"#, &format!("judge.cluster: {filled}, got ` `"));
    refused(r#"{"judge":{"cluster":7,"model":"m"}}"#, "judge.cluster: expected a string, got 7");
    judge_refused(r#""judges":[{"cluster":"d"}]"#, &format!("judges[0].model: {filled}, got nothing"));
}

#[test]
fn judges_are_refused_with_their_key() {
    judge_refused(r#""path":"v1""#, "path: expected a path such as `/v1/chat/completions`, got `v1`");
    judge_refused(
        r#""path":"/v1\r\nx: y""#,
        r"path: expected a path such as `/v1/chat/completions`, got `/v1\r\nx: y`",
    );
    judge_refused(r#""path":"/v1 x""#, "path: expected a path such as `/v1/chat/completions`, got `/v1 x`");
    judge_refused(
        r#""authority":"a\nb""#,
        r"authority: expected a host such as `judge.internal`, got `a\nb`",
    );
    refused(
        r#"{"judge":{"cluster":"a b","model":"m"}}"#,
        "judge.authority: expected a host such as `judge.internal`, got `a b`",
    );
    accepted(r#"{"judge":{"cluster":"a b","model":"m","authority":"h"}}"#);
    judge_refused(r#""panel":"on""#, "panel: expected a second judge in `judges`, got one judge");
    judge_refused(r#""weight":0"#, "weight: expected at least 1 for one of the judges, got 0");
    judge_refused(
        r#""budget":{"usd_per_hour":1}"#,
        "budget.usd_per_hour: expected a row in `prices` for the model `m` of `openai`, got none",
    );
}

#[test]
fn sample_rules_are_refused_with_their_key() {
    judge_refused(r#""sample_rate":"all""#, "sample_rate: expected a number, got `all`");
    judge_refused(r#""rules":[{"model":"a"}]"#, "rules[0].sample_rate: expected a number, got nothing");
    judge_refused(
        r#""rules":[{"labels":{"tenant":"a","team":"a"},"sample_rate":1}]"#,
        "rules[0].labels: expected names of labels in `labels`, got `team`",
    );
    judge_refused(
        r#""rules":[{"labels":{"tenant":7},"sample_rate":1}]"#,
        "rules[0].labels.tenant: expected a string, got 7",
    );
}

#[test]
fn criteria_are_refused_with_their_key() {
    let name = "expected lower-case letters, digits and _, a letter first";
    judge_refused(
        r#""criteria":[{"name":"A b","definition":"d"}]"#,
        &format!("criteria[0].name: {name}, got `A b`"),
    );
    for taken in ["nonce", "hallucination"] {
        judge_refused(
            &format!(r#""criteria":[{{"name":"{taken}","definition":"d"}}]"#),
            &format!("criteria[0].name: expected a name that is not taken, got `{taken}`"),
        );
    }
    judge_refused(
        r#""criteria":[{"name":"a","definition":"d"},{"name":"a","definition":"d"}]"#,
        "criteria[1].name: expected a name that is not taken, got `a`",
    );
    judge_refused(
        r#""criteria":[{"name":"a"}]"#,
        "criteria[0].definition: expected a string that is not empty, got nothing",
    );
    judge_refused(
        r#""criteria":[{"name":"a","definition":"d","scale":{"1":"w","6":"x"}}]"#,
        "criteria[0].scale: expected scores from `1` to `5`, got `6`",
    );
    judge_refused(
        r#""criteria":[],"hallucination":"off""#,
        "criteria: expected at least 1 item if `hallucination` is `off`, got 0",
    );
}

#[test]
fn context_is_refused_with_its_item() {
    judge_refused(
        r#""context":["system","history"]"#,
        "context[1]: expected `system`, `tool_results`, `documents`, or an object, got `history`",
    );
    judge_refused(
        r#""context":[{"header":"X-Up"}]"#,
        "context[0].header: expected a header name in lower case, got `X-Up`",
    );
    judge_refused(
        r#""context":[{"pointer":"a"}]"#,
        "context[0].pointer: expected a JSON pointer such as `/metadata/context`, got `a`",
    );
    judge_refused(
        r#""context":[{"pointer":"/a/0"}]"#,
        "context[0].pointer: expected keys without `~`, and `*` for every item of a list, got `/a/0`",
    );
    judge_refused(
        r#""context":[{"tag":"<a>"}]"#,
        "context[0].tag: expected letters, digits, _ and -, got `<a>`",
    );
    let one = "context[0].tag: expected one of `tag`, `header` and `pointer`, got";
    judge_refused(r#""context":[{}]"#, &format!("{one} nothing"));
    judge_refused(r#""context":[{"tag":"a","header":"b"}]"#, &format!("{one} several"));
}
