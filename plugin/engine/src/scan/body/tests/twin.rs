//! The naive twin of the body: all of it at once, cut into documents by the twins of the framings, and these read by
//! that of the scanner. It knows nothing of the engine, so that the fuzz targets can use it too.

use super::frames_twin::{self, Frame, Rest};
use super::json_twin::{self, Found};
use super::sse_twin;

/// What comes out of a body, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A document, and what was found in it.
    Document(Vec<Found>),
    Done,
    Exception(Vec<u8>),
    Gap(&'static str),
}

/// How a body is read.
#[derive(Clone, Copy)]
pub struct How<'a> {
    pub sse: bool,
    pub array_is_stream: bool,
    pub event_max: usize,
    pub wanted: &'a [&'a str],
    pub text_max: usize,
    pub number_max: usize,
    pub header_max: usize,
    /// It is made of parts in frames.
    pub is_joined: bool,
}

/// One document.
enum Doc {
    Empty,
    Whole(Vec<Found>),
    /// The beginning of one.
    Cut,
    Bad,
}

const MALFORMED: Entry = Entry::Gap("malformed");
const TRUNCATED: Entry = Entry::Gap("truncated");

/// What comes out of `body`; `None`: that is more than this twin knows.
pub fn read(body: &[u8], how: How<'_>) -> Option<Vec<Entry>> {
    let at = body.iter().position(|byte| !b" \r\n\t\xEF\xBB\xBF".contains(byte)).unwrap_or(body.len());
    let body = &body[at..];
    let text = || str::from_utf8(body).ok();
    match body.first() {
        None => Some(Vec::new()),
        Some(b'[') if how.array_is_stream => Some(array(&text()?[1..], how)),
        Some(b'{' | b'[') => Some(sequence(text()?, how)),
        Some(0) if !how.is_joined => frames(body, how),
        Some(b'<') => Some(vec![Entry::Gap("not_json")]),
        Some(first) if how.sse || b"deir:".contains(first) => events(body, how),
        Some(first) if b"\"-0123456789tfn".contains(first) => Some(sequence(text()?, how)),
        Some(_) => Some(vec![Entry::Gap("not_json")]),
    }
}

/// Documents one after the other.
fn sequence(text: &str, how: How<'_>) -> Vec<Entry> {
    let mut log = Vec::new();
    let mut rest = space_off(text);
    while !rest.is_empty() {
        let (piece, after) = split(rest);
        match document(piece, how) {
            Doc::Whole(found) => log.push(Entry::Document(found)),
            Doc::Cut | Doc::Empty => log.push(TRUNCATED),
            Doc::Bad => return [log, vec![MALFORMED]].concat(),
        }
        rest = space_off(after);
    }
    log
}

/// Documents between commas, from behind the bracket. A comma too many before the end is no harm.
fn array(text: &str, how: How<'_>) -> Vec<Entry> {
    let mut log = Vec::new();
    let mut rest = space_off(text);
    loop {
        if let Some(after) = rest.strip_prefix(']') {
            let is_over = space_off(after).is_empty();
            return if is_over { log } else { [log, vec![MALFORMED]].concat() };
        }
        let (piece, after) = split(rest);
        let after = space_off(after);
        // At the end of the text nobody knows whether a number goes on.
        let is_open =
            after.is_empty() && piece.starts_with(|letter: char| letter == '-' || letter.is_ascii_digit());
        match document(piece, how) {
            Doc::Whole(_) if is_open && rest.ends_with(piece) => return [log, vec![TRUNCATED]].concat(),
            Doc::Whole(found) => log.push(Entry::Document(found)),
            Doc::Cut | Doc::Empty => return [log, vec![TRUNCATED]].concat(),
            Doc::Bad => return [log, vec![MALFORMED]].concat(),
        }
        rest = match (after.strip_prefix(','), after.chars().next()) {
            (Some(after), _) => space_off(after),
            (None, Some(']')) => after,
            (None, Some(_)) => return [log, vec![MALFORMED]].concat(),
            (None, None) => return [log, vec![TRUNCATED]].concat(),
        };
    }
}

/// Documents in events.
fn events(body: &[u8], how: How<'_>) -> Option<Vec<Entry>> {
    let events = sse_twin::events(body);
    let mut log = Vec::new();
    for data in &events.whole {
        log.extend(event(data, MALFORMED, how)?);
    }
    if let Some(data) = &events.open {
        log.extend(event(data, TRUNCATED, how)?);
    }
    Some(log)
}

fn event(data: &[u8], cut: Entry, how: How<'_>) -> Option<Option<Entry>> {
    let text = str::from_utf8(data).ok()?;
    if data.len() > how.event_max {
        // What fits is read all the same.
        let start = String::from_utf8_lossy(&data[..how.event_max]).into_owned();
        let is_bad = matches!(one(&start, how), Doc::Bad) && !is_mark(&start);
        return Some(Some(if is_bad { MALFORMED } else { Entry::Gap("event_too_large") }));
    }
    if is_mark(text) {
        return Some(Some(Entry::Done));
    }
    if !text.is_empty() && "[DONE]".starts_with(text) {
        return Some(Some(cut));
    }
    Some(match one(text, how) {
        Doc::Empty => None,
        Doc::Whole(found) => Some(Entry::Document(found)),
        Doc::Cut => Some(cut),
        Doc::Bad => Some(MALFORMED),
    })
}

fn is_mark(text: &str) -> bool {
    text.strip_prefix("[DONE]").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_whitespace()))
}

/// Documents in frames.
fn frames(body: &[u8], how: How<'_>) -> Option<Vec<Entry>> {
    let (whole, rest) = frames_twin::frames(body, how.header_max);
    let mut log = Vec::new();
    let mut parts: Option<Vec<u8>> = None;
    let joined = |parts: &mut Option<Vec<u8>>| match parts.take() {
        Some(bytes) => read(&bytes, How { is_joined: true, ..how }),
        None => Some(Vec::new()),
    };
    for frame in &whole {
        if is_part(frame) {
            // What came out of a broken one before its end is more than this twin knows, as what is in the midst of
            // one where the track is lost.
            parts.get_or_insert_default().extend(frame.sound.then_some(&frame.payload)?);
            continue;
        }
        log.extend(joined(&mut parts)?);
        if frame.payload_bytes > how.event_max as u64 {
            log.push(Entry::Gap("event_too_large"));
            continue;
        }
        match payload(frame, how)? {
            Doc::Bad => {
                log.push(MALFORMED);
                continue;
            }
            _ if !frame.sound => {
                log.push(MALFORMED);
                continue;
            }
            Doc::Cut => log.push(MALFORMED),
            Doc::Whole(found) => log.push(Entry::Document(found)),
            Doc::Empty => {}
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
    let behind = behind(rest, tail.last() == Some(&TRUNCATED), how)?;
    Some(log.into_iter().chain(tail).chain(behind).collect())
}

/// What stands behind the whole frames; parts that are cut are told of once.
fn behind(rest: Rest, is_cut: bool, how: How<'_>) -> Option<Option<Entry>> {
    Some(match rest {
        Rest::Nothing => None,
        Rest::Start => (!is_cut).then_some(TRUNCATED),
        Rest::Open(frame) if is_part(&frame) => (!is_cut).then_some(TRUNCATED),
        Rest::Open(frame) if frame.payload_bytes > how.event_max as u64 => {
            Some(Entry::Gap("event_too_large"))
        }
        Rest::Open(frame) => {
            let is_bad = matches!(payload(&frame, how)?, Doc::Bad);
            Some(if is_bad { MALFORMED } else { TRUNCATED })
        }
        Rest::Lost => Some(MALFORMED),
    })
}

fn is_part(frame: &Frame) -> bool {
    frame.event == b"PayloadPart" && frame.exception.is_empty()
}

fn payload(frame: &Frame, how: How<'_>) -> Option<Doc> {
    let text = str::from_utf8(&frame.payload).ok()?;
    if frame.event != b"chunk" || !frame.exception.is_empty() {
        return Some(one(text, how));
    }
    // What stands behind the wrapping says nothing, and one that is cut off may hold a whole document.
    let text = space_off(text);
    let (wrapping, _) = if text.is_empty() { (text, text) } else { split(text) };
    let found = json_twin::read(wrapping, &["bytes"], usize::MAX, how.number_max);
    if found.is_none() && (wrapping.is_empty() || json_twin::is_cut(wrapping, how.number_max)) {
        return wrapping.is_empty().then_some(Doc::Empty);
    }
    let Some(found) = found else { return Some(Doc::Bad) };
    let mut text = Vec::new();
    for found in found {
        if let json_twin::Value::Text(bytes, _) = found.value {
            text.extend(bytes);
        }
    }
    let (bytes, is_bad) = super::base64_twin::decoded(&text);
    if is_bad {
        return Some(Doc::Bad);
    }
    Some(one(&String::from_utf8(bytes).ok()?, how))
}

/// The text as one document, with nothing but space around it.
fn one(text: &str, how: How<'_>) -> Doc {
    let text = space_off(text);
    if text.is_empty() {
        return Doc::Empty;
    }
    let (piece, after) = split(text);
    match document(piece, how) {
        _ if !after.bytes().all(|byte| byte.is_ascii_whitespace()) => Doc::Bad,
        doc => doc,
    }
}

fn document(piece: &str, how: How<'_>) -> Doc {
    match json_twin::read(piece, how.wanted, how.text_max, how.number_max) {
        Some(found) => Doc::Whole(found),
        None if json_twin::is_cut(piece, how.number_max) => Doc::Cut,
        None => Doc::Bad,
    }
}

fn space_off(text: &str) -> &str {
    text.trim_start_matches([' ', '\r', '\n', '\t'])
}

/// The first document of a text that begins with one, and what follows; where it has no end, all of it.
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
