//! Lists and mappings between brackets, with commas: all of JSON, and the flow style of others.
//!
//! In: a text and a value that begins and ends with a bracket. Out: the splices that add or take
//! one of its entries, with one comma, on lines of its own where the others are.

use std::ops::Range;

use loom_plan::keys::{Data, Form};

use super::{Splice, Splices, indentation, line_end, line_start, next_line};

/// Where the entries stand, from the key to the end of the value.
pub(super) fn entries(data: &Data) -> Vec<Range<usize>> {
    match &data.form {
        Form::Scalar(_) => Vec::new(),
        Form::List(items) => items.iter().map(|item| item.span.clone()).collect(),
        Form::Map(entries) => entries
            .values()
            .map(|entry| entry.key.start..end(&entry.data).max(entry.key.end))
            .collect(),
    }
}

/// Where a value ends: one that is written by dotted keys, with the last of its own.
fn end(data: &Data) -> usize {
    let inner = match &data.form {
        Form::Scalar(_) => None,
        Form::List(items) => items.iter().map(end).max(),
        Form::Map(entries) => entries.values().map(|entry| end(&entry.data)).max(),
    };
    inner.unwrap_or(0).max(data.span.end)
}

/// Behind the blanks and comments at a place.
pub(super) fn skip(text: &str, mut at: usize, comments: &[&str]) -> usize {
    loop {
        at = text.len() - text[at..].trim_start().len();
        if text[at..].starts_with("/*") && comments.contains(&"/*") {
            at = text[at..]
                .find("*/")
                .map_or(text.len(), |found| at + found + 2);
        } else if comments.iter().any(|mark| text[at..].starts_with(mark)) {
            at = line_end(text, at);
        } else {
            return at;
        }
    }
}

/// Whether the rest of a line holds nothing but a comment.
fn ends_line(text: &str, at: usize, comments: &[&str]) -> bool {
    let rest = text[at..line_end(text, at)].trim_start();
    rest.is_empty()
        || comments.iter().any(|mark| {
            rest.starts_with(mark) && (*mark != "/*" || rest.trim_end().ends_with("*/"))
        })
}

/// The comma behind a place, if there is one.
fn comma(text: &str, at: usize, comments: &[&str]) -> Option<usize> {
    let found = skip(text, at, comments);
    text[found..].starts_with(',').then_some(found)
}

/// Whether a comma stands behind a place.
pub(super) fn has_comma(text: &str, at: usize, comments: &[&str]) -> bool {
    comma(text, at, comments).is_some()
}

/// How the first entry of an empty list or mapping is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum First<'a> {
    /// On a line of its own, indented by this much more.
    Line(&'a str),
    /// Between the brackets.
    Inline,
}

/// Adds an entry at the end; `entry` writes it for the indentation of its line.
pub(super) fn add(
    text: &str,
    holder: &Data,
    entry: &dyn Fn(&str) -> String,
    first: First<'_>,
    comments: &[&str],
) -> Splices {
    let (open, close) = (holder.span.start + 1, holder.span.end - 1);
    let entries = entries(holder);
    let (Some(head), Some(last)) = (entries.first(), entries.last()) else {
        if !text[open..close].trim().is_empty() {
            return Err(
                "a comment stands in the empty brackets where it would be written".to_owned(),
            );
        }
        let outer = indentation(text, holder.span.start);
        let inside = match first {
            First::Line(unit) => format!(
                "\n{outer}{unit}{}\n{outer}",
                entry(&format!("{outer}{unit}"))
            ),
            First::Inline => entry(outer),
        };
        return Ok(vec![Splice::new(open..close, inside)]);
    };
    let comma = comma(text, last.end, comments);
    if !text[open..head.start].contains('\n') {
        let place = comma.map_or(last.end, |comma| comma + 1);
        let gap = if comma.is_some() { " " } else { ", " };
        return Ok(vec![Splice::at(
            place,
            format!("{gap}{}", entry(indentation(text, head.start))),
        )]);
    }
    let indent = indentation(text, head.start);
    let line = |tail: &str| format!("\n{indent}{}{tail}", entry(indent));
    Ok(match comma {
        Some(comma) if ends_line(text, comma + 1, comments) => {
            vec![Splice::at(line_end(text, comma), line(","))]
        }
        Some(comma) => vec![Splice::at(comma + 1, line(","))],
        None if ends_line(text, last.end, comments) => {
            vec![
                Splice::at(last.end, ","),
                Splice::at(line_end(text, last.end), line("")),
            ]
        }
        None => vec![Splice::at(last.end, format!(",{}", line("")))],
    })
}

/// Takes an entry, with one comma and, where it has one of its own, its line.
pub(super) fn take(text: &str, holder: &Data, index: usize, comments: &[&str]) -> Splices {
    let entries = entries(holder);
    let here = entries
        .get(index)
        .cloned()
        .ok_or_else(|| "it is not there".to_owned())?;
    let begin = line_start(text, here.start);
    let own_line = text[begin..here.start].trim().is_empty();
    if let Some(comma) = comma(text, here.end, comments) {
        let behind = comma + 1;
        if own_line && ends_line(text, behind, comments) {
            return Ok(vec![Splice::new(begin..next_line(text, behind), "")]);
        }
        let next =
            behind + text[behind..].len() - text[behind..].trim_start_matches([' ', '\t']).len();
        return Ok(vec![Splice::new(here.start..next, "")]);
    }
    let before = index
        .checked_sub(1)
        .and_then(|before| comma_between(text, &entries[before], &here, comments));
    match before {
        Some(comma) if own_line && ends_line(text, here.end, comments) => Ok(vec![
            Splice::new(comma..comma + 1, ""),
            Splice::new(begin..next_line(text, here.end), ""),
        ]),
        Some(comma) => Ok(vec![Splice::new(comma..here.end, "")]),
        None if own_line && ends_line(text, here.end, comments) => {
            let inside = holder.span.start + 1..holder.span.end - 1;
            let is_alone = text[inside.start..here.start].trim().is_empty()
                && text[here.end..inside.end].trim().is_empty();
            let range = if is_alone {
                inside
            } else {
                begin..next_line(text, here.end)
            };
            Ok(vec![Splice::new(range, "")])
        }
        None => Ok(vec![Splice::new(here, "")]),
    }
}

fn comma_between(
    text: &str,
    before: &Range<usize>,
    here: &Range<usize>,
    comments: &[&str],
) -> Option<usize> {
    comma(text, before.end, comments).filter(|comma| *comma < here.start)
}

/// A value on one line, as JSON and the flow style of YAML both write it.
pub(super) fn inline(data: &Data) -> String {
    match &data.form {
        Form::Scalar(text) => text.clone(),
        Form::List(items) => format!(
            "[{}]",
            items.iter().map(inline).collect::<Vec<_>>().join(", ")
        ),
        Form::Map(entries) => {
            let field = |(key, entry): (&String, &loom_plan::keys::Entry)| {
                format!(
                    "{}: {}",
                    serde_json::Value::from(key.as_str()),
                    inline(&entry.data)
                )
            };
            format!(
                "{{{}}}",
                entries.iter().map(field).collect::<Vec<_>>().join(", ")
            )
        }
    }
}
