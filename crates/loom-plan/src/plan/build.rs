//! Building the plan: every output decided, decisions put together by path.
//!
//! In: what is desired, seen and recorded, and what the run was asked to do. Out: an [`Outcome`].
//! One pass: [`candidates`](super::known) pick a record for every output, moves are looked for,
//! each output is decided, orphans are decided, actions are made by path, the digest is taken.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::cause::Causes;
use super::decide::{
    Adopting, Adoption, Conflict, Decision, Forgetting, Fresh, Insistence, Loss, Merge, Policy,
    Recorded, Removal, Retain, Updating, decide,
};
use super::known::{Known, KnownRecord};
use super::merging::{Purpose, Stand, ToMerge};
use super::owned::Keywise;
use super::scope::{Request, Standing};
use super::{
    Action, BlockedPlan, ByHand, Cause, Conflicting, Expect, Note, NoteKind, Outcome, PartAction,
    Plan, Report, Verb, carry, conflicting, damaged, digest, moves, owned, permission,
};
use crate::addr::RepoPath;
use crate::ledger::Owned;
use crate::merge::Clash;
use crate::project::{OnDrift, Own, Project, Removed};
use crate::provider::{Lost, Nature, Registry};
use crate::render::{Desired, Output};
use crate::snapshot::{Content, Observed, Part, Snapshot};
use crate::text::Sources;

/// What planning looks at.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The project.
    pub project: &'a Project,
    /// What is desired.
    pub desired: &'a Desired,
    /// What was seen.
    pub snapshot: &'a Snapshot,
    /// The ledger.
    pub ledger: &'a crate::ledger::Ledger,
    /// What is recorded, one record for each output.
    pub known: &'a Known,
    /// The kinds.
    pub registry: Registry<'a>,
    /// The texts, for positions.
    pub sources: &'a Sources,
    /// What the run was asked to do.
    pub request: &'a Request,
    /// The stories that count as loaded, by code.
    pub stories: &'a BTreeSet<String>,
    /// What an update of a stateful output would destroy or replace, permitted or not.
    pub losses: &'a Losses<'a>,
}

/// What an update of an output would destroy or replace: the output, and where its text stands now,
/// which of a move is its old path.
pub type Losses<'a> = dyn Fn(&Output, &RepoPath) -> Vec<Lost> + Sync + 'a;

/// One output or record, decided.
pub(super) struct Decided {
    pub(super) path: RepoPath,
    pub(super) from: Option<RepoPath>,
    pub(super) part: PartAction,
    pub(super) conflict: Option<Conflict>,
    /// Whether what is there goes along as it is.
    pub(super) carries: bool,
    /// Why its keys cannot be edited, and what a person changes in their place.
    pub(super) refused: Option<(String, Option<ByHand>)>,
}

impl Decided {
    pub(super) fn new(
        path: RepoPath,
        from: Option<RepoPath>,
        part: PartAction,
        conflict: Option<Conflict>,
    ) -> Self {
        Self {
            path,
            from,
            part,
            conflict,
            carries: false,
            refused: None,
        }
    }
}

/// Plans.
pub fn plan(inputs: Inputs<'_>) -> Outcome {
    let builder = Builder {
        inputs,
        causes: Causes::new(inputs),
        folded: OnceCell::new(),
    };
    let (outputs, managed) = (inputs.desired.outputs.len(), inputs.known.records().count());
    let mut report = Report {
        outputs,
        managed,
        ..Report::default()
    };
    let (records, orphans) = records(inputs);
    let moves = moves::find(inputs, &orphans);
    let (mut decided, mut snapshot) = (Vec::new(), inputs.snapshot.walk());
    for (output, known) in inputs.desired.outputs.iter().zip(records) {
        let path = &output.place.path;
        let old = moves.get(&(path, &output.part)).copied();
        let here = snapshot
            .to(path)
            .map_or(Observed::Absent, |seen| seen.part(&output.part));
        builder.desired(
            Site {
                output,
                from: None,
                here: &here,
                keys: &Keywise::NONE,
            },
            known,
            old,
            (&mut decided, &mut report),
        );
    }
    let settled = settled(&moves, &decided);
    let mut gone = Vec::new();
    for known in orphans {
        if !settled.contains(&known.record.key()) {
            builder.orphan(known, &mut decided, &mut gone, &mut report);
        }
    }
    report.notes.extend(permission::notes(inputs));
    report.notes.sort();
    report.notes.dedup();
    builder.causes.follow_references(
        &mut decided
            .iter_mut()
            .map(|it| &mut it.part)
            .collect::<Vec<_>>(),
    );
    finish(inputs, decided, gone, report)
}

/// The outputs whose edits are to be merged: those that would be decided by merging.
pub fn to_merge(inputs: Inputs<'_>) -> Vec<ToMerge> {
    let merges =
        |output: &Output| on_drift(inputs, inputs.desired.declaration(output)) == OnDrift::Merge;
    let moves_parts = inputs.known.records().any(|known| {
        known.record.part != Part::Whole
            && inputs
                .desired
                .find(&known.record.path, &known.record.part)
                .is_none()
    });
    if !moves_parts && !inputs.desired.outputs.iter().any(merges) {
        return Vec::new();
    }
    let builder = Builder {
        inputs,
        causes: Causes::new(inputs),
        folded: OnceCell::new(),
    };
    let (records, orphans) = records(inputs);
    let moves = moves::find(inputs, &orphans);
    let (mut decided, mut report) = (Vec::new(), Report::default());
    let old_of = |output: &Output| moves.get(&(&output.place.path, &output.part)).copied();
    let looks = |output: &Output| {
        merges(output) || (output.part != Part::Whole && old_of(output).is_some())
    };
    for (output, known) in inputs
        .desired
        .outputs
        .iter()
        .zip(records)
        .filter(|(output, _)| looks(output))
    {
        let (path, old) = (&output.place.path, old_of(output));
        let here = inputs.snapshot.part(path, &output.part);
        builder.desired(
            Site {
                output,
                from: None,
                here: &here,
                keys: &Keywise::NONE,
            },
            known,
            old,
            (&mut decided, &mut report),
        );
    }
    let wanted = |decided: Decided| {
        let at = decided.from.clone().unwrap_or_else(|| decided.path.clone());
        let (path, part) = decided
            .part
            .was
            .clone()
            .unwrap_or_else(|| (at, decided.part.part.clone()));
        let record = &inputs.known.get(&path, &part)?.record;
        let stand = Stand {
            path,
            part,
            keys: record.keys.clone(),
        };
        let purpose = if decided.carries {
            Purpose::Carry
        } else {
            Purpose::Merge
        };
        let output = (decided.path, decided.part.part);
        Some(ToMerge {
            output,
            stand,
            purpose,
            taken: decided.part.stays,
            rendered: record.rendered,
            observed: decided.part.before?,
        })
    };
    let is_wanted = |it: &Decided| it.carries || it.conflict == Some(Conflict::Merge);
    decided
        .into_iter()
        .filter(is_wanted)
        .filter_map(wanted)
        .collect()
}

/// The record that an output goes on from, by its place.
pub(super) type Moves<'a> = BTreeMap<(&'a RepoPath, &'a Part), &'a KnownRecord>;

/// What happens to edits of an artifact: the run's choice, else what is declared.
pub(super) fn on_drift(inputs: Inputs<'_>, declaration: &crate::intent::Declaration) -> OnDrift {
    inputs
        .request
        .on_drift
        .unwrap_or_else(|| declared_on_drift(inputs, declaration))
}

/// What is declared of edits of an artifact: its own choice, else the project's.
pub(super) fn declared_on_drift(
    inputs: Inputs<'_>,
    declaration: &crate::intent::Declaration,
) -> OnDrift {
    declaration.on_drift.unwrap_or(inputs.project.on_drift)
}

/// The record of each output, where it has one, and the records that no output has. Both are sorted
/// alike, so that one walk brings them together.
fn records(inputs: Inputs<'_>) -> (Vec<Option<&KnownRecord>>, Vec<&KnownRecord>) {
    let (mut records, mut orphans) = (inputs.known.records().peekable(), Vec::new());
    let of_output = |output: &Output| {
        let key = (&output.place.path, &output.part);
        orphans.extend(std::iter::from_fn(|| {
            records.next_if(|known| known.record.key() < key)
        }));
        records.next_if(|known| known.record.key() == key)
    };
    let found = inputs.desired.outputs.iter().map(of_output).collect();
    orphans.extend(records);
    (found, orphans)
}

/// The old places that their moves speak for: moved, or left alone with what stands against it. The
/// others, of outputs that are there already or are written anew, go by their own rows.
fn settled<'a>(moves: &Moves<'a>, decided: &[Decided]) -> BTreeSet<(&'a RepoPath, &'a Part)> {
    if moves.is_empty() {
        return BTreeSet::new();
    }
    let apart = |it: &&Decided| it.from.is_none() && it.part.was.is_none() && it.conflict.is_none();
    let apart: BTreeSet<_> = decided
        .iter()
        .filter(apart)
        .map(|it| (&it.path, &it.part.part))
        .collect();
    moves
        .iter()
        .filter(|(output, _)| !apart.contains(*output))
        .map(|(_, old)| old.record.key())
        .collect()
}

/// An output and what stands where it goes; of a move, where it comes from.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) output: &'a Output,
    pub(super) from: Option<&'a RepoPath>,
    pub(super) here: &'a Observed,
    pub(super) keys: &'a Keywise,
}

pub(super) struct Builder<'a> {
    pub(super) inputs: Inputs<'a>,
    pub(super) causes: Causes<'a>,
    /// The paths of the outputs as they fold, once something is to be removed.
    folded: OnceCell<BTreeMap<String, &'a RepoPath>>,
}

impl Builder<'_> {
    fn desired(
        &self,
        site: Site<'_>,
        known: Option<&KnownRecord>,
        old: Option<&KnownRecord>,
        (decided, report): (&mut Vec<Decided>, &mut Report),
    ) {
        let Site { output, here, .. } = site;
        let declaration = self.inputs.desired.declaration(output);
        let note = |kind| Note {
            address: declaration.address.clone(),
            path: Some(output.place.path.clone()),
            kind,
        };
        let moved_away = old.is_some_and(|old| !self.inputs.request.takes(&old.record.path));
        match self.inputs.request.standing_of(self.inputs, output) {
            standing if moved_away || standing == Standing::OutOfScope => {
                report.unseen += 1;
                return report.notes.push(note(NoteKind::OutOfScope));
            }
            Standing::Held(task) => return report.notes.push(note(NoteKind::Held(task))),
            Standing::Waiting(task) => report.notes.push(note(NoteKind::Waiting(task))),
            Standing::Free | Standing::OutOfScope => {}
        }
        if let Some(delegated) = &output.delegated {
            report
                .notes
                .push(note(NoteKind::Delegated(delegated.to.clone())));
        }
        match old {
            Some(old) if self.goes_on_as_part(site, old) => {
                return self.part_moved(site, old, (decided, report));
            }
            Some(old) if *here == Observed::Absent => {
                return self.moved(output, old, decided, report);
            }
            Some(_) | None => {}
        }
        // of a block whose markers somebody renamed by hand the old record counts on
        let renamed = old.filter(|_| matches!(output.part, Part::Block(_)));
        let renamed = renamed.filter(|old| old.record.path == output.place.path);
        let known = known.or(renamed);
        let keys = owned::keywise(self.inputs, output, known.map(|known| &known.record), here);
        let recorded = known.map(|known| keys.counted(recorded(known, output, declaration)));
        let policy = Policy {
            fresh: keys.fresh,
            ..self.policy(output, known)
        };
        let decision = decide(policy, Some(output.content), here, recorded);
        let decision = self.unless_newer(decision, known);
        self.count(output, here, recorded, report);
        self.push(
            Site {
                keys: &keys,
                ..site
            },
            decision,
            known,
            decided,
        );
    }

    /// Whether a part goes on from where it was: its new place is free, or it is the same file. A
    /// block whose markers have the new address already, and not the old one, is there.
    fn goes_on_as_part(&self, Site { output, here, .. }: Site<'_>, old: &KnownRecord) -> bool {
        let stays = old.record.path == output.place.path;
        match &output.part {
            Part::Whole => false,
            Part::Keys(_) => stays || *here == Observed::Absent,
            Part::Block(_) => {
                let there = self
                    .inputs
                    .snapshot
                    .part(&old.record.path, &old.record.part);
                *here == Observed::Absent || stays && there != Observed::Absent
            }
        }
    }

    /// An output whose artifact was somewhere else: decided on the old path's record.
    fn moved(
        &self,
        output: &Output,
        old: &KnownRecord,
        decided: &mut Vec<Decided>,
        report: &mut Report,
    ) {
        let there = self
            .inputs
            .snapshot
            .part(&old.record.path, &old.record.part);
        let policy = self.policy(output, Some(old));
        let recorded = Recorded {
            claim: super::decide::Claim::Same,
            ..recorded(old, output, self.inputs.desired.declaration(output))
        };
        let decision = decide(policy, Some(output.content), &there, Some(recorded));
        let decision = self.unless_newer(decision, Some(old));
        self.count(output, &there, Some(recorded), report);
        if decision == Decision::Nothing && !matches!(there, Observed::File(_)) {
            return;
        }
        let from = if there == Observed::Absent {
            None
        } else {
            Some(&old.record.path)
        };
        self.push(
            Site {
                output,
                from,
                here: &there,
                keys: &Keywise::NONE,
            },
            decision,
            Some(old),
            decided,
        );
    }

    /// What merging an output came to.
    pub(super) fn merge(&self, output: &Output) -> Merge {
        match self
            .inputs
            .desired
            .merges
            .get(&output.place.path, &output.part)
        {
            Some(Ok(merged)) => Merge::Clean(merged.content),
            Some(Err(clashes)) if clashes.iter().any(|it| matches!(it, Clash::NoBase(_))) => {
                Merge::NoBase
            }
            Some(Err(_)) | None => Merge::Clashes,
        }
    }

    pub(super) fn policy(&self, output: &Output, known: Option<&KnownRecord>) -> Policy {
        let declaration = self.inputs.desired.declaration(output);
        let project = self.inputs.project;
        let request = self.inputs.request;
        let adopts = project.adopt.iter().any(|adopt| {
            let same = adopt.address == declaration.address
                || adopt.address == declaration.address.family();
            same && adopt
                .path
                .as_ref()
                .is_none_or(|path| *path == output.place.path)
        });
        let nature = declaration.provider.spec().nature;
        let insists = request.insists_on(declaration);
        let on_drift = on_drift(self.inputs, declaration);
        // where loom's text is put back over an edit, what the edit declares may be lost
        let changes = insists
            || on_drift == OnDrift::Restore
            || known.is_some_and(|known| known.record.rendered != output.content);
        let stands = known.map_or(&output.place.path, |known| &known.record.path);
        Policy {
            own: declaration.own,
            retain: if declaration.retain {
                Retain::Yes
            } else {
                Retain::No
            },
            nature,
            on_drift,
            insistence: if insists {
                Insistence::Restore
            } else {
                Insistence::None
            },
            adoption: if adopts || request.adopts() {
                Adoption::Wanted
            } else {
                Adoption::Refused
            },
            removal: Removal::Unsaid,
            loss: if nature == Nature::Stateful
                && changes
                && !permission::unpermitted(
                    (self.inputs.project, self.inputs.ledger),
                    &declaration.address,
                    (self.inputs.losses)(output, stands),
                )
                .is_empty()
            {
                Loss::Unnamed
            } else {
                Loss::None
            },
            merge: self.merge(output),
            fresh: Fresh::Agrees,
        }
    }

    /// What is counted besides the actions: files that differ from what loom left.
    pub(super) fn count(
        &self,
        output: &Output,
        here: &Observed,
        recorded: Option<Recorded>,
        report: &mut Report,
    ) {
        let found = match here {
            Observed::File(content) => Some(*content),
            Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_) => None,
        };
        let Some(recorded) = recorded else { return };
        let declaration = self.inputs.desired.declaration(output);
        let mut note = |kind| {
            report.notes.push(Note {
                address: declaration.address.clone(),
                path: Some(output.place.path.clone()),
                kind,
            });
        };
        if found != Some(recorded.written) && found != Some(output.content) {
            match declaration.own {
                Own::Once => note(NoteKind::Once),
                Own::File | Own::Block | Own::Keys => report.drifted += 1,
            }
        } else if recorded.written != recorded.rendered
            && found == Some(recorded.written)
            && recorded.rendered == output.content
        {
            note(NoteKind::KeptEdit);
        }
    }

    pub(super) fn push(
        &self,
        site: Site<'_>,
        decision: Decision,
        known: Option<&KnownRecord>,
        decided: &mut Vec<Decided>,
    ) {
        let Site {
            output,
            from,
            here,
            keys,
        } = site;
        let before = match here {
            Observed::File(content) => Some(*content),
            Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_) => None,
        };
        let record = known.map(|known| &known.record);
        let stays = keys.stays(
            decision,
            record.map_or(&[], |record| record.keys.as_slice()),
        );
        let (mut decision, mut joined) = (decision, None);
        if let Decision::Update(how @ (Updating::Joined | Updating::Completed)) = decision {
            joined = owned::joined(self.inputs, output, (record, &stays));
            if joined == before {
                // nothing is missing: no byte changes
                decision = if how == Updating::Joined {
                    Decision::Adopt(Adopting::AsItIs)
                } else {
                    Decision::Keep
                };
            }
        }
        let (after, conflict) = match decision {
            Decision::Nothing if from.is_none() => return,
            Decision::Nothing | Decision::Adopt(_) | Decision::Keep => (before, None),
            Decision::Update(Updating::Merged) => match self.merge(output) {
                Merge::Clean(merged) => (Some(merged), None),
                Merge::Clashes => (before, Some(Conflict::Merge)),
                Merge::NoBase => (before, Some(Conflict::Base)),
            },
            Decision::Update(Updating::Joined | Updating::Completed) => (joined, None),
            Decision::Create(_) | Decision::Update(Updating::Changed | Updating::Restored) => {
                (Some(self.written(output, output.content)), None)
            }
            Decision::Delete | Decision::Forget(_) => (None, None),
            Decision::Conflict(conflict) => (before, Some(conflict)),
        };
        let declaration = self.inputs.desired.declaration(output);
        let causes = self.causes.of(declaration, decision, known, from.is_some());
        let removes = match decision {
            Decision::Create(_) | Decision::Update(_) => owned::unwanted(
                known.map_or(&[], |known| known.record.keys.as_slice()),
                &output.keys,
            ),
            Decision::Nothing
            | Decision::Delete
            | Decision::Adopt(_)
            | Decision::Keep
            | Decision::Forget(_)
            | Decision::Conflict(_) => Vec::new(),
        };
        let (address, part) = (declaration.address.clone(), output.part.clone());
        let left_to = output
            .delegated
            .as_ref()
            .map(|delegated| delegated.to.clone());
        let part = PartAction {
            address,
            part,
            removes,
            stays,
            bytes: None,
            left_to,
            was: None,
            decision,
            before,
            after,
            causes,
        };
        decided.push(Decided::new(
            output.place.path.clone(),
            from.cloned(),
            part,
            conflict,
        ));
    }

    /// A content as it is written: a part that makes its file gives it the mode that the artifact asks for.
    pub(super) fn written(&self, output: &Output, content: Content) -> Content {
        match self.inputs.snapshot.whole(&output.place.path) {
            Observed::Absent => Content {
                mode: output.place.mode,
                ..content
            },
            Observed::File(_) | Observed::Foreign(_) | Observed::Damaged(_) => content,
        }
    }

    /// A record that nothing declares any more.
    fn orphan(
        &self,
        known: &KnownRecord,
        decided: &mut Vec<Decided>,
        gone: &mut Vec<crate::ledger::Record>,
        report: &mut Report,
    ) {
        let record = &known.record;
        let note = |kind| Note {
            address: record.address.clone(),
            path: Some(record.path.clone()),
            kind,
        };
        let removed = self.removed(known);
        if removed.is_none()
            && !known
                .books
                .iter()
                .any(|code| code == crate::ledger::PROJECT || self.inputs.stories.contains(code))
        {
            return report
                .notes
                .push(note(NoteKind::NotLoaded(known.books.join(", "))));
        }
        match self.inputs.request.standing_of_record(self.inputs, known) {
            Standing::OutOfScope => return report.notes.push(note(NoteKind::OutOfScope)),
            Standing::Held(task) => return report.notes.push(note(NoteKind::Held(task))),
            Standing::Waiting(_) | Standing::Free => {}
        }
        let here = self.inputs.snapshot.part(&record.path, &record.part);
        let provider = self.inputs.registry.provider(record.address.kind());
        let policy = Policy {
            own: match record.own {
                Owned::As(own) => own,
                // nothing less than the file goes
                Owned::Data { .. } => Own::File,
            },
            retain: if record.retain {
                Retain::Yes
            } else {
                Retain::No
            },
            nature: provider.map_or(Nature::Plain, |provider| provider.spec().nature),
            on_drift: self.inputs.request.on_drift.unwrap_or(OnDrift::Conflict),
            insistence: Insistence::None,
            adoption: Adoption::Refused,
            removal: self.removal(known, removed),
            loss: Loss::None,
            merge: Merge::Clashes,
            fresh: Fresh::Agrees,
        };
        let recorded = Recorded {
            rendered: record.rendered,
            written: record.written,
            claim: super::decide::Claim::Same,
        };
        let decision = decide(policy, None, &here, Some(recorded));
        let decision = self.unless_newer(decision, Some(known));
        let before = match &here {
            Observed::File(content) => Some(*content),
            Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_) => None,
        };
        let conflict = match decision {
            Decision::Nothing => return,
            Decision::Forget(Forgetting::Gone) => return gone.push(record.clone()),
            Decision::Conflict(conflict) => Some(conflict),
            Decision::Create(_)
            | Decision::Update(_)
            | Decision::Delete
            | Decision::Adopt(_)
            | Decision::Keep
            | Decision::Forget(_) => None,
        };
        if before.is_some_and(|found| found != record.written) {
            report.drifted += 1;
        }
        let cause = removed.map_or(Cause::Undeclared, |removed| {
            Cause::Removed(self.inputs.sources.position(removed.span))
        });
        let after = if decision == Decision::Delete {
            None
        } else {
            before
        };
        let part = PartAction {
            address: record.address.clone(),
            part: record.part.clone(),
            removes: if decision == Decision::Delete {
                owned::abandoned(self.inputs, record)
            } else {
                Vec::new()
            },
            stays: Vec::new(),
            bytes: None,
            left_to: None,
            was: None,
            decision,
            before,
            after,
            causes: vec![cause],
        };
        decided.push(Decided::new(record.path.clone(), None, part, conflict));
    }

    /// What was decided, unless a newer loom wrote what is recorded: this one would write its own, older
    /// bytes back, or delete what it does not know.
    pub(super) fn unless_newer(&self, decision: Decision, known: Option<&KnownRecord>) -> Decision {
        match decision {
            Decision::Nothing | Decision::Forget(_) => decision,
            Decision::Create(_)
            | Decision::Update(_)
            | Decision::Delete
            | Decision::Adopt(_)
            | Decision::Keep
            | Decision::Conflict(_) => match known {
                Some(known) if conflicting::newer(self.inputs, known).is_some() => {
                    Decision::Conflict(Conflict::Newer)
                }
                Some(_) | None => decision,
            },
        }
    }

    fn removal(&self, known: &KnownRecord, removed: Option<&Removed>) -> Removal {
        let record = &known.record;
        match removed {
            _ if self.may_be_an_output(&record.path) || self.is_taken_over(record) => Removal::Keep,
            Some(removed) if removed.keep => Removal::Keep,
            Some(_) if permission::permits_removal(self.inputs, known) => Removal::Delete,
            Some(_) | None => Removal::Unsaid,
        }
    }

    /// Whether another output owns what a record is about: what is there has a new owner.
    fn is_taken_over(&self, record: &crate::ledger::Record) -> bool {
        self.inputs
            .desired
            .at(&record.path)
            .any(|output| match (&output.part, &record.part) {
                (Part::Whole, _) | (_, Part::Whole) => true,
                (Part::Block(_) | Part::Keys(_), Part::Block(_)) => false,
                (Part::Block(_) | Part::Keys(_), Part::Keys(_)) => {
                    owned::abandoned(self.inputs, record).is_empty()
                }
            })
    }

    /// Whether a path and that of an output, which differ in case only and hold the same, may be one
    /// file: where case does not count, removing the one would remove the other.
    fn may_be_an_output(&self, path: &RepoPath) -> bool {
        let Inputs {
            desired, snapshot, ..
        } = self.inputs;
        let folded = self.folded.get_or_init(|| {
            let paths = desired.outputs.iter().map(|output| &output.place.path);
            paths.map(|path| (path.folded(), path)).collect()
        });
        let output = folded.get(&path.folded()).filter(|output| **output != path);
        output.is_some_and(|output| snapshot.whole(path) == snapshot.whole(output))
    }

    /// The `removed:` that names a record's address or all of its stories.
    fn removed(&self, known: &KnownRecord) -> Option<&Removed> {
        self.inputs
            .project
            .removed
            .iter()
            .filter(|removed| removed.component.is_none())
            .find(|removed| permission::names(removed, known))
    }
}

pub(super) fn recorded(
    known: &KnownRecord,
    output: &Output,
    declaration: &crate::intent::Declaration,
) -> Recorded {
    let record = &known.record;
    let same = record.address == declaration.address
        && record.own == Owned::As(declaration.own)
        && record.retain == declaration.retain;
    let same = same && record.name == output.place.name.as_ref();
    let claim = if same {
        super::decide::Claim::Same
    } else {
        super::decide::Claim::Other
    };
    Recorded {
        rendered: record.rendered,
        written: record.written,
        claim,
    }
}

/// Decisions become actions by path; conflicts become conflicts, or are left out.
fn finish(
    inputs: Inputs<'_>,
    mut decided: Vec<Decided>,
    gone: Vec<crate::ledger::Record>,
    report: Report,
) -> Outcome {
    damaged::refuse(inputs, &mut decided);
    let mut emptied = owned::try_edits(inputs, &mut decided);
    let (conflicting, mut free): (Vec<Decided>, Vec<Decided>) =
        decided.into_iter().partition(|it| it.conflict.is_some());
    let mut conflicts: Vec<Conflicting> = conflicting
        .iter()
        .filter_map(|decided| conflicting::of(inputs, decided))
        .collect();
    let skips = inputs.request.skips_conflicts() && !conflicts.iter().any(Conflicting::holds_all);
    if !conflicts.is_empty() && skips {
        let ordered = &inputs.desired.ordered;
        let roots = conflicts
            .iter()
            .filter_map(|conflict| ordered.find(&conflict.address));
        let blocked: BTreeSet<_> = ordered
            .dependents(roots)
            .into_iter()
            .map(|index| &ordered.declarations[index].address)
            .collect();
        let paths: BTreeSet<&RepoPath> = conflicts.iter().map(|conflict| &conflict.path).collect();
        let moving = carry::moving(&free);
        free.retain(|decided| {
            !blocked.contains(&decided.part.address) && !paths.contains(&decided.path)
        });
        carry::keep_together(&mut free, &moving);
        // what is left of a file is edited without the rest
        emptied = owned::try_edits(inputs, &mut free);
        let (refused, left): (Vec<Decided>, Vec<Decided>) =
            free.into_iter().partition(|it| it.conflict.is_some());
        conflicts.extend(refused.iter().filter_map(|it| conflicting::of(inputs, it)));
        free = left;
    }
    let mut actions = actions(free, inputs.snapshot, &emptied);
    for action in &mut actions {
        owned::count_versions(inputs, action);
    }
    let digest = digest::of(&actions, inputs.request);
    match (actions.is_empty(), conflicts.is_empty(), skips) {
        (true, true, _) => Outcome::Converged(Report { gone, ..report }),
        (_, false, false) => Outcome::Blocked(BlockedPlan {
            actions,
            conflicts,
            report,
        }),
        (true, false, true) => Outcome::Blocked(BlockedPlan {
            actions,
            conflicts,
            report,
        }),
        (false, ..) => Outcome::Ready(Plan {
            spends: permission::spends(inputs, &actions),
            actions,
            digest: Some(digest),
            exceptions: Vec::new(),
            skipped: conflicts,
            gone,
            report,
        }),
    }
}

/// One action for each path: the parts of one file go together.
fn actions(
    decided: Vec<Decided>,
    snapshot: &Snapshot,
    emptied: &BTreeSet<RepoPath>,
) -> Vec<Action> {
    let mut by_path: BTreeMap<RepoPath, Vec<Decided>> = BTreeMap::new();
    for decided in decided {
        by_path
            .entry(decided.path.clone())
            .or_default()
            .push(decided);
    }
    let actions = by_path
        .into_iter()
        .map(|(path, parts)| action(path, parts, snapshot));
    // of a file that held nothing but keys of loom, nothing is left without them
    let emptied = |action: Action| {
        if emptied.contains(&action.path) {
            Action {
                verb: Verb::Delete,
                ..action
            }
        } else {
            action
        }
    };
    actions.map(emptied).collect()
}

fn action(path: RepoPath, decided: Vec<Decided>, snapshot: &Snapshot) -> Action {
    let from = decided.iter().find_map(|it| it.from.clone());
    let found = snapshot.to_the_byte(from.as_ref().unwrap_or(&path));
    let guard = found.map_or(Expect::Absent, Expect::Exactly);
    let parts: Vec<PartAction> = decided.into_iter().map(|it| it.part).collect();
    let is_written = |part: &&PartAction| part.before != part.after || carry::is_renamed(part);
    let writes = parts
        .iter()
        .filter(is_written)
        .find(|part| !matches!(part.decision, Decision::Forget(_)));
    let verb = match (from, writes.unwrap_or(&parts[0]), guard) {
        (Some(from), ..) => Verb::Move { from },
        (None, part, guard) => verb_of(part, guard),
    };
    Action {
        path,
        verb,
        expect: guard,
        parts,
    }
}

fn verb_of(part: &PartAction, guard: Expect) -> Verb {
    match (part.decision, &part.part, guard) {
        (Decision::Create(_), _, Expect::Absent) => Verb::Create,
        (Decision::Create(_) | Decision::Update(_), ..) => Verb::Update,
        (Decision::Delete, Part::Whole, _) => Verb::Delete,
        (Decision::Delete, Part::Block(_) | Part::Keys(_), _) => Verb::Update,
        (Decision::Adopt(_), ..) => Verb::Adopt,
        (Decision::Keep, ..) => Verb::Keep,
        (Decision::Forget(_) | Decision::Nothing | Decision::Conflict(_), ..) => Verb::Forget,
    }
}

/// The whole content that a path holds afterwards, where one output is the whole file.
pub fn content_after(action: &Action) -> Option<Content> {
    match action.parts.as_slice() {
        [
            PartAction {
                part: Part::Whole,
                left_to: None,
                after,
                ..
            },
        ] => *after,
        _ => None,
    }
}
