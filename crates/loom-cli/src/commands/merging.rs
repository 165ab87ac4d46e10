//! Edits are merged: the base of each is looked for, and three texts become one or a conflict.
//!
//! In: what planning found to be merged. Out: [`Merges`] to plan with. The base comes from where it
//! is cheapest: what loom renders today, the object store, Git's history.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::files::Files;
use super::losses;
use super::pass::{self, Compiled, REGISTRY, Seen};
use super::{Desk, Failure};
use crate::env::Commits;
use loom_apply::Objects;
use loom_plan::diag::Diagnostic;
use loom_plan::header;
use loom_plan::merge::{Clash, Sides};
use loom_plan::plan::known::{self, Key};
use loom_plan::plan::merging::{
    self, History as _, Merges, Purpose, Stand, ToMerge, Wanted, combine,
};
use loom_plan::render::Output;
use loom_plan::snapshot::Part;

/// Merges all of them.
///
/// # Errors
/// Where the history cannot be read, or what a provider said. A base that is not found is a clash.
pub(crate) fn merge_all(
    desk: &Desk<'_>,
    (compiled, seen): (&Compiled, &Seen),
    to_merge: &[ToMerge],
) -> Result<Merges, Failure> {
    desk.steps.next("merging");
    let mut merges = Merges::default();
    let mut sides = Vec::new();
    for merging in to_merge {
        let (path, part) = &merging.output;
        let Some(output) = compiled.desired.find(path, part) else {
            continue;
        };
        let observed = observed(desk.files(), compiled, merging)?;
        sides.push((merging, output, observed));
    }
    let (carried, sides): (Vec<_>, Vec<_>) = sides
        .into_iter()
        .partition(|(it, ..)| it.purpose == Purpose::Carry);
    for (carrying, output, observed) in carried {
        let text = observed.ok_or_else(|| vec![Clash::NotText]);
        let result =
            text.and_then(|text| merging::carried(&compiled.desired, output, carrying, text));
        merges.insert(carrying.output.clone(), result);
    }
    let bases = bases(desk, compiled, &sides)?;
    for (merging, output, observed) in sides {
        let base = bases.get(&merging.output).map(String::as_str);
        let result = match (base, observed.as_deref()) {
            (Some(base), Some(observed)) => merged(
                (desk.files(), compiled, seen),
                merging,
                output,
                [base, observed],
            )?,
            (_, None) => Err(vec![Clash::NotText]),
            (None, Some(_)) => Err(vec![missing(desk)]),
        };
        merges.insert(merging.output.clone(), result);
    }
    Ok(merges)
}

/// Three texts are put together.
fn merged(
    (files, compiled, seen): (&dyn Files, &Compiled, &Seen),
    merging: &ToMerge,
    output: &Output,
    [base, observed]: [&str; 2],
) -> Result<Result<merging::Merged, Vec<Clash>>, Failure> {
    let desired = compiled
        .desired
        .text_beside(output, observed)
        .map_err(|found| failed(&found))?;
    let dropped = |before: &str, after: &str| {
        losses::of_merge((files, compiled, seen), output, before, after)
    };
    let grammar =
        loom_providers::grammar_of(&output.place.path).filter(|_| output.part == Part::Whole);
    // a header that somebody moved is loom's, and is written in its place where something is written
    let is_moved = output.part == Part::Whole
        && base != desired
        && matches!(
            header::without_moved(&desired, &output.place.path),
            Cow::Borrowed(_)
        );
    let without = if is_moved {
        header::without_moved(observed, &merging.stand.path)
    } else {
        Cow::Borrowed(observed)
    };
    let sides = Sides {
        base,
        observed: &without,
        desired: &desired,
    };
    Ok(combine(
        (&compiled.desired, output),
        merging,
        sides,
        grammar,
        &dropped,
    ))
}

/// The base of one, if it is found.
pub(crate) fn find_base(
    desk: &Desk<'_>,
    compiled: &Compiled,
    merging: &ToMerge,
) -> Result<Option<String>, Failure> {
    let (path, part) = &merging.output;
    let Some(output) = compiled.desired.find(path, part) else {
        return Ok(None);
    };
    let mut found = bases(
        desk,
        compiled,
        &[(merging, output, observed(desk.files(), compiled, merging)?)],
    )?;
    Ok(found.remove(&merging.output))
}

pub(crate) fn failed(found: &[Diagnostic]) -> Failure {
    Failure::Environment(
        found
            .iter()
            .map(|it| it.message.as_str())
            .collect::<Vec<_>>()
            .join("; "),
    )
}

/// What stands there of an output, as a side of a merge; `None` where it is no text.
///
/// # Errors
/// What its provider said.
pub(crate) fn observed(
    files: &dyn Files,
    compiled: &Compiled,
    merging: &ToMerge,
) -> Result<Option<String>, Failure> {
    let output = compiled.desired.find(&merging.output.0, &merging.output.1);
    output.map_or(Ok(None), |output| {
        side_at(files, compiled, output, &merging.stand)
    })
}

/// What a file holds of an output, as a side of a merge; `None` where it is no text.
///
/// # Errors
/// What its provider said.
pub(crate) fn side_at(
    files: &dyn Files,
    compiled: &Compiled,
    output: &Output,
    stand: &Stand,
) -> Result<Option<String>, Failure> {
    let text = files
        .bytes(&stand.path)
        .ok()
        .and_then(|bytes| stand.text_in(&bytes));
    let side = |text: String| {
        compiled
            .desired
            .side(output, stand, &text)
            .map_err(|found| failed(&found))
    };
    text.map(side).transpose()
}

fn wanted(merging: &ToMerge, output: &Output) -> Wanted {
    Wanted {
        stand: merging.stand.clone(),
        left: output.left().cloned(),
        rendered: merging.rendered.hash,
    }
}

/// The bases that are found, by output, as sides of a merge.
fn bases(
    desk: &Desk<'_>,
    compiled: &Compiled,
    sides: &[(&ToMerge, &Output, Option<String>)],
) -> Result<BTreeMap<Key, String>, Failure> {
    let objects = Objects::open(&desk.root);
    let (mut found, mut open) = (BTreeMap::new(), BTreeSet::new());
    for (merging, output, observed) in sides {
        let wanted = wanted(merging, output);
        let base = if output.content.hash == wanted.rendered {
            Some(
                compiled
                    .desired
                    .text(output)
                    .map_err(|found| failed(&found))?,
            )
        } else if merging.observed.hash == wanted.rendered {
            observed.clone()
        } else {
            objects
                .get(wanted.rendered, &|text| wanted.is(REGISTRY.formats, text))
                .map(str::to_owned)
        };
        match base {
            Some(base) => drop(found.insert(wanted, base)),
            None => drop(open.insert(wanted)),
        }
    }
    if !open.is_empty() {
        let render = |input: &dyn loom_plan::input::Input| pass::rendered(input);
        if let Some(commits) = Commits::open(&desk.root, &render).map_err(Failure::Environment)? {
            found.extend(commits.texts(&open).map_err(Failure::Environment)?);
        }
    }
    let mut bases = BTreeMap::new();
    for (merging, output, observed) in sides {
        let Some(text) = found.get(&wanted(merging, output)) else {
            continue;
        };
        let side = compiled
            .desired
            .side(output, &merging.stand, text)
            .map_err(|found| failed(&found))?;
        let side =
            compiled
                .desired
                .with_versions(output, &side, observed.as_deref().unwrap_or_default());
        bases.insert(merging.output.clone(), side);
    }
    Ok(bases)
}

/// Why the base is nowhere, and what helps.
fn missing(desk: &Desk<'_>) -> Clash {
    Clash::NoBase(if is_shallow(desk) {
        "this clone is shallow, and does not have what loom rendered for it last: fetch the rest with `git fetch --unshallow`"
            .to_owned()
    } else {
        "what loom rendered for it last is neither in this clone's object store nor in its Git history".to_owned()
    })
}

fn is_shallow(desk: &Desk<'_>) -> bool {
    matches!(Commits::open(&desk.root, &|_| None), Ok(Some(commits)) if commits.is_shallow())
}

/// Where a merge of branches left several records of one output, and the base of the one that was
/// chosen is nowhere, the first whose base is found counts. In a shallow clone none is preferred:
/// what it lacks may be the base of the one that was chosen. Says whether another one counts now.
///
/// # Errors
/// Where the history cannot be read.
pub(crate) fn prefer_found(
    desk: &Desk<'_>,
    compiled: &Compiled,
    seen: &mut Seen,
    to_merge: &[ToMerge],
) -> Result<bool, Failure> {
    let mut preferred = Vec::new();
    for merging in to_merge.iter().filter(|it| it.purpose == Purpose::Merge) {
        let key = (merging.stand.path.clone(), merging.stand.part.clone());
        let candidates = known::candidates(&seen.ledger, &seen.snapshot, &key);
        if candidates.len() < 2 {
            continue;
        }
        for record in candidates {
            let stand = Stand {
                keys: record.keys.clone(),
                ..merging.stand.clone()
            };
            let rival = ToMerge {
                stand,
                rendered: record.rendered,
                ..merging.clone()
            };
            if find_base(desk, compiled, &rival)?.is_some() {
                if record.rendered != merging.rendered {
                    preferred.push(record.clone());
                }
                break;
            }
        }
    }
    if preferred.is_empty() || is_shallow(desk) {
        return Ok(false);
    }
    for record in preferred {
        seen.known.prefer(record);
    }
    Ok(true)
}
