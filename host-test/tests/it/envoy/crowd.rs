//! Many exchanges at once, on two workers.

use simulators::load::{End, Protocol};

use super::rig::{Rig, Setup, chat, messages, run};

/// Streams per kind. The four kinds make 200.
const EACH: usize = 50;

#[test]
fn two_hundred_streams_on_two_workers() {
    run(async {
        let rig = Rig::start(Setup::Plain).await;
        let script = "input=30; output=9; gate=crowd";
        let mut exchanges = Vec::new();
        for _ in 0..EACH {
            for stream in [chat("crowd", true, script), messages("crowd-a", true, script)] {
                exchanges.push(rig.send(Protocol::Http1, stream.clone()).await);
                exchanges.push(rig.send(Protocol::Http2, stream).await);
            }
        }
        // All of them wait after their first token, so the gauge has to count each one.
        let running = rig.envoy.admin().until(|stats| {
            let running =
                ["openai", "anthropic"].map(|name| stats.get("llm_active_requests", &[("provider", name)]));
            if running == [Some(100.0); 2] {
                Vec::new()
            } else {
                vec![format!("expected 100 and 100, found {running:?}")]
            }
        });
        running.await.unwrap();
        rig.provider.open("crowd");
        for exchange in exchanges {
            let answer = exchange.finish().await;
            assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
            rig.is_the_providers(&answer);
        }
        let expected = r#"
            llm_requests_total{operation="chat",status="success",error="none"} 100
            llm_request_duration_milliseconds_count{operation="chat"} 100
            llm_time_to_first_byte_milliseconds_count 100
            llm_time_to_first_token_milliseconds_count 100
            llm_time_to_first_answer_milliseconds_count 100
            llm_time_per_output_token_microseconds_count 100
            llm_tokens_total{type="input",source="reported"} 3000
            llm_tokens_total{type="output",source="reported"} 900
        "#;
        rig.expect("openai", "crowd", expected).await;
        let stats = rig.expect("anthropic", "crowd-a", expected).await;
        // The chance that a hundred connections all get the same worker is one in 2^99.
        for worker in ["0", "1"] {
            let connections =
                stats.sum("envoy_listener_worker_downstream_cx_total", &[("envoy_worker_id", worker)]);
            assert!(connections > 0.0, "worker {worker} had no connection");
        }
    });
}
