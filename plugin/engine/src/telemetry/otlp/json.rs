//! The JSON encoding: names in camel case, ids in hex, 64-bit integers as strings.

use super::{
    Attribute, Event, KIND_CLIENT, SCOPE, SEVERITY_INFO, STATUS_ERROR, Signal, Span, VERSION, Value,
};
use crate::ids::push_hex;
use crate::json::{push_number, push_text};

pub(super) fn span(span: &Span, start_ns: u64, end_ns: u64) -> Vec<u8> {
    let mut json = String::with_capacity(2048);
    push_id(&mut json, "{\"traceId\":\"", &span.trace);
    push_id(&mut json, ",\"spanId\":\"", &span.id);
    if let Some(parent) = &span.parent {
        push_id(&mut json, ",\"parentSpanId\":\"", parent);
    }
    json.push_str(",\"name\":");
    push_text(&mut json, &span.name);
    json.push_str(",\"kind\":");
    push_number(&mut json, KIND_CLIENT);
    push_long(&mut json, ",\"startTimeUnixNano\":\"", start_ns);
    push_long(&mut json, ",\"endTimeUnixNano\":\"", end_ns);
    json.push_str(",\"attributes\":");
    push_attributes(&mut json, &span.attributes);
    if !span.events.is_empty() {
        json.push_str(",\"events\":");
        push_list(&mut json, &span.events, |json, (name, after_ms)| {
            let at_ns = start_ns.saturating_add(super::nanoseconds(*after_ms));
            push_long(json, "{\"timeUnixNano\":\"", at_ns);
            json.push_str(",\"name\":");
            push_text(json, name);
            json.push('}');
        });
    }
    if let Some(failure) = span.failure {
        json.push_str(",\"status\":{\"message\":");
        push_text(&mut json, failure);
        json.push_str(",\"code\":");
        push_number(&mut json, STATUS_ERROR);
        json.push('}');
    }
    json.push('}');
    json.into_bytes()
}

pub(super) fn event(event: &Event, at_ns: u64) -> Vec<u8> {
    let mut json = String::with_capacity(1024);
    push_long(&mut json, "{\"timeUnixNano\":\"", at_ns);
    push_long(&mut json, ",\"observedTimeUnixNano\":\"", at_ns);
    json.push_str(",\"severityNumber\":");
    push_number(&mut json, SEVERITY_INFO);
    json.push_str(",\"attributes\":");
    push_attributes(&mut json, &event.attributes);
    push_id(&mut json, ",\"traceId\":\"", &event.trace);
    push_id(&mut json, ",\"spanId\":\"", &event.span);
    json.push_str(",\"eventName\":");
    push_text(&mut json, event.name);
    json.push('}');
    json.into_bytes()
}

pub(super) fn request<'i>(
    signal: Signal,
    resource: &[Attribute],
    items: impl Iterator<Item = &'i [u8]>,
) -> Vec<u8> {
    let [of_resources, of_scopes, names] = match signal {
        Signal::Spans => ["resourceSpans", "scopeSpans", "spans"],
        Signal::Events => ["resourceLogs", "scopeLogs", "logRecords"],
    };
    let mut json = String::new();
    for part in ["{\"", of_resources, "\":[{\"resource\":{\"attributes\":"] {
        json.push_str(part);
    }
    push_attributes(&mut json, resource);
    for part in ["},\"", of_scopes, "\":[{\"scope\":{\"name\":\"", SCOPE, "\",\"version\":\"", VERSION] {
        json.push_str(part);
    }
    for part in ["\"},\"", names, "\":["] {
        json.push_str(part);
    }
    let mut json = json.into_bytes();
    for (place, item) in items.enumerate() {
        if place > 0 {
            json.push(b',');
        }
        json.extend_from_slice(item);
    }
    json.extend_from_slice(b"]}]}]}");
    json
}

fn push_attributes(json: &mut String, attributes: &[Attribute]) {
    push_list(json, attributes, |json, (name, value)| {
        json.push_str("{\"key\":");
        push_text(json, name);
        json.push_str(",\"value\":");
        push_value(json, value);
        json.push('}');
    });
}

fn push_value(json: &mut String, value: &Value) {
    match value {
        Value::Text(text) => {
            json.push_str("{\"stringValue\":");
            push_text(json, text);
        }
        Value::Bool(is) => json.push_str(if *is { "{\"boolValue\":true" } else { "{\"boolValue\":false" }),
        Value::Int(number) => {
            push_long(json, "{\"intValue\":\"", (*number).min(i64::MAX.unsigned_abs()));
        }
        Value::Double(number) => {
            json.push_str("{\"doubleValue\":");
            push_double(json, *number);
        }
        Value::Texts(texts) => {
            json.push_str("{\"arrayValue\":{\"values\":");
            push_list(json, texts, |json, text| {
                json.push_str("{\"stringValue\":");
                push_text(json, text);
                json.push('}');
            });
            json.push('}');
        }
    }
    json.push('}');
}

/// Appends a score, or milliseconds in seconds: three decimals are enough for both. The standard library's shortest
/// representation of any number would make the filter 3 % larger.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative; the cast ends at the top"
)]
fn push_double(json: &mut String, number: f64) {
    if number < 0.0 {
        json.push('-');
    }
    let thousandths = (number.abs() * 1000.0).round() as u64;
    push_number(json, thousandths / 1000);
    json.push('.');
    for digits in [thousandths / 100, thousandths / 10, thousandths] {
        push_number(json, digits % 10);
    }
}

fn push_list<T>(json: &mut String, items: &[T], push: impl Fn(&mut String, &T)) {
    json.push('[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            json.push(',');
        }
        push(json, item);
    }
    json.push(']');
}

fn push_id(json: &mut String, before: &str, id: &[u8]) {
    json.push_str(before);
    push_hex(json, id);
    json.push('"');
}

fn push_long(json: &mut String, before: &str, number: u64) {
    json.push_str(before);
    push_number(json, number);
    json.push('"');
}
