//! One record for each output, out of all that the ledger holds.
//!
//! In: the ledger and the snapshot. Out: for every (path, part) the record that counts. A merge of
//! branches may leave several lines for one output; the rule of choice takes nothing for loom's
//! own that might be an edit (`engine.md`, *The ledger among people*).

use std::collections::BTreeMap;

use crate::addr::RepoPath;
use crate::ledger::{Ledger, Record};
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

/// The records that count, by output.
#[derive(Clone, Debug, Default)]
pub struct Known(BTreeMap<Key, KnownRecord>);

impl Known {
    /// Chooses among the ledger's candidates.
    pub fn choose(ledger: &Ledger, snapshot: &Snapshot) -> Self {
        let mut candidates: BTreeMap<Key, Vec<(&str, &Record)>> = BTreeMap::new();
        for (code, record) in ledger.records() {
            candidates.entry((record.path.clone(), record.part.clone())).or_default().push((code, record));
        }
        let known = candidates.into_iter().map(|(key, candidates)| {
            let observed = snapshot.part(&key.0, &key.1);
            let mut books: Vec<String> = candidates.iter().map(|(code, _)| (*code).to_owned()).collect();
            books.dedup();
            let record = best(candidates.into_iter().map(|(_, record)| record), &observed);
            (key, KnownRecord { record: record.clone(), books })
        });
        Self(known.collect())
    }

    /// The record of an output.
    pub fn get(&self, path: &RepoPath, part: &Part) -> Option<&KnownRecord> {
        self.0.get(&(path.clone(), part.clone()))
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = (&Key, &KnownRecord)> {
        self.0.iter()
    }
}

/// Those whose `written` is on the disk, else all; an edit that was accepted before others; then
/// the least.
fn best<'a>(candidates: impl Iterator<Item = &'a Record>, observed: &Observed) -> &'a Record {
    let on_disk = |written: Content| *observed == Observed::File(written);
    let rank = |record: &&Record| (!on_disk(record.written), record.rendered == record.written, record.rendered, record.written);
    candidates.min_by_key(rank).expect("a group of candidates has at least one")
}

/// Adds to what is looked at everything that the ledger knows.
pub fn add_wants(ledger: &Ledger, wants: &mut BTreeMap<RepoPath, Want>) {
    for (_, record) in ledger.records() {
        let want = wants.entry(record.path.clone()).or_insert_with(|| Want { path: record.path.clone(), blocks: Vec::new() });
        if let Part::Block(address) = &record.part
            && !want.blocks.contains(address)
        {
            want.blocks.push(address.clone());
        }
    }
}
