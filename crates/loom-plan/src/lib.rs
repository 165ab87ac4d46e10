//! The pure core of loom: from input texts, a snapshot of the repository and the ledger to a plan.

pub mod addr;
pub mod block;
pub mod credential;
pub mod diag;
pub mod diff;
pub mod drift;
pub mod graph;
pub mod header;
pub mod input;
pub mod intent;
pub mod ledger;
pub mod node;
pub mod plan;
pub mod project;
pub mod provider;
pub mod render;
pub mod shape;
pub mod snapshot;
pub mod stack;
pub mod story;
pub mod text;
