//! The naive twin of the event reader: it splits the whole text. It does not use the engine, so that the fuzz targets
//! can use it too.

/// The data of every complete event, and that of an event which no empty line has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    pub whole: Vec<Vec<u8>>,
    pub open: Option<Vec<u8>>,
}

/// Returns the events of a stream. Lines are split first, then become fields.
pub fn events(bytes: &[u8]) -> Events {
    let mut lines = vec![Vec::new()];
    let mut previous = 0;
    for byte in bytes {
        match (previous, byte) {
            (b'\r', b'\n') => {}
            (_, b'\r' | b'\n') => lines.push(Vec::new()),
            (_, byte) => lines.last_mut().into_iter().for_each(|line| line.push(*byte)),
        }
        previous = *byte;
    }
    let last = lines.pop().unwrap_or_default();
    let mut events = Events::default();
    let mut data: Vec<Vec<u8>> = Vec::new();
    for line in lines {
        if line.is_empty() && !data.is_empty() {
            events.whole.push(data.join(&b'\n'));
            data.clear();
        }
        data.extend(if line == b"data" { Some(Vec::new()) } else { value(&line) });
    }
    data.extend(value(&last));
    events.open = (!data.is_empty()).then(|| data.join(&b'\n'));
    events
}

fn value(line: &[u8]) -> Option<Vec<u8>> {
    let value = line.strip_prefix(b"data:")?;
    Some(value.strip_prefix(b" ").unwrap_or(value).to_vec())
}
