//! The budget of judging: for all workers together, for each alone if the proxy has no shared data, and with
//! conflicting writes of workers.

use host_test::{CallAnswer, Guest, LogLevel, Options, SharedProxyState};
use simulators::judge;

use super::{asked, check, exchange, play, under_way};
use crate::common;

/// The filter's number of tries to change the shared record.
const SWAPS_MAX: u32 = 32;

fn configuration(budget: &str) -> String {
    format!(r#"{{"judge":{{"cluster":"judge","model":"g","sample_rate":1,"budget":{budget}}}}}"#)
}

/// Returns two workers of one proxy.
fn workers(budget: &str, has_shared_data: bool) -> [Guest; 2] {
    let proxy_state = SharedProxyState::new();
    [0, 1].map(|seed| {
        let proxy_state = proxy_state.clone();
        let options =
            Options { proxy_state, seed, has_shared_data, ..Options::configured(configuration(budget)) };
        Guest::start(&common::filter(), options).unwrap()
    })
}

/// Answers every call in flight with a verdict.
fn answer_all(guest: &mut Guest) {
    while let Some(token) = under_way(guest) {
        let call = guest.host().in_flight().find(|call| call.token == token).unwrap();
        let answer = judge::answer(&call.body).unwrap();
        guest.answer(token, CallAnswer::new(200, answer)).unwrap();
    }
}

#[test]
fn all_workers_share_one_budget() {
    let mut workers = workers(r#"{"calls_per_minute":3}"#, true);
    for _ in 0..3 {
        for worker in &mut workers {
            play(worker, &exchange("It is 120 metres tall."));
        }
    }
    let calls: Vec<_> = workers.iter().map(|worker| worker.host().in_flight().count()).collect();
    assert_eq!(calls, [2, 1]);
    for worker in &mut workers {
        while let Some(token) = under_way(worker) {
            worker.answer(token, CallAnswer::timeout()).unwrap();
        }
        assert!(worker.host().logged(LogLevel::Warn).is_empty());
    }
    check(&workers[0], &[("over_budget", 3), ("timeout", 3)]);
    workers[0].advance_ms(60_000);
    play(&mut workers[0], &exchange("It is 120 metres tall."));
    assert_eq!(workers[0].host().in_flight().count(), 1);
}

#[test]
fn without_shared_data_each_worker_has_its_own() {
    let mut workers = workers(r#"{"calls_per_minute":3}"#, false);
    for _ in 0..5 {
        for worker in &mut workers {
            play(worker, &exchange("It is 120 metres tall."));
        }
    }
    for worker in &mut workers {
        assert_eq!(worker.host().in_flight().count(), 3);
        let warnings = worker.host().logged(LogLevel::Warn);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("`judge.budget` applies to each worker alone"), "{warnings:?}");
        answer_all(worker);
    }
    check(&workers[0], &[("over_budget", 4), ("scored", 6)]);
    workers[0].advance_ms(60_000);
    for _ in 0..4 {
        play(&mut workers[0], &exchange("It is 120 metres tall."));
    }
    answer_all(&mut workers[0]);
    check(&workers[0], &[("over_budget", 5), ("scored", 9)]);
}

#[test]
fn answered_calls_are_settled_at_their_real_cost() {
    for has_shared_data in [true, false] {
        // One call reserves about 1900 tokens, and costs 460: with the reservation alone not even two would fit.
        let [mut guest, _] = workers(r#"{"tokens_per_hour":3700}"#, has_shared_data);
        for _ in 0..4 {
            play(&mut guest, &exchange("It is 120 metres tall."));
            let (token, asked) = asked(&guest);
            guest.answer(token, CallAnswer::new(200, judge::completion(&asked.verdict()))).unwrap();
        }
        play(&mut guest, &exchange("It is 120 metres tall."));
        check(&guest, &[("over_budget", 1), ("scored", 4)]);
    }
}

#[test]
fn conflicting_swaps_are_retried_up_to_a_limit() {
    let [mut guest, _] = workers(r#"{"calls_per_minute":100}"#, true);
    guest.host_mut().raced_swaps = SWAPS_MAX - 1;
    play(&mut guest, &exchange("It is 120 metres tall."));
    answer_all(&mut guest);
    check(&guest, &[("scored", 1)]);
    // Every swap fails: what cannot be recorded is not spent.
    guest.host_mut().raced_swaps = SWAPS_MAX;
    play(&mut guest, &exchange("It is 120 metres tall."));
    check(&guest, &[("over_budget", 1), ("scored", 1)]);
    assert_eq!(guest.host().raced_swaps, 0);
    play(&mut guest, &exchange("It is 120 metres tall."));
    answer_all(&mut guest);
    check(&guest, &[("over_budget", 1), ("scored", 2)]);
}

#[test]
fn a_failed_settlement_is_added_to_the_next() {
    let [mut guest, _] = workers(r#"{"tokens_per_hour":3700}"#, true);
    for _ in 0..4 {
        play(&mut guest, &exchange("It is 120 metres tall."));
        guest.host_mut().raced_swaps = SWAPS_MAX;
        answer_all(&mut guest);
        assert_eq!(guest.host().raced_swaps, 0);
    }
    play(&mut guest, &exchange("It is 120 metres tall."));
    check(&guest, &[("over_budget", 1), ("scored", 4)]);
}
