//! `loom rollback`: one entry of the history is undone, all of it or nothing.
//!
//! What is in the way is said before anybody is asked. Undoing is an entry of its own, so that it
//! can be undone too.

use std::io::Write;

use loom_apply::{Approved, Cause, CommitError, Past, Stop, UndoError};

use super::{Desk, Failure, leftovers, pass, take_lock, with_help, with_kept};
use crate::cli::{Confirmation, Rollback};
use crate::env;
use crate::exit::Exit;
use crate::report::history;

/// Stages the undoing, shows it, has it confirmed, and carries it out.
pub(crate) fn run(desk: &Desk<'_>, asked: &Rollback, out: &mut dyn Write) -> Result<Exit, Failure> {
    let root = &desk.root;
    pass::requires(desk)?;
    let lock = take_lock(root, desk.global.lock_timeout)?;
    let past = loom_apply::history(root).map_err(UndoError::Trouble)?;
    let entry = entry(&past, asked.id)?;
    let (cause, stop) = (
        Cause {
            command: "rollback".to_owned(),
            digest: None,
        },
        Stop::default(),
    );
    let approved = Approved {
        root,
        lock,
        changes: Vec::new(),
        cause,
        durability: asked.durability,
        stop: stop.clone(),
    };
    if asked.confirmation == Confirmation::Given {
        env::heed_signals_by(&stop)?;
    }
    let staged = approved
        .stage_undo(entry.id)
        .map_err(|failed| failed.error)?;
    history::undo(entry, &staged.changes(), desk.streams.out.colour, out)?;
    out.flush()?;
    confirm(asked, &stop)?;
    let committed = staged.commit().map_err(in_words_of_a_rollback)?;
    writeln!(
        out,
        "\nRolled back entry {}. `loom rollback {}` undoes that.",
        entry.id, committed.id
    )?;
    writeln!(out, "{}", then(&past, entry))?;
    leftovers(&committed).try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(Exit::Done)
}

/// The entry that is meant.
fn entry(past: &[Past], id: Option<u64>) -> Result<&Past, Failure> {
    match id {
        Some(id) => Ok(past
            .iter()
            .find(|entry| entry.id == id)
            .ok_or(UndoError::Unknown(id))?),
        None => loom_apply::newest(past).ok_or_else(|| {
            Failure::Environment(
                "there is nothing to roll back; `loom history` lists what earlier runs did"
                    .to_owned(),
            )
        }),
    }
}

/// A person says `yes`, or said it before. While one is asked, a signal ends loom at once: nothing has changed yet.
fn confirm(asked: &Rollback, stop: &Stop) -> Result<(), Failure> {
    if asked.confirmation == Confirmation::Given {
        return Ok(());
    }
    if !env::has_person() {
        let how = "nobody is here to say `yes`, so nothing was rolled back: give --yes";
        return Err(Failure::Environment(how.to_owned()));
    }
    if env::confirms("Roll this back?")? {
        return env::heed_signals_by(stop);
    }
    Err(Failure::Environment(
        "nothing was rolled back, because the answer was not `yes`".to_owned(),
    ))
}

/// What a plan will say after an entry is undone: the input is another matter than the files.
fn then(past: &[Past], undone: &Past) -> &'static str {
    let applied = |entry: &Past| entry.command == "apply";
    let is_again = undone
        .undoes
        .is_some_and(|id| past.iter().any(|entry| entry.id == id && applied(entry)));
    match (applied(undone), is_again) {
        (true, _) => {
            "The input still asks for it: `loom plan` shows it as something to do, until loom.yaml and the stories change."
        }
        (false, true) => "If the input still asks for it, `loom plan` now has nothing to do.",
        (false, false) => "`loom plan` shows what the input asks for now.",
    }
}

/// Committing speaks of an apply and its plan: here neither was.
fn in_words_of_a_rollback(error: CommitError) -> Failure {
    match error {
        CommitError::Stale { stale, kept } => {
            let stale = stale
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ");
            let said = format!(
                "something changed during the rollback, and everything is as it was before it: {stale}"
            );
            Failure::Stale(with_kept(&said, &kept))
        }
        CommitError::Stopped { kept } => Failure::RolledBack(with_kept(
            "the rollback was interrupted, and everything is as it was before it",
            &kept,
        )),
        other @ (CommitError::PutBack { .. }
        | CommitError::Unfinished { .. }
        | CommitError::Undecided(_)) => other.into(),
    }
}

impl From<UndoError> for Failure {
    fn from(error: UndoError) -> Self {
        let text = error.to_string();
        match error {
            UndoError::Unknown(_)
            | UndoError::Unreadable(_)
            | UndoError::Undone { .. }
            | UndoError::Again { .. } => Self::Environment(text),
            UndoError::Changed { .. } => Self::Stale(text),
            UndoError::Stage(error) => error.into(),
            UndoError::Trouble(trouble) => Self::Environment(with_help(&trouble)),
        }
    }
}
