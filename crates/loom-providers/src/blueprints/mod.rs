//! One file or folder per blueprint kind.

pub(crate) mod alert;
pub(crate) mod container;
pub(crate) mod delivery;
pub(crate) mod docs;
pub(crate) mod infrastructure;
pub(crate) mod pipeline;
pub(crate) mod workload;

#[cfg(test)]
mod runtime_tests;
#[cfg(test)]
pub(crate) mod testing;
