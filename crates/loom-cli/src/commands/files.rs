//! The files that are compared with what is declared: those on the disk, or those of a commit.
//!
//! In: paths. Out: bytes, the ledger, a snapshot, and the input that stands among them. Deliberately
//! not here: everything that writes.

use loom_apply::{GitError, LedgerError, Root};
use loom_plan::addr::RepoPath;
use loom_plan::input::{Input, ReadError};
use loom_plan::snapshot::{Snapshot, Want};

use crate::env::Commit;

/// What a repository holds, somewhere.
pub(crate) trait Files: Input {
    /// The bytes of a file.
    ///
    /// # Errors
    /// [`ReadError::Missing`], or why there are none.
    fn bytes(&self, path: &RepoPath) -> Result<Vec<u8>, ReadError>;

    /// The ledger's files, by code.
    ///
    /// # Errors
    /// [`LedgerError`] for one that cannot be read.
    fn ledger_files(&self) -> Result<Vec<(String, String)>, LedgerError>;

    /// Looks at every path of `wants`, which are sorted.
    ///
    /// # Errors
    /// [`GitError`], where Git has what counts, and it cannot be had.
    fn observe(&self, wants: &[Want]) -> Result<Snapshot, GitError>;

    /// Whether nobody knows the mode of a file: neither the disk says it, nor Git's index.
    fn has_no_mode(&self, path: &RepoPath) -> bool;
}

impl Files for Root {
    fn bytes(&self, path: &RepoPath) -> Result<Vec<u8>, ReadError> {
        self.read_bytes(path)
    }

    fn ledger_files(&self) -> Result<Vec<(String, String)>, LedgerError> {
        self.ledger()
    }

    fn observe(&self, wants: &[Want]) -> Result<Snapshot, GitError> {
        loom_apply::observe(self, wants)
    }

    fn has_no_mode(&self, path: &RepoPath) -> bool {
        loom_apply::git::has_no_mode(self, path)
    }
}

impl Files for Commit {
    fn bytes(&self, path: &RepoPath) -> Result<Vec<u8>, ReadError> {
        Self::bytes(self, path)
    }

    fn ledger_files(&self) -> Result<Vec<(String, String)>, LedgerError> {
        self.ledger()
    }

    fn observe(&self, wants: &[Want]) -> Result<Snapshot, GitError> {
        Ok(Self::observe(self, wants)?)
    }

    fn has_no_mode(&self, _: &RepoPath) -> bool {
        false
    }
}
