//! The test suite.
mod cases;
mod common;
mod corpus;
mod faults;
mod splits;
