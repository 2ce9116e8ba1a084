//! The server of a provider: it reads requests and sends the planned replies.

use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;

use super::body::{SILENCE_MAX, ScriptedBody, ScriptedBreak};
use super::reply::Reply;
use super::request::{Endpoint, ProviderRequest};
use super::script::{self, Fault, Script};
use super::{EXCHANGE_HEADER, ProviderState, anthropic, openai};

/// Maximum bytes of a request body.
const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// More streams than any test keeps open on one HTTP/2 connection. The default of 200 would queue some of them.
const STREAMS_MAX: u32 = 10_000;

type Body = Either<ScriptedBody, Full<Bytes>>;

pub(super) async fn connection(stream: TcpStream, state: Arc<ProviderState>) {
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http2().max_concurrent_streams(STREAMS_MAX);
    // Connection errors are expected: some scripts break the connection.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<ProviderState>,
) -> Result<Response<Body>, ScriptedBreak> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    // A request whose body cannot be read gets no answer, because the client is gone.
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await.map_err(|_| ScriptedBreak)?.to_bytes();
    let read = || {
        let parsed = ProviderRequest::read(&path, &body)?;
        let script = script(head.headers.get(script::HEADER))?;
        script.check_applicable(parsed.stream)?;
        Ok::<_, anyhow::Error>((parsed, script))
    };
    let (parsed, script) = match read() {
        Ok(read) => read,
        Err(error) => return refuse(&format!("simulated provider: {error:#}")),
    };
    let id = state.ledger.begin(&parsed.model);
    state.ledger.record_request(id, &head.headers, &body);
    let reply = match parsed.endpoint {
        Endpoint::Messages => anthropic::reply(&parsed, &script),
        Endpoint::Chat | Endpoint::Completions | Endpoint::Embeddings => openai::reply(&parsed, &script),
    };
    before_head(&script, &reply, &state).await?;
    respond(reply, state, id).map_err(|_| ScriptedBreak)
}

/// Performs the part of a script before the first byte of a response: it waits, or ends the exchange.
async fn before_head(script: &Script, reply: &Reply, state: &ProviderState) -> Result<(), ScriptedBreak> {
    let is_mute = matches!(script.fault, Some(Fault::Close | Fault::Silent));
    if let Some(gate) = reply.gate.as_ref().filter(|gate| is_mute || gate.before_step.is_none()) {
        state.pass(&gate.name).await;
    }
    if reply.steps.len() == 1 {
        tokio::time::sleep(script.first).await;
    }
    match script.fault {
        Some(Fault::Close) => Err(ScriptedBreak),
        Some(Fault::Silent) => {
            tokio::time::sleep(SILENCE_MAX).await;
            Err(ScriptedBreak)
        }
        _ => Ok(()),
    }
}

fn script(header: Option<&HeaderValue>) -> Result<Script> {
    let Some(header) = header else {
        return Ok(Script::default());
    };
    Script::parse(header.to_str().with_context(|| format!("{} has to be ASCII", script::HEADER))?)
}

fn respond(reply: Reply, state: Arc<ProviderState>, id: u64) -> Result<Response<Body>> {
    let mut response = Response::builder().status(reply.status).header(EXCHANGE_HEADER, id);
    for (name, value) in &reply.headers {
        response = response.header(name, HeaderValue::from_bytes(value)?);
    }
    Ok(response.body(Either::Left(ScriptedBody::new(reply, state, id)))?)
}

/// Answers a request that the provider does not serve. The mistake is in the test or the demo, and the message should
/// make it easy to see.
fn refuse(message: &str) -> Result<Response<Body>, ScriptedBreak> {
    let body = serde_json::json!({"error": {"message": message, "type": "simulated_provider"}}).to_string();
    let response = Response::builder().status(400).header("content-type", "application/json");
    response.body(Either::Right(Full::new(body.into()))).map_err(|_| ScriptedBreak)
}
