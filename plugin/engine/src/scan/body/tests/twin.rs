//! The naive twin of the body reader. It splits the whole body into documents with the naive twins of the framings and
//! of the scanner. It does not use the engine, so that the fuzz targets can use it too.

use super::frames_twin::{self, Frame, Rest};
use super::json_twin::{self, PathValue};
use super::sse_twin;

/// An item that is read from a body.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A complete document with its values at wanted places.
    Document(Vec<PathValue>),
    Done,
    Exception(Vec<u8>),
    Gap(&'static str),
}

/// The options for reading a body.
#[derive(Clone, Copy)]
pub struct ReadOptions<'a> {
    pub sse: bool,
    pub array_is_stream: bool,
    pub event_max: usize,
    pub wanted: &'a [&'a str],
    pub text_max: usize,
    pub number_max: usize,
    pub header_max: usize,
    /// Whether the body consists of the payloads of frames.
    pub is_joined: bool,
}

/// The result of reading one document.
enum ReadDocument {
    Empty,
    Whole(Vec<PathValue>),
    /// The beginning of a document.
    Cut,
    Bad,
}

const MALFORMED: Entry = Entry::Gap("malformed");
const TRUNCATED: Entry = Entry::Gap("truncated");

/// Returns the items of `body` in order; `None` if this twin cannot tell.
pub fn read(body: &[u8], options: ReadOptions<'_>) -> Option<Vec<Entry>> {
    let at = body.iter().position(|byte| !b" \r\n\t\xEF\xBB\xBF".contains(byte)).unwrap_or(body.len());
    let body = &body[at..];
    let text = || str::from_utf8(body).ok();
    match body.first() {
        None => Some(Vec::new()),
        Some(b'[') if options.array_is_stream => Some(array(&text()?[1..], options)),
        Some(b'{' | b'[') => Some(sequence(text()?, options)),
        Some(0) if !options.is_joined => frames(body, options),
        Some(b'<') => Some(vec![Entry::Gap("not_json")]),
        Some(first) if options.sse || b"deir:".contains(first) => events(body, options),
        Some(first) if b"\"-0123456789tfn".contains(first) => Some(sequence(text()?, options)),
        Some(_) => Some(vec![Entry::Gap("not_json")]),
    }
}

/// Reads consecutive documents.
fn sequence(text: &str, options: ReadOptions<'_>) -> Vec<Entry> {
    let mut log = Vec::new();
    let mut rest = trim_space(text);
    while !rest.is_empty() {
        let (piece, after) = split(rest);
        match document(piece, options) {
            ReadDocument::Whole(found) => log.push(Entry::Document(found)),
            ReadDocument::Cut | ReadDocument::Empty => log.push(TRUNCATED),
            ReadDocument::Bad => return [log, vec![MALFORMED]].concat(),
        }
        rest = trim_space(after);
    }
    log
}

/// Reads documents separated by commas, starting after the opening bracket. A trailing comma is accepted.
fn array(text: &str, options: ReadOptions<'_>) -> Vec<Entry> {
    let mut log = Vec::new();
    let mut rest = trim_space(text);
    loop {
        if let Some(after) = rest.strip_prefix(']') {
            let is_over = trim_space(after).is_empty();
            return if is_over { log } else { [log, vec![MALFORMED]].concat() };
        }
        let (piece, after) = split(rest);
        let after = trim_space(after);
        // A number at the end of the text may be incomplete.
        let is_open =
            after.is_empty() && piece.starts_with(|letter: char| letter == '-' || letter.is_ascii_digit());
        match document(piece, options) {
            ReadDocument::Whole(_) if is_open && rest.ends_with(piece) => {
                return [log, vec![TRUNCATED]].concat();
            }
            ReadDocument::Whole(found) => log.push(Entry::Document(found)),
            ReadDocument::Cut | ReadDocument::Empty => return [log, vec![TRUNCATED]].concat(),
            ReadDocument::Bad => return [log, vec![MALFORMED]].concat(),
        }
        rest = match (after.strip_prefix(','), after.chars().next()) {
            (Some(after), _) => trim_space(after),
            (None, Some(']')) => after,
            (None, Some(_)) => return [log, vec![MALFORMED]].concat(),
            (None, None) => return [log, vec![TRUNCATED]].concat(),
        };
    }
}

/// Reads the documents in events.
fn events(body: &[u8], options: ReadOptions<'_>) -> Option<Vec<Entry>> {
    let events = sse_twin::events(body);
    let mut log = Vec::new();
    for data in &events.whole {
        log.extend(event(data, MALFORMED, options)?);
    }
    if let Some(data) = &events.open {
        log.extend(event(data, TRUNCATED, options)?);
    }
    Some(log)
}

fn event(data: &[u8], cut: Entry, options: ReadOptions<'_>) -> Option<Option<Entry>> {
    let text = str::from_utf8(data).ok()?;
    if data.len() > options.event_max {
        // The bytes that fit are read nevertheless.
        let start = String::from_utf8_lossy(&data[..options.event_max]).into_owned();
        let is_bad = matches!(one(&start, options), ReadDocument::Bad) && !is_mark(&start);
        return Some(Some(if is_bad { MALFORMED } else { Entry::Gap("event_too_large") }));
    }
    if is_mark(text) {
        return Some(Some(Entry::Done));
    }
    if !text.is_empty() && "[DONE]".starts_with(text) {
        return Some(Some(cut));
    }
    Some(match one(text, options) {
        ReadDocument::Empty => None,
        ReadDocument::Whole(found) => Some(Entry::Document(found)),
        ReadDocument::Cut => Some(cut),
        ReadDocument::Bad => Some(MALFORMED),
    })
}

fn is_mark(text: &str) -> bool {
    text.strip_prefix("[DONE]").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_whitespace()))
}

/// Reads the documents in frames.
fn frames(body: &[u8], options: ReadOptions<'_>) -> Option<Vec<Entry>> {
    let (whole, rest) = frames_twin::frames(body, options.header_max);
    let mut log = Vec::new();
    let mut parts: Option<Vec<u8>> = None;
    let joined = |parts: &mut Option<Vec<u8>>| match parts.take() {
        Some(bytes) => read(&bytes, ReadOptions { is_joined: true, ..options }),
        None => Some(Vec::new()),
    };
    for frame in &whole {
        if is_part(frame) {
            // This twin cannot tell which documents of a broken part were complete before the checksum arrived. The
            // same holds for a part that is open where a prelude is wrong.
            parts.get_or_insert_default().extend(frame.sound.then_some(&frame.payload)?);
            continue;
        }
        log.extend(joined(&mut parts)?);
        if frame.payload_bytes > options.event_max as u64 {
            log.push(Entry::Gap("event_too_large"));
            continue;
        }
        match payload(frame, options)? {
            ReadDocument::Bad => {
                log.push(MALFORMED);
                continue;
            }
            _ if !frame.sound => {
                log.push(MALFORMED);
                continue;
            }
            ReadDocument::Cut => log.push(MALFORMED),
            ReadDocument::Whole(found) => log.push(Entry::Document(found)),
            ReadDocument::Empty => {}
        }
        if !frame.exception.is_empty() {
            log.push(Entry::Exception(frame.exception.iter().take(256).copied().collect()));
        }
    }
    if let (Rest::Lost, Some(_)) = (&rest, &parts) {
        return None;
    }
    if let Rest::Open(frame) = &rest
        && is_part(frame)
    {
        parts.get_or_insert_default().extend(&frame.payload);
    }
    let tail = joined(&mut parts)?;
    let last_gap = last_gap(rest, tail.last() == Some(&TRUNCATED), options)?;
    Some(log.into_iter().chain(tail).chain(last_gap).collect())
}

/// Returns the gap after the last complete frame; `None` if there is none, or if the parts' cut was already reported.
fn last_gap(rest: Rest, is_cut: bool, options: ReadOptions<'_>) -> Option<Option<Entry>> {
    Some(match rest {
        Rest::Nothing => None,
        Rest::Start => (!is_cut).then_some(TRUNCATED),
        Rest::Open(frame) if is_part(&frame) => (!is_cut).then_some(TRUNCATED),
        Rest::Open(frame) if frame.payload_bytes > options.event_max as u64 => {
            Some(Entry::Gap("event_too_large"))
        }
        Rest::Open(frame) => {
            let is_bad = matches!(payload(&frame, options)?, ReadDocument::Bad);
            Some(if is_bad { MALFORMED } else { TRUNCATED })
        }
        Rest::Lost => Some(MALFORMED),
    })
}

fn is_part(frame: &Frame) -> bool {
    frame.event == b"PayloadPart" && frame.exception.is_empty()
}

fn payload(frame: &Frame, options: ReadOptions<'_>) -> Option<ReadDocument> {
    let text = str::from_utf8(&frame.payload).ok()?;
    if frame.event != b"chunk" || !frame.exception.is_empty() {
        return Some(one(text, options));
    }
    // Bytes after the wrapper are ignored, and a wrapper that is cut off may hold a complete document.
    let text = trim_space(text);
    let (wrapping, _) = if text.is_empty() { (text, text) } else { split(text) };
    let found = json_twin::read(wrapping, &["bytes"], usize::MAX, options.number_max);
    if found.is_none() && (wrapping.is_empty() || json_twin::is_cut(wrapping, options.number_max)) {
        return wrapping.is_empty().then_some(ReadDocument::Empty);
    }
    let Some(found) = found else { return Some(ReadDocument::Bad) };
    let mut text = Vec::new();
    for found in found {
        if let json_twin::Value::Text(bytes, _) = found.value {
            text.extend(bytes);
        }
    }
    let (bytes, is_bad) = super::base64_twin::decoded(&text);
    if is_bad {
        return Some(ReadDocument::Bad);
    }
    Some(one(&String::from_utf8(bytes).ok()?, options))
}

/// Reads the text as one document with nothing but white space around it.
fn one(text: &str, options: ReadOptions<'_>) -> ReadDocument {
    let text = trim_space(text);
    if text.is_empty() {
        return ReadDocument::Empty;
    }
    let (piece, after) = split(text);
    match document(piece, options) {
        _ if !after.bytes().all(|byte| byte.is_ascii_whitespace()) => ReadDocument::Bad,
        doc => doc,
    }
}

fn document(piece: &str, options: ReadOptions<'_>) -> ReadDocument {
    match json_twin::read(piece, options.wanted, options.text_max, options.number_max) {
        Some(found) => ReadDocument::Whole(found),
        None if json_twin::is_cut(piece, options.number_max) => ReadDocument::Cut,
        None => ReadDocument::Bad,
    }
}

fn trim_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\r', '\n', '\t'])
}

/// Splits a text that begins with a document into the document and the rest. The document is the whole text if it has
/// no end.
fn split(text: &str) -> (&str, &str) {
    let is_number = |letter: char| letter.is_ascii_digit() || ".eE+-".contains(letter);
    match text.as_bytes() {
        [b'-' | b'0'..=b'9', ..] => {
            text.split_at(text.find(|letter| !is_number(letter)).unwrap_or(text.len()))
        }
        [b't' | b'f' | b'n', ..] => {
            let literal = ["true", "false", "null"].into_iter().find(|literal| text.starts_with(literal));
            literal.map_or((text, ""), |literal| text.split_at(literal.len()))
        }
        [b'"' | b'[' | b'{', ..] => {
            let mut depth = 0;
            let mut rest = text;
            while let Some(first) = rest.chars().next() {
                rest = &rest[first.len_utf8()..];
                match first {
                    '"' => match json_twin::string(rest).1 {
                        Some(after) => rest = after,
                        None => return (text, ""),
                    },
                    '[' | '{' => depth += 1,
                    ']' | '}' => depth -= 1,
                    _ => {}
                }
                if depth <= 0 {
                    return text.split_at(text.len() - rest.len());
                }
            }
            (text, "")
        }
        _ => (text, ""),
    }
}
