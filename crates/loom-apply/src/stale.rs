//! Guards: what a change expects to find, and what it found instead.

use std::fmt;

use loom_plan::addr::RepoPath;
use loom_plan::plan::Expect;
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Content, Observed};

/// A path at which something else stands than the plan saw. Exit code 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The path.
    pub path: RepoPath,
    /// What was expected.
    pub expected: Expect,
    /// What is there.
    pub found: Observed,
}

/// Whether what was found is what was expected.
pub(crate) fn meets(found: &Observed, expect: Expect) -> bool {
    match (found, expect) {
        (Observed::Absent, Expect::Absent) => true,
        (Observed::File(content), Expect::Exactly(expected)) => *content == expected,
        (Observed::File(_), Expect::Absent)
        | (Observed::Absent, Expect::Exactly(_))
        | (Observed::Foreign(_) | Observed::Damaged(_), _) => false,
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match (&self.found, self.expected) {
            (Observed::Foreign(what), _) => write!(f, "there is {what} at `{path}`"),
            (Observed::Damaged(why), _) => write!(f, "in `{path}`, {why}"),
            (Observed::File(_), Expect::Absent) => {
                write!(f, "there is a file at `{path}`, where there was none")
            }
            (Observed::Absent, Expect::Exactly(_)) => write!(f, "`{path}` is gone"),
            (Observed::File(Content { hash, mode }), Expect::Exactly(expected))
                if *hash == expected.hash =>
            {
                match mode {
                    Mode::Plain => write!(f, "`{path}` is no longer executable"),
                    Mode::Executable => write!(f, "`{path}` has become executable"),
                }
            }
            (Observed::File(_), Expect::Exactly(_)) => write!(f, "`{path}` was edited"),
            // Seen only while a commit fails: nothing can be made there.
            (Observed::Absent, Expect::Absent) => {
                write!(f, "the directory of `{path}` was removed")
            }
        }
    }
}

/// All of them, as the end of a sentence.
pub(crate) fn list(stale: &[Stale]) -> String {
    stale
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
