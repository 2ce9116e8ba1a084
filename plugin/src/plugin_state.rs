//! The state of one configuration in one VM, which its root context and its streams share.

use std::cell::RefCell;
use std::rc::Rc;

use llm_gauge_engine::callouts::CalloutMark;
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::effects::Effects;
use llm_gauge_engine::series::Series;

use crate::build_info::BuildInfo;
use crate::callout_mark;
use crate::callouts::Callouts;
use crate::feedback::endpoint::FeedbackEndpoint;
use crate::held_requests::HeldRequests;
use crate::perform::{self, Stats};
use crate::random::Random;
use crate::series::SharedRegistry;
use crate::stream_rewrite::RedirectedRequest;
use crate::timer::SharedTimer;

/// The state that the root context and the streams share.
pub(crate) struct PluginState {
    pub(crate) policy: Rc<Policy>,
    pub(crate) series: RefCell<Series>,
    pub(crate) stats: RefCell<Stats>,
    pub(crate) build_info: BuildInfo,
    pub(crate) random: RefCell<Random>,
    pub(crate) held_requests: HeldRequests,
    /// `Some` if a judge or telemetry is configured.
    pub(crate) callouts: Option<Callouts>,
    /// `Some` if feedback is configured.
    pub(crate) feedback: Option<FeedbackEndpoint>,
    /// The edited request that the proxy is about to redirect itself. `None` if there is none.
    pub(crate) redirected: RefCell<Option<RedirectedRequest>>,
    /// The mark of the filter's own calls.
    pub(crate) mark: Rc<CalloutMark>,
}

impl PluginState {
    pub(crate) fn new(policy: Rc<Policy>) -> Self {
        let labels = policy.labels().iter().map(|label| label.name.as_str());
        let registry = SharedRegistry::begin(labels.chain(["model"]));
        let stats = RefCell::new(Stats::default());
        let timer = Rc::new(SharedTimer::default());
        let mark = Rc::new(callout_mark::open(&policy));
        Self {
            series: RefCell::new(Series::with_registry(&policy, Box::new(registry))),
            build_info: BuildInfo::begin(&policy, &stats),
            stats,
            random: RefCell::default(),
            held_requests: HeldRequests::new(&timer),
            callouts: Callouts::new(&policy, &timer, &mark),
            feedback: FeedbackEndpoint::open(&policy),
            redirected: RefCell::default(),
            mark,
            policy,
        }
    }

    /// Performs effects in the context of the stream that caused them.
    pub(crate) fn perform(&self, effects: Effects) {
        let Effects { stats, filter_state, jobs } = effects;
        perform::update_stats(&self.stats, stats);
        filter_state.iter().for_each(perform::set_filter_state);
        match &self.callouts {
            Some(callouts) => callouts.submit(jobs, &self.stats),
            None => jobs.iter().for_each(|job| perform::update_stat(&self.stats, job.lost_update())),
        }
    }
}
