//! `loom doctor`: what this machine and file system give, and what stands in loom's way, for all that
//! is recorded and all that is declared.
//!
//! Reads, tries and says; it settles nothing and takes no lock, so that it runs whatever happened.

use std::io::Write;

use loom_apply::Standing;
use loom_plan::addr::RepoPath;
use loom_plan::diag::{Diagnostics, Severity};
use loom_plan::ledger::Ledger;

use super::{Desk, Failure, pass, places, with_help};
use crate::cli::ReportFormat;
use crate::env;
use crate::exit::Exit;
use crate::report::doctor::{self, Line};

/// Looks at everything. Exit 1 only where something is missing.
pub(crate) fn run(
    desk: &Desk<'_>,
    format: ReportFormat,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let managed = managed(desk);
    let mut known = managed.clone().unwrap_or_default();
    let desired = pass::rendered(&desk.root);
    let outputs = desired.iter().flat_map(|desired| &desired.outputs);
    known.extend(outputs.map(|output| output.place.path.clone()));
    let findings = loom_apply::doctor(&desk.root, &known)
        .map_err(|trouble| Failure::Environment(with_help(&trouble)))?;
    let mut lines: Vec<Line> = findings.iter().map(Line::from).collect();
    lines.push(Line::of_git(env::git_version()));
    lines.push(Line::of_ledger(&managed));
    let unread = desired
        .as_ref()
        .map(|desired| places::unread(&desk.root, desired));
    lines.extend(unread.map(|unread| Line::of_unread(&unread)));
    desk.steps.pause();
    match format {
        ReportFormat::Text => doctor::text(&lines, desk.streams.out.colour, out)?,
        ReportFormat::Json => doctor::json(&lines, out)?,
    }
    let is_missing = lines.iter().any(|line| line.standing == Standing::Missing);
    Ok(if is_missing { Exit::Error } else { Exit::Done })
}

/// The paths that the ledger names; or why it cannot be read, and what to do about it.
fn managed(desk: &Desk<'_>) -> Result<Vec<RepoPath>, (String, String)> {
    let restore = "restore it from Git (`git checkout HEAD -- .loom/ledger`)";
    let files = desk
        .root
        .ledger()
        .map_err(|error| (error.to_string(), restore.to_owned()))?;
    let mut found = Diagnostics::default();
    let ledger = Ledger::read(&files, &mut found);
    if let Some(error) = found
        .into_iter()
        .find(|found| found.severity() == Severity::Error)
    {
        return Err((
            error.message,
            error.help.unwrap_or_else(|| restore.to_owned()),
        ));
    }
    Ok(ledger
        .records()
        .map(|(_, record)| record.path.clone())
        .collect())
}
