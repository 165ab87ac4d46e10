//! The ledger after an apply.
//!
//! In: the plan that was approved and the ledger that was read. Out: the texts of the ledger's
//! files that change. Lines of outputs that were decided are written anew, with today's version and
//! origins; lines of what was not decided stay as they are; duplicates of a merge are healed.

use std::collections::{BTreeMap, BTreeSet};

use super::build::{Inputs, declared_on_drift, on_drift};
use super::decide::{Adopting, Claim, Decision, Recorded, Updating, recorded_after};
use super::known::Key;
use super::scope::Standing;
use super::{Plan, Verb, owned};
use crate::addr::{ContentHash, RepoPath};
use crate::intent::Declaration;
use crate::ledger::{Book, FOLDER, Ledger, Owned, PROJECT, Record};
use crate::project::OnDrift;
use crate::render::Output;
use crate::snapshot::Observed;

/// The ledger's files that change: the path, and the new text or `None` where the file goes.
pub fn record(inputs: Inputs<'_>, plan: &Plan) -> BTreeMap<RepoPath, Option<String>> {
    let after = ledger_after(inputs, plan);
    let codes: BTreeSet<&String> = inputs
        .ledger
        .books
        .keys()
        .chain(after.books.keys())
        .collect();
    let mut files = BTreeMap::new();
    for code in codes {
        let text = after
            .books
            .get(code)
            .filter(|book| !book.is_empty())
            .map(Book::write);
        if let Ok(path) = RepoPath::new(&format!("{FOLDER}/{code}.jsonl")) {
            files.insert(path, text);
        }
    }
    files
}

/// The outputs of a plan whose rendered text a later merge may begin from, and nobody else keeps:
/// where edits are to be merged, and where something else is left on the disk.
pub fn bases<'a>(inputs: Inputs<'a>, plan: &Plan) -> Vec<&'a Output> {
    let parts = plan
        .actions
        .iter()
        .flat_map(|action| action.parts.iter().map(move |part| (&action.path, part)));
    let is_base = |(path, part): (&RepoPath, &super::PartAction)| {
        let output = inputs.desired.find(path, &part.part)?;
        let declaration = inputs.desired.declaration(output);
        // the choice of this run alone says nothing of the next one
        let merges = [
            on_drift(inputs, declaration),
            declared_on_drift(inputs, declaration),
        ]
        .contains(&OnDrift::Merge);
        let is_left = part
            .after
            .is_some_and(|after| output.part.counts(after) != output.content)
            // what was taken over was written by nobody: no commit has it as it was rendered
            || matches!(part.decision, Decision::Adopt(_));
        (part.after.is_some() && (merges || is_left)).then_some(output)
    };
    parts.filter_map(is_base).collect()
}

/// The hashes that the ledger names once the plan was carried out.
pub fn named(inputs: Inputs<'_>, plan: &Plan) -> BTreeSet<ContentHash> {
    ledger_after(inputs, plan)
        .records()
        .map(|(_, record)| record.rendered.hash)
        .collect()
}

/// The ledger as it is once the plan was carried out.
fn ledger_after(inputs: Inputs<'_>, plan: &Plan) -> Ledger {
    let decisions: BTreeMap<Key, &super::PartAction> = plan
        .actions
        .iter()
        .flat_map(|action| {
            action
                .parts
                .iter()
                .map(move |part| ((action.path.clone(), part.part.clone()), part))
        })
        .collect();
    let dropped: BTreeSet<Key> = dropped(plan);
    let skipped: BTreeSet<Key> = plan
        .skipped
        .iter()
        .map(|conflict| (conflict.path.clone(), conflict.part.clone()))
        .collect();
    let mut after = Ledger::default();
    if !plan.spends.is_empty() {
        let project = after.books.entry(PROJECT.to_owned()).or_default();
        project.spent.extend(plan.spends.clone());
    }
    let mut decided: BTreeSet<Key> = BTreeSet::new();
    for output in &inputs.desired.outputs {
        let key = (output.place.path.clone(), output.part.clone());
        let free = matches!(
            inputs.request.standing_of(inputs, output),
            Standing::Free | Standing::Waiting(_)
        );
        if !free || skipped.contains(&key) {
            continue;
        }
        let declaration = inputs.desired.declaration(output);
        if let Some(record) = new_record(inputs, output, declaration, decisions.get(&key).copied())
        {
            write(&mut after, declaration, &record);
            decided.insert(key);
        }
    }
    for (code, old) in &inputs.ledger.books {
        let mut kept: Vec<&Record> = Vec::new();
        for record in &old.records {
            let key = (record.path.clone(), record.part.clone());
            if !decided.contains(&key) && !dropped.contains(&key) {
                kept.push(
                    inputs
                        .known
                        .get(&key.0, &key.1)
                        .map_or(record, |known| &known.record),
                );
            }
        }
        // what a merge left of one output stands together
        kept.dedup();
        if !old.spent.is_empty() {
            let book = after.books.entry(code.clone()).or_default();
            book.spent.extend(old.spent.clone());
        }
        if !kept.is_empty() {
            let book = after.books.entry(code.clone()).or_default();
            book.records.extend(kept.into_iter().cloned());
            book.inputs.extend(old.inputs.clone());
        }
    }
    after
}

/// Outputs whose record goes: deleted, forgotten, moved away, or gone already.
fn dropped(plan: &Plan) -> BTreeSet<Key> {
    let mut dropped: BTreeSet<Key> = plan
        .gone
        .iter()
        .map(|record| (record.path.clone(), record.part.clone()))
        .collect();
    for action in &plan.actions {
        if let Verb::Move { from } = &action.verb {
            dropped.insert((from.clone(), crate::snapshot::Part::Whole));
        }
        dropped.extend(action.parts.iter().filter_map(|part| part.was.clone()));
        for part in action
            .parts
            .iter()
            .filter(|part| matches!(part.decision, Decision::Delete | Decision::Forget(_)))
        {
            dropped.insert((action.path.clone(), part.part.clone()));
        }
    }
    dropped
}

fn new_record(
    inputs: Inputs<'_>,
    output: &Output,
    declaration: &Declaration,
    part: Option<&super::PartAction>,
) -> Option<Record> {
    let was = part
        .and_then(|part| part.was.as_ref())
        .and_then(|(path, part)| inputs.known.get(path, part));
    let known = inputs
        .known
        .get(&output.place.path, &output.part)
        .or(was)
        .map(|known| &known.record);
    let before = known.map(|record| Recorded {
        rendered: record.rendered,
        written: record.written,
        claim: Claim::Same,
    });
    let recorded = match part {
        None => before?,
        Some(part) if part.before.is_some() && part.after == part.before => {
            let observed = part.before.map_or(Observed::Absent, Observed::File);
            let carried = Recorded {
                rendered: output.content,
                written: part.before?,
                claim: Claim::Same,
            };
            let before = if part.decision == Decision::Adopt(Adopting::Renamed) {
                before?
            } else {
                carried
            };
            recorded_after(part.decision, Some(output.content), &observed, Some(before))?
        }
        Some(part) => Recorded {
            rendered: output.content,
            written: output.part.counts(part.after?),
            claim: Claim::Same,
        },
    };
    // keys that nobody wants any more stay known for as long as they are left where they are
    let is_joined = part.is_some_and(|part| part.decision == Decision::Update(Updating::Joined));
    let left = known
        .filter(|_| recorded.written != output.content && !is_joined)
        .map(|known| owned::unwanted(&known.keys, &output.keys));
    Some(Record {
        path: output.place.path.clone(),
        part: output.part.clone(),
        keys: output
            .keys
            .iter()
            .cloned()
            .chain(left.unwrap_or_default())
            .collect(),
        name: output.place.name.to_string(),
        address: declaration.address.clone(),
        own: Owned::As(declaration.own),
        retain: declaration.retain,
        rendered: recorded.rendered,
        written: recorded.written,
        // what a newer loom wrote stays known as its own
        version: known
            .map_or(0, |known| known.version)
            .max(declaration.provider.spec().version),
    })
}

/// Puts a record, and what was read for it, into the files of all stories that ask for it.
fn write(ledger: &mut Ledger, declaration: &Declaration, record: &Record) {
    let stories = declaration.stories();
    let standing = stories.is_empty()
        || declaration
            .origins
            .iter()
            .any(|origin| origin.task.is_none());
    for code in stories.into_iter().chain(standing.then_some(PROJECT)) {
        let book = ledger.books.entry(code.to_owned()).or_default();
        book.records.push(record.clone());
        for (pointer, read) in declaration
            .reads
            .iter()
            .filter(|(_, read)| read.value.is_some())
        {
            if !book.inputs.contains_key(pointer) {
                book.inputs.insert(pointer.clone(), read.hash());
            }
        }
    }
}
