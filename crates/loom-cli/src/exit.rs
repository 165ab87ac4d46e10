//! Exit codes.
//!
//! In: what a command came to. Out: the number that the shell sees. The numbers and their order
//! are promised to scripts; they never change.

use std::process::{ExitCode, Termination};

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// An error in the input or the environment.
    Error = 1,
    /// There are changes (`plan --detailed-exitcode`), or drift.
    Changes = 2,
    /// The plan is stale, also when a guard failed during apply and all was put back.
    Stale = 3,
    /// Conflicts need a person.
    Conflicts = 4,
    /// A rule of the checklist, or a policy, denies.
    Denied = 5,
    /// Another loom holds the lock.
    Locked = 6,
    /// Apply failed for another reason, or was interrupted, and everything was put back.
    RolledBack = 7,
    /// Interrupted, or a rollback is unfinished.
    Unfinished = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        self.into()
    }
}
