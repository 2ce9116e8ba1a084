//! Builds the component: the wasm module of `plugin/component`, encoded according to the contract in `wit/`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use simulators::build::{PROFILE, wasm};
use simulators::workspace::{replace_file, target_dir};

/// Builds the engine as a component at `target/plugin/llm_gauge.component.wasm`.
pub fn build() -> Result<PathBuf> {
    let built = wasm("llm-gauge-component", PROFILE)?;
    let module = std::fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    let encoded = wit_component::ComponentEncoder::default().module(&module)?.validate(true).encode();
    let component = encoded.context("the module does not fit the contract in wit/")?;
    let place = target_dir().join("plugin").join("llm_gauge.component.wasm");
    replace_file(&place, |fresh| std::fs::write(fresh, &component))?;
    Ok(place)
}
