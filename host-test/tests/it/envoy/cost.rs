//! The shipped price table in a real Envoy.

use simulators::load::Protocol;

use super::rig::{Rig, Setup, chat, messages, run};

#[test]
fn costs_show_by_class() {
    run(async {
        let rig = Rig::shared(Setup::Priced).await;
        rig.ask(Protocol::Http1, chat("gpt-4o", false, "input=30; cached=10; output=9; reasoning=4")).await;
        let expected = r#"
            llm_requests_total{operation="chat",status="success",error="none"} 1
            llm_request_duration_milliseconds_count{operation="chat"} 1
            llm_time_to_first_byte_milliseconds_count 1
            llm_tokens_total{type="input",source="reported"} 30
            llm_tokens_total{type="output",source="reported"} 9
            llm_token_details_total{type="cached_input"} 10
            llm_token_details_total{type="reasoning"} 4
            llm_cost_nanodollars_total{type="input"} 50000
            llm_cost_nanodollars_total{type="cached_input"} 12500
            llm_cost_nanodollars_total{type="output"} 90000
        "#;
        let stats = rig.expect("openai", "gpt-4o", expected).await;
        let titles = stats.values_of("llm_gauge_build_info", "prices");
        assert!(
            titles.iter().all(|title| title.starts_with("genai-prices ")) && titles.len() == 1,
            "{titles:?}"
        );
    });
}

#[test]
fn a_model_without_a_price_is_not_free() {
    run(async {
        let rig = Rig::shared(Setup::Priced).await;
        rig.ask(Protocol::Http1, messages("unpriced-model", false, "input=30; output=9")).await;
        let expected = r#"
            llm_requests_total{operation="chat",status="success",error="none"} 1
            llm_request_duration_milliseconds_count{operation="chat"} 1
            llm_time_to_first_byte_milliseconds_count 1
            llm_tokens_total{type="input",source="reported"} 30
            llm_tokens_total{type="output",source="reported"} 9
            llm_unpriced_tokens_total 39
        "#;
        rig.expect("anthropic", "unpriced-model", expected).await;
    });
}
