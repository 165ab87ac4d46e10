//! What would be lost outside the repository with a change of a file.
//!
//! In: an output, and the text that is to come. Out: names. What goes to another file of the same
//! artifact is not lost. Deliberately not here: what a text declares (the provider), and what is
//! permitted (`plan/permission.rs`).

use std::collections::BTreeMap;

use loom_plan::addr::RepoPath;
use loom_plan::keys;
use loom_plan::plan::{owned, permission};
use loom_plan::provider::{Change, Lost, Nature, Texts};
use loom_plan::render::{self, Output};
use loom_plan::snapshot::Part;

use super::files::Files;
use super::pass::{Compiled, REGISTRY, Seen};

/// Answers what an update of a stateful output destroys or replaces, permitted or not.
pub(super) fn of_updates<'a>(
    files: &'a dyn Files,
    compiled: &'a Compiled,
    seen: &'a Seen,
) -> impl Fn(&Output, &RepoPath) -> Vec<Lost> + Sync + 'a {
    move |output, stands| {
        let sides = World {
            files,
            compiled,
            seen,
            merged: None,
        };
        sides.lost(output, stands)
    }
}

/// What a merged text of an output would lose that `removed` does not permit.
pub(super) fn of_merge(
    (files, compiled, seen): (&dyn Files, &Compiled, &Seen),
    output: &Output,
    before: &str,
    after: &str,
) -> Vec<String> {
    let declaration = compiled.desired.declaration(output);
    if declaration.provider.spec().nature != Nature::Stateful {
        return Vec::new();
    }
    let path = &output.place.path;
    let world = World {
        files,
        compiled,
        seen,
        merged: Some((path, before, after)),
    };
    let lost = permission::unpermitted(
        (&compiled.project, &seen.ledger),
        &declaration.address,
        world.lost(output, path),
    );
    lost.into_iter().map(|lost| lost.name).collect()
}

/// The files of the repository, on both sides of a plan.
struct World<'a> {
    files: &'a dyn Files,
    compiled: &'a Compiled,
    seen: &'a Seen,
    /// Of one that is merged: its path, what stands there and what the merge came to.
    merged: Option<(&'a RepoPath, &'a str, &'a str)>,
}

impl World<'_> {
    fn lost(&self, output: &Output, stands: &RepoPath) -> Vec<Lost> {
        let declaration = self.compiled.desired.declaration(output);
        declaration.provider.lost(Change {
            stands,
            comes: &output.place.path,
            before: &Standing(self),
            after: &Coming(self),
        })
    }

    fn read(&self, path: &RepoPath) -> Option<String> {
        let bytes = self.files.bytes(path).ok()?;
        String::from_utf8(bytes).ok()
    }

    /// The outputs of a directory, and those that the ledger knows there.
    fn paths(&self, folder: &str) -> impl Iterator<Item = &RepoPath> {
        let of_outputs = self
            .compiled
            .desired
            .outputs
            .iter()
            .map(|it| &it.place.path);
        let recorded = self.seen.known.records().map(|known| &known.record.path);
        let is_there = move |path: &&RepoPath| path.parent().unwrap_or("") == folder;
        of_outputs.chain(recorded).filter(is_there)
    }

    /// The whole file that an output comes to.
    fn text(&self, output: &Output) -> Option<String> {
        let desired = &self.compiled.desired;
        let path = &output.place.path;
        match &output.part {
            Part::Whole => desired.text(output).ok(),
            Part::Block(address) => {
                let text = desired.text(output).ok()?;
                let before = self.read(path).unwrap_or_default();
                render::with_block(&before, path, address, Some(&text)).ok()
            }
            // what people wrote beside the keys of loom stays
            Part::Keys(_) => {
                let known = self.seen.known.get(path, &output.part);
                let unwanted = owned::unwanted(
                    known.map_or(&[], |known| known.record.keys.as_slice()),
                    &output.keys,
                );
                let wanted = desired.text(output).ok();
                let before = self.read(path).unwrap_or_default();
                let change = keys::Change {
                    wanted: wanted.as_deref(),
                    unwanted: &unwanted,
                    ..keys::Change::default()
                };
                let format = keys::format_of(REGISTRY.formats, path)?;
                format.edit(&before, change).ok()?.text
            }
        }
    }
}

/// The files as they stand.
struct Standing<'a>(&'a World<'a>);

impl Texts for Standing<'_> {
    fn folder(&self, folder: &str) -> Vec<(RepoPath, String)> {
        let read = |path: &RepoPath| match self.0.merged {
            Some((merged, before, _)) if merged == path => Some(before.to_owned()),
            Some(_) | None => self.0.read(path),
        };
        let texts: BTreeMap<RepoPath, String> = self
            .0
            .paths(folder)
            .filter_map(|path| Some((path.clone(), read(path)?)))
            .collect();
        texts.into_iter().collect()
    }
}

/// The files as they will be.
struct Coming<'a>(&'a World<'a>);

impl Texts for Coming<'_> {
    fn folder(&self, folder: &str) -> Vec<(RepoPath, String)> {
        let mut texts = BTreeMap::new();
        for output in &self.0.compiled.desired.outputs {
            let path = &output.place.path;
            if path.parent().unwrap_or("") != folder {
                continue;
            }
            let text = match self.0.merged {
                Some((merged, _, after)) if merged == path => Some(after.to_owned()),
                Some(_) | None => self.0.text(output),
            };
            texts.extend(text.map(|text| (path.clone(), text)));
        }
        texts.into_iter().collect()
    }
}
