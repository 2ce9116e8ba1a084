//! The head of a request or a response.

/// Header fields in their bytes form: a value need not be text. Names are lower case, as HTTP/2 and Envoy have them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    fields: &'a [(String, Vec<u8>)],
}

impl<'a> Headers<'a> {
    /// These fields.
    pub fn new(fields: &'a [(String, Vec<u8>)]) -> Self {
        Self { fields }
    }

    /// The first field of this name.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_slice())
    }

    /// The first field of this name, if it is text.
    pub fn text(self, name: &str) -> Option<&'a str> {
        core::str::from_utf8(self.get(name)?).ok()
    }

    /// `:status`
    pub fn status(self) -> Option<u32> {
        self.text(":status")?.parse().ok()
    }

    /// Whether `content-type` is this media type, whatever its parameters.
    pub fn media_type_is(self, media_type: &str) -> bool {
        let essence = self.text("content-type").and_then(|value| value.split(';').next());
        essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
    }

    /// Whether the body is compressed or otherwise encoded.
    pub fn is_encoded(self) -> bool {
        self.get("content-encoding")
            .is_some_and(|value| !value.is_empty() && !value.eq_ignore_ascii_case(b"identity"))
    }
}
