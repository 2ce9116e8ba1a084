//! The files in `envoy/kubernetes/` in a real Envoy: the test merges them into a bootstrap as each control plane would,
//! and then traffic has to be metered.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};
use simulators::build;
use simulators::envoy::{Bootstrap, validate};
use simulators::load::Protocol;
use simulators::provider::Provider;
use simulators::workspace::workspace_dir;

use super::rig::{Rig, chat, run, shipped};

const FILTERS: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
const SECRETS: &str = "/etc/llm-gauge/judge";

/// Returns the objects of a manifest.
fn objects(file: &str) -> Vec<Value> {
    let path = workspace_dir().join("envoy/kubernetes").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns the value that a patch of an EnvoyFilter inserts.
fn patch(file: &str, apply_to: &str) -> Value {
    let patches = objects(file)[0]["spec"]["configPatches"].as_array().unwrap().clone();
    let mut found = patches.into_iter().filter(|patch| patch["applyTo"] == apply_to);
    found.next().unwrap_or_else(|| panic!("{file} has no {apply_to}"))["patch"]["value"].clone()
}

/// Merges as protobuf does, and with it Istio and Envoy Gateway: lists are appended, other values are replaced.
fn merge(into: &mut Value, newer: Value) {
    match (into, newer) {
        (Value::Object(into), Value::Object(newer)) => {
            for (key, value) in newer {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(newer)) => into.extend(newer),
        (into, newer) => *into = newer,
    }
}

/// Returns the bootstrap before a gateway has added anything: without filter and labels, but with a node id, which both
/// control planes set and file-based secrets need.
fn bare(bootstrap: Bootstrap) -> Bootstrap {
    bootstrap.changed(|document| {
        document.as_object_mut().unwrap().remove("stats_config").unwrap();
        document["node"] = json!({"id": "gateway", "cluster": "llm"});
        filters(document).retain(|filter| filter["name"] != "llm_gauge");
    })
}

fn filters(document: &mut Value) -> &mut Vec<Value> {
    document.pointer_mut(FILTERS).and_then(Value::as_array_mut).expect("the bootstrap has filters")
}

/// Inserts a filter before the router, with its code from the build.
fn with_filter(bootstrap: Bootstrap, mut config: Value) -> Bootstrap {
    let code = json!({"local": {"filename": build::filter(false).unwrap()}});
    *config.pointer_mut("/config/vm_config/code").expect("code") = code;
    let filter = json!({"name": "llm_gauge", "typed_config": config});
    bootstrap.changed(|document| filters(document).insert(0, filter))
}

/// Returns a bootstrap with a mounted Secret.
fn with_secret(bootstrap: Bootstrap, folder: &Path) -> Bootstrap {
    let here = folder.to_str().unwrap();
    let secret = &objects("judge-secret.yaml")[0]["stringData"];
    for (name, text) in secret.as_object().unwrap() {
        fs::write(folder.join(name), text.as_str().unwrap().replace(SECRETS, here)).unwrap();
    }
    bootstrap.changed(|document| {
        *document = serde_json::from_str(&document.to_string().replace(SECRETS, here)).unwrap();
    })
}

fn with_cluster(bootstrap: Bootstrap, cluster: Value) -> Bootstrap {
    bootstrap.changed(|document| merge(document, json!({"static_resources": {"clusters": [cluster]}})))
}

/// Samples everything, so that a single exchange triggers a judge call.
fn judging_all(configuration: &mut Value) {
    configuration["judge"]["sample_rate"] = json!(1);
}

/// Adds Istio's EnvoyFilters: the extension configuration in the place that names it.
fn with_istio(bootstrap: Bootstrap) -> Bootstrap {
    let extension = patch("istio-envoyfilter.yaml", "EXTENSION_CONFIG");
    let place = patch("istio-envoyfilter.yaml", "HTTP_FILTER");
    assert_eq!((&place["name"], &extension["name"]), (&json!("llm_gauge"), &json!("llm_gauge")));
    assert_eq!(place["config_discovery"]["type_urls"][0], extension["typed_config"]["@type"]);
    let mut config = extension["typed_config"].clone();
    let text = &mut config["config"]["configuration"]["value"];
    let mut configuration: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    judging_all(&mut configuration);
    *text = json!(configuration.to_string());
    with_cluster(with_filter(bootstrap, config), patch("istio-judge.yaml", "CLUSTER"))
}

/// Adds the tags that Istio generates from `extraStatTags`, with only the stats that it allows.
fn istios_labels(bootstrap: Bootstrap) -> Bootstrap {
    let annotations = &objects("istio-gateway-patch.yaml")[0]["spec"]["template"]["metadata"]["annotations"];
    let proxy: Value =
        serde_saphyr::from_str(annotations["proxy.istio.io/config"].as_str().unwrap()).unwrap();
    let names = proxy["extraStatTags"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    let tag = |name: &str| json!({"tag_name": name, "regex": format!(r"({name}=\.=(.*?);\.;)")});
    let buckets = annotations["sidecar.istio.io/statsHistogramBuckets"].as_str().unwrap();
    let buckets: Value = serde_json::from_str(buckets).unwrap();
    let buckets = buckets.as_object().unwrap().iter();
    let stats = json!({
        "use_all_default_tags": false,
        "stats_tags": names.map(tag).collect::<Vec<_>>(),
        "stats_matcher": {"inclusion_list": {"patterns": [{"prefix": "wasm"}, {"prefix": "server"}]}},
        "histogram_bucket_settings":
            buckets.map(|(prefix, buckets)| json!({"match": {"prefix": prefix}, "buckets": buckets})).collect::<Vec<_>>(),
    });
    bootstrap.changed(|document| document["stats_config"] = stats)
}

/// Adds Envoy Gateway's filter from the policy, and the merged bootstrap.
fn with_envoy_gateway(bootstrap: Bootstrap) -> Bootstrap {
    let manifests = objects("envoy-gateway.yaml");
    let (policy, proxy) = (&manifests[0], &manifests[1]);
    let wasm = &policy["spec"]["wasm"][0];
    let mut configuration = wasm["config"].clone();
    judging_all(&mut configuration);
    let config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": wasm["name"],
            "root_id": wasm["rootID"],
            "fail_open": wasm["failOpen"],
            "vm_config": {
                "vm_id": "envoyextensionpolicy/default/llm-gauge/wasm/0",
                "runtime": "envoy.wasm.runtime.v8",
                "code": {},
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": configuration.to_string(),
            },
        },
    });
    let merged: Value =
        serde_saphyr::from_str(proxy["spec"]["bootstrap"]["value"].as_str().unwrap()).unwrap();
    with_filter(bootstrap, config).changed(|document| merge(document, merged))
}

async fn is_valid(bootstrap: Bootstrap, what: &str) {
    let (valid, words) = tokio::task::spawn_blocking(|| validate(bootstrap)).await.unwrap().unwrap();
    assert!(valid, "{what}: {words}");
}

/// Envoy accepts every piece unchanged, except for the paths of files: the providers' names, TLS, the key.
#[test]
fn envoy_takes_every_piece_as_it_stands() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let secret = |bootstrap| with_secret(bootstrap, folder.path());
        is_valid(secret(istios_labels(with_istio(bare(shipped().await)))), "Istio").await;
        is_valid(secret(with_envoy_gateway(bare(shipped().await))), "Envoy Gateway").await;
        let stats = patch("istio-envoyfilter.yaml", "BOOTSTRAP");
        // The filter is requested by name, which needs a node.
        let asked = bare(shipped().await).changed(|document| {
            filters(document).insert(0, patch("istio-envoyfilter.yaml", "HTTP_FILTER"));
            let ads = json!({"ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "openai"}}],
            }});
            document["dynamic_resources"] = ads;
            merge(document, stats);
        });
        is_valid(asked, "Istio's extension discovery, and its bootstrap").await;
    });
}

/// Starts a judge that reports the `authorization` of its requests, and answers with nothing.
fn key_reader() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut piece = [0; 4096];
            match stream.read(&mut piece) {
                Ok(size) if size > 0 => head.extend_from_slice(&piece[..size]),
                _ => break,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let keys = head.lines().filter_map(|line| line.strip_prefix("authorization: "));
        let _ = tell.send(keys.collect::<Vec<_>>().join(" and "));
        let _ = stream.write_all(b"HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n");
    });
    (address, told)
}

/// Sends one exchange with a tenant: its series have every label and bucket, and its judge gets the key.
async fn one_exchange_is_labelled_and_judged(make: impl FnOnce(Bootstrap) -> Bootstrap) {
    let folder = tempfile::tempdir().unwrap();
    let (judge, told) = key_reader();
    let provider = Provider::start().await.unwrap();
    let bootstrap = with_secret(make(bare(shipped().await)), folder.path());
    let mut bootstrap = bootstrap.upstream("judge", judge, Protocol::Http1).unwrap();
    for cluster in ["openai", "anthropic"] {
        bootstrap = bootstrap.upstream(cluster, provider.address(), Protocol::Http1).unwrap();
    }
    let rig = Rig::over(provider, bootstrap).await;
    let request = chat("gpt-4o", false, "input=30; output=9").header("x-tenant", "acme");
    rig.ask(Protocol::Http1, request).await;
    let key = tokio::task::spawn_blocking(move || told.recv()).await.unwrap().unwrap();
    assert_eq!(key, "Bearer CHANGE");
    let labels = [
        ("provider", "openai"),
        ("model", "gpt-4o"),
        ("operation", "chat"),
        ("status", "success"),
        ("error", "none"),
        ("tenant", "acme"),
    ];
    let counted = |stats: &simulators::envoy::Stats| {
        let found = stats.only(|series| series.name == "llm_requests_total");
        let mut missing = Vec::new();
        if stats.sum("llm_requests_total", &labels) != 1.0 {
            missing.push(format!("no request with all labels:\n{found}"));
        }
        // The bucket is one of ours, not a default of Envoy.
        let bucket = [("model", "gpt-4o"), ("le", "300000")];
        if stats.sum("llm_request_duration_milliseconds_bucket", &bucket) != 1.0 {
            missing.push("no bucket of ours".to_owned());
        }
        let errors =
            stats.sum("llm_judge_outcomes_total", &[("model", "gpt-4o"), ("outcome", "judge_error")]);
        if errors != 1.0 {
            missing.push(format!("{errors} outcomes are judge_error"));
        }
        missing
    };
    rig.envoy.admin().until(counted).await.unwrap();
}

#[test]
fn istio() {
    run(one_exchange_is_labelled_and_judged(|bootstrap| istios_labels(with_istio(bootstrap))));
}

#[test]
fn envoy_gateway() {
    run(one_exchange_is_labelled_and_judged(with_envoy_gateway));
}
