//! Reads the fields of a `multipart/form-data` body (RFC 7578), which requests that upload a file have. The body may be
//! cut at any byte.
//!
//! Only the first line of a field's value is reported, up to [`FORM_LINE_BYTES_MAX`]. Files are reported like other
//! fields.

use crate::limits::FORM_LINE_BYTES_MAX;

/// The reader of one form.
#[derive(Debug)]
pub struct Form {
    /// `--` and the boundary.
    delimiter: Vec<u8>,
    state: FormState,
    /// The line being read, up to [`FORM_LINE_BYTES_MAX`].
    line: Vec<u8>,
    /// The name of the field being read.
    name: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FormState {
    /// Before the first delimiter, or after the first line of a value.
    Between,
    Headers,
    /// In the first line of a value.
    Value,
}

impl Form {
    /// Returns a reader for the form that a content type announces; `None` if it announces none.
    pub fn from_content_type(content_type: &[u8]) -> Option<Self> {
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
            state: FormState::Between,
            line: Vec::new(),
            name: Vec::new(),
        })
    }

    /// Reads the next bytes; `field` receives each field's name and value.
    pub fn feed(&mut self, bytes: &[u8], mut field: impl FnMut(&[u8], &[u8])) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, b""));
            let room = FORM_LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(part.get(..room).unwrap_or(part));
            match after.split_first() {
                Some((_newline, after)) => {
                    self.end_line(&mut field);
                    rest = after;
                }
                None => rest = after,
            }
        }
    }

    fn end_line(&mut self, field: &mut impl FnMut(&[u8], &[u8])) {
        let line = core::mem::take(&mut self.line);
        let text = line.trim_ascii_end();
        if text.starts_with(&self.delimiter) {
            self.state = FormState::Headers;
            self.name.clear();
        } else {
            match self.state {
                FormState::Headers if text.is_empty() => self.state = FormState::Value,
                FormState::Headers => {
                    if let Some(name) = field_name(text) {
                        self.name = name.to_vec();
                    }
                }
                FormState::Value => {
                    self.state = FormState::Between;
                    field(&self.name, text);
                }
                FormState::Between => {}
            }
        }
        self.line = line;
        self.line.clear();
    }
}

/// Returns the name in a `Content-Disposition: form-data; name="…"` line.
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
