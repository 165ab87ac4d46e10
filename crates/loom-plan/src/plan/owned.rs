//! Owned keys in the plan: what of them is there, and whether they can be written.
//!
//! In: the texts of the files that share their keys, what is desired and what is recorded. Out:
//! for each artifact what it would find of its keys, and the conflicts where they cannot be edited.
//!
//! The keys that count are those that are desired and those that the ledger knows, taken together:
//! a file holds what is desired only if it holds no key that loom wrote and wants no more. Whether
//! somebody edited the file is a question about those that the ledger knows, and about no others: each
//! key that is new is a matter of its own ([`Keywise`]).

use std::collections::{BTreeMap, BTreeSet};

use super::build::{Decided, Inputs};
use super::decide::{Conflict, Decision, Fresh, Recorded, Updating};
use super::{Action, ByHand, PartAction};
use crate::addr::{ContentHash, RepoPath};
use crate::diff::TextDiff;
use crate::header;
use crate::keys::delegate::{Left, without_versions, without_versions_in};
use crate::keys::{self, Change, Data, Formats, KeyPath, Manual, Proposal, Snippet};
use crate::ledger::{Ledger, Record};
use crate::render::Output;
use crate::snapshot::{Content, Observed, Part, Snapshot};

/// Reads what is there of the keys that are desired and of those that the ledger knows.
pub fn observe(snapshot: &mut Snapshot, outputs: &[Output], ledger: &Ledger, formats: Formats) {
    let mut owned: BTreeMap<&RepoPath, BTreeMap<&str, BTreeSet<&KeyPath>>> = BTreeMap::new();
    let left: BTreeMap<(&RepoPath, &Part), &Left> = outputs
        .iter()
        .filter_map(|output| Some(((&output.place.path, &output.part), output.left()?)))
        .collect();
    let desired = outputs
        .iter()
        .map(|output| (&output.place.path, &output.part, &output.keys));
    let recorded = ledger
        .records()
        .map(|(_, record)| (&record.path, &record.part, &record.keys));
    for (path, part, keys) in desired.chain(recorded) {
        if let Part::Keys(address) = part {
            owned
                .entry(path)
                .or_default()
                .entry(address)
                .or_default()
                .extend(keys);
        }
    }
    for (path, by_address) in owned {
        let Some(seen) = snapshot.0.get_mut(path) else {
            continue;
        };
        let Some(seen) = &mut seen.text else { continue };
        let read =
            keys::format_of(formats, path).map(|format| (format.name(), format.read(&seen.text)));
        for (address, paths) in by_address {
            let found = match &read {
                None => Observed::Foreign("a file of an unknown format".to_owned()),
                Some((name, Err(why))) => {
                    Observed::Foreign(format!("a file that loom cannot read as {name} ({why})"))
                }
                Some((_, Ok(data))) => {
                    let left = left.get(&(path, &Part::Keys(address.to_owned()))).copied();
                    keys::content(&without_versions_in(data, left), paths)
                        .map_or(Observed::Absent, Observed::File)
                }
            };
            seen.keys.insert(address.to_owned(), found);
        }
    }
    for output in outputs
        .iter()
        .filter(|output| output.delegated.is_some() && output.part == Part::Whole)
    {
        let (Some(seen), Some(left)) = (snapshot.0.get_mut(&output.place.path), output.left())
        else {
            continue;
        };
        if let (Observed::File(content), Some(seen), Some(format)) = (
            &seen.whole,
            &mut seen.text,
            keys::versions_of(formats, &output.place.path),
        ) {
            let bare =
                String::from_utf8_lossy(&header::strip(seen.text.as_bytes(), &output.place.path))
                    .into_owned();
            let hash = ContentHash::of(without_versions(format, &bare, left).as_bytes());
            seen.undelegated = Some(Content {
                hash,
                mode: content.mode,
            });
        }
    }
}

/// What is there of an output that goes on from a record, as it counts there: of keys in the same
/// file those that are desired too, in another one those alone that loom wrote there.
pub(super) fn seen_of(inputs: Inputs<'_>, output: &Output, record: &Record) -> Observed {
    let there = inputs.snapshot.part(&record.path, &record.part);
    let text = inputs
        .snapshot
        .0
        .get(&record.path)
        .and_then(|seen| seen.text.as_deref());
    let format = keys::format_of(inputs.desired.formats, &record.path);
    let (Part::Keys(_), Some(text), Some(format)) = (&record.part, text, format) else {
        return there;
    };
    let Ok(data) = format.read(&text.text) else {
        return there;
    };
    let desired = output
        .keys
        .iter()
        .filter(|_| record.path == output.place.path);
    let paths: BTreeSet<&KeyPath> = record.keys.iter().chain(desired).collect();
    keys::content(&without_versions_in(&data, output.left()), paths)
        .map_or(Observed::Absent, Observed::File)
}

/// What a file holds of an output's keys, each looked at by itself: those that the ledger knows, and
/// those that are new.
#[derive(Clone, Debug)]
pub(super) struct Keywise {
    /// What is there of the new ones.
    pub(super) fresh: Fresh,
    /// The new ones that are there with other values.
    pub(super) others: Vec<KeyPath>,
    /// What is there of those that the ledger knows.
    recorded: Option<Content>,
    /// What is there of all of them.
    all: Option<Content>,
}

impl Keywise {
    /// Of what is no matter of single keys.
    pub(super) const NONE: Self = Self {
        fresh: Fresh::Agrees,
        others: Vec::new(),
        recorded: None,
        all: None,
    };

    /// A record as it would be if it knew of the new keys: where loom's own are as it left them,
    /// nobody edited the file, whatever else is in it now.
    pub(super) fn counted(&self, recorded: Recorded) -> Recorded {
        match self.all {
            Some(all) if self.recorded == Some(recorded.written) => Recorded {
                rendered: if recorded.rendered == recorded.written {
                    all
                } else {
                    recorded.rendered
                },
                written: all,
                ..recorded
            },
            Some(_) | None => recorded,
        }
    }

    /// The keys that a decision leaves as they are, whatever loom would write there.
    pub(super) fn stays(&self, decision: Decision, recorded: &[KeyPath]) -> Vec<KeyPath> {
        match decision {
            Decision::Update(Updating::Joined | Updating::Merged)
            | Decision::Conflict(Conflict::Merge | Conflict::Base) => self.others.clone(),
            Decision::Update(Updating::Completed) => {
                self.others.iter().chain(recorded).cloned().collect()
            }
            Decision::Nothing
            | Decision::Create(_)
            | Decision::Update(Updating::Changed | Updating::Restored)
            | Decision::Delete
            | Decision::Adopt(_)
            | Decision::Keep
            | Decision::Forget(_)
            | Decision::Conflict(_) => Vec::new(),
        }
    }
}

/// The data of the file at a path and of what is wanted there, without what is delegated.
fn both(inputs: Inputs<'_>, output: &Output, path: &RepoPath) -> Option<(Data, Data)> {
    let format = keys::format_of(inputs.desired.formats, path)?;
    let there = inputs.snapshot.0.get(path)?.text.as_deref()?;
    let wanted = inputs.desired.text(output).ok()?;
    let read = |text: &str| Some(without_versions_in(&format.read(text).ok()?, output.left()));
    Some((read(&there.text)?, read(&wanted)?))
}

/// Looks at each key of an output by itself, where they are not all as they are wanted.
pub(super) fn keywise(
    inputs: Inputs<'_>,
    output: &Output,
    record: Option<&Record>,
    here: &Observed,
) -> Keywise {
    let is_asked = matches!(output.part, Part::Keys(_))
        && matches!(here, Observed::File(found) if *found != output.content);
    let path = record.map_or(&output.place.path, |record| &record.path);
    let Some((there, wanted)) = is_asked.then(|| both(inputs, output, path)).flatten() else {
        return Keywise::NONE;
    };
    let recorded: BTreeSet<&KeyPath> = record.iter().flat_map(|record| &record.keys).collect();
    let (mut others, mut lacks) = (Vec::new(), false);
    for key in output.keys.iter().filter(|key| !recorded.contains(key)) {
        match there.get(key) {
            None => lacks = true,
            found if found == wanted.get(key) => {}
            Some(_) => others.push(key.clone()),
        }
    }
    Keywise {
        fresh: match (others.is_empty(), lacks) {
            (false, _) => Fresh::Differs,
            (true, true) => Fresh::Lacks,
            (true, false) => Fresh::Agrees,
        },
        others,
        recorded: keys::content(&there, recorded.iter().copied()),
        all: keys::content(&there, recorded.into_iter().chain(&output.keys)),
    }
}

/// The content of an output's keys once loom has written them but for those that stay; `None` where
/// nothing would be left.
pub(super) fn joined(
    inputs: Inputs<'_>,
    output: &Output,
    (record, stays): (Option<&Record>, &[KeyPath]),
) -> Option<Content> {
    let path = record.map_or(&output.place.path, |record| &record.path);
    let (there, wanted) = both(inputs, output, path)?;
    let stays: BTreeSet<&KeyPath> = stays.iter().collect();
    let keys: BTreeSet<&KeyPath> = record
        .iter()
        .flat_map(|record| &record.keys)
        .chain(&output.keys)
        .collect();
    keys::content_of(keys, |key| {
        if stays.contains(key) {
            there.get(key)
        } else {
            wanted.get(key)
        }
    })
}

/// What a person is told of keys that are there with other values: the key, and what it is.
pub(super) fn taken(inputs: Inputs<'_>, output: &Output, others: &[KeyPath]) -> Vec<String> {
    let Some((there, _)) = both(inputs, output, &output.place.path) else {
        return Vec::new();
    };
    others
        .iter()
        .filter_map(|key| {
            Some(format!(
                "`{key}` is {}",
                short(&there.get(key)?.canonical())
            ))
        })
        .collect()
}

/// A value on part of a line.
fn short(value: &str) -> String {
    const MOST: usize = 60;
    match value.char_indices().nth(MOST) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", &value[..end]),
    }
}

/// The keys that the ledger knows and nobody wants any more: those that go.
pub fn unwanted(recorded: &[KeyPath], wanted: &[KeyPath]) -> Vec<KeyPath> {
    let wanted: BTreeSet<&KeyPath> = wanted.iter().collect();
    recorded
        .iter()
        .filter(|path| !wanted.contains(path))
        .cloned()
        .collect()
}

/// The keys of a record that nobody owns any more: those that no output at its path took over.
pub(super) fn abandoned(inputs: Inputs<'_>, record: &Record) -> Vec<KeyPath> {
    let owned: Vec<&Output> = inputs.desired.at(&record.path).collect();
    let is_taken = |key: &KeyPath| {
        owned
            .iter()
            .any(|output| keys::overlap(std::slice::from_ref(key), &output.keys).is_some())
    };
    record
        .keys
        .iter()
        .filter(|key| !is_taken(key))
        .cloned()
        .collect()
}

/// Tries every edit of keys, in the order in which apply makes them. One that cannot be made
/// becomes a conflict. Gives the paths of which nothing would be left.
pub(super) fn try_edits(inputs: Inputs<'_>, decided: &mut [Decided]) -> BTreeSet<RepoPath> {
    let mut shared: BTreeMap<RepoPath, Vec<usize>> = BTreeMap::new();
    for (at, it) in decided
        .iter()
        .enumerate()
        .filter(|(_, it)| it.conflict.is_none())
    {
        shared.entry(it.path.clone()).or_default().push(at);
    }
    shared.retain(|_, parts| {
        parts
            .iter()
            .any(|at| matches!(decided[*at].part.part, Part::Keys(_)) && writes(&decided[*at]))
    });
    let mut emptied = BTreeSet::new();
    for (path, parts) in shared {
        let before = inputs
            .snapshot
            .0
            .get(&path)
            .and_then(|seen| seen.text.as_deref())
            .map(|seen| seen.text.clone());
        let mut text = before.clone();
        for at in parts {
            match inputs
                .desired
                .with_part(text.clone(), &path, &decided[at].part)
            {
                Ok((after, splices)) => {
                    text = after;
                    decided[at].part.bytes = keys::hash_of(&splices);
                }
                Err(found) => {
                    let why = found
                        .into_iter()
                        .map(|found| found.message)
                        .collect::<Vec<_>>()
                        .join("; ");
                    let by_hand = by_hand(inputs, &path, &decided[at].part, text.as_deref());
                    decided[at].refused = Some((why, by_hand));
                    decided[at].conflict = Some(Conflict::Unsafe);
                    decided[at].part.after = decided[at].part.before;
                }
            }
        }
        if before.is_some() && text.is_none() {
            emptied.insert(path);
        }
    }
    emptied
}

/// Says of a file with delegated versions all that is in it, before and after: the contents say
/// nothing of versions, and those that stand in the file are written with it.
pub(super) fn count_versions(inputs: Inputs<'_>, action: &mut Action) {
    let is_delegated = |part: &PartAction| part.part == Part::Whole && part.left_to.is_some();
    if !action.verb.writes() || !action.parts.iter().any(is_delegated) {
        return;
    }
    let seen = inputs.snapshot.0.get(action.old_path());
    let before = seen
        .and_then(|seen| seen.text.as_deref())
        .map(|seen| seen.text.clone().into_bytes());
    let after = inputs
        .desired
        .file_after(action, before.as_deref())
        .ok()
        .flatten();
    let hash = |bytes: Option<Vec<u8>>, path| bytes.map(|it| header::content_hash(&it, path));
    let sides = [hash(before, action.old_path()), hash(after, &action.path)];
    let text = sides.map(|side| side.map_or_else(String::new, |hash| hash.to_string()));
    for part in action.parts.iter_mut().filter(|part| is_delegated(part)) {
        part.bytes = Some(ContentHash::of(text.join(" ").as_bytes()));
    }
}

fn writes(decided: &Decided) -> bool {
    match decided.part.decision {
        Decision::Create(_) | Decision::Update(_) | Decision::Delete => true,
        Decision::Nothing
        | Decision::Adopt(_)
        | Decision::Keep
        | Decision::Forget(_)
        | Decision::Conflict(_) => false,
    }
}

/// Whether a change by hand does it: with it made, the file can be read, and loom finds what it wants
/// there, or can do what is left.
fn leads_somewhere(
    format: &dyn keys::Format,
    (before, proposal): (&str, &Proposal),
    change: Change<'_>,
    keys: &[KeyPath],
) -> bool {
    let made = if proposal.snippets.is_empty() {
        proposal.text.clone()
    } else {
        with_snippets(before, &proposal.snippets)
    };
    let Ok(Some(after)) = format.edit(&made, change).map(|edited| edited.text) else {
        return false;
    };
    let says = |text: &str, paths: &[KeyPath]| {
        let data = format.read(text).ok()?;
        Some(keys::content(&data, paths))
    };
    let removes = change.unwanted;
    let set: Vec<KeyPath> = keys
        .iter()
        .filter(|key| !change.stays.contains(key))
        .cloned()
        .collect();
    let leaves_more = proposal.snippets.is_empty() && after != made;
    !leaves_more
        && says(&after, removes) == Some(None)
        && change
            .wanted
            .is_none_or(|wanted| says(&after, &set) == says(wanted, &set))
}

/// A text with the snippets at their lines, as a person puts them in or takes them out.
fn with_snippets(text: &str, snippets: &[Snippet]) -> String {
    let mut lines: Vec<Option<&str>> = text.split_inclusive('\n').map(Some).collect();
    let mut added: BTreeMap<usize, String> = BTreeMap::new();
    for snippet in snippets {
        let newline = if snippet.text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        match snippet.change {
            Manual::Add => {
                let place = added.entry(snippet.line.min(lines.len())).or_default();
                place.push_str(&snippet.text);
                place.push_str(newline);
            }
            Manual::Take => {
                let first = snippet.line.saturating_sub(1);
                let count = snippet.text.lines().count();
                for line in lines.iter_mut().skip(first).take(count) {
                    *line = None;
                }
            }
        }
    }
    let mut result = added.remove(&0).unwrap_or_default();
    for (at, line) in lines.iter().enumerate() {
        if let Some(line) = line {
            result += line;
            if !line.ends_with('\n') && added.contains_key(&(at + 1)) {
                result.push('\n');
            }
        }
        result += &added.remove(&(at + 1)).unwrap_or_default();
    }
    result
}

/// What a person changes in a file whose keys loom does not edit: what the plan for this part would
/// have changed in what is there, with the parts of the file that go before, which is `beside`.
pub(super) fn by_hand(
    inputs: Inputs<'_>,
    path: &RepoPath,
    part: &PartAction,
    beside: Option<&str>,
) -> Option<ByHand> {
    let format = keys::format_of(inputs.desired.formats, path)
        .filter(|_| matches!(part.part, Part::Keys(_)))?;
    let there = inputs.snapshot.0.get(path)?.text.as_deref()?.text.as_str();
    let beside = beside.unwrap_or(there);
    let wanted = inputs.desired.wanted(path, part, Some(beside)).ok()??;
    let change = Change {
        wanted: wanted.text.as_deref(),
        stays: &part.stays,
        unwanted: &wanted.removes,
    };
    let proposal = format.propose(beside, change);
    let keys = inputs
        .desired
        .find(path, &part.part)
        .map_or(&[][..], |output| output.keys.as_slice());
    if !leads_somewhere(format, (beside, &proposal), change, keys) {
        return None;
    }
    let Proposal { text, snippets } = proposal;
    let hunks = if text == beside {
        String::new()
    } else {
        TextDiff::new(there, &text).unified()
    };
    let unified = if hunks.is_empty() {
        hunks
    } else {
        format!("--- a/{path}\n+++ b/{path}\n{hunks}")
    };
    (!unified.is_empty() || !snippets.is_empty()).then_some(ByHand {
        patch: unified,
        snippets,
    })
}
