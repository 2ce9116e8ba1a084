//! The naive twin of the form reader: it splits the whole body into lines, and those into parts. It does not use the
//! engine, so that the fuzz targets can use it too.

/// Returns the name and value of every field. The value is the first line after the headers, if that line has ended.
pub fn fields(boundary: &str, body: &[u8], line_max: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut lines: Vec<_> = body.split(|byte| *byte == b'\n').collect();
    lines.pop();
    let start = |line: &[u8]| line.get(..line_max).unwrap_or(line).trim_ascii_end().to_vec();
    let lines: Vec<_> = lines.into_iter().map(start).collect();
    let delimiter = format!("--{boundary}");
    let parts = lines.split(|line| line.starts_with(delimiter.as_bytes())).skip(1);
    let field = |part: &[Vec<u8>]| {
        let blank = part.iter().position(Vec::is_empty)?;
        let value = part.get(blank + 1)?;
        let name = part.iter().take(blank).rev().find_map(|line| name(line));
        Some((name.unwrap_or_default(), value.clone()))
    };
    parts.filter_map(field).collect()
}

fn name(line: &[u8]) -> Option<Vec<u8>> {
    let mut parts = line.splitn(2, |byte| *byte == b':');
    if !parts.next()?.eq_ignore_ascii_case(b"content-disposition") {
        return None;
    }
    // The first item is not a parameter but the disposition itself.
    let mut parameters = parts.next()?.split(|byte| *byte == b';').skip(1).map(<[u8]>::trim_ascii);
    let name = parameters.find(|parameter| parameter.starts_with(b"name="))?.split_at(5).1;
    match name {
        [b'"', quoted @ .., b'"'] => Some(quoted.to_vec()),
        plain => Some(plain.to_vec()),
    }
}
