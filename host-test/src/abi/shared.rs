//! Imports for state that outlives a stream: metrics, shared data, shared queues.

use super::memory::{bytes, give, text, write, write_u32};
use super::{Call, HostCallError};
use crate::host::{ROOT, Status};
use crate::proxy_state::RootAddress;

pub(super) fn define_metric(
    call: &mut Call<'_>,
    kind: u32,
    name: u32,
    name_size: u32,
    id: u32,
) -> Result<(), HostCallError> {
    let name = bytes(call, name, name_size)?;
    let defined = call.data_mut().define_metric(kind, name)?;
    write_u32(call, id, defined)
}

pub(super) fn increment_metric(call: &mut Call<'_>, id: u32, offset: i64) -> Result<(), HostCallError> {
    Ok(call.data_mut().increment_metric(id, offset)?)
}

pub(super) fn record_metric(call: &mut Call<'_>, id: u32, value: u64) -> Result<(), HostCallError> {
    Ok(call.data_mut().record_metric(id, value)?)
}

pub(super) fn get_metric(call: &mut Call<'_>, id: u32, value: u32) -> Result<(), HostCallError> {
    let found = call.data().get_metric(id)?;
    write(call, value, &found.to_le_bytes())
}

pub(super) fn get_data(
    call: &mut Call<'_>,
    key: u32,
    key_size: u32,
    at: u32,
    size: u32,
    cas: u32,
) -> Result<(), HostCallError> {
    let key = text(call, key, key_size)?;
    call.data().shares_data()?;
    let place = (call.data().vm_id().to_owned(), key);
    let found = call.data().proxy_state().data.get(&place).cloned();
    let (value, version) = found.ok_or(Status::NotFound)?;
    give(call, &value, at, size)?;
    write_u32(call, cas, version)
}

pub(super) fn set_data(
    call: &mut Call<'_>,
    key: u32,
    key_size: u32,
    at: u32,
    size: u32,
    cas: u32,
) -> Result<(), HostCallError> {
    let (key, value) = (text(call, key, key_size)?, bytes(call, at, size)?);
    call.data().shares_data()?;
    if call.data_mut().is_raced(cas) {
        return Err(Status::CasMismatch.into());
    }
    let host = call.data();
    if host.proxy_state().set_data(host.vm_id(), &key, value, cas) {
        Ok(())
    } else {
        Err(Status::CasMismatch.into())
    }
}

pub(super) fn register_queue(
    call: &mut Call<'_>,
    name: u32,
    name_size: u32,
    id: u32,
) -> Result<(), HostCallError> {
    let name = text(call, name, name_size)?;
    let host = call.data();
    let owner = RootAddress { vm: host.vm, context: ROOT };
    let registered = host.proxy_state().register_queue(host.vm_id(), &name, owner);
    write_u32(call, id, registered)
}

pub(super) fn resolve_queue(
    call: &mut Call<'_>,
    vm: u32,
    vm_size: u32,
    name: u32,
    name_size: u32,
    id: u32,
) -> Result<(), HostCallError> {
    let (vm, name) = (text(call, vm, vm_size)?, text(call, name, name_size)?);
    let found = call.data().proxy_state().resolve_queue(&vm, &name);
    write_u32(call, id, found.ok_or(Status::NotFound)?)
}

pub(super) fn enqueue(call: &mut Call<'_>, id: u32, at: u32, size: u32) -> Result<(), HostCallError> {
    let item = bytes(call, at, size)?;
    if call.data().proxy_state().enqueue(id, item) { Ok(()) } else { Err(Status::NotFound.into()) }
}

pub(super) fn dequeue(call: &mut Call<'_>, id: u32, at: u32, size: u32) -> Result<(), HostCallError> {
    let item = {
        let mut proxy_state = call.data().proxy_state();
        let queue = proxy_state.queues.get_mut(&id).ok_or(Status::NotFound)?;
        queue.items.pop_front().ok_or(Status::Empty)?
    };
    give(call, &item, at, size)
}
