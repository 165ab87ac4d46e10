//! Parts of files that go elsewhere with their artifact, and the edits that they carry.
//!
//! In: a block or keys, and the record that they had in another file or under another address. Out:
//! the part at its new place, decided on the old record, and the deletion at the old one; of a block
//! that stays in its file its markers are renamed where they stand.
//!
//! Invariants: the deletion is planned only together with what is carried ([`keep_together`]); what
//! is carried was read and counted ([`super::merging`]), else it is a conflict, and both places stay.

use std::collections::BTreeSet;

use super::build::{Builder, Decided, Site, recorded};
use super::decide::{
    Adopting, Claim, Conflict, Creation, Decision, Merge, Policy, Recorded, Updating, decide,
};
use super::known::{Key, KnownRecord};
use super::owned::Keywise;
use super::{Cause, PartAction, Report, owned};
use crate::block::Damage;
use crate::intent::Declaration;
use crate::render::Output;
use crate::snapshot::{Content, Observed, Part};

/// What becomes of a part that moves.
enum Comes {
    /// This content is written at its new place.
    Written(Content),
    /// Loom's keys are written where they are, but for those that stay.
    Joined,
    /// No byte changes: the ledger alone learns of it.
    Recorded(Decision),
    /// A person decides.
    Stopped(Conflict),
    /// What is there goes along, and was not read yet.
    Unread,
}

impl Builder<'_> {
    /// A part whose artifact was somewhere else, or called otherwise.
    pub(super) fn part_moved(
        &self,
        site: Site<'_>,
        old: &KnownRecord,
        (decided, report): (&mut Vec<Decided>, &mut Report),
    ) {
        let output = site.output;
        let stays = old.record.path == output.place.path;
        let there = owned::seen_of(self.inputs, output, &old.record);
        let declaration = self.inputs.desired.declaration(output);
        let (keys, recorded, decision) = self.on_old_record(output, old, &there);
        self.count(output, &there, Some(recorded), report);
        let clash = clash_of_markers(site, old);
        let before = match there {
            Observed::File(before) if clash.is_none() => before,
            Observed::File(_) | Observed::Damaged(_) => {
                let causes = self.causes.of(declaration, decision, Some(old), true);
                return decided.push(stopped(output, old, (declaration, causes), clash));
            }
            // nothing can be carried: it is written anew, or what is in its way is said
            Observed::Absent | Observed::Foreign(_) => {
                return self.push(
                    Site {
                        here: &there,
                        keys: &Keywise::NONE,
                        ..site
                    },
                    decision,
                    Some(old),
                    decided,
                );
            }
        };
        let left = keys.stays(decision, &old.record.keys);
        let part = PartAction {
            address: declaration.address.clone(),
            part: output.part.clone(),
            removes: if stays {
                owned::unwanted(&old.record.keys, &output.keys)
            } else {
                Vec::new()
            },
            stays: left.clone(),
            bytes: None,
            left_to: output
                .delegated
                .as_ref()
                .map(|delegated| delegated.to.clone()),
            was: Some((old.record.path.clone(), old.record.part.clone())),
            decision,
            before: Some(before),
            after: Some(before),
            causes: self.causes.of(declaration, decision, Some(old), true),
        };
        let mut push = |part: PartAction, conflict, carries| {
            let mut it = Decided::new(output.place.path.clone(), None, part, conflict);
            it.carries = carries;
            decided.push(it);
        };
        let after = match self.comes(site, decision, before, stays) {
            Comes::Stopped(conflict) => return push(part, Some(conflict), false),
            Comes::Recorded(decision) => return push(PartAction { decision, ..part }, None, false),
            // what cannot be read cannot be carried
            Comes::Unread => {
                return push(part, Some(Conflict::Edited), true);
            }
            Comes::Written(after) => Some(self.written(output, after)),
            Comes::Joined => {
                owned::joined(self.inputs, output, (Some(&old.record), left.as_slice()))
            }
        };
        if stays {
            return push(
                PartAction {
                    decision: if is_joined(decision) {
                        decision
                    } else {
                        Decision::Update(Updating::Changed)
                    },
                    after,
                    ..part
                },
                None,
                false,
            );
        }
        let gone = PartAction {
            stays: Vec::new(),
            part: old.record.part.clone(),
            removes: owned::abandoned(self.inputs, &old.record),
            left_to: None,
            was: None,
            decision: Decision::Delete,
            after: None,
            ..part.clone()
        };
        push(
            PartAction {
                decision: Decision::Create(Creation::New),
                before: None,
                after,
                ..part
            },
            None,
            false,
        );
        decided.push(Decided::new(old.record.path.clone(), None, gone, None));
    }

    /// A part decided on the record that it had under another address, or in another file.
    fn on_old_record(
        &self,
        output: &Output,
        old: &KnownRecord,
        there: &Observed,
    ) -> (Keywise, Recorded, Decision) {
        let declaration = self.inputs.desired.declaration(output);
        let stays = old.record.path == output.place.path;
        let (claim, keys) = if stays {
            let keys = owned::keywise(self.inputs, output, Some(&old.record), there);
            (Claim::Other, keys)
        } else {
            (Claim::Same, Keywise::NONE)
        };
        let recorded = keys.counted(Recorded {
            claim,
            ..recorded(old, output, declaration)
        });
        let policy = Policy {
            fresh: keys.fresh,
            ..self.policy(output, Some(old))
        };
        let decision = decide(policy, Some(output.content), there, Some(recorded));
        let decision = self.unless_newer(decision, Some(old));
        (keys, recorded, decision)
    }

    fn comes(&self, site: Site<'_>, decision: Decision, before: Content, stays: bool) -> Comes {
        let output = site.output;
        let is_in_place = stays && matches!(output.part, Part::Keys(_));
        match decision {
            Decision::Conflict(conflict) => Comes::Stopped(conflict),
            Decision::Keep if is_in_place => Comes::Recorded(Decision::Keep),
            Decision::Nothing | Decision::Adopt(_) if is_in_place => {
                Comes::Recorded(Decision::Adopt(Adopting::Equal))
            }
            Decision::Update(Updating::Joined | Updating::Completed) => Comes::Joined,
            Decision::Update(Updating::Merged)
            | Decision::Nothing
            | Decision::Adopt(Adopting::Renamed)
            | Decision::Keep
                if before != output.content =>
            {
                match self.merge(output) {
                    Merge::Clean(content) => Comes::Written(content),
                    Merge::Clashes | Merge::NoBase => Comes::Unread,
                }
            }
            Decision::Nothing
            | Decision::Create(_)
            | Decision::Update(Updating::Changed | Updating::Restored | Updating::Merged)
            | Decision::Delete
            | Decision::Adopt(_)
            | Decision::Keep
            | Decision::Forget(_) => Comes::Written(output.content),
        }
    }
}

/// Whether keys are written beside others that stay.
fn is_joined(decision: Decision) -> bool {
    matches!(
        decision,
        Decision::Update(Updating::Joined | Updating::Completed)
    )
}

/// A block that would get, where it stands, markers that its file has already.
fn clash_of_markers(site: Site<'_>, old: &KnownRecord) -> Option<Damage> {
    let (Part::Block(from), Part::Block(to)) = (&old.record.part, &site.output.part) else {
        return None;
    };
    let is_taken = old.record.path == site.output.place.path && *site.here != Observed::Absent;
    is_taken.then(|| Damage::Both {
        from: from.clone(),
        to: to.clone(),
    })
}

/// A block that cannot move, because nobody can tell where it stands, or how it would be told from
/// another.
fn stopped(
    output: &Output,
    old: &KnownRecord,
    (declaration, causes): (&Declaration, Vec<Cause>),
    clash: Option<Damage>,
) -> Decided {
    let part = PartAction {
        address: declaration.address.clone(),
        part: output.part.clone(),
        removes: Vec::new(),
        stays: Vec::new(),
        bytes: None,
        left_to: None,
        was: Some((old.record.path.clone(), old.record.part.clone())),
        decision: Decision::Conflict(Conflict::Markers),
        before: None,
        after: None,
        causes,
    };
    let path = output.place.path.clone();
    let mut stopped = Decided::new(path, None, part, Some(Conflict::Markers));
    stopped.refused = clash.map(|clash| (clash.to_string(), None));
    stopped
}

/// Whether a part is a block that gets other markers where it stands.
pub(super) fn is_renamed(part: &PartAction) -> bool {
    matches!(
        (&part.part, &part.was, part.after),
        (Part::Block(_), Some(_), Some(_))
    )
}

/// The places that parts move from.
pub(super) fn moving(decided: &[Decided]) -> BTreeSet<Key> {
    decided
        .iter()
        .filter_map(|it| it.part.was.clone())
        .collect()
}

/// What is left of `before` once conflicts were left out: a part that does not come to its new place
/// does not go from its old one, and the other way round.
pub(super) fn keep_together(free: &mut Vec<Decided>, before: &BTreeSet<Key>) {
    let key = |it: &Decided| (it.path.clone(), it.part.part.clone());
    let (come, there): (BTreeSet<Key>, BTreeSet<Key>) =
        (moving(free), free.iter().map(key).collect());
    free.retain(|it| {
        let goes = !before.contains(&key(it)) || come.contains(&key(it));
        goes && it
            .part
            .was
            .as_ref()
            .is_none_or(|was| was.0 == it.path || there.contains(was))
    });
}
