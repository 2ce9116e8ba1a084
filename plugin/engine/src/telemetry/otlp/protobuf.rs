//! The binary encoding: proto3 with the field numbers of `opentelemetry-proto`.

use super::{Attribute, Event, KIND_CLIENT, SCOPE, SEVERITY_INFO, STATUS_ERROR, Span, VERSION, Value};

/// Encodes an `opentelemetry.proto.trace.v1.Span`.
pub(super) fn span(span: &Span, start_ns: u64, end_ns: u64) -> Vec<u8> {
    let mut message = Message::default();
    message.bytes(1, &span.trace);
    message.bytes(2, &span.id);
    if let Some(parent) = &span.parent {
        message.bytes(4, parent);
    }
    message.bytes(5, span.name.as_bytes());
    message.number(6, KIND_CLIENT);
    message.fixed(7, start_ns);
    message.fixed(8, end_ns);
    attributes(&mut message, 9, &span.attributes);
    for (name, after_ms) in &span.events {
        message.message(11, &mut |event| {
            event.fixed(1, start_ns.saturating_add(super::nanoseconds(*after_ms)));
            event.bytes(2, name.as_bytes());
        });
    }
    if let Some(failure) = span.failure {
        message.message(15, &mut |status| {
            status.bytes(2, failure.as_bytes());
            status.number(3, STATUS_ERROR);
        });
    }
    message.0
}

/// Encodes an `opentelemetry.proto.logs.v1.LogRecord`.
pub(super) fn event(event: &Event, at_ns: u64) -> Vec<u8> {
    let mut message = Message::default();
    message.fixed(1, at_ns);
    message.number(2, SEVERITY_INFO);
    attributes(&mut message, 6, &event.attributes);
    message.bytes(9, &event.trace);
    message.bytes(10, &event.span);
    message.fixed(11, at_ns);
    message.bytes(12, event.name.as_bytes());
    message.0
}

/// Encodes an `ExportTraceServiceRequest` or an `ExportLogsServiceRequest`, which have the same field numbers.
pub(super) fn request<'i>(resource: &[Attribute], items: impl Iterator<Item = &'i [u8]> + Clone) -> Vec<u8> {
    let bytes = items.clone().fold(256, |sum: usize, item| sum.saturating_add(item.len()).saturating_add(8));
    let mut request = Message(Vec::with_capacity(bytes));
    request.message(1, &mut |of_resource| {
        of_resource.message(1, &mut |message| attributes(message, 1, resource));
        of_resource.message(2, &mut |of_scope| {
            of_scope.message(1, &mut |scope| {
                scope.bytes(1, SCOPE.as_bytes());
                scope.bytes(2, VERSION.as_bytes());
            });
            items.clone().for_each(|item| of_scope.bytes(2, item));
        });
    });
    request.0
}

fn attributes(message: &mut Message, field: u64, attributes: &[Attribute]) {
    for (name, value) in attributes {
        message.message(field, &mut |pair| {
            pair.bytes(1, name.as_bytes());
            pair.message(2, &mut |any| write(any, value));
        });
    }
}

/// Encodes an `AnyValue`. Even an empty field is written, since the field number is the type of the value.
fn write(any: &mut Message, value: &Value) {
    match value {
        Value::Text(text) => any.bytes(1, text.as_bytes()),
        Value::Bool(is) => any.number(2, u64::from(*is)),
        Value::Int(number) => any.number(3, (*number).min(i64::MAX.unsigned_abs())),
        Value::Double(number) => any.double(4, *number),
        Value::Texts(texts) => any.message(5, &mut |list| {
            for text in texts {
                list.message(1, &mut |any| any.bytes(1, text.as_bytes()));
            }
        }),
    }
}

#[derive(Default)]
struct Message(Vec<u8>);

/// Protobuf wire types.
const VARINT: u64 = 0;
const FIXED: u64 = 1;
const BYTES: u64 = 2;

impl Message {
    fn tag(&mut self, field: u64, wire_type: u64) {
        varint(field << 3 | wire_type, |byte| self.0.push(byte));
    }

    fn number(&mut self, field: u64, number: u64) {
        self.tag(field, VARINT);
        varint(number, |byte| self.0.push(byte));
    }

    fn fixed(&mut self, field: u64, number: u64) {
        self.tag(field, FIXED);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn double(&mut self, field: u64, number: f64) {
        self.fixed(field, number.to_bits());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.tag(field, BYTES);
        varint(u64::try_from(bytes.len()).unwrap_or(0), |byte| self.0.push(byte));
        self.0.extend_from_slice(bytes);
    }

    /// Appends a nested message. It is not generic, since it is called in a dozen places. The length is unknown
    /// before `write`, so one byte is reserved for it, which is enough for all but a few large messages.
    fn message(&mut self, field: u64, write: &mut dyn FnMut(&mut Self)) {
        self.tag(field, BYTES);
        let place = self.0.len();
        self.0.push(0);
        write(self);
        let bytes = self.0.len().saturating_sub(place).saturating_sub(1);
        match (u8::try_from(bytes), self.0.get_mut(place)) {
            (Ok(small @ ..0x80), Some(length)) => *length = small,
            _ => {
                let mut length = Vec::new();
                varint(u64::try_from(bytes).unwrap_or(0), |byte| length.push(byte));
                self.0.splice(place..=place, length);
            }
        }
    }
}

fn varint(mut number: u64, mut push: impl FnMut(u8)) {
    loop {
        let [low, ..] = (number & 0x7F).to_le_bytes();
        number >>= 7;
        push(if number > 0 { low | 0x80 } else { low });
        if number == 0 {
            return;
        }
    }
}
