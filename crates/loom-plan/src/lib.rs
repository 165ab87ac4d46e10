//! The pure core of loom: from input texts, a snapshot of the repository and the ledger to a plan.
//!
//! | verb | where | from → to |
//! |---|---|---|
//! | parse | [`node`], [`project`], [`stack`], [`story`] | texts → models and diagnostics |
//! | compile | [`intent`] | models and kinds → declarations |
//! | graph | [`graph`] | declarations → order, then artifacts with references resolved |
//! | render | [`render`] | artifacts → what is desired: hashes now, texts on demand |
//! | plan | [`plan`] | desired × snapshot × ledger → converged, ready or blocked |
//! | check | [`check`] | documents of known formats, and policies → findings |
//! | drift | [`drift`] | the same outcome, as a report |
//! | absorb | [`absorb`] | an edited file × the settings that were read → edits of the input |
//! | merge | [`merge`] | base × observed × desired → one text, or clashes |
//! | hand off | [`handoff`] | what was applied for a story → the section for its readers |
//! | record | [`plan::record`] | plan × ledger → the ledger's new texts |
//!
//! Observing, staging and committing are `loom-apply`'s. Nothing here reads a file, a clock, the
//! environment or the network; what may be read comes through [`input::Input`].

pub mod absorb;
pub mod addr;
pub mod adopt;
pub mod block;
pub mod check;
pub mod credential;
pub mod diag;
pub mod diff;
pub mod drift;
pub mod graph;
pub mod handoff;
pub mod header;
pub mod input;
pub mod intent;
pub mod keys;
pub mod ledger;
pub mod merge;
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
