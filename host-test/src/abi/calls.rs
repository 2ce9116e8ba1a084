//! Calls to other clusters. HTTP only: a gRPC call fails with a status that the guest has to handle anyway.

use super::memory::{bytes, headers, write_u32};
use super::{Call, HostCallError};
use crate::host::Status;

#[expect(clippy::too_many_arguments, reason = "the ABI has that many, and a struct would only rename them")]
pub(super) fn http_call(
    call: &mut Call<'_>,
    cluster: u32,
    cluster_size: u32,
    pairs: u32,
    pairs_size: u32,
    body: u32,
    body_size: u32,
    trailers: u32,
    trailers_size: u32,
    timeout_ms: u32,
    token: u32,
) -> Result<(), HostCallError> {
    let cluster = bytes(call, cluster, cluster_size)?;
    let head = headers(call, pairs, pairs_size)?;
    let body = bytes(call, body, body_size)?;
    let trailers = headers(call, trailers, trailers_size)?;
    let sent = call.data_mut().http_call(cluster, head, body, trailers, timeout_ms)?;
    write_u32(call, token, sent)
}

#[expect(clippy::too_many_arguments, reason = "the ABI has that many, and none is used")]
pub(super) fn grpc_call(
    _: &mut Call<'_>,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
) -> Result<(), HostCallError> {
    Err(Status::InternalFailure.into())
}

#[expect(clippy::too_many_arguments, reason = "the ABI has that many, and none is used")]
pub(super) fn grpc_stream(
    _: &mut Call<'_>,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
) -> Result<(), HostCallError> {
    Err(Status::InternalFailure.into())
}

/// Fails, because no gRPC stream exists to send on.
pub(super) fn grpc_send(_: &mut Call<'_>, _: u32, _: u32, _: u32, _: u32) -> Result<(), HostCallError> {
    Err(Status::NotFound.into())
}

/// Fails, because no gRPC call or stream exists to cancel or close.
pub(super) fn grpc_end(_: &mut Call<'_>, _: u32) -> Result<(), HostCallError> {
    Err(Status::NotFound.into())
}
