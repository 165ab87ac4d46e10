//! `loom drift`: everything compared with the disk.

use std::io::Write;

use loom_plan::addr::RepoPath;
use loom_plan::drift;
use loom_plan::snapshot::{Content, Observed, Part};

use super::{Desk, Failure, pass, ways};
use crate::cli::{DriftFormat, Selection};
use crate::exit::Exit;
use crate::report::drift::{Report, junit, markdown, text};
use crate::report::json;

/// Compares and reports. Exit 0 only if the report is empty, and 1 where something could not be
/// compared.
pub(crate) fn run(
    desk: &Desk<'_>,
    selection: &Selection,
    format: DriftFormat,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let mut planned = pass::planned(desk, selection)?;
    ways::try_out(desk, &mut planned);
    let (outcome, contents) = (&planned.outcome, planned.bytes(&desk.root));
    let drifted = drift::report(outcome, &|path, part| sides(&planned, path, part));
    let report = Report::new(outcome, &drifted, &contents);
    match format {
        DriftFormat::Text => text::write(&report, desk.streams.out, desk.global.talk, out)?,
        DriftFormat::Json => json::drift(&report, out)?,
        DriftFormat::Markdown => markdown::write(&report, out)?,
        DriftFormat::Junit => junit::write(&report, &outputs(&planned), out)?,
    }
    Ok(match (report.errors(), drifted.is_empty()) {
        (0, true) => Exit::Done,
        (0, false) => Exit::Changes,
        (_, _) => Exit::Error,
    })
}

/// What stands where an edit is, and what is declared there.
fn sides(planned: &pass::Planned, path: &RepoPath, part: &Part) -> [Option<Content>; 2] {
    let observed = match planned.seen.snapshot.part(path, part) {
        Observed::File(content) => Some(content),
        Observed::Absent | Observed::Foreign(_) | Observed::Damaged(_) => None,
    };
    // where nobody can tell which lines are loom's nothing is written, and nothing is to be compared
    let seen = planned.seen.snapshot.0.get(path);
    if seen.is_some_and(|seen| seen.damages().next().is_some()) {
        return [observed, None];
    }
    let desired = planned
        .compiled
        .desired
        .find(path, part)
        .map(|output| output.content);
    [observed, desired]
}

/// The path and the address of every output that is declared.
fn outputs(planned: &pass::Planned) -> Vec<(String, String)> {
    let desired = &planned.compiled.desired;
    let outputs = desired.outputs.iter();
    outputs
        .map(|output| {
            (
                output.place.path.to_string(),
                desired.declaration(output).address.to_string(),
            )
        })
        .collect()
}
