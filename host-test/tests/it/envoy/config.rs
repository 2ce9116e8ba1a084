//! The shipped configuration: what Envoy says of it, what it says of a wrong one, and the access log it makes.

use host_test::envoy::{Bootstrap, validate};
use host_test::load::Protocol;
use serde_json::Value;

use super::rig::{Rig, Setup, chat, run, shipped};

async fn validated(bootstrap: Bootstrap) -> (bool, String) {
    tokio::task::spawn_blocking(|| validate(bootstrap)).await.unwrap().unwrap()
}

#[test]
fn the_shipped_bootstrap_is_valid() {
    run(async {
        let (valid, words) = validated(shipped().await).await;
        assert!(valid, "{words}");
        let (valid, words) = validated(shipped().await.configuration("{}").unwrap()).await;
        assert!(valid, "{words}");
    });
}

#[test]
fn a_wrong_plugin_configuration_names_the_key() {
    run(async {
        for (configuration, path) in [
            (r#"{"models": {"max_serie": 5}}"#, "models.max_serie"),
            (r#"{"match": [{"path": "/v1/x"}, {"path": 7}]}"#, "match[1].path"),
        ] {
            let (valid, words) = validated(shipped().await.configuration(configuration).unwrap()).await;
            assert!(!valid, "{configuration} was accepted");
            assert!(words.contains(path), "{configuration}: nothing of {path} in\n{words}");
        }
    });
}

/// The lines of the access log that hold an exchange with this model.
async fn logged(rig: &Rig, model: &str, count: usize) -> Vec<Value> {
    for _ in 0..500 {
        let log = rig.envoy.access_log().unwrap();
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
        let found: Vec<Value> = lines.filter(|line: &Value| line["llm"]["request_model"] == model).collect();
        if found.len() >= count {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{count} lines with {model} expected in the access log:\n{}", rig.envoy.access_log().unwrap());
}

#[test]
fn the_access_log_is_json_whatever_clients_send() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        // Every value that a client chooses tries to end the string it might be written into.
        let model = "log\"},\n{\"\\";
        let request = chat(model, true, "input=30; output=9")
            .header("x-request-id", "a\"b\\")
            .header("user-agent", "\"}");
        let answer = rig.ask(Protocol::Http1, request).await;
        assert_eq!(answer.status, 200);
        let mut left = rig.send(Protocol::Http1, chat(model, true, "stall_after=2")).await;
        left.events(3).await;
        drop(left);
        let lines = logged(&rig, model, 2).await;
        let (whole, cut) = (&lines[0], &lines[1]);
        assert_eq!((&whole["code"], &whole["llm"]["status"]), (&200.into(), &"success".into()));
        assert_eq!(whole["llm"]["input_tokens"], 30);
        assert_eq!(whole["llm"]["total_tokens"], 39);
        assert_eq!(whole["llm"]["request_id"], answer.header("x-llm-request-id"));
        assert_eq!((&cut["flags"], &cut["llm"]["status"]), (&"DC".into(), &"cancelled".into()));
    });
}
