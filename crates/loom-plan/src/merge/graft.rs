//! Grafting: what loom changed from the base is done to the observed text, at the same places.
//!
//! In: three texts and their trees, whose data merge. Out: the observed text with loom's change, or
//! `None` where it cannot be done by places, or where a line that only a person wrote would go.
//! Whoever calls reads the result again and compares.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Sides;
use super::data::Data;
use super::tree::{Layout, Part, Shape, Tree};

pub(super) fn graft(sides: Sides<'_>, [base, observed, desired]: [&Tree; 3]) -> Option<String> {
    let lines = sides.base.lines().map(str::trim).collect();
    let mut grafting = Grafting {
        observed: sides.observed,
        desired: sides.desired,
        base_lines: lines,
        edits: Vec::new(),
    };
    grafting.value(Some(base), observed, desired)?;
    grafting.apply()
}

struct Grafting<'a> {
    observed: &'a str,
    desired: &'a str,
    /// The lines of the base, trimmed: any other line of the observed text is a person's.
    base_lines: BTreeSet<&'a str>,
    edits: Vec<(Range<usize>, String)>,
}

impl Grafting<'_> {
    fn value(&mut self, base: Option<&Tree>, observed: &Tree, desired: &Tree) -> Option<()> {
        let (was, is, becomes) = (base.map(Data::of), Data::of(observed), Data::of(desired));
        if is == becomes || was.as_ref() == Some(&becomes) {
            return Some(());
        }
        match (&observed.shape, &desired.shape) {
            (Shape::Map(one, _), Shape::Map(other, _))
                if one == other && !observed.parts().is_empty() =>
            {
                self.parts(*one, base, observed, desired)
            }
            (Shape::List(one, items), Shape::List(other, _))
                if one == other && are_named(items) && are_named(desired.parts()) =>
            {
                self.parts(*one, base, observed, desired)
            }
            _ if was.as_ref() == Some(&is) => {
                let (from, to) = (
                    self.indentation(observed.span.start),
                    column(self.desired, desired.span.start),
                );
                let text = reindented(&self.desired[desired.span.clone()], to, from);
                let extent = match observed.shape {
                    Shape::Leaf(_) => Extent::Value,
                    Shape::Map(layout, _) | Shape::List(layout, _) => Extent::of(layout),
                };
                self.replace(observed.span.clone(), text, extent)
            }
            _ => None,
        }
    }

    /// Parts by their names: those that both have, those that loom adds, those that it takes out.
    fn parts(
        &mut self,
        layout: Layout,
        base: Option<&Tree>,
        observed: &Tree,
        desired: &Tree,
    ) -> Option<()> {
        let in_base = |name: &str| base.and_then(|base| base.part(name)).map(|part| &part.tree);
        let mut before: Option<&Part> = None;
        for part in desired.parts() {
            match observed.part(&part.name) {
                Some(known) => {
                    self.value(in_base(&part.name), &known.tree, &part.tree)?;
                    before = Some(known);
                }
                // the person took it out, and loom did not change it
                None if in_base(&part.name).is_some() => {}
                None => self.insert(layout, before, observed, part)?,
            }
        }
        for (at, part) in observed.parts().iter().enumerate() {
            if desired.part(&part.name).is_none() && in_base(&part.name).is_some() {
                self.remove(layout, observed.parts(), at)?;
            }
        }
        Some(())
    }

    fn insert(
        &mut self,
        layout: Layout,
        before: Option<&Part>,
        observed: &Tree,
        part: &Part,
    ) -> Option<()> {
        let first = observed.parts().first()?;
        let (from, to) = (
            column(self.desired, part.span.start),
            self.indentation(first.span.start),
        );
        match layout {
            Layout::Documents => None,
            Layout::Commas => {
                let text = reindented(&self.desired[part.span.clone()], from, to);
                let gap = &self.observed[observed.span.start + 1..first.span.start];
                match before {
                    Some(before) => self
                        .edits
                        .push((before.span.end..before.span.end, format!(",{gap}{text}"))),
                    None => self
                        .edits
                        .push((first.span.start..first.span.start, format!("{text},{gap}"))),
                }
                Some(())
            }
            Layout::Lines => {
                let whole = with_comments(self.desired, part.span.start)
                    ..line_end(self.desired, part.span.end);
                let text = reindented(&self.desired[whole], from, to);
                let blanks = " ".repeat(to);
                match before {
                    Some(before) => {
                        let at = line_end(self.observed, before.span.end);
                        self.edits.push((at..at, format!("\n{blanks}{text}")));
                    }
                    None => self.edits.push((
                        first.span.start..first.span.start,
                        format!("{text}\n{blanks}"),
                    )),
                }
                Some(())
            }
        }
    }

    fn remove(&mut self, layout: Layout, parts: &[Part], at: usize) -> Option<()> {
        let (part, next) = (&parts[at], parts.get(at + 1));
        let before = at.checked_sub(1).map(|before| &parts[before]);
        let range = match (layout, before, next) {
            (Layout::Documents, ..) => return None,
            (Layout::Commas, Some(before), _) => before.span.end..part.span.end,
            (Layout::Commas, None, next) => part.span.start..next?.span.start,
            (Layout::Lines, ..) => {
                let start = part.span.start - column(self.observed, part.span.start);
                let end = line_end(self.observed, part.span.end);
                if self.observed[start..part.span.start].trim().is_empty() {
                    // the only part takes its holder with it, which is another change
                    before.or(next)?;
                    start..(end + 1).min(self.observed.len())
                } else {
                    part.span.start..next?.span.start
                }
            }
        };
        self.replace(range, String::new(), Extent::of(layout))
    }

    /// Replaces a range, if no comment of a person's is in it. What it says is the base's.
    fn replace(&mut self, range: Range<usize>, text: String, extent: Extent) -> Option<()> {
        let is_known = match extent {
            Extent::Value => true,
            Extent::Lines => {
                let start = range.start - column(self.observed, range.start);
                let end = line_end(self.observed, range.end.max(range.start + 1) - 1).max(start);
                self.observed[start..end]
                    .lines()
                    .all(|line| self.base_lines.contains(line.trim()))
            }
            Extent::Parts => !self.observed[range.clone()].contains('#'),
        };
        is_known.then(|| self.edits.push((range, text)))
    }

    /// The column at which what begins at an offset of the observed text is indented.
    fn indentation(&self, at: usize) -> usize {
        column(self.observed, at)
    }

    fn apply(mut self) -> Option<String> {
        self.edits
            .sort_by_key(|(range, _)| (range.start, range.end));
        let (mut text, mut at) = (String::new(), 0);
        for (range, new) in self.edits {
            text.push_str(self.observed.get(at..range.start)?);
            text.push_str(&new);
            at = range.end;
        }
        text.push_str(self.observed.get(at..)?);
        Some(text)
    }
}

/// How much a replacement takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// A single value.
    Value,
    /// Values between commas.
    Parts,
    /// Whole lines, with all that stands on them.
    Lines,
}

impl Extent {
    fn of(layout: Layout) -> Self {
        match layout {
            Layout::Commas => Self::Parts,
            Layout::Lines | Layout::Documents => Self::Lines,
        }
    }
}

fn are_named(items: &[Part]) -> bool {
    !items.is_empty() && items.iter().all(|item| !item.name.is_empty())
}

/// How many bytes stand before an offset on its line.
fn column(text: &str, at: usize) -> usize {
    at - text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..]
        .find('\n')
        .map_or(text.len(), |length| at + length)
}

/// The start of a part, or of the comments on the lines right above it.
fn with_comments(text: &str, start: usize) -> usize {
    let indentation = column(text, start);
    let mut from = start;
    let mut line = start - indentation;
    while line > 0 {
        let above = text[..line - 1]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let bare = text[above..line].trim_start();
        let is_comment = bare.starts_with('#') || bare.starts_with("//");
        if !is_comment || line - above - bare.len() != indentation {
            break;
        }
        (line, from) = (above, above + indentation);
    }
    from
}

/// A text whose later lines are indented from one column to another.
fn reindented(text: &str, from: usize, to: usize) -> String {
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |mut all, line| {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        let rest = &line[blanks.min(from)..];
        all.push('\n');
        if !rest.is_empty() {
            all.push_str(&" ".repeat(to));
            all.push_str(rest);
        }
        all
    })
}
