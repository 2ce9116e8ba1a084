//! The scanner and `serde_json::Value` in one wasm, on bodies that are mostly text: bytes per second, and the ratio.
//!
//! wasmtime runs without fuel, since counting it would slow the tighter loop down more. Each figure is the best of many
//! runs: disturbances only ever make a run longer.

use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use simulators::build;
use wasmtime::{Engine, Instance, Linker, Module, Store, TypedFunc};

/// The maximum size of a piece that a proxy passes on.
const PIECE_BYTES: u32 = 16 * 1024;

const RUNS: usize = 60;

/// The goals of `benches/README.md`.
const SCAN_GB_S_MIN: f64 = 1.0;
const RATIO_MIN: f64 = 8.0;

type Find = TypedFunc<(u32, u32, u32), u64>;

fn main() -> Result<()> {
    // Arguments of `cargo bench`, which are for criterion, are ignored.
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let (mut store, instance) = start()?;
    println!("| body | scanner, GB/s | serde_json::Value, GB/s | ratio | |\n|---|---:|---:|---:|---|");
    for (name, text) in [
        ("0.9 MB, plain text", "Word after word, sentence after sentence. "),
        ("0.9 MB, a line break every 80 bytes", LINE),
        ("0.9 MB, Cyrillic", "Слово за словом, строка за строкой. "),
    ] {
        let text = text.repeat(900_000 / text.len());
        let body = format!(
            r#"{{"id":"chatcmpl-1","choices":[{{"message":{{"content":"{text}"}}}}],"usage":{{"total_tokens":640}}}}"#
        );
        let runs = if is_quick { 2 } else { RUNS };
        let scan = time(&mut store, &instance, "bench_scan", &body, runs)?;
        let tree = time(&mut store, &instance, "bench_tree", &body, runs)?;
        let is_met = scan >= SCAN_GB_S_MIN && scan / tree >= RATIO_MIN;
        let verdict = if is_met { "met" } else { "MISSED" };
        println!("| {name} | {scan:.2} | {tree:.3} | {:.1} | {verdict} |", scan / tree);
    }
    Ok(())
}

const LINE: &str = "Word after word, sentence after sentence, until the line ends at its usual place.\\n";

fn start() -> Result<(Store<()>, Instance)> {
    let engine = Engine::default();
    let file = build::wasm("bench-guest", build::PROFILE)?;
    let module = Module::new(&engine, std::fs::read(file)?).map_err(to_anyhow)?;
    let mut linker = Linker::new(&engine);
    // Stubs for the filters' host calls, none of which is made here.
    linker.define_unknown_imports_as_traps(&module).map_err(to_anyhow)?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).map_err(to_anyhow)?;
    Ok((store, instance))
}

/// Returns the best of `runs` in GB/s.
fn time(store: &mut Store<()>, instance: &Instance, export: &str, body: &str, runs: usize) -> Result<f64> {
    let room: TypedFunc<u32, u32> = instance.get_typed_func(&mut *store, "bench_room").map_err(to_anyhow)?;
    let find: Find = instance.get_typed_func(&mut *store, export).map_err(to_anyhow)?;
    let bytes = u32::try_from(body.len())?;
    let at = room.call(&mut *store, bytes).map_err(to_anyhow)?;
    let memory = instance.get_memory(&mut *store, "memory").ok_or_else(|| anyhow!("no memory"))?;
    memory.write(&mut *store, at as usize, body.as_bytes())?;
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let began = Instant::now();
        let found = find.call(&mut *store, (at, bytes, PIECE_BYTES)).map_err(to_anyhow)?;
        best = best.min(began.elapsed().as_secs_f64());
        ensure!(found == 640, "{export}: expected 640 tokens, got {found}");
    }
    Ok(body.len() as f64 / best / 1e9)
}

/// Converts wasmtime's error, which needs one of its disabled features to convert by itself.
fn to_anyhow(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}
