use crate::judge::{Facts, Sample};
use crate::policy::Policy;

fn compile(document: &str) -> Result<Policy, String> {
    let document = format!(r#"{{"labels":[{{"name":"tenant","header":"x-tenant"}}],"judge":{document}}}"#);
    Policy::parse(document.as_bytes()).map_err(|error| error.to_string())
}

const GOOD: &str = r#""cluster":"c","model":"m""#;

#[track_caller]
fn check_refusals(cases: &[(&str, &str)]) {
    for (document, message) in cases {
        let document = document.replace("GOOD", GOOD).replace("LONG", &"b".repeat(64));
        let told = compile(&document).err().unwrap_or_default();
        assert!(told.starts_with(message), "{document}: {told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
    assert!(compile(&format!("{{{GOOD}}}")).is_ok());
}

#[test]
fn what_would_be_taken_for_something_else_is_refused() {
    check_refusals(&[
        (r#"{GOOD,"timeout_ms":600001}"#, "judge.timeout_ms: expected at most 600000"),
        (r#"{GOOD,"timeout_ms":4294967296}"#, "judge.timeout_ms: expected at most 600000"),
        (
            r#"{GOOD,"criteria":[{"name":"aLONG","definition":"d"}]}"#,
            "judge.criteria[0].name: expected at most 64 letters",
        ),
        (
            r#"{GOOD,"criteria":[{"name":"hallucination","definition":"d"}]}"#,
            "judge.criteria[0].name: `hallucination` is taken",
        ),
        (r#"{GOOD,"path":"/v1\r\nx: y"}"#, "judge.path: expected a path"),
        (r#"{GOOD,"path":"/v1 x"}"#, "judge.path: expected a path"),
        (r#"{GOOD,"authority":"a\nb"}"#, "judge.authority: expected a host"),
    ]);
}

#[test]
fn messages_name_the_key() {
    check_refusals(&[
        ("7", "judge: expected an object"),
        ("{}", "judge: missing field `cluster`"),
        (r#"{"cluster":"c"}"#, "judge: missing field `model`"),
        (r#"{"cluster":7,"model":"m"}"#, "judge.cluster: expected a string"),
        (
            r#"{GOOD,"sample_rat":1}"#,
            "judge.sample_rat: unknown field `sample_rat`, expected one of `cluster`, `authority`",
        ),
        (r#"{GOOD,"sample_rate":1.5}"#, "judge.sample_rate: expected a number from 0 to 1"),
        (r#"{GOOD,"sample_rate":-0.1}"#, "judge.sample_rate: expected a number of at least 0"),
        (r#"{GOOD,"sample_rate":"all"}"#, "judge.sample_rate: expected a number of at least 0"),
        (r#"{GOOD,"rules":[{"model":"a"}]}"#, "judge.rules[0].sample_rate: expected a number from 0 to 1"),
        (
            r#"{GOOD,"rules":[{"labels":{"team":"a"},"sample_rate":1}]}"#,
            "judge.rules[0].labels: `team` is not among",
        ),
        (
            r#"{GOOD,"criteria":[{"name":"A b","definition":"d"}]}"#,
            "judge.criteria[0].name: expected lower-case",
        ),
        (
            r#"{GOOD,"criteria":[{"name":"nonce","definition":"d"}]}"#,
            "judge.criteria[0].name: `nonce` is taken",
        ),
        (r#"{GOOD,"criteria":[{"name":"a"}]}"#, "judge.criteria[0]: missing field `definition`"),
        (
            r#"{GOOD,"criteria":[{"name":"a","definition":"d","scale":{"6":"x"}}]}"#,
            "judge.criteria[0].scale: expected scores",
        ),
        (r#"{GOOD,"criteria":[],"hallucination":"off"}"#, "judge.criteria: expected at least one"),
        (r#"{GOOD,"context":["history"]}"#, "judge.context[0]: expected `system`"),
        (r#"{GOOD,"context":[{"header":"X-Up"}]}"#, "judge.context[0].header: expected a header's name"),
        (r#"{GOOD,"context":[{"pointer":"a"}]}"#, "judge.context[0].pointer: expected a JSON pointer"),
        (r#"{GOOD,"context":[{"pointer":"/a/0"}]}"#, "judge.context[0].pointer: expected keys"),
        (r#"{GOOD,"context":[{"tag":"<a>"}]}"#, "judge.context[0].tag: expected a name"),
        (r#"{GOOD,"max_in_flight":0}"#, "judge.max_in_flight: expected a number of at least 1"),
        (r#"{GOOD,"timeout_ms":1.5}"#, "judge.timeout_ms: expected a whole number"),
        (r#"{GOOD,"path":"v1"}"#, "judge.path: expected a path"),
        (r#"{GOOD,"panel":"on"}"#, "judge.panel: expected a second judge"),
        (r#"{GOOD,"judges":[{"cluster":"d"}]}"#, "judge.judges[0]: missing field `model`"),
        (r#"{GOOD,"weight":0}"#, "judge.weight: expected a judge"),
        (r#"{GOOD,"budget":{"usd_per_hour":1}}"#, "judge.budget.usd_per_hour: expected a row in `prices`"),
        (r#"{GOOD,"budget":{"calls":1}}"#, "judge.budget.calls: unknown field"),
        (r#"{GOOD,"headers":{"authorization":"s3cret\n"}}"#, "judge.headers: `authorization`"),
        (r#"{GOOD,"cluster":"d"}"#, "judge: duplicate field `cluster`"),
    ]);
}

fn facts<'a>(model: Option<&'a str>, path: &'a str, labels: &'a [String]) -> Facts<'a> {
    Facts { operation: "chat", path, model, labels }
}

#[test]
fn the_share_is_kept_and_grows_with_the_rate() {
    let sampled = |rate: &str| -> Vec<u32> {
        let policy = compile(&format!(r#"{{"cluster":"c","model":"m","sample_rate":{rate}}}"#)).unwrap();
        let plan = policy.judge().unwrap();
        let is_sampled = |number: &u32| {
            let trace = u128::from(*number).to_be_bytes();
            plan.sample(&trace, &facts(Some("m"), "/", &[])).is_some()
        };
        (1..=20_000).filter(is_sampled).collect()
    };
    // Ids that are counted up, the worst there are.
    let (few, some, all) = (sampled("0.05"), sampled("0.5"), sampled("1"));
    assert!((900..=1100).contains(&few.len()), "{}", few.len());
    assert!((9_800..=10_200).contains(&some.len()), "{}", some.len());
    assert!(few.iter().all(|number| some.contains(number)));
    assert_eq!((sampled("0").len(), all.len()), (0, 20_000));
    // Every proxy of a fleet has to decide so, whatever its version.
    assert_eq!(few.get(..6), Some(&[1, 18, 27, 43, 47, 58][..]));
}

#[test]
fn rules_have_shares_of_their_own() {
    let policy = compile(
        r#"{"cluster":"c","model":"m","sample_rate":0,"rules":[
            {"path":"/internal/*","sample_rate":0},{"labels":{"tenant":"a*"},"sample_rate":1},
            {"model":"gpt-*","operation":"chat","sample_rate":1}]}"#,
    )
    .unwrap();
    let plan = policy.judge().unwrap();
    let (trace, labels) = ([1; 16], ["acme".to_owned()]);
    let at_head = |facts: &Facts<'_>| plan.sample(&trace, facts).is_some();
    let at_end = |facts: &Facts<'_>| plan.is_sampled(Sample::of(&trace), facts);
    assert!(at_head(&facts(None, "/v1", &[])), "the model may still be one that is judged");
    assert!(!at_head(&facts(None, "/internal/x?y", &[])));
    assert!(!at_head(&Facts { operation: "embeddings", ..facts(Some("gpt-4"), "/v1", &[]) }));
    assert!(at_end(&facts(Some("gpt-4"), "/v1", &[])) && !at_end(&facts(Some("claude"), "/v1", &[])));
    assert!(
        at_end(&facts(Some("claude"), "/v1", &labels))
            && !at_end(&facts(Some("claude"), "/internal/", &labels))
    );
}
