//! What a run may read: the only door from the pure core to texts.
//!
//! In: paths and globs. Out: texts. `loom-apply` implements [`Input`] for the disk, tests use
//! [`Memory`]. Both match globs by [`Globs`], so that a pattern means the same everywhere.
//!
//! Invariants: the same repository gives the same answers; globs come back sorted and unique.

use std::collections::BTreeMap;
use std::sync::Arc;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::addr::RepoPath;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::node::{self, Node};
use crate::text::{Sources, Span};

/// What may be read.
pub trait Input: Sync {
    /// The text of a file.
    ///
    /// # Errors
    /// [`ReadError`] says why there is none.
    fn read(&self, path: &RepoPath) -> Result<Arc<str>, ReadError>;

    /// The files that match any of the patterns, sorted, each once. See [`Globs`].
    fn glob(&self, patterns: &[String]) -> Vec<RepoPath>;

    /// What [`Input::glob`] does not look into, because it is no regular file: whatever has a name
    /// that matches, and links in whose place a directory would be looked through. Each with what it
    /// is: `a symbolic link`.
    fn passed_over(&self, patterns: &[String]) -> Vec<(RepoPath, String)> {
        let _ = patterns;
        Vec::new()
    }
}

/// Why a file gives no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("the file does not exist")]
    Missing,
    /// Its bytes are not UTF-8.
    #[error("the file is not UTF-8 text")]
    NotUtf8,
    /// It has this many bytes, more than [`crate::node::MAX_BYTES`].
    #[error("the file has {0} bytes, and loom reads at most {max}", max = crate::node::MAX_BYTES)]
    TooLarge(u64),
    /// The system's own words.
    #[error("the file cannot be read: {0}")]
    Other(String),
}

/// Patterns over paths seen from the root: `*` stays within one part, `**` crosses parts,
/// `{a,b}` is either. A leading `./` means nothing.
#[derive(Clone, Debug)]
pub struct Globs(GlobSet);

impl Globs {
    /// Patterns that are no globs match nothing; [`Globs::check`] says why.
    pub fn new(patterns: &[String]) -> Self {
        let mut set = GlobSetBuilder::new();
        for glob in patterns.iter().filter_map(|pattern| glob(pattern).ok()) {
            set.add(glob);
        }
        Self(set.build().unwrap_or_default())
    }

    /// Whether a text is a pattern.
    ///
    /// # Errors
    /// The reason, for people.
    pub fn check(pattern: &str) -> Result<(), String> {
        glob(pattern)
            .map(drop)
            .map_err(|error| error.kind().to_string())
    }

    /// Whether one of the patterns matches.
    pub fn matches(&self, path: &RepoPath) -> bool {
        self.0.is_match(path.as_str())
    }
}

fn glob(pattern: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(pattern.strip_prefix("./").unwrap_or(pattern))
        .literal_separator(true)
        .build()
}

/// Reads and parses a file of one document. What cannot be read is a finding, and no node.
pub(crate) fn load(
    input: &dyn Input,
    path: &RepoPath,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Node> {
    parsed(input.read(path), path, sources, out)
}

/// As [`load`], for what was read already.
pub(crate) fn parsed(
    read: Result<Arc<str>, ReadError>,
    path: &RepoPath,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Node> {
    match read {
        Ok(text) => {
            let id = sources.add(path.as_str(), text);
            node::parse_one(sources, id, out)
        }
        Err(error) => {
            let id = sources.add(path.as_str(), "");
            out.push(unreadable(&error, path).at(Span::start_of(id), ""));
            None
        }
    }
}

fn unreadable(error: &ReadError, path: &RepoPath) -> Diagnostic {
    let (code, help) = match error {
        ReadError::Missing => (
            Code::FileMissing,
            "write the file, or take out what names it",
        ),
        ReadError::NotUtf8 => (
            Code::NotUtf8,
            "save it as UTF-8: `iconv -t UTF-8` converts it",
        ),
        ReadError::TooLarge(_) => (Code::TooLarge, "split it"),
        ReadError::Other(_) => (Code::FileMissing, "see that it is a file that you may read"),
    };
    Diagnostic::new(code, format!("`{path}`: {error}")).help(help)
}

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub BTreeMap<RepoPath, Arc<str>>);

impl Input for Memory {
    fn read(&self, path: &RepoPath) -> Result<Arc<str>, ReadError> {
        self.0.get(path).cloned().ok_or(ReadError::Missing)
    }

    fn glob(&self, patterns: &[String]) -> Vec<RepoPath> {
        let globs = Globs::new(patterns);
        self.0
            .keys()
            .filter(|path| globs.matches(path))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stays_within_a_part_unless_it_says_otherwise() {
        let matching = |pattern: &str| {
            let files = [
                "a.yaml",
                "stories/a.yaml",
                "stories/x/b.yml",
                "stories/c.json",
                "stories/d.txt",
            ];
            let path = |text: &&str| (RepoPath::new(text).expect("a path"), Arc::from(""));
            let found = Memory(files.iter().map(path).collect()).glob(&[pattern.to_owned()]);
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(matching("stories/*.yaml"), ["stories/a.yaml"]);
        assert_eq!(
            matching("./stories/**/*.{yaml,yml,json}"),
            ["stories/a.yaml", "stories/c.json", "stories/x/b.yml"]
        );
        assert_eq!(matching("*.yaml"), ["a.yaml"]);
        assert!(matching("stories/[").is_empty());
        assert!(Globs::check("stories/[").is_err());
    }
}
