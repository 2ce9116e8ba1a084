//! Request ids: the model in them, and that each exchange has exactly one.

use std::rc::Rc;

use crate::config::{Place, Policy};
use crate::exchange::End;
use crate::exchange::Exchange;
use crate::head::Headers;
use crate::ids::{RequestId, SigningKey};

const SECRET: &str = "a secret for the tests";

fn begin(document: &str) -> Exchange {
    let policy = Rc::new(Policy::parse(document.as_bytes()).unwrap());
    let head = [(&b":method"[..], &b"POST"[..]), (b":path", b"/v1/chat/completions"), (b":authority", b"h")];
    Exchange::begin(&policy, &Headers::new(head), &Place::default(), [7; 24], 0).unwrap()
}

#[test]
fn a_request_id_holds_the_model_label() {
    let rename = r#"{"models":{"rename":[{"match":"gpt-4o-*","to":"gpt;.;4o"}]}}"#;
    let mut exchange = begin(rename);
    exchange.request_body(br#"{"model":"gpt-4o-2024-08-06"}"#);
    let issued = exchange.issue(77).to_owned();
    let id = RequestId::read(&issued, &[]).unwrap();
    assert_eq!((id.model.as_str(), id.issued_s), ("gpt;_;4o", 77));
    assert_eq!(exchange.issue(78), issued, "the id of an exchange never changes");
    assert_eq!(exchange.finish(&End::default(), 0).request_id, issued);
}

#[test]
fn a_request_id_may_be_issued_before_the_model_is_known() {
    let mut exchange = begin("{}");
    assert_eq!(RequestId::read(exchange.issue(1), &[]).unwrap().model, "");
    exchange.request_body(br#"{"model":""}"#);
    assert_eq!(RequestId::read(exchange.issue(1), &[]).unwrap().model, "");
    let id = begin("{}").finish(&End::default(), 0).request_id;
    assert_eq!(RequestId::read(&id, &[]).unwrap().issued_s, 0);
}

#[test]
fn request_ids_are_signed_if_feedback_has_a_secret() {
    let key = |secret: &str| SigningKey::new(secret.as_bytes());
    for document in [
        r#"{"feedback":{"secret":"SECRET"}}"#,
        r#"{"feedback":{"secret":["SECRET","an older secret of ours"]}}"#,
    ] {
        let issued = begin(&document.replace("SECRET", SECRET)).issue(1).to_owned();
        assert!(RequestId::read(&issued, &[key(SECRET)]).is_ok());
        assert!(RequestId::read(&issued, &[key("an older secret of ours")]).is_err());
    }
    for document in ["{}", r#"{"feedback":{}}"#] {
        assert!(RequestId::read(begin(document).issue(1), &[key(SECRET)]).is_err());
    }
}
