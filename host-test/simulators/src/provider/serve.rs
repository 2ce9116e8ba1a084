//! The provider's server: connections in, planned replies out.

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

use super::ask::{Ask, Endpoint};
use super::body::{Broken, Played, SILENCE_MAX};
use super::reply::Reply;
use super::script::{self, Fault, Script};
use super::{EXCHANGE_HEADER, State, anthropic, openai};

/// The largest request body that is read.
const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// More than any test keeps open on one HTTP/2 connection; the default of 200 would queue some of them.
const STREAMS_MAX: u32 = 10_000;

type Body = Either<Played, Full<Bytes>>;

pub(super) async fn connection(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http2().max_concurrent_streams(STREAMS_MAX);
    // A connection that breaks is the point of some scripts.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Body>, Broken> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    // A request that is not read to its end has no answer: the client is gone.
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await.map_err(|_| Broken)?.to_bytes();
    let read = || {
        let ask = Ask::read(&path, &body)?;
        let script = script(head.headers.get(script::HEADER))?;
        script.suits(ask.stream)?;
        Ok::<_, anyhow::Error>((ask, script))
    };
    let (ask, script) = match read() {
        Ok(read) => read,
        Err(error) => return refuse(&format!("simulated provider: {error:#}")),
    };
    let id = state.ledger.begin(&ask.model);
    state.ledger.came(id, &head.headers, &body);
    let reply = match ask.endpoint {
        Endpoint::Messages => anthropic::reply(&ask, &script),
        Endpoint::Chat | Endpoint::Completions | Endpoint::Embeddings => openai::reply(&ask, &script),
    };
    before_head(&script, &reply, &state).await?;
    respond(reply, state, id).map_err(|_| Broken)
}

/// What happens before the first byte of a response: waiting, or the end of it.
async fn before_head(script: &Script, reply: &Reply, state: &State) -> Result<(), Broken> {
    let is_mute = matches!(script.fault, Some(Fault::Close | Fault::Silent));
    if let Some(gate) = reply.gate.as_ref().filter(|gate| is_mute || gate.before_step.is_none()) {
        state.pass(&gate.name).await;
    }
    if reply.steps.len() == 1 {
        tokio::time::sleep(script.first).await;
    }
    match script.fault {
        Some(Fault::Close) => Err(Broken),
        Some(Fault::Silent) => {
            tokio::time::sleep(SILENCE_MAX).await;
            Err(Broken)
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

fn respond(reply: Reply, state: Arc<State>, id: u64) -> Result<Response<Body>> {
    let mut response = Response::builder().status(reply.status).header(EXCHANGE_HEADER, id);
    for (name, value) in &reply.headers {
        response = response.header(name, HeaderValue::from_bytes(value)?);
    }
    Ok(response.body(Either::Left(Played::new(reply, state, id)))?)
}

/// For requests that are not a provider's business: the mistake is the test's or the demo's, and should be
/// easy to see.
fn refuse(message: &str) -> Result<Response<Body>, Broken> {
    let body = serde_json::json!({"error": {"message": message, "type": "simulated_provider"}}).to_string();
    let response = Response::builder().status(400).header("content-type", "application/json");
    response.body(Either::Right(Full::new(body.into()))).map_err(|_| Broken)
}
