use super::*;
use crate::formats;

/// The state of the response at the end of the exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Body {
    /// The response has no head.
    Nothing,
    /// The head arrived, and the end of the message did not.
    Cut,
    /// A unary answer that was cut after its document.
    CutDocument,
    /// A stream that was cut before its end marker.
    CutStream,
    /// A stream that was cut after its end marker.
    MarkedStream,
    /// A complete unary response.
    Whole,
    /// A stream that arrived with its end marker and its end.
    WholeStream,
    /// A stream whose end arrived without its end marker.
    UnmarkedStream,
}

fn progress(body: Body) -> (ResponseProgress, Answer) {
    let streaming =
        matches!(body, Body::CutStream | Body::MarkedStream | Body::WholeStream | Body::UnmarkedStream);
    let marked = matches!(body, Body::MarkedStream | Body::WholeStream);
    let end = matches!(body, Body::Whole | Body::WholeStream | Body::UnmarkedStream);
    let progress = ResponseProgress {
        head: body != Body::Nothing,
        end,
        document: body == Body::CutDocument,
        end_marker: marked,
    };
    (progress, Answer { streaming, complete: streaming.then_some(marked), ..Answer::default() })
}

fn end_of(code: u32, bits: &[u32], details: &str) -> End {
    let flags = bits.iter().map(|bit| 1 << bit).sum();
    End { code: (code != 0).then_some(code), flags, details: details.to_owned() }
}

/// Asserts `status error usage_missing` of an exchange without usage.
fn check_end(end: &End, (progress, answer): &(ResponseProgress, Answer), expected: &str) {
    let (status, error) = classify(end, *progress, answer, formats::named("openai_chat").unwrap());
    let missing = usage_missing(status, error, end.code, false).map_or("-", UsageMissing::name);
    let found = [status.name(), error.name(), missing].join(" ");
    assert_eq!(found, expected, "{end:?} {progress:?} {answer:?}");
}

fn check(code: u32, bits: &[u32], details: &str, body: Body, expected: &str) {
    check_end(&end_of(code, bits, details), &progress(body), expected);
}

/// Asserts the result for a complete answer with this code and the provider's error words.
fn check_words(code: u32, streaming: bool, kind: &str, word: &str, expected: &str) {
    let (progress, mut answer) = progress(if streaming { Body::UnmarkedStream } else { Body::Whole });
    let text = |text: &str| (!text.is_empty()).then(|| Word::Text(text.to_owned()));
    (answer.has_error, answer.error_type, answer.error_code) = (true, text(kind), text(word));
    check_end(&end_of(code, &[], "via_upstream"), &(progress, answer), expected);
}

#[test]
fn classify_knows_every_ending_that_envoy_was_observed_to_report() {
    use Body::{Cut, CutStream, MarkedStream, Nothing, Whole, WholeStream};
    let up = "via_upstream";
    let protocol = "upstream_reset_after_response_started{protocol_error}";
    check(200, &[], up, Whole, "success none not_sent");
    check(200, &[], up, WholeStream, "success none not_sent");
    check(200, &[23], protocol, CutStream, "error upstream_reset upstream_reset");
    let reset = "upstream_reset_after_response_started{remote_reset}";
    check(200, &[4], reset, CutStream, "error upstream_reset upstream_reset");
    check(200, &[23], protocol, Cut, "error upstream_reset upstream_reset");
    check(200, &[14], "downstream_remote_disconnect", CutStream, "cancelled client_cancelled cancelled");
    check(0, &[14], "downstream_remote_disconnect", Nothing, "cancelled client_cancelled cancelled");
    let early = "upstream_reset_before_response_started{connection_termination}";
    check(503, &[6], early, Whole, "error upstream_reset -");
    let refused = "upstream_reset_before_response_started{remote_connection_failure}";
    check(503, &[5], refused, Whole, "error upstream_connect -");
    check(503, &[1], "no_healthy_upstream", Whole, "error upstream_connect -");
    check(503, &[24], "cluster_not_found", Whole, "error local_reply -");
    check(504, &[2], "response_timeout", Whole, "error upstream_timeout -");
    check(200, &[2], "response_timeout", CutStream, "error upstream_timeout upstream_reset");
    check(200, &[16], "stream_idle_timeout", CutStream, "error upstream_timeout upstream_reset");
    check(503, &[15], up, Whole, "error overloaded -");
    // An internal redirect is two exchanges, and the first one has only its code.
    check(302, &[], "internal_redirect", Nothing, "success none -");
    check(200, &[], "direct_response", Whole, "success none not_sent");
    check(301, &[], "direct_response", Whole, "success none -");
    check(101, &[14], "downstream_remote_disconnect", Cut, "cancelled client_cancelled cancelled");
    check(202, &[], "", Whole, "success none not_sent");
    // A client that received everything may close the connection in any way.
    check(200, &[14], "downstream_remote_disconnect", MarkedStream, "success none not_sent");
    check(200, &[14], "downstream_remote_disconnect", Whole, "success none not_sent");
    check(400, &[14], "downstream_remote_disconnect", Whole, "error invalid_request -");
    check(200, &[4], reset, MarkedStream, "success none not_sent");
}

#[test]
fn a_complete_document_excuses_a_client_that_disconnects_but_not_an_upstream() {
    use Body::CutDocument;
    check(200, &[14], "downstream_remote_disconnect", CutDocument, "success none not_sent");
    check(400, &[14], "downstream_remote_disconnect", CutDocument, "error invalid_request -");
    let reset = "upstream_reset_after_response_started{remote_reset}";
    check(200, &[4], reset, CutDocument, "error upstream_reset upstream_reset");
}

#[test]
fn classify_handles_every_flag_of_a_cut_response() {
    let cut = |bit: u32, expected: &str| check(200, &[bit], "x", Body::CutStream, expected);
    for bit in [2, 16, 22] {
        cut(bit, "error upstream_timeout upstream_reset");
    }
    for bit in [1, 5, 26] {
        cut(bit, "error upstream_connect not_sent");
    }
    for bit in [7, 25, 27] {
        cut(bit, "error overloaded not_sent");
    }
    for bit in [3, 4, 6, 23] {
        cut(bit, "error upstream_reset upstream_reset");
    }
    for bit in [14, 18, 28] {
        cut(bit, "cancelled client_cancelled cancelled");
    }
    cut(11, "error rate_limited not_sent");
    cut(63, "error upstream_reset upstream_reset");
    check(200, &[2, 4], "x", Body::CutStream, "error upstream_timeout upstream_reset");
    check(200, &[2, 14], "x", Body::CutStream, "cancelled client_cancelled cancelled");
    check(429, &[11], "request_rate_limited", Body::Whole, "error rate_limited -");
    check(503, &[7], "overflow", Body::Whole, "error overloaded -");
    check(0, &[], "", Body::Nothing, "error other not_sent");
    check(200, &[], "", Body::CutStream, "error upstream_reset upstream_reset");
    check(200, &[], "via_upstream", Body::UnmarkedStream, "error upstream_reset upstream_reset");
}

#[test]
fn classify_handles_every_status_of_a_complete_response() {
    let code = |code: u32, expected: &str| {
        check(code, &[], "via_upstream", Body::Whole, &format!("error {expected} -"));
    };
    code(401, "authentication");
    code(403, "permission");
    code(404, "not_found");
    code(429, "rate_limited");
    for bad in [400, 405, 406, 409, 411, 413, 414, 415, 422] {
        code(bad, "invalid_request");
    }
    for bad in [503, 529] {
        code(bad, "overloaded");
    }
    for bad in [500, 501, 502, 504, 599] {
        code(bad, "server_error");
    }
    for bad in [402, 408, 418, 600] {
        code(bad, "other");
    }
    check(404, &[8], "route_not_found", Body::Whole, "error local_reply -");
    check(400, &[17], "http1.codec_error", Body::Whole, "error local_reply -");
    check(401, &[12], "ext_authz_denied", Body::Whole, "error authentication -");
    check(403, &[12], "ext_authz_denied", Body::Whole, "error permission -");
    check(503, &[12], "ext_authz_error", Body::Whole, "error overloaded -");
    check(500, &[], "", Body::Whole, "error server_error -");
}

#[test]
fn the_providers_error_words_are_more_specific_than_a_status() {
    check_words(400, false, "invalid_request_error", "context_length_exceeded", "error context_length -");
    check_words(400, false, "", "content_filter", "error content_filter -");
    check_words(400, false, "", "content_policy_violation", "error content_filter -");
    check_words(400, false, "invalid_request_error", "", "error invalid_request -");
    check_words(429, false, "insufficient_quota", "insufficient_quota", "error rate_limited -");
    let check_type = |kind: &str, expected: &str| {
        check_words(200, false, kind, "", &format!("error {expected} not_sent"));
        check_words(200, true, kind, "", "error in_stream not_sent");
    };
    check_type("rate_limit_error", "rate_limited");
    check_type("insufficient_quota", "rate_limited");
    check_type("authentication_error", "authentication");
    check_type("permission_error", "permission");
    check_type("invalid_request_error", "invalid_request");
    check_type("not_found_error", "not_found");
    check_type("api_error", "server_error");
    check_type("server_error", "server_error");
    check_type("strange", "other");
    check_type("", "other");
    check_words(200, false, "", "context_length_exceeded", "error context_length not_sent");
    check_words(200, false, "strange", "content_filter", "error content_filter not_sent");
}

#[test]
fn closing_after_an_error_event_is_no_further_failure() {
    for bit in [14, 4, 23] {
        let (progress, mut answer) = progress(Body::CutStream);
        answer.has_error = true;
        check_end(&end_of(200, &[bit], "x"), &(progress, answer.clone()), "error in_stream not_sent");
        answer.streaming = false;
        let cut = if bit == 14 {
            "cancelled client_cancelled cancelled"
        } else {
            "error upstream_reset upstream_reset"
        };
        check_end(&end_of(200, &[bit], "x"), &(progress, answer), cut);
    }
}

#[test]
fn usage_missing_names_the_reason() {
    let check = |status, error, code: u32, is_unreadable, expected: Option<UsageMissing>| {
        assert_eq!(usage_missing(status, error, (code != 0).then_some(code), is_unreadable), expected);
    };
    let none = ErrorClass::None;
    check(Status::Success, none, 200, false, Some(UsageMissing::NotSent));
    check(Status::Success, none, 200, true, Some(UsageMissing::Unreadable));
    check(Status::Error, ErrorClass::UpstreamTimeout, 200, true, Some(UsageMissing::UpstreamReset));
    check(Status::Error, ErrorClass::UpstreamReset, 200, true, Some(UsageMissing::UpstreamReset));
    check(Status::Error, ErrorClass::InStream, 200, false, Some(UsageMissing::NotSent));
    check(Status::Cancelled, ErrorClass::ClientCancelled, 0, true, Some(UsageMissing::Cancelled));
    check(Status::Error, ErrorClass::ServerError, 500, true, None);
    check(Status::Success, none, 302, false, None);
    check(Status::Error, ErrorClass::Other, 0, false, Some(UsageMissing::NotSent));
}
