//! Models that the path of a request names.

use super::Format;
use crate::limits::SCALAR_BYTES_MAX;

/// Returns the model that `path` names, percent-decoded; `None` if it names none.
pub fn model_in_path(format: &Format, path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or(path);
    let mut found = format.model_in_path.iter();
    let (model, behind) = found.find_map(|(before, behind)| Some((path.split_once(before)?.1, *behind)))?;
    let model = model.split_once(behind).map_or(model, |(model, _)| model);
    let model = percent_decoded(model.get(..SCALAR_BYTES_MAX).unwrap_or(model));
    // `unknown` is the label value of an absent model, and no model's name.
    (!model.is_empty() && model != "unknown").then_some(model)
}

/// Decodes escapes such as `%3A`, and leaves alone what is no escape.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail.split_first_chunk::<2>().filter(|_| byte == b'%');
        let escaped = digits.and_then(|(digits, after)| {
            let digits = core::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = escaped.unwrap_or((byte, tail));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
