//! The head of a request or a response.

/// Header fields as bytes, since a value need not be UTF-8. Names are lower case, as in HTTP/2 and Envoy.
#[derive(Clone, Debug, Default)]
pub struct Headers<'a> {
    fields: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Headers<'a> {
    /// Returns headers with these fields.
    pub fn new(fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        Self { fields: fields.into_iter().collect() }
    }

    /// Decodes a proxy-wasm header map. It has the number of fields, the sizes of all names and values, then the names
    /// and values with a zero byte after each. Numbers are 4 bytes, little endian. A malformed map has no fields.
    pub fn decode(map: &'a [u8]) -> Self {
        Self { fields: decode(map).unwrap_or_default() }
    }

    /// Returns the first field of this name.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(field, _)| *field == name.as_bytes());
        found.map(|(_, value)| *value)
    }

    /// Returns the first field of this name; `None` if it is not UTF-8.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        core::str::from_utf8(self.get(name)?).ok()
    }

    /// Returns the field `:status` as a number.
    pub fn status(&self) -> Option<u32> {
        self.text(":status")?.parse().ok()
    }

    /// Whether `content-type` is this media type, with any parameters.
    pub fn media_type_is(&self, media_type: &str) -> bool {
        let essence = self.get("content-type").and_then(|value| value.split(|byte| *byte == b';').next());
        essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(media_type.as_bytes()))
    }

    /// Whether the body is audio, image or video, which does not report tokens.
    pub fn is_media(&self) -> bool {
        let content_type = self.get("content-type").unwrap_or_default().to_ascii_lowercase();
        [&b"audio/"[..], b"image/", b"video/"].iter().any(|start| content_type.starts_with(start))
    }

    /// Whether the body has a content encoding.
    pub fn is_encoded(&self) -> bool {
        !self.content_encoding().is_empty()
    }

    /// Returns the content encodings of the body, in the order in which they were applied; empty if it has none.
    pub fn content_encoding(&self) -> Vec<u8> {
        let lines = self.fields.iter().filter(|(name, _)| *name == b"content-encoding");
        let lines: Vec<_> = lines.map(|(_, value)| *value).collect();
        let encodings = lines.join(&b","[..]);
        let is_plain = |token: &[u8]| token.is_empty() || token.eq_ignore_ascii_case(b"identity");
        if encodings.split(|byte| *byte == b',').all(|token| is_plain(token.trim_ascii())) {
            return Vec::new();
        }
        encodings
    }
}

/// Encodes these fields as a proxy-wasm header map, which [`Headers::decode`] reads.
pub fn encode(fields: &[(&str, &str)]) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let mut map = Vec::from(number(fields.len()));
    for (name, value) in fields {
        map.extend(number(name.len()));
        map.extend(number(value.len()));
    }
    for text in fields.iter().flat_map(|(name, value)| [name, value]) {
        map.extend(text.as_bytes());
        map.push(0);
    }
    map
}

fn decode(map: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let (count, rest) = split_number(map)?;
    let (mut sizes, mut data) = rest.split_at_checked(count.checked_mul(8)?)?;
    let mut fields = Vec::with_capacity(count);
    while !sizes.is_empty() {
        let (name_bytes, after) = split_number(sizes)?;
        let (value_bytes, after) = split_number(after)?;
        let (name, from_zero) = data.split_at_checked(name_bytes)?;
        let (value, from_next) = from_zero.get(1..)?.split_at_checked(value_bytes)?;
        fields.push((name, value));
        (sizes, data) = (after, from_next.get(1..)?);
    }
    Some(fields)
}

fn split_number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

#[cfg(test)]
mod tests;
