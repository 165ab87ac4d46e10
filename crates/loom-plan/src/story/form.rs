//! The forms that a story comes in, and how they are told apart.
//!
//! In: a file's node. Out: a [`Story`] and findings.
//!
//! | the file | is |
//! |---|---|
//! | has `story` | native: loom's own keys and no others |
//! | has `code` | an export of the board, `id` being a UUID |
//! | has `id`, and is JSON or has `context`, `actorSections` or `history` | a story file of the Loom SDLC |
//! | has `id` | native |
//! | is a string that holds JSON | whatever that JSON is |
//!
//! Unknown keys are errors in the native form, which is loom's own; files of other programs are
//! read tolerantly. In all of them null is absent, and statuses are compared without case, `-`
//! and `_`.

use std::collections::BTreeMap;

use super::{Story, StoryStatus, Task, TaskStatus, artifacts};
use crate::addr::{RepoPath, is_story_code};
use crate::diag::{Code, Diagnostic, Diagnostics, Hidden, did_you_mean, one_of};
use crate::node::{self, Node};
use crate::project::read::{PROJECT_FILE, entries};
use crate::project::{Entry, Project};
use crate::shape::{self, Field, Need, Shape, World};
use crate::text::{Sources, Span};

use Shape::{Any, List, Record, Scalar, Text};

/// The keys of a native story.
pub const STORY: &[Field] = &[
    Field::optional("story", Text, "its code, such as ENT-001"),
    Field::optional("id", Text, "its code, where `story` does not say it"),
    Field::default("title", Text, "the code", "for people"),
    Field::optional("why", Text, "why it is wanted"),
    Field::optional("description", Text, "for people"),
    Field::default(
        "status",
        Text,
        "planned",
        "draft, planned, in_progress, review, completed, blocked, cancelled or archived",
    ),
    Field::optional("tasks", List(&Record(TASK)), "what is to be done"),
    Field::optional(
        "devops",
        Any,
        "what `loom handoff --write` derives from what was applied; loom reads nothing of it",
    ),
];

/// The keys of a native task.
pub const TASK: &[Field] = &[
    Field::required("id", Text, "such as T-015, unique in the story"),
    Field::default("title", Text, "the id", "for people"),
    Field::optional(
        "description",
        Text,
        "for people; may hold fenced `loom` blocks",
    ),
    Field::optional("assignedTo", Text, "the actor"),
    Field::default(
        "status",
        Text,
        "pending",
        "pending, in_progress, completed, blocked, failed or cancelled",
    ),
    Field::optional("dependencies", List(&Text), "the tasks that come first"),
    Field::optional("artifacts", List(&Any), "what the task delivers"),
];

/// The keys that loom reads of a story in a file of another program.
const FOREIGN_STORY: &[Field] = &[
    Field::optional("title", Text, "for people"),
    Field::optional("status", Text, "how far it is"),
    Field::optional("tasks", List(&Any), "what is to be done"),
];
const FOREIGN_TASK: &[Field] = &[
    Field::required("id", Scalar, "the task's own id"),
    Field::optional("title", Text, "for people"),
    Field::optional("status", Text, "how far it is"),
    Field::optional("dependencies", List(&Scalar), "the tasks that come first"),
    Field::optional("artifacts", List(&Any), "what the task delivers"),
];

/// How often JSON may stand in a JSON string.
const MAX_WRAPPED: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Native,
    StoryFile,
    Board,
}

impl Form {
    /// The keys that lead to the section of the devops actor.
    fn handoff(self) -> &'static [&'static str] {
        match self {
            Self::Native => &["devops"],
            Self::StoryFile => &["actorSections", "devops"],
            // of the board's own format, this is what is left to other programs
            Self::Board => &["extensions", "devops"],
        }
    }
}

/// Reads a story from a file's node.
pub(super) fn read(
    node: &Node,
    project: &Project,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Story> {
    let node = &unwrapped(node, sources, out)?;
    let Some(form) = form_of(node, sources) else {
        out.push(no_form(node));
        return None;
    };
    check(
        node,
        form,
        World {
            sources,
            environments: &project.environment_names,
        },
        out,
    );
    let code = code(node, form, out)?;
    let text = |path: &[&str]| node.at(path).and_then(Node::as_str).map(str::to_owned);
    let status = status(node, StoryStatus::WORDS, out)
        .and_then(StoryStatus::parse)
        .unwrap_or(StoryStatus::Planned);
    let mut story = Story {
        title: text(&["title"]).unwrap_or_else(|| code.0.clone()),
        code: code.0,
        status,
        file: std::sync::Arc::clone(&sources.get(node.span.source).name),
        span: code.1,
        tasks: Vec::new(),
        why: text(&["why"]).or_else(|| text(&["context", "why"])),
        handoff: form.handoff(),
    };
    let mut ids: BTreeMap<String, Span> = BTreeMap::new();
    for node in node.get("tasks").and_then(Node::as_seq).unwrap_or_default() {
        let Some(task) = task(node, form, status, (project, &mut *sources, &mut *out)) else {
            out.hide(Hidden::Stories);
            out.hide(Hidden::Declarations);
            continue;
        };
        if let Some(first) = ids.insert(task.id.clone(), task.span) {
            let found = Diagnostic::new(
                Code::NameTaken,
                format!("the task `{}` stands twice in one story", task.id),
            );
            out.push(
                found
                    .at(task.span, "again here")
                    .at(first, "first here")
                    .help("give one of them another id"),
            );
        }
        story.tasks.push(task);
    }
    Some(story)
}

/// The JSON that stands in a string, as some commands of the board print it.
fn unwrapped(node: &Node, sources: &mut Sources, out: &mut Diagnostics) -> Option<Node> {
    let mut node = node.clone();
    for _ in 0..MAX_WRAPPED {
        let Some(text) = node
            .as_str()
            .filter(|text| text.trim_start().starts_with(['{', '[', '"']))
        else {
            break;
        };
        let id = sources.add_embedded(node.span, text);
        node = node::parse_one(sources, id, out)?;
    }
    Some(node)
}

fn form_of(node: &Node, sources: &Sources) -> Option<Form> {
    let has = |key: &str| node.get(key).is_some();
    let json = sources.slice(node.span).starts_with('{');
    match (has("story"), has("code"), has("id")) {
        (true, ..) => Some(Form::Native),
        (_, true, _) => Some(Form::Board),
        // one task of the board, as `board task show` prints it
        (_, _, true) if has("storyId") || has("activeStoryId") => None,
        (_, _, true) if json || has("context") || has("actorSections") || has("history") => {
            Some(Form::StoryFile)
        }
        (_, _, true) => Some(Form::Native),
        (false, false, false) => None,
    }
}

fn no_form(node: &Node) -> Diagnostic {
    let task = node.as_seq().is_some()
        || node.get("storyId").is_some()
        || node.get("activeStoryId").is_some();
    let (message, help) = if task {
        (
            "this is an export of the board, and not of a story",
            "write what `board story show CODE --json` prints, or run `loom story pull CODE`",
        )
    } else {
        (
            "this is no story: it has neither `story` nor `id` nor `code`",
            "begin with `story: CODE`, or take the file out of `stories` in loom.yaml",
        )
    };
    Diagnostic::new(Code::StoryForm, message)
        .at(
            Span {
                end: node.span.start.saturating_add(1).min(node.span.end),
                ..node.span
            },
            "",
        )
        .help(help)
}

fn check(node: &Node, form: Form, world: World<'_>, out: &mut Diagnostics) {
    match form {
        Form::Native => shape::check(node, &Record(STORY), "a story", world, out),
        Form::StoryFile | Form::Board => {
            check_known(node, FOREIGN_STORY, world, out);
            for task in node.get("tasks").and_then(Node::as_seq).unwrap_or_default() {
                check_known(task, FOREIGN_TASK, world, out);
            }
        }
    }
}

/// Checks the keys that loom reads and lets all others be.
fn check_known(node: &Node, fields: &[Field], world: World<'_>, out: &mut Diagnostics) {
    for field in fields {
        match node.get(field.name) {
            Some(value) => shape::check(value, &field.shape, field.name, world, out),
            None if field.need == Need::Required => {
                let found =
                    Diagnostic::new(Code::MissingKey, format!("`{}` is missing", field.name))
                        .at(node.span, "");
                out.push(found.help(format!("add `{}`: {}", field.name, field.doc)));
            }
            None => {}
        }
    }
}

/// The story's code and where it stands.
fn code(node: &Node, form: Form, out: &mut Diagnostics) -> Option<(String, Span)> {
    let key = match form {
        Form::Native if node.get("story").is_some() => "story",
        Form::Native | Form::StoryFile => "id",
        Form::Board => "code",
    };
    if let (Form::Native, "story", Some(id)) = (form, key, node.get("id")) {
        let found = Diagnostic::new(
            Code::BadValue,
            "`story` names the code of this story already",
        )
        .at(id.span, "");
        out.push(found.help("take `id` out"));
    }
    let said = node.get(key)?;
    let text = said.scalar_text()?;
    let is_taken = text.eq_ignore_ascii_case("project");
    if !is_taken && !is_story_code(&text) {
        let found = Diagnostic::new(Code::BadValue, format!("`{text}` is not a story's code"))
            .at(said.span, "");
        out.push(
            found.help("use letters, digits, `-`, `_` and `.`, at most 64, such as `ENT-001`"),
        );
        return None;
    }
    if is_taken {
        let message =
            "`project` stands for what loom.yaml itself declares, so no story can have this code";
        out.push(
            Diagnostic::new(Code::NameTaken, message)
                .at(said.span, "")
                .help("take another code, such as `ENT-001`"),
        );
        return None;
    }
    Some((text.into_owned(), said.span))
}

/// The word of `status`, however it was written.
fn status(
    node: &Node,
    words: &'static [&'static str],
    out: &mut Diagnostics,
) -> Option<&'static str> {
    let said = node.get("status")?;
    let text = said.as_str()?;
    let fold = |text: &str| text.trim().replace(['-', '_', ' '], "").to_lowercase();
    let known = words.iter().copied().find(|word| fold(word) == fold(text));
    if known.is_none() {
        let message = format!(
            "`{text}` is not a status; it may be {}",
            one_of(words.iter().copied())
        );
        let found = Diagnostic::new(Code::BadValue, message).at(said.span, "");
        out.push(
            match did_you_mean(&text.to_lowercase(), words.iter().copied()) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found.help("write one of these words; case, `-` and `_` do not matter"),
            },
        );
    }
    known
}

fn task(
    node: &Node,
    form: Form,
    story: StoryStatus,
    (project, sources, out): (&Project, &mut Sources, &mut Diagnostics),
) -> Option<Task> {
    if node.as_map().is_none() && form != Form::Native {
        let message = format!("a task must be a mapping, and this is {}", node.type_name());
        out.push(
            Diagnostic::new(Code::WrongType, message)
                .at(node.span, "")
                .help("write `{ id: …, title: … }`"),
        );
    }
    let id_node = node.get("id")?;
    let id = id_node.scalar_text()?.into_owned();
    let text = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let status = status(node, TaskStatus::WORDS, out)
        .and_then(TaskStatus::parse)
        .unwrap_or(TaskStatus::Pending);
    let dependencies = node
        .get("dependencies")
        .and_then(Node::as_seq)
        .unwrap_or_default();
    Some(Task {
        title: text("title").unwrap_or_else(|| id.clone()),
        id,
        status,
        assigned_to: text("assignedTo"),
        dependencies: dependencies
            .iter()
            .filter_map(|node| Some((node.scalar_text()?.into_owned(), node.span)))
            .collect(),
        entries: declared(
            node,
            story.declares() && status != TaskStatus::Cancelled,
            project,
            sources,
            out,
        ),
        span: id_node.span,
    })
}

/// What a task declares. Where it is not to be declared only credentials are looked for.
fn declared(
    task: &Node,
    declares: bool,
    project: &Project,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Vec<Entry> {
    if !declares {
        let mut found = Diagnostics::default();
        artifacts::of(task, sources, &mut found);
        out.extend(
            found
                .into_iter()
                .filter(|found| found.code == Code::Credential),
        );
        return Vec::new();
    }
    let nodes = artifacts::of(task, sources, out);
    let root = RepoPath::new(PROJECT_FILE).expect("a constant path in normal form");
    entries(
        &nodes,
        &root,
        World {
            sources,
            environments: &project.environment_names,
        },
        out,
    )
}
