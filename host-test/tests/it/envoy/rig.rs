//! A provider, an Envoy before it, and the helpers that tests check results with.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, OnceLock, Weak};
use std::time::Duration;

use serde_json::json;
use simulators::build;
use simulators::envoy::{Bootstrap, Envoy, Stats};
use simulators::load::{Answer, Client, End, Exchange, Protocol, Request};
use simulators::provider::{EXCHANGE_HEADER, Provider, script};
use simulators::workspace::workspace_dir;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

/// One runtime for all tests, because they share providers, whose tasks run on the runtime that started them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Runs the body of a test.
pub(super) fn run(test: impl Future<Output = ()>) {
    RUNTIME.block_on(test);
}

/// The configurations that tests share. Each has its own Envoy, which is started by the first test that needs it and
/// stopped after the last.
#[derive(Clone, Copy)]
pub(super) enum Setup {
    /// HTTP/1.1 to the provider.
    Plain,
    /// HTTP/2 to the provider.
    Http2,
    /// A provider that refuses connections.
    Refused,
    /// A route timeout of one second.
    Impatient,
    /// The shipped price table.
    Priced,
    /// Usage on request, HTTP/1.1 to the provider.
    Asking,
    /// Usage on request, HTTP/2 to the provider.
    AskingHttp2,
    /// Usage on request in a proxy that does not show the body of a held request.
    Blind,
}

/// A configuration that requests usage.
pub(super) const ASKING: &str =
    r#"{"streaming": {"usage": "request"}, "match": [{"path": "/v1/*", "provider": "openai"}]}"#;

/// A provider and an Envoy.
pub(super) struct Rig {
    pub(super) provider: Provider,
    pub(super) envoy: Envoy,
    http1: Client,
    http2: Client,
}

impl Rig {
    /// Returns the shared rig of a setup.
    pub(super) async fn shared(setup: Setup) -> Arc<Self> {
        static RIGS: [Mutex<Weak<Rig>>; 8] = [const { Mutex::const_new(Weak::new()) }; 8];
        let mut slot = RIGS[setup as usize].lock().await;
        if let Some(rig) = slot.upgrade() {
            return rig;
        }
        let rig = Arc::new(Self::start(setup).await);
        *slot = Arc::downgrade(&rig);
        rig
    }

    /// Starts a rig for one test.
    pub(super) async fn start(setup: Setup) -> Self {
        let provider = Provider::start().await.unwrap();
        let (address, protocol) = match setup {
            Setup::Plain | Setup::Impatient | Setup::Priced | Setup::Asking | Setup::Blind => {
                (provider.address(), Protocol::Http1)
            }
            Setup::Http2 | Setup::AskingHttp2 => (provider.address(), Protocol::Http2),
            Setup::Refused => (refusing_address(), Protocol::Http1),
        };
        let mut bootstrap = shipped().await;
        for cluster in ["openai", "anthropic"] {
            bootstrap = bootstrap.upstream(cluster, address, protocol).unwrap();
        }
        if matches!(setup, Setup::Asking | Setup::AskingHttp2 | Setup::Blind) {
            bootstrap = bootstrap.configuration(ASKING).unwrap();
        }
        if matches!(setup, Setup::Blind) {
            bootstrap = bootstrap.without_stop_iteration().unwrap();
        }
        if matches!(setup, Setup::Impatient) {
            bootstrap = bootstrap.route_timeout(Duration::from_secs(1)).unwrap();
        }
        if matches!(setup, Setup::Priced) {
            let prices = std::fs::read_to_string(workspace_dir().join("envoy/prices.json")).unwrap();
            let rules =
                r#"[{"path":"/v1/messages","provider":"anthropic"},{"path":"/v1/*","provider":"openai"}]"#;
            let configuration = format!(r#"{{"match":{rules},"prices":{prices}}}"#);
            bootstrap = bootstrap.configuration(&configuration).unwrap();
        }
        Self::over(provider, bootstrap).await
    }

    /// Starts a rig with this provider and this configuration.
    pub(super) async fn over(provider: Provider, bootstrap: Bootstrap) -> Self {
        let bootstrap = bootstrap.flush_every(Duration::from_millis(100)).unwrap();
        Self::around(provider, Envoy::start(bootstrap, 2).await.unwrap())
    }

    /// Returns a rig with this provider and a running Envoy.
    pub(super) fn around(provider: Provider, envoy: Envoy) -> Self {
        let [http1, http2] =
            [Protocol::Http1, Protocol::Http2].map(|protocol| Client::new(envoy.listener(), protocol));
        Self { provider, envoy, http1, http2 }
    }

    /// Sends a request through Envoy.
    pub(super) async fn send(&self, protocol: Protocol, request: Request) -> Exchange {
        let client = match protocol {
            Protocol::Http1 => &self.http1,
            Protocol::Http2 => &self.http2,
        };
        client.send(request).await.unwrap()
    }

    /// Sends a request through Envoy and reads the whole answer, whose bytes have to be the provider's.
    pub(super) async fn ask(&self, protocol: Protocol, request: Request) -> Answer {
        let answer = self.send(protocol, request).await.finish().await;
        self.is_the_providers(&answer);
        answer
    }

    /// Checks that the client has the bytes that the provider sent: all of them if the answer is complete, else a
    /// prefix.
    pub(super) fn is_the_providers(&self, answer: &Answer) {
        let id = answer.header(EXCHANGE_HEADER).parse().expect("the provider's answer");
        let entry = self.provider.ledger().entry(id).unwrap();
        if answer.end == End::Complete {
            assert!(entry.complete);
            assert_eq!(entry.body, answer.body);
        } else {
            assert!(entry.body.starts_with(&answer.body), "{:?} is not what was sent", answer.body);
        }
    }

    /// Waits until the series of this model are exactly those of `expected` and no exchange is active.
    ///
    /// `expected` is the text of `/stats/prometheus` without the labels `model` and `provider`. Buckets and sums of
    /// histograms are left out: they contain times, and only the counts are deterministic. Estimates are left out too,
    /// because these tests are about reported usage.
    pub(super) async fn expect(&self, provider: &str, model: &str, expected: &str) -> Stats {
        let expected =
            Stats::parse(expected).unwrap().with_label("model", model).with_label("provider", provider);
        let missing = |stats: &Stats| {
            let found = stats.only(|series| {
                let is_time = series.name.ends_with("_bucket") || series.name.ends_with("_sum");
                let is_estimate = series.labels.get("source").is_some_and(|source| source == "estimated");
                series.labels.get("model").is_some_and(|found| found == model) && !is_time && !is_estimate
            });
            let mut missing = found.differences(&expected);
            if stats.sum("llm_active_requests", &[]) != 0.0 {
                missing.push(format!(
                    "still running:\n{}",
                    stats.only(|series| series.name == "llm_active_requests")
                ));
            }
            missing
        };
        let waited = self.envoy.admin().until(missing).await;
        waited.unwrap_or_else(|error| {
            panic!("{error:#}\nEnvoy's log:\n{}", self.envoy.log().unwrap_or_default())
        })
    }
}

/// Returns the shipped bootstrap with the filter that was just built.
pub(super) async fn shipped() -> Bootstrap {
    static FILTER: OnceLock<PathBuf> = OnceLock::new();
    let filter =
        tokio::task::spawn_blocking(|| FILTER.get_or_init(|| build::filter(false).unwrap())).await.unwrap();
    Bootstrap::shipped().unwrap().filter(filter).unwrap()
}

/// Returns a loopback address where no server listens. Its socket stays bound as long as the process runs: the system
/// gives the port of a closed one to the next process, which may be the provider of another test.
pub(super) fn refusing_address() -> SocketAddr {
    static BOUND: LazyLock<TcpSocket> = LazyLock::new(|| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        socket
    });
    BOUND.local_addr().unwrap()
}

/// Returns a chat request to OpenAI that asks for usage, to be answered by a script.
pub(super) fn chat(model: &str, stream: bool, script: &str) -> Request {
    let messages = json!([{"role": "user", "content": "Why is the sky blue?"}]);
    let mut body = json!({"model": model, "messages": messages, "stream": stream});
    if stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    Request::post("/v1/chat/completions", &body).header(script::HEADER, script)
}

/// Returns a request to Anthropic, to be answered by a script.
pub(super) fn messages(model: &str, stream: bool, script: &str) -> Request {
    let messages = json!([{"role": "user", "content": "Why is the sky blue?"}]);
    let body = json!({"model": model, "max_tokens": 1000, "messages": messages, "stream": stream});
    Request::post("/v1/messages", &body).header(script::HEADER, script)
}
