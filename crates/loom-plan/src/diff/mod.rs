//! What differs between two texts: hunks with three lines of context, as `diff -u` has them.
//!
//! In: two contents. Out: a [`Difference`]: hunks of borrowed lines, with the ranges that differ
//! within a line, or the plain fact that one of them is no text.
//!
//! Invariants: no clock is asked, so that equal texts always give equal hunks; memory is linear in
//! the texts; the hunks, applied to the old text, give the new one (property test).

use std::fmt::Write as _;
use std::ops::Range;

use similar::{Algorithm, ChangeTag, DiffOp};

use crate::addr::ContentHash;

/// How many unchanged lines are shown around a change.
pub const CONTEXT: usize = 3;
/// A replaced region of more lines or bytes than this is shown without ranges inside its lines:
/// there is nothing to compare line by line, and refining costs time that grows with its square.
const REFINED_LINES: usize = 64;
const REFINED_BYTES: usize = 16 * 1024;

/// What differs between two contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference<'a> {
    /// Both are texts.
    Text(TextDiff<'a>),
    /// One of them is not UTF-8 or holds a NUL.
    Binary,
}

/// The hunks between two texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextDiff<'a> {
    /// In order, none where the texts are equal.
    pub hunks: Vec<Hunk<'a>>,
}

/// A region that differs, with its context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// The lines of the old text, counted from 0.
    pub old: Range<usize>,
    /// The lines of the new text, counted from 0.
    pub new: Range<usize>,
    /// The lines, removed ones before the added ones that replace them.
    pub lines: Vec<Line<'a>>,
}

/// One line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What happens to it.
    pub kind: LineKind,
    /// Its text without the line end.
    pub text: &'a str,
    /// The bytes of it that differ from the line that it replaces, or is replaced by.
    pub emphasis: Vec<Range<usize>>,
    /// Whether a line end follows.
    pub end: LineEnd,
}

/// What happens to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    /// It stays.
    Context,
    /// It goes.
    Removed,
    /// It comes.
    Added,
}

/// Whether a line end follows a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// It does.
    There,
    /// The text ends without one.
    Missing,
}

impl LineKind {
    /// The mark that begins the line.
    pub fn mark(self) -> char {
        match self {
            Self::Context => ' ',
            Self::Removed => '-',
            Self::Added => '+',
        }
    }
}

/// Compares two contents; nothing at all is the empty one.
pub fn compare<'a>(before: &'a [u8], after: &'a [u8]) -> Difference<'a> {
    match (as_text(before), as_text(after)) {
        (Some(before), Some(after)) => Difference::Text(TextDiff::new(before, after)),
        (None, _) | (_, None) => Difference::Binary,
    }
}

/// Which lines of a text stood in another one before it, and lie beside nothing that was taken out.
pub fn untouched(before: &str, now: &str) -> Vec<bool> {
    let mut lines = vec![true; now.lines().count()];
    let mut touch = |line: usize| {
        if let Some(is_old) = lines.get_mut(line) {
            *is_old = false;
        }
    };
    for hunk in TextDiff::with_context(before, now, 0).hunks {
        hunk.new.clone().for_each(&mut touch);
        if hunk.new.is_empty() {
            touch(hunk.new.start);
            hunk.new
                .start
                .checked_sub(1)
                .into_iter()
                .for_each(&mut touch);
        }
    }
    lines
}

/// A content as a text that a person can read.
pub fn as_text(content: &[u8]) -> Option<&str> {
    std::str::from_utf8(content)
        .ok()
        .filter(|text| !text.contains('\0'))
}

impl<'a> TextDiff<'a> {
    /// Compares two texts line by line. A line ends with `\n`, whatever stands before it.
    pub fn new(before: &'a str, after: &'a str) -> Self {
        Self::with_context(before, after, CONTEXT)
    }

    /// As [`TextDiff::new`], with so many unchanged lines around a change.
    pub fn with_context(before: &'a str, after: &'a str, context: usize) -> Self {
        let old: Vec<&'a str> = before.split_inclusive('\n').collect();
        let new: Vec<&'a str> = after.split_inclusive('\n').collect();
        let diff = similar::TextDiff::configure()
            .algorithm(Algorithm::Myers)
            .diff_slices(&old, &new);
        Self {
            hunks: diff
                .grouped_ops(context)
                .iter()
                .map(|ops| hunk(&diff, ops, &old, &new))
                .collect(),
        }
    }

    /// How many lines come.
    pub fn added(&self) -> usize {
        self.changed()
            .filter(|line| line.kind == LineKind::Added)
            .count()
    }

    /// How many lines go.
    pub fn removed(&self) -> usize {
        self.changed()
            .filter(|line| line.kind == LineKind::Removed)
            .count()
    }

    fn changed(&self) -> impl Iterator<Item = &Line<'a>> {
        self.hunks
            .iter()
            .flat_map(|hunk| &hunk.lines)
            .filter(|line| line.kind != LineKind::Context)
    }

    /// What stands for the change wherever it is made: the lines that go and come, hunk by hunk,
    /// without the lines around them and without their numbers.
    pub fn identity(&self) -> ContentHash {
        let mut text = String::new();
        for hunk in &self.hunks {
            text.push('@');
            for line in hunk
                .lines
                .iter()
                .filter(|line| line.kind != LineKind::Context)
            {
                text.extend([
                    line.kind.mark(),
                    if line.end == LineEnd::There {
                        '\n'
                    } else {
                        '\\'
                    },
                ]);
                text.push_str(line.text);
                text.push('\n');
            }
        }
        ContentHash::of(text.as_bytes())
    }

    /// The hunks as `diff -u` writes them, without the two lines that name the files.
    pub fn unified(&self) -> String {
        let mut text = String::new();
        for hunk in &self.hunks {
            text += &hunk.header();
            text.push('\n');
            for line in &hunk.lines {
                let end = if line.end == LineEnd::There {
                    "\n"
                } else {
                    "\n\\ No newline at end of file\n"
                };
                write!(text, "{}{}{end}", line.kind.mark(), line.text)
                    .expect("writing to a string cannot fail");
            }
        }
        text
    }
}

impl Hunk<'_> {
    /// Such as `@@ -12,7 +12,8 @@`.
    pub fn header(&self) -> String {
        format!("@@ -{} +{} @@", numbers(&self.old), numbers(&self.new))
    }
}

/// Line numbers from 1; of an empty range, the line before it (POSIX `diff -u`).
fn numbers(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        length => format!("{},{length}", range.start + 1),
    }
}

type Similar<'a> = similar::TextDiff<'a, 'a, str>;

fn hunk<'a>(diff: &Similar<'a>, ops: &[DiffOp], old: &[&'a str], new: &[&'a str]) -> Hunk<'a> {
    let around = |range: fn(&DiffOp) -> Range<usize>| {
        let (first, last) = (ops.first().map(range), ops.last().map(range));
        first.map_or(0, |range| range.start)..last.map_or(0, |range| range.end)
    };
    let lines = ops
        .iter()
        .flat_map(|op| op_lines(diff, op, old, new))
        .collect();
    Hunk {
        old: around(DiffOp::old_range),
        new: around(DiffOp::new_range),
        lines,
    }
}

fn op_lines<'a>(
    diff: &Similar<'a>,
    op: &DiffOp,
    old: &[&'a str],
    new: &[&'a str],
) -> Vec<Line<'a>> {
    let text = |tag, old_index: Option<usize>, new_index: Option<usize>| match tag {
        ChangeTag::Equal | ChangeTag::Delete => old_index.map_or("", |at| old[at]),
        ChangeTag::Insert => new_index.map_or("", |at| new[at]),
    };
    if !is_refined(op, old, new) {
        let changes = diff.iter_changes(op);
        return changes
            .map(|change| {
                line(
                    change.tag(),
                    text(change.tag(), change.old_index(), change.new_index()),
                    [],
                )
            })
            .collect();
    }
    // without a deadline: similar's own default is half a second of the clock
    let changes = diff.iter_inline_changes_deadline(op, None);
    changes
        .map(|change| {
            let pieces = change
                .values()
                .iter()
                .map(|(emphasised, piece)| (*emphasised, piece.len()));
            line(
                change.tag(),
                text(change.tag(), change.old_index(), change.new_index()),
                pieces,
            )
        })
        .collect()
}

fn is_refined(op: &DiffOp, old: &[&str], new: &[&str]) -> bool {
    let (old, new) = (&old[op.old_range()], &new[op.new_range()]);
    let both = !old.is_empty() && !new.is_empty() && op.tag() != similar::DiffTag::Equal;
    both && old.len() + new.len() <= REFINED_LINES
        && old.iter().chain(new).map(|line| line.len()).sum::<usize>() <= REFINED_BYTES
}

/// A line from its text with the line end, and the pieces that it consists of.
fn line(tag: ChangeTag, text: &str, pieces: impl IntoIterator<Item = (bool, usize)>) -> Line<'_> {
    let kind = match tag {
        ChangeTag::Equal => LineKind::Context,
        ChangeTag::Delete => LineKind::Removed,
        ChangeTag::Insert => LineKind::Added,
    };
    let (text, end) = match text.strip_suffix('\n') {
        Some(text) => (text, LineEnd::There),
        None => (text, LineEnd::Missing),
    };
    let mut emphasis: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    for (emphasised, length) in pieces {
        let range = at..(at + length).min(text.len());
        at += length;
        match emphasis.last_mut() {
            _ if !emphasised || range.is_empty() => {}
            Some(last) if last.end == range.start => last.end = range.end,
            Some(_) | None => emphasis.push(range),
        }
    }
    Line {
        kind,
        text,
        emphasis,
        end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_is_shown_with_three_lines_around_it_and_the_words_that_differ() {
        let before = "1\n2\n3\n4\n  port: 3000\n6\n7\n8\n9\n";
        let after = before.replace("3000", "8080");
        let diff = TextDiff::new(before, &after);
        insta::assert_snapshot!(diff.unified(), @r"
        @@ -2,7 +2,7 @@
         2
         3
         4
        -  port: 3000
        +  port: 8080
         6
         7
         8
        ");
        let marked: Vec<&str> = diff
            .changed()
            .flat_map(|line| line.emphasis.iter().map(|range| &line.text[range.clone()]))
            .collect();
        assert_eq!(marked, ["3000", "8080"]);
        assert_eq!((diff.added(), diff.removed()), (1, 1));
    }

    #[test]
    fn a_line_end_that_is_missing_is_said() {
        insta::assert_snapshot!(TextDiff::new("a\nb", "a\nb\n").unified(), @r"
        @@ -1,2 +1,2 @@
         a
        -b
        \ No newline at end of file
        +b
        ");
    }

    #[test]
    fn a_file_that_comes_or_goes_has_the_numbers_that_patch_expects() {
        assert_eq!(
            TextDiff::new("", "a\nb\n").unified(),
            "@@ -0,0 +1,2 @@\n+a\n+b\n"
        );
        assert_eq!(TextDiff::new("a\n", "").unified(), "@@ -1 +0,0 @@\n-a\n");
        assert_eq!(TextDiff::new("a\n", "a\n"), TextDiff::default());
    }

    #[test]
    fn a_carriage_return_is_part_of_its_line() {
        assert_eq!(
            TextDiff::new("a\r\nb\rc\n", "a\nb\rc\n").unified(),
            "@@ -1,2 +1,2 @@\n-a\r\n+a\n b\rc\n"
        );
    }

    #[test]
    fn what_is_no_text_is_not_compared_as_text() {
        assert_eq!(compare(b"\xff", b"a"), Difference::Binary);
        assert_eq!(compare(b"a", b"a\0"), Difference::Binary);
        assert!(matches!(compare("ü".as_bytes(), b""), Difference::Text(_)));
    }

    #[test]
    fn the_same_change_has_one_identity_wherever_it_is_made() {
        let here = TextDiff::new("x\nuses: a@1\ny\n", "x\nuses: a@2\ny\n").identity();
        let there = TextDiff::new("1\n2\n3\n4\nuses: a@1\n", "1\n2\n3\n4\nuses: a@2\n").identity();
        assert_eq!(here, there);
        assert_ne!(here, TextDiff::new("uses: a@2\n", "uses: a@1\n").identity());
        assert_ne!(here, TextDiff::new("uses: a@1", "uses: a@2").identity());
    }

    #[test]
    fn large_texts_without_a_common_line_take_no_long_time_and_no_ranges() {
        let text = |word: &str| {
            (0..100_000)
                .map(|number| format!("{word} {number}"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let (before, after) = (text("old"), text("new"));
        let diff = TextDiff::new(&before, &after);
        assert_eq!((diff.added(), diff.removed()), (100_000, 100_000));
        assert!(diff.changed().all(|line| line.emphasis.is_empty()));
    }

    /// The new text, by the hunks and the old one.
    fn applied(diff: &TextDiff<'_>, before: &str) -> String {
        let old: Vec<&str> = before.split_inclusive('\n').collect();
        let mut text = String::new();
        let mut at = 0;
        for hunk in &diff.hunks {
            text.extend(old[at..hunk.old.start].iter().copied());
            at = hunk.old.end;
            for line in hunk
                .lines
                .iter()
                .filter(|line| line.kind != LineKind::Removed)
            {
                text.push_str(line.text);
                text.push_str(if line.end == LineEnd::There { "\n" } else { "" });
            }
        }
        text.extend(old[at..].iter().copied());
        text
    }

    proptest! {
        #[test]
        fn hunks_applied_to_the_old_text_give_the_new_one(before in "([ab]\n|c\r\n|d ){0,30}", after in "([ab]\n|c\r\n|d ){0,30}") {
            let diff = TextDiff::new(&before, &after);
            prop_assert_eq!(applied(&diff, &before), after.clone());
            prop_assert_eq!(diff.hunks.is_empty(), before == after);
            for hunk in &diff.hunks {
                let count = |kind| hunk.lines.iter().filter(|line| line.kind != kind).count();
                prop_assert_eq!((hunk.old.len(), hunk.new.len()), (count(LineKind::Added), count(LineKind::Removed)));
                for line in &hunk.lines {
                    prop_assert!(line.emphasis.iter().all(|range| line.text.get(range.clone()).is_some()));
                }
            }
        }
    }
}
