use super::*;
use crate::config::Policy;
use crate::feedback::Rating;
use crate::ids::Ids;

const IDS: Ids = Ids { trace: [1; 16], span: [2; 8], parent: None };

fn given_of(model: &str, rating: Rating) -> Given {
    let request_id = "id".to_owned();
    Given { request_id, ids: IDS, model: model.to_owned(), rating, comment: Some("Gut.".to_owned()) }
}

fn counts(effects: &[Effect]) -> Vec<String> {
    let count = |effect: &Effect| match effect {
        Effect::Count { stat, by } => Some(format!("{stat} {by}")),
        _ => None,
    };
    effects.iter().filter_map(count).collect()
}

#[test]
fn feedback_counts_and_leaves() {
    let policy = Policy::parse(b"{}").unwrap();
    let effects = given(given_of("gpt-4o", Rating::Down), &mut Series::new(&policy), [0xAB; 24]);
    assert_eq!(counts(&effects), ["llm_feedback_total.model=.=gpt-4o;.;.rating=.=down;.; 1"]);
    let expected = Evaluation {
        request_id: "id".to_owned(),
        ids: IDS,
        model: "gpt-4o".to_owned(),
        name: "user_feedback".to_owned(),
        value: 0.0,
        label: "down".to_owned(),
        explanation: Some("Gut.".to_owned()),
        source: Source::User,
        uid: "ab".repeat(16),
    };
    assert_eq!(effects.get(1), Some(&Effect::Evaluation(Box::new(expected))));
    assert_eq!(effects.len(), 2);
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
fn models_are_folded_as_those_of_exchanges_are() {
    let policy = Policy::parse(br#"{"models":{"known":["m"],"max_series":2}}"#).unwrap();
    let mut series = Series::new(&policy);
    let mut of = |model| counts(&given(given_of(model, Rating::Points(5)), &mut series, [1; 24]));
    assert_eq!(of("m"), ["llm_feedback_total.model=.=m;.;.rating=.=5;.; 1"]);
    assert_eq!(of(""), ["llm_feedback_total.model=.=unknown;.;.rating=.=5;.; 1"]);
    assert_eq!(
        of("made-up"),
        [
            "llm_feedback_total.model=.=other;.;.rating=.=5;.; 1",
            "llm_gauge_series_overflow_total.limit=.=models;.; 1"
        ]
    );
}
