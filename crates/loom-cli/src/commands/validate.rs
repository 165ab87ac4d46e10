//! `loom validate`: parse and compile only.

use std::io::Write;

use super::{Desk, Failure, pass, places};
use crate::cli::ReportFormat;
use crate::exit::Exit;
use crate::report::diagnostics;

/// Compiles everything and says what there is.
pub(crate) fn run(
    desk: &Desk<'_>,
    format: ReportFormat,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let mut compiled = pass::compile(desk, None)?;
    let warnings = places::check(&desk.root, &compiled.desired)?;
    compiled.warnings.extend(warnings);
    desk.steps.pause();
    match format {
        ReportFormat::Json => diagnostics::json(&compiled.warnings, &compiled.sources, out)?,
        ReportFormat::Text => {
            compiled.warn(desk.streams.err)?;
            let (outputs, stories) = (compiled.desired.outputs.len(), compiled.stories.len());
            let declarations = compiled.desired.ordered.declarations.len();
            let count = |count: usize, one: &str, many: &str| {
                format!("{count} {}", if count == 1 { one } else { many })
            };
            let stories = count(stories, "story", "stories");
            let artifacts = count(declarations, "artifact", "artifacts");
            writeln!(
                out,
                "The input is valid: {stories}, {artifacts}, {}.",
                count(outputs, "file", "files")
            )?;
        }
    }
    Ok(Exit::Done)
}
