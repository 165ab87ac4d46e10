//! `loom validate`: parse and compile only.

use std::io::Write;

use loom_plan::addr::RepoPath;
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::ledger;

use super::{Desk, Failure, pass};
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
    warn_ignored_ledger(desk, &mut compiled);
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

/// A ledger that Git ignores is lost with the next clone.
fn warn_ignored_ledger(desk: &Desk<'_>, compiled: &mut pass::Compiled) {
    let path = RepoPath::new(&format!("{}/{}.jsonl", ledger::FOLDER, ledger::PROJECT))
        .expect("the ledger's path is one");
    if loom_apply::is_ignored(&desk.root, &path) {
        let found = Diagnostic::new(
            Code::LedgerIgnored,
            "Git ignores the ledger, so that the next clone would not have it",
        );
        compiled.warnings.push(found.help(format!(
            "take {}/ out of .gitignore, and commit it",
            ledger::FOLDER
        )));
    }
}
