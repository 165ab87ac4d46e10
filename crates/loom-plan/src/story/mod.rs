//! Stories and their tasks, from any of the forms that they come in.
//!
//! In: the files that `stories` matches, and one from elsewhere (`--story FILE`). Out: one model,
//! sorted by code, and findings. How the forms are told apart is said in [`form`]; where a task's
//! artifacts stand, in [`artifacts`].
//!
//! Invariants: no two stories have one code, compared without case; every dependency names a task
//! that was read; artifacts of stories in `draft` or `cancelled` and of cancelled tasks are not
//! declared, so these tasks have no entries. The paths of a story are relative to the root.
//!
//! Deliberately not here: cycles and waiting (`graph`), which kinds there are (`intent`).

mod artifacts;
mod fence;
pub mod form;

pub use artifacts::BLOCK;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::addr::RepoPath;
use crate::credential;
use crate::diag::{Code, Diagnostic, Diagnostics, Hidden, did_you_mean, one_of};
use crate::input::{Input, load};
use crate::node;
use crate::project::read::{PROJECT_FILE, matching};
use crate::project::{Entry, Project};
use crate::stack::choices;
use crate::text::{Sources, Span};

choices! {
    /// How far a story is.
    StoryStatus {
        Draft = "draft", Planned = "planned", InProgress = "in_progress", Review = "review", Completed = "completed",
        Blocked = "blocked", Cancelled = "cancelled", Archived = "archived",
    }
    /// How far a task is.
    TaskStatus {
        Pending = "pending", InProgress = "in_progress", Completed = "completed", Blocked = "blocked", Failed = "failed",
        Cancelled = "cancelled",
    }
}

/// A work order.
#[derive(Clone, Debug)]
pub struct Story {
    /// Such as `ENT-001`.
    pub code: String,
    /// For people; the code where nobody wrote one.
    pub title: String,
    /// How far it is; `planned` where nobody says.
    pub status: StoryStatus,
    /// The file that it was read from.
    pub file: Arc<str>,
    /// Where its code stands.
    pub span: Span,
    /// In the order of the file.
    pub tasks: Vec<Task>,
    /// Why it is wanted.
    pub why: Option<String>,
    /// The keys that lead to what `loom handoff` writes into the file.
    pub handoff: &'static [&'static str],
}

/// A part of a story that one actor does.
#[derive(Clone, Debug)]
pub struct Task {
    /// Such as `T-015`, or a UUID in exports of the board.
    pub id: String,
    /// For people; the id where nobody wrote one.
    pub title: String,
    /// How far it is; `pending` where nobody says.
    pub status: TaskStatus,
    /// The actor.
    pub assigned_to: Option<String>,
    /// The tasks that come first, and where each is named.
    pub dependencies: Vec<(String, Span)>,
    /// What it declares; nothing where its story or the task itself is not to be declared.
    pub entries: Vec<Entry>,
    /// Where its id stands.
    pub span: Span,
}

impl StoryStatus {
    /// Whether the artifacts of such a story are declared.
    pub fn declares(self) -> bool {
        match self {
            Self::Draft | Self::Cancelled => false,
            Self::Planned
            | Self::InProgress
            | Self::Review
            | Self::Completed
            | Self::Blocked
            | Self::Archived => true,
        }
    }
}

/// A story from outside the globs. It replaces the story of the same code, or is one more.
#[derive(Clone, Debug)]
pub enum Extra<'a> {
    /// `--story FILE`, or `--story -` under a name that people will know.
    File {
        /// As shown to people.
        name: &'a str,
        /// Its text.
        text: Arc<str>,
    },
}

/// What one file gave.
struct Reading {
    story: Option<Story>,
    found: Diagnostics,
}

/// Reads all stories of a project, sorted by code.
pub fn read_all(
    project: &Project,
    input: &dyn Input,
    extra: Option<Extra<'_>>,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Vec<Story> {
    let first = sources.ids().count();
    let extra = extra.map(|extra| read_extra(&extra, project, sources));
    let replaced = extra
        .as_ref()
        .and_then(|reading| reading.story.as_ref())
        .map(|story| story.code.to_lowercase());
    let mut readings: Vec<Reading> = Vec::new();
    for path in matching(input, &project.stories, out) {
        if path.as_str() == PROJECT_FILE {
            continue;
        }
        let reading = read_file(&path, project, input, sources);
        let code = reading
            .story
            .as_ref()
            .map(|story| story.code.to_lowercase());
        if code.is_none() || code != replaced {
            readings.push(reading);
        }
    }
    let mut stories = Vec::new();
    for reading in readings.into_iter().chain(extra) {
        out.append(reading.found);
        if reading.story.is_none() {
            out.hide(Hidden::Stories);
            out.hide(Hidden::Declarations);
        }
        stories.extend(reading.story);
    }
    let stories = unique(stories, out);
    // a task of a file that cannot be read may be the one that is named
    if !out.hides(&Hidden::Stories) {
        check_dependencies(&stories, out);
    }
    credential::hide(sources, first, out);
    stories
}

fn read_file(
    path: &RepoPath,
    project: &Project,
    input: &dyn Input,
    sources: &mut Sources,
) -> Reading {
    let mut found = Diagnostics::default();
    let node = load(input, path, sources, &mut found);
    let story = node.and_then(|node| form::read(&node, project, sources, &mut found));
    Reading { story, found }
}

fn read_extra(extra: &Extra<'_>, project: &Project, sources: &mut Sources) -> Reading {
    let mut found = Diagnostics::default();
    let Extra::File { name, text } = extra;
    let id = sources.add(name, Arc::clone(text));
    let node = node::parse_one(sources, id, &mut found);
    let story = node.and_then(|node| form::read(&node, project, sources, &mut found));
    Reading { story, found }
}

/// Sorted by code; a second story of one code is an error that shows both.
fn unique(stories: Vec<Story>, out: &mut Diagnostics) -> Vec<Story> {
    let mut by_code: BTreeMap<String, Story> = BTreeMap::new();
    for story in stories {
        let key = story.code.to_lowercase();
        match by_code.get(&key) {
            Some(first) => {
                let message = format!(
                    "the story `{}` stands in two files: {} and {}",
                    story.code, first.file, story.file
                );
                let found = Diagnostic::new(Code::StoryTwice, message)
                    .at(story.span, "again here")
                    .at(first.span, "first here");
                out.push(found.help("remove one of the files, or give one story another code; codes are compared without case"));
            }
            None => {
                by_code.insert(key, story);
            }
        }
    }
    let mut stories: Vec<Story> = by_code.into_values().collect();
    stories.sort_by(|a, b| a.code.cmp(&b.code));
    stories
}

/// Tasks by what dependencies call them. Ids such as `T-001` are unique in a story only: an id is
/// a task of the same story where it has one, else one of another story.
#[derive(Debug)]
pub struct Tasks<'a> {
    by_id: BTreeMap<&'a str, Vec<(&'a Story, &'a Task)>>,
}

impl<'a> Tasks<'a> {
    /// The tasks of all stories.
    pub fn of(stories: &'a [Story]) -> Self {
        let mut by_id: BTreeMap<&str, Vec<(&Story, &Task)>> = BTreeMap::new();
        for (story, task) in stories
            .iter()
            .flat_map(|story| story.tasks.iter().map(move |task| (story, task)))
        {
            by_id
                .entry(task.id.as_str())
                .or_default()
                .push((story, task));
        }
        Self { by_id }
    }

    /// The task that a dependency in the story `code` names.
    pub fn find(&self, code: &str, id: &str) -> Option<(&'a Story, &'a Task)> {
        let named = self.by_id.get(id)?;
        named
            .iter()
            .find(|(story, _)| story.code == code)
            .or(named.first())
            .copied()
    }
}

fn check_dependencies(stories: &[Story], out: &mut Diagnostics) {
    let all = Tasks::of(stories);
    for story in stories {
        for task in &story.tasks {
            for (id, span) in task
                .dependencies
                .iter()
                .filter(|(id, _)| all.find(&story.code, id).is_none())
            {
                out.push(unknown_task(story, task, id, *span));
            }
        }
    }
}

fn unknown_task(story: &Story, task: &Task, id: &str, span: Span) -> Diagnostic {
    let message = format!(
        "the task `{}` depends on `{id}`, which is no task of any story",
        task.id
    );
    let found = Diagnostic::new(Code::UnknownTask, message).at(span, "");
    let own = || {
        story
            .tasks
            .iter()
            .map(|task| task.id.as_str())
            .filter(|own| *own != task.id)
    };
    match did_you_mean(id, own()) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None if own().next().is_none() => {
            found.help("take the dependency out; the story has no other task")
        }
        None => found.help(format!(
            "take it out, or name one of the story's tasks: {}",
            one_of(own().take(10))
        )),
    }
}
