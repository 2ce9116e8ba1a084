//! The test suite.
mod corpus;
mod envoy;
