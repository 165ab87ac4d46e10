//! When a plan deletes so much that somebody must say so first.
//!
//! In: how many files a plan deletes, how many are managed, and what `--max-deletes` allows. Out: a
//! [`Brake`]. Deliberately not here: who is asked, and how.

use super::{Plan, Verb};

/// More deletions than this, if they are also more than half of what is managed, are many.
const MANY: usize = 20;

/// What stands between a plan and its deletions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brake {
    /// Nothing.
    Free,
    /// They are many, and nobody said how many may go.
    Many {
        /// How many files go.
        deletions: usize,
        /// Of how many that loom manages.
        managed: usize,
    },
    /// They are more than somebody said.
    Exceeded {
        /// How many files go.
        deletions: usize,
        /// How many may.
        most: usize,
    },
}

impl Plan {
    /// Whether its deletions are held back; `most` is what `--max-deletes` allows.
    pub fn brake(&self, most: Option<usize>) -> Brake {
        let deletions = self
            .actions
            .iter()
            .filter(|action| action.verb == Verb::Delete)
            .count();
        let managed = self.report.managed;
        match most {
            Some(most) if deletions > most => Brake::Exceeded { deletions, most },
            None if deletions > MANY && deletions * 2 > managed => {
                Brake::Many { deletions, managed }
            }
            Some(_) | None => Brake::Free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{ContentHash, RepoPath};
    use crate::plan::{Action, Expect, Report};

    fn plan(deletions: usize, managed: usize) -> Plan {
        let path = |index| RepoPath::new(&format!("f{index}")).expect("a path");
        let delete = |index| Action {
            path: path(index),
            verb: Verb::Delete,
            expect: Expect::Absent,
            parts: Vec::new(),
        };
        Plan {
            actions: (0..deletions).map(delete).collect(),
            digest: Some(ContentHash::of(b"")),
            exceptions: Vec::new(),
            skipped: Vec::new(),
            gone: Vec::new(),
            spends: std::collections::BTreeMap::new(),
            report: Report {
                managed,
                ..Report::default()
            },
        }
    }

    #[test]
    fn more_than_twenty_and_more_than_half_are_many() {
        assert_eq!(plan(20, 20).brake(None), Brake::Free);
        assert_eq!(plan(21, 42).brake(None), Brake::Free);
        assert_eq!(
            plan(21, 41).brake(None),
            Brake::Many {
                deletions: 21,
                managed: 41
            }
        );
    }

    #[test]
    fn what_somebody_allowed_counts_alone() {
        assert_eq!(plan(30, 30).brake(Some(30)), Brake::Free);
        assert_eq!(
            plan(2, 1000).brake(Some(1)),
            Brake::Exceeded {
                deletions: 2,
                most: 1
            }
        );
        assert_eq!(plan(0, 10).brake(Some(0)), Brake::Free);
    }
}
