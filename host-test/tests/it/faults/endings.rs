//! Every order of callbacks that a proxy makes.

use super::*;

fn ended(status: u16, body: &[u8], ending: Ending) -> Guest {
    let mut guest = metering();
    let mut exchange = Exchange::new(request_head(), REQUEST, Headers::response(status), body);
    exchange.ending = ending;
    play(&mut guest, &exchange, &ChunkPlan::every(50));
    guest
}

#[test]
fn a_response_that_ends_well_is_a_success_whatever_ends_it() {
    let trailers = Headers::from([("x-checksum", NOT_TEXT)]);
    for ending in [Ending::Clean, Ending::OnLastChunk, Ending::Trailers(trailers.clone())] {
        counted(&ended(200, RESPONSE, ending), &[(SUCCESS, 1)]);
    }
    let mut guest = metering();
    let mut exchange = exchange();
    exchange.request_trailers = Some(trailers.clone());
    exchange.ending = Ending::Trailers(trailers);
    play(&mut guest, &exchange, &ChunkPlan::every(1));
    counted(&guest, &[(SUCCESS, 1)]);
}

#[test]
fn heads_alone_are_an_exchange() {
    let mut guest = metering();
    let mut bare = Exchange::new(request_head(), "", Headers::response(204), "");
    bare.ending = Ending::HeadersOnly;
    let report = play(&mut guest, &bare, &ChunkPlan::whole());
    let callbacks: Vec<_> = report.steps.iter().map(|step| step.callback).collect();
    let expected = ["proxy_on_request_headers", "proxy_on_response_headers", "proxy_on_log", "proxy_on_done"];
    assert_eq!(callbacks[..4], expected);
    counted(&guest, &[("openai/unknown/chat/success/none", 1)]);
}

#[test]
fn a_response_that_breaks_off_says_who_broke_it() {
    for (ending, labels) in [
        (Ending::UpstreamReset, "error/upstream_reset"),
        (Ending::UpstreamCut, "error/upstream_reset"),
        (Ending::ClientGone, "cancelled/client_cancelled"),
        (Ending::RouteTimeout, "error/upstream_timeout"),
        (Ending::IdleTimeout, "error/upstream_timeout"),
    ] {
        let guest = ended(200, &RESPONSE[..RESPONSE.len() - 1], ending);
        counted(&guest, &[(&format!("openai/gpt-4o-mini/chat/{labels}"), 1)]);
    }
}

/// A client that has the whole document has its answer. If the upstream cuts off the connection, the document may be
/// incomplete.
#[test]
fn a_whole_document_is_an_answer_to_a_client_that_leaves() {
    for (ending, labels) in [
        (Ending::ClientGone, "success/none"),
        (Ending::UpstreamReset, "error/upstream_reset"),
        (Ending::UpstreamCut, "error/upstream_reset"),
        (Ending::RouteTimeout, "error/upstream_timeout"),
    ] {
        let guest = ended(200, RESPONSE, ending);
        counted(&guest, &[(&format!("openai/gpt-4o-mini/chat/{labels}"), 1)]);
    }
    let refusal = br#"{"error":{"type":"invalid_request_error","code":null}}"#;
    let guest = ended(400, refusal, Ending::ClientGone);
    counted(&guest, &[("openai/gpt-4o-mini/chat/error/invalid_request", 1)]);
}

#[test]
fn a_proxy_that_answers_itself_says_why() {
    for (reply, labels) in [
        (LocalReply::ConnectFailure, "error/upstream_connect"),
        (LocalReply::UpstreamClosed, "error/upstream_reset"),
        (LocalReply::NoHealthyUpstream, "error/upstream_connect"),
        (LocalReply::ClusterMissing, "error/local_reply"),
        (LocalReply::Timeout, "error/upstream_timeout"),
        (LocalReply::DirectResponse, "success/none"),
    ] {
        let mut guest = metering();
        let unanswered = Exchange::unanswered(request_head(), REQUEST, Ending::LocalReply(reply));
        drive(&mut guest, &unanswered, &ChunkPlan::whole()).unwrap();
        counted(&guest, &[(&format!("openai/gpt-4o-mini/chat/{labels}"), 1)]);
    }
}

#[test]
fn exchanges_without_a_response_are_counted() {
    for (ending, labels) in [
        (Ending::ClientGone, "cancelled/client_cancelled"),
        (Ending::UpstreamReset, "error/upstream_reset"),
        (Ending::RouteTimeout, "error/upstream_timeout"),
        // The context after the redirect counts again, under its own outcome.
        (Ending::InternalRedirect, "success/none"),
    ] {
        let mut guest = metering();
        let unanswered = Exchange::unanswered(request_head(), REQUEST, ending);
        let report = drive(&mut guest, &unanswered, &ChunkPlan::whole()).unwrap();
        counted(&guest, &[(&format!("openai/gpt-4o-mini/chat/{labels}"), 1)]);
        assert!(report.filter_state.contains_key("wasm.llm.json"));
    }
}

#[test]
fn a_client_may_leave_in_its_own_upload() {
    let mut guest = metering();
    let mut upload = Exchange::unanswered(request_head(), &REQUEST[..24], Ending::ClientGone);
    upload.request_complete = false;
    let report = drive(&mut guest, &upload, &ChunkPlan::every(1)).unwrap();
    assert_eq!(gaps(&report), json!([]));
    counted(&guest, &[("openai/gpt-4o-mini/chat/cancelled/client_cancelled", 1)]);
}

#[test]
fn a_response_may_come_before_the_request_has_ended() {
    let mut guest = metering();
    let mut stream = guest.open().unwrap();
    stream.request_headers(&request_head(), false).unwrap();
    stream.request_body(&REQUEST[..5], false).unwrap();
    stream.response_headers(&response_head(), false).unwrap();
    stream.response_body(&RESPONSE[..60], false).unwrap();
    stream.request_body(&REQUEST[5..], false).unwrap();
    stream.response_body(&RESPONSE[60..], true).unwrap();
    stream.request_body(b"", true).unwrap();
    let report = stream.end(Ending::Clean).unwrap();
    assert_eq!((&report.client.body[..], &report.upstream.body[..]), (RESPONSE, REQUEST));
    assert_eq!(gaps(&report), json!([]));
    counted(&guest, &[(SUCCESS, 1)]);
}

#[test]
fn streams_that_interleave_share_nothing() {
    let mut guest = metering();
    let ids = [guest.open_stream().unwrap(), guest.open_stream().unwrap()];
    let models = ["gpt-4o-mini", "gpt-4.1"];
    let bodies = models.map(|model| format!(r#"{{"model":"{model}"}}"#));
    for (id, body) in ids.into_iter().zip(&bodies) {
        guest.stream(id).request_headers(&request_head(), false).unwrap();
        guest.stream(id).request_body(&body.as_bytes()[..6], false).unwrap();
    }
    let active = "llm_active_requests.provider=.=openai;.;";
    assert_eq!(counter(&guest, active), Some(2));
    for (id, body) in ids.into_iter().zip(&bodies).rev() {
        guest.stream(id).request_body(&body.as_bytes()[6..], true).unwrap();
        guest.stream(id).response_headers(&response_head(), false).unwrap();
    }
    for chunk in RESPONSE[..RESPONSE.len() - 1].chunks(7) {
        for id in ids {
            guest.stream(id).response_body(chunk, false).unwrap();
        }
    }
    guest.stream(ids[1]).response_body(b"}", false).unwrap();
    guest.stream(ids[0]).end(Ending::ClientGone).unwrap();
    assert_eq!(counter(&guest, active), Some(1));
    guest.stream(ids[1]).end(Ending::Clean).unwrap();
    counted(
        &guest,
        &[("openai/gpt-4o-mini/chat/cancelled/client_cancelled", 1), ("openai/gpt-4.1/chat/success/none", 1)],
    );
}

#[test]
fn a_redirect_that_the_proxy_follows_is_two_contexts() {
    let mut guest = metering();
    let first = Exchange::unanswered(request_head(), REQUEST, Ending::InternalRedirect);
    drive(&mut guest, &first, &ChunkPlan::whole()).unwrap();
    play(&mut guest, &exchange(), &ChunkPlan::whole());
    counted(&guest, &[(SUCCESS, 2)]);
}
