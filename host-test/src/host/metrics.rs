//! Metrics, with Envoy's rules.

use super::{Host, Status};
use crate::proxy_state::MetricKind;

impl Host {
    /// Returns the value of a counter or a gauge by its full name.
    pub fn metric(&self, name: &str) -> Option<u64> {
        [MetricKind::Counter, MetricKind::Gauge].iter().find_map(|kind| {
            let proxy_state = self.proxy_state();
            let metric = proxy_state.metrics.get(&(name.to_owned(), *kind));
            metric.map(|metric| metric.value)
        })
    }

    /// Returns the samples of a histogram by its full name.
    pub fn samples(&self, name: &str) -> Option<Vec<u64>> {
        let proxy_state = self.proxy_state();
        let metric = proxy_state.metrics.get(&(name.to_owned(), MetricKind::Histogram));
        metric.map(|metric| metric.samples.clone())
    }

    /// Returns the names of all metrics, in order.
    pub fn metric_names(&self) -> Vec<String> {
        let proxy_state = self.proxy_state();
        proxy_state.metrics.keys().map(|(name, _)| name.clone()).collect()
    }

    /// Returns a new id, even for a name that has one: Envoy leaks memory in the same way.
    ///
    /// The kind is in the low bits of the id, so ids of one kind are four apart.
    pub(crate) fn define_metric(&mut self, kind: u32, name: Vec<u8>) -> Result<u32, Status> {
        let kind = usize::try_from(kind).map_err(|_| Status::BadArgument)?;
        let last = self.metric_ids.get_mut(kind).ok_or(Status::BadArgument)?;
        *last += 4;
        let id = *last;
        let name = String::from_utf8_lossy(&name).into_owned();
        self.proxy_state.lock().metric(kind_of(id)?, &name);
        self.metric_names.insert(id, name);
        self.define_metric_calls += 1;
        Ok(id)
    }

    pub(crate) fn increment_metric(&mut self, id: u32, offset: i64) -> Result<(), Status> {
        let kind = kind_of(id)?;
        let name = self.metric_names.get(&id).ok_or(Status::NotFound)?;
        let mut proxy_state = self.proxy_state.lock();
        let metric = proxy_state.metric(kind, name);
        match kind {
            MetricKind::Counter if offset > 0 => {
                metric.value = metric.value.wrapping_add(offset.unsigned_abs());
            }
            MetricKind::Gauge => metric.value = metric.value.wrapping_add_signed(offset),
            MetricKind::Counter | MetricKind::Histogram => return Err(Status::BadArgument),
        }
        Ok(())
    }

    pub(crate) fn record_metric(&mut self, id: u32, value: u64) -> Result<(), Status> {
        let kind = kind_of(id)?;
        let name = self.metric_names.get(&id).ok_or(Status::NotFound)?;
        let mut proxy_state = self.proxy_state.lock();
        let metric = proxy_state.metric(kind, name);
        match kind {
            MetricKind::Counter => metric.value = metric.value.wrapping_add(value),
            MetricKind::Gauge => metric.value = value,
            MetricKind::Histogram => metric.samples.push(value),
        }
        Ok(())
    }

    pub(crate) fn get_metric(&self, id: u32) -> Result<u64, Status> {
        let kind = kind_of(id)?;
        let name = self.metric_names.get(&id).ok_or(Status::NotFound)?;
        match kind {
            MetricKind::Counter | MetricKind::Gauge => Ok(self.proxy_state.lock().metric(kind, name).value),
            MetricKind::Histogram => Err(Status::BadArgument),
        }
    }
}

fn kind_of(id: u32) -> Result<MetricKind, Status> {
    match id & 3 {
        0 => Ok(MetricKind::Counter),
        1 => Ok(MetricKind::Gauge),
        2 => Ok(MetricKind::Histogram),
        _ => Err(Status::BadArgument),
    }
}
