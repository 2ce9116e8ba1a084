//! A compiled [`Module`], and its running instances, the [`Guest`]s.
//!
//! - `module`: a compiled filter
//! - `flow`: the proxy's side of one stream: the bytes it passed on and those that the filter holds
//! - `deliver`: delivers events to the filter and performs its actions
//! - `ending`: the ways a stream can end, and what Envoy reports about each

mod deliver;
mod ending;
mod flow;
mod module;

use std::collections::BTreeMap;

use wasmtime::{Instance, Store, Trap, WasmParams, WasmResults};

use crate::failure::{Failure, FailureKind, Result};
use crate::host::{CallAnswer, CallState, Host, LogLevel, ROOT};

pub use crate::host::Options;
pub use ending::{Ending, LocalReply, StreamReport};
pub use flow::{DeliveredMessage, MessageEnd, Piece, Step};
pub(crate) use flow::{Event, Flow};
pub use module::Module;
pub(crate) use module::engine;

/// A running filter: one VM with one root context, like one worker thread of Envoy.
///
/// The first failure is final: every later call fails with [`FailureKind::Dead`].
pub struct Guest {
    pub(crate) flows: BTreeMap<u32, Flow>,
    pub(crate) buffer_bytes_max: usize,
    pub(crate) stop_iteration: bool,
    store: Store<Host>,
    instance: Instance,
    fuel: BTreeMap<String, Fuel>,
    fuel_max: u64,
    last_context: u32,
    dead: Option<Box<Failure>>,
}

/// The fuel that an export has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fuel {
    /// The number of calls.
    pub calls: u64,
    /// Fuel of all calls together.
    pub total: u64,
    /// Fuel of the most expensive call: `max <= total`.
    pub max: u64,
}

impl Guest {
    /// Starts a new instance and configures it.
    pub fn start(module: &Module, options: Options) -> Result<Self> {
        let (guest, booted) = Self::try_start(module, options)?;
        booted.map(|()| guest)
    }

    /// Like [`start`](Self::start), but returns the guest even if it failed to start, so that its logs can be read.
    pub fn try_start(module: &Module, options: Options) -> Result<(Self, Result<()>)> {
        let mut store = Store::new(module.engine(), Host::new(&options));
        store.limiter(|host| &mut host.memory);
        let instantiated = store.set_fuel(options.fuel_max).and_then(|()| module.instantiate(&mut store));
        let instance = instantiated.map_err(|error| explain(&error, "instantiate", store.data(), 0))?;
        let mut guest = Self {
            flows: BTreeMap::new(),
            buffer_bytes_max: options.buffer_bytes_max,
            stop_iteration: options.allow_on_headers_stop_iteration,
            store,
            instance,
            fuel: BTreeMap::new(),
            fuel_max: options.fuel_max,
            last_context: ROOT,
            dead: None,
        };
        let sizes = (size(&options.vm_configuration), size(&options.configuration));
        let booted = guest.boot(sizes.0, sizes.1);
        Ok((guest, booted))
    }

    /// Returns the host: the effects of the guest, and the settings of the proxy around it.
    pub fn host(&self) -> &Host {
        self.store.data()
    }

    /// Returns the host for changes.
    pub fn host_mut(&mut self) -> &mut Host {
        self.store.data_mut()
    }

    /// Advances the clock of the whole proxy. A tick that is due waits for [`run_pending`](Self::run_pending). A
    /// callout never times out by itself: a test answers it.
    pub fn advance_ms(&mut self, ms: u64) {
        self.host_mut().advance_ms(ms);
    }

    /// Returns the fuel that each export has used so far.
    pub fn fuel(&self) -> &BTreeMap<String, Fuel> {
        &self.fuel
    }

    /// Returns the fuel of all exports together.
    pub fn fuel_total(&self) -> u64 {
        self.fuel.values().map(|fuel| fuel.total).sum()
    }

    /// Returns the failure that ended this guest; `None` while it runs.
    pub fn failure(&self) -> Option<&Failure> {
        self.dead.as_deref()
    }

    /// Gives the running plugin another configuration, as some hosts do. Envoy starts a new plugin instead.
    pub fn reconfigure(&mut self, configuration: impl Into<Vec<u8>>) -> Result<()> {
        let configuration = configuration.into();
        let bytes = size(&configuration);
        self.store.data_mut().set_configuration(configuration);
        self.configure(bytes)
    }

    /// Delivers the events that wait for the next turn of the event loop: queue wake-ups, and the tick if it is due.
    /// Returns the number of callbacks made.
    pub fn run_pending(&mut self) -> Result<usize> {
        let mut made = 0;
        loop {
            let vm = self.host().vm;
            let wake_up = self.host().proxy_state().take_wake_up(vm);
            let Some((context, queue)) = wake_up else {
                break;
            };
            self.run::<_, ()>(context, "proxy_on_queue_ready", (context, queue))?;
            self.perform_commands()?;
            made += 1;
        }
        let host = self.host();
        if host.tick_period_ms > 0 && host.clock().monotonic_ns >= host.tick_due_ns {
            self.tick()?;
            made += 1;
        }
        Ok(made)
    }

    /// Calls `proxy_on_tick`, whether a tick is due or not.
    pub fn tick(&mut self) -> Result<()> {
        let host = self.host_mut();
        host.set_tick_period(host.tick_period_ms);
        self.run::<_, ()>(ROOT, "proxy_on_tick", (ROOT,))?;
        self.perform_commands()
    }

    /// Answers a callout.
    pub fn answer(&mut self, token: u32, answer: CallAnswer) -> Result<()> {
        const CALLBACK: &str = "proxy_on_http_call_response";
        if !self.host_mut().close_callout(token, CallState::Answered) {
            let message = format!("callout {token} is not in flight");
            return Err(Failure::new(FailureKind::Driver, CALLBACK, message));
        }
        let count = |headers: &crate::Headers| u32::try_from(headers.len()).unwrap_or(u32::MAX);
        let headers = answer.headers.as_ref().map_or(0, count);
        let (body, trailers) = (size(&answer.body), count(&answer.trailers));
        // A lost answer leaves nothing to read, not even an empty map.
        self.host_mut().call_answer = answer.headers.is_some().then_some(answer);
        let result = self.run::<_, ()>(ROOT, CALLBACK, (ROOT, token, headers, body, trailers));
        self.host_mut().call_answer = None;
        result?;
        self.perform_commands()
    }

    /// Drops a callout without a callback, as a plugin reload does.
    pub fn cancel(&mut self, token: u32) -> Result<()> {
        if self.host_mut().close_callout(token, CallState::Cancelled) {
            return Ok(());
        }
        let message = format!("callout {token} is not in flight");
        Err(Failure::new(FailureKind::Driver, "cancel", message))
    }

    /// Calls `proxy_on_done` on the root context. Returns `false` if the root context has work left and will call
    /// `proxy_done` later: see [`Host::is_done`].
    pub fn shut_down(&mut self) -> Result<bool> {
        let done: Option<u32> = self.run(ROOT, "proxy_on_done", (ROOT,))?;
        // As in Envoy, nothing is delivered before that answer.
        let host = self.host_mut();
        (host.pending_done, host.done) = if done == Some(0) { (true, false) } else { (false, true) };
        self.perform_commands()?;
        Ok(self.host().is_done())
    }

    /// Deletes the root context.
    pub fn delete(&mut self) -> Result<()> {
        self.run::<_, ()>(ROOT, "proxy_on_log", (ROOT,))?;
        self.run::<_, ()>(ROOT, "proxy_on_delete", (ROOT,))?;
        Ok(())
    }

    /// Returns a new context id.
    pub(crate) fn next_context(&mut self) -> u32 {
        self.last_context += 1;
        self.last_context
    }

    /// Calls an export with the context that the callback is about. An export that the module lacks is not called.
    pub(crate) fn run<P: WasmParams, R: WasmResults>(
        &mut self,
        context: u32,
        callback: &str,
        arguments: P,
    ) -> Result<Option<R>> {
        if let Some(first) = &self.dead {
            return Err(Failure::new(FailureKind::Dead, callback, first.to_string()));
        }
        if self.instance.get_func(&mut self.store, callback).is_none() {
            return Ok(None);
        }
        self.store.data_mut().enter(context);
        let refusals = self.host().memory.refusals;
        let result = self.metered(callback, arguments);
        self.store.data_mut().enter(0);
        result.map(Some).map_err(|error| self.fail(explain(&error, callback, self.store.data(), refusals)))
    }

    /// Ends this guest.
    pub(crate) fn fail(&mut self, failure: Box<Failure>) -> Box<Failure> {
        self.dead = Some(failure.clone());
        failure
    }

    /// Returns the fuel that one export has used so far.
    pub(crate) fn callback_fuel(&self, callback: &str) -> u64 {
        self.fuel.get(callback).map_or(0, |fuel| fuel.total)
    }

    fn metered<P: WasmParams, R: WasmResults>(
        &mut self,
        callback: &str,
        arguments: P,
    ) -> wasmtime::Result<R> {
        let function = self.instance.get_typed_func::<P, R>(&mut self.store, callback)?;
        self.store.set_fuel(self.fuel_max)?;
        let result = function.call(&mut self.store, arguments);
        let used = self.fuel_max - self.store.get_fuel()?;
        let fuel = self.fuel.entry(callback.to_owned()).or_default();
        fuel.calls += 1;
        fuel.total += used;
        fuel.max = fuel.max.max(used);
        result
    }

    fn boot(&mut self, vm_configuration: u32, configuration: u32) -> Result<()> {
        for entry in ["_initialize", "_start"] {
            if self.run::<_, ()>(0, entry, ())?.is_some() {
                break;
            }
        }
        self.run::<_, ()>(ROOT, "proxy_on_context_create", (ROOT, 0_u32))?;
        self.accept("proxy_on_vm_start", vm_configuration)?;
        self.configure(configuration)
    }

    fn configure(&mut self, configuration: u32) -> Result<()> {
        self.store.data_mut().configuring = true;
        self.accept("proxy_on_configure", configuration)?;
        self.store.data_mut().configuring = false;
        self.perform_commands()
    }

    fn accept(&mut self, callback: &str, size: u32) -> Result<()> {
        if self.run::<_, u32>(ROOT, callback, (ROOT, size))? != Some(0) {
            return Ok(());
        }
        let lines = self.host().logs.iter();
        let said = lines.rev().find(|line| line.level >= LogLevel::Warn);
        let message = said.map_or("the guest logged no reason".to_owned(), |line| line.text.clone());
        Err(self.fail(Failure::new(FailureKind::Refused, callback, message)))
    }
}

/// Makes a failure from wasmtime's error and the host's observations. A memory refusal before this callback is not the
/// cause, since the guest survived it.
fn explain(error: &wasmtime::Error, callback: &str, host: &Host, refusals_before: u64) -> Box<Failure> {
    let kind = match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => FailureKind::Fuel,
        _ if host.memory.refusals > refusals_before => FailureKind::Memory,
        Some(_) => FailureKind::Trap,
        None if callback == "instantiate" => FailureKind::Module,
        None => FailureKind::Trap,
    };
    let critical = host.logged(LogLevel::Critical).last().map(|s| (*s).into());
    Box::new(Failure { kind, callback: callback.to_owned(), message: format!("{error:#}"), critical })
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
