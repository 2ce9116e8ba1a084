//! Fields of a `multipart/form-data` body (RFC 7578), cut at any byte: what requests with a file in them carry.
//!
//! Only fields of one line are told, and of that line only as much as the bound; files pass unread.

use crate::limits::FORM_LINE_BYTES_MAX;

/// Reads one form.
#[derive(Debug)]
pub struct Form {
    /// `--` and the boundary.
    delimiter: Vec<u8>,
    at: At,
    /// The line being read, as far as the bound.
    line: Vec<u8>,
    /// Name of the field being read.
    name: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the first delimiter, or in the rest of a value.
    Between,
    Headers,
    /// The first line of a value.
    Value,
}

impl Form {
    /// The form that a content type announces, if it does.
    pub fn announced(content_type: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(content_type).ok()?;
        let (essence, parameters) = text.split_once(';')?;
        if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("boundary").then_some(value.trim().trim_matches('"'))
        })?;
        let is_sound = !boundary.is_empty() && boundary.len() <= FORM_LINE_BYTES_MAX / 2;
        is_sound.then(|| Self {
            delimiter: [b"--", boundary.as_bytes()].concat(),
            at: At::Between,
            line: Vec::new(),
            name: Vec::new(),
        })
    }

    /// Reads on; `field` gets each field's name and value.
    pub fn feed(&mut self, bytes: &[u8], mut field: impl FnMut(&[u8], &[u8])) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, b""));
            let room = FORM_LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(part.get(..room).unwrap_or(part));
            match after.split_first() {
                Some((_newline, after)) => {
                    self.line_ends(&mut field);
                    rest = after;
                }
                None => rest = after,
            }
        }
    }

    fn line_ends(&mut self, field: &mut impl FnMut(&[u8], &[u8])) {
        let line = core::mem::take(&mut self.line);
        let text = line.trim_ascii_end();
        if text.starts_with(&self.delimiter) {
            self.at = At::Headers;
            self.name.clear();
        } else {
            match self.at {
                At::Headers if text.is_empty() => self.at = At::Value,
                At::Headers => {
                    if let Some(name) = field_name(text) {
                        self.name = name.to_vec();
                    }
                }
                At::Value => {
                    self.at = At::Between;
                    field(&self.name, text);
                }
                At::Between => {}
            }
        }
        self.line = line;
        self.line.clear();
    }
}

/// The name in a `Content-Disposition: form-data; name="…"` line.
fn field_name(line: &[u8]) -> Option<&[u8]> {
    let (header, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
    if !header.eq_ignore_ascii_case(b"content-disposition") {
        return None;
    }
    let mut parameters = value.split(|byte| *byte == b';');
    let name = parameters.find_map(|parameter| parameter.trim_ascii().strip_prefix(b"name="))?;
    Some(name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name))
}

#[cfg(test)]
mod tests;
