//! A gateway that meters an exchange through the component. A real gateway makes the same calls as the bytes pass.
//!
//! ```text
//! cargo gauge build --component
//! cargo run -p host-test --example gateway target/plugin/llm_gauge.component.wasm
//! ```
//!
//! prints `openai gpt-4o-mini: 11 tokens in, 4 out, 900 ms`. To take it elsewhere, copy this file and `wit/`; of wasmtime
//! it needs the features `runtime`, `cranelift` and `component-model`.
#![allow(missing_docs, reason = "what bindgen makes of wit/ has its words there")]

use exports::llm_gauge::evaluation::{meter, types};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Error, Result, Store};

wasmtime::component::bindgen!({ path: "../wit", world: "gauge" });

/// A gateway compiles the component once, and has an instance and a policy for each of its threads.
pub fn meter(file: &str) -> Result<String> {
    let engine = Engine::default();
    let component = Component::from_binary(&engine, &std::fs::read(file)?)?;
    let mut store = Store::new(&engine, ());
    // Nothing is linked: the component asks for nothing.
    let gauge = Gauge::instantiate(&mut store, &component, &Linker::new(&engine))?;
    let meter = gauge.llm_gauge_evaluation_meter();
    let (policies, exchanges) = (meter.policy(), meter.exchange());
    let policy = policies.call_compile(&mut store, b"{}")?;
    let policy = policy.map_err(|refused| {
        Error::msg(format!("{}: expected {}, got {}", refused.path, refused.expected, refused.got))
    })?;

    // At the request's head, with the gateway's own clock and random numbers.
    let path = [(":method", "POST"), (":authority", "api.openai.com"), (":path", "/v1/chat/completions")];
    let place = meter::Place { route: String::new(), cluster: String::new() };
    let begun = policies.call_begin(&mut store, policy, &head(&path), &place, (1, 2, 3), 0)?;
    let exchange = begun.ok_or_else(|| Error::msg("this exchange is not to be metered"))?;

    // As bytes pass, in any pieces. A call that is out of order is an error value, and changes nothing.
    let misuse = |misuse: meter::Misuse| Error::msg(format!("out of order: {}", misuse.name()));
    exchanges.call_request_body(&mut store, exchange, br#"{"model":"gpt-4o-mini"}"#)?.map_err(misuse)?;
    exchanges.call_request_end(&mut store, exchange)?.map_err(misuse)?;
    let response = head(&[(":status", "200"), ("content-type", "application/json")]);
    exchanges.call_response_head(&mut store, exchange, &response)?.map_err(misuse)?;
    for piece in [r#"{"usage":{"prompt_tokens":11,"compl"#, r#"etion_tokens":4}}"#] {
        let now_ns = 800_000_000;
        exchanges.call_response_body(&mut store, exchange, piece.as_bytes(), now_ns)?.map_err(misuse)?;
    }
    exchanges.call_response_end(&mut store, exchange)?.map_err(misuse)?;

    // When everything is over, however it ended.
    let ending = meter::Ending { code: None, flags: 0, details: String::new() };
    let record = exchanges.call_finish(&mut store, exchange, &ending, 900_000_000)?.map_err(misuse)?;
    exchange.resource_drop(&mut store)?;
    let (provider, model, ms) = (record.provider, record.request_model, record.times.duration_ms);
    let tokens = [record.usage.input_tokens, record.usage.output_tokens].map(Option::unwrap_or_default);
    let model = model.unwrap_or_default();
    Ok(format!("{provider} {model}: {} tokens in, {} out, {ms} ms", tokens[0], tokens[1]))
}

fn head(fields: &[(&str, &str)]) -> Vec<types::Field> {
    let field = |(name, value): &(&str, &str)| types::Field { name: (*name).into(), value: (*value).into() };
    fields.iter().map(field).collect()
}

fn main() -> Result<()> {
    let file = std::env::args().nth(1).ok_or_else(|| Error::msg("expected the component's file"))?;
    println!("{}", meter(&file)?);
    Ok(())
}
