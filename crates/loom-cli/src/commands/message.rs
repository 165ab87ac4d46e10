//! The message of a commit that loom makes, and who wrote what is in it.
//!
//! In: a plan and what it was made from. Out: a subject from the story, a body that lists the
//! changes, trailers for programs; and the person to whom the story's tasks are assigned.
//!
//! Invariants: no title, task or path makes a line of its own, so that none can pose as a trailer
//! (test `a_title_of_several_lines_is_one_line_and_no_trailer`); the same plan gives the same message.
//!
//! Deliberately not here: who commits, which is Git's own setting.

use std::collections::BTreeSet;

use loom_plan::ledger::PROJECT;
use loom_plan::plan::{Action, PartAction, Plan, Verb};
use loom_plan::story::{Story, Task};

use super::apply::done;
use super::pass::Planned;
use crate::env::Author;

/// How long a subject may be before it is cut.
const SUBJECT: usize = 72;
/// How many changes are listed.
const LISTED: usize = 100;

/// A message, and the author that the stories name, if they name one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// As Git keeps it.
    pub(super) text: String,
    /// A person; actors such as `devops` are none.
    pub(super) author: Option<Author>,
}

impl Message {
    /// The message for a plan.
    pub(super) fn of(planned: &Planned, plan: &Plan) -> Self {
        let codes: BTreeSet<String> = plan
            .actions
            .iter()
            .flat_map(|action| codes_of(planned, action))
            .collect();
        let known = |code: &String| {
            planned
                .compiled
                .stories
                .iter()
                .find(|story| story.code == *code)
        };
        let stories: Vec<(String, Option<&Story>)> = codes
            .iter()
            .map(|code| (code.clone(), known(code)))
            .collect();
        Self::from(plan, &stories, &tasks(planned, plan))
    }

    fn from(plan: &Plan, stories: &[(String, Option<&Story>)], tasks: &[&Task]) -> Self {
        let (subject, rest) = subject(stories);
        let mut people = people(tasks).into_iter();
        let author = people.next();
        let mut paragraphs = vec![subject];
        paragraphs.extend(rest);
        paragraphs.push(done(plan));
        let asked: Vec<String> = tasks.iter().map(|task| asked(task)).collect();
        if !asked.is_empty() {
            paragraphs.push(asked.join("\n"));
        }
        paragraphs.push(listed(&plan.actions));
        let stories = stories
            .iter()
            .map(|(code, _)| format!("Loom-Story: {code}\n"));
        let plan = plan.digest.map(|digest| format!("Loom-Plan: {digest}\n"));
        let others =
            people.map(|other| format!("Co-authored-by: {} <{}>\n", other.name, other.email));
        let trailers: String = stories.chain(plan).chain(others).collect();
        Self {
            text: format!("{}\n\n{trailers}", paragraphs.join("\n\n")),
            author,
        }
    }
}

/// The stories of an action: those that declare it, or that it is recorded for.
fn codes_of(planned: &Planned, action: &Action) -> Vec<String> {
    let ordered = &planned.compiled.desired.ordered;
    let of_part = |part: &PartAction| {
        if let Some(index) = ordered.find(&part.address) {
            return ordered.declarations[index]
                .stories()
                .into_iter()
                .map(str::to_owned)
                .collect();
        }
        let known = planned.seen.known.get(action.old_path(), &part.part);
        known.map_or_else(Vec::new, |known| {
            known
                .books
                .iter()
                .filter(|code| *code != PROJECT)
                .cloned()
                .collect()
        })
    };
    action.parts.iter().flat_map(of_part).collect()
}

/// The tasks that ask for what changes, in the order of their stories.
fn tasks<'a>(planned: &'a Planned, plan: &Plan) -> Vec<&'a Task> {
    let ordered = &planned.compiled.desired.ordered;
    let changed = plan
        .actions
        .iter()
        .flat_map(|action| &action.parts)
        .filter_map(|part| ordered.find(&part.address));
    let origins = changed.flat_map(|index| ordered.declarations[index].origins.iter());
    let asking: BTreeSet<(&str, &str)> = origins
        .filter_map(|origin| origin.task.as_ref())
        .map(|task| (task.story.as_str(), task.id.as_str()))
        .collect();
    let all = planned
        .compiled
        .stories
        .iter()
        .flat_map(|story| story.tasks.iter().map(move |task| (story, task)));
    all.filter(|(story, task)| asking.contains(&(story.code.as_str(), task.id.as_str())))
        .map(|(_, task)| task)
        .collect()
}

/// The subject, and the whole of it where it was cut.
fn subject(stories: &[(String, Option<&Story>)]) -> (String, Option<String>) {
    let whole = match stories {
        [] => "Apply loom.yaml".to_owned(),
        [(code, Some(story))] if story.title != *code => format!("{code}: {}", line(&story.title)),
        [(code, _)] => format!("Apply {code}"),
        several => format!(
            "Apply {}",
            several
                .iter()
                .map(|(code, _)| code.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    if whole.chars().count() <= SUBJECT {
        return (whole, None);
    }
    let cut: String = whole.chars().take(SUBJECT - 1).collect();
    (format!("{}…", cut.trim_end()), Some(whole))
}

fn asked(task: &Task) -> String {
    let title = if task.title == task.id {
        String::new()
    } else {
        format!(" {}", line(&task.title))
    };
    let actor = task
        .assigned_to
        .as_deref()
        .map(|actor| format!(" ({})", line(actor)))
        .unwrap_or_default();
    format!("Task {}{title}{actor}", line(&task.id))
}

fn listed(actions: &[Action]) -> String {
    let row = |action: &Action| match &action.verb {
        Verb::Move { from } => format!("{} {from} -> {}", action.verb.mark(), action.path),
        Verb::Create | Verb::Update | Verb::Delete | Verb::Adopt | Verb::Keep | Verb::Forget => {
            format!("{} {}", action.verb.mark(), action.path)
        }
    };
    let mut rows: Vec<String> = actions.iter().take(LISTED).map(row).collect();
    if actions.len() > LISTED {
        rows.push(format!("and {} more", actions.len() - LISTED));
    }
    rows.join("\n")
}

/// Those to whom tasks are assigned by name and address, `Ada Lovelace <ada@example.com>`, each once.
fn people(tasks: &[&Task]) -> Vec<Author> {
    let mut people: Vec<Author> = Vec::new();
    for person in tasks
        .iter()
        .filter_map(|task| person(task.assigned_to.as_deref()?))
    {
        if !people.contains(&person) {
            people.push(person);
        }
    }
    people
}

fn person(text: &str) -> Option<Author> {
    let (name, email) = text.trim().strip_suffix('>')?.split_once('<')?;
    let (name, email) = (name.trim(), email.trim());
    let is_plain = |text: &str| {
        !text.is_empty() && !text.contains(|c: char| c.is_control() || "<>".contains(c))
    };
    let is_address = email.contains('@') && !email.contains(char::is_whitespace);
    (is_plain(name) && is_plain(email) && is_address).then(|| Author {
        name: name.to_owned(),
        email: email.to_owned(),
    })
}

/// A text of somebody else's as one line.
fn line(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use loom_plan::story::{StoryStatus, TaskStatus};
    use loom_plan::text::{SourceId, Span};

    use super::*;

    fn story(title: &str) -> Story {
        let span = Span::start_of(SourceId::first());
        let status = StoryStatus::Planned;
        Story {
            code: "S-1".to_owned(),
            title: title.to_owned(),
            status,
            file: "".into(),
            span,
            tasks: Vec::new(),
            why: None,
            handoff: &["devops"],
        }
    }

    fn task(title: &str, assigned_to: Option<&str>) -> Task {
        Task {
            id: "T-1".to_owned(),
            title: title.to_owned(),
            status: TaskStatus::Pending,
            assigned_to: assigned_to.map(str::to_owned),
            dependencies: Vec::new(),
            entries: Vec::new(),
            span: Span::start_of(SourceId::first()),
        }
    }

    fn subject_of(title: &str) -> (String, Option<String>) {
        subject(&[("S-1".to_owned(), Some(&story(title)))])
    }

    #[test]
    fn a_title_of_several_lines_is_one_line_and_no_trailer() {
        assert_eq!(
            subject_of("Open\n\nSigned-off-by: Eve <eve@example.com>\u{1b}[31m").0,
            "S-1: Open Signed-off-by: Eve <eve@example.com> [31m"
        );
        assert_eq!(
            asked(&task("a\n\nLoom-Plan: b", Some("dev\nops"))),
            "Task T-1 a Loom-Plan: b (dev ops)"
        );
    }

    #[test]
    fn a_long_title_is_cut_in_the_subject_and_whole_below() {
        let (subject, rest) = subject_of(&"long ".repeat(40));
        assert!(
            subject.chars().count() <= SUBJECT && subject.ends_with('…'),
            "{subject}"
        );
        assert_eq!(
            rest.map(|rest| rest.len()),
            Some("S-1: ".len() + 40 * 5 - 1)
        );
    }

    #[test]
    fn a_subject_names_the_stories_or_the_project() {
        assert_eq!(subject(&[]).0, "Apply loom.yaml");
        assert_eq!(subject(&[("S-1".to_owned(), None)]).0, "Apply S-1");
        assert_eq!(subject_of("S-1").0, "Apply S-1");
        assert_eq!(
            subject(&[("A-1".to_owned(), None), ("B-1".to_owned(), None)]).0,
            "Apply A-1, B-1"
        );
    }

    #[test]
    fn a_person_has_a_name_and_an_address_and_an_actor_has_not() {
        let ada = Some(Author {
            name: "Ada".to_owned(),
            email: "ada@example.com".to_owned(),
        });
        assert_eq!(person(" Ada <ada@example.com> "), ada);
        for actor in [
            "devops",
            "<a@b>",
            "Ada <>",
            "Ada <ada>",
            "Ada <a@b> <c@d>",
            "A\nda <a@b>",
            "Ada <a b@c>",
            "",
        ] {
            assert_eq!(person(actor), None, "{actor}");
        }
        let tasks = [
            task("a", Some("Ada <ada@example.com>")),
            task("b", None),
            task("c", Some("Ada <ada@example.com>")),
        ];
        assert_eq!(people(&tasks.iter().collect::<Vec<_>>()).len(), 1);
    }
}
