//! What a person wrote is accepted only if it can be read.
//!
//! In: a file with an edit that is kept, merged, resolved or taken over, and the file as declared. Out:
//! findings that deny: the lines that a merge leaves around a conflict, and what the format of the
//! file cannot read, such as a key that stands twice, where the declared text can be read. Accepting
//! such a text would make it the new normal, and the next drift would be green.

use std::sync::Arc;

use loom_plan::check::Finding;
use loom_plan::diag::{Code, Diagnostic, Diagnostics, Severity};
use loom_plan::merge::has_markers;
use loom_plan::text::Sources;
use loom_plan::{keys, node};
use loom_providers::inspect;

use super::audit::{File, at, blank};
use super::pass::REGISTRY;

/// What stands against accepting a text.
pub(super) fn refused(file: &File, declared: Option<&File>) -> Vec<Finding> {
    if has_markers(&file.text) {
        let line = file
            .text
            .lines()
            .position(|line| line.starts_with("<<<<<<<"))
            .map(|at| at + 1);
        return vec![Finding {
            code: Code::Markers.as_str().to_owned(),
            severity: Severity::Error,
            message: "lines that a merge leaves around a conflict stand here".to_owned(),
            reason: "nobody decided yet which side holds, and no program reads such a file"
                .to_owned(),
            fix: "keep one side or both, and take the lines `<<<<<<<`, `=======` and `>>>>>>>` out"
                .to_owned(),
            line,
            ..blank(file)
        }];
    }
    if declared.is_some_and(|declared| !problems(declared).0.is_empty()) {
        return Vec::new();
    }
    let (found, sources) = problems(file);
    let finding = |problem: &Diagnostic| {
        let finding = Finding {
            code: Code::Unreadable.as_str().to_owned(),
            severity: Severity::Error,
            message: problem.message.clone(),
            reason: "an edit that cannot be read would be accepted, and everything that reads the file would fail"
                .to_owned(),
            fix: problem
                .help
                .clone()
                .unwrap_or_else(|| "mend the file by hand".to_owned()),
            ..blank(file)
        };
        match problem.labels.first() {
            Some(label) => at(finding, &sources, label.span),
            None => finding,
        }
    };
    found.iter().map(finding).collect()
}

/// What the format of a file says against it, and the text that it is in.
fn problems(file: &File) -> (Vec<Diagnostic>, Sources) {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let id = sources.add(&file.path, Arc::clone(&file.text));
    let is_data = [".yaml", ".yml", ".json"]
        .iter()
        .any(|end| file.path.ends_with(end));
    if is_data {
        drop(node::parse(&sources, id, &mut found));
    } else if inspect::is_known(&file.path) {
        drop(inspect::document(&file.path, id, &sources, &mut found));
    } else if let Some(format) = loom_plan::addr::RepoPath::new(&file.path)
        .ok()
        .and_then(|path| keys::format_of(REGISTRY.formats, &path))
        && let Err(why) = format.read(&file.text)
    {
        found.push(Diagnostic::new(
            Code::Unreadable,
            format!("this is not {}: {why}", format.name()),
        ));
    }
    let errors = found
        .into_iter()
        .filter(|problem| problem.severity() == Severity::Error);
    (errors.collect(), sources)
}
