//! What earlier runs did, as text and as JSON.
//!
//! In: entries of the history. Out: a line for each, or one entry with all of its files; and what
//! undoing one will do. The schema is `docs/schema/history-output.schema.json`.
//!
//! Deliberately not here: which entry is meant, and whether it can be undone.

use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use loom_apply::{Did, Past};
use loom_plan::addr::RepoPath;
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::json::{self, FORMAT_VERSION};
use super::style::{Style, visible};
use crate::cli::Talk;
use crate::env::{Colour, Stream};

/// How much of a digest tells entries apart.
const DIGITS: usize = 12;
/// The last second of the year 9999, after which RFC 3339 has no words.
const LAST: u64 = 253_402_300_799;

/// A time in seconds since 1970, in UTC as RFC 3339 writes it.
pub(crate) fn moment(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds.min(LAST)))
        .to_string()
}

/// Writes a line for each entry.
///
/// # Errors
/// Those of `out`.
pub(crate) fn list(
    past: &[Past],
    stream: Stream,
    talk: Talk,
    out: &mut dyn Write,
) -> io::Result<()> {
    let widest = |text: fn(&Past) -> String| {
        past.iter()
            .map(|entry| text(entry).width())
            .max()
            .unwrap_or(0)
    };
    let (id, command, counts) = (
        widest(|entry| entry.id.to_string()),
        widest(command),
        widest(counts),
    );
    for entry in past {
        let number = stream
            .colour
            .paint(Style::Strong, &format!("{:>id$}", entry.id));
        let digest = entry
            .digest
            .map_or_else(|| "-".to_owned(), |digest| digest.short(DIGITS));
        let line = format!(
            "{number}  {}  {:<command$}  {:<counts$}  {digest:<DIGITS$}  {}",
            moment(entry.at),
            self::command(entry),
            self::counts(entry),
            stream.colour.paint(Style::Faint, &relations(entry)),
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    match (past.is_empty(), talk) {
        (true, _) => writeln!(
            out,
            "The history is empty: loom has written nothing here that is still kept."
        ),
        (false, Talk::Quiet) => Ok(()),
        (false, Talk::Normal | Talk::Verbose) => {
            writeln!(
                out,
                "\n`loom history show ID` lists the files of an entry, and `loom rollback ID` undoes it."
            )
        }
    }
}

/// Writes one entry and what it did to each file.
///
/// # Errors
/// Those of `out`.
pub(crate) fn show(
    entry: &Past,
    changes: &Changes,
    stream: Stream,
    out: &mut dyn Write,
) -> io::Result<()> {
    let title = format!(
        "Entry {}: loom {}, {}",
        entry.id,
        command(entry),
        moment(entry.at)
    );
    writeln!(out, "{}", stream.colour.paint(Style::Strong, &title))?;
    if let Some(digest) = entry.digest {
        writeln!(out, "Digest: {digest}")?;
    }
    for relation in [rolls_back(entry), rolled_back_by(entry)]
        .into_iter()
        .flatten()
    {
        writeln!(out, "It {relation}.")?;
    }
    writeln!(out)?;
    let done = |did| match did {
        Did::Created => ("+", Style::Added, word(did)),
        Did::Updated => ("~", Style::Changed, word(did)),
        Did::Deleted => ("-", Style::Removed, word(did)),
    };
    files(changes, done, stream.colour, out)?;
    writeln!(out, "\nIn all: {}.", counts(entry))
}

/// What is done to each path.
pub(crate) type Changes = [(Did, RepoPath)];

/// Writes what undoing an entry will do to each file: `changes` are those of the undoing.
///
/// # Errors
/// Those of `out`.
pub(crate) fn undo(
    entry: &Past,
    changes: &Changes,
    colour: Colour,
    out: &mut dyn Write,
) -> io::Result<()> {
    let title = format!(
        "Rolling back entry {}: loom {}, {}",
        entry.id,
        command(entry),
        moment(entry.at)
    );
    writeln!(out, "{}\n", colour.paint(Style::Strong, &title))?;
    let undone = |did| match did {
        Did::Created => (
            "+",
            Style::Added,
            "comes back, because the entry deleted it",
        ),
        Did::Updated => ("~", Style::Changed, "becomes what it was before"),
        Did::Deleted => (
            "-",
            Style::Removed,
            "is removed, because the entry created it",
        ),
    };
    files(changes, undone, colour, out)
}

/// A line for each file.
fn files(
    changes: &Changes,
    says: fn(Did) -> (&'static str, Style, &'static str),
    colour: Colour,
    out: &mut dyn Write,
) -> io::Result<()> {
    let widest = changes
        .iter()
        .map(|(_, path)| path.as_str().width())
        .max()
        .unwrap_or(0);
    for (did, path) in changes {
        let (mark, style, words) = says(*did);
        let gap = " ".repeat(widest - path.as_str().width());
        writeln!(
            out,
            "{} {}{gap}  {words}",
            colour.paint(style, mark),
            visible(path.as_str())
        )?;
    }
    Ok(())
}

/// The command, as a terminal may be sent it: the journal is a file that anybody may have written.
fn command(entry: &Past) -> String {
    visible(&entry.command).into_owned()
}

/// Such as `2 created, 1 updated`.
fn counts(entry: &Past) -> String {
    let all = [Did::Created, Did::Updated, Did::Deleted].map(|did| (count(entry, did), word(did)));
    let said: Vec<String> = all
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if said.is_empty() {
        "no file".to_owned()
    } else {
        said.join(", ")
    }
}

fn count(entry: &Past, did: Did) -> usize {
    match did {
        Did::Created => entry.counts.created,
        Did::Updated => entry.counts.updated,
        Did::Deleted => entry.counts.deleted,
    }
}

fn rolls_back(entry: &Past) -> Option<String> {
    entry.undoes.map(|id| format!("rolls back {id}"))
}

fn rolled_back_by(entry: &Past) -> Option<String> {
    entry.undone_by.map(|id| format!("was rolled back by {id}"))
}

fn relations(entry: &Past) -> String {
    [rolls_back(entry), rolled_back_by(entry)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: &'static str,
    entries: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: u64,
    at: String,
    command: &'a str,
    digest: Option<String>,
    created: usize,
    updated: usize,
    deleted: usize,
    rolls_back: Option<u64>,
    rolled_back_by: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Change<'a>>>,
}

#[derive(Serialize)]
struct Change<'a> {
    path: &'a str,
    change: &'static str,
}

impl<'a> From<&'a Past> for Entry<'a> {
    fn from(entry: &'a Past) -> Self {
        Self {
            id: entry.id,
            at: moment(entry.at),
            command: &entry.command,
            digest: entry.digest.map(|digest| digest.to_string()),
            created: count(entry, Did::Created),
            updated: count(entry, Did::Updated),
            deleted: count(entry, Did::Deleted),
            rolls_back: entry.undoes,
            rolled_back_by: entry.undone_by,
            changes: None,
        }
    }
}

/// Writes all entries for programs.
///
/// # Errors
/// Those of `out`.
pub(crate) fn list_json(past: &[Past], out: &mut dyn Write) -> io::Result<()> {
    json::write(
        &Document {
            format_version: FORMAT_VERSION,
            entries: past.iter().map(Entry::from).collect(),
        },
        out,
    )
}

/// Writes one entry with its files for programs.
///
/// # Errors
/// Those of `out`.
pub(crate) fn show_json(entry: &Past, changes: &Changes, out: &mut dyn Write) -> io::Result<()> {
    let changes = changes.iter().map(|(did, path)| Change {
        path: path.as_str(),
        change: word(*did),
    });
    let changes = Some(changes.collect());
    json::write(
        &Document {
            format_version: FORMAT_VERSION,
            entries: vec![Entry {
                changes,
                ..entry.into()
            }],
        },
        out,
    )
}

fn word(did: Did) -> &'static str {
    match did {
        Did::Created => "created",
        Did::Updated => "updated",
        Did::Deleted => "deleted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_and_one_beyond_all_calendars_too() {
        assert_eq!(moment(1_795_447_201), "2026-11-23T15:20:01Z");
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(u64::MAX), "9999-12-31T23:59:59Z");
    }
}
