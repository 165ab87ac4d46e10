//! One record for each output, out of all that the ledger holds.
//!
//! In: the ledger and the snapshot. Out: for every (path, part) the record that counts. A merge of
//! branches may leave several lines for one output; the rule of choice takes nothing for loom's
//! own that might be an edit (`engine.md`, *The ledger among people*).

use std::collections::BTreeSet;

use crate::addr::RepoPath;
use crate::ledger::{Ledger, Record};
use crate::render::Output;
use crate::snapshot::{Content, Observed, Part, Snapshot, Want};

/// What a record is about.
pub type Key = (RepoPath, Part);

/// The record that counts, and the ledger files that hold one for the same output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRecord {
    /// The record.
    pub record: Record,
    /// The codes of the files, sorted.
    pub books: Vec<String>,
}

/// The records that count, sorted by output.
#[derive(Clone, Debug, Default)]
pub struct Known(Vec<KnownRecord>);

impl Known {
    /// Chooses among the ledger's candidates.
    pub fn choose(ledger: &Ledger, snapshot: &Snapshot) -> Self {
        let mut candidates: Vec<(&str, &Record)> = ledger.records().collect();
        // each ledger file is sorted, so that this only merges them
        candidates.sort_by(|(_, one), (_, other)| one.key().cmp(&other.key()));
        let mut snapshot = snapshot.walk();
        let same_output =
            |(_, one): &(&str, &Record), (_, other): &(&str, &Record)| one.key() == other.key();
        let known = candidates.chunk_by(same_output).map(|candidates| {
            let (path, part) = candidates[0].1.key();
            let mut books: Vec<String> = candidates
                .iter()
                .map(|(code, _)| (*code).to_owned())
                .collect();
            books.dedup();
            let observed = snapshot
                .to(path)
                .map_or(Observed::Absent, |seen| seen.part(part));
            let record = best(candidates.iter().map(|(_, record)| *record), &observed);
            KnownRecord {
                record: record.clone(),
                books,
            }
        });
        Self(known.collect())
    }

    /// Puts another candidate in the place of the record that was chosen for its output.
    pub fn prefer(&mut self, record: Record) {
        let place = self
            .0
            .binary_search_by(|known| known.record.key().cmp(&record.key()));
        if let Ok(index) = place {
            self.0[index].record = record;
        }
    }

    /// The record of an output.
    pub fn get(&self, path: &RepoPath, part: &Part) -> Option<&KnownRecord> {
        let found = self
            .0
            .binary_search_by(|known| known.record.key().cmp(&(path, part)));
        found.ok().map(|index| &self.0[index])
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = &KnownRecord> + Clone {
        self.0.iter()
    }
}

/// Those whose `written` is on the disk, else all; an edit that was accepted before others; then
/// the least.
fn best<'a>(candidates: impl Iterator<Item = &'a Record>, observed: &Observed) -> &'a Record {
    candidates
        .min_by_key(|record| rank(record, observed))
        .expect("a group of candidates has at least one")
}

fn rank(record: &Record, observed: &Observed) -> (bool, bool, Content, Content) {
    (
        *observed != Observed::File(record.written),
        record.rendered == record.written,
        record.rendered,
        record.written,
    )
}

/// All records that the ledger holds of an output, as they are chosen: the best one first.
pub fn candidates<'a>(ledger: &'a Ledger, snapshot: &Snapshot, key: &Key) -> Vec<&'a Record> {
    let observed = snapshot.part(&key.0, &key.1);
    let records = ledger.records().map(|(_, record)| record);
    let mut found: Vec<&Record> = records
        .filter(|record| record.key() == (&key.0, &key.1))
        .collect();
    found.sort_by_key(|record| rank(record, &observed));
    found.dedup();
    found
}

/// What to look at on the disk: all that is desired and all that the ledger knows, sorted by path.
pub fn wants(desired: &[Output], ledger: &Ledger) -> Vec<Want> {
    let outputs = desired
        .iter()
        .map(|output| (&output.place.path, &output.part));
    let delegated: BTreeSet<(&RepoPath, &Part)> = desired
        .iter()
        .filter(|output| output.delegated.is_some())
        .map(|output| (&output.place.path, &output.part))
        .collect();
    let mut all: Vec<(&RepoPath, &Part)> = outputs
        .chain(ledger.records().map(|(_, record)| record.key()))
        .collect();
    // both are sorted, so that this only merges them
    all.sort();
    all.dedup();
    let block = |(_, part): &(&RepoPath, &Part)| match part {
        Part::Whole | Part::Keys(_) => None,
        Part::Block(address) => Some(address.clone()),
    };
    let keys = |key: &(&RepoPath, &Part)| match key.1 {
        Part::Keys(address) => Some(address.clone()),
        // the text is looked at
        Part::Whole if delegated.contains(key) => Some(String::new()),
        Part::Whole | Part::Block(_) => None,
    };
    let same_path = |one: &(&RepoPath, &Part), other: &(&RepoPath, &Part)| one.0 == other.0;
    let want = |parts: &[(&RepoPath, &Part)]| Want {
        path: parts[0].0.clone(),
        blocks: parts.iter().filter_map(block).collect(),
        keys: parts.iter().filter_map(keys).collect(),
    };
    all.chunk_by(same_path).map(want).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{Address, ContentHash};
    use crate::diag::Diagnostics;
    use crate::ledger::{Book, Owned};
    use crate::project::Own;
    use crate::provider::Mode;
    use crate::snapshot::Seen;

    fn record(path: &str, part: Part, rendered: &str) -> Record {
        let content = Content {
            hash: ContentHash::of(rendered.as_bytes()),
            mode: Mode::Plain,
        };
        Record {
            path: RepoPath::new(path).expect("a path"),
            part,
            name: "file".to_owned(),
            address: Address::parse("file.x").expect("an address"),
            own: Owned::As(Own::File),
            retain: false,
            keys: Vec::new(),
            rendered: content,
            written: content,
            version: 1,
        }
    }

    fn ledger(books: &[(&str, Vec<Record>)]) -> Ledger {
        let text = |records: &Vec<Record>| {
            Book {
                records: records.clone(),
                ..Book::default()
            }
            .write()
        };
        let files: Vec<_> = books
            .iter()
            .map(|(code, records)| ((*code).to_owned(), text(records)))
            .collect();
        Ledger::read(&files, &mut Diagnostics::default())
    }

    fn block(address: &str) -> Part {
        Part::Block(address.to_owned())
    }

    #[test]
    fn of_one_output_in_several_books_the_record_that_is_on_the_disk_counts() {
        let (ours, theirs) = (
            record("b", Part::Whole, "ours"),
            record("b", Part::Whole, "theirs"),
        );
        let ledger = ledger(&[
            ("A-1", vec![record("c", Part::Whole, "c"), ours]),
            ("B-1", vec![theirs.clone()]),
        ]);
        let seen = Seen {
            whole: Observed::File(theirs.written),
            ..Seen::default()
        };
        let known = Known::choose(&ledger, &Snapshot([(theirs.path.clone(), seen)].into()));
        let paths: Vec<&str> = known
            .records()
            .map(|known| known.record.path.as_str())
            .collect();
        assert_eq!(paths, ["b", "c"]);
        let found = known.get(&theirs.path, &Part::Whole).expect("it is known");
        assert_eq!(
            (&found.record, found.books.as_slice()),
            (&theirs, ["A-1".to_owned(), "B-1".to_owned()].as_slice())
        );
        assert_eq!(known.get(&theirs.path, &block("file.x")), None);
    }

    #[test]
    fn a_path_is_wanted_once_with_all_its_blocks_and_answered_only_when_each_was_looked_for() {
        let ledger = ledger(&[
            (
                "A-1",
                vec![
                    record("a", block("file.y"), "y"),
                    record("a", block("file.x"), "x"),
                    record("b", Part::Whole, "b"),
                ],
            ),
            ("B-1", vec![record("a", block("file.x"), "x")]),
        ]);
        let wants = wants(&[], &ledger);
        let said: Vec<(&str, &[String])> = wants
            .iter()
            .map(|want| (want.path.as_str(), want.blocks.as_slice()))
            .collect();
        assert_eq!(
            said,
            [
                ("a", ["file.x".to_owned(), "file.y".to_owned()].as_slice()),
                ("b", &[])
            ]
        );
        let seen = |blocks: &[&str]| {
            let blocks = blocks
                .iter()
                .map(|address| ((*address).to_owned(), crate::block::Found::Absent))
                .collect();
            Snapshot(
                [(
                    wants[0].path.clone(),
                    Seen {
                        blocks,
                        ..Seen::default()
                    },
                )]
                .into(),
            )
        };
        assert!(!seen(&["file.x"]).answers(&wants[0]));
        assert!(seen(&["file.x", "file.y"]).answers(&wants[0]));
        assert!(!seen(&[]).answers(&wants[1]));
    }
}
