//! Answers that Envoy's own compressors have compressed before the filter sees them: the counts are those of plain
//! ones, and the client gets the compressed bytes.

use simulators::load::{End, Protocol};
use simulators::provider::Provider;

use super::rig::{Rig, chat, messages, run, shipped};

/// Returns the filter's series for an answer with these counts.
fn series(kind: &str, input: u64, output: u64) -> String {
    let stream = match kind {
        "stream" => {
            "llm_time_to_first_token_milliseconds_count 1\nllm_time_to_first_answer_milliseconds_count 1\n\
                     llm_time_per_output_token_microseconds_count 1\n"
        }
        _ => "",
    };
    format!(
        "{stream}llm_requests_total{{operation=\"chat\",status=\"success\",error=\"none\"}} 1\n\
         llm_request_duration_milliseconds_count{{operation=\"chat\"}} 1\n\
         llm_time_to_first_byte_milliseconds_count 1\n\
         llm_tokens_total{{type=\"input\",source=\"reported\"}} {input}\n\
         llm_tokens_total{{type=\"output\",source=\"reported\"}} {output}\n"
    )
}

fn packed_answers_count(library: &str, encoding: &str) {
    run(async {
        let provider = Provider::start().await.unwrap();
        let mut bootstrap = shipped().await.compressing(library).unwrap();
        for cluster in ["openai", "anthropic"] {
            bootstrap = bootstrap.upstream(cluster, provider.address(), Protocol::Http1).unwrap();
        }
        let rig = Rig::over(provider, bootstrap).await;
        for (kind, stream) in [("unary", false), ("stream", true)] {
            for (number, request) in [chat, messages].into_iter().enumerate() {
                let model = format!("{kind}-{number}");
                let request =
                    request(&model, stream, "input=1234; output=321").header("accept-encoding", encoding);
                let answer = rig.send(Protocol::Http1, request).await.finish().await;
                assert_eq!(
                    (answer.header("content-encoding"), answer.end.clone()),
                    (encoding, End::Complete)
                );
                let provider = ["openai", "anthropic"][number];
                rig.expect(provider, &model, &series(kind, 1234, 321)).await;
            }
        }
    });
}

#[test]
fn gzip_answers_count_like_plain_ones() {
    packed_answers_count("gzip", "gzip");
}

#[test]
fn brotli_answers_count_like_plain_ones() {
    packed_answers_count("brotli", "br");
}

#[test]
fn zstd_answers_count_like_plain_ones() {
    packed_answers_count("zstd", "zstd");
}
