use std::{path::Path, time::Duration};

use super::{Bootstrap, Protocol};

#[test]
fn only_the_named_values_change() {
    let shipped = Bootstrap::shipped().unwrap();
    let same = shipped.clone().filter(Path::new("/etc/envoy/llm_gauge.wasm")).unwrap();
    assert_eq!(same.document, shipped.document);
    let changed =
        shipped.clone().upstream("openai", "127.0.0.1:1".parse().unwrap(), Protocol::Http2).unwrap();
    let cluster = |bootstrap: &Bootstrap, index: usize| {
        bootstrap.document["static_resources"]["clusters"][index].clone()
    };
    assert_eq!(cluster(&changed, 1), cluster(&shipped, 1));
    assert_ne!(cluster(&changed, 0), cluster(&shipped, 0));
    assert_eq!(cluster(&changed, 0)["circuit_breakers"], cluster(&shipped, 0)["circuit_breakers"]);
    let timed = shipped.route_timeout(Duration::from_millis(1500)).unwrap();
    assert!(timed.document.to_string().contains(r#""timeout":"1.5s""#));
}

#[test]
fn other_filters_take_the_place_of_ours() {
    let shipped = Bootstrap::shipped().unwrap();
    let other = shipped.instead(vec![serde_json::json!({"name": "other"})]).unwrap();
    let other = other.without_access_log().unwrap();
    let manager = other.document.pointer(super::MANAGER).unwrap();
    let names: Vec<_> =
        manager["http_filters"].as_array().unwrap().iter().map(|filter| &filter["name"]).collect();
    assert_eq!(names, ["other", "envoy.filters.http.router"]);
    assert_eq!(manager["access_log"], serde_json::json!([]));
}

#[test]
fn a_renamed_entry_is_an_error() {
    let address = "127.0.0.1:1".parse().unwrap();
    let error = Bootstrap::shipped().unwrap().upstream("absent", address, Protocol::Http1).unwrap_err();
    assert!(error.to_string().contains("has no absent any more"), "{error}");
}
