//! Adding entries to a list of loom.yaml, with every other byte kept.
//!
//! In: the text of the file, the key of a list at its top, and the entry as YAML. Out: the new
//! text, or a [`Refused`] with which the lines can be printed for a person to add.
//!
//! Invariant, checked on every result: the new text reads as the old one with the entry at the end
//! of that list, and as nothing else; comments, blank lines, order and line ends are those of the
//! old text. Where the text is such that this does not hold (a list that is an alias, a document
//! with an end marker), nothing is changed.
//!
//! Deliberately not here: what is worth adding, and files.

use std::fmt;

use crate::diag::Diagnostics;
use crate::node::{self, Map, Node, Value};
use crate::text::{SourceId, Sources, Span};

/// Why a text was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It, or the entry, is not YAML, or no mapping.
    Unreadable,
    /// What stands under the key is no list.
    NotAList,
    /// The result would not read as the old text and the entry.
    Different,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "the text is not a mapping that loom can read",
            Self::NotAList => "what stands there under that key is not a list",
            Self::Different => {
                "it is written in a way that loom cannot add to without changing what else it says"
            }
        })
    }
}

/// The text with `entry`, a YAML value of one or more lines, at the end of the list `key`.
///
/// # Errors
/// [`Refused`], where that cannot be done with every other byte kept.
pub fn append(text: &str, key: &str, entry: &str) -> Result<String, Refused> {
    append_all(text, key, &[entry])
}

/// The text with all of `entries`, in their order, at the end of the list `key`.
///
/// # Errors
/// [`Refused`], where that cannot be done with every other byte kept.
pub fn append_all<E: AsRef<str>>(text: &str, key: &str, entries: &[E]) -> Result<String, Refused> {
    if entries.is_empty() {
        return Ok(text.to_owned());
    }
    let root = read(text).ok_or(Refused::Unreadable)?;
    let map = root.as_map().ok_or(Refused::Unreadable)?;
    let entries: Vec<&str> = entries.iter().map(AsRef::as_ref).collect();
    let new: Option<Vec<Node>> = entries.iter().map(|entry| read(entry)).collect();
    let new = new.ok_or(Refused::Unreadable)?;
    let one_line = |(entry, item): (&&str, &Node)| {
        if entry.contains('\n') {
            item.to_json().to_string()
        } else {
            (*entry).to_owned()
        }
    };
    let flow: Vec<String> = entries.iter().zip(&new).map(one_line).collect();
    let editor = Editor {
        text,
        block: &entries,
        flow: &flow,
        is_flow: begins(text, &root, '{'),
    };
    let (edited, items) = match map.entry(key).map(|entry| (&entry.key, &entry.node)) {
        None => (editor.new_key(key), Vec::new()),
        Some((
            key,
            Node {
                value: Value::Null,
                span,
            },
        )) if is_nothing(*span) => (Some(editor.insert_line(key.end as usize, "  ")), Vec::new()),
        Some((_, node)) => match node.as_seq() {
            Some(items) => (editor.list(node, items), items.to_vec()),
            None => return Err(Refused::NotAList),
        },
    };
    let edited = edited.ok_or(Refused::Different)?;
    let expected = with_items(map, key, items.into_iter().chain(new).collect());
    if read(&edited).as_ref().and_then(Node::as_map) == Some(&expected) {
        Ok(edited)
    } else {
        Err(Refused::Different)
    }
}

/// The lines that a person would add for the same effect.
pub fn by_hand<E: AsRef<str>>(key: &str, entries: &[E]) -> String {
    let entries: Vec<&str> = entries.iter().map(AsRef::as_ref).collect();
    format!("{key}:\n{}", lines(&entries, "  ", "\n"))
}

/// A text as a YAML scalar: plain where that reads as the same text everywhere, else in quotes.
pub fn scalar(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    let plain = !text.starts_with('-') && text.chars().all(harmless);
    if plain && read(text).is_some_and(|node| node.as_str() == Some(text)) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

/// The one document of a text; `None` where it has errors.
fn read(text: &str) -> Option<Node> {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let id = sources.add("loom.yaml", text);
    let node = node::parse_one(&sources, id, &mut found);
    node.filter(|_| !found.has_errors())
}

fn with_items(map: &Map, key: &str, items: Vec<Node>) -> Map {
    let mut expected = map.clone();
    expected.insert(key, Node::seq(Span::start_of(SourceId::first()), items));
    expected
}

/// Whether a value is not written at all, as in `moved:`.
fn is_nothing(span: Span) -> bool {
    span.start == span.end
}

/// Whether a value is written with this bracket.
fn begins(text: &str, node: &Node, bracket: char) -> bool {
    text.get(node.span.start as usize..)
        .is_some_and(|rest| rest.starts_with(bracket))
}

/// Where a value ends. A block collection ends where its last value does, not behind the comments
/// that follow it.
fn end(text: &str, node: &Node) -> usize {
    let last = match &node.value {
        Value::Map(map) if !begins(text, node, '{') => map.entries().last().map(|(_, entry)| {
            if is_nothing(entry.node.span) {
                entry.key.end as usize
            } else {
                end(text, &entry.node)
            }
        }),
        Value::Seq(items) if !begins(text, node, '[') => items.last().map(|item| end(text, item)),
        Value::Map(_) | Value::Seq(_) | Value::Null | Value::Bool(_) | Value::Integer(_) => None,
        Value::Float(_) | Value::String(_) => None,
    };
    // the lines that follow a text of several lines are part of its place, and not of what it says
    last.unwrap_or_else(|| text[..node.span.end as usize].trim_end().len())
}

/// Entries as lines of a block list.
fn lines(entries: &[&str], indent: &str, line_end: &str) -> String {
    let line = |(number, line): (usize, &str)| match (number, line) {
        (0, line) => format!("{indent}- {line}{line_end}"),
        (_, "") => line_end.to_owned(),
        (_, line) => format!("{indent}  {line}{line_end}"),
    };
    entries
        .iter()
        .flat_map(|entry| entry.lines().enumerate().map(line))
        .collect()
}

/// The old text, and the entries in both ways of writing it.
struct Editor<'a> {
    text: &'a str,
    block: &'a [&'a str],
    flow: &'a [String],
    /// Whether the whole file is written with brackets, as JSON is.
    is_flow: bool,
}

impl Editor<'_> {
    fn line_end(&self) -> &'static str {
        if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    /// The start of the line behind the one that holds an offset; `None` where there is none.
    fn next_line(&self, at: usize) -> Option<usize> {
        if at > 0 && self.text[..at].ends_with('\n') {
            return Some(at);
        }
        self.text[at..].find('\n').map(|newline| at + newline + 1)
    }

    /// A key of its own, at the end of the file.
    fn new_key(&self, key: &str) -> Option<String> {
        if self.is_flow {
            return None;
        }
        let line_end = self.line_end();
        let mut text = self.text.to_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text += line_end;
        }
        let airy = ["\n\n", "\n\r\n"]
            .iter()
            .any(|blank| self.text.contains(blank));
        if airy && !text.ends_with("\n\n") && !text.ends_with("\n\r\n") {
            text += line_end;
        }
        Some(format!(
            "{text}{key}:{line_end}{}",
            lines(self.block, "  ", line_end)
        ))
    }

    /// The entry as a line below the one that holds an offset.
    fn insert_line(&self, at: usize, indent: &str) -> String {
        let line_end = self.line_end();
        let lines = lines(self.block, indent, line_end);
        match self.next_line(at) {
            Some(at) => format!("{}{lines}{}", &self.text[..at], &self.text[at..]),
            None => format!("{}{line_end}{lines}", self.text),
        }
    }

    fn list(&self, node: &Node, items: &[Node]) -> Option<String> {
        match (begins(self.text, node, '['), items.last()) {
            (true, None) => self.first_in_brackets(node),
            (true, Some(last)) => Some(self.in_brackets(last)),
            (false, Some(last)) => {
                let start = items.first()?.span.start as usize;
                let line = &self.text[self.text[..start]
                    .rfind('\n')
                    .map_or(0, |newline| newline + 1)..];
                let indent = &line[..line.len() - line.trim_start_matches(' ').len()];
                if line[indent.len()..].starts_with('-') {
                    Some(self.insert_line(end(self.text, last), indent))
                } else {
                    None
                }
            }
            (false, None) => None,
        }
    }

    /// `[]` becomes a list of lines, so that the next entry is a line too.
    fn first_in_brackets(&self, node: &Node) -> Option<String> {
        let (start, end) = (node.span.start as usize, node.span.end as usize);
        let (open, close) = (&self.text[..=start], &self.text[start + 1..]);
        if !close.trim_start().starts_with(']') {
            return None;
        }
        if self.is_flow {
            return Some(format!("{open}{}{close}", self.flow.join(", ")));
        }
        let rest = &self.text[end..];
        let blank = rest.lines().next().unwrap_or("").trim().is_empty();
        let head = if blank {
            self.text[..start].trim_end_matches(' ')
        } else {
            &self.text[..start]
        };
        let without = format!("{head}{rest}");
        Some(
            Editor {
                text: &without,
                ..*self
            }
            .insert_line(head.len(), "  "),
        )
    }

    /// Behind the last item; on a line of its own where that has one.
    fn in_brackets(&self, last: &Node) -> String {
        let (start, at) = (last.span.start as usize, last.span.end as usize);
        let line = self.text[..start]
            .rfind('\n')
            .map(|newline| &self.text[newline + 1..start]);
        let gap = match line.filter(|before| before.trim().is_empty()) {
            Some(indent) => format!("{}{indent}", self.line_end()),
            None => " ".to_owned(),
        };
        let added = self.flow.join(&format!(",{gap}"));
        format!("{},{gap}{added}{}", &self.text[..at], &self.text[at..])
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
