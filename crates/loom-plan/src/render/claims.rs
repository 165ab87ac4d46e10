//! What no two outputs may claim together, and what none may claim at all.
//!
//! In: what is desired. Out: a diagnostic that names both, with their places.

use rayon::prelude::*;

use super::{Desired, Output};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::graph::Ordered;
use crate::keys::{self, KeyPath};
use crate::snapshot::Part;

/// What no two outputs may claim together, and what none may claim at all.
pub(super) fn check(desired: &Desired, out: &mut Diagnostics) {
    let (outputs, ordered) = (&desired.outputs, &desired.ordered);
    for same in outputs
        .chunk_by(|one, other| one.place.path == other.place.path)
        .filter(|same| same.len() > 1)
    {
        parts(desired, same, out);
    }
    let mut folded: Vec<(String, &Output)> = outputs
        .par_iter()
        .map(|output| (output.place.path.folded(), output))
        .collect();
    folded.par_sort_by(|(one, _), (other, _)| one.cmp(other));
    for same in folded.chunk_by(|(one, _), (other, _)| one == other) {
        let (_, first) = same[0];
        for (_, output) in same
            .iter()
            .filter(|(_, output)| output.place.path != first.place.path)
        {
            let what = format!(
                "{} and {} are one file where case, normalisation and invisible characters do not count",
                first.place.path, output.place.path
            );
            out.push(path_taken(first, output, ordered, &what));
        }
    }
    directories(&folded, ordered, out);
    for (path, output) in &folded {
        let declaration = &ordered.declarations[output.declaration];
        if (path == OWN
            || path
                .strip_prefix(OWN)
                .is_some_and(|below| below.starts_with('/')))
            && declaration.address.kind() != crate::intent::REPOSITORY_KIND
        {
            let message = format!(
                "`{}` cannot write {}: `{OWN}` is loom's own",
                declaration.address, output.place.path
            );
            let found = Diagnostic::new(Code::OwnPlace, message).at(declaration.settings.span, "");
            out.push(found.help("give it a `path` outside of `.loom`"));
        }
    }
}

/// Loom's own place in the repository.
const OWN: &str = ".loom";

/// The parts of one file that overlap. All of a file overlaps with every other part of it.
fn parts(desired: &Desired, same: &[Output], out: &mut Diagnostics) {
    let keys: Vec<Vec<KeyPath>> = same.iter().map(|output| keys_in(desired, output)).collect();
    for (at, one) in same.iter().enumerate() {
        for (other, other_keys) in same.iter().zip(&keys).skip(at + 1) {
            let path = &one.place.path;
            let what = match (&one.part, &other.part) {
                (Part::Whole, _) | (_, Part::Whole) => Some(format!("both write {path}")),
                (one, other) if one == other => Some(format!("both write {path}")),
                (Part::Block(_) | Part::Keys(_), _) => {
                    keys::overlap(&keys[at], other_keys).map(|(key, other)| {
                        if key == other {
                            format!("both own `{key}` of {path}")
                        } else {
                            format!("`{key}` and `{other}` of {path} are one inside the other")
                        }
                    })
                }
            };
            if let Some(what) = what {
                out.push(path_taken(one, other, &desired.ordered, &what));
            }
        }
    }
}

/// The keys that an output holds: its own, or those that stand in its block.
fn keys_in(desired: &Desired, output: &Output) -> Vec<KeyPath> {
    let in_block = || {
        let data = keys::format_of(desired.formats, &output.place.path)?
            .read(&desired.text(output).ok()?)
            .ok()?;
        Some(data.leaves())
    };
    match output.part {
        Part::Whole => Vec::new(),
        Part::Keys(_) => output.keys.clone(),
        Part::Block(_) => in_block().unwrap_or_default(),
    }
}

/// Files that are also directories, on any file system.
fn directories(folded: &[(String, &Output)], ordered: &Ordered, out: &mut Diagnostics) {
    // what is below a directory stands together, so that only the first of it is looked at
    let mut before = "";
    for (path, below) in folded {
        for (end, _) in path
            .match_indices('/')
            .filter(|(end, _)| !before.starts_with(&path[..=*end]))
        {
            let start = folded.partition_point(|(other, _)| other.as_str() < &path[..end]);
            for (_, output) in folded[start..]
                .iter()
                .take_while(|(other, _)| *other == path[..end])
            {
                let what = format!(
                    "{} would be a file and the directory of {}",
                    output.place.path, below.place.path
                );
                out.push(path_taken(output, below, ordered, &what));
            }
        }
        before = path;
    }
}

fn path_taken(one: &Output, other: &Output, ordered: &Ordered, what: &str) -> Diagnostic {
    let [one, other] = [one, other].map(|output| &ordered.declarations[output.declaration]);
    let message = format!(
        "`{}` and `{}` cannot both be: {what}",
        one.address, other.address
    );
    Diagnostic::new(Code::PathTaken, message)
        .at(
            other.settings.span,
            format!("{} is declared here", other.address),
        )
        .at(
            one.settings.span,
            format!("{} is declared here", one.address),
        )
        .help("give one of them another `path`")
}
