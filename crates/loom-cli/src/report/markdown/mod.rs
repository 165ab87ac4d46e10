//! A plan as Markdown, for a comment on a pull request, never longer than its budget.
//!
//! In: an outcome, its contents, and a number of characters. Out: Markdown that GitHub and GitLab
//! show alike, of at most so many bytes of UTF-8, which are never fewer than the characters that a
//! forge counts.
//!
//! What a reviewer must not miss stands first and is never left out: conflicts, then deletions; a
//! [`mod@listing`] shortens them where it must. The changes follow, the same change in many files once,
//! in the first of these forms that fits:
//!
//! 1. they stand open, if they are few ([`OPEN`]),
//! 2. each is folded behind its path,
//! 3. the lines around a change are left out,
//! 4. as many as there is room for, and the others by name, as *not shown*: how many those are stands in
//!    the first line. What runs or says who may do what goes first ([`mod@super::weight`]), then updates
//!    before creations.
//!
//! What came with a newer loom alone stands under headings of its own, behind what somebody asked
//! for. The graph of what changes takes only room that nothing else needs.
//!
//! What was left out is said at the end, with the command that shows it. Nothing in a path, a title
//! or a content of a file is markup (tests `what_people_wrote_is_no_markup` and those of
//! `loom_providers::emit::markdown`).

mod listing;

use std::collections::BTreeMap;
use std::io::{self, Write};

use loom_plan::addr::ContentHash;
use loom_plan::check::Finding;
use loom_plan::check::changes::Change;
use loom_plan::diff::{CONTEXT, Difference, TextDiff, as_text};
use loom_plan::plan::{Action, Cause, Conflicting, Note, Outcome, Verb};
use loom_providers::emit::markdown::{code, fence, table};
use rayon::prelude::*;

use self::listing::{Entry, listing};
use super::by_hand::{self, Piece};
use super::causes::{self, Summary};
use super::check;
use super::graph::Sketch;
use super::look::{Ask, Look, mode_sentence, place};
use super::plain::plain;
use super::sections::sections;
use super::style::{visible, visible_lines};
use super::weight::Weight;
use super::{Basis, Compared, Contents, Shown, settings};

/// How many characters a report has where nobody says it: GitHub takes 65 536 for a comment.
pub(crate) const BUDGET: usize = 60_000;
/// The least that a report can be kept under.
pub(crate) const LEAST: usize = 4_000;
/// By this a program finds the comment that it wrote before.
pub(crate) const MARKER: &str = "<!-- loom plan -->";

/// Stands over the changes that somebody asked for.
const CHANGES: &str = "\n### Changes\n";
/// Stands over the graph, and is all that is seen of it at first.
const GRAPH: &str = "<details><summary>What changes, what it needs and what it touches</summary>";
/// How much room the findings of one rule are given at least.
const FEW: usize = 160;
/// Stands over the names of those among them that run, or say who may do what.
const RUN: &str = "These run, or say who may do what: look at them before you approve.\n\n";
/// Stands over the names of those that are not shown.
const OTHERS: &str = "\n### Changes that are not shown here\n\n";
/// What part of the budget changes may take that stand open.
const OPEN: usize = 4;
/// How many bytes are held back for what was left out.
const LAST_WORDS: usize = 500;
/// How many actions are prepared at once.
const CHUNK: usize = 256;
/// After so many changes in a row that do not fit, no more are tried.
const PATIENCE: usize = 32;

/// What a Markdown report of a plan is made of.
#[derive(Clone)]
pub(crate) struct Review<'a> {
    /// The plan.
    pub(crate) outcome: &'a Outcome,
    /// Where its contents come from.
    pub(crate) contents: &'a dyn Contents,
    /// The command that applies it.
    pub(crate) apply: &'a str,
    /// How many bytes it may be.
    pub(crate) budget: usize,
    /// What the checklist and the policies say of what is to be written.
    pub(crate) findings: &'a [Finding],
    /// By what those were judged.
    pub(crate) basis: &'a Basis,
    /// What the outcome is compared with, where it is no plan.
    pub(crate) compared: Option<&'a Compared>,
    /// The graph of what changes, where it says something.
    pub(crate) sketch: Option<Sketch>,
}

/// Writes the report.
///
/// # Errors
/// Those of `out`.
pub(crate) fn plan(review: &Review<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(review.text().as_bytes())
}

/// How a change is shown.
#[derive(Clone, Copy)]
struct Form {
    fold: Fold,
    /// How many unchanged lines around it.
    context: usize,
}

/// Whether a change is seen at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fold {
    Open,
    Folded,
}

/// The same change in one file or more.
struct Group<'a> {
    actions: Vec<&'a Action>,
    /// The most that it would cost to miss one of them.
    weight: Weight,
}

/// The changes as a text, what is left out of it, and of how many files no content is shown.
#[derive(Default)]
struct Changes {
    text: String,
    left_out: String,
    not_shown: usize,
}

/// Changes that stand under one heading.
struct Chapter<'a> {
    heading: String,
    groups: Vec<Group<'a>>,
}

impl Review<'_> {
    fn text(&self) -> String {
        let head = self.head(0);
        let mut text = head.clone();
        text += &self.basis(self.budget / 4);
        let room = |text: &String| self.budget.saturating_sub(text.len() + LAST_WORDS);
        text += &self.findings(room(&text) / 2);
        text += &self.conflicts(room(&text) / 2);
        text += &self.deletions(room(&text) / 2);
        text += &self.moves(room(&text) / 4);
        text += &self.kinds(room(&text));
        text += &self.notes(room(&text) / 4);
        let Changes {
            text: changes,
            left_out,
            not_shown,
        } = self.changes(room(&text));
        let spare = if left_out.is_empty() {
            room(&text).saturating_sub(changes.len())
        } else {
            0
        };
        // what is not shown is known only now, and is said first
        text.replace_range(..head.len(), &self.head(not_shown));
        text + &fitting(self.graph(), spare) + &changes + &left_out
    }

    fn head(&self, not_shown: usize) -> String {
        let summary = Summary::of(self.outcome);
        let hidden = match not_shown {
            0 => String::new(),
            1 => "; the content of 1 file is **not shown**".to_owned(),
            many => format!("; the contents of {many} files are **not shown**"),
        };
        if let Some(compared) = self.compared {
            return format!(
                "{MARKER}\n\n## Loom: {}{hidden}\n\n{}\n",
                summary.changes(),
                visible(&compared.sentence(&summary))
            );
        }
        let first = match self.outcome {
            Outcome::Converged(report) => {
                return format!(
                    "{MARKER}\n\n## Loom: nothing to do\n\n{}.\n",
                    causes::standing(report)
                );
            }
            Outcome::Ready(plan) => {
                let Some(digest) = plan.digest else {
                    return format!(
                        "{MARKER}\n\n## Loom: {summary}{hidden}\n\nNobody can approve this plan: it has no digest.\n"
                    );
                };
                let apply = code(&visible(self.apply));
                let apply = if apply.len() < LEAST / 4 {
                    apply
                } else {
                    code(&format!("loom apply --expect {digest}"))
                };
                let most = causes::deletion_sentence(plan)
                    .map_or_else(String::new, |sentence| format!("**{sentence}**\n\n"));
                format!(
                    "{most}Digest {}. Apply it with {apply}.\n",
                    code(&digest.to_string())
                )
            }
            Outcome::Blocked(plan) if plan.conflicts.iter().any(Conflicting::holds_all) => {
                "Nothing can be applied before the conflicts are resolved.\n".to_owned()
            }
            Outcome::Blocked(_) => "Nothing can be applied before the conflicts are resolved; \
                                    `loom plan --skip-conflicts` plans the rest.\n"
                .to_owned(),
        };
        format!("{MARKER}\n\n## Loom: {summary}{hidden}\n\n{first}")
    }

    /// By what findings were judged, where that is not what stands here, or changes.
    fn basis(&self, room: usize) -> String {
        let Some(sentence) = self.basis.sentence() else {
            return String::new();
        };
        let sentence = plain(&sentence);
        if self.basis.changes.is_empty() {
            return format!("\n{sentence}\n");
        }
        let entry = |change: &Change| format!("- {}\n", plain(&change.says));
        let (mut text, mut left) = (format!("\n**{sentence}**\n\n"), self.basis.changes.len());
        for entry in self.basis.changes.iter().map(entry) {
            if text.len() + entry.len() > room {
                break;
            }
            text += &entry;
            left -= 1;
        }
        if left > 0 {
            text.push_str("- and ");
            text.push_str(&left.to_string());
            text.push_str(" more\n");
        }
        text
    }

    /// What the checklist and the policies say: errors first, of which none is left out.
    fn findings(&self, room: usize) -> String {
        let denial = check::denial(self.findings)
            .map_or_else(String::new, |denial| format!("\n**{}**\n", plain(&denial)));
        let errors = self.judged("error", "Findings that deny", room);
        let room = room.saturating_sub(errors.len());
        let warnings = self.judged("warning", "Findings", room / 2);
        let room = room.saturating_sub(warnings.len());
        let accepted = self.judged("accepted", "Accepted findings", room / 2);

        let room = room.saturating_sub(accepted.len());
        let old = self.judged("old", "Old findings", room / 2);
        denial + &errors + &warnings + &accepted + &old
    }

    /// Findings of one word: with all that is to be said, with code and place alone, or rule by rule,
    /// the rarest first, so that no flood of one hides another.
    fn judged(&self, word: &str, title: &str, room: usize) -> String {
        let found = self
            .findings
            .iter()
            .filter(|finding| check::word(finding) == word);
        let title = |count: usize| format!("\n### {title} ({count})\n\n");
        let full: Vec<Entry<'_>> = found.clone().map(finding_entry).collect();
        if full.is_empty() {
            return String::new();
        }
        let title = title(full.len());
        let room = room.saturating_sub(title.len());
        let brief = |finding: &'_ Finding| {
            let line = finding
                .line
                .map_or_else(String::new, |line| format!(", line {line}"));
            format!("{line} ({})", code(&visible(&finding.code)))
        };
        let all = listing::in_full(&full, room).or_else(|| {
            let entries: Vec<Entry<'_>> = found
                .clone()
                .map(|finding| Entry {
                    path: finding.path.as_str(),
                    said: brief(finding),
                })
                .collect();
            listing::in_full(&entries, room)
        });
        if let Some(all) = all {
            return title + &all;
        }
        let mut by_code: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
        for finding in found {
            by_code.entry(&finding.code).or_default().push(Entry {
                path: finding.path.as_str(),
                said: finding
                    .line
                    .map_or_else(String::new, |line| format!(", line {line}")),
            });
        }
        let mut codes: Vec<(&str, Vec<Entry<'_>>)> = by_code.into_iter().collect();
        codes.sort_by_key(|(_, entries)| entries.len());
        let (mut text, mut left) = (title, codes.len());
        let end = text.len() + room;
        let mut rest = codes
            .iter()
            .map(|(_, entries)| entries.len())
            .sum::<usize>();
        for (known, entries) in codes {
            if text.len() + FEW > end {
                let more = format!("\nand {rest} of {left} more rules\n");
                text.push_str(&more);
                break;
            }
            rest -= entries.len();
            let heading = format!("\n{} ({}):\n\n", code(&visible(known)), entries.len());
            let share = end.saturating_sub(text.len()) / left;
            text += &heading;
            text += &listing(&entries, share.saturating_sub(heading.len()));
            left -= 1;
        }
        text
    }

    /// What stands against the plan, with the ways out.
    fn conflicts(&self, room: usize) -> String {
        let entries: Vec<_> = self
            .outcome
            .conflicts()
            .iter()
            .map(conflict_entry)
            .collect();
        section("Conflicts", &entries, room)
    }

    fn deletions(&self, room: usize) -> String {
        let deletes = self
            .outcome
            .actions()
            .iter()
            .filter(|action| action.verb == Verb::Delete);
        section(
            "Files that are deleted",
            &deletes.map(deletion_entry).collect::<Vec<_>>(),
            room,
        )
    }

    fn moves(&self, room: usize) -> String {
        let moved = self
            .outcome
            .actions()
            .iter()
            .filter_map(move_entry)
            .collect::<Vec<_>>();
        section("Files that move", &moved, room)
    }

    /// How many files of each kind are created, updated, deleted, moved.
    fn kinds(&self, room: usize) -> String {
        let mut kinds: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
        for action in self.outcome.actions() {
            let column = match action.verb {
                Verb::Create => 0,
                Verb::Update => 1,
                Verb::Delete => 2,
                Verb::Move { .. } => 3,
                Verb::Adopt | Verb::Keep | Verb::Forget => 4,
            };
            kinds.entry(action.address().kind()).or_default()[column] += 1;
        }
        if kinds.is_empty() {
            return String::new();
        }
        let number = |count: usize| {
            if count == 0 {
                String::new()
            } else {
                count.to_string()
            }
        };
        let row = |(kind, counts): (&str, [usize; 5])| {
            let [create, update, delete, moved, record] = counts.map(number);
            [code(kind), create, update, delete, moved, record]
        };
        let rows: Vec<[String; 6]> = kinds.into_iter().map(row).collect();
        fitting(
            format!(
                "\n{}",
                table(
                    ["Kind", "Create", "Update", "Delete", "Move", "Record only"],
                    &rows
                )
            ),
            room,
        )
    }

    /// What is not decided: how many of what, and the first few.
    fn notes(&self, room: usize) -> String {
        let line = |(kind, notes): (_, Vec<&Note>)| {
            let name = |note: &&Note| {
                code(&visible(&note.path.as_ref().map_or_else(
                    || note.address.to_string(),
                    ToString::to_string,
                )))
            };
            let mut names: Vec<String> = notes.iter().take(3).map(name).collect();
            if notes.len() > names.len() {
                names.push(format!("and {} more", notes.len() - names.len()));
            }
            format!(
                "- {}: {}\n",
                plain(&causes::note_sentence(kind, &notes)),
                names.join(", ")
            )
        };
        let lines: String = causes::notes(self.outcome).into_iter().map(line).collect();
        if lines.is_empty() {
            lines
        } else {
            fitting(format!("\n### Notes\n\n{lines}"), room)
        }
    }

    /// The graph, folded, or how to see it.
    fn graph(&self) -> String {
        match &self.sketch {
            None => String::new(),
            Some(Sketch::Drawn(graph)) => {
                format!("\n{GRAPH}\n\n{}\n</details>\n", fence("mermaid", graph))
            }
            Some(Sketch::TooLarge(boxes)) => format!(
                "\nWhat changes, what it needs and what it touches are {boxes} artifacts, too many for a graph on this page: \
                 `loom graph --changed --format svg > graph.svg` draws it.\n"
            ),
        }
    }

    /// The changes, and what is left out of them.
    fn changes(&self, room: usize) -> Changes {
        let chapters = self.chapters();
        if chapters.is_empty() {
            return Changes::default();
        }
        let forms = [
            (
                Form {
                    fold: Fold::Open,
                    context: CONTEXT,
                },
                room.min(self.budget / OPEN),
                "",
            ),
            (
                Form {
                    fold: Fold::Folded,
                    context: CONTEXT,
                },
                room,
                "",
            ),
            (
                Form {
                    fold: Fold::Folded,
                    context: 0,
                },
                room,
                "The unchanged lines around each change are left out; ",
            ),
        ];
        for (form, room, left_out) in forms {
            if let Some(text) = self.all(&chapters, form, room) {
                return Changes {
                    text,
                    left_out: self.last_words(left_out),
                    not_shown: 0,
                };
            }
        }
        let (text, others) = self.some(&chapters, room);
        let files = if others == 1 {
            "The content of 1 file is"
        } else {
            &format!("The contents of {others} files are")
        };
        let left_out =
            format!("{files} left out, and so are the unchanged lines around each change; ");
        Changes {
            text,
            left_out: self.last_words(&left_out),
            not_shown: others,
        }
    }

    fn last_words(&self, left_out: &str) -> String {
        if left_out.is_empty() {
            return String::new();
        }
        format!(
            "\n> {left_out}this report is kept under {} characters. `loom plan` shows everything.\n",
            self.budget
        )
    }

    /// The changes whose contents are shown: what somebody asked for, then what came with a newer loom.
    fn chapters(&self) -> Vec<Chapter<'_>> {
        let chapters = sections(self.outcome.actions()).into_iter().map(|section| {
            let heading = section
                .heading()
                .map(|heading| format!("\n### {}\n", plain(&heading)));
            Chapter {
                heading: heading.unwrap_or_else(|| CHANGES.to_owned()),
                groups: self.groups(&section.actions),
            }
        });
        chapters
            .filter(|chapter| !chapter.groups.is_empty())
            .collect()
    }

    /// The changes whose contents are shown, the same change once: updates and moves first.
    fn groups<'a>(&self, actions: &[&'a Action]) -> Vec<Group<'a>> {
        let (mut groups, mut created): (Vec<Group<'_>>, Vec<Group<'_>>) = (Vec::new(), Vec::new());
        let mut known: BTreeMap<ContentHash, usize> = BTreeMap::new();
        for chunk in actions.chunks(CHUNK) {
            let looks: Vec<Look> = chunk
                .par_iter()
                .map(|action| Look::at(action, self.contents, Ask::Identity))
                .collect();
            for (action, (identity, weight)) in chunk
                .iter()
                .zip(looks)
                .filter_map(|(action, look)| Some((action, (look.identity?, look.weight))))
            {
                let is_loss = action.verb == Verb::Delete
                    && !action.causes().any(|cause| *cause == Cause::Edited);
                if is_loss {
                    // what loom wrote itself can be written again: that it goes is said already
                    continue;
                }
                let alone = Group {
                    actions: vec![action],
                    weight,
                };
                if action.verb == Verb::Create {
                    created.push(alone);
                } else if let Some(group) = known.get(&identity) {
                    let group = &mut groups[*group];
                    group.weight = group.weight.min(weight);
                    group.actions.push(action);
                } else {
                    known.insert(identity, groups.len());
                    groups.push(alone);
                }
            }
        }
        groups.extend(created);
        groups
    }

    /// All changes in a form, if there is room for them.
    fn all(&self, chapters: &[Chapter<'_>], form: Form, room: usize) -> Option<String> {
        let mut text = String::new();
        for chapter in chapters {
            text += &chapter.heading;
            for chunk in chapter.groups.chunks(CHUNK) {
                text.extend(
                    chunk
                        .par_iter()
                        .map(|group| self.change(group, form))
                        .collect::<Vec<_>>(),
                );
                if text.len() > room {
                    return None;
                }
            }
        }
        Some(text)
    }

    /// How often the rarest finding of each file is found, so that a file in which something else is
    /// found than in all others comes before them.
    fn rarest(&self) -> BTreeMap<&str, usize> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in self.findings {
            *counts.entry(finding.code.as_str()).or_default() += 1;
        }
        let mut rarest = BTreeMap::new();
        for finding in self.findings {
            let count = counts[finding.code.as_str()];
            let known = rarest.entry(finding.path.as_str()).or_insert(count);
            *known = count.min(*known);
        }
        rarest
    }

    /// As many changes as there is room for, the names of the other files, and how many those are. What
    /// must not be missed comes first, and where even that has no room, each of its files is named.
    fn some(&self, chapters: &[Chapter<'_>], room: usize) -> (String, usize) {
        let form = Form {
            fold: Fold::Folded,
            context: 0,
        };
        let mut all: Vec<(usize, &Chapter<'_>, &Group<'_>)> = chapters
            .iter()
            .enumerate()
            .flat_map(|(at, chapter)| chapter.groups.iter().map(move |group| (at, chapter, group)))
            .collect();
        let rarest = self.rarest();
        let rare = |group: &Group<'_>| {
            let paths = group.actions.iter().map(|action| action.path.as_str());
            let counts = paths.filter_map(|path| rarest.get(path).copied());
            counts.min().unwrap_or(usize::MAX)
        };
        all.sort_by_cached_key(|(at, _, group)| (group.weight, rare(group), *at));
        let (mut text, mut misses, mut heading) = (String::new(), [0; 2], "");
        let mut others: [Vec<Entry<'_>>; 2] = [Vec::new(), Vec::new()];
        for (_, chapter, group) in all {
            let misses = &mut misses[usize::from(group.weight == Weight::Other)];
            // a small change that must be seen is not lost among large ones
            let patience = match group.weight {
                Weight::MustBeSeen => PATIENCE * PATIENCE,
                Weight::Other => PATIENCE,
            };
            let change = if *misses < patience {
                self.change(group, form)
            } else {
                String::new()
            };
            let next = if heading == chapter.heading {
                ""
            } else {
                &chapter.heading
            };
            if !change.is_empty() && text.len() + next.len() + change.len() <= room * 3 / 4 {
                text.extend([next, &change]);
                (heading, *misses) = (&chapter.heading, 0);
            } else {
                *misses += 1;
                let others = match group.weight {
                    Weight::MustBeSeen => &mut others[0],
                    Weight::Other => &mut others[1],
                };
                others.extend(group.actions.iter().map(|action| Entry {
                    path: action.path.as_str(),
                    said: format!(", {}: not shown", action.verb.as_str()),
                }));
            }
        }
        for others in &mut others {
            others.sort_by(|one, other| one.path.cmp(other.path));
        }
        let left = |text: &String| room.saturating_sub(text.len());
        let hidden = others[0].len() + others[1].len();
        let mut named = OTHERS.to_owned();
        if !others[0].is_empty() {
            let share = if others[1].is_empty() { 1 } else { 2 };
            named += RUN;
            named += &listing(&others[0], left(&text).saturating_sub(named.len()) / share);
            named.push('\n');
        }
        if !others[1].is_empty() {
            let rest = left(&text).saturating_sub(named.len());
            named += &listing(&others[1], rest);
        }
        (text + &named, hidden)
    }

    /// One change: why, the settings that differ, the lines, and the other files that it is made in.
    fn change(&self, group: &Group<'_>, form: Form) -> String {
        let Some((action, others)) = group.actions.split_first() else {
            return String::new();
        };
        let shown = Shown::of(self.contents, action);
        let why = causes::of(action)
            .into_iter()
            .map(|cause| plain(&causes::clause(cause)));
        let settings = settings(self.contents, action, &shown);
        let how = settings.iter().map(|setting| code(&visible(setting)));
        let becomes = mode_sentence(action).map(str::to_owned);
        let mut body: Vec<String> = why
            .chain(how)
            .chain(becomes)
            .map(|line| format!("- {line}\n"))
            .collect();
        body.push(difference(&shown, form.context));
        if !others.is_empty() {
            let names: Vec<String> = others
                .iter()
                .map(|other| code(&visible(&place(other))))
                .collect();
            body.push(format!("\nThe same change in {}.\n", names.join(", ")));
        }
        let body = body.concat();
        let more = if others.is_empty() {
            String::new()
        } else {
            format!(" and {} more", others.len())
        };
        let lines = super::look::counted(&shown, &shown.difference());
        let title = format!("{} {}", action.verb.mark(), place(action));
        match form.fold {
            Fold::Open => format!("\n#### {} {lines}{more}\n\n{body}", code(&visible(&title))),
            Fold::Folded => {
                let title = html(&visible(&title));
                format!(
                    "\n<details><summary><code>{title}</code> {lines}{more}</summary>\n\n{body}\n</details>\n"
                )
            }
        }
    }
}

fn finding_entry(finding: &Finding) -> Entry<'_> {
    let line = finding
        .line
        .map_or_else(String::new, |line| format!(", line {line}"));
    let more: Vec<String> = check::advice(finding)
        .iter()
        .map(|line| format!("  - {}\n", plain(line)))
        .collect();
    let said = format!(
        "{line} ({}): {}\n{}",
        code(&visible(&finding.code)),
        plain(&check::sentence(finding)),
        more.concat()
    );
    Entry {
        path: finding.path.as_str(),
        said: said.trim_end().to_owned(),
    }
}

fn conflict_entry(conflict: &Conflicting) -> Entry<'_> {
    let ways: Vec<String> = conflict
        .ways
        .iter()
        .map(|way| format!("  - {}\n", plain(&way.to_string())))
        .collect();
    let (address, said) = (
        code(&conflict.address.to_string()),
        plain(&causes::conflict_sentences(conflict)),
    );
    let by_hand: String = by_hand::pieces(conflict).iter().map(piece).collect();
    let said = format!(" ({address}). {said}\n{}{by_hand}", ways.concat());
    Entry {
        path: conflict.path.as_str(),
        said: said.trim_end().to_owned(),
    }
}

/// What a person changes, below an entry of a list.
fn piece(piece: &Piece) -> String {
    let text = fence(&piece.language, &visible_lines(&piece.text));
    let indented = text
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect::<Vec<_>>()
        .concat();
    format!("  - {}\n\n{indented}", plain(&piece.says))
}

fn deletion_entry(action: &Action) -> Entry<'_> {
    Entry {
        path: action.path.as_str(),
        said: format!(": {}", plain(&causes::short(action))),
    }
}

fn move_entry(action: &Action) -> Option<Entry<'_>> {
    match &action.verb {
        Verb::Move { from } => Some(Entry {
            path: action.path.as_str(),
            said: format!(", from {}", code(&visible(from.as_str()))),
        }),
        Verb::Create | Verb::Update | Verb::Delete | Verb::Adopt | Verb::Keep | Verb::Forget => {
            None
        }
    }
}

/// A heading and its list, which is never left out.
fn section(title: &str, entries: &[Entry<'_>], room: usize) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let title = format!("\n### {title} ({})\n\n", entries.len());
    let list = listing(entries, room.saturating_sub(title.len()));
    title + &list
}

/// A text that may be left out where there is no room.
fn fitting(text: String, room: usize) -> String {
    if text.len() <= room {
        text
    } else {
        String::new()
    }
}

/// The lines that differ, fenced.
fn difference(shown: &Shown, context: usize) -> String {
    let sides =
        [&shown.before, &shown.after].map(|side| as_text(side.as_deref().unwrap_or_default()));
    match (shown.difference(), sides) {
        _ if shown.hidden.is_some() => {
            "\nWhat differs looks like a credential and is not shown.\n".to_owned()
        }
        (Difference::Text(_), [Some(before), Some(after)]) => {
            let unified = TextDiff::with_context(before, after, context).unified();
            if unified.is_empty() {
                unified
            } else {
                format!("\n{}", fence("diff", &visible_lines(&unified)))
            }
        }
        (Difference::Binary | Difference::Text(_), _) => {
            "\nThe content is not text and is not shown.\n".to_owned()
        }
    }
}

/// Text inside of an HTML element.
fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
