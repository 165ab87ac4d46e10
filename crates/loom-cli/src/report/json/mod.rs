//! Plans and drift for programs: JSON documents that carry a `format_version`.
//!
//! In: an outcome and its contents. Out: one document, its keys always in the same order, its
//! actions written as they are prepared. The schemas are in `docs/schema/`, the reader's guide is
//! `docs/guide/json-output.md`; tests hold real output against them.
//!
//! A minor version adds keys, which readers ignore; a new major version is refused by them.

mod plan;

use std::fmt::Write as _;
use std::io::{self, Write};

use loom_plan::addr::RepoPath;
use loom_plan::credential::masked;
use loom_plan::diff::Difference;
use loom_plan::drift::Class;
use loom_plan::drift::grade::Grade;
use loom_plan::plan::upgrade::Upgrades;
use loom_plan::plan::{NoteKind, Outcome};
use loom_plan::snapshot::Part;
use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, PrettyFormatter};

pub(crate) use plan::{actions, mode, plan};

use super::Shown;
use super::causes;
use super::drift::Report;
use super::style::{is_hidden, visible_lines};

/// The version of all documents but those of plans.
pub(crate) const FORMAT_VERSION: &str = "1.0";

/// The version of the documents of plans, which carry the choices that their digest covers.
pub(crate) const PLAN_FORMAT_VERSION: &str = "1.1";

/// Writes one document.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write<T: Serialize>(document: &T, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(
        &mut *out,
        Safe::of(PrettyFormatter::new(), Reader::Program),
    );
    document.serialize(&mut serializer)?;
    writeln!(out)
}

/// A document on one line, for a page: nothing in it ends a script or begins markup.
///
/// # Errors
/// None that the document does not have.
pub(super) fn inert<T: Serialize>(document: &T) -> io::Result<String> {
    let mut json = Vec::new();
    document.serialize(&mut serde_json::Serializer::with_formatter(
        &mut json,
        Safe::of(CompactFormatter, Reader::Person),
    ))?;
    // outside of its strings JSON has no such character
    Ok(String::from_utf8_lossy(&json).replace('<', "\\u003c"))
}

/// JSON in which each string is masked by itself, so that what looks like a credential covers nothing
/// of another string, and what would command a terminal or does not show is escaped: the standard asks
/// for it only below U+0020 (RFC 8259, section 7).
struct Safe<F> {
    inner: F,
    reader: Reader,
    /// The string that is being written.
    text: String,
}

/// Who reads a document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// A program, which is given every string as it is.
    Program,
    /// A person, through a page: what does not show is named.
    Person,
}

impl<F> Safe<F> {
    fn of(inner: F, reader: Reader) -> Self {
        Self {
            inner,
            reader,
            text: String::new(),
        }
    }
}

/// Hands methods of [`Formatter`] on.
macro_rules! hand_on {
    ($($name:ident($($argument:ident: $type:ty),*);)+) => {
        $(fn $name<W: ?Sized + Write>(&mut self, out: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.inner.$name(out $(, $argument)*)
        })+
    };
}

impl<F: Formatter> Formatter for Safe<F> {
    hand_on! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn begin_string<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.text.clear();
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        _: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        self.text.push_str(fragment);
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        _: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.text.push(match escape {
            CharEscape::Quote => '"',
            CharEscape::ReverseSolidus => '\\',
            CharEscape::Solidus => '/',
            CharEscape::Backspace => '\u{8}',
            CharEscape::FormFeed => '\u{c}',
            CharEscape::LineFeed => '\n',
            CharEscape::CarriageReturn => '\r',
            CharEscape::Tab => '\t',
            CharEscape::AsciiControl(byte) => char::from(byte),
        });
        Ok(())
    }

    fn end_string<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        let mut escaped = String::with_capacity(self.text.len() + 2);
        escaped.push('"');
        let text = match self.reader {
            Reader::Program => masked(&self.text),
            Reader::Person => visible_lines(&masked(&self.text)).into(),
        };
        for c in text.chars() {
            match c {
                '"' => escaped.push_str("\\\""),
                '\\' => escaped.push_str("\\\\"),
                '\n' => escaped.push_str("\\n"),
                '\r' => escaped.push_str("\\r"),
                '\t' => escaped.push_str("\\t"),
                c if is_hidden(c) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(escaped, "\\u{unit:04x}").expect("writing to a string cannot fail");
                    }
                }
                c => escaped.push(c),
            }
        }
        escaped.push('"');
        out.write_all(escaped.as_bytes())
    }
}

#[derive(Serialize)]
struct Note<'a> {
    kind: &'static str,
    address: String,
    path: Option<&'a str>,
    text: String,
}

/// What is not decided.
fn notes(outcome: &Outcome) -> Vec<Note<'_>> {
    let all = outcome.report().notes.iter().map(|found| Note {
        kind: note_word(&found.kind),
        address: found.address.to_string(),
        path: found.path.as_ref().map(RepoPath::as_str),
        text: causes::note_sentence(&found.kind, &[found]),
    });
    all.collect()
}

fn note_word(kind: &NoteKind) -> &'static str {
    match kind {
        NoteKind::Waiting(_) => "waiting",
        NoteKind::Held(_) => "held",
        NoteKind::NotLoaded(_) => "not_loaded",
        NoteKind::OutOfScope => "out_of_scope",
        NoteKind::KeptEdit => "kept_edit",
        NoteKind::Once => "once",
        NoteKind::Delegated(_) => "delegated",
        NoteKind::Unheld => "unheld",
        NoteKind::GoesOn { .. } => "goes_on",
        NoteKind::Spent(_) => "spent",
    }
}

/// The hunks between the contents; nothing where they are equal, no text, or hidden.
fn unified(shown: &Shown) -> Option<String> {
    match shown.difference() {
        Difference::Text(diff) => Some(diff.unified()).filter(|text| !text.is_empty()),
        Difference::Binary => None,
    }
}

/// A part of a file: its address where it is a block.
fn block(part: &Part) -> Option<&str> {
    match part {
        Part::Whole | Part::Keys(_) => None,
        Part::Block(address) => Some(address),
    }
}

/// A part of a file: its address where it is keys.
fn keys(part: &Part) -> Option<&str> {
    match part {
        Part::Whole | Part::Block(_) => None,
        Part::Keys(address) => Some(address),
    }
}

/// A step of a kind that changes files, though nobody asked for it.
#[derive(Serialize)]
struct UpgradeJson<'a> {
    kind: &'a str,
    from_version: u32,
    to_version: u32,
    changes: &'a [String],
    paths: Vec<&'a str>,
}

fn upgrades<'a>(upgrades: &Upgrades<'a>) -> Vec<UpgradeJson<'a>> {
    let groups = upgrades.groups.iter().map(|group| UpgradeJson {
        kind: group.kind,
        from_version: group.from,
        to_version: group.to,
        changes: group.changes,
        paths: group.paths.iter().map(|path| path.as_str()).collect(),
    });
    groups.collect()
}

#[derive(Serialize)]
struct DriftDocument<'a> {
    format_version: &'static str,
    summary: DriftSummary,
    drift: Vec<DriftJson<'a>>,
    upgrades: Vec<UpgradeJson<'a>>,
    notes: Vec<Note<'a>>,
}

#[derive(Default, Serialize)]
struct DriftSummary {
    edited: usize,
    missing: usize,
    input_changed: usize,
    generator_upgraded: usize,
    unrecorded: usize,
    errors: usize,
    outputs: usize,
    #[serde(skip_serializing_if = "crate::report::causes::is_none")]
    unseen: usize,
}

#[derive(Serialize)]
struct DriftJson<'a> {
    class: Option<&'static str>,
    path: &'a str,
    block: Option<&'a str>,
    address: String,
    grade: Option<&'static str>,
    lines: Option<LinesJson>,
    remedy: &'a str,
    error: Option<&'a str>,
    diff: Option<String>,
}

#[derive(Serialize)]
struct LinesJson {
    added: usize,
    removed: usize,
}

/// Writes what drifted.
///
/// # Errors
/// Those of `out`.
pub(crate) fn drift(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let summary = DriftSummary {
        edited: report.count(Class::Edited),
        missing: report.count(Class::Missing),
        input_changed: report.count(Class::InputChanged),
        generator_upgraded: report.count(Class::GeneratorUpgraded),
        unrecorded: report.count(Class::Unrecorded),
        errors: report.errors(),
        outputs: report.outcome.report().outputs,
        unseen: report.outcome.report().unseen,
    };
    let found = report.findings.iter().map(|finding| DriftJson {
        class: finding
            .error
            .is_none()
            .then(|| class_word(finding.found.class)),
        path: finding.found.path.as_str(),
        block: block(&finding.found.part),
        address: finding.found.address.to_string(),
        grade: finding.grade.map(grade_word),
        lines: finding
            .lines
            .map(|(added, removed)| LinesJson { added, removed }),
        remedy: &finding.remedy,
        error: finding.error.as_deref(),
        diff: report.diff(finding),
    });
    let document = DriftDocument {
        format_version: FORMAT_VERSION,
        summary,
        drift: found.collect(),
        upgrades: upgrades(&report.upgrades),
        notes: notes(report.outcome),
    };
    write(&document, out)
}

fn grade_word(grade: Grade) -> &'static str {
    match grade {
        Grade::Content => "content",
        Grade::Format => "format",
        Grade::Comments => "comments",
    }
}

fn class_word(class: Class) -> &'static str {
    match class {
        Class::Edited => "edited",
        Class::Missing => "missing",
        Class::InputChanged => "input_changed",
        Class::GeneratorUpgraded => "generator_upgraded",
        Class::Unrecorded => "unrecorded",
    }
}

#[cfg(test)]
mod tests;
