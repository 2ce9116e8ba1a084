//! Log, time, contexts, and the few WASI functions that guests import.

use wasmtime::Linker;

use super::memory::{bytes, give, text, write, write_u32};
use super::{Call, HostCallError, status};
use crate::host::{Host, Status};

/// WASI's numbers for success, bad file, fault and "not supported". Envoy answers the last for CPU clocks.
const SUCCESS: u32 = 0;
const BADF: u32 = 8;
const FAULT: u32 = 21;
const NOTSUP: u32 = 58;

pub(super) fn log(call: &mut Call<'_>, level: u32, data: u32, size: u32) -> Result<(), HostCallError> {
    let line = bytes(call, data, size)?;
    status(call.data_mut().log(level, line))
}

pub(super) fn get_log_level(call: &mut Call<'_>, level: u32) -> Result<(), HostCallError> {
    let current = call.data().log_level() as u32;
    write_u32(call, level, current)
}

pub(super) fn get_time(call: &mut Call<'_>, time: u32) -> Result<(), HostCallError> {
    let now = call.data().clock().wall_ns;
    write(call, time, &now.to_le_bytes())
}

pub(super) fn set_tick_period(call: &mut Call<'_>, period_ms: u32) -> Result<(), HostCallError> {
    status(call.data_mut().set_tick_period(period_ms))
}

pub(super) fn set_effective_context(call: &mut Call<'_>, context: u32) -> Result<(), HostCallError> {
    status(call.data_mut().set_effective_context(context))
}

pub(super) fn done(call: &mut Call<'_>) -> Result<(), HostCallError> {
    status(call.data_mut().finish_done())
}

/// Returns the status of a gRPC call. This host makes none, so the status is always success.
pub(super) fn get_status(call: &mut Call<'_>, code: u32, at: u32, size: u32) -> Result<(), HostCallError> {
    write_u32(call, code, 0)?;
    give(call, b"", at, size)
}

pub(super) fn call_foreign_function(
    call: &mut Call<'_>,
    name: u32,
    name_size: u32,
    data: u32,
    size: u32,
    result: u32,
    result_size: u32,
) -> Result<(), HostCallError> {
    let (name, data) = (text(call, name, name_size)?, bytes(call, data, size)?);
    let function = call.data().foreign_functions.get(&name).copied();
    let answer = function.map(|function| function(&data));
    call.data_mut().foreign_calls.push((name, data));
    give(call, &answer.ok_or(Status::NotFound)?, result, result_size)
}

/// Defines the WASI imports: those that `wasm32-unknown-unknown` filters declare themselves, and those that
/// `wasm32-wasip1` adds to every module.
pub(super) fn link_wasi(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    const WASI: &str = "wasi_snapshot_preview1";
    linker.func_wrap(WASI, "clock_time_get", |mut call: Call<'_>, id: u32, _precision: u64, time: u32| {
        clock(&mut call, id, time)
    })?;
    linker.func_wrap(WASI, "random_get", |mut call: Call<'_>, at: u32, size: u32| {
        let random = call.data_mut().random(size as usize);
        errno(write(&mut call, at, &random))
    })?;
    linker.func_wrap(
        WASI,
        "fd_write",
        |mut call: Call<'_>, file: u32, list: u32, count: u32, written: u32| {
            fd_write(&mut call, file, list, count, written)
        },
    )?;
    for name in ["environ_sizes_get", "args_sizes_get"] {
        linker.func_wrap(WASI, name, |mut call: Call<'_>, count: u32, size: u32| {
            errno(write_u32(&mut call, count, 0).and_then(|()| write_u32(&mut call, size, 0)))
        })?;
    }
    for name in ["environ_get", "args_get"] {
        linker.func_wrap(WASI, name, |_: Call<'_>, _: u32, _: u32| SUCCESS)?;
    }
    linker.func_wrap(WASI, "sched_yield", |_: Call<'_>| SUCCESS)?;
    linker.func_wrap(WASI, "fd_close", |_: Call<'_>, _: u32| BADF)?;
    linker.func_wrap(WASI, "fd_fdstat_get", |_: Call<'_>, _: u32, _: u32| BADF)?;
    linker.func_wrap(WASI, "fd_seek", |_: Call<'_>, _: u32, _: u64, _: u32, _: u32| BADF)?;
    linker.func_wrap(WASI, "proc_exit", |_: Call<'_>, code: u32| -> wasmtime::Result<()> {
        Err(wasmtime::format_err!("the guest exited with code {code}"))
    })?;
    Ok(())
}

fn clock(call: &mut Call<'_>, id: u32, time: u32) -> wasmtime::Result<u32> {
    let clock = call.data().clock();
    let now = match id {
        0 => clock.wall_ns,
        1 => clock.monotonic_ns,
        _ => return Ok(NOTSUP),
    };
    errno(write(call, time, &now.to_le_bytes()))
}

/// Writes standard output and error to the log, as Envoy does.
fn fd_write(call: &mut Call<'_>, file: u32, list: u32, count: u32, written: u32) -> wasmtime::Result<u32> {
    let level = match file {
        1 => crate::host::LogLevel::Info,
        2 => crate::host::LogLevel::Error,
        _ => return Ok(BADF),
    };
    let gathered = gather(call, list, count);
    errno(gathered.and_then(|text| {
        let size = u32::try_from(text.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        call.data_mut().log(level as u32, text);
        write_u32(call, written, size)
    }))
}

fn gather(call: &mut Call<'_>, list: u32, count: u32) -> Result<Vec<u8>, HostCallError> {
    let mut text = Vec::new();
    for index in 0..count {
        let at = index.checked_mul(8).and_then(|offset| list.checked_add(offset));
        let entry = bytes(call, at.ok_or(Status::InvalidMemoryAccess)?, 8)?;
        let number = |from: usize| {
            let four = entry[from..from + 4].try_into();
            four.map(u32::from_le_bytes).map_err(|_| Status::InvalidMemoryAccess)
        };
        text.extend(bytes(call, number(0)?, number(4)?)?);
    }
    Ok(text)
}

/// Converts the result of a host call into the number of WASI, where proxy-wasm has a status.
fn errno(result: Result<(), HostCallError>) -> wasmtime::Result<u32> {
    match result {
        Ok(()) => Ok(SUCCESS),
        Err(HostCallError::Status(_)) => Ok(FAULT),
        Err(HostCallError::Trap(error)) => Err(error),
    }
}
