//! The feedback endpoint in its worker, with the rate that all workers share and its random bytes.

use std::cell::{Cell, RefCell};

use llm_gauge_engine::config::Policy;
use llm_gauge_engine::feedback::Rate;

use crate::perform;
use crate::random::Random;
use crate::shared_data;

/// The feedback endpoint.
pub(crate) struct FeedbackEndpoint {
    /// The key of the shared rate record.
    rate_key: String,
    /// The rate of this worker, used if the host shares no data.
    own_rate: Cell<Rate>,
    random: RefCell<Random>,
}

impl FeedbackEndpoint {
    /// Opens the configured endpoint. `None` if no feedback is configured.
    pub(crate) fn open(policy: &Policy) -> Option<Self> {
        policy.feedback()?;
        let rate_key = format!("llm-gauge.feedback.rate.{}", policy.fingerprint());
        shared_data::create(&rate_key, &Rate::default().encode());
        Some(Self { rate_key, own_rate: Cell::default(), random: RefCell::default() })
    }

    /// Counts one feedback.
    ///
    /// # Errors
    ///
    /// Returns the seconds until the next feedback is accepted, if this one exceeds the rate.
    pub(super) fn take(&self, per_minute: u64) -> Result<(), u64> {
        let now_ns = perform::now_ns();
        let after = |bytes: &[u8]| Rate::decode(bytes).take(per_minute, now_ns).map(|rate| rate.encode());
        if shared_data::update(&self.rate_key, after)? {
            return Ok(());
        }
        // If nothing is shared, or other workers were faster each time, each worker has a bound of its own.
        self.own_rate.get().take(per_minute, now_ns).map(|after| self.own_rate.set(after))
    }

    /// Returns the random bytes for one feedback.
    pub(super) fn random(&self) -> [u8; 24] {
        self.random.borrow_mut().next()
    }
}
