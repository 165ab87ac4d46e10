//! What a sparse checkout takes in, for paths that Git does not track yet.
//!
//! In: the patterns of `info/sparse-checkout`. Out: whether a path is among what is checked out. The
//! patterns of the cone mode mean the same when they are read as the general ones.
//!
//! Deliberately not here: tracked paths, whose own bit in the index counts.

use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::disk;

/// The patterns.
#[derive(Debug)]
pub(super) struct Sparse(Gitignore);

impl Sparse {
    /// The patterns in Git's directory of a worktree; none where there is no file, and then
    /// everything is checked out.
    pub(super) fn read(git: &Path) -> Option<Self> {
        let bytes = disk::read_path(&git.join("info/sparse-checkout")).ok()?;
        Self::of(&String::from_utf8_lossy(&bytes))
    }

    fn of(text: &str) -> Option<Self> {
        let mut builder = GitignoreBuilder::new("");
        for line in text.lines() {
            // A line that is no pattern takes nothing in.
            drop(builder.add_line(None, line));
        }
        builder.build().ok().map(Self)
    }

    /// Whether a file at a path from the top would be checked out: what the last pattern says of it,
    /// or else of the nearest directory above it that any speaks of.
    pub(super) fn takes(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| end);
        let mut all: Vec<usize> = ends.chain([path.len()]).collect();
        all.reverse();
        let said =
            all.into_iter()
                .find_map(|end| match self.0.matched(&path[..end], end < path.len()) {
                    Match::None => None,
                    Match::Ignore(_) => Some(true),
                    Match::Whitelist(_) => Some(false),
                });
        said == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cone_and_its_parents_are_taken_in() {
        let sparse = Sparse::of("/*\n!/*/\n/.loom/\n/a/\n!/a/*/\n/a/b/\n").expect("patterns");
        for path in [
            "top",
            "a/file",
            "a/b/file",
            "a/b/deep/file",
            ".loom/ledger/x",
        ] {
            assert!(sparse.takes(path), "{path}");
        }
        for path in ["b/file", "a/c/file", "b/a/file", "ab/file"] {
            assert!(!sparse.takes(path), "{path}");
        }
    }

    #[test]
    fn patterns_without_a_cone_are_those_of_ignore_files() {
        let sparse = Sparse::of("*.md\n/src\n!/src/gen\n").expect("patterns");
        for path in ["docs/x.md", "src/a", "src/deep/a"] {
            assert!(sparse.takes(path), "{path}");
        }
        for path in ["docs/x", "src/gen/a", "other/src/a"] {
            assert!(!sparse.takes(path), "{path}");
        }
    }
}
