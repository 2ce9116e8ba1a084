use crate::config::Policy;
use crate::judge::{Facts, Sample};

fn compile(document: &str) -> Result<Policy, String> {
    let document = format!(r#"{{"labels":[{{"name":"tenant","header":"x-tenant"}}],"judge":{document}}}"#);
    Policy::parse(document.as_bytes()).map_err(|error| error.to_string())
}

fn facts<'a>(model: Option<&'a str>, path: &'a str, labels: &'a [String]) -> Facts<'a> {
    Facts { operation: "chat", path, model, labels }
}

#[test]
fn sample_has_the_configured_share_and_grows_with_the_rate() {
    let sampled = |rate: &str| -> Vec<u32> {
        let policy = compile(&format!(r#"{{"cluster":"c","model":"m","sample_rate":{rate}}}"#)).unwrap();
        let plan = policy.judge().unwrap();
        let is_sampled = |number: &u32| {
            let trace = u128::from(*number).to_be_bytes();
            plan.sample(&trace, &facts(Some("m"), "/", &[])).is_some()
        };
        (1..=20_000).filter(is_sampled).collect()
    };
    // Sequential ids are the worst case.
    let (few, some, all) = (sampled("0.05"), sampled("0.5"), sampled("1"));
    assert!((900..=1100).contains(&few.len()), "{}", few.len());
    assert!((9_800..=10_200).contains(&some.len()), "{}", some.len());
    assert!(few.iter().all(|number| some.contains(number)));
    assert_eq!((sampled("0").len(), all.len()), (0, 20_000));
    // Every proxy of a fleet must decide like this, whatever its version.
    assert_eq!(few.get(..6), Some(&[1, 18, 27, 43, 47, 58][..]));
}

#[test]
fn sample_rules_replace_the_share() {
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
    assert!(at_head(&facts(None, "/v1", &[])), "the model is unknown and may be one that is sampled");
    assert!(!at_head(&facts(None, "/internal/x?y", &[])));
    assert!(!at_head(&Facts { operation: "embeddings", ..facts(Some("gpt-4"), "/v1", &[]) }));
    assert!(at_end(&facts(Some("gpt-4"), "/v1", &[])) && !at_end(&facts(Some("claude"), "/v1", &[])));
    assert!(
        at_end(&facts(Some("claude"), "/v1", &labels))
            && !at_end(&facts(Some("claude"), "/internal/", &labels))
    );
}
