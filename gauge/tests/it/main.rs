//! The operator's command and the library behind it, run as an operator runs them.

// The dependencies of the command.
mod dependencies;

// The commands that need no server.
mod cli;
// Recorded exchanges, scored by a judge.
mod evaluate;
// The weekly review of a database.
mod review;
// The collector, and the stores that it forwards to.
mod collect;
// A real Envoy before the collector.
mod joined;
