//! The naive twin of the filter: the whole stream is split into lines, and those into events. It uses nothing of the
//! engine, so that the fuzz targets can use it too.

use super::json_twin::{self, Value};
use super::sse_twin;

/// Returns the stream without its usage chunks. `None` if this twin cannot decide.
pub fn without_usage_chunks(stream: &[u8]) -> Option<Vec<u8>> {
    let mut output = Vec::new();
    let mut event = Vec::new();
    for line in lines(stream) {
        let is_blank = matches!(line, b"\n" | b"\r" | b"\r\n");
        let is_between = event.is_empty() && (is_blank || line.starts_with(b":"));
        if is_between {
            output.extend_from_slice(line);
            continue;
        }
        event.extend_from_slice(line);
        if is_blank {
            output.extend(if is_usage_chunk(&event)? { Vec::new() } else { core::mem::take(&mut event) });
            event.clear();
        }
    }
    if !event.is_empty() && !is_usage_chunk(&event)? {
        output.extend(event);
    }
    Some(output)
}

/// Splits the stream into lines, each with its line end.
fn lines(stream: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let end = match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            None => rest.len(),
            Some(at) if rest[at..].starts_with(b"\r\n") => at + 2,
            Some(at) => at + 1,
        };
        let (line, after) = rest.split_at(end);
        lines.push(line);
        rest = after;
    }
    lines
}

fn is_usage_chunk(event: &[u8]) -> Option<bool> {
    let names: [&[u8]; 4] = [b"data", b"event", b"id", b"retry"];
    if !names.iter().any(|name| event.starts_with(name)) {
        return Some(false);
    }
    let events = sse_twin::events(event);
    let Some(data) = events.whole.first().or(events.open.as_ref()) else { return Some(false) };
    let text = str::from_utf8(data).ok()?.trim_end_matches([' ', '\t', '\r', '\n', '\u{c}']);
    let Some(found) = json_twin::read(text, &["", "choices", "choices[]", "usage", "error"], 0, usize::MAX)
    else {
        return Some(false);
    };
    let values = |path: usize| found.iter().filter(move |found| found.path == path).map(|found| &found.value);
    let is_open = |path: usize| values(path).any(|value| *value == Value::Open);
    let is_object = text.trim_start().starts_with('{');
    let is_quiet = values(2).next().is_none() && values(4).all(|value| *value == Value::Null);
    Some(is_object && is_open(1) && is_open(3) && is_quiet)
}
