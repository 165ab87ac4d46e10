//! What the repository holds, as a value.
//!
//! In: what `loom-apply` saw. Out: for every path that matters the file's content by hash, and the
//! hashes of the parts that loom owns in it.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;

use crate::addr::{ContentHash, RepoPath};
use crate::block::{Damage, Found};
use crate::provider::Mode;

/// A content: its hash, which of a whole file leaves loom's header out, and its mode.
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
    /// The keys that this address declares.
    Keys(String),
}

impl Part {
    /// What of a content counts for this part: a mode is the file's, so that no part of one has it.
    pub fn counts(&self, content: Content) -> Content {
        match self {
            Self::Whole => content,
            Self::Block(_) | Self::Keys(_) => Content {
                mode: Mode::Plain,
                ..content
            },
        }
    }
}

/// What stands at a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Observed {
    /// Nothing.
    #[default]
    Absent,
    /// A regular file.
    File(Content),
    /// Something that loom does not touch; the sentence says what: `a symbolic link`.
    Foreign(String),
    /// A block whose markers make no pair; the clause says why, with the lines.
    Damaged(String),
}

/// How many bytes a file may have that loom writes, compares or reads: a larger one is refused unread.
pub const MAX_FILE: u64 = 64 << 20;

/// How the sentence of [`Observed::Foreign`] begins where something is there that loom could not look into,
/// so that nobody knows what it holds.
pub const UNREADABLE: [&str; 2] = [
    "a file that cannot be read",
    "a directory that cannot be opened",
];

/// A path to look at, and the blocks to look for in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The path.
    pub path: RepoPath,
    /// The addresses of the blocks; empty where the whole file is what counts.
    pub blocks: Vec<String>,
    /// The addresses of those that own or delegate keys of it; where there are any the text is kept.
    pub keys: Vec<String>,
}

/// What was seen at one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The whole file.
    pub whole: Observed,
    /// The hash of all its bytes, loom's header among them, where it is a file.
    pub bytes: Option<ContentHash>,
    /// The blocks that were wanted, by address: the hash of what is between their markers.
    pub blocks: BTreeMap<String, Found<ContentHash>>,
    /// The text, and what was read in it, where keys of the file are owned or delegated.
    pub text: Option<Box<Text>>,
}

/// A text whose keys count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// The whole file without the versions that are delegated, where some are.
    pub undelegated: Option<Content>,
    /// The keys that were wanted, by address: what [`crate::plan::owned::observe`] reads from the text.
    pub keys: BTreeMap<String, Observed>,
}

/// All that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(pub BTreeMap<RepoPath, Seen>);

impl Snapshot {
    /// Whether all that is wanted was looked at.
    pub fn answers(&self, want: &Want) -> bool {
        let seen = self.0.get(&want.path);
        seen.is_some_and(|seen| {
            let is_read = want.keys.is_empty() || seen.is_text_known();
            is_read
                && want
                    .blocks
                    .iter()
                    .all(|address| seen.blocks.contains_key(address))
        })
    }

    /// The whole file at a path; absent where nobody looked.
    pub fn whole(&self, path: &RepoPath) -> &Observed {
        self.0
            .get(path)
            .map_or(&Observed::Absent, |seen| &seen.whole)
    }

    /// The file at a path to the byte: what a change of it expects to find.
    pub fn to_the_byte(&self, path: &RepoPath) -> Option<Content> {
        let seen = self.0.get(path)?;
        match (&seen.whole, seen.bytes) {
            (Observed::File(content), Some(hash)) => Some(Content { hash, ..*content }),
            (_, _) => None,
        }
    }

    /// A part of the file at a path; absent where nobody looked.
    pub fn part(&self, path: &RepoPath, part: &Part) -> Observed {
        self.0
            .get(path)
            .map_or(Observed::Absent, |seen| seen.part(part))
    }

    /// What was seen, for one who asks by ascending path.
    pub fn walk(&self) -> Walk<'_> {
        Walk(self.0.iter().peekable())
    }
}

/// A walk through a snapshot from its first path to its last.
#[derive(Debug)]
pub struct Walk<'a>(Peekable<btree_map::Iter<'a, RepoPath, Seen>>);

impl<'a> Walk<'a> {
    /// What was seen at a path, which is none before the one that was last asked for.
    pub fn to(&mut self, path: &RepoPath) -> Option<&'a Seen> {
        while self.0.next_if(|(seen, _)| *seen < path).is_some() {}
        self.0
            .peek()
            .filter(|(seen, _)| *seen == path)
            .map(|(_, seen)| *seen)
    }
}

impl Seen {
    /// Nothing is there.
    pub const NOTHING: Self = Self {
        whole: Observed::Absent,
        bytes: None,
        blocks: BTreeMap::new(),
        text: None,
    };

    /// A part of the file. A block that is not there is absent, whatever else the file holds, and
    /// so are keys; a whole file is seen without the versions that are delegated.
    pub fn part(&self, part: &Part) -> Observed {
        let text = self.text.as_deref();
        match (part, &self.whole) {
            (_, Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_)) => {
                self.whole.clone()
            }
            (Part::Whole, Observed::File(_)) => text
                .and_then(|text| text.undelegated)
                .map_or_else(|| self.whole.clone(), Observed::File),
            (Part::Keys(address), Observed::File(_)) => text
                .and_then(|text| text.keys.get(address))
                .cloned()
                .unwrap_or(Observed::Absent),
            (Part::Block(address), Observed::File(content)) => match self.blocks.get(address) {
                None | Some(Found::Absent) => Observed::Absent,
                Some(Found::Pair(hash)) => Observed::File(part.counts(Content {
                    hash: *hash,
                    ..*content
                })),
                Some(Found::Damaged(damage)) => Observed::Damaged(damage.to_string()),
            },
        }
    }

    /// What is wrong with the markers of the blocks that were looked for.
    pub fn damages(&self) -> impl Iterator<Item = &Damage> {
        self.blocks.values().filter_map(|block| match block {
            Found::Damaged(damage) => Some(damage),
            Found::Absent | Found::Pair(_) => None,
        })
    }

    /// Whether a part was looked for.
    pub fn answers(&self, part: &Part) -> bool {
        match part {
            Part::Whole => true,
            Part::Block(address) => self.blocks.contains_key(address),
            Part::Keys(_) => self.is_text_known(),
        }
    }

    /// Whether the text was kept, where there is one.
    pub fn is_text_known(&self) -> bool {
        self.text.is_some() || !matches!(self.whole, Observed::File(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).expect("a path")
    }

    #[test]
    fn a_walk_finds_what_is_looked_up_and_several_parts_of_one_file() {
        let content = |text: &str| Content {
            hash: ContentHash::of(text.as_bytes()),
            mode: Mode::Plain,
        };
        let seen = |text: &str, blocks: &[(&str, Option<&str>)]| Seen {
            whole: Observed::File(content(text)),
            blocks: blocks
                .iter()
                .map(|(address, body)| {
                    let found = body.map_or(Found::Absent, |body| Found::Pair(content(body).hash));
                    ((*address).to_owned(), found)
                })
                .collect(),
            bytes: None,
            text: None,
        };
        let files = [
            ("a", seen("1", &[])),
            ("b", seen("2", &[("file.x", Some("x")), ("file.y", None)])),
            ("d", seen("4", &[])),
        ];
        let snapshot = Snapshot(
            files
                .into_iter()
                .map(|(name, seen)| (path(name), seen))
                .collect(),
        );
        let block = |address: &str| Part::Block(address.to_owned());
        let asked = [
            ("0", Part::Whole),
            ("b", block("file.x")),
            ("b", block("file.y")),
            ("b", block("file.z")),
            ("c", Part::Whole),
        ];
        let mut walk = snapshot.walk();
        let found: Vec<Option<(Observed, bool)>> = asked
            .iter()
            .map(|(name, part)| {
                walk.to(&path(name))
                    .map(|seen| (seen.part(part), seen.answers(part)))
            })
            .collect();
        let x = Observed::File(content("x"));
        assert_eq!(
            found,
            [
                None,
                Some((x, true)),
                Some((Observed::Absent, true)),
                Some((Observed::Absent, false)),
                None
            ]
        );
        for ((name, part), found) in asked.iter().zip(found) {
            assert_eq!(
                snapshot.part(&path(name), part),
                found.map_or(Observed::Absent, |(seen, _)| seen),
                "{name}"
            );
        }
        assert_eq!(
            walk.to(&path("d")).map(|seen| &seen.whole),
            Some(&Observed::File(content("4")))
        );
    }
}
