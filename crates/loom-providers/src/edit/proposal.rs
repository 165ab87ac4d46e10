//! What a person may do where an edit is refused: the file as it could be, and what belongs where.
//!
//! In: what [`super::edit`] takes. Out: a [`Proposal`], which is shown as a patch and never written.
//! What is safe is done as ever. Beyond that an obstacle on the way is passed by, one value on one
//! line gives way to the mapping or list that is wanted there, and a comment may go with its key: a
//! person sees each of these in the patch, and decides.
//!
//! Invariants: a change that was worked out leaves all other data as it was, as any edit does; what
//! was not is a [`Snippet`], so that nothing is left out (test
//! `what_a_proposal_works_out_is_what_was_wanted`); what is extracted says at its paths what the text
//! said there (test `what_is_extracted_says_the_same_there`).

use std::collections::BTreeMap;

use indexmap::IndexMap;
use loom_plan::keys::{Change, Data, Entry, Form, KeyPath, Manual, Proposal, Snippet, Step};

use super::{
    Document, Dress, Editor, Splice, apply, emptied, line_end, line_number, line_start, reach,
    with_leaf, without,
};

/// As [`loom_plan::keys::Format::propose`].
pub(super) fn propose<E: Editor>(text: &str, change: Change<'_>) -> Proposal {
    let (dress, bare) = Dress::off(text);
    let (wanted, unwanted) = (
        change.wanted.map(|text| Dress::off(text).1),
        change.unwanted,
    );
    let Ok(before) = Document::read::<E>(bare.clone()) else {
        let snippets = wanted.map(|text| Snippet {
            line: last_line(&bare),
            change: Manual::Add,
            text,
        });
        return Proposal {
            text: text.to_owned(),
            snippets: snippets.into_iter().collect(),
        };
    };
    let (mut file, mut snippets) = (before.clone(), Vec::new());
    let wanted = wanted.and_then(|text| Document::read::<E>(text).ok());
    if let Some(wanted) = &wanted {
        let mut open: BTreeMap<usize, Vec<KeyPath>> = BTreeMap::new();
        let leaves = wanted.data.leaves().into_iter();
        for path in leaves.filter(|path| !change.stays.contains(path)) {
            match set::<E>(&file, wanted, &path) {
                Ok(after) => file = after,
                Err(_) => open.entry(line_of(&before, &path)).or_default().push(path),
            }
        }
        let added = |(line, paths): (usize, Vec<KeyPath>)| Snippet {
            line,
            change: Manual::Add,
            text: only::<E>(wanted, &paths),
        };
        snippets.extend(open.into_iter().map(added));
    }
    let kept = wanted
        .map(|wanted| wanted.data.leaves())
        .unwrap_or_default();
    let is_taken = |path: &&KeyPath| {
        before.data.get(path).is_some() && !kept.iter().any(|leaf| leaf.begins_with(path))
    };
    for path in unwanted.iter().filter(is_taken) {
        match take::<E>(&file, path) {
            Ok(after) => file = after,
            Err(_) => snippets.extend(taken(&before, path)),
        }
    }
    Proposal {
        text: dress.on(&file.text),
        snippets,
    }
}

/// As [`loom_plan::keys::Format::extract`].
pub(super) fn extract<E: Editor>(text: &str, paths: &[KeyPath]) -> String {
    let bare = Dress::off(text).1;
    let Ok(document) = Document::read::<E>(bare.clone()) else {
        return bare;
    };
    let leads = |path: &KeyPath| paths.iter().any(|wanted| wanted.begins_with(path));
    // the outermost thing that holds none of them, once
    let outermost = |leaf: &KeyPath| {
        (1..=leaf.steps().len())
            .map(|length| leaf.first(length))
            .find(|path| !leads(path))
    };
    let others = document
        .data
        .leaves()
        .into_iter()
        .filter(|leaf| !paths.iter().any(|path| leaf.begins_with(path)));
    let cuts: std::collections::BTreeSet<KeyPath> =
        others.filter_map(|leaf| outermost(&leaf)).collect();
    let cut = |document: Document, path: &KeyPath| take::<E>(&document, path).unwrap_or(document);
    // what an alias needs goes once the alias has gone
    let once = |document: Document| cuts.iter().rev().fold(document, cut);
    once(once(document)).text
}

/// The file with one leaf as it is wanted, by the safest way there is.
fn set<E: Editor>(file: &Document, wanted: &Document, path: &KeyPath) -> Result<Document, String> {
    with_leaf::<E>(file.clone(), wanted, path)
        .or_else(|_| with_leaf::<E>(freed(file), wanted, path))
        .or_else(|_| replaced::<E>(file, wanted, path))
}

/// The file with the value that stands in the way written anew: a single value, or an alias.
fn replaced<E: Editor>(
    file: &Document,
    wanted: &Document,
    path: &KeyPath,
) -> Result<Document, String> {
    let refuse = || format!("`{path}` has no place");
    let free = freed(file);
    let there = reach(&free.data, path)?;
    let is_obstructed = |length: &usize| {
        file.data
            .get(&path.first(*length))
            .is_some_and(|data| data.obstacle.is_some())
    };
    let end = (1..=there).find(is_obstructed).unwrap_or(there);
    let (at, added) = (
        path.first(end),
        path.first((there + 1).min(path.steps().len())),
    );
    let (old, value) = (
        free.data.get(&at).ok_or_else(refuse)?,
        wanted.data.get(&added).ok_or_else(refuse)?,
    );
    let raw = file.text.get(old.span.clone()).unwrap_or_default();
    if end == 0 || raw.trim().is_empty() || raw.contains('\n') {
        return Err(refuse());
    }
    let new = match (&old.form, added.steps().get(there)) {
        _ if end < there => old.with(&added.steps()[end..], value),
        (_, None) => value.clone(),
        (Form::Map(_), Some(step @ Step::Key(_)))
        | (Form::List(_), Some(step @ (Step::Entry { .. } | Step::Item(_)))) => {
            old.with(std::slice::from_ref(step), value)
        }
        (Form::Scalar(_) | Form::List(_), Some(Step::Key(key))) => Data::new(
            0..0,
            Form::Map(IndexMap::from([(
                key.clone(),
                Entry {
                    key: 0..0,
                    data: value.clone(),
                },
            )])),
        ),
        (Form::Scalar(_) | Form::Map(_), Some(Step::Entry { .. } | Step::Item(_))) => {
            Data::new(0..0, Form::List(vec![value.clone()]))
        }
    };
    let expected = free.data.with(at.steps(), &new);
    let after = apply::<E>(
        &free,
        vec![Splice::new(old.span.clone(), E::inline(&placeless(&new)))],
        &expected,
        path,
    )?;
    if after.data.get(path) == wanted.data.get(path) {
        Ok(after)
    } else {
        Err(refuse())
    }
}

/// The file without one leaf, by the safest way there is.
fn take<E: Editor>(file: &Document, path: &KeyPath) -> Result<Document, String> {
    without::<E>(file.clone(), path).or_else(|_| {
        let file = freed(file);
        reach(&file.data, path)?;
        let Some(path) = emptied(&file.data, path) else {
            return Ok(file);
        };
        let expected = file.data.without(path.steps());
        apply::<E>(&file, E::take(&file, &path)?, &expected, &path)
    })
}

/// The file with every obstacle passed by.
fn freed(file: &Document) -> Document {
    Document {
        data: each(&file.data, &|data| data.obstacle = None),
        ..file.clone()
    }
}

/// A value that stands nowhere, so that nothing of it is copied from a text.
fn placeless(data: &Data) -> Data {
    each(data, &|data| data.span = 0..0)
}

fn each(data: &Data, change: &dyn Fn(&mut Data)) -> Data {
    let mut data = data.clone();
    change(&mut data);
    match &mut data.form {
        Form::Scalar(_) => {}
        Form::List(items) => items.iter_mut().for_each(|item| *item = each(item, change)),
        Form::Map(entries) => entries
            .values_mut()
            .for_each(|entry| entry.data = each(&entry.data, change)),
    }
    data
}

/// The line behind which a leaf belongs: that of the innermost thing on its way that stands
/// somewhere, else the last one.
fn line_of(file: &Document, path: &KeyPath) -> usize {
    let on_the_way = (1..=path.steps().len())
        .rev()
        .filter_map(|length| file.data.get(&path.first(length)));
    let found = on_the_way
        .map(|data| data.span.clone())
        .find(|span| !span.is_empty());
    found.map_or_else(
        || last_line(&file.text),
        |span| line_number(&file.text, span.start),
    )
}

fn last_line(text: &str) -> usize {
    text.lines().count().max(1)
}

/// The wanted document with some of its leaves alone, as it is written there.
fn only<E: Editor>(wanted: &Document, paths: &[KeyPath]) -> String {
    let others = wanted
        .data
        .leaves()
        .into_iter()
        .filter(|leaf| !paths.contains(leaf));
    others
        .fold(wanted.clone(), |document, leaf| {
            take::<E>(&document, &leaf).unwrap_or(document)
        })
        .text
}

/// What goes, as the lines on which it stands.
fn taken(file: &Document, path: &KeyPath) -> Option<Snippet> {
    let path = emptied(&file.data, path)?;
    let span = file.data.get(&path)?.span.clone();
    let text =
        file.text[line_start(&file.text, span.start)..line_end(&file.text, span.end)].to_owned();
    Some(Snippet {
        line: line_number(&file.text, span.start),
        change: Manual::Take,
        text: format!("{text}\n"),
    })
}
