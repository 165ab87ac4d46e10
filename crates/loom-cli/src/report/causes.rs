//! Causes, conflicts and notes in words: the same in the text and in the JSON output.

use std::collections::BTreeMap;

use loom_plan::addr::RepoPath;
use loom_plan::diag::Code;
use loom_plan::plan::decide::Conflict;
use loom_plan::plan::upgrade::Upgrade;
use loom_plan::plan::{
    Action, Brake, Cause, Conflicting, Note, NoteKind, Outcome, Plan, Report, Verb,
};

/// Why something changes, as a clause.
pub(crate) fn clause(cause: &Cause) -> String {
    match cause {
        Cause::Setting {
            pointer,
            position: Some(position),
        } => format!("{pointer} changed, {position}"),
        Cause::Setting {
            pointer,
            position: None,
        } => format!("{pointer} was taken out"),
        Cause::Task {
            story,
            task,
            position,
        } => format!("task {task} of {story} asks for it, {position}"),
        Cause::Standing(position) => format!("declared in {position}"),
        Cause::BuiltIn => "loom keeps it in every repository".to_owned(),
        Cause::Edited => "edited by hand".to_owned(),
        Cause::Merged => "edited by hand, and merged".to_owned(),
        Cause::Vanished => "somebody removed it".to_owned(),
        Cause::KindVersion {
            kind,
            from,
            to,
            changes,
        } => step(kind, *from, *to, changes),
        Cause::RefersTo(address) => format!("refers to {address}, which changes"),
        Cause::Undeclared => "nothing declares it any more".to_owned(),
        Cause::Removed(position) => format!("`removed` names it, {position}"),
        Cause::Moved { from, position } => format!("moved from {from}, {position}"),
        Cause::Path(position) => format!("its path changed, {position}"),
        Cause::AlreadyThere => "the file is as declared already".to_owned(),
        Cause::Adopted => "taken over as it is".to_owned(),
        Cause::Delegated { to, raised } => {
            let said = raised.iter().map(|it| {
                let change = format!("{} → {}", it.from, it.to);
                [it.name.as_str(), &change].join(" ").trim().to_owned()
            });
            format!("left to {to}: {}", said.collect::<Vec<_>>().join(", "))
        }
        Cause::KeysLeft => "keys that were there with other values stay".to_owned(),
        Cause::ClaimChanged => "recorded under another address or with other keys".to_owned(),
    }
}

/// A step of a kind from a version to another, and what it changes.
fn step(kind: &str, from: u32, to: u32, changes: &[String]) -> String {
    let said = match changes {
        [] if from > to => "this loom is older than the one that wrote these files".to_owned(),
        [] => return format!("{kind} {from} → {to}"),
        changes => changes.join(" "),
    };
    format!("{kind} {from} → {to}: {said}")
}

/// What came with a newer loom, as one line.
pub(crate) fn upgrade_sentence(upgrade: &Upgrade<'_>) -> String {
    format!(
        "Generator upgraded: {}",
        step(upgrade.kind, upgrade.from, upgrade.to, upgrade.changes)
    )
}

/// The causes of an action, each once, in their order.
pub(crate) fn of(action: &Action) -> Vec<&Cause> {
    let mut causes: Vec<&Cause> = Vec::new();
    for cause in action.causes() {
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    causes
}

/// The first cause, and how many more there are.
pub(crate) fn short(action: &Action) -> String {
    match of(action).as_slice() {
        [] => String::new(),
        [only] => clause(only),
        [first, rest @ ..] => format!("{} (+{} more)", clause(first), rest.len()),
    }
}

/// What a conflict is about, as a clause.
pub(crate) fn conflict_clause(conflict: Conflict) -> &'static str {
    match conflict {
        Conflict::Edited => "edited by hand",
        Conflict::DeletedButEdited => "to be deleted, but edited by hand",
        Conflict::NotOurs => "a file that loom did not write is there",
        Conflict::Foreign => "no regular file is there",
        Conflict::Stateful => "its removal strands what it describes",
        Conflict::Component => "the update destroys or replaces what holds data",
        Conflict::Newer => "written by a newer loom",
        Conflict::Migration => "a migration may not change",
        Conflict::Merge => "edited by hand where loom changes it too",
        Conflict::Base => "edited by hand, and the base of a merge is missing",
        Conflict::Unsafe => "its keys cannot be changed safely",
        Conflict::KeysTaken => "keys of it are there with other values",
        Conflict::Markers => "the markers of a block are damaged",
    }
}

/// What happened, as sentences.
pub(crate) fn conflict_sentences(conflict: &Conflicting) -> String {
    let found = conflict
        .found
        .as_deref()
        .unwrap_or("something that is no regular file");
    match conflict.conflict {
        Conflict::Edited => "Somebody edited it, and loom would write something else. Writing it would lose the edit.".to_owned(),
        Conflict::DeletedButEdited => {
            "It is no longer declared, and somebody edited it. Deleting it would lose the edit.".to_owned()
        }
        Conflict::NotOurs => "Loom did not write the file that is there. Writing over it would lose what it holds.".to_owned(),
        Conflict::Foreign => format!("Loom writes regular files only, and {found} is there."),
        Conflict::Stateful => {
            "It is no longer declared. Without the file, what it describes outside the repository would go on with nobody \
             to manage it."
                .to_owned()
        }
        Conflict::Component => {
            "The update destroys or replaces something that exists outside the repository, and no entry of `removed` permits it."
                .to_owned()
        }
        Conflict::Newer => format!(
            "A newer loom wrote it: {}. This one would write its own, older text back.",
            conflict.found.as_deref().unwrap_or("this loom does not know its kind")
        ),
        Conflict::Migration => {
            "A migration that was written may have run somewhere, so it may never change. Write a new one instead.".to_owned()
        }
        Conflict::Merge => {
            format!("Somebody edited it, and the edit cannot be merged with what loom changes: {}.", conflict.clashes.join("; "))
        }
        Conflict::Base => format!(
            "Somebody edited it, and the edit cannot be merged [{}]: {}. Nothing else is planned either, because a clone \
             that has the base makes another plan.",
            Code::BaseMissing,
            conflict.clashes.join("; ")
        ),
        Conflict::KeysTaken => {
            format!("Keys that loom has never written are there with other values: {}. Writing loom's would lose those.", conflict.clashes.join("; "))
        }
        Conflict::Markers => format!(
            "The markers that say which lines are loom's make no pair, so that nothing is written to this file: {found}."
        ),
        Conflict::Unsafe => format!("Loom cannot change its keys here without touching what is not loom's: {found}."),
    }
}

/// The notes of an outcome by what they say, in the order of the kinds.
pub(crate) fn notes(outcome: &Outcome) -> BTreeMap<&NoteKind, Vec<&Note>> {
    let mut kinds: BTreeMap<&NoteKind, Vec<&Note>> = BTreeMap::new();
    for note in &outcome.report().notes {
        kinds.entry(&note.kind).or_default().push(note);
    }
    kinds
}

/// How the files stand that a plan with nothing to do has looked at, and no others. One that holds
/// an accepted edit is as somebody wanted it, and not as it is declared.
pub(crate) fn standing(report: &Report) -> String {
    let is_kept = |note: &&Note| note.kind == NoteKind::KeptEdit;
    let kept = report.notes.iter().filter(is_kept).count();
    let count = |number: usize, one: &str, many: &str| match number {
        1 => format!("1 file {one}"),
        number => format!("{number} files {many}"),
    };
    let looked = report.outputs.saturating_sub(report.unseen);
    let declared = looked.saturating_sub(kept);
    let said = match kept {
        0 if report.unseen > 0 => "as declared".to_owned(),
        0 => count(declared, "is as declared", "are as declared"),
        kept => format!(
            "{} as declared, and {} an edit that was accepted",
            count(declared, "is", "are"),
            count(kept, "holds", "hold")
        ),
    };
    match (report.unseen, kept) {
        (0, _) => said,
        (_, 0) => format!("{looked} of {} files looked at, and {said}", report.outputs),
        (_, _) => format!("{looked} of {} files looked at: {said}", report.outputs),
    }
}

/// What goes on outside the repository, with the file that no longer says it.
pub(crate) fn going_on(outcome: &Outcome) -> impl Iterator<Item = (&NoteKind, &RepoPath)> {
    let notes = outcome.report().notes.iter();
    notes.filter_map(|note| match note.kind {
        NoteKind::GoesOn { .. } => Some((&note.kind, note.path.as_ref()?)),
        NoteKind::Waiting(_)
        | NoteKind::Held(_)
        | NoteKind::NotLoaded(_)
        | NoteKind::OutOfScope
        | NoteKind::KeptEdit
        | NoteKind::Once
        | NoteKind::Delegated(_)
        | NoteKind::Unheld
        | NoteKind::Spent(_) => None,
    })
}

/// What is said of the notes of a kind.
pub(crate) fn note_sentence(kind: &NoteKind, notes: &[&Note]) -> String {
    let pick = |one: &'static str, many: &'static str| if notes.len() == 1 { one } else { many };
    let noun = if notes.iter().all(|note| note.path.is_some()) {
        pick("file", "files")
    } else {
        pick("artifact", "artifacts")
    };
    let subject = format!("{} {noun}", notes.len());
    match kind {
        NoteKind::Waiting(task) => format!(
            "{subject} {} for {task}, which is not completed",
            pick("waits", "wait")
        ),
        NoteKind::Held(task) => format!(
            "{subject} {} left alone until {task} is completed",
            pick("is", "are")
        ),
        NoteKind::NotLoaded(story) => {
            format!(
                "{subject} of {story}, a story that is not loaded, {} left alone",
                pick("is", "are")
            )
        }
        NoteKind::OutOfScope => format!("{subject} {} out of scope", pick("is", "are")),
        NoteKind::KeptEdit => format!(
            "{subject} {} an edit that was accepted",
            pick("holds", "hold")
        ),
        NoteKind::Delegated(to) => format!(
            "{subject} {} versions that are left to {to}",
            pick("has", "have")
        ),
        NoteKind::Unheld => format!(
            "the text of {subject} holds something that is hidden or left to somebody, so that nothing in \
             this saved plan proves it: `loom apply` looks at it again"
        ),
        NoteKind::GoesOn { what, end } => {
            format!("goes on outside the repository: {what} (to end it: `{end}`)")
        }
        NoteKind::Spent(place) => format!(
            "the entry of `removed`, {place}, was carried out and permits nothing any more; take it out"
        ),
        NoteKind::Once => format!(
            "{subject} {} created once and {} left alone",
            pick("was", "were"),
            pick("is", "are")
        ),
    }
}

/// That most of what loom manages would go, where somebody must say so first.
pub(crate) fn deletion_sentence(plan: &Plan) -> Option<String> {
    match plan.brake(None) {
        Brake::Many { deletions, managed } => Some(format!(
            "Most goes: {deletions} of the {managed} files that loom manages would be deleted."
        )),
        Brake::Free | Brake::Exceeded { .. } => None,
    }
}

/// The same, of an outcome: nothing is deleted where nothing can be applied.
pub(crate) fn deletion_warning(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Ready(plan) => deletion_sentence(plan),
        Outcome::Converged(_) | Outcome::Blocked(_) => None,
    }
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Summary {
    /// Files that come.
    pub(crate) create: usize,
    /// Files that change.
    pub(crate) update: usize,
    /// Files that go.
    pub(crate) delete: usize,
    /// Files that change their path.
    #[serde(rename = "move")]
    pub(crate) moved: usize,
    /// Files that are taken over as they are.
    pub(crate) adopt: usize,
    /// Edits that are accepted.
    pub(crate) keep: usize,
    /// Files that are no longer managed.
    pub(crate) forget: usize,
    /// Files in which what a person wrote is taken as good: kept, merged, or taken over as it is.
    pub(crate) accepted: usize,
    /// Outputs that somebody else changed or removed.
    pub(crate) drifted: usize,
    /// Conflicts.
    pub(crate) conflicts: usize,
    /// Outputs in all.
    pub(crate) outputs: usize,
    /// Outputs that the run was not asked about.
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) unseen: usize,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
pub(crate) fn is_none(count: &usize) -> bool {
    *count == 0
}

impl Summary {
    /// Counts an outcome.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let report = outcome.report();
        let mut summary = Self {
            drifted: report.drifted,
            conflicts: outcome.conflicts().len(),
            outputs: report.outputs,
            unseen: report.unseen,
            ..Self::default()
        };
        for action in outcome.actions() {
            summary.accepted += usize::from(action.accepts());
            *match action.verb {
                Verb::Create => &mut summary.create,
                Verb::Update => &mut summary.update,
                Verb::Delete => &mut summary.delete,
                Verb::Move { .. } => &mut summary.moved,
                Verb::Adopt => &mut summary.adopt,
                Verb::Keep => &mut summary.keep,
                Verb::Forget => &mut summary.forget,
            } += 1;
        }
        summary
    }

    /// What became of files, as a clause.
    pub(crate) fn changes(&self) -> String {
        let counts = [
            (self.create, "created"),
            (self.update, "updated"),
            (self.delete, "deleted"),
            (self.moved, "moved"),
            (self.adopt + self.keep, "recorded as they are"),
            (self.forget, "no longer managed"),
        ];
        let said: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let accepted = match self.accepted {
            0 => String::new(),
            accepted => format!(" ({})", accepted_edits(accepted)),
        };
        if said.is_empty() {
            "no managed file changes".to_owned()
        } else {
            said.join(", ") + &accepted
        }
    }
}

impl std::fmt::Display for Summary {
    /// What changes files is always said; the rest where there is some.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} to create, {} to update, {} to delete",
            self.create, self.update, self.delete
        )?;
        for (count, word) in [
            (self.moved, "move"),
            (self.adopt, "adopt"),
            (self.keep, "keep"),
            (self.forget, "forget"),
        ] {
            if count > 0 {
                write!(f, ", {count} to {word}")?;
            }
        }
        let plural = if self.conflicts == 1 { "" } else { "s" };
        write!(
            f,
            "; {} drifted; {} conflict{plural}",
            self.drifted, self.conflicts
        )?;
        match self.accepted {
            0 => Ok(()),
            accepted => write!(f, "; {}", accepted_edits(accepted)),
        }
    }
}

/// `1 accepted edit`, or `2 accepted edits`.
fn accepted_edits(count: usize) -> String {
    format!("{count} accepted edit{}", if count == 1 { "" } else { "s" })
}
