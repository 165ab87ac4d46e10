//! What of an artifact would be lost outside the repository, and nobody named in `removed:`.
//!
//! In: an output, and the text that is to come. Out: names. What goes to another file of the same
//! artifact is not lost. Deliberately not here: what a text declares (the provider), and what is
//! decided of a loss.

use loom_plan::addr::{Address, RepoPath};
use loom_plan::intent::Declaration;
use loom_plan::keys::{self, Change};
use loom_plan::plan::owned;
use loom_plan::project::{Project, RemovedWhat};
use loom_plan::provider::{Failure, Lost, Nature};
use loom_plan::render::Output;
use loom_plan::snapshot::Part;

use super::files::Files;
use super::pass::{Compiled, REGISTRY, Seen};

/// Answers what an update of a stateful output drops that `removed:` does not name. What goes to
/// another file of the same artifact is not dropped.
pub(super) fn of_updates<'a>(
    files: &'a dyn Files,
    compiled: &'a Compiled,
    seen: &'a Seen,
) -> impl Fn(&Output, &RepoPath) -> Vec<Lost> + Sync + 'a {
    move |output, stands| {
        let desired = &compiled.desired;
        let declaration = desired.declaration(output);
        let read = files
            .bytes(stands)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let siblings = desired
            .outputs
            .iter()
            .filter(|sibling| sibling.declaration == output.declaration);
        // what people wrote beside the keys of loom stays
        let text = |sibling: &Output| match (
            &sibling.part,
            keys::format_of(REGISTRY.formats, &sibling.place.path),
        ) {
            (Part::Keys(_), Some(format)) => {
                let known = seen.known.get(&sibling.place.path, &sibling.part);
                let unwanted = owned::unwanted(
                    known.map_or(&[], |known| known.record.keys.as_slice()),
                    &sibling.keys,
                );
                let before = files
                    .bytes(&sibling.place.path)
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok());
                let wanted = desired.text(sibling).ok();
                let change = Change {
                    wanted: wanted.as_deref(),
                    unwanted: &unwanted,
                    ..Change::default()
                };
                let edited = format.edit(&before.unwrap_or_default(), change).ok();
                Ok(edited.and_then(|edited| edited.text).unwrap_or_default())
            }
            (Part::Keys(_) | Part::Block(_) | Part::Whole, _) => desired.text(sibling),
        };
        let after: Result<Vec<String>, Failure> = siblings.map(text).collect();
        let (Some(before), Ok(after)) = (read, after) else {
            return Vec::new();
        };
        unnamed(
            &compiled.project,
            declaration,
            declaration.provider.lost(&before, &after.join("\n")),
        )
    }
}

/// Of what an update loses, what no `removed:` names.
fn unnamed(project: &Project, declaration: &Declaration, lost: Vec<Lost>) -> Vec<Lost> {
    let named = |component: &str| {
        let of_this = |address: &Address| {
            *address == declaration.address || *address == declaration.address.family()
        };
        project.removed.iter().any(|removed| {
            matches!(&removed.what, RemovedWhat::Address(address) if of_this(address))
                && removed.component.as_deref() == Some(component)
        })
    };
    lost.into_iter()
        .filter(|lost| !named(&lost.component) && !named(&lost.name))
        .collect()
}

/// What a merged text of an output drops that `removed:` does not name, and no other file of the
/// same artifact takes over.
pub(super) fn of_merge(
    compiled: &Compiled,
    output: &Output,
    before: &str,
    after: &str,
) -> Vec<String> {
    let desired = &compiled.desired;
    let declaration = desired.declaration(output);
    if declaration.provider.spec().nature != Nature::Stateful {
        return Vec::new();
    }
    let siblings = desired
        .outputs
        .iter()
        .filter(|other| other.declaration == output.declaration && other.place != output.place);
    let siblings = siblings.filter_map(|sibling| desired.text(sibling).ok());
    let after = std::iter::once(after.to_owned())
        .chain(siblings)
        .collect::<Vec<_>>()
        .join("\n");
    let lost = unnamed(
        &compiled.project,
        declaration,
        declaration.provider.lost(before, &after),
    );
    lost.into_iter().map(|lost| lost.name).collect()
}
