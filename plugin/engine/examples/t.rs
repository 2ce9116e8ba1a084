use std::{rc::Rc, time::Instant, hint::black_box};
use llm_gauge_engine::{*, head::Headers, policy::*, ending::End, exchange::Exchange};
fn t<R>(n: &str, mut f: impl FnMut() -> R) { let mut best = u128::MAX; for _ in 0..300 { let s = Instant::now(); for _ in 0..50 { black_box(f()); } best = best.min(s.elapsed().as_nanos()/50); } println!("{n}: {best} ns"); }
fn main() {
    let p = Rc::new(Policy::parse(b"{}").unwrap());
    let h = [(&b":method"[..], &b"POST"[..]), (b":path", b"/v1/chat/completions"), (b":authority", b"127.0.0.1:3232"),(b"content-type", b"application/json")];
    let head = Headers::new(h);
    println!("claims {}", formats::ALL.iter().map(|f| f.claims.len()).sum::<usize>());
    println!("size {}", std::mem::size_of::<Exchange>());
    t("model_in", || formats::model_in(formats::ALL[0], "/v1/chat/completions"));
    t("claimed", || formats::claimed("POST", "127.0.0.1:3232", "/v1/chat/completions"));
    t("provider_of", || formats::provider_of("127.0.0.1:3232"));
    t("may_meter", || p.may_meter(b"POST"));
    t("route", || p.route(&head, &Place::default()));
    t("ids", || ids::Ids::new(None, None, [7;24]).request_id());
    t("begin", || Exchange::begin(&p, &head, &Place::default(), [7;24], 0));
    let rh = [(&b":status"[..], &b"200"[..]), (b"content-type", b"application/json")];
    let rh = Headers::new(rh);
    let body = format!(r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1751568164,"model":"gpt-4o-mini-2024-07-18","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":512,"completion_tokens":128,"total_tokens":640,"prompt_tokens_details":{{"cached_tokens":64}},"completion_tokens_details":{{"reasoning_tokens":0}}}}}}"#, r#"Word after word, sentence after sentence, \"quoted\" or not, and a line ends here.\n"#.repeat(27));
    let all = |upto: u32| { let mut e = Exchange::begin(&p, &head, &Place::default(), [7;24], 0).unwrap();
      if upto > 0 { e.request_body(br#"{"model":"gpt-4o-mini","stream":false,"messages":[{"role":"user","content":"hello"}]}"#); e.request_end(); }
      if upto > 1 { e.response_head(&rh); }
      if upto > 2 { e.response_body(body.as_bytes(), 1); e.response_end(); }
      e };
    t("+request", || all(1)); t("+head", || all(2)); t("+body", || all(3));
    t("+finish", || all(3).finish(&End{code:Some(200),..End::default()}, 2));
    let r = all(3).finish(&End{code:Some(200),..End::default()}, 2);
    let mut s = series::Series::new(&p);
    t("outputs", || outputs::of(&r, &p, &mut s));
    let labels = [("provider","openai_compatible"),("model","gpt-4o-mini"),("operation","chat"),("status","success"),("error","none")];
    t("stat", || metrics::stat(&metrics::REQUESTS, labels.into_iter()));
    t("full", || outputs::full(&r));
    t("active", || outputs::active("openai", 1));
}
