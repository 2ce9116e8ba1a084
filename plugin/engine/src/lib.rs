//! Meters one LLM exchange: bytes and times in, a record and effects out.
pub mod config;
pub mod effect;
pub mod ending;
pub mod exchange;
pub mod formats;
pub mod head;
pub mod ids;
pub mod limits;
pub mod metrics;
pub mod outputs;
pub mod pattern;
pub mod policy;
pub mod reading;
pub mod record;
pub mod request;
pub mod scan;
pub mod series;
pub mod usage;

#[cfg(test)]
mod testing;
