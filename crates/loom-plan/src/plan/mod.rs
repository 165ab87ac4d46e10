//! From differences to a plan.
//!
//! In: what is desired, seen and recorded. Out: an [`Outcome`]: nothing to do, a [`Plan`] that can
//! be approved, or a [`BlockedPlan`] that cannot. A plan is a value: every action carries what it
//! expects to find, so that a stale one fails before the first write.

pub mod advice;
pub mod against;
mod brake;
pub mod build;
mod carry;
mod cause;
mod conflicting;
mod damaged;
pub mod decide;
#[cfg(test)]
mod decide_tests;
pub mod digest;
pub mod file;
mod inverted;
pub mod known;
pub mod merging;
pub(crate) mod moves;
pub mod owned;
pub mod permission;
pub mod record;
pub mod repair;
pub mod scope;
pub mod upgrade;

pub use advice::Way;
pub use brake::Brake;
pub use build::{plan, to_merge};

use crate::addr::{Address, ContentHash, RepoPath};
use crate::check::accept::Exception;
use crate::keys::delegate::Raised;
use crate::keys::{KeyPath, Snippet};
use crate::ledger::{Record, Spent};
use crate::plan::decide::{Conflict, Decision};
use crate::snapshot::{Content, Part};
use crate::text::Position;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an action expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expect {
    /// Nothing at all.
    Absent,
    /// A regular file with exactly these bytes, loom's header among them, and this mode.
    Exactly(Content),
}

/// What an action does to its path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    /// Writes a file where nothing is.
    Create,
    /// Writes a file over the one that is there.
    Update,
    /// Removes the file.
    Delete,
    /// Writes the file at its path and removes it at the old one.
    Move {
        /// The old path.
        from: RepoPath,
    },
    /// Writes nothing; the ledger records what is there.
    Adopt,
    /// Writes nothing; the ledger records the edit as accepted.
    Keep,
    /// Writes nothing; the ledger drops the record.
    Forget,
}

impl Verb {
    /// Whether bytes of the repository change.
    pub fn writes(&self) -> bool {
        match self {
            Self::Create | Self::Update | Self::Delete | Self::Move { .. } => true,
            Self::Adopt | Self::Keep | Self::Forget => false,
        }
    }

    /// The word, as in the JSON output.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Move { .. } => "move",
            Self::Adopt => "adopt",
            Self::Keep => "keep",
            Self::Forget => "forget",
        }
    }

    /// The mark that begins the action's line.
    pub fn mark(&self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Delete => '-',
            Self::Move { .. } => '>',
            Self::Adopt | Self::Keep => '=',
            Self::Forget => '.',
        }
    }
}

/// Why something changes, for people. Apply never reads it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cause {
    /// A value of the input is not what it was.
    Setting {
        /// Such as `services.entity-api.port`.
        pointer: String,
        /// Where it stands; `None` where it was taken out.
        position: Option<Position>,
    },
    /// A task asks for it.
    Task {
        /// The story's code.
        story: String,
        /// The task's id.
        task: String,
        /// Where.
        position: Position,
    },
    /// The project declares it.
    Standing(Position),
    /// Loom itself keeps it in every repository.
    BuiltIn,
    /// Somebody edited the file.
    Edited,
    /// An edit and the declaration's change were put together.
    Merged,
    /// Somebody removed the file.
    Vanished,
    /// The kind writes it differently now.
    KindVersion {
        /// The kind.
        kind: String,
        /// The recorded version.
        from: u32,
        /// Today's.
        to: u32,
        /// What the versions between changed, in the words of the kind.
        #[serde(default)]
        changes: Vec<String>,
    },
    /// What it refers to changes.
    RefersTo(Address),
    /// Nothing declares it any more.
    Undeclared,
    /// `removed:` says so.
    Removed(Position),
    /// `moved:` says so.
    Moved {
        /// The old address.
        from: Address,
        /// Where.
        position: Position,
    },
    /// Its `path` is another.
    Path(Position),
    /// The file is what is desired already.
    AlreadyThere,
    /// `adopt:`, `--adopt` or `own: once` takes the file as it is.
    Adopted,
    /// The same, of keys that are there with other values, while others are written.
    KeysLeft,
    /// Versions changed that are left to somebody.
    Delegated {
        /// Who keeps them.
        to: String,
        /// Those that changed.
        raised: Vec<Raised>,
    },
    /// The ledger had it under another address or with other keys.
    ClaimChanged,
}

/// What is done to one part of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartAction {
    /// The artifact.
    pub address: Address,
    /// The part.
    pub part: Part,
    /// Of keys, those that are taken out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removes: Vec<KeyPath>,
    /// Of keys, those that stay as they are in the file, whatever loom would write there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<KeyPath>,
    /// What changes of its bytes beyond what the contents say, as one hash: of keys every piece of the
    /// text that gives way to another, and of a file with delegated versions all of it on both sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<ContentHash>,
    /// Who keeps some of its versions, which the file holds besides what the content says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_to: Option<String>,
    /// Of a part that moved, where it was: its file, and what it was called there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<known::Key>,
    /// What was decided of it.
    pub decision: Decision,
    /// The part before; `None` where there was none.
    pub before: Option<Content>,
    /// The part after; `None` where there is none.
    pub after: Option<Content>,
    /// Why.
    pub causes: Vec<Cause>,
}

impl PartAction {
    /// Whether it takes as good what a person wrote: kept, merged, taken over as it is, or, compared
    /// with a base, left in the file by whoever made the request.
    pub fn accepts(&self) -> bool {
        let is_edited = self.causes.contains(&Cause::Edited);
        match self.decision {
            Decision::Keep
            | Decision::Adopt(decide::Adopting::AsItIs)
            | Decision::Update(
                decide::Updating::Merged | decide::Updating::Joined | decide::Updating::Completed,
            ) => true,
            Decision::Create(decide::Creation::New)
            | Decision::Update(decide::Updating::Changed) => is_edited,
            Decision::Nothing
            | Decision::Create(decide::Creation::Vanished)
            | Decision::Update(decide::Updating::Restored)
            | Decision::Delete
            | Decision::Adopt(decide::Adopting::Equal | decide::Adopting::Renamed)
            | Decision::Forget(_)
            | Decision::Conflict(_) => false,
        }
    }
}

/// What is done to one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The path; of a move, the new one.
    pub path: RepoPath,
    /// What is done.
    pub verb: Verb,
    /// What must be there before; of a move, at the old path.
    pub expect: Expect,
    /// The parts of the file that change; one for a whole file.
    pub parts: Vec<PartAction>,
}

impl Action {
    /// The path that holds the bytes before the action: of a move, the old one.
    pub fn old_path(&self) -> &RepoPath {
        match &self.verb {
            Verb::Move { from } => from,
            Verb::Create
            | Verb::Update
            | Verb::Delete
            | Verb::Adopt
            | Verb::Keep
            | Verb::Forget => &self.path,
        }
    }

    /// The address that stands for the action: its first part's.
    pub fn address(&self) -> &Address {
        &self.parts[0].address
    }

    /// Whether it takes as good what a person wrote in one of its parts.
    pub fn accepts(&self) -> bool {
        self.parts.iter().any(PartAction::accepts)
    }

    /// Why, of all parts.
    pub fn causes(&self) -> impl Iterator<Item = &Cause> {
        self.parts.iter().flat_map(|part| &part.causes)
    }
}

/// A conflict: what a person must decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflicting {
    /// The path.
    pub path: RepoPath,
    /// The artifact.
    pub address: Address,
    /// The part.
    pub part: Part,
    /// Why.
    pub conflict: Conflict,
    /// What stands there, where it is none of loom's business: `a symbolic link`.
    pub found: Option<String>,
    /// Of a merge, what both sides changed: clauses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clashes: Vec<String>,
    /// The steps that a person takes, the plainest first.
    pub ways: Vec<Way>,
    /// What a person changes in the file, where loom refuses to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<ByHand>,
}

impl Conflicting {
    /// Whether nothing at all is planned without a decision: another clone, which has all of the
    /// history, would not have this conflict, and its plan must not be another one.
    pub fn holds_all(&self) -> bool {
        self.conflict == Conflict::Base
    }
}

/// What a person changes in a file that loom refuses to edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByHand {
    /// A unified diff; empty where nothing could be worked out.
    pub patch: String,
    /// What the diff does not have.
    pub snippets: Vec<Snippet>,
}

/// Something that is not decided, only said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// The artifact.
    pub address: Address,
    /// The path, where it is one file that is meant.
    pub path: Option<RepoPath>,
    /// What is said.
    pub kind: NoteKind,
}

/// What is said of something that is not decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NoteKind {
    /// The task waits for another, which is only said.
    Waiting(String),
    /// The task waits for another, and the gate holds it.
    Held(String),
    /// The story that declared it is not among the inputs.
    NotLoaded(String),
    /// Left out by `--story`, `--target` or `--path`.
    OutOfScope,
    /// An accepted edit is there.
    KeptEdit,
    /// It was created once and is left alone.
    Once,
    /// Some of its versions are left to somebody.
    Delegated(String),
    /// Of a saved plan: its text could not be held against the digest.
    Unheld,
    /// What goes on running outside the repository when the change is applied.
    GoesOn {
        /// What it is.
        what: String,
        /// The command that ends it.
        end: String,
    },
    /// The entry of `removed` at this place was carried out, and permits nothing any more.
    Spent(Position),
}

/// What every outcome says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What is not decided, sorted.
    pub notes: Vec<Note>,
    /// How many outputs there are.
    pub outputs: usize,
    /// How many of them the run was not asked about.
    #[serde(default)]
    pub unseen: usize,
    /// How many outputs the ledger knew before.
    #[serde(default)]
    pub managed: usize,
    /// How many of them somebody else changed or removed.
    pub drifted: usize,
    /// Records without file and declaration, where there is nothing else to do.
    #[serde(skip)]
    pub gone: Vec<Record>,
}

/// A plan that can be approved and applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// By path.
    pub actions: Vec<Action>,
    /// What an approval names: what the plan does, and the exceptions that it leans on, as one hash.
    /// A plan that is denied has none, so that nobody can have approved it.
    pub digest: Option<ContentHash>,
    /// The exceptions without which it would be denied, or warned of.
    pub exceptions: Vec<Exception>,
    /// Conflicts that `--skip-conflicts` left out.
    pub skipped: Vec<Conflicting>,
    /// Records without file and declaration, which go with the next apply.
    pub gone: Vec<Record>,
    /// The entries of `removed` that it carries out, and that permit nothing from then on.
    pub spends: BTreeMap<ContentHash, Spent>,
    /// What else there is to say.
    pub report: Report,
}

/// A plan that a person must decide something about first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedPlan {
    /// What would be done.
    pub actions: Vec<Action>,
    /// What stands against it.
    pub conflicts: Vec<Conflicting>,
    /// What else there is to say.
    pub report: Report,
}

/// What planning comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing to do.
    Converged(Report),
    /// There is something to do, and nothing against it.
    Ready(Plan),
    /// A person decides first.
    Blocked(BlockedPlan),
}

/// What the checklist and the policies come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Something denies the plan.
    Denied,
    /// Nothing does, with these exceptions.
    Passed(Vec<Exception>),
}

impl Outcome {
    /// A plan gets the digest that an approval of it has to name, or loses the one that it has.
    pub fn judge(&mut self, verdict: Verdict) {
        let Self::Ready(plan) = self else { return };
        match verdict {
            Verdict::Denied => plan.digest = None,
            Verdict::Passed(exceptions) => {
                let digest = plan.digest.take();
                plan.digest = digest.map(|digest| digest::leaning_on(digest, &exceptions));
                plan.exceptions = exceptions;
            }
        }
    }

    /// The actions.
    pub fn actions(&self) -> &[Action] {
        match self {
            Self::Converged(_) => &[],
            Self::Ready(plan) => &plan.actions,
            Self::Blocked(plan) => &plan.actions,
        }
    }

    /// The conflicts, skipped ones too.
    pub fn conflicts(&self) -> &[Conflicting] {
        match self {
            Self::Converged(_) => &[],
            Self::Ready(plan) => &plan.skipped,
            Self::Blocked(plan) => &plan.conflicts,
        }
    }

    /// What else there is to say, to be added to.
    pub fn report_mut(&mut self) -> &mut Report {
        match self {
            Self::Converged(report) => report,
            Self::Ready(plan) => &mut plan.report,
            Self::Blocked(plan) => &mut plan.report,
        }
    }

    /// The conflicts, skipped ones too, to take out ways that lead nowhere.
    pub fn conflicts_mut(&mut self) -> &mut [Conflicting] {
        match self {
            Self::Converged(_) => &mut [],
            Self::Ready(plan) => &mut plan.skipped,
            Self::Blocked(plan) => &mut plan.conflicts,
        }
    }

    /// What else there is to say.
    pub fn report(&self) -> &Report {
        match self {
            Self::Converged(report) => report,
            Self::Ready(plan) => &plan.report,
            Self::Blocked(plan) => &plan.report,
        }
    }
}
