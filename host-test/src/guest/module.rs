//! A compiled module: compiled once, started many times.

use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context as _, anyhow, bail};
use wasmtime::{Config, Engine, Instance, InstancePre, Linker, Store};

use super::Options;
use crate::abi;
use crate::host::Host;

/// A compiled filter. Clones share the compiled code.
#[derive(Clone)]
pub struct Module {
    linked: InstancePre<Host>,
}

impl Module {
    /// Compiles the filter in this file.
    pub fn from_file(path: impl AsRef<Path>) -> anyhow::Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::from_bytes(&bytes).with_context(|| format!("cannot load {}", path.display()))
    }

    /// Compiles a filter. An import this host does not have is an error that names it.
    pub fn from_bytes(wasm: &[u8]) -> anyhow::Result<Self> {
        let module =
            wasmtime::Module::new(engine()?, wasm).map_err(to_anyhow).context("not a usable wasm module")?;
        let mut linker = Linker::new(engine()?);
        abi::link(&mut linker).map_err(to_anyhow)?;
        let unknown = unknown_imports(&linker, &module);
        if !unknown.is_empty() {
            bail!("the module has imports that proxy-wasm 0.2.1 does not define: {}", unknown.join(", "));
        }
        if module.get_export("proxy_abi_version_0_2_1").is_none() {
            bail!("the module does not export proxy_abi_version_0_2_1");
        }
        let linked = linker
            .instantiate_pre(&module)
            .map_err(to_anyhow)
            .context("an import of the module has another type than the host's")?;
        Ok(Self { linked })
    }

    pub(super) fn engine(&self) -> &Engine {
        self.linked.module().engine()
    }

    pub(super) fn instantiate(&self, store: &mut Store<Host>) -> wasmtime::Result<Instance> {
        self.linked.instantiate(store)
    }
}

/// Returns the process's engine. There is one, because modules and components only work with stores of the same engine.
pub(crate) fn engine() -> anyhow::Result<&'static Engine> {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    if let Some(engine) = ENGINE.get() {
        return Ok(engine);
    }
    let mut config = Config::new();
    // Fuel is the only measure that is the same on every machine.
    config.consume_fuel(true);
    let engine = Engine::new(&config).map_err(to_anyhow).context("cannot start wasmtime")?;
    Ok(ENGINE.get_or_init(|| engine))
}

fn unknown_imports(linker: &Linker<Host>, module: &wasmtime::Module) -> Vec<String> {
    // The API requires a store, although functions need none to be looked up.
    let mut store = Store::new(linker.engine(), Host::new(&Options::default()));
    let imports = module.imports();
    imports
        .filter(|import| linker.get_by_import(&mut store, import).is_none())
        .map(|import| format!("{}.{}", import.module(), import.name()))
        .collect()
}

/// Converts wasmtime's error, which needs one of its disabled features to convert by itself.
fn to_anyhow(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}
