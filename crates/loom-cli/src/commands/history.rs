//! `loom history`: what earlier runs did, all of them or one with its files.

use std::io::Write;

use loom_apply::UndoError;

use super::{Desk, Failure};
use crate::cli::ReportFormat;
use crate::exit::Exit;
use crate::report::history;

/// Lists the history, or shows the entry `id` of it.
pub(crate) fn run(
    desk: &Desk<'_>,
    id: Option<u64>,
    format: ReportFormat,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let past = loom_apply::history(&desk.root).map_err(UndoError::Trouble)?;
    let (stream, talk) = (desk.streams.out, desk.global.talk);
    match (id, format) {
        (None, ReportFormat::Text) => history::list(&past, stream, talk, out)?,
        (None, ReportFormat::Json) => history::list_json(&past, out)?,
        (Some(id), format) => {
            let entry = past
                .iter()
                .find(|entry| entry.id == id)
                .ok_or(UndoError::Unknown(id))?;
            let changes = loom_apply::changes(&desk.root, id)?;
            match format {
                ReportFormat::Text => history::show(entry, &changes, stream, out)?,
                ReportFormat::Json => history::show_json(entry, &changes, out)?,
            }
        }
    }
    Ok(Exit::Done)
}
