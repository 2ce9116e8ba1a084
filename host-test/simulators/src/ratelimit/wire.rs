//! The messages in the protobuf encoding.
//!
//! Field numbers are those of Envoy's `api/envoy/service/ratelimit/v3/rls.proto` and
//! `api/envoy/extensions/common/ratelimit/v3/ratelimit.proto`. They are decoded by hand, since a code generator for
//! four messages would add a second `syn` configuration to the build, and with it a second build of wasmtime's
//! compiler.

use anyhow::{Context, Result, bail};

use super::{Call, Descriptor};

/// `RateLimitResponse.Code`.
const OK: u8 = 1;
const OVER_LIMIT: u8 = 2;

/// Decodes a `RateLimitRequest`.
pub(super) fn read_call(message: &[u8]) -> Result<Call> {
    let mut call = Call::default();
    for field in fields(message) {
        match field? {
            (1, Value::Bytes(domain)) => call.domain = text(domain)?,
            (2, Value::Bytes(descriptor)) => call.descriptors.push(read_descriptor(descriptor)?),
            (3, Value::Varint(hits)) => call.hits_addend = u32::try_from(hits).context("hits_addend")?,
            _ => {}
        }
    }
    Ok(call)
}

/// Decodes a `RateLimitDescriptor`.
fn read_descriptor(message: &[u8]) -> Result<Descriptor> {
    let mut descriptor = Descriptor::default();
    for field in fields(message) {
        match field? {
            (1, Value::Bytes(entry)) => descriptor.entries.push(read_entry(entry)?),
            (3, Value::Bytes(wrapper)) => descriptor.hits_addend = Some(read_wrapper(wrapper)?),
            _ => {}
        }
    }
    Ok(descriptor)
}

/// Decodes a `RateLimitDescriptor.Entry`.
fn read_entry(message: &[u8]) -> Result<(String, String)> {
    let (mut key, mut value) = Default::default();
    for field in fields(message) {
        match field? {
            (1, Value::Bytes(bytes)) => key = text(bytes)?,
            (2, Value::Bytes(bytes)) => value = text(bytes)?,
            _ => {}
        }
    }
    Ok((key, value))
}

/// Decodes a `google.protobuf.UInt64Value`, in which 0 is not written.
fn read_wrapper(message: &[u8]) -> Result<u64> {
    let mut number = 0;
    for field in fields(message) {
        if let (1, Value::Varint(value)) = field? {
            number = value;
        }
    }
    Ok(number)
}

/// Encodes a `RateLimitResponse`: the overall code, and a status with a code for each descriptor.
pub(super) fn write_answer(over: &[bool]) -> Vec<u8> {
    let code = |over: bool| if over { OVER_LIMIT } else { OK };
    let mut message = vec![key(1, 0), code(over.contains(&true))];
    for status in over {
        message.extend([key(2, 2), 2, key(1, 0), code(*status)]);
    }
    message
}

/// Returns the key of a field: its number, below 16, with its wire type.
const fn key(number: u8, wire_type: u8) -> u8 {
    number << 3 | wire_type
}

#[derive(Debug, PartialEq, Eq)]
enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// A value of fixed length, which no known field has.
    Fixed,
}

/// Returns the fields of a message. The iterator ends with the first error.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = Result<(u64, Value<'_>)>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = field(&mut rest);
        if field.is_err() {
            rest = &[];
        }
        Some(field)
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Result<(u64, Value<'a>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => Value::Varint(varint(rest)?),
        1 => take(rest, 8).map(|_| Value::Fixed)?,
        2 => {
            let length = varint(rest)?;
            Value::Bytes(take(rest, length)?)
        }
        5 => take(rest, 4).map(|_| Value::Fixed)?,
        other => bail!("unknown wire type: {other}"),
    };
    Ok((key >> 3, value))
}

fn varint(rest: &mut &[u8]) -> Result<u64> {
    let mut number = 0;
    for place in 0..10 {
        let byte = take(rest, 1)?.first().copied().unwrap_or_default();
        number |= u64::from(byte & 0x7f) << (place * 7);
        if byte < 0x80 {
            return Ok(number);
        }
    }
    bail!("a number has more than ten bytes")
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8]> {
    let length = usize::try_from(length)?;
    let (taken, left) = rest.split_at_checked(length).context("the message ends inside a field")?;
    *rest = left;
    Ok(taken)
}

fn text(bytes: &[u8]) -> Result<String> {
    Ok(str::from_utf8(bytes).context("a string is not UTF-8")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Call, Descriptor, read_call, write_answer};

    /// domain "llm"; tenant=acme with hits 1234, then tenant=b with hits 0, then tenant=c with none; hits 300; and
    /// three fields that the service does not know.
    const CALL: &[u8] = b"\x0a\x03llm\
        \x12\x15\x0a\x0e\x0a\x06tenant\x12\x04acme\x1a\x03\x08\xd2\x09\
        \x12\x0f\x0a\x0b\x0a\x06tenant\x12\x01b\x1a\x00\
        \x12\x0d\x0a\x0b\x0a\x06tenant\x12\x01c\
        \x18\xac\x02\x7a\x01x\x7d1234\x7912345678";

    #[test]
    fn every_field_is_read() {
        let tenant = |value: &str, hits_addend| Descriptor {
            entries: vec![("tenant".into(), value.into())],
            hits_addend,
        };
        let descriptors = vec![tenant("acme", Some(1234)), tenant("b", Some(0)), tenant("c", None)];
        let expected = Call { domain: "llm".into(), descriptors, hits_addend: 300, over_limit: false };
        assert_eq!(read_call(CALL).unwrap(), expected);
        assert_eq!(read_call(b"").unwrap(), Call::default());
    }

    #[test]
    fn truncated_and_malformed_messages_are_errors() {
        // The offsets at which a field of CALL ends.
        let ends = [0, 5, 28, 45, 60, 63, 66, 71, CALL.len()];
        for length in 0..=CALL.len() {
            assert_eq!(read_call(&CALL[..length]).is_ok(), ends.contains(&length), "{length}");
        }
        for bad in [b"\x0b".as_slice(), b"\x0a\x01\xff", &[0xff; 11], b"\x18\x80\x80\x80\x80\x10"] {
            assert!(read_call(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_answer_has_a_code_for_all_and_one_for_each() {
        assert_eq!(write_answer(&[false]), b"\x08\x01\x12\x02\x08\x01");
        assert_eq!(write_answer(&[false, true]), b"\x08\x02\x12\x02\x08\x01\x12\x02\x08\x02");
    }
}
