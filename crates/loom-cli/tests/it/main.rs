//! Journeys: what people do with loom, as real runs of the program in repositories of their own.
//!
//! In: the fixtures and small projects. Out: proofs about exit codes, words and trees. Needs Rust
//! and Git, and nothing else. Deliberately not here: what a kind writes (the fixtures and the tests
//! of `loom-providers`), the decision table and the transactions (tests beside their code).

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "tests set up repositories, run programs, and fail by panicking"
)]

mod absorb;
mod adopt;
mod against;
mod approval;
mod board;
mod canary;
mod check;
mod conflicts;
mod delegate;
mod delivery;
mod doctor;
mod drift;
mod explain;
mod formats;
mod gates;
mod handoff;
mod headers;
mod history;
mod hostile;
mod init;
mod job;
mod keys;
mod ledger;
mod lifecycle;
mod limits;
mod locks;
mod markers;
mod merge;
mod merges;
mod outside;
mod owned;
mod paths;
mod policies;
mod readme;
mod recover;
mod refactoring;
mod refusals;
mod resolve;
mod rubbish;
mod sandbox;
mod sarif;
mod scopes;
mod shown;
mod sight;
mod small;
mod to_branch;
mod validate;
mod ways;
