//! Imports for a stream: buffers, header maps, properties, and the actions on it (continue, close, local response).

use super::memory::{bytes, give, headers, text, write_u32};
use super::{Call, HostCallError, status};
use crate::host::{BufferKind, LocalResponse, MapKind, PropertyPath, Status};

pub(super) fn get_buffer(
    call: &mut Call<'_>,
    kind: u32,
    start: u32,
    max: u32,
    at: u32,
    size: u32,
) -> Result<(), HostCallError> {
    let kind = buffer_kind(kind)?;
    // Envoy refuses a range whose end wraps around: "from 1 to usize::MAX" is an error, and the SDK panics on it.
    let end = start.checked_add(max).ok_or(Status::BadArgument)? as usize;
    let buffer = call.data().buffer(kind).ok_or(Status::NotFound)?;
    let part = buffer.get(start as usize..end.min(buffer.len()));
    let part = part.ok_or(Status::BadArgument)?.to_vec();
    if part.is_empty() {
        return Ok(());
    }
    give(call, &part, at, size)
}

pub(super) fn get_buffer_status(
    call: &mut Call<'_>,
    kind: u32,
    size: u32,
    flags: u32,
) -> Result<(), HostCallError> {
    let kind = buffer_kind(kind)?;
    let length = call.data().buffer(kind).ok_or(Status::NotFound)?.len();
    write_u32(call, size, u32::try_from(length).unwrap_or(u32::MAX))?;
    write_u32(call, flags, 0)
}

pub(super) fn set_buffer(
    call: &mut Call<'_>,
    kind: u32,
    start: u32,
    old_size: u32,
    at: u32,
    size: u32,
) -> Result<(), HostCallError> {
    let kind = buffer_kind(kind)?;
    let data = bytes(call, at, size)?;
    let host = call.data_mut();
    status(host.set_buffer(kind, start as usize, old_size as usize, &data))
}

pub(super) fn get_map_size(call: &mut Call<'_>, kind: u32, size: u32) -> Result<(), HostCallError> {
    let kind = map_kind(kind)?;
    let map = call.data().map(kind).ok_or(Status::BadArgument)?;
    let length = u32::try_from(map.byte_size()).unwrap_or(u32::MAX);
    write_u32(call, size, length)
}

/// Returns a whole map. An absent map is returned as an empty one, unlike an absent single value: Envoy does the same.
pub(super) fn get_map(call: &mut Call<'_>, kind: u32, at: u32, size: u32) -> Result<(), HostCallError> {
    let kind = map_kind(kind)?;
    let map = call.data().map(kind).filter(|map| !map.is_empty());
    let written = map.map(|map| map.encode()).unwrap_or_default();
    give(call, &written, at, size)
}

pub(super) fn set_map(call: &mut Call<'_>, kind: u32, at: u32, size: u32) -> Result<(), HostCallError> {
    let kind = map_kind(kind)?;
    let new = headers(call, at, size)?;
    *call.data_mut().map_mut(kind).ok_or(Status::BadArgument)? = new;
    Ok(())
}

pub(super) fn get_map_value(
    call: &mut Call<'_>,
    kind: u32,
    key: u32,
    key_size: u32,
    at: u32,
    size: u32,
) -> Result<(), HostCallError> {
    let kind = map_kind(kind)?;
    let key = bytes(call, key, key_size)?;
    let host = call.data();
    let map = host.map(kind).ok_or_else(|| host.absent_map())?;
    let value = map.get(&key).ok_or(Status::NotFound)?.to_vec();
    give(call, &value, at, size)
}

pub(super) fn add_map_value(
    call: &mut Call<'_>,
    kind: u32,
    key: u32,
    key_size: u32,
    at: u32,
    size: u32,
) -> Result<(), HostCallError> {
    let kind = map_kind(kind)?;
    let (key, value) = (bytes(call, key, key_size)?, bytes(call, at, size)?);
    let map = call.data_mut().map_mut(kind).ok_or(Status::BadArgument)?;
    map.add(key, value);
    Ok(())
}

pub(super) fn replace_map_value(
    call: &mut Call<'_>,
    kind: u32,
    key: u32,
    key_size: u32,
    at: u32,
    size: u32,
) -> Result<(), HostCallError> {
    let kind = map_kind(kind)?;
    let (key, value) = (bytes(call, key, key_size)?, bytes(call, at, size)?);
    let map = call.data_mut().map_mut(kind).ok_or(Status::BadArgument)?;
    map.set(key, value);
    Ok(())
}

pub(super) fn remove_map_value(
    call: &mut Call<'_>,
    kind: u32,
    key: u32,
    key_size: u32,
) -> Result<(), HostCallError> {
    let kind = map_kind(kind)?;
    let key = bytes(call, key, key_size)?;
    let map = call.data_mut().map_mut(kind).ok_or(Status::BadArgument)?;
    map.remove(key);
    Ok(())
}

pub(super) fn get_property(
    call: &mut Call<'_>,
    path: u32,
    path_size: u32,
    at: u32,
    size: u32,
) -> Result<(), HostCallError> {
    let path = PropertyPath::from_guest(bytes(call, path, path_size)?);
    let value = call.data().property(&path)?;
    give(call, &value, at, size)
}

pub(super) fn set_property(
    call: &mut Call<'_>,
    path: u32,
    path_size: u32,
    at: u32,
    size: u32,
) -> Result<(), HostCallError> {
    let (path, value) = (bytes(call, path, path_size)?, bytes(call, at, size)?);
    status(call.data_mut().set_property(path, value))
}

pub(super) fn continue_stream(call: &mut Call<'_>, stream_type: u32) -> Result<(), HostCallError> {
    status(call.data_mut().command(stream_type, false))
}

pub(super) fn close_stream(call: &mut Call<'_>, stream_type: u32) -> Result<(), HostCallError> {
    status(call.data_mut().command(stream_type, true))
}

#[expect(clippy::too_many_arguments, reason = "the ABI has that many, and a struct would only rename them")]
pub(super) fn send_local_response(
    call: &mut Call<'_>,
    code: u32,
    details: u32,
    details_size: u32,
    body: u32,
    body_size: u32,
    pairs: u32,
    pairs_size: u32,
    grpc_status: i32,
) -> Result<(), HostCallError> {
    let reply = LocalResponse {
        status: code,
        headers: headers(call, pairs, pairs_size)?,
        body: bytes(call, body, body_size)?,
        details: text(call, details, details_size)?,
        grpc_status,
    };
    status(call.data_mut().send_local_response(reply))
}

fn buffer_kind(number: u32) -> Result<BufferKind, Status> {
    BufferKind::from_number(number).ok_or(Status::BadArgument)
}

fn map_kind(number: u32) -> Result<MapKind, Status> {
    MapKind::from_number(number).ok_or(Status::BadArgument)
}
