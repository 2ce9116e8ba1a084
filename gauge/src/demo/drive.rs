//! Plays the clients: sends each exchange of the mix at its time, and checks that the received bytes are those that
//! were sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use simulators::envoy::Stats;
use simulators::load::{Answer, Client, End, Protocol, Request};
use simulators::provider::{EXCHANGE_HEADER, Ledger, Provider};
use tokio::task::JoinSet;

use super::mix::{self, Course, PlannedExchange};

/// New exchanges per second. About ten are active at a time.
pub(super) const RATE: u64 = 12;

/// The time after which an exchange counts as stuck. All of them normally take a few seconds.
const STUCK: Duration = Duration::from_secs(20);

/// The two providers.
#[derive(Debug)]
pub(super) struct Providers {
    pub(super) openai: Provider,
    pub(super) anthropic: Provider,
}

impl Providers {
    fn of(&self, planned: &PlannedExchange) -> &Provider {
        if planned.model.provider == "anthropic" { &self.anthropic } else { &self.openai }
    }
}

/// The result of all clients.
#[derive(Debug, Default)]
pub(super) struct TrafficResult {
    /// The values that the metrics must have for the exchanges, without tokens.
    pub(super) expected: Stats,
    /// The number of exchanges whose bytes were compared with the provider's, and the number of those bytes.
    pub(super) compared: u64,
    pub(super) bytes: u64,
    /// Deviations from the plan.
    pub(super) deviations: Vec<String>,
}

/// The result of one exchange: the number of bytes that were compared, `None` if there were none to compare, or the
/// deviation from the plan.
type PlayResult = Result<Option<u64>, String>;

/// The simulated clients.
#[derive(Debug)]
pub(super) struct Clients {
    http1: Client,
    http2: Client,
    providers: Arc<Providers>,
}

impl Clients {
    pub(super) fn new(envoy: std::net::SocketAddr, providers: Arc<Providers>) -> Self {
        let client = |protocol| Client::new(envoy, protocol);
        Self { http1: client(Protocol::Http1), http2: client(Protocol::Http2), providers }
    }

    /// Sends `count` exchanges, [`RATE`] per second, and waits for all of them.
    pub(super) async fn run(self, count: u64) -> TrafficResult {
        let clients = Arc::new(self);
        let mut running = JoinSet::new();
        let began = Instant::now();
        let mut outcome = TrafficResult::default();
        for number in 0..count {
            tokio::time::sleep_until((began + Duration::from_millis(number * 1000 / RATE)).into()).await;
            let planned = mix::planned(number);
            super::expect::exchange(&mut outcome.expected, &planned);
            let clients = Arc::clone(&clients);
            running.spawn(async move {
                let played = tokio::time::timeout(STUCK, clients.play(&planned)).await;
                let seen = played.unwrap_or_else(|_| Err(format!("not complete after {STUCK:?}")));
                seen.map_err(|problem| format!("exchange {number} ({:?}): {problem}", planned.course))
            });
        }
        while let Some(played) = running.join_next().await {
            match played {
                Ok(Ok(Some(bytes))) => {
                    outcome.compared += 1;
                    outcome.bytes += bytes;
                }
                Ok(Ok(None)) => {}
                Ok(Err(problem)) => outcome.deviations.push(problem),
                Err(error) => outcome.deviations.push(format!("a client failed: {error}")),
            }
        }
        outcome
    }

    /// Plays one exchange.
    async fn play(&self, planned: &PlannedExchange) -> PlayResult {
        let provider = self.providers.of(planned);
        let request = planned.request.clone();
        let client = match planned.protocol {
            Protocol::Http1 => &self.http1,
            Protocol::Http2 => &self.http2,
        };
        if let Course::LeftEarly(gate) = &planned.course {
            return leave_early(client, request, provider, gate).await;
        }
        let mut exchange = client.send(request).await.map_err(|error| format!("{error:#}"))?;
        let wanted = match planned.course {
            Course::Refused(status, _) => status,
            Course::Closed => 503,
            _ => 200,
        };
        if exchange.status != wanted {
            return Err(format!("expected status {wanted}, got {}", exchange.status));
        }
        // The gate is after the tokens, which follow one event (OpenAI) or three (Anthropic).
        let before = if planned.model.provider == "anthropic" { 3 } else { 1 };
        let shown = before + mix::TOKENS_BEFORE_CUT;
        match &planned.course {
            Course::Left => {
                exchange.events(shown).await;
                Ok(None) // and drops the exchange, which leaves it
            }
            Course::Broken(gate) => {
                exchange.events(shown).await;
                provider.open(gate);
                let answer = exchange.finish().await;
                let cut = matches!(answer.end, End::Cut(_));
                compare(provider.ledger(), &answer, cut)
            }
            Course::Closed => Ok(None), // the answer is Envoy's own
            _ => {
                let answer = exchange.finish().await;
                if let Some(rating) = planned.rating {
                    rate(client, answer.header("x-llm-request-id"), rating).await?;
                }
                let whole = answer.end == End::Complete;
                compare(provider.ledger(), &answer, whole)
            }
        }
    }
}

/// Sends a user's rating to the gateway.
async fn rate(client: &Client, id: &str, rating: &str) -> Result<(), String> {
    let request = Request::post("/feedback", &json!({"request_id": id, "rating": rating}));
    let answer = client.send(request).await.map_err(|error| format!("{error:#}"))?.finish().await;
    if answer.status == 202 {
        Ok(())
    } else {
        Err(format!("feedback: expected status 202, got {}", answer.status))
    }
}

/// Sends a request, and drops it once the provider has it.
async fn leave_early(client: &Client, request: Request, provider: &Provider, gate: &str) -> PlayResult {
    tokio::select! {
        sent = client.send(request) => match sent {
            Ok(exchange) => Err(format!("an answer ({}) where there should be none", exchange.status)),
            Err(error) => Err(format!("{error:#}")),
        },
        () = provider.reached(gate) => Ok(None),
    }
}

/// Compares the client's bytes with those in the ledger.
fn compare(ledger: &Ledger, answer: &Answer, as_planned: bool) -> PlayResult {
    if !as_planned {
        return Err(format!("the response ended with {:?}", answer.end));
    }
    let id = answer.header(EXCHANGE_HEADER);
    let entry = id.parse().ok().and_then(|id| ledger.entry(id));
    let entry = entry.ok_or_else(|| format!("the provider has no exchange {id:?}"))?;
    let same = if answer.end == End::Complete {
        entry.body == answer.body
    } else {
        entry.body.starts_with(&answer.body)
    };
    if !same {
        return Err(format!(
            "the client got {} bytes, which are not the {} bytes sent",
            answer.body.len(),
            entry.body.len()
        ));
    }
    Ok(Some(answer.body.len() as u64))
}
