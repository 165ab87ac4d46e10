//! `loom handoff`: what was applied for a story, for the story's other readers.
//!
//! In: a story's code. Out: the section of the devops actor as JSON; or that section in the story's
//! own file, every other byte kept; or each task's files on the board. Exits 2 where the story is
//! not wholly applied, and 4 where a person must decide: the section says so too, and never names
//! what is not on the disk.
//!
//! Deliberately not here: what the section says (`loom_plan::handoff`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use loom_plan::addr::RepoPath;
use loom_plan::diag::Diagnostics;
use loom_plan::handoff::Applied;
use loom_plan::handoff::kept::keeping;
use loom_plan::handoff::section::Status;
use loom_plan::input::Input as _;
use loom_plan::keys::{Form, KeyPath, Step, format_of};
use loom_plan::node::{self, Node};
use loom_plan::story::Story;
use loom_plan::text::{SourceId, Sources, Span};
use serde_json::Value;

use super::{Desk, Failure, pass, rewrite_input};
use crate::cli::{Handoff as Asked, HandoffTo, Selection, StoryArg};
use crate::env;
use crate::exit::Exit;
use crate::report::json;

/// Derives the section and hands it over.
pub(crate) fn run(desk: &Desk<'_>, asked: &Asked, out: &mut dyn Write) -> Result<Exit, Failure> {
    let selection = Selection {
        story: Some(StoryArg::Code(asked.code.clone())),
        ..Selection::default()
    };
    let planned = pass::planned(desk, &selection)?;
    let (compiled, seen) = (&planned.compiled, &planned.seen);
    let code = compiled.story.as_deref().unwrap_or(&asked.code);
    let story = compiled.stories.iter().find(|story| story.code == code);
    let story = story.ok_or_else(|| {
        Failure::Environment(format!("there is no story `{code}` among the inputs"))
    })?;
    let applied = Applied::of(
        code,
        &compiled.project,
        &compiled.desired,
        (&seen.snapshot, &seen.known),
    );
    if applied.is_empty() {
        return Err(nothing(story));
    }
    let now = seen
        .ledger_files
        .iter()
        .find(|(name, _)| name == code)
        .map(|(_, text)| text.as_str());
    let past = env::past(&desk.root, code, now, &applied.paths()).map_err(Failure::Environment)?;
    let section = applied.section(&planned.outcome, &past);
    let kept = keeping(&section, there(desk, story).as_ref())
        .map_err(|error| Failure::Environment(error.to_string()))?;
    match asked.to {
        HandoffTo::Output => print(code, &kept, out)?,
        HandoffTo::Story => write(desk, story, &kept, out)?,
        HandoffTo::Board => attach(code, &applied.tasks(), out)?,
    }
    Ok(match section.status {
        Status::Completed => Exit::Done,
        Status::InProgress => {
            env::tell(&format!(
                "{code} is not wholly applied, and the section says so: see `loom plan --story {code}`"
            ));
            Exit::Changes
        }
        Status::Blocked => {
            env::tell(&format!(
                "somebody must decide about files of {code} first: see `loom plan --story {code}`"
            ));
            Exit::Conflicts
        }
    })
}

/// The failure for a story that declares no artifact.
fn nothing(story: &Story) -> Failure {
    let (code, file) = (&story.code, &story.file);
    Failure::Environment(if story.status.declares() {
        format!(
            "{code} declares no artifact, so that there is nothing to hand over: add `artifacts` to a task in {file}"
        )
    } else {
        let status = story.status.as_str();
        format!(
            "the story {code} is {status}, so that nothing of it is declared: change its `status` in {file}"
        )
    })
}

/// The section that stands in the story's file, where there is one that can be read.
fn there(desk: &Desk<'_>, story: &Story) -> Option<Value> {
    let path = RepoPath::new(&story.file).ok()?;
    let text = desk.root.read(&path).ok()?;
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let id = sources.add(path.as_str(), &*text);
    let documents = node::parse(&sources, id, &mut found);
    Some(documents.first()?.at(story.handoff)?.to_json())
}

fn print(code: &str, section: &Value, out: &mut dyn Write) -> Result<(), Failure> {
    #[derive(serde::Serialize)]
    struct Output<'a> {
        format_version: &'a str,
        story: &'a str,
        devops: &'a Value,
    }
    Ok(json::write(
        &Output {
            format_version: json::FORMAT_VERSION,
            story: code,
            devops: section,
        },
        out,
    )?)
}

/// Writes the section into the story's file, if it is not there already.
fn write(
    desk: &Desk<'_>,
    story: &Story,
    section: &Value,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let no = |why: String| {
        let (code, place) = (&story.code, story.handoff.join("."));
        Failure::Environment(format!(
            "the section cannot be written into {}: {why}\n  help: put `devops` of `loom handoff {code}` there by hand, as `{place}`",
            story.file
        ))
    };
    let path = RepoPath::new(&story.file).map_err(|error| no(error.to_string()))?;
    let before = desk
        .root
        .read(&path)
        .map_err(|error| no(error.to_string()))?;
    let after = with_section(&path, &before, story.handoff, section).map_err(no)?;
    if *before == *after {
        writeln!(out, "{path} says so already.")?;
        return Ok(());
    }
    rewrite_input(&desk.root, "handoff", &path, (&before, &after))?;
    writeln!(out, "Wrote `{}` into {path}.", story.handoff.join("."))?;
    Ok(())
}

/// The text of a story with the section at its place, every other byte kept.
fn with_section(
    path: &RepoPath,
    text: &str,
    place: &[&str],
    section: &Value,
) -> Result<String, String> {
    let format = format_of(loom_providers::FORMATS, path)
        .ok_or("its name ends neither in .json nor in .yaml or .yml")?;
    if matches!(format.read(text)?.form, Form::Scalar(_)) {
        return Err("the whole story stands in a JSON string there".to_owned());
    }
    let wanted = place.iter().rev().fold(
        section.clone(),
        |inner, key| serde_json::json!({ *key: inner }),
    );
    let wanted = match path.extension() {
        Some("json") => format!("{wanted:#}\n"),
        _ => loom_providers::emit::yaml::document(&Node::from_json(
            Span::start_of(SourceId::first()),
            &wanted,
        )),
    };
    format.put(
        text,
        &wanted,
        &KeyPath::new(
            place
                .iter()
                .map(|key| Step::Key((*key).to_owned()))
                .collect(),
        ),
    )
}

/// Attaches each task's files to it on the board, those left out that are there already.
fn attach(
    code: &str,
    tasks: &BTreeMap<&str, BTreeSet<&RepoPath>>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let known = board_tasks(code).map_err(Failure::Environment)?;
    if let Some(unknown) = tasks.keys().find(|id| !known.contains_key(**id)) {
        return Err(Failure::Environment(format!(
            "the board does not know the task {unknown} of {code}, so nothing was attached: \
             `loom story pull {code}` brings the story as the board has it"
        )));
    }
    let (mut attached, mut there) = (0, 0);
    for (id, paths) in tasks {
        for path in paths {
            let name = as_argument(path);
            if known[*id].contains(&name) {
                there += 1;
                continue;
            }
            env::board(&["task", "add-file", id, &name]).map_err(|why| {
                let help = "run this again when that is mended: what is attached is left out";
                Failure::Environment(format!(
                    "{why}\n  files attached before that: {attached}; {help}"
                ))
            })?;
            attached += 1;
        }
    }
    writeln!(
        out,
        "Files attached to tasks of {code} on the board: {attached} now, {there} already there."
    )?;
    Ok(())
}

/// A path that no program takes for an option.
fn as_argument(path: &RepoPath) -> String {
    // `--` does not help: the board's commands are nested, and the outer one takes it away
    if path.as_str().starts_with('-') {
        format!("./{path}")
    } else {
        path.to_string()
    }
}

/// The tasks of a story on the board, with the files that are attached to each.
fn board_tasks(code: &str) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let said = env::board(&["story", "show", code, "--json"])?;
    let garbage = || {
        format!(
            "what `board story show {code} --json` printed is not the story {code}, so nothing was attached"
        )
    };
    let mut story: Value = serde_json::from_str(&said).map_err(|_| garbage())?;
    if let Some(inner) = story.as_str() {
        story = serde_json::from_str(inner).map_err(|_| garbage())?;
    }
    if !story["code"]
        .as_str()
        .is_some_and(|said| said.eq_ignore_ascii_case(code))
    {
        return Err(garbage());
    }
    let mut tasks = BTreeMap::new();
    for task in story["tasks"].as_array().ok_or_else(garbage)? {
        let id = task["id"]
            .as_str()
            .filter(|id| !id.starts_with('-'))
            .ok_or_else(garbage)?;
        let files = task["files"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned);
        tasks.insert(id.to_owned(), files.collect());
    }
    Ok(tasks)
}
