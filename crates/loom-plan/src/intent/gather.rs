//! What project and stories declare, each thing once.
//!
//! In: the entries of loom.yaml, its includes and the stories. Out: one [`Gathered`] for each
//! (kind, name), with all places that ask for it; equal declarations are one, different ones are
//! an error unless one says `replaces`.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::addr::{Address, Name};
use crate::diag::{Code, Diagnostic, Diagnostics, Hidden, did_you_mean};
use crate::node::Node;
use crate::project::{Entry, Project, Shared};
use crate::provider::{Registry, Subject};
use crate::shape::{self, World};
use crate::story::{Story, Task, TaskStatus, Tasks};
use crate::text::Span;

/// Who asks for something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Story and task; `None` for a standing declaration.
    pub task: Option<TaskName>,
    /// The tasks that are not completed and come first.
    pub waiting: Vec<String>,
    /// The tasks that come first, completed or not.
    pub after: Vec<TaskName>,
    /// Where.
    pub span: Span,
}

/// A task by the story's code and its own id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskName {
    /// The story's code.
    pub story: String,
    /// The task's id.
    pub id: String,
    /// What the task is called.
    pub title: String,
}

impl TaskName {
    /// What a person calls it: the id, or the title where the id is a UUID of the board's.
    pub fn label(&self) -> String {
        let is_uuid = self.id.len() == 36
            && self
                .id
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if is_uuid {
            format!("\"{}\"", self.title)
        } else {
            self.id.clone()
        }
    }
}

/// One blueprint or artifact that is asked for.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The declaration.
    pub entry: Entry,
    /// Who asks for it, in order.
    pub origins: Arc<Vec<Origin>>,
}

impl Gathered {
    /// `kind.name`.
    pub fn address(&self) -> Address {
        Address::new(&self.entry.kind, self.entry.name.clone(), None)
    }
}

/// Everything that is asked for, by kind and name in the order of the inputs.
pub fn gather(
    project: &Project,
    stories: &[Story],
    registry: Registry<'_>,
    world: World<'_>,
    out: &mut Diagnostics,
) -> Vec<Gathered> {
    let mut all: Vec<Gathered> = Vec::new();
    for entry in &project.entries {
        let origin = Origin {
            task: None,
            waiting: Vec::new(),
            after: Vec::new(),
            span: entry.settings.span,
        };
        all.push(Gathered {
            entry: entry.clone(),
            origins: Arc::new(vec![origin]),
        });
    }
    let statuses = Tasks::of(stories);
    for story in stories {
        for task in &story.tasks {
            let origins = [origin(story, task, &statuses)];
            all.extend(task.entries.iter().map(|entry| {
                let origins = origins
                    .iter()
                    .map(|origin| Origin {
                        span: entry.settings.span,
                        ..origin.clone()
                    })
                    .collect();
                Gathered {
                    entry: entry.clone(),
                    origins: Arc::new(origins),
                }
            }));
        }
    }
    all.retain(|gathered| {
        let is_good = is_well_formed(gathered, project, registry, world, out);
        if !is_good {
            let entry = &gathered.entry;
            let kind = registry
                .provider(&entry.kind)
                .map(|_| entry.kind.to_string());
            if kind.is_none() {
                out.hide(Hidden::Parts(entry.name.clone()));
            }
            out.hide(Hidden::Declared {
                kind,
                name: Some(entry.name.clone()),
            });
        }
        is_good
    });
    unite(all, stories, out)
}

fn task_name(story: &Story, task: &Task) -> TaskName {
    TaskName {
        story: story.code.clone(),
        id: task.id.clone(),
        title: task.title.clone(),
    }
}

fn origin(story: &Story, task: &Task, known: &Tasks<'_>) -> Origin {
    let before: Vec<(TaskName, TaskStatus)> = task
        .dependencies
        .iter()
        .filter_map(|(id, _)| known.find(&story.code, id))
        .filter(|(_, before)| before.status != TaskStatus::Cancelled)
        .map(|(other, before)| (task_name(other, before), before.status))
        .collect();
    Origin {
        task: Some(task_name(story, task)),
        waiting: before
            .iter()
            .filter(|(_, status)| *status != TaskStatus::Completed)
            .map(|(name, _)| name.label())
            .collect(),
        after: before.iter().map(|(name, _)| name.clone()).collect(),
        span: task.span,
    }
}

/// Whether the kind exists and the entry has the keys of its level.
fn is_well_formed(
    gathered: &Gathered,
    project: &Project,
    registry: Registry<'_>,
    world: World<'_>,
    out: &mut Diagnostics,
) -> bool {
    let entry = &gathered.entry;
    let before = out
        .iter()
        .filter(|found| found.severity() == crate::diag::Severity::Error)
        .count();
    let mut is_about_something = true;
    if let Some(service) = &entry.service
        && !project.services.contains_key(service)
    {
        is_about_something = false;
        if !out.hides(&Hidden::Services) {
            out.push(unknown_service(
                service.as_str(),
                entry.settings.span,
                project,
            ));
        }
    }
    let shared = &entry.shared;
    let blueprint = registry.blueprint(&entry.kind);
    if let Some(blueprint) = blueprint {
        shape::check(
            &entry.settings,
            &shape::Shape::Record(blueprint.spec().settings),
            &entry.kind,
            world,
            out,
        );
        out.extend(wrong_subject(entry, blueprint.spec().subject));
        let foreign = [
            ("each", shared.each.as_ref()),
            ("path", shared.path.as_ref()),
        ];
        for (key, node) in foreign
            .into_iter()
            .filter_map(|(key, node)| Some((key, node?)))
        {
            let found = Diagnostic::new(
                Code::UnknownKey,
                format!(
                    "`{key}` is a key of artifacts, and `{}` is a blueprint",
                    entry.kind
                ),
            );
            out.push(found.at(node.span, "").help(
                "patch the path of one of its parts by `with`, or declare the artifact itself",
            ));
        }
    } else if registry.provider(&entry.kind).is_some() {
        let foreign = [
            ("environments", shared.environments.as_ref(), "each: [NAME]"),
            ("with", shared.with.as_ref(), "the setting itself"),
        ];
        for (key, node, instead) in foreign
            .into_iter()
            .filter_map(|(key, node, instead)| Some((key, node?, instead)))
        {
            let found = Diagnostic::new(
                Code::UnknownKey,
                format!(
                    "`{key}` is a key of blueprints, and `{}` is an artifact",
                    entry.kind
                ),
            );
            out.push(found.at(node.span, "").help(format!("use `{instead}`")));
        }
    } else {
        out.push(unknown_kind(&entry.kind, entry.settings.span, registry));
    }
    if !out.hides(&Hidden::Environments) {
        check_environments(shared.environments.as_ref(), project, out);
    }
    is_about_something
        && before
            == out
                .iter()
                .filter(|found| found.severity() == crate::diag::Severity::Error)
                .count()
}

/// A blueprint names a service if it is about one, and only then.
fn wrong_subject(entry: &Entry, subject: Subject) -> Option<Diagnostic> {
    let kind = &entry.kind;
    let (found, help) = match (subject, &entry.service) {
        (Subject::Service, Some(_)) | (Subject::Project, None) => return None,
        (Subject::Service, None) => (
            Diagnostic::new(
                Code::MissingKey,
                format!("`service` is missing: a `{kind}` is about a service"),
            ),
            "add `service: NAME`".to_owned(),
        ),
        (Subject::Project, Some(service)) => (
            Diagnostic::new(
                Code::UnknownKey,
                format!(
                    "a `{kind}` is about the whole project, and this one names the service `{service}`"
                ),
            ),
            "take `service` out, and give it a `name`".to_owned(),
        ),
    };
    Some(found.at(entry.settings.span, "").help(help))
}

/// `environments: [NAME]` names environments of the project.
fn check_environments(chosen: Option<&Node>, project: &Project, out: &mut Diagnostics) {
    for node in chosen.and_then(Node::as_seq).unwrap_or_default() {
        let name = node.as_str().unwrap_or_default();
        if !project
            .environments
            .iter()
            .any(|environment| environment.name.as_str() == name)
        {
            out.push(unknown_environment(name, node.span, project));
        }
    }
}

/// The finding that an environment is not one of the project's.
pub fn unknown_environment(name: &str, span: Span, project: &Project) -> Diagnostic {
    let known = || {
        project
            .environments
            .iter()
            .map(|environment| environment.name.as_str())
    };
    let found = Diagnostic::new(
        Code::UnknownEnvironment,
        format!("the project has no environment `{name}`"),
    )
    .at(span, "");
    found.help(nearest(name, known(), "its environments are"))
}

/// The finding that a service is not one of the project's.
pub fn unknown_service(name: &str, span: Span, project: &Project) -> Diagnostic {
    let known = || project.services.keys().map(Name::as_str);
    let found = Diagnostic::new(
        Code::UnknownService,
        format!("the project has no service `{name}`"),
    )
    .at(span, "");
    if project.services.is_empty() {
        return found.help(format!(
            "add `services: {{ {name}: {{ port: 3000 }} }}` to loom.yaml"
        ));
    }
    found.help(nearest(name, known(), "its services are"))
}

fn nearest<'a>(
    word: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    otherwise: &str,
) -> String {
    match did_you_mean(word, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{otherwise} {}", crate::diag::one_of(known)),
    }
}

fn unknown_kind(kind: &str, span: Span, registry: Registry<'_>) -> Diagnostic {
    let found = Diagnostic::new(
        Code::UnknownKind,
        format!("`{kind}` is not a kind that this loom knows"),
    )
    .at(span, "");
    match did_you_mean(kind, registry.kinds()) {
        Some(near) => found.help(format!(
            "did you mean `{near}`? `loom providers` lists all kinds"
        )),
        None => found.help("`loom providers` lists all kinds"),
    }
}

/// One entry for each (kind, name): equal ones are one, replaced ones go, others are errors.
fn unite(all: Vec<Gathered>, stories: &[Story], out: &mut Diagnostics) -> Vec<Gathered> {
    let mut groups: IndexMap<Address, Vec<Gathered>> = IndexMap::new();
    for gathered in all {
        groups.entry(gathered.address()).or_default().push(gathered);
    }
    groups
        .into_iter()
        .map(|(address, group)| unite_group(&address, group, stories, out))
        .collect()
}

fn unite_group(
    address: &Address,
    mut group: Vec<Gathered>,
    stories: &[Story],
    out: &mut Diagnostics,
) -> Gathered {
    let replaced: Vec<Node> = group
        .iter()
        .filter_map(|gathered| gathered.entry.shared.replaces.clone())
        .collect();
    for code in &replaced {
        let story = code.as_str().unwrap_or_default();
        let is_known = stories.iter().any(|known| known.code == story);
        if !is_known && !out.hides(&Hidden::Stories) {
            let found = Diagnostic::new(
                Code::UnknownStory,
                format!("`replaces` names the story `{story}`, which is not among the inputs"),
            );
            let known = stories.iter().map(|story| story.code.as_str());
            out.push(
                found
                    .at(code.span, "")
                    .help(nearest(story, known, "the stories are")),
            );
        }
    }
    let is_replaced = |gathered: &Gathered| {
        let story = gathered.origins[0]
            .task
            .as_ref()
            .map(|task| task.story.as_str());
        replaced
            .iter()
            .any(|code| code.as_str() == story && story.is_some())
    };
    if group.iter().any(|gathered| !is_replaced(gathered)) {
        group.retain(|gathered| !is_replaced(gathered));
    }
    let mut united = group.remove(0);
    for other in group {
        if is_same(&united.entry, &other.entry) {
            Arc::make_mut(&mut united.origins).extend_from_slice(&other.origins);
        } else {
            let found = Diagnostic::new(
                Code::DeclaredTwice,
                format!("`{address}` is declared twice, and the two differ"),
            );
            out.push(
                found
                    .at(other.entry.settings.span, "declared again here")
                    .at(united.entry.settings.span, "first declared here")
                    .help("make the two equal, give one another `name`, or let the newer one say `replaces: STORY`"),
            );
        }
    }
    united
}

/// Whether two declarations say the same, wherever they stand; `replaces` is about declaring, not
/// about what is declared.
fn is_same(one: &Entry, other: &Entry) -> bool {
    let shared = |entry: &Entry| Shared {
        replaces: None,
        ..entry.shared.clone()
    };
    one.settings == other.settings && one.service == other.service && shared(one) == shared(other)
}
