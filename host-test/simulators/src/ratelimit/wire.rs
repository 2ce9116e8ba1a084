//! The messages in the protobuf encoding.
//!
//! Field numbers are those of Envoy's `api/envoy/service/ratelimit/v3/rls.proto` and
//! `api/envoy/extensions/common/ratelimit/v3/ratelimit.proto`. Unknown fields are skipped.

use anyhow::Result;
use prost::Message;

use super::{Call, Descriptor};

/// `RateLimitResponse.Code`.
const OK: i32 = 1;
const OVER_LIMIT: i32 = 2;

#[derive(Clone, PartialEq, Message)]
struct RateLimitRequest {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(message, repeated, tag = "2")]
    descriptors: Vec<RateLimitDescriptor>,
    #[prost(uint32, tag = "3")]
    hits_addend: u32,
}

#[derive(Clone, PartialEq, Message)]
struct RateLimitDescriptor {
    #[prost(message, repeated, tag = "1")]
    entries: Vec<DescriptorEntry>,
    /// A `google.protobuf.UInt64Value`.
    #[prost(message, optional, tag = "3")]
    hits_addend: Option<u64>,
}

/// `RateLimitDescriptor.Entry`.
#[derive(Clone, PartialEq, Message)]
struct DescriptorEntry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct RateLimitResponse {
    #[prost(int32, tag = "1")]
    overall_code: i32,
    #[prost(message, repeated, tag = "2")]
    statuses: Vec<DescriptorStatus>,
}

/// `RateLimitResponse.DescriptorStatus`.
#[derive(Clone, PartialEq, Message)]
struct DescriptorStatus {
    #[prost(int32, tag = "1")]
    code: i32,
}

/// Decodes a `RateLimitRequest`.
pub(super) fn read_call(message: &[u8]) -> Result<Call> {
    let request = RateLimitRequest::decode(message)?;
    let descriptor = |descriptor: RateLimitDescriptor| Descriptor {
        entries: descriptor.entries.into_iter().map(|entry| (entry.key, entry.value)).collect(),
        hits_addend: descriptor.hits_addend,
    };
    Ok(Call {
        domain: request.domain,
        descriptors: request.descriptors.into_iter().map(descriptor).collect(),
        hits_addend: request.hits_addend,
        over_limit: false,
    })
}

/// Encodes a `RateLimitResponse`: the overall code, and a status with a code for each descriptor.
pub(super) fn write_answer(over: &[bool]) -> Vec<u8> {
    let code = |over: bool| if over { OVER_LIMIT } else { OK };
    let statuses = over.iter().map(|over| DescriptorStatus { code: code(*over) }).collect();
    RateLimitResponse { overall_code: code(over.contains(&true)), statuses }.encode_to_vec()
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
        for bad in [b"\x0b".as_slice(), b"\x0a\x01\xff", &[0xff; 11]] {
            assert!(read_call(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_answer_has_a_code_for_all_and_one_for_each() {
        assert_eq!(write_answer(&[false]), b"\x08\x01\x12\x02\x08\x01");
        assert_eq!(write_answer(&[false, true]), b"\x08\x02\x12\x02\x08\x01\x12\x02\x08\x02");
    }
}
