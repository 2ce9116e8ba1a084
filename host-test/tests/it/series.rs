//! Label values with their own series are bounded over all workers of the proxy, whatever clients send.

use std::collections::BTreeSet;

use host_test::{ChunkPlan, Exchange, Guest, Headers, Options, SharedProxyState, drive};

use crate::common;

const CONFIGURATION: &str = r#"{"models":{"max_series":20,"known":["known"]},
    "labels":[{"name":"team","header":"x-team","max_values":5}]}"#;

fn workers(proxy_state: &SharedProxyState, count: usize, has_shared_data: bool) -> Vec<Guest> {
    let start = |_| {
        let proxy_state = proxy_state.clone();
        let options = Options { proxy_state, has_shared_data, ..Options::configured(CONFIGURATION) };
        Guest::start(&common::filter(), options).unwrap()
    };
    (0..count).map(start).collect()
}

fn ask(guest: &mut Guest, model: &str, team: &str, status: u16) {
    let request = Headers::request("POST", "api.openai.com", "/v1/chat/completions").with("x-team", team);
    let response = Headers::response(status).with("content-type", "application/json");
    let body = format!(r#"{{"model":"{model}"}}"#);
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    drive(guest, &Exchange::new(request, body, response, answer), &ChunkPlan::whole()).unwrap();
}

/// Returns the values of a label in all stats of the proxy.
fn values(proxy_state: &SharedProxyState, label: &str) -> BTreeSet<String> {
    let proxy_state = proxy_state.lock();
    let mark = format!("{label}=.=");
    let stats = proxy_state.metrics.keys().filter_map(|(stat, _)| stat.split_once(&mark));
    stats.filter_map(|(_, value)| Some(value.split_once(";.;")?.0.to_owned())).collect()
}

#[test]
fn all_workers_together_admit_as_many_values_as_one_may() {
    let proxy_state = SharedProxyState::new();
    let mut guests = workers(&proxy_state, 3, true);
    for number in 0..60 {
        let guest = &mut guests[number % 3];
        ask(guest, &format!("hostile-{number}"), &format!("team-{number}"), 404);
    }
    // Half of the table is open to names of failed exchanges; the known model is in it without a request.
    let models = values(&proxy_state, "model");
    assert_eq!(models.len(), 9 + 1, "nine names and `other`: {models:?}");
    assert_eq!(values(&proxy_state, "team").len(), 5 + 1);
    for number in 0..60 {
        let guest = &mut guests[number % 3];
        ask(guest, &format!("real-{number}"), "team-0", 200);
    }
    assert_eq!(values(&proxy_state, "model").len(), 19 + 1);
    ask(&mut guests[0], "known", "team-0", 404);
    assert_eq!(values(&proxy_state, "model").len(), 20 + 1);
    let overflow = guests[0].host().metric("llm_gauge_series_overflow_total.limit=.=models;.;");
    assert_eq!(overflow, Some(51 + 50));
}

#[test]
fn a_value_admitted_by_one_worker_has_its_series_in_all() {
    let proxy_state = SharedProxyState::new();
    let mut guests = workers(&proxy_state, 2, true);
    ask(&mut guests[0], "hostile", "a", 404);
    (0..40).for_each(|number| ask(&mut guests[0], &format!("real-{number}"), "a", 200));
    ask(&mut guests[1], "hostile", "a", 404);
    let stat = "llm_requests_total.provider=.=openai;.;.model=.=hostile;.;.operation=.=chat;.;.status=.=error;.;.error=.=not_found;.;.team=.=a;.;";
    assert_eq!(guests[1].host().metric(stat), Some(2));
}

#[test]
fn a_host_without_shared_data_bounds_each_worker() {
    let proxy_state = SharedProxyState::new();
    let mut guests = workers(&proxy_state, 2, false);
    for number in 0..60 {
        ask(&mut guests[number % 2], &format!("hostile-{number}"), "a", 404);
    }
    assert_eq!(values(&proxy_state, "model").len(), 2 * 9 + 1);
}
