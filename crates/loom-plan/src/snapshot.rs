//! What the repository holds, as a value.
//!
//! In: what `loom-apply` saw. Out: for every path that matters the file's content by hash, and the
//! hashes of the parts that loom owns in it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::addr::{ContentHash, RepoPath};
use crate::provider::Mode;

/// A content: its hash without loom's header, and its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Content {
    /// [`crate::header::content_hash`] of a whole file, the plain hash of a part.
    pub hash: ContentHash,
    /// Whether it may be run.
    pub mode: Mode,
}

/// Which part of a file an output is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Part {
    /// All of it.
    Whole,
    /// The block between the markers that name this address.
    Block(String),
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// Nothing.
    Absent,
    /// A regular file.
    File(Content),
    /// Something that loom does not touch; the sentence says what: `a symbolic link`.
    Foreign(String),
}

/// How the sentence of [`Observed::Foreign`] begins where something is there that loom could not look into,
/// so that nobody knows what it holds.
pub const UNREADABLE: [&str; 2] = ["a file that cannot be read", "a directory that cannot be opened"];

/// A path to look at, and the blocks to look for in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The path.
    pub path: RepoPath,
    /// The addresses of the blocks; empty where the whole file is what counts.
    pub blocks: Vec<String>,
}

/// What was seen at one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The whole file.
    pub whole: Observed,
    /// The blocks that were wanted, by address; `None` where the file has none such.
    pub blocks: BTreeMap<String, Option<ContentHash>>,
}

/// All that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(pub BTreeMap<RepoPath, Seen>);

impl Snapshot {
    /// Whether all that is wanted was looked at.
    pub fn answers(&self, want: &Want) -> bool {
        let seen = self.0.get(&want.path);
        seen.is_some_and(|seen| want.blocks.iter().all(|address| seen.blocks.contains_key(address)))
    }

    /// The whole file at a path; absent where nobody looked.
    pub fn whole(&self, path: &RepoPath) -> &Observed {
        self.0.get(path).map_or(&Observed::Absent, |seen| &seen.whole)
    }

    /// A part of the file at a path. A block that is not there is absent, whatever else the file holds.
    pub fn part(&self, path: &RepoPath, part: &Part) -> Observed {
        let whole = self.whole(path);
        match (part, whole) {
            (Part::Whole, whole) => whole.clone(),
            (Part::Block(_), Observed::Absent | Observed::Foreign(_)) => whole.clone(),
            (Part::Block(address), Observed::File(content)) => {
                let block = self.0.get(path).and_then(|seen| seen.blocks.get(address)).copied().flatten();
                block.map_or(Observed::Absent, |hash| Observed::File(Content { hash, mode: content.mode }))
            }
        }
    }
}
