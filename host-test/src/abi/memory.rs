//! Guest memory. Every pointer and length of the guest is checked before it is used.

use wasmtime::{Extern, Memory};

use super::{Call, HostCallError};
use crate::header_map::Headers;
use crate::host::Status;

/// Copies bytes out of the guest.
pub(super) fn bytes(call: &mut Call<'_>, at: u32, size: u32) -> Result<Vec<u8>, HostCallError> {
    let memory = memory(call)?;
    let range = range(at, size)?;
    let found = memory.data(&*call).get(range);
    Ok(found.ok_or(Status::InvalidMemoryAccess)?.to_vec())
}

/// Copies text out of the guest. A name that is not UTF-8 is converted with loss, as in Envoy.
pub(super) fn text(call: &mut Call<'_>, at: u32, size: u32) -> Result<String, HostCallError> {
    Ok(String::from_utf8_lossy(&bytes(call, at, size)?).into_owned())
}

/// Reads a header map out of the guest. One that cannot be read counts as empty, as it does in Envoy.
pub(super) fn headers(call: &mut Call<'_>, at: u32, size: u32) -> Result<Headers, HostCallError> {
    let written = bytes(call, at, size)?;
    Ok(Headers::decode(&written).unwrap_or_else(|error| {
        call.data_mut().ignored.push(error.to_string());
        Headers::new()
    }))
}

/// Writes bytes at an address that the guest gave.
pub(super) fn write(call: &mut Call<'_>, at: u32, data: &[u8]) -> Result<(), HostCallError> {
    let memory = memory(call)?;
    let size = u32::try_from(data.len()).map_err(|_| Status::InvalidMemoryAccess)?;
    let range = range(at, size)?;
    let place = memory.data_mut(&mut *call).get_mut(range);
    place.ok_or(Status::InvalidMemoryAccess)?.copy_from_slice(data);
    Ok(())
}

/// Writes a 32-bit number at an address that the guest gave.
pub(super) fn write_u32(call: &mut Call<'_>, at: u32, number: u32) -> Result<(), HostCallError> {
    write(call, at, &number.to_le_bytes())
}

/// Returns bytes in memory that the guest's allocator provides. No bytes are not allocated: the pointer is then null,
/// which the SDK distinguishes from an empty buffer.
pub(super) fn give(call: &mut Call<'_>, data: &[u8], at: u32, size: u32) -> Result<(), HostCallError> {
    let length = u32::try_from(data.len()).map_err(|_| Status::InvalidMemoryAccess)?;
    let mut place = 0;
    if length > 0 {
        place = allocate(call, length)?;
        write(call, place, data)?;
    }
    write_u32(call, at, place)?;
    write_u32(call, size, length)
}

fn allocate(call: &mut Call<'_>, size: u32) -> Result<u32, HostCallError> {
    let exported = ["proxy_on_memory_allocate", "malloc"]
        .iter()
        .find_map(|name| call.get_export(name).and_then(Extern::into_func))
        .ok_or(Status::InternalFailure)?;
    let allocator = exported.typed::<u32, u32>(&*call).map_err(HostCallError::Trap)?;
    let place = allocator.call(&mut *call, size).map_err(HostCallError::Trap)?;
    if place == 0 {
        return Err(Status::InvalidMemoryAccess.into());
    }
    Ok(place)
}

fn memory(call: &mut Call<'_>) -> Result<Memory, HostCallError> {
    let exported = call.get_export("memory").and_then(Extern::into_memory);
    Ok(exported.ok_or(Status::InvalidMemoryAccess)?)
}

fn range(at: u32, size: u32) -> Result<std::ops::Range<usize>, HostCallError> {
    let end = at.checked_add(size).ok_or(Status::InvalidMemoryAccess)?;
    Ok(at as usize..end as usize)
}
