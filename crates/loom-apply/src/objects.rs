//! The object store: texts that loom rendered, kept as bases of later merges.
//!
//! In: texts, and the hashes that the ledger names. Out: a text by its hash. One file of the private
//! place, `objects`, holds them all, each behind a line with its hash and length: ten thousand small
//! texts are written as fast as one.
//!
//! Invariants: it may be deleted, cut off or garbled at any time, and never gives a text that is not
//! the one that was asked for (test `what_is_damaged_is_not_found`); what the ledger does not
//! name any more goes before it takes more room than the rest (test `what_nobody_names_goes`).
//!
//! Deliberately not here: which texts are worth keeping, and the texts that Git has.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::os::fd::AsFd as _;

use loom_plan::addr::ContentHash;

use crate::disk;
use crate::lock::Lock;
use crate::root::Root;
use crate::trouble::{During as _, Trouble};

/// The file in the private place.
const FILE: &str = "objects";
/// What is written before it takes the file's place.
const NEXT: &str = "objects.next";

/// The texts that are kept.
#[derive(Debug)]
pub struct Objects<'r> {
    root: &'r Root,
    bytes: Vec<u8>,
    /// Where each text stands.
    places: BTreeMap<ContentHash, Range<usize>>,
    /// Where the last whole record ends.
    end: usize,
}

impl<'r> Objects<'r> {
    /// Reads the store; one that is not there or cannot be read is empty.
    pub fn open(root: &'r Root) -> Self {
        let bytes = read(root).unwrap_or_default();
        let (mut places, mut at) = (BTreeMap::new(), 0);
        while let Some((hash, place)) = record(&bytes, at) {
            at = place.end + 1;
            places.insert(hash, place);
        }
        Self {
            root,
            bytes,
            places,
            end: at,
        }
    }

    /// The text of a hash, if `is_it`. The hash is that of what a text says, which for keys of a file
    /// is not that of its bytes: only who asks can tell.
    pub fn get(&self, hash: ContentHash, is_it: &dyn Fn(&str) -> bool) -> Option<&str> {
        self.text(hash).filter(|text| is_it(text))
    }

    fn text(&self, hash: ContentHash) -> Option<&str> {
        std::str::from_utf8(&self.bytes[self.places.get(&hash)?.clone()]).ok()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Adds texts, and lets go what the ledger will not name.
    ///
    /// # Errors
    /// What the system refused. The store is then as it was, or lacks some of the new texts.
    pub fn keep(
        &self,
        _lock: &Lock,
        texts: &[(ContentHash, String)],
        named: &BTreeSet<ContentHash>,
    ) -> Result<(), Trouble> {
        let doing = || {
            format!(
                "keep the rendered texts in `{}`",
                self.root.private().join(FILE).display()
            )
        };
        let mut added = Vec::new();
        for (hash, text) in texts
            .iter()
            .filter(|(hash, text)| self.text(*hash) != Some(text))
        {
            push(&mut added, *hash, text.as_bytes());
        }
        let live: usize = self
            .places
            .iter()
            .filter(|(hash, _)| named.contains(hash))
            .map(|(_, place)| place.len())
            .sum();
        let is_mostly_dead = self.bytes.len() > 2 * (live + self.places.len() * LINE);
        match (is_mostly_dead, added.is_empty()) {
            (true, _) => self.rewrite(named, added).during(doing),
            (false, false) => self.append(&added).during(doing),
            (false, true) => Ok(()),
        }
    }

    /// Writes behind the last whole record; what stood there is half a record at most.
    fn append(&self, added: &[u8]) -> io::Result<()> {
        let private = self.root.open_private()?;
        let file = self.root.disk.open_or_create(private.as_fd(), FILE)?;
        self.root
            .disk
            .overwrite(file.as_fd(), self.end as u64, added)
    }

    fn rewrite(&self, named: &BTreeSet<ContentHash>, added: Vec<u8>) -> io::Result<()> {
        let mut bytes = Vec::new();
        for (hash, place) in self.places.iter().filter(|(hash, _)| named.contains(hash)) {
            push(&mut bytes, *hash, &self.bytes[place.clone()]);
        }
        bytes.extend(added);
        let private = self.root.open_private()?;
        match self.root.disk.unlink(private.as_fd(), NEXT) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = self.root.disk.create(private.as_fd(), NEXT, 0o600)?;
        self.root.disk.write(file.as_fd(), &bytes)?;
        self.root
            .disk
            .replace((private.as_fd(), NEXT), (private.as_fd(), FILE))
    }
}

/// How long the line of a record is, about.
const LINE: usize = 72;

fn push(bytes: &mut Vec<u8>, hash: ContentHash, text: &[u8]) {
    bytes.extend(format!("{hash} {}\n", text.len()).into_bytes());
    bytes.extend_from_slice(text);
    bytes.push(b'\n');
}

/// The record at an offset: its hash, and the place of its text.
fn record(bytes: &[u8], at: usize) -> Option<(ContentHash, Range<usize>)> {
    let length = bytes
        .get(at..)?
        .iter()
        .take(2 * LINE)
        .position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(&bytes[at..at + length]).ok()?;
    let (hash, size) = line.split_once(' ')?;
    let start = at + length + 1;
    let end = start.checked_add(size.parse().ok()?)?;
    (bytes.get(end) == Some(&b'\n')).then_some((ContentHash::parse(hash).ok()?, start..end))
}

fn read(root: &Root) -> io::Result<Vec<u8>> {
    let Some(private) = root.find_private()? else {
        return Ok(Vec::new());
    };
    let file = disk::open_file(private.as_fd(), FILE)?;
    let mut bytes = Vec::new();
    disk::read_to_end(file.as_fd(), None, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test damages what was written")]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::tests::Scene;

    fn keep(root: &Root, texts: &[&str], named: &[&str]) {
        let texts: Vec<_> = texts
            .iter()
            .map(|text| (ContentHash::of(text.as_bytes()), (*text).to_owned()))
            .collect();
        let named = named
            .iter()
            .map(|text| ContentHash::of(text.as_bytes()))
            .collect();
        let lock = Lock::take(root, Duration::ZERO).expect("the lock is free");
        Objects::open(root)
            .keep(&lock, &texts, &named)
            .expect("it can be written");
    }

    fn has(root: &Root, text: &str) -> bool {
        let hash = ContentHash::of(text.as_bytes());
        Objects::open(root).get(hash, &|text| ContentHash::of(text.as_bytes()) == hash)
            == Some(text)
    }

    #[test]
    fn what_was_kept_is_found_after_later_runs_too() {
        let scene = Scene::new(&[("loom.yaml", "x")]);
        let root = Root::open(scene.path()).expect("it opens");
        assert!(Objects::open(&root).is_empty());
        keep(&root, &["one\n", ""], &["one\n", ""]);
        keep(
            &root,
            &["one\n", "two\nlines"],
            &["one\n", "", "two\nlines"],
        );
        assert!(has(&root, "one\n") && has(&root, "") && has(&root, "two\nlines"));
        let size = fs::metadata(root.private().join(FILE))
            .expect("it is there")
            .len();
        keep(&root, &["one\n"], &["one\n", "", "two\nlines"]);
        assert_eq!(
            fs::metadata(root.private().join(FILE))
                .expect("it is there")
                .len(),
            size,
            "nothing is kept twice"
        );
    }

    #[test]
    fn what_nobody_names_goes() {
        let scene = Scene::new(&[("loom.yaml", "x")]);
        let root = Root::open(scene.path()).expect("it opens");
        let large = "x".repeat(10_000);
        keep(&root, &[&large, "small"], &[&large, "small"]);
        keep(&root, &["new"], &["small", "new"]);
        assert!(!has(&root, &large) && has(&root, "small") && has(&root, "new"));
        assert!(
            fs::metadata(root.private().join(FILE))
                .expect("it is there")
                .len()
                < 1_000
        );
    }

    #[test]
    fn what_is_damaged_is_not_found() {
        let scene = Scene::new(&[("loom.yaml", "x")]);
        let root = Root::open(scene.path()).expect("it opens");
        keep(&root, &["one", "two", "three"], &["one", "two", "three"]);
        let path = root.private().join(FILE);
        let whole = fs::read(&path).expect("it is there");
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).expect("it can be written");
            keep(&root, &["four"], &["one", "two", "three", "four"]);
            assert!(has(&root, "four"), "cut to {length} bytes");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] = b'#';
            fs::write(&path, &bytes).expect("it can be written");
            let objects = Objects::open(&root);
            for text in ["one", "two", "three"] {
                let hash = ContentHash::of(text.as_bytes());
                let found = objects.get(hash, &|text| ContentHash::of(text.as_bytes()) == hash);
                assert!(found.is_none_or(|found| found == text), "byte {at}");
            }
        }
    }
}
