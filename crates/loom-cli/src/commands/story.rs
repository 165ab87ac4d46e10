//! `loom story pull`: the board's export of a story, into the repository.
//!
//! What is planned and approved is always text in the repository: this command writes nothing that
//! `stories` would not read, and no second file of a story.

use std::io::Write;

use loom_apply::Root;
use loom_plan::addr::RepoPath;
use loom_plan::diag::{Code, Diagnostic, Diagnostics};
use loom_plan::input::{Globs, Input as _, Memory};
use loom_plan::project::{Project, read};
use loom_plan::story;
use loom_plan::text::Sources;

use super::{Failure, write_inputs};
use crate::env;
use crate::exit::Exit;

/// Runs `board story show CODE --json` and writes what it prints to `stories/CODE.json`.
pub(crate) fn pull(code: &str, root: &Root, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let project = read::read(root, &mut sources, &mut found);
    let Some(project) = project else {
        return Err(Failure::Input(Box::new((sources, found))));
    };
    let path = RepoPath::new(&format!("stories/{code}.json"))
        .map_err(|error| Failure::Environment(error.to_string()))?;
    let globs: Vec<String> = project
        .stories
        .iter()
        .map(|pattern| pattern.glob.clone())
        .collect();
    if path.parent() != Some("stories") || !Globs::new(&globs).matches(&path) {
        let message = format!(
            "no glob of `stories` in loom.yaml matches {path}, so loom would never read it; add `{path}` there"
        );
        return Err(Failure::Environment(message));
    }
    refuse_second_file((code, &path), root, &project)?;
    let export = env::board(&["story", "show", code, "--json"]).map_err(Failure::Environment)?;
    let text = check(code, &path, &project, &export)?;
    let old = root.read(&path).unwrap_or_default();
    if *old == *text {
        writeln!(out, "{path} is up to date.")?;
        return Ok(Exit::Done);
    }
    let loses_handoff = has_handoff(&old) && !has_handoff(&text);
    write_inputs(root, "story pull", &[(path.clone(), text)])?;
    writeln!(
        out,
        "Wrote {path}. See what it asks for with: loom plan --story {code}"
    )?;
    if loses_handoff {
        writeln!(
            out,
            "The section of `loom handoff` is not on the board: bring it back with: loom handoff {code} --write"
        )?;
    }
    Ok(Exit::Done)
}

/// One story in two files stops every other command, so that a second one is never written.
fn refuse_second_file(
    (code, path): (&str, &RepoPath),
    root: &Root,
    project: &Project,
) -> Result<(), Failure> {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let stories = story::read_all(project, root, None, &mut sources, &mut found);
    let mut others = stories.iter().filter(|story| {
        story.code.eq_ignore_ascii_case(code) && story.file.as_ref() != path.as_str()
    });
    let Some(other) = others.next() else {
        return Ok(());
    };
    let (code, file) = (&other.code, &other.file);
    let message =
        format!("the story {code} is in {file} already, and with {path} it would be in two files");
    Err(Failure::of(
        Diagnostic::new(Code::StoryTwice, message).help(format!(
            "nothing was written: change {file} by hand, or take its story out with `git rm {file}` and pull {code} again"
        )),
    ))
}

/// Whether an export holds what `loom handoff --write` puts there.
fn has_handoff(export: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(export)
        .is_ok_and(|story| story.pointer("/extensions/devops").is_some())
}

/// The export as it is written, if it is a story of this code that can be read.
fn check(code: &str, path: &RepoPath, project: &Project, export: &str) -> Result<String, Failure> {
    let text = format!("{}\n", export.trim_end());
    let only = Memory([(path.clone(), text.as_str().into())].into());
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let stories = story::read_all(project, &only, None, &mut sources, &mut found);
    if found.has_errors() {
        return Err(Failure::Input(Box::new((sources, found))));
    }
    if stories
        .iter()
        .any(|story| story.code.eq_ignore_ascii_case(code))
    {
        Ok(text)
    } else {
        Err(Failure::Environment(format!(
            "what the board printed is not the story {code}, so nothing was written"
        )))
    }
}
