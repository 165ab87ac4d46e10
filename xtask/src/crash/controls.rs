//! Looms that leave out a step of the protocol: the suites must catch them.
//!
//! A suite that finds nothing proves something only if it would have found something. The barriers
//! have their controls in the suites about power loss, which alone can miss them. That a sound loom is
//! not caught is what the suite `races` says.

use crate::Outcome;
use crate::crash::Lab;
use crate::crash::races::{When, run_with};
use crate::crash::report::Report;

/// What `LOOM_SABOTAGE` says, what is left out then, and the races that have to show it.
type Control = (&'static str, &'static str, fn(&When) -> bool);

const CONTROLS: &[Control] = &[
    ("verify", "what was displaced is not looked at", |when| {
        matches!(when, When::Meanwhile { .. })
    }),
    (
        "target",
        "recovery decides by what the target holds, not by the slot",
        |when| matches!(when, When::ThenKilled { .. }),
    ),
];

pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let mut report = Report::default();
    for (sabotage, what, races) in CONTROLS {
        let found = run_with(lab, &lab.sabotaged(sabotage)?, "controls", races)?;
        report.tests(1);
        match found.violations() {
            0 => report.violation(format!(
                "the control `{sabotage}` ({what}) was not caught by the suite `races`"
            )),
            caught => report.note(format!(
                "`{sabotage}` ({what}): caught in {caught} of {} races",
                found.runs()
            )),
        }
    }
    Ok(report)
}
