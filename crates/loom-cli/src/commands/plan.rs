//! `loom plan`: what apply would do.

use std::io::Write;
use std::path::Path;

use loom_plan::check::Finding;
use loom_plan::plan::digest::Choices;
use loom_plan::plan::{Action, Outcome, file};

use super::gate::Gate;
use super::{Desk, Failure, against, audit, pass, places, ways};
use crate::cli::{ExitStyle, Plan, Selection, apply_command};
use crate::env;
use crate::exit::Exit;
use crate::report::{self, Contents as _, Presented, Sides};

/// Plans, shows the plan, and saves it where asked.
pub(crate) fn run(desk: &Desk<'_>, asked: &Plan, out: &mut dyn Write) -> Result<Exit, Failure> {
    if let Some(reference) = &asked.against {
        return against::run(desk, asked, reference, out);
    }
    let mut planned = pass::planned(desk, &asked.selection)?;
    places::refuse_away(desk, &planned)?;
    ways::try_out(desk, &mut planned);
    let from = asked.selection.policies_from.as_deref();
    let gate = Gate::open(desk, Some(&planned.compiled), from)?.with_scans(&asked.sarif)?;
    let findings = audit::judge(&gate, &mut planned, desk)?;
    let (outcome, contents) = (&planned.outcome, planned.bytes(&desk.root));
    if let (Some(file), Outcome::Ready(plan)) = (&asked.out, outcome) {
        let choices = (&asked.selection, planned.choices());
        save_or_say(file, plan, choices, &contents)?;
    }
    let command = match outcome {
        Outcome::Ready(plan) => {
            apply_command(desk.global, &asked.selection, asked.out.as_deref(), plan)
        }
        Outcome::Converged(_) | Outcome::Blocked(_) => String::new(),
    };
    let prefix = desk.prefix();
    let presented = Presented {
        outcome,
        contents: &contents,
        apply: &command,
        prefix: &prefix,
        ordered: Some(&planned.compiled.desired.ordered),
        findings: &findings,
        basis: &gate.basis,
        compared: None,
        choices: Some(&planned.choices()),
    };
    report::plan(
        &presented,
        asked.style,
        (desk.streams.out, desk.global.talk),
        out,
    )?;
    Ok(if findings.iter().any(Finding::denies) {
        Exit::Denied
    } else {
        exit_of(outcome, asked.exit_style)
    })
}

/// Conflicts block; changes count where they were asked for.
fn exit_of(outcome: &Outcome, style: ExitStyle) -> Exit {
    match (outcome, style) {
        (Outcome::Converged(_), _) => Exit::Done,
        (Outcome::Blocked(_), _) => Exit::Conflicts,
        (Outcome::Ready(_), ExitStyle::Detailed) => Exit::Changes,
        (Outcome::Ready(_), ExitStyle::Plain) => Exit::Done,
    }
}

/// Saves a plan, unless it is denied: then nobody can approve it, and a file of an older plan stays.
fn save_or_say(
    file: &Path,
    plan: &loom_plan::plan::Plan,
    choices: (&Selection, Choices),
    contents: &pass::Bytes<'_>,
) -> Result<(), Failure> {
    if plan.digest.is_some() {
        return save(file, plan, choices, contents);
    }
    let name = file.display();
    env::tell(&format!("The plan is denied, and was not saved to {name}."));
    Ok(())
}

/// Saves a plan with the bytes of its actions.
fn save(
    file: &Path,
    plan: &loom_plan::plan::Plan,
    (selection, choices): (&Selection, Choices),
    contents: &pass::Bytes<'_>,
) -> Result<(), Failure> {
    let arguments = selection
        .arguments()
        .into_iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut text = Vec::new();
    let bytes = |action: &Action| {
        // the texts are there to be shown: apply renders its own
        let Sides { before, after } = contents.of(action);
        let side = |bytes: Vec<u8>| file::Side {
            shown: report::without_credentials(&bytes),
            bytes,
        };
        [before.map(side), after.map(side)]
    };
    file::write(plan, (arguments, choices), &bytes, &mut text)?;
    env::write_file(file, &text).map_err(|error| {
        Failure::Environment(format!("{} cannot be written: {error}", file.display()))
    })
}
