//! A plan as text: what happens to each file, what differs, and how to go on.
//!
//! One line for each action, then the changes, then what else there is to say, then the summary.
//! Creations and deletions of what loom wrote itself show only how many lines come or go, unless
//! `--verbose` asks for them: a reviewer of a first plan is helped by the list of files, not by
//! the thousands of lines that each of them can be read in once it is there. Updates, moves and
//! deletions that lose an edit always show their lines, because there somebody's work is at stake.
//!
//! Contents are fetched twice, once for the lines of the list and once for the changes that are
//! shown, so that no more than [`CHUNK`] of them are in memory at any time.

use std::collections::BTreeMap;
use std::io::{self, Write};

use loom_plan::addr::ContentHash;
use loom_plan::check::Finding;
use loom_plan::diff::{Difference, Line, LineEnd, LineKind, TextDiff};
use loom_plan::plan::{Action, Cause, Conflicting, Note, Outcome, Verb};
use rayon::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::by_hand::{self, Piece};
use super::causes::{self, Summary};
use super::check;
use super::look::{Ask, Look, mode_sentence, place};
use super::sections::{Section, sections};
use super::style::{Style, visible};
use super::{Basis, Compared, Contents, Shown, settings};
use crate::cli::Talk;
use crate::env::Stream;

/// How many actions are prepared at once.
const CHUNK: usize = 256;

/// What a text report of a plan is made of.
#[derive(Clone, Copy)]
pub(crate) struct PlanText<'a> {
    /// The plan.
    pub(crate) outcome: &'a Outcome,
    /// Where its contents come from.
    pub(crate) contents: &'a dyn Contents,
    /// The command that applies it; empty where that is being done.
    pub(crate) apply: &'a str,
    /// Where it goes.
    pub(crate) stream: Stream,
    /// How much to say.
    pub(crate) talk: Talk,
    /// What the checklist and the policies say of what is to be written.
    pub(crate) findings: &'a [Finding],
    /// By what those were judged.
    pub(crate) basis: &'a Basis,
}

/// Writes the report.
///
/// # Errors
/// Those of `out`.
pub(crate) fn plan(report: &PlanText<'_>, out: &mut dyn Write) -> io::Result<()> {
    plan_or_comparison(report, None, out)
}

/// Writes the report, or how a request compares with its base.
///
/// # Errors
/// Those of `out`.
pub(crate) fn plan_or_comparison(
    report: &PlanText<'_>,
    compared: Option<&Compared>,
    out: &mut dyn Write,
) -> io::Result<()> {
    check::basis_lines(report.basis, report.stream, out)?;
    let sections = sections(report.outcome.actions());
    let prepared = report.list(&sections, out)?;
    report.changes(&sections, &prepared, out)?;
    report.gap(out)?;
    write_notes(report.outcome, report.talk, out)?;
    report.conflicts(out)?;
    report.findings(out)?;
    match compared {
        None => report.summary(out),
        Some(compared) => {
            let gap = if report.outcome.actions().is_empty() {
                ""
            } else {
                "\n"
            };
            writeln!(
                out,
                "{gap}{}",
                visible(&compared.sentence(&Summary::of(report.outcome)))
            )?;
            check::denial(report.findings).map_or(Ok(()), |denial| writeln!(out, "{denial}"))
        }
    }
}

/// The widths to which the list is laid out.
struct Columns {
    path: usize,
    address: usize,
}

impl PlanText<'_> {
    fn paint(&self, style: Style, text: &str) -> String {
        self.stream.colour.paint(style, text)
    }

    /// One line for each action and each conflict.
    fn list(&self, sections: &[Section<'_>], out: &mut dyn Write) -> io::Result<Vec<Look>> {
        let (actions, conflicts) = (self.outcome.actions(), self.outcome.conflicts());
        let columns = self.columns(actions, conflicts);
        let mut prepared = Vec::with_capacity(actions.len());
        for section in sections {
            if let Some(heading) = section.heading() {
                writeln!(out, "{}", self.paint(Style::Strong, &heading))?;
            }
            for chunk in section.actions.chunks(CHUNK) {
                let looked: Vec<Look> = chunk.par_iter().map(|action| self.look(action)).collect();
                for (action, found) in chunk.iter().zip(&looked) {
                    let row = [
                        &place(action),
                        &found.lines,
                        &addressed(action),
                        &causes::short(action),
                    ];
                    self.row(
                        out,
                        &columns,
                        (action.verb.mark(), Style::of(&action.verb)),
                        row.map(String::as_str),
                    )?;
                }
                prepared.extend(looked);
            }
            for conflict in conflicts.iter().filter(|_| section.upgrade.is_none()) {
                let address = conflict.address.to_string();
                let row = [
                    conflict.path.as_str(),
                    "",
                    &address,
                    causes::conflict_clause(conflict.conflict),
                ];
                self.row(out, &columns, ('!', Style::Conflict), row)?;
            }
        }
        Ok(prepared)
    }

    /// Which change an action is, is asked only where it is shown.
    fn look(&self, action: &Action) -> Look {
        Look::at(
            action,
            self.contents,
            if self.shows(action) {
                Ask::Identity
            } else {
                Ask::Lines
            },
        )
    }

    /// Columns as wide as what they hold, but none so wide that the next one leaves the screen.
    fn columns(&self, actions: &[Action], conflicts: &[Conflicting]) -> Columns {
        let path = actions
            .iter()
            .map(|action| place(action).width())
            .chain(conflicts.iter().map(|c| c.path.as_str().width()));
        let address = actions.iter().map(|action| addressed(action).width());
        let address = address.chain(
            conflicts
                .iter()
                .map(|conflict| conflict.address.to_string().width()),
        );
        Columns {
            path: path.max().unwrap_or(0).min(self.stream.width / 2),
            address: address.max().unwrap_or(0).min(self.stream.width / 2),
        }
    }

    fn row(
        &self,
        out: &mut dyn Write,
        columns: &Columns,
        mark: (char, Style),
        row: [&str; 4],
    ) -> io::Result<()> {
        let [path, lines, address, cause] = row;
        let gap = |width: usize, text: &str| " ".repeat(width.saturating_sub(text.width()));
        let (mark, path_shown) = (
            self.paint(mark.1, &mark.0.to_string()),
            self.paint(mark.1, path),
        );
        let left = format!("{mark} {path_shown}{}  {lines:<8}", gap(columns.path, path));
        let right = format!(
            "{}{}  {}",
            visible(address),
            gap(columns.address, address),
            self.paint(Style::Faint, cause)
        );
        writeln!(out, "{}", format!("{left}  {right}").trim_end())
    }

    /// What differs, section by section.
    fn changes(
        &self,
        sections: &[Section<'_>],
        prepared: &[Look],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut rest = prepared;
        for section in sections {
            let (of_section, others) = rest.split_at(section.actions.len());
            rest = others;
            let groups = self.groups(&section.actions, of_section);
            if let (Some(heading), false) = (section.heading(), groups.is_empty()) {
                writeln!(out, "\n{}", self.paint(Style::Strong, &heading))?;
            }
            for chunk in groups.chunks(CHUNK) {
                let written = |group: &Vec<&Action>| {
                    let mut text = Vec::new();
                    self.change(group, &mut text).map(|()| text)
                };
                let texts: Vec<io::Result<Vec<u8>>> = chunk.par_iter().map(written).collect();
                texts
                    .into_iter()
                    .try_for_each(|text| out.write_all(&text?))?;
            }
        }
        Ok(())
    }

    /// The actions whose lines are shown, those with the same change together.
    fn groups<'a>(&self, actions: &[&'a Action], prepared: &[Look]) -> Vec<Vec<&'a Action>> {
        let mut groups: Vec<Vec<&Action>> = Vec::new();
        let mut known: BTreeMap<ContentHash, usize> = BTreeMap::new();
        for (action, found) in actions.iter().zip(prepared) {
            let Some(identity) = found.identity else {
                continue;
            };
            if let Some(group) = known.get(&identity).filter(|_| self.talk != Talk::Verbose) {
                groups[*group].push(action);
                continue;
            }
            known.insert(identity, groups.len());
            groups.push(vec![action]);
        }
        groups
    }

    /// Whether the lines of an action are shown, and not only counted.
    fn shows(&self, action: &Action) -> bool {
        match (self.talk, &action.verb) {
            (Talk::Quiet, _) | (_, Verb::Forget) => false,
            (_, Verb::Adopt | Verb::Keep) => action.accepts(),
            (Talk::Verbose, _) | (Talk::Normal, Verb::Update | Verb::Move { .. }) => true,
            (Talk::Normal, Verb::Delete) => action.causes().any(|cause| *cause == Cause::Edited),
            (Talk::Normal, Verb::Create) => false,
        }
    }

    /// One change: why, the settings that differ, the lines, and the other files that it is made in.
    fn change(&self, group: &[&Action], out: &mut dyn Write) -> io::Result<()> {
        let Some((action, others)) = group.split_first() else {
            return Ok(());
        };
        let shown = Shown::of(self.contents, action);
        let head = format!("{} {}", action.verb.mark(), place(action));
        writeln!(out, "\n{}", self.paint(Style::of(&action.verb), &head))?;
        for cause in causes::of(action) {
            writeln!(
                out,
                "    {}",
                self.paint(Style::Faint, &format!("because: {}", causes::clause(cause)))
            )?;
        }
        for setting in settings(self.contents, action, &shown) {
            writeln!(out, "    {}", visible(&setting))?;
        }
        if let Some(sentence) = mode_sentence(action) {
            writeln!(out, "    {sentence}")?;
        }
        self.difference(&shown, out)?;
        if !others.is_empty() {
            let files = if others.len() == 1 { "file" } else { "files" };
            writeln!(out, "    The same change in {} more {files}:", others.len())?;
        }
        others
            .iter()
            .try_for_each(|other| writeln!(out, "      {}", visible(&place(other))))
    }

    fn difference(&self, shown: &Shown, out: &mut dyn Write) -> io::Result<()> {
        let whole = shown.before.is_none() || shown.after.is_none();
        match shown.difference() {
            _ if shown.hidden.is_some() => writeln!(
                out,
                "    What differs looks like a credential and is not shown."
            ),
            Difference::Binary => writeln!(out, "    The content is not text and is not shown."),
            Difference::Text(diff) => self.hunks(
                &diff,
                if whole { Numbers::Hide } else { Numbers::Show },
                out,
            ),
        }
    }

    fn hunks(&self, diff: &TextDiff<'_>, numbers: Numbers, out: &mut dyn Write) -> io::Result<()> {
        for hunk in &diff.hunks {
            if numbers == Numbers::Show {
                writeln!(out, "    {}", self.paint(Style::Place, &hunk.header()))?;
            }
            for line in &hunk.lines {
                match (line.kind, line.text) {
                    (LineKind::Context, "") => writeln!(out)?,
                    _ => writeln!(out, "    {}", self.line(line))?,
                }
                if line.end == LineEnd::Missing {
                    writeln!(
                        out,
                        "    {}",
                        self.paint(Style::Faint, "\\ No newline at end of file")
                    )?;
                }
            }
        }
        Ok(())
    }

    fn line(&self, line: &Line<'_>) -> String {
        let (plain, word) = match line.kind {
            LineKind::Context => return format!(" {}", visible(line.text)),
            LineKind::Removed => (Style::Removed, Style::RemovedWord),
            LineKind::Added => (Style::Added, Style::AddedWord),
        };
        let mut text = self.paint(plain, &line.kind.mark().to_string());
        let mut at = 0;
        for range in &line.emphasis {
            text += &self.paint(plain, &line.text[at..range.start]);
            text += &self.paint(word, &line.text[range.clone()]);
            at = range.end;
        }
        text + &self.paint(plain, &line.text[at..])
    }

    /// What a person must decide: what happened, what would be lost, and the ways out.
    fn conflicts(&self, out: &mut dyn Write) -> io::Result<()> {
        for conflict in self.outcome.conflicts() {
            let head = format!("! {}  {}", conflict.path, conflict.address);
            writeln!(out, "\n{}", self.paint(Style::Conflict, &head))?;
            writeln!(
                out,
                "    {}",
                visible(&causes::conflict_sentences(conflict))
            )?;
            let pieces = by_hand::pieces(conflict);
            if self.talk != Talk::Quiet && pieces.is_empty() {
                let shown = Shown::from(self.contents.of_conflict(conflict));
                if shown.before.is_some() && shown.after.is_some() {
                    self.difference(&shown, out)?;
                }
            }
            for Piece {
                says,
                language,
                text,
            } in &pieces
            {
                writeln!(out, "    {}", visible(says))?;
                for line in text.lines() {
                    writeln!(out, "      {}", self.line_by_hand(language, line))?;
                }
            }
            writeln!(out, "    What you can do:")?;
            for way in &conflict.ways {
                writeln!(out, "      * {}", visible(&way.to_string()))?;
            }
        }
        Ok(())
    }

    /// A line of what a person changes; those of a patch in its colours.
    fn line_by_hand(&self, language: &str, line: &str) -> String {
        match line.chars().next().filter(|_| language == "diff") {
            Some('+') => self.paint(Style::Added, line),
            Some('-') => self.paint(Style::Removed, line),
            Some('@') => self.paint(Style::Place, line),
            Some(_) | None => visible(line).into_owned(),
        }
    }

    /// What the checklist and the policies say.
    fn findings(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.findings.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\n{}",
            self.paint(
                Style::Strong,
                &format!("Findings: {}", check::counts(self.findings))
            )
        )?;
        check::lines(self.findings, self.stream, self.talk, out)
    }

    /// A line between the changes and the notes.
    fn gap(&self, out: &mut dyn Write) -> io::Result<()> {
        let silent = self.talk == Talk::Quiet || self.outcome.report().notes.is_empty();
        if silent || matches!(self.outcome, Outcome::Converged(_)) {
            Ok(())
        } else {
            writeln!(out)
        }
    }

    fn summary(&self, out: &mut dyn Write) -> io::Result<()> {
        let summary = Summary::of(self.outcome);
        match self.outcome {
            Outcome::Converged(report) => {
                let gap = if report.notes.is_empty() || self.talk == Talk::Quiet {
                    ""
                } else {
                    "\n"
                };
                writeln!(out, "{gap}Nothing to do: {}.", causes::standing(report))
            }
            Outcome::Ready(plan) => {
                writeln!(
                    out,
                    "\n{}",
                    self.paint(Style::Strong, &format!("Plan: {summary}"))
                )?;
                causes::deletion_sentence(plan)
                    .map_or(Ok(()), |sentence| writeln!(out, "{sentence}"))?;
                if let Some(digest) = plan.digest {
                    writeln!(out, "Digest: {digest}")?;
                }
                match (check::denial(self.findings), self.apply) {
                    (Some(denial), _) => writeln!(out, "{denial}"),
                    (None, "") => Ok(()),
                    (None, command) => writeln!(out, "Apply it with: {}", visible(command)),
                }
            }
            Outcome::Blocked(_) => {
                writeln!(
                    out,
                    "\n{}",
                    self.paint(Style::Strong, &format!("Plan: {summary}"))
                )?;
                let stand = if summary.conflicts == 1 {
                    "the conflict stands"
                } else {
                    "the conflicts stand"
                };
                let rest = if self.outcome.conflicts().iter().any(Conflicting::holds_all) {
                    "."
                } else {
                    "; `loom plan --skip-conflicts` plans the rest."
                };
                writeln!(out, "Nothing can be applied while {stand}{rest}")
            }
        }
    }
}

/// Writes what is not decided: how many of what, and the first few of them. Whether there was any.
///
/// # Errors
/// Those of `out`.
pub(super) fn write_notes(outcome: &Outcome, talk: Talk, out: &mut dyn Write) -> io::Result<bool> {
    let notes = causes::notes(outcome);
    if notes.is_empty() || talk == Talk::Quiet {
        return Ok(false);
    }
    writeln!(out, "Notes:")?;
    for (kind, notes) in notes {
        let name = |note: &&Note| {
            let name = note
                .path
                .as_ref()
                .map_or_else(|| note.address.to_string(), ToString::to_string);
            visible(&name).into_owned()
        };
        let shown = if talk == Talk::Verbose {
            notes.len()
        } else {
            3
        };
        let mut names: Vec<String> = notes.iter().take(shown).map(name).collect();
        if notes.len() > shown {
            names.push(format!("and {} more", notes.len() - shown));
        }
        writeln!(
            out,
            "  {}: {}",
            visible(&causes::note_sentence(kind, &notes)),
            names.join(", ")
        )?;
    }
    Ok(true)
}

/// Whether hunks begin with their line numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// They do.
    Show,
    /// The file comes or goes as a whole: they say nothing.
    Hide,
}

/// The address of an action, and how many more there are.
fn addressed(action: &Action) -> String {
    match action.parts.len() {
        0 | 1 => action.address().to_string(),
        count => format!("{} and {} more", action.address(), count - 1),
    }
}

#[cfg(test)]
mod tests;
