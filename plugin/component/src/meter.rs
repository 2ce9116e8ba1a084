//! The resources `policy` and `exchange`.

use std::cell::RefCell;
use std::rc::Rc;

use llm_gauge_engine::config;
use llm_gauge_engine::exchange;
use llm_gauge_engine::exchange::End;

use crate::contract::Component;
use crate::contract::meter::{
    ConfigError, Ending, Exchange, Guest, GuestExchange, GuestPolicy, Misuse, Place, Policy,
};
use crate::contract::types::{ExchangeRecord, Field};
use crate::convert;

impl Guest for Component {
    type Policy = PolicyResource;
    type Exchange = ExchangeResource;
}

/// The resource `policy`, which its exchanges share.
pub(crate) struct PolicyResource(pub(crate) Rc<config::Policy>);

/// The resource `exchange`. `None` once it is finished.
pub(crate) struct ExchangeResource(RefCell<Option<OpenExchange>>);

struct OpenExchange {
    exchange: exchange::Exchange,
    has_request_end: bool,
    has_head: bool,
    /// The status in the response's head. `None` until it arrives.
    status: Option<u32>,
    has_response_end: bool,
}

impl GuestPolicy for PolicyResource {
    fn compile(document: Vec<u8>) -> Result<Policy, ConfigError> {
        let policy = config::Policy::parse(&document)?;
        Ok(Policy::new(Self(Rc::new(policy))))
    }

    fn begin(
        &self,
        head: Vec<Field>,
        place: Place,
        (trace, more, span): (u64, u64, u64),
        now_ns: u64,
    ) -> Option<Exchange> {
        let place = config::Place { route: place.route, cluster: place.cluster };
        let random = convert::random([trace, more, span]);
        let exchange =
            exchange::Exchange::begin(&self.0, &convert::head(&head), &place, random, now_ns).ok()?;
        let open = OpenExchange {
            exchange,
            has_request_end: false,
            has_head: false,
            status: None,
            has_response_end: false,
        };
        Some(Exchange::new(ExchangeResource(RefCell::new(Some(open)))))
    }
}

impl ExchangeResource {
    /// Runs a step of the exchange. Fails if the exchange is finished.
    fn step(&self, step: impl FnOnce(&mut OpenExchange) -> Result<(), Misuse>) -> Result<(), Misuse> {
        self.0.borrow_mut().as_mut().map_or(Err(Misuse::Finished), step)
    }
}

impl OpenExchange {
    fn request(&self) -> Result<(), Misuse> {
        if self.has_request_end { Err(Misuse::RequestEnded) } else { Ok(()) }
    }

    fn response(&self) -> Result<(), Misuse> {
        match (self.has_head, self.has_response_end) {
            (false, _) => Err(Misuse::BodyBeforeHead),
            (true, true) => Err(Misuse::ResponseEnded),
            (true, false) => Ok(()),
        }
    }
}

impl GuestExchange for ExchangeResource {
    fn request_id(&self, unix_s: u32) -> String {
        let mut open = self.0.borrow_mut();
        open.as_mut().map(|it| it.exchange.issue(unix_s).to_owned()).unwrap_or_default()
    }

    fn request_body(&self, bytes: Vec<u8>) -> Result<(), Misuse> {
        self.step(|it| it.request().map(|()| it.exchange.request_body(&bytes)))
    }

    fn request_end(&self) -> Result<(), Misuse> {
        self.step(|it| {
            it.request()?;
            it.has_request_end = true;
            it.exchange.request_end();
            Ok(())
        })
    }

    fn response_head(&self, head: Vec<Field>) -> Result<(), Misuse> {
        self.step(|it| {
            if it.has_head {
                return Err(Misuse::SecondHead);
            }
            let head = convert::head(&head);
            (it.has_head, it.status) = (true, head.status());
            it.exchange.response_head(&head);
            Ok(())
        })
    }

    fn response_body(&self, bytes: Vec<u8>, now_ns: u64) -> Result<(), Misuse> {
        self.step(|it| it.response().map(|()| it.exchange.response_body(&bytes, now_ns)))
    }

    fn response_end(&self) -> Result<(), Misuse> {
        self.step(|it| {
            it.response()?;
            it.has_response_end = true;
            it.exchange.response_end();
            Ok(())
        })
    }

    fn finish(&self, ending: Ending, now_ns: u64) -> Result<ExchangeRecord, Misuse> {
        let it = self.0.borrow_mut().take().ok_or(Misuse::Finished)?;
        let Ending { code, flags, details } = ending;
        let end = End { code: code.or(it.status), flags, details };
        Ok(it.exchange.finish(&end, now_ns).into())
    }
}
