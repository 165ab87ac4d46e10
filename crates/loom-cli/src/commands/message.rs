//! The message of a commit that loom makes.
//!
//! In: a plan and what it was made from. Out: a subject from the story, a body that lists the
//! changes, and trailers for programs.
//!
//! Invariants: no title, task or path makes a line of its own, so that none can pose as a trailer
//! (test `a_title_of_several_lines_is_one_line_and_no_trailer`), and none gives an order to a forge
//! or pings anybody (test `what_people_wrote_orders_nothing_and_pings_nobody`); the same plan gives
//! the same message.
//!
//! Deliberately not here: who wrote and who commits, which are Git's own settings. A story is part of
//! what is under review, so that the name in it may be anybody's.

use std::collections::BTreeSet;

use loom_plan::ledger::PROJECT;
use loom_plan::plan::{Action, PartAction, Plan, Verb};
use loom_plan::story::{Story, Task};

use super::apply::done;
use super::pass::Planned;

/// How long a subject may be before it is cut.
const SUBJECT: usize = 72;
/// How many changes are listed.
const LISTED: usize = 100;

/// The message for a plan, as Git keeps it.
pub(super) fn of(planned: &Planned, plan: &Plan) -> String {
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
    let (subject, rest) = subject(&stories);
    let mut paragraphs = vec![subject];
    paragraphs.extend(rest);
    paragraphs.push(done(plan));
    let asked: Vec<String> = tasks(planned, plan).into_iter().map(asked).collect();
    if !asked.is_empty() {
        paragraphs.push(asked.join("\n"));
    }
    paragraphs.push(listed(&plan.actions));
    let trailers: String = stories
        .iter()
        .map(|(code, _)| format!("Loom-Story: {code}\n"))
        .chain(plan.digest.map(|digest| format!("Loom-Plan: {digest}\n")))
        .collect();
    format!("{}\n\n{trailers}", paragraphs.join("\n\n"))
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
        Verb::Move { from } => {
            let (from, to) = (line(from.as_str()), line(action.path.as_str()));
            format!("{} {from} -> {to}", action.verb.mark())
        }
        Verb::Create | Verb::Update | Verb::Delete | Verb::Adopt | Verb::Keep | Verb::Forget => {
            format!("{} {}", action.verb.mark(), line(action.path.as_str()))
        }
    };
    let mut rows: Vec<String> = actions.iter().take(LISTED).map(row).collect();
    if actions.len() > LISTED {
        rows.push(format!("and {} more", actions.len() - LISTED));
    }
    rows.join("\n")
}

/// A text of somebody else's as one line that is only read. `[skip ci]` and its many kin stand in
/// square brackets or between stars, `@name` pings, and `fixes #1` closes: none of these signs is left.
fn line(text: &str) -> String {
    let mut characters = text.chars().peekable();
    let mut plain = String::new();
    while let Some(c) = characters.next() {
        match c {
            '[' => plain.push('('),
            ']' => plain.push(')'),
            '*' | '@' => {}
            '#' | '!' | '&' | '%' | '~' if characters.peek().is_some_and(char::is_ascii_digit) => {}
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
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
            "S-1: Open Signed-off-by: Eve <eveexample.com> (31m"
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
    fn what_people_wrote_orders_nothing_and_pings_nobody() {
        for (text, plain) in [
            ("x [skip ci]", "x (skip ci)"),
            ("[ci skip] ***NO_CI*** y", "(ci skip) NO_CI y"),
            (
                "fixes #12, closes org/repo#3 and !4",
                "fixes 12, closes org/repo3 and 4",
            ),
            (
                "ask @ada or <ada@example.com>",
                "ask ada or <adaexample.com>",
            ),
            ("C# 3 & more!", "C# 3 & more!"),
        ] {
            assert_eq!(line(text), plain);
        }
    }
}
