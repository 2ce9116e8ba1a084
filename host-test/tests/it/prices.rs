//! The cost of exchanges, compared with the package that the prices come from: every model and every class of price.
//!
//! The package is installed from PyPI below `target/`. If that is impossible, the tests that need it are skipped with a
//! message, except in CI (`CI` is set), where they fail.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;
use std::sync::OnceLock;

use gauge::prices::table::{CLASSES, Export, own_names};
use gauge::prices::{self, table};
use host_test::{ChunkPlan, Exchange, Guest, Headers, Options, drive};
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::price::{PriceTable, TokenClass, Tokens};
use llm_gauge_engine::usage::{Count, Usage};
use serde::Deserialize;
use serde_json::Value;
use simulators::python;
use simulators::workspace::workspace_dir;

use crate::common;

const GRID: &str = include_str!("prices/grid.py");

/// A day after all known price changes of the package's release, except the announced ones.
const DAY: &str = "2026-11-23";

/// One line of the grid.
#[derive(Deserialize)]
struct Line {
    provider: String,
    model: String,
    tokens: BTreeMap<String, u64>,
    /// The cost in dollars; `None` if the model does not exist.
    dollars: Option<String>,
}

/// Returns the package's Python; `None` if it cannot be installed on this machine.
fn package() -> Option<PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || match prices::python(None) {
        Ok(python) => Some(python),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{error:#}");
            // Written directly, since the test harness captures the output of a passing test.
            let said = format!("\nSKIPPED: what costs are compared with cannot be had: {error:#}");
            let mut screen = std::io::stderr();
            writeln!(screen, "{said}").unwrap();
            None
        }
    };
    PYTHON.get_or_init(find).clone()
}

fn compiled(json: &str) -> Rc<PriceTable> {
    let policy = Policy::parse(format!(r#"{{"prices":{json}}}"#).as_bytes()).unwrap();
    Rc::clone(policy.prices().unwrap())
}

/// Converts dollars to the units that costs are stored in, without losing a digit.
fn units(dollars: &str) -> u128 {
    let (whole, fraction) = dollars.split_once('.').unwrap_or((dollars, ""));
    assert!(fraction.trim_end_matches('0').len() <= 24, "{dollars} is finer than a unit");
    let fraction = format!("{fraction:0<24}");
    format!("{whole}{}", &fraction[..24]).parse().unwrap()
}

/// Returns the tokens of a line by class.
fn tokens(line: &Line) -> Tokens {
    let mut tokens = Tokens::default();
    for (class, count) in &line.tokens {
        tokens.set(TokenClass::named(class).unwrap(), *count);
    }
    tokens.set(TokenClass::Request, 1);
    tokens
}

/// Returns the tokens of a line as a provider reports them.
fn reported(line: &Line) -> Tokens {
    let count = |class: &str| line.tokens.get(class).copied().unwrap_or(0);
    let told = [
        ("cached_input", Count::CacheRead),
        ("cache_write", Count::CacheWrite),
        ("cache_write_1h", Count::CacheWrite1h),
        ("audio_input", Count::AudioInput),
        ("cached_audio_input", Count::CachedAudioInput),
        ("image_input", Count::ImageInput),
        ("cached_image_input", Count::CachedImageInput),
        ("video_input", Count::VideoInput),
        ("reasoning", Count::Reasoning),
        ("audio_output", Count::AudioOutput),
        ("image_output", Count::ImageOutput),
        ("video_output", Count::VideoOutput),
    ];
    let mut usage = Usage::default();
    for (class, known) in told {
        usage.set(known, count(class));
    }
    // A provider that counts citations reports them and reasoning apart from the output.
    let mut output = count("output");
    if line.tokens.contains_key("citation") {
        usage.set(Count::Citation, count("citation"));
        output -= count("citation") + count("reasoning");
    }
    Tokens::new(count("input"), output, &usage)
}

#[test]
fn every_model_and_class_costs_what_the_package_says() {
    let Some(python) = package() else { return };
    let table = compiled(&prices::export(&python, Some(DAY)).unwrap().table(None).unwrap().json);
    let printed = python::run(Command::new(&python).args(["-c", GRID, DAY]), "").unwrap();
    let (mut faults, mut unknown) = (Vec::new(), 0);
    let mut compared = BTreeMap::<String, usize>::new();
    for line in printed.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Line = serde_json::from_slice(line).unwrap();
        let tokens = tokens(&line);
        // Lines with parts but without totals only test the arithmetic; no provider reports usage like that.
        if line.tokens.contains_key("input") && line.tokens.contains_key("output") {
            assert_eq!(reported(&line), tokens, "{:?}", line.tokens);
        }
        for provider in own_names(&line.provider) {
            let cost = table.cost(provider, [line.model.as_str()], &tokens);
            let expected = line.dollars.as_deref().map_or(0, units);
            let is_known = table.find(provider, &line.model).is_some();
            if (cost.units(), is_known) != (expected, line.dollars.is_some()) {
                faults.push(format!(
                    "{provider} {} {:?}: {:?}, {cost:?}",
                    line.model, line.tokens, line.dollars
                ));
            }
        }
        unknown += usize::from(line.dollars.is_none());
        *compared.entry(line.provider).or_default() += 1;
    }
    let shown = faults.iter().take(20).collect::<Vec<_>>();
    assert!(faults.is_empty(), "{} faults: {shown:#?}", faults.len());
    assert_eq!(compared.len(), 47);
    let compared: usize = compared.values().sum();
    assert!(compared - unknown > 40_000 && unknown > 10_000, "{compared} comparisons, {unknown} of no model");
}

/// Every row has the package's prices to the last digit: nothing is rounded, whatever the decimal.
#[test]
fn no_row_loses_a_digit() {
    let Some(python) = package() else { return };
    let export = prices::export(&python, Some(DAY)).unwrap();
    let table = export.table(None).unwrap();
    let rows: Value = serde_json::from_str(&table.json).unwrap();
    let rows = rows["rows"].as_array().unwrap();
    let mut kept = 0;
    let models = export.providers.iter().flat_map(|provider| &provider.models);
    let mut expected: Vec<_> =
        models.flat_map(|model| vec![&model.prices; model.clause.names().unwrap().len()]).collect();
    assert_eq!(rows.len(), expected.len());
    for (row, prices) in rows.iter().zip(expected.drain(..)) {
        for (kind, class) in CLASSES.iter().filter(|(kind, _)| prices.contains_key(*kind)) {
            let said: Vec<_> = row[class].as_str().unwrap().split(' ').collect();
            kept += said.len();
            let exactly =
                prices[*kind].iter().map(|item| item.as_str().map_or(format!(">{item}"), str::to_owned));
            if *kind != "requests_kcount" {
                assert_eq!(said, exactly.collect::<Vec<_>>(), "{row}");
            }
        }
    }
    assert!(kept > 6_000, "{kept} prices");
    assert!(table.notes.iter().all(|note| !note.starts_with("left out, no name")), "{:?}", table.notes);
}

#[test]
fn the_shipped_table_is_what_the_package_says() {
    let path = workspace_dir().join("envoy/prices.json");
    let shipped = std::fs::read_to_string(path).unwrap();
    let date: Value = serde_json::from_str::<Value>(&shipped).unwrap()["date"].clone();
    assert!(shipped.len() < 120_000, "{} bytes", shipped.len());
    compiled(&shipped);
    let Some(python) = package() else { return };
    let main: Vec<_> = table::MAIN.iter().map(|name| (*name).to_owned()).collect();
    let made = prices::export(&python, date.as_str()).unwrap().table(Some(&main)).unwrap();
    assert!(made.json == shipped, "make it again: cargo gauge prices --output envoy/prices.json");
}

#[test]
fn providers_go_by_either_name_and_bring_those_they_sell() {
    let model = |name: &str| {
        format!(
            r#"{{"id":"{name}","match":{{"equals":"{name}"}},"prices":{{"input_mtok":["2"]}},"next":null,"by_time":false,"by_tier":false}}"#
        )
    };
    let provider = |id: &str, fallback: &str| {
        format!(r#"{{"id":"{id}","fallback":[{fallback}],"models":[{}]}}"#, model(&format!("{id}-1")))
    };
    let providers = [provider("azure", "\"openai\""), provider("groq", ""), provider("openai", "")];
    let export = format!(r#"{{"version":"1","date":"2026-11-23","providers":[{}]}}"#, providers.join(","));
    let export: Export = serde_json::from_str(&export).unwrap();
    let sold = |chosen: &[&str]| {
        let chosen: Vec<_> = chosen.iter().map(|name| (*name).to_owned()).collect();
        let table = compiled(&export.table(Some(&chosen)).unwrap().json);
        let found = [
            ("azure.ai.openai", "azure-1"),
            ("azure.ai.openai", "openai-1"),
            ("openai", "openai-1"),
            ("groq", "groq-1"),
        ];
        found.map(|(provider, model)| table.find(provider, model).is_some())
    };
    assert_eq!(sold(&["azure"]), [true, true, true, false]);
    assert_eq!(sold(&["azure.ai.inference", "groq"]), [true, true, true, true]);
    assert_eq!(sold(&["openai"]), [false, false, true, false]);
    let refused = export.table(Some(&["opanai".to_owned()])).unwrap_err().to_string();
    assert_eq!(refused, "unknown provider `opanai`, expected some of azure, groq, openai");
}

const PRICED: &str = r#"{"prices":{"version":"own","rows":[
    {"provider":"openai","match":"gpt-4o-####-##-##","input":"0.15","cached_input":"0.0755555","output":"0.00033"}]}}"#;

fn ask(guest: &mut Guest, model: &str) {
    let request = Headers::request("POST", "api.openai.com", "/v1/chat/completions");
    let usage = r#"{"prompt_tokens":7,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":3}}"#;
    let choice = r#"{"message":{"content":"a"},"finish_reason":"stop"}"#;
    let answer = format!(r#"{{"model":"{model}","choices":[{choice}],"usage":{usage}}}"#);
    let exchange =
        Exchange::new(request, br#"{"model":"gpt-4o"}"#, Headers::response(200), answer.into_bytes());
    drive(guest, &exchange, &ChunkPlan::whole()).unwrap();
}

/// The counters of a running filter are the exact sum, rounded down once and not per exchange.
#[test]
fn counters_of_the_real_filter_lose_nothing() {
    let mut guest = Guest::start(&common::filter(), Options::configured(PRICED)).unwrap();
    for _ in 0..10 {
        ask(&mut guest, "gpt-4o-2026-11-23");
    }
    ask(&mut guest, "gpt-5");
    let cost = |class: &str| {
        let labels = format!("provider=.=openai;.;.model=.=gpt-4o;.;.type=.={class};.;");
        guest.host().metric(&format!("llm_cost_nanodollars_total.{labels}"))
    };
    assert_eq!(cost("input"), Some(10 * 4 * 150));
    // 226.6665 each: 2266 and not 2260.
    assert_eq!(cost("cached_input"), Some(2266));
    // 0.33 each: 3 and not 0.
    assert_eq!(cost("output"), Some(3));
    let unpriced = "llm_unpriced_tokens_total.provider=.=openai;.;.model=.=gpt-4o;.;";
    assert_eq!(guest.host().metric(unpriced), Some(8));
}

/// The memory and the fuel that the shipped table takes of a worker, with room for a larger one.
#[test]
fn the_shipped_table_is_cheap() {
    let shipped = std::fs::read_to_string(workspace_dir().join("envoy/prices.json")).unwrap();
    let with = |configuration: String| {
        let mut guest = Guest::start(&common::filter(), Options::configured(configuration)).unwrap();
        let reading = guest.fuel_total();
        let began = guest.host().memory.bytes;
        for model in ["gpt-4o", "unpriced-model"] {
            ask(&mut guest, model); // the first exchange of a model defines its metrics
        }
        let before = guest.fuel_total();
        ask(&mut guest, "unpriced-model");
        (reading, began, guest.fuel_total() - before)
    };
    let (reading, memory, exchange) = with(format!("{{\"prices\":{shipped}}}"));
    let (reading_none, memory_none, exchange_none) = with("{}".to_owned());
    assert!(reading - reading_none < 40_000_000, "{reading} of fuel to read it");
    assert!(memory - memory_none < 1 << 20, "{memory} bytes of memory");
    assert!(
        exchange - exchange_none < 100_000,
        "{exchange} of fuel an exchange, without prices {exchange_none}"
    );
}
