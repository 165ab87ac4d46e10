//! Edits are merged: the base of each is looked for, and three texts become one or a conflict.
//!
//! In: what planning found to be merged. Out: [`Merges`] to plan with. The base comes from where it
//! is cheapest: what loom renders today, the object store, Git's history.

use std::collections::{BTreeMap, BTreeSet};

use loom_apply::Objects;
use loom_plan::addr::RepoPath;
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::merge::{Clash, Sides};
use loom_plan::plan::merging::{History as _, Merges, Modes, ToMerge, Wanted, combine};
use loom_plan::render::Output;
use loom_plan::snapshot::Part;
use loom_plan::{block, header};

use super::files::Files;
use super::losses;
use super::pass::{self, Compiled};
use super::{Desk, Failure};
use crate::env::Commits;

/// Merges all of them.
///
/// # Errors
/// [`Failure::Input`] where a base is not found: another plan than the one asked for is not made.
pub(crate) fn merge_all(desk: &Desk<'_>, compiled: &Compiled, to_merge: &[ToMerge]) -> Result<Merges, Failure> {
    desk.steps.next("merging");
    let mut merges = Merges::default();
    let mut sides = Vec::new();
    for merging in to_merge {
        let (path, part) = &merging.output;
        let Some(output) = compiled.desired.find(path, part) else { continue };
        let observed = observed(desk.files(), merging);
        sides.push((merging, output, observed));
    }
    let bases = bases(desk, compiled, &sides)?;
    for (merging, output, observed) in sides {
        let base = bases.get(&wanted(merging)).map(String::as_str);
        let result = match (base, observed.as_deref()) {
            (Some(base), Some(observed)) => merged(compiled, merging, output, [base, observed])?,
            (_, None) => Err(vec![Clash::NotText]),
            (None, Some(_)) => return Err(missing(desk, merging)),
        };
        merges.insert(merging.output.clone(), result);
    }
    Ok(merges)
}

/// Three texts are put together.
fn merged(
    compiled: &Compiled,
    merging: &ToMerge,
    output: &Output,
    [base, observed]: [&str; 2],
) -> Result<Result<loom_plan::plan::merging::Merged, Vec<Clash>>, Failure> {
    let desired = compiled.desired.text(output).map_err(|found| failed(&found))?;
    let modes = Modes { base: merging.rendered.mode, observed: merging.observed.mode, desired: output.content.mode };
    let dropped = |before: &str, after: &str| losses::of_merge(compiled, output, before, after);
    let grammar = loom_providers::grammar_of(&output.place.path).filter(|_| output.part == Part::Whole);
    Ok(combine(Sides { base, observed, desired: &desired }, modes, grammar, &dropped))
}

/// The base of one, if it is found.
pub(crate) fn find_base(desk: &Desk<'_>, compiled: &Compiled, merging: &ToMerge) -> Result<Option<String>, Failure> {
    let (path, part) = &merging.output;
    let Some(output) = compiled.desired.find(path, part) else { return Ok(None) };
    let mut found = bases(desk, compiled, &[(merging, output, observed(desk.files(), merging))])?;
    Ok(found.remove(&wanted(merging)))
}

pub(crate) fn failed(found: &[Diagnostic]) -> Failure {
    Failure::Environment(found.iter().map(|it| it.message.as_str()).collect::<Vec<_>>().join("; "))
}

/// The text of an output as it stands there; `None` where it is no text.
pub(crate) fn observed(files: &dyn Files, merging: &ToMerge) -> Option<String> {
    text_at(files, &merging.at, &merging.output.1)
}

/// The text of a file, or of its block, without header or markers; `None` where there is none.
pub(crate) fn text_at(files: &dyn Files, path: &RepoPath, part: &Part) -> Option<String> {
    let bytes = files.bytes(path).ok()?;
    match part {
        Part::Whole => String::from_utf8(header::strip(&bytes)).ok().filter(|text| !text.contains('\0')),
        Part::Block(address) => {
            let text = std::str::from_utf8(&bytes).ok()?;
            block::find(text, block::comment_of(path)?, address).map(std::borrow::Cow::into_owned)
        }
        Part::Keys(_) => None,
    }
}

fn wanted(merging: &ToMerge) -> Wanted {
    Wanted { path: merging.at.clone(), part: merging.output.1.clone(), rendered: merging.rendered.hash }
}

/// The bases that are found.
fn bases(
    desk: &Desk<'_>,
    compiled: &Compiled,
    sides: &[(&ToMerge, &Output, Option<String>)],
) -> Result<BTreeMap<Wanted, String>, Failure> {
    let objects = Objects::open(&desk.root);
    let (mut found, mut open) = (BTreeMap::new(), BTreeSet::new());
    for (merging, output, observed) in sides {
        let wanted = wanted(merging);
        let base = if output.content.hash == wanted.rendered {
            Some(compiled.desired.text(output).map_err(|found| failed(&found))?)
        } else if merging.observed.hash == wanted.rendered {
            observed.clone()
        } else {
            objects.get(wanted.rendered).map(str::to_owned)
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
    Ok(found)
}

/// What to do where the base is nowhere.
fn missing(desk: &Desk<'_>, merging: &ToMerge) -> Failure {
    let message = format!(
        "the edit of {} cannot be merged: what loom rendered for it last is neither in this clone's object store nor in its Git history",
        merging.at
    );
    let is_shallow = matches!(Commits::open(&desk.root, &|_| None), Ok(Some(commits)) if commits.is_shallow());
    let help = if is_shallow {
        "this clone is shallow: fetch the rest with `git fetch --unshallow`, and plan again".to_owned()
    } else {
        let choices = "`loom apply --on-drift keep` accepts the edit, and `--on-drift restore` writes loom's text";
        format!("{choices}; commit the generated files after each apply, so that the next merge finds its base")
    };
    Failure::of(Diagnostic::new(Code::BaseMissing, message).help(help))
}
