//! `loom plan`: what apply would do.

use std::io::Write;

use loom_plan::plan::Outcome;

use super::{Desk, Failure, pass};
use crate::cli::{ExitStyle, Plan, apply_command};
use crate::exit::Exit;
use crate::report::{self, Presented};

/// Plans, shows the plan, and saves it where asked.
pub(crate) fn run(desk: &Desk<'_>, asked: &Plan, out: &mut dyn Write) -> Result<Exit, Failure> {
    let planned = pass::planned(desk, &asked.selection)?;
    let (outcome, contents) = (&planned.outcome, planned.bytes(&desk.root));
    if let (Some(file), Outcome::Ready(plan)) = (&asked.out, outcome) {
        pass::save(file, plan, &asked.selection, &contents)?;
    }
    let command = match outcome {
        Outcome::Ready(plan) => apply_command(desk.global, &asked.selection, asked.out.as_deref(), plan),
        Outcome::Converged(_) | Outcome::Blocked(_) => String::new(),
    };
    let prefix = desk.prefix();
    let presented = Presented {
        outcome,
        contents: &contents,
        apply: &command,
        prefix: &prefix,
        ordered: Some(&planned.compiled.desired.ordered),
    };
    report::plan(&presented, asked.style, (desk.streams.out, desk.global.talk), out)?;
    Ok(exit_of(outcome, asked.exit_style))
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
