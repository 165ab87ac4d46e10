//! Git's index: which paths are tracked, and which of them Git keeps away from the disk or from
//! itself.
//!
//! In: Git's directory. Out: an [`Entry`] for a path seen from the top of the worktree.
//!
//! The file is decoded by `gix-index`; where it holds whole directories in one entry (a sparse
//! index), or objects that are named by SHA-256, the program `git` tells what is in it.
//!
//! Deliberately not here: the contents of what is named (`super`), and anything that writes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use gix_index::entry::{Flags, Mode as Bits, Stage};
use gix_index::{File, State, decode, hash};

use super::program;
use crate::disk::{self, Kind};

/// How long Git may take to list its index.
const LISTING: Duration = Duration::from_mins(2);

/// What is tracked.
#[derive(Debug)]
pub(super) enum Index {
    /// As it was decoded.
    Decoded(Box<State>, Any),
    /// As Git told it, by path from the top.
    Told(BTreeMap<String, Entry>),
}

/// Whether any entry is one that Git keeps away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Any {
    None,
    Some,
}

/// An entry of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The object, in hexadecimal.
    pub(super) id: String,
    pub(super) what: What,
    pub(super) kept: Option<Kept>,
}

/// What is tracked at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Plain,
    Executable,
    Link,
    Submodule,
}

/// The bits by which Git looks away from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// `skip-worktree`.
    Skipped,
    /// `assume-unchanged`.
    Assumed,
}

impl Index {
    /// The index in Git's directory of a worktree.
    ///
    /// # Errors
    /// Why it cannot be read, for people.
    pub(super) fn read(git: &Path, top: &Path, names: Names) -> Result<Self, String> {
        let file = git.join("index");
        if !matches!(disk::kind_at(&file), Ok(Kind::File)) {
            return Ok(Self::Told(BTreeMap::new()));
        }
        match names {
            Names::Sha1 => {
                match File::at(&file, hash::Kind::Sha1, true, decode::Options::default()) {
                    Ok(read) if !read.is_sparse() => {
                        let (state, _) = read.into_parts();
                        let is_kept = state
                            .entries()
                            .iter()
                            .any(|entry| kept(entry.flags).is_some());
                        let bits = if is_kept { Any::Some } else { Any::None };
                        Ok(Self::Decoded(Box::new(state), bits))
                    }
                    Ok(_) | Err(_) => Self::told(top),
                }
            }
            Names::Other => Self::told(top),
        }
    }

    fn told(top: &Path) -> Result<Self, String> {
        let arguments = [
            "-c",
            "advice.sparseIndexExpanded=false",
            "ls-files",
            "-s",
            "-v",
            "-z",
        ];
        let told = program::ask(top, &arguments, Vec::new(), LISTING)
            .map_err(|why| format!("Git's index cannot be read: {why}"))?;
        let told = told
            .split(|byte| *byte == 0)
            .filter_map(|line| line_of(std::str::from_utf8(line).ok()?));
        Ok(Self::Told(told.collect()))
    }

    /// What is tracked at a path from the top.
    pub(super) fn entry(&self, path: &str) -> Option<Entry> {
        match self {
            Self::Decoded(state, _) => {
                let entry = state
                    .entry_by_path_and_stage(path.into(), Stage::Unconflicted)
                    .or_else(|| state.entry_by_path(path.into()))?;
                entry_of(entry)
            }
            Self::Told(entries) => entries.get(path).cloned(),
        }
    }

    /// Whether a path from the top is tracked.
    pub(super) fn has(&self, path: &str) -> bool {
        match self {
            Self::Decoded(state, _) => state.entry_by_path(path.into()).is_some(),
            Self::Told(entries) => entries.contains_key(path),
        }
    }

    /// Whether Git keeps any path away.
    pub(super) fn keeps_any(&self) -> bool {
        match self {
            Self::Decoded(_, bits) => *bits == Any::Some,
            Self::Told(entries) => entries.values().any(|entry| entry.kept.is_some()),
        }
    }

    /// Every tracked path below a directory from the top (`""`, or ending in `/`), with what it is.
    pub(super) fn below<'a>(
        &'a self,
        directory: &'a str,
    ) -> Box<dyn Iterator<Item = (&'a str, Entry)> + 'a> {
        match self {
            Self::Decoded(state, _) => Box::new(state.entries().iter().filter_map(move |entry| {
                let path = std::str::from_utf8(entry.path(state)).ok()?;
                Some((path.strip_prefix(directory)?, entry_of(entry)?))
            })),
            Self::Told(entries) => Box::new(entries.iter().filter_map(move |(path, entry)| {
                Some((path.strip_prefix(directory)?, entry.clone()))
            })),
        }
    }

    /// The tracked paths below a directory from the top, and nothing else of them.
    pub(super) fn paths<'a>(
        &'a self,
        directory: &'a str,
    ) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        match self {
            Self::Decoded(state, _) => Box::new(state.entries().iter().filter_map(move |entry| {
                std::str::from_utf8(entry.path(state))
                    .ok()?
                    .strip_prefix(directory)
            })),
            Self::Told(entries) => Box::new(
                entries
                    .keys()
                    .filter_map(move |path| path.strip_prefix(directory)),
            ),
        }
    }
}

/// How a repository names its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Sha1,
    Other,
}

fn entry_of(entry: &gix_index::Entry) -> Option<Entry> {
    let what = match entry.mode {
        Bits::FILE => What::Plain,
        Bits::FILE_EXECUTABLE => What::Executable,
        Bits::SYMLINK => What::Link,
        Bits::COMMIT => What::Submodule,
        _ => return None,
    };
    Some(Entry {
        id: entry.id.to_string(),
        what,
        kept: kept(entry.flags),
    })
}

fn kept(flags: Flags) -> Option<Kept> {
    if flags.contains(Flags::SKIP_WORKTREE) {
        Some(Kept::Skipped)
    } else if flags.contains(Flags::ASSUME_VALID) {
        Some(Kept::Assumed)
    } else {
        None
    }
}

/// A line of `git ls-files -s -v -z`: `S 100644 ID 0`, a tab, the path.
fn line_of(line: &str) -> Option<(String, Entry)> {
    let (said, path) = line.split_once('\t')?;
    let mut said = said.split(' ');
    let (tag, mode, id) = (said.next()?, said.next()?, said.next()?);
    let what = match mode {
        "100644" => What::Plain,
        "100755" => What::Executable,
        "120000" => What::Link,
        "160000" => What::Submodule,
        _ => return None,
    };
    let kept = match tag {
        "S" | "s" => Some(Kept::Skipped),
        tag if tag.starts_with(|c: char| c.is_ascii_lowercase()) => Some(Kept::Assumed),
        _ => None,
    };
    Some((
        path.to_owned(),
        Entry {
            id: id.to_owned(),
            what,
            kept,
        },
    ))
}
