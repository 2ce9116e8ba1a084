//! Large, long or numerous inputs stay within their bounds, and what a bound drops is counted.

use super::*;

/// The maximum linear memory of the filter, for any traffic.
const GUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

fn within_memory(guest: &Guest) {
    let memory = guest.host().memory;
    assert!(memory.bytes <= GUEST_BYTES_MAX && memory.refusals == 0, "{memory:?}");
}

#[test]
fn one_event_of_ten_megabytes_is_read_and_not_kept() {
    let text = "x".repeat(10 * 1024 * 1024);
    let event = |text: &str| {
        let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": "stop"});
        let usage = json!({"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9});
        let chunk = json!({"choices": [choice], "usage": usage, "id": text, "model": text});
        format!("data: {chunk}\n\n")
    };
    let mut guest = metering();
    let body = [event(&text), "data: [DONE]\n\n".to_owned()].concat();
    let exchange = Exchange::new(request_head(), REQUEST, stream_head(), body);
    let report = play(&mut guest, &exchange, &ChunkPlan::every(16 * 1024));
    // Three texts of ten megabytes exceed the default bound of one event.
    assert_eq!(gaps(&report), json!(["event_too_large"]));

    let chunk = json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}});
    let body = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    let exchange = Exchange::new(request_head(), REQUEST, stream_head(), body);
    let report = play(&mut guest, &exchange, &ChunkPlan::every(16 * 1024));
    assert_eq!(gaps(&report), json!([]));

    counted(&guest, &[(SUCCESS, 2)]);
    let input =
        "llm_tokens_total.provider=.=openai;.;.model=.=gpt-4o-mini;.;.type=.=input;.;.source=.=reported;.;";
    assert_eq!(counter(&guest, input), Some(7));
    within_memory(&guest);
}

#[test]
fn header_values_of_a_megabyte_leave_nothing_behind() {
    let labels = json!([{"name": "team", "header": "x-team", "max_values": 60}]);
    let mut guest = start(&json!({"labels": labels, "filter_state": ["record"]}));
    for letter in 0..60 {
        let mut exchange = exchange();
        let value = vec![b'A' + letter; 1024 * 1024];
        exchange.request_headers.set("x-team", &value);
        exchange.response_headers = Some(response_head().with("x-trace", &value));
        play(&mut guest, &exchange, &ChunkPlan::whole());
    }
    let requests = common::requests(&guest);
    assert_eq!(requests.len(), 60);
    let team = "A".repeat(128);
    assert_eq!(requests[&format!("{SUCCESS}/{team}")], 1);
    within_memory(&guest);
}

#[test]
fn a_request_that_never_ends_is_not_kept() {
    let mut guest = metering();
    let mut stream = guest.open().unwrap();
    stream.request_headers(&request_head(), false).unwrap();
    stream.request_body(br#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":""#, false).unwrap();
    let chunk = [b'x'; 16 * 1024];
    for _ in 0..4096 {
        stream.request_body(&chunk, false).unwrap();
    }
    stream.end(Ending::ClientGone).unwrap();
    counted(&guest, &[("openai/gpt-4o-mini/chat/cancelled/client_cancelled", 1)]);
    within_memory(&guest);
}

/// An event that never ends, whose values are all wanted.
#[test]
fn one_document_of_a_million_values_is_bounded() {
    let mut guest = metering();
    let body = format!("{{\"choices\":[{}", r#"{"index":1,"finish_reason":"stop"},"#.repeat(200_000));
    let exchange = Exchange::new(request_head(), REQUEST, response_head(), body);
    let report = play(&mut guest, &exchange, &ChunkPlan::every(64 * 1024));
    assert_eq!(gaps(&report), json!(["truncated"]));
    within_memory(&guest);

    let choices: Vec<_> = (0..300).map(|index| json!({"index": index, "finish_reason": "stop"})).collect();
    let body = json!({"choices": choices}).to_string();
    let exchange = Exchange::new(request_head(), REQUEST, response_head(), body);
    let report = play(&mut guest, &exchange, &ChunkPlan::whole());
    assert_eq!(gaps(&report), json!(["too_many_values"]));
    counted(&guest, &[(SUCCESS, 2)]);
}

/// Clients choose model names: ten thousand invented ones, all of them answered.
#[test]
fn invented_models_cannot_fill_the_proxy() {
    let mut guest = metering();
    for number in 0..10_000 {
        let request = format!(r#"{{"model":"invented-{number}"}}"#);
        let exchange = Exchange::new(request_head(), request, response_head(), RESPONSE);
        drive(&mut guest, &exchange, &ChunkPlan::whole()).unwrap();
    }
    let requests = common::requests(&guest);
    assert_eq!(requests.len(), 201);
    assert_eq!(requests["openai/invented-199/chat/success/none"], 1);
    assert_eq!(requests["openai/other/chat/success/none"], 9_800);
    assert_eq!(counter(&guest, "llm_gauge_series_overflow_total.limit=.=models;.;"), Some(9_800));
    // Per model: requests, two histograms, input and output. In addition: active, build, overflow.
    let names = guest.host().metric_names();
    assert_eq!(names.len(), 201 * 5 + 3);
    assert_eq!(guest.host().define_metric_calls, names.len() as u64, "each id is asked for once");
    within_memory(&guest);
}

/// Names without any success take at most half of the table, so real models still find room.
#[test]
fn invented_models_that_fail_cannot_crowd_out_real_ones() {
    let mut guest = start(&json!({"models": {"max_series": 10, "known": ["gpt-4o-mini"]}}));
    for number in 0..100 {
        let request = format!(r#"{{"model":"invented-{number}"}}"#);
        let refused = Exchange::new(request_head(), request, Headers::response(404), "{}");
        play(&mut guest, &refused, &ChunkPlan::whole());
    }
    let real = Exchange::new(request_head(), br#"{"model":"real"}"#.as_slice(), response_head(), RESPONSE);
    play(&mut guest, &real, &ChunkPlan::whole());
    play(&mut guest, &exchange(), &ChunkPlan::whole());
    let requests = common::requests(&guest);
    assert_eq!(requests["openai/real/chat/success/none"], 1);
    assert_eq!(requests[SUCCESS], 1);
    assert_eq!(requests["openai/other/chat/error/not_found"], 96);
    assert_eq!(requests.len(), 7);
}

#[test]
fn extra_labels_are_bounded_too() {
    let labels = json!([{"name": "team", "header": "x-team", "max_values": 2, "default": "none"}]);
    let mut guest = start(&json!({"labels": labels}));
    for team in ["a", "b", "c", "d", "a"] {
        let mut exchange = exchange();
        exchange.request_headers.set("x-team", team);
        play(&mut guest, &exchange, &ChunkPlan::whole());
    }
    let of = |team: &str| format!("{SUCCESS}/{team}");
    counted(&guest, &[(&of("a"), 2), (&of("b"), 1), (&of("other"), 2)]);
    assert_eq!(counter(&guest, "llm_gauge_series_overflow_total.limit=.=team;.;"), Some(2));
}
