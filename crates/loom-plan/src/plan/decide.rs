//! The decision table of loom, as one total function.
//!
//! In: what is desired, observed and recorded of one output, and the policy that holds for it.
//! Out: a [`Decision`] with its reason. The table in `docs/planning.md` has the same rows in the
//! same order; the tests count exactly one row for every combination, and show that deciding again
//! after the action gives nothing.
//!
//! Deliberately not here: scope, gates and stories that are not loaded. Those outputs are not
//! decided at all.

use crate::project::{OnDrift, Own};
use crate::provider::Nature;
use crate::snapshot::{Content, Observed};
use serde::{Deserialize, Serialize};

/// What the ledger says of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What loom last wanted.
    pub rendered: Content,
    /// What loom left on the disk.
    pub written: Content,
    /// Whether the record has the address, `own` and `retain` that hold today.
    pub claim: Claim,
}

/// Whether a record is of the declaration that holds today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Same address, `own` and `retain`.
    Same,
    /// One of them changed.
    Other,
}

/// What holds for one output, whatever is desired, observed or recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How much of the file is loom's.
    pub own: Own,
    /// Whether it may be deleted.
    pub retain: Retain,
    /// How freely it may change.
    pub nature: Nature,
    /// What happens to edits.
    pub on_drift: OnDrift,
    /// Whether a person asked for this very artifact to be put back.
    pub insistence: Insistence,
    /// Whether it may take over a file that is there.
    pub adoption: Adoption,
    /// What `removed:` says of it.
    pub removal: Removal,
    /// Whether writing the desired text over the observed one would destroy or replace something
    /// stateful that no `removed:` permits.
    pub loss: Loss,
    /// What merging an edit came to, where `on_drift` asks for it.
    pub merge: Merge,
    /// Of keys, what is there of those that the ledger does not know.
    pub fresh: Fresh,
}

/// What a file holds of the keys that are desired and not recorded. Each of them is a matter of its
/// own: one that is there as it is wanted stands in nobody's way, and one that is missing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// All of them, as they are wanted; there are none of anything but keys.
    Agrees,
    /// Some are missing, and none has another value.
    Lacks,
    /// One of them has another value, which is somebody's own.
    Differs,
}

/// What merging an edit with the declaration's change came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Both changed the same thing, or nobody merged.
    Clashes,
    /// What loom rendered last is not to be had, so that nobody can tell what changed.
    NoBase,
    /// Both can be had: this content.
    Clean(Content),
}

/// Whether an output may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retain {
    /// It may.
    No,
    /// It is forgotten instead.
    Yes,
}

/// Whether `--on-drift restore` came with `--target`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insistence {
    /// No.
    None,
    /// Yes: what was kept or merged is put back too.
    Restore,
}

/// Whether a file that loom did not write may become its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// No.
    Refused,
    /// `adopt:` or `--adopt`.
    Wanted,
}

/// What `removed:` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Nothing.
    Unsaid,
    /// The file goes.
    Delete,
    /// The file stays.
    Keep,
}

/// Whether an update would drop a stateful thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// No.
    None,
    /// Yes, and nobody named it.
    Unnamed,
}

/// What to do about one output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Nothing.
    Nothing,
    /// Write it where nothing is. Guard: absent.
    Create(Creation),
    /// Write it over what is there. Guard: what was observed.
    Update(Updating),
    /// Remove it. Guard: what was observed.
    Delete,
    /// Write no byte; the ledger records what is there.
    Adopt(Adopting),
    /// Write no byte; the ledger records the edit as accepted.
    Keep,
    /// Write no byte; the ledger drops the record.
    Forget(Forgetting),
    /// A person decides.
    Conflict(Conflict),
}

/// Why something is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Creation {
    /// It is new.
    New,
    /// Somebody removed it.
    Vanished,
}

/// Why something is updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Updating {
    /// The declaration changed.
    Changed,
    /// An edit is put back.
    Restored,
    /// An edit and the declaration's change are put together.
    Merged,
    /// Loom's keys are written, but for those that somebody had set otherwise before.
    Joined,
    /// Keys that are missing are written, and those that are there stay as they are.
    Completed,
}

/// Why something is adopted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Adopting {
    /// The file is what is desired already.
    Equal,
    /// The file is taken as it is.
    AsItIs,
    /// Nothing changes but whose it is: the record gets today's address, and keeps its hashes.
    Renamed,
}

/// Why something is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Forgetting {
    /// Neither file nor declaration is left: no action, the next apply drops the record.
    Gone,
    /// The file stays and is no longer loom's.
    LeftAlone,
}

/// Why a person must decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Conflict {
    /// The file was edited, and so was the declaration or nobody said what to do.
    Edited,
    /// It is to be deleted and holds an edit.
    DeletedButEdited,
    /// A file that loom did not write stands in its place.
    NotOurs,
    /// A symbolic link, a directory or a device stands in its place.
    Foreign,
    /// Its removal would strand something outside the repository.
    Stateful,
    /// The update destroys or replaces something outside the repository that no `removed:` permits.
    Component,
    /// A migration that was written may not change.
    Migration,
    /// An edit and the declaration changed the same thing.
    Merge,
    /// A newer loom wrote it, and this one would write older bytes back.
    Newer,
    /// An edit cannot be merged, because what loom rendered last is not to be had. It is never left
    /// out: where the history is all there, the plan is another.
    Base,
    /// Its keys cannot be set or taken out without touching something else.
    Unsafe,
    /// Keys that loom did not write are there with other values.
    KeysTaken,
    /// The markers of a block in its file make no pair, so that nobody but a person can tell what is
    /// loom's.
    Markers,
}

/// What to do about one output.
pub fn decide(
    policy: Policy,
    desired: Option<Content>,
    observed: &Observed,
    recorded: Option<Recorded>,
) -> Decision {
    use Decision::{Conflict as Refuse, Create, Delete, Forget, Nothing};
    let leaves =
        policy.retain == Retain::Yes || policy.own == Own::Once || policy.removal == Removal::Keep;
    let frozen = |n: Content, r: Content| policy.nature == Nature::Migration && n != r;
    match (desired, observed, recorded) {
        (None, Observed::Absent, None) => Nothing,
        (None, Observed::Absent, Some(_)) => Forget(Forgetting::Gone),
        (None, Observed::File(_) | Observed::Foreign(_) | Observed::Damaged(_), None) => Nothing,
        (None, Observed::File(_) | Observed::Foreign(_) | Observed::Damaged(_), Some(_))
            if leaves =>
        {
            Forget(Forgetting::LeftAlone)
        }
        (
            None,
            Observed::File(x),
            Some(Recorded {
                rendered: r,
                written: w,
                ..
            }),
        ) => match (*x == w && w == r, policy.removal) {
            (true, Removal::Unsaid) if policy.nature != Nature::Plain => Refuse(Conflict::Stateful),
            (true, Removal::Unsaid | Removal::Delete | Removal::Keep) => Delete,
            (false, Removal::Delete) if policy.on_drift == OnDrift::Restore => Delete,
            (false, Removal::Unsaid | Removal::Delete | Removal::Keep) => {
                Refuse(Conflict::DeletedButEdited)
            }
        },
        (None, Observed::Foreign(_), Some(_)) => Refuse(Conflict::Foreign),
        (None, Observed::Damaged(_), Some(_)) => Refuse(Conflict::Markers),
        (Some(_), Observed::Absent, None) => Create(Creation::New),
        (Some(_), Observed::Absent, Some(_)) if policy.own == Own::Once => Nothing,
        (Some(n), Observed::Absent, Some(Recorded { rendered: r, .. })) if frozen(n, r) => {
            Refuse(Conflict::Migration)
        }
        (Some(_), Observed::Absent, Some(_)) => Create(Creation::Vanished),
        (Some(_), Observed::Foreign(_) | Observed::Damaged(_), _) if policy.own == Own::Once => {
            Nothing
        }
        (Some(_), Observed::Foreign(_), _) => Refuse(Conflict::Foreign),
        (Some(_), Observed::Damaged(_), _) => Refuse(Conflict::Markers),
        (Some(n), Observed::File(x), None) => decide_stranger(policy, n == *x),
        (Some(n), Observed::File(x), Some(recorded)) => decide_known(policy, n, *x, recorded),
    }
}

/// The rows in which an output is desired and observed, and nothing is recorded.
fn decide_stranger(policy: Policy, is_equal: bool) -> Decision {
    match (is_equal, policy.fresh, policy.adoption) {
        (true, _, _) => Decision::Adopt(Adopting::Equal),
        (false, Fresh::Agrees, Adoption::Wanted) => Decision::Adopt(Adopting::AsItIs),
        (false, Fresh::Agrees, Adoption::Refused) if policy.own == Own::Once => {
            Decision::Adopt(Adopting::AsItIs)
        }
        (false, Fresh::Agrees, Adoption::Refused) => Decision::Conflict(Conflict::NotOurs),
        (false, Fresh::Lacks, _) => Decision::Create(Creation::New),
        (false, Fresh::Differs, _) => others(policy).unwrap_or(Decision::Update(Updating::Joined)),
    }
}

/// What is done where keys that are not recorded have other values; `None` where those stay.
fn others(policy: Policy) -> Option<Decision> {
    match (policy.insistence, policy.adoption) {
        (Insistence::Restore, _) => Some(restored(policy)),
        (Insistence::None, Adoption::Wanted) => None,
        (Insistence::None, Adoption::Refused) => Some(Decision::Conflict(Conflict::KeysTaken)),
    }
}

/// The rows in which an output is desired, observed and recorded.
fn decide_known(policy: Policy, n: Content, x: Content, recorded: Recorded) -> Decision {
    let Recorded {
        rendered: r,
        written: w,
        claim,
    } = recorded;
    let frozen = policy.nature == Nature::Migration && n != r;
    if n == x {
        return match (frozen, n == r && n == w && claim == Claim::Same) {
            (true, _) => Decision::Conflict(Conflict::Migration),
            (false, true) => Decision::Nothing,
            (false, false) => Decision::Adopt(Adopting::Equal),
        };
    }
    match (x == w, n == r, w == r) {
        (true, true, _) => as_left(policy, claim),
        _ if policy.own == Own::Once => recorded_as(claim),
        _ if frozen => Decision::Conflict(Conflict::Migration),
        (_, _, as_rendered) if policy.fresh == Fresh::Differs => {
            others(policy).unwrap_or_else(|| match (x == w, as_rendered) {
                (true, true) if policy.loss == Loss::Unnamed => {
                    Decision::Conflict(Conflict::Component)
                }
                (true, true) => Decision::Update(Updating::Joined),
                (true, false) | (false, _) => edited(policy, x),
            })
        }
        (true, false, true) => match policy.loss {
            Loss::None => Decision::Update(Updating::Changed),
            Loss::Unnamed => Decision::Conflict(Conflict::Component),
        },
        (true, false, false) | (false, _, _) => edited(policy, x),
    }
}

/// The file is as loom left it, merged or kept, and the declaration did not change since.
fn as_left(policy: Policy, claim: Claim) -> Decision {
    match policy.insistence {
        Insistence::Restore if policy.own != Own::Once => restored(policy),
        Insistence::Restore | Insistence::None => recorded_as(claim),
    }
}

/// What stands there stays, and the record is of today's declaration.
fn recorded_as(claim: Claim) -> Decision {
    match claim {
        Claim::Same => Decision::Nothing,
        Claim::Other => Decision::Adopt(Adopting::Renamed),
    }
}

/// Loom's text is put back over an edit, unless what the edit declares would be lost with it.
fn restored(policy: Policy) -> Decision {
    match policy.loss {
        Loss::None => Decision::Update(Updating::Restored),
        Loss::Unnamed => Decision::Conflict(Conflict::Component),
    }
}

fn edited(policy: Policy, x: Content) -> Decision {
    match policy.on_drift {
        OnDrift::Conflict => Decision::Conflict(Conflict::Edited),
        OnDrift::Restore if policy.fresh == Fresh::Differs && policy.loss == Loss::None => {
            Decision::Update(Updating::Joined)
        }
        OnDrift::Restore => restored(policy),
        OnDrift::Merge => match policy.merge {
            Merge::Clashes => Decision::Conflict(Conflict::Merge),
            Merge::NoBase => Decision::Conflict(Conflict::Base),
            Merge::Clean(merged) if merged == x => Decision::Keep,
            Merge::Clean(_) => Decision::Update(Updating::Merged),
        },
        OnDrift::Keep if policy.fresh != Fresh::Agrees => Decision::Update(Updating::Completed),
        OnDrift::Keep => Decision::Keep,
    }
}

/// What the ledger says once a decision was carried out: `None` where nothing is recorded. `left` is
/// what stands there then.
pub fn recorded_after(
    decision: Decision,
    n: Option<Content>,
    left: &Observed,
    before: Option<Recorded>,
) -> Option<Recorded> {
    let left = match left {
        Observed::File(content) => Some(*content),
        Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_) => None,
    };
    match (decision, n, left) {
        (Decision::Adopt(Adopting::Renamed), ..) => before.map(|before| Recorded {
            claim: Claim::Same,
            ..before
        }),
        (
            Decision::Create(_) | Decision::Update(_) | Decision::Adopt(_) | Decision::Keep,
            Some(rendered),
            Some(written),
        ) => Some(Recorded {
            rendered,
            written,
            claim: Claim::Same,
        }),
        (Decision::Delete | Decision::Forget(_), ..) => None,
        _ => before,
    }
}
