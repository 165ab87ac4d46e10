//! `loom drift`: everything compared with the disk.

use std::io::Write;

use loom_plan::drift;

use super::{Desk, Failure, pass};
use crate::cli::{ReportFormat, Selection};
use crate::exit::Exit;
use crate::report::{json, text};

/// Compares and reports. Exit 0 only if the report is empty.
pub(crate) fn run(desk: &Desk<'_>, selection: &Selection, format: ReportFormat, out: &mut dyn Write) -> Result<Exit, Failure> {
    let planned = pass::planned(desk, selection)?;
    let (outcome, contents) = (&planned.outcome, planned.bytes(&desk.root));
    let drifted = drift::report(outcome);
    match format {
        ReportFormat::Text => {
            let (stream, talk) = (desk.streams.out, desk.global.talk);
            text::drift(&text::DriftText { outcome, drifted: &drifted, contents: &contents, stream, talk }, out)?;
        }
        ReportFormat::Json => json::drift(outcome, &drifted, &contents, out)?,
    }
    Ok(if drifted.is_empty() { Exit::Done } else { Exit::Changes })
}
