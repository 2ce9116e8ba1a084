//! The test suite.
mod corpus;
