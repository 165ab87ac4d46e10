//! What a run was asked to do, and what it leaves alone.
//!
//! In: the choices of the command line and the gates of the tasks. Out: where each output stands:
//! free to be decided, waiting, held, or out of scope.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::build::Inputs;
use super::known::KnownRecord;
use crate::addr::{Address, RepoPath};
use crate::input::Globs;
use crate::intent::Declaration;
use crate::project::{Gate, OnDrift};
use crate::render::Output;

/// The choices of a run.
#[derive(Clone, Debug)]
pub struct Request {
    /// `--story`: only what this story declares, or what is recorded for it.
    pub story: Option<String>,
    /// `--target`: only these, or all items of an address without one.
    pub targets: Vec<Address>,
    /// `--path`: only files that match, as written.
    pub paths: Vec<String>,
    /// `--on-drift`, over everything else.
    pub on_drift: Option<OnDrift>,
    /// `--adopt`.
    pub adoption: Adopting,
    /// `--skip-conflicts`.
    pub conflicts: Conflicts,
    globs: Globs,
    insists: Insists,
}

/// On what `--on-drift restore` insists, also where an edit was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Insists {
    /// What `--target` names.
    Named,
    /// Everything, as of a command that names what it is about.
    Everything,
}

/// Whether files that loom did not write are taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adopting {
    /// Only where `adopt:` says so.
    #[default]
    Declared,
    /// All of them.
    All,
}

/// What a conflict does to the rest of the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conflicts {
    /// It blocks the plan.
    #[default]
    Block,
    /// It is left out, with what depends on it.
    Skip,
}

/// Where an output stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is decided.
    Free,
    /// It is decided, and its task waits for another.
    Waiting(String),
    /// The gate holds it: neither changed nor deleted.
    Held(String),
    /// The run was not asked about it.
    OutOfScope,
}

impl Default for Request {
    fn default() -> Self {
        Self::new(
            None,
            Vec::new(),
            Vec::new(),
            None,
            Adopting::default(),
            Conflicts::default(),
        )
    }
}

impl Request {
    /// The choices of a run; each as its field says.
    #[expect(
        clippy::too_many_arguments,
        reason = "a run has six choices, each with a type of its own"
    )]
    pub fn new(
        story: Option<String>,
        targets: Vec<Address>,
        paths: Vec<String>,
        on_drift: Option<OnDrift>,
        adoption: Adopting,
        conflicts: Conflicts,
    ) -> Self {
        let globs = Globs::new(&paths);
        Self {
            story,
            targets,
            paths,
            on_drift,
            adoption,
            conflicts,
            globs,
            insists: Insists::Named,
        }
    }

    /// The same scope over the files of a base, where nobody has to decide anything any more.
    #[must_use]
    pub fn as_of_base(&self) -> Self {
        Self {
            on_drift: Some(OnDrift::Restore),
            adoption: Adopting::Declared,
            conflicts: Conflicts::Skip,
            ..self.clone()
        }
    }

    /// The same scope, with another choice about edits and about files that loom did not write: of each
    /// output what a command comes to that names it.
    #[must_use]
    pub fn choosing(&self, on_drift: Option<OnDrift>, adoption: Adopting) -> Self {
        Self {
            on_drift,
            adoption,
            insists: Insists::Everything,
            ..self.clone()
        }
    }

    /// Whether everything is in scope.
    pub fn is_whole(&self) -> bool {
        self.story.is_none() && self.targets.is_empty() && self.paths.is_empty()
    }

    /// Whether `--path` leaves a path in: of a move it must leave in both.
    pub(super) fn takes(&self, path: &RepoPath) -> bool {
        self.paths.is_empty() || self.globs.matches(path)
    }

    pub(super) fn adopts(&self) -> bool {
        self.adoption == Adopting::All
    }

    pub(super) fn skips_conflicts(&self) -> bool {
        self.conflicts == Conflicts::Skip
    }

    pub(super) fn insists_on(&self, declaration: &Declaration) -> bool {
        let is_everything = self.insists == Insists::Everything;
        self.on_drift == Some(OnDrift::Restore)
            && (is_everything
                || self.names(&declaration.address)
                || self.names(&declaration.intent))
    }

    fn names(&self, address: &Address) -> bool {
        self.targets.iter().any(|target| {
            target == address || (target.item().is_none() && *target == address.family())
        })
    }

    /// Where a desired output stands.
    pub fn standing_of(&self, inputs: Inputs<'_>, output: &Output) -> Standing {
        let declaration = inputs.desired.declaration(output);
        let of_story = |code: &str| {
            declaration.stories().contains(&code)
                || inputs
                    .known
                    .get(&output.place.path, &output.part)
                    .is_some_and(|known| known.books.iter().any(|book| book == code))
        };
        if self.excludes(
            &declaration.address,
            &output.place.path,
            &of_story,
            &[&declaration.intent],
        ) {
            return Standing::OutOfScope;
        }
        match (
            held_by(inputs, output.declaration),
            declaration.waiting().first(),
        ) {
            (Some(task), _) => Standing::Held(task),
            (None, Some(task)) => Standing::Waiting(task.clone()),
            (None, None) => Standing::Free,
        }
    }

    /// Where an output stands that is recorded and no longer desired. Its artifact may still be
    /// declared, with outputs elsewhere: what holds those holds this one too.
    pub fn standing_of_record(&self, inputs: Inputs<'_>, known: &KnownRecord) -> Standing {
        let of_story = |code: &str| known.books.iter().any(|book| book == code);
        if self.excludes(&known.record.address, &known.record.path, &of_story, &[]) {
            return Standing::OutOfScope;
        }
        let declared = inputs.desired.ordered.find(&known.record.address);
        declared
            .and_then(|index| held_by(inputs, index))
            .map_or(Standing::Free, Standing::Held)
    }

    fn excludes(
        &self,
        address: &Address,
        path: &RepoPath,
        of_story: &dyn Fn(&str) -> bool,
        also: &[&Address],
    ) -> bool {
        let story = self.story.as_deref().is_some_and(|code| !of_story(code));
        let target = !self.targets.is_empty()
            && !self.names(address)
            && !also.iter().any(|address| self.names(address));
        story || target || !self.takes(path)
    }
}

/// The task that a declaration, or anything that it refers to, is held for.
fn held_by(inputs: Inputs<'_>, declaration: usize) -> Option<String> {
    if inputs.project.gate == Gate::Warn {
        return None;
    }
    let ordered = &inputs.desired.ordered;
    let (mut seen, mut open) = (BTreeSet::new(), vec![declaration]);
    while let Some(next) = open.pop() {
        if let Some(task) = ordered.declarations[next].waiting().first() {
            return Some(task.clone());
        }
        if seen.insert(next) {
            open.extend(ordered.dependencies(next).map(|(before, _)| before));
        }
    }
    None
}
