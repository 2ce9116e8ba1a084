//! The engine as a component, embedded in wasmtime as a gateway would embed it.
//!
//! wasmtime's `bindgen!` generates the Rust types of the contract in `wit/`; the rest of this module converts cases.
//! The component is instantiated with an empty linker, so it can reach nothing but its own memory and its fuel.

mod build;
mod record;

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use llm_gauge_engine::config::ConfigError;
use llm_gauge_engine::exchange::End;
use simulators::case::{Case, Fields};
use wasmtime::component::{Linker, ResourceAny};
use wasmtime::{Engine, Store};

use crate::ChunkPlan;
use crate::guest::engine;
use crate::host::Memory;

pub use build::build;
pub use contract::exports::llm_gauge::evaluation::{judge, meter, types};
pub use record::fields;

mod contract {
    #![allow(missing_docs, reason = "generated from wit/, where every item is documented")]
    wasmtime::component::bindgen!({ path: "../wit", world: "gauge" });
}

/// The contract's package.
pub const PACKAGE: &str = "llm-gauge:evaluation";

/// The version of the contract. The bytes of another version may have another meaning.
pub const VERSION: &str = "0.1.0";

/// Maximum bytes of linear memory.
const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Maximum fuel for one exchange: about one unit for each wasm instruction.
const FUEL_MAX: u64 = 100_000_000_000;

/// A compiled component. Clones share the compiled code.
#[derive(Clone)]
pub struct Component {
    linked: contract::GaugePre<Memory>,
}

impl Component {
    /// Compiles the component in this file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::from_bytes(&bytes).with_context(|| format!("cannot load {}", path.display()))
    }

    /// Compiles a component. A component of another version, or one with imports, is refused.
    pub fn from_bytes(wasm: &[u8]) -> Result<Self> {
        let engine = engine()?;
        let component = wasmtime::component::Component::new(engine, wasm);
        let component = component.map_err(to_anyhow).context("not a usable component")?;
        check(engine, &component)?;
        let linked = Linker::new(engine).instantiate_pre(&component).and_then(contract::GaugePre::new);
        Ok(Self { linked: linked.map_err(to_anyhow).context("not the contract's world")? })
    }

    /// Starts a fresh instance.
    pub fn start(&self) -> Result<Instance> {
        let mut store = Store::new(self.linked.engine(), Memory::new(MEMORY_BYTES_MAX));
        store.limiter(|memory| memory);
        let gauge = store.set_fuel(FUEL_MAX).and_then(|()| self.linked.instantiate(&mut store));
        Ok(Instance { gauge: gauge.map_err(to_anyhow)?, store })
    }
}

/// Checks the exports and imports of the component before any of its code runs.
fn check(engine: &Engine, component: &wasmtime::component::Component) -> Result<()> {
    let kind = component.component_type();
    let imports: Vec<_> = kind.imports(engine).map(|(name, _)| name.to_owned()).collect();
    if !imports.is_empty() {
        bail!("the component imports {}, expected no imports", imports.join(", "));
    }
    let versions = kind.exports(engine).filter_map(|(name, _)| {
        let (_, version) = name.strip_prefix(PACKAGE)?.strip_prefix('/')?.split_once('@')?;
        Some(version.to_owned())
    });
    let versions: Vec<_> = versions.collect();
    if versions.is_empty() {
        bail!("the component does not export {PACKAGE}: it is not a component of llm-gauge");
    }
    match versions.into_iter().find(|version| version != VERSION) {
        None => Ok(()),
        Some(other) => bail!(
            "the component has version {PACKAGE}@{other}, expected {PACKAGE}@{VERSION}: take both from one release"
        ),
    }
}

/// A running component.
pub struct Instance {
    gauge: contract::Gauge,
    store: Store<Memory>,
}

/// The record of a case and the fuel it took.
#[derive(Debug)]
pub struct MeteredExchange {
    /// The record.
    pub record: types::ExchangeRecord,
    /// Fuel of the whole exchange.
    pub fuel: u64,
}

impl Instance {
    /// Returns the exports, and the store to call them with.
    pub fn exports(&mut self) -> (&meter::Guest, &judge::Guest, &mut Store<Memory>) {
        (self.gauge.llm_gauge_evaluation_meter(), self.gauge.llm_gauge_evaluation_judge(), &mut self.store)
    }

    /// Returns the linear memory of the instance.
    pub fn memory(&self) -> &Memory {
        self.store.data()
    }

    /// Compiles a configuration.
    pub fn policy(&mut self, document: &[u8]) -> Result<ResourceAny> {
        let (meter, _, store) = self.exports();
        match meter.policy().call_compile(store, document).map_err(to_anyhow)? {
            Ok(policy) => Ok(policy),
            Err(meter::ConfigError { path, expected, got }) => bail!(ConfigError { path, expected, got }),
        }
    }

    /// Meters a case that ends cleanly, with its bodies cut as planned. Returns `None` if the policy does not meter it.
    pub fn meter(
        &mut self,
        policy: ResourceAny,
        case: &Case,
        plan: &ChunkPlan,
    ) -> Result<Option<MeteredExchange>> {
        let end = End { code: None, flags: 0, details: "via_upstream".to_owned() };
        self.meter_ending(policy, case, plan, end)
    }

    /// Meters a case that ends with the given response flags. Any flag means that the exchange was cut off.
    pub fn meter_ending(
        &mut self,
        policy: ResourceAny,
        case: &Case,
        plan: &ChunkPlan,
        end: End,
    ) -> Result<Option<MeteredExchange>> {
        let run = |instance: &mut Self| -> wasmtime::Result<_> {
            instance.store.set_fuel(FUEL_MAX)?;
            let (meter, _, store) = instance.exports();
            let place = meter::Place { route: String::new(), cluster: String::new() };
            let head = head(&case.request_head);
            let begun = meter.policy().call_begin(&mut *store, policy, &head, &place, (7, 7, 7), 0)?;
            let Some(exchange) = begun else {
                return Ok(Ok(None));
            };
            let record = play(meter, &mut *store, exchange, case, plan, end)?;
            exchange.resource_drop(&mut *store)?;
            let fuel = FUEL_MAX - store.get_fuel()?;
            Ok(record.map(|record| Some(MeteredExchange { record, fuel })))
        };
        let metered = run(self).map_err(to_anyhow)?;
        metered.map_err(|misuse| anyhow!("the component was called out of order: {}", misuse.name()))
    }

    /// Makes the question for the first judge of a policy.
    pub fn ask(
        &mut self,
        policy: ResourceAny,
        input: &types::JudgeInput,
        random: (u64, u64),
    ) -> Result<(ResourceAny, types::JudgeRequest)> {
        let (_, judge, store) = self.exports();
        let question = judge.question().call_ask(&mut *store, policy, 0, input, random).map_err(to_anyhow)?;
        let question = question.context("the configuration has no judge")?;
        Ok((question, judge.question().call_request(&mut *store, question).map_err(to_anyhow)?))
    }

    /// Reads a judge's answer. The component consumes the question.
    pub fn answer(&mut self, question: ResourceAny, status: u32, body: &[u8]) -> Result<types::Judgement> {
        self.store.set_fuel(FUEL_MAX).map_err(to_anyhow)?;
        let (_, judge, store) = self.exports();
        let said = judge.question().call_answer(&mut *store, question, status, body).map_err(to_anyhow)?;
        question.resource_drop(store).map_err(to_anyhow)?;
        Ok(said)
    }
}

/// Makes the calls of one exchange.
fn play(
    meter: &meter::Guest,
    store: &mut Store<Memory>,
    exchange: ResourceAny,
    case: &Case,
    plan: &ChunkPlan,
    end: End,
) -> wasmtime::Result<Result<types::ExchangeRecord, meter::Misuse>> {
    let calls = meter.exchange();
    let mut misused = Ok(());
    for piece in plan.request.apply(&case.request_body) {
        misused = misused.and(calls.call_request_body(&mut *store, exchange, piece)?);
    }
    misused = misused.and(calls.call_request_end(&mut *store, exchange)?);
    misused = misused.and(calls.call_response_head(&mut *store, exchange, &head(&case.response_head))?);
    for piece in plan.response.apply(&case.response_body) {
        misused = misused.and(calls.call_response_body(&mut *store, exchange, piece, 0)?);
    }
    if end.flags == 0 {
        misused = misused.and(calls.call_response_end(&mut *store, exchange)?);
    }
    let ending = meter::Ending { code: end.code, flags: end.flags, details: end.details };
    let record = calls.call_finish(&mut *store, exchange, &ending, 0)?;
    Ok(misused.and(record))
}

fn head(fields: &Fields) -> Vec<types::Field> {
    let field = |(name, value): &(String, Vec<u8>)| types::Field { name: name.clone(), value: value.clone() };
    fields.iter().map(field).collect()
}

/// Converts wasmtime's error, which needs one of its disabled features to convert by itself.
fn to_anyhow(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}
