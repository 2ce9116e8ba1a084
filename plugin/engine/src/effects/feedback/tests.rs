use super::*;
use crate::config::Policy;
use crate::feedback::Rating;
use crate::ids::Ids;
use crate::judge::EvaluationSource;

const IDS: Ids = Ids { trace: [1; 16], span: [2; 8], parent: None };

fn accepted(model: &str, rating: Rating) -> AcceptedFeedback {
    let request_id = "id".to_owned();
    AcceptedFeedback {
        request_id,
        ids: IDS,
        model: model.to_owned(),
        rating,
        comment: Some("Gut.".to_owned()),
    }
}

fn counts(effects: &Effects) -> Vec<String> {
    let count = |update: &StatUpdate| match update {
        StatUpdate::Count { stat, by } => Some(format!("{stat} {by}")),
        _ => None,
    };
    effects.stats.iter().filter_map(count).collect()
}

#[test]
fn feedback_is_counted_and_exported_if_events_are() {
    let effects = |policy: &str| {
        let policy = Policy::parse(policy.as_bytes()).unwrap();
        let mut series = Series::new(&policy);
        feedback_effects(accepted("gpt-4o", Rating::Down), &policy, &mut series, [0xAB; 24])
    };
    let exported = effects(r#"{"telemetry":{"cluster":"o"}}"#);
    assert_eq!(counts(&exported), ["llm_feedback_total.model=.=gpt-4o;.;.rating=.=down;.; 1"]);
    let expected = Evaluation {
        request_id: "id".to_owned(),
        ids: IDS,
        model: "gpt-4o".to_owned(),
        name: "user_feedback".to_owned(),
        value: 0.0,
        label: "down".to_owned(),
        explanation: Some("Gut.".to_owned()),
        source: EvaluationSource::User,
        uid: "ab".repeat(16),
    };
    assert_eq!(exported.jobs, [CalloutJob::Evaluation(Box::new(expected))]);
    assert_eq!((exported.stats.len(), exported.filter_state.len()), (1, 0));
    for policy in ["{}", r#"{"telemetry":{"cluster":"o","events":"off"}}"#] {
        let counted = effects(policy);
        assert_eq!((&counted.stats, counted.jobs.len()), (&exported.stats, 0));
    }
}

#[test]
fn every_rating_has_its_label_and_value() {
    let all = [(Rating::Up, "up", 1.0), (Rating::Down, "down", 0.0)];
    let points =
        (1..=5).map(|points| (Rating::Points(points), ["1", "2", "3", "4", "5"][usize::from(points) - 1]));
    for (rating, name, value) in
        all.into_iter().chain(points.map(|(rating, name)| (rating, name, name.parse().unwrap())))
    {
        assert_eq!((rating.name(), rating.value()), (name, value));
    }
}

#[test]
fn the_model_of_feedback_is_bounded_like_that_of_exchanges() {
    let policy = Policy::parse(br#"{"models":{"known":["m"],"max_series":2}}"#).unwrap();
    let mut series = Series::new(&policy);
    let mut of =
        |model| counts(&feedback_effects(accepted(model, Rating::Points(5)), &policy, &mut series, [1; 24]));
    assert_eq!(of("m"), ["llm_feedback_total.model=.=m;.;.rating=.=5;.; 1"]);
    assert_eq!(of(""), ["llm_feedback_total.model=.=unknown;.;.rating=.=5;.; 1"]);
    assert_eq!(
        of("invented"),
        [
            "llm_feedback_total.model=.=other;.;.rating=.=5;.; 1",
            "llm_gauge_series_overflow_total.limit=.=models;.; 1"
        ]
    );
}
