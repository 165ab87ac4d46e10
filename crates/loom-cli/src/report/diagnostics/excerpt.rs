//! The lines around some places of one text, safe to show and short enough to read.
//!
//! Invariants: what is shown holds no control character but the line end and the tab; no line is
//! longer than [`LONGEST`] and some; every label lies in what is shown (property test).

use std::borrow::Cow;

use loom_plan::credential;
use loom_plan::text::{Sources, Span};
use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::report::style::{is_hidden, visible};

/// A longer line is cut around the first place in it, in bytes.
const LONGEST: usize = 240;
/// How much of it is shown before the place.
const BEFORE: usize = 40;
/// How much of it is shown at all.
const WINDOW: usize = 90;

/// A piece of a text, with the places in it.
#[derive(Debug)]
pub(super) struct Excerpt {
    /// File, line and column of the first place.
    name: String,
    text: String,
    /// How many lines of the file come before.
    lines_before: usize,
    labels: Vec<LabeledSpan>,
}

/// A place in the file, and what is to be said of it.
type Place = (Span, String);

impl Excerpt {
    /// The lines around the places, which lie in one source; the first is the place of the fault.
    /// Places that cannot be shown with it come back.
    pub(super) fn new(sources: &Sources, places: &[Place]) -> (Self, Vec<Place>) {
        let Some((first, _)) = places.first() else {
            return (Self::nothing(), Vec::new());
        };
        let text = sources.get(first.source).text.as_ref();
        let start = places
            .iter()
            .map(|(span, _)| line_before(text, at(text, span.start)))
            .min()
            .unwrap_or(0);
        let end = places
            .iter()
            .map(|(span, _)| line_after(text, at(text, span.start)))
            .max()
            .unwrap_or(text.len());
        let long = text[start..end].lines().any(|line| line.len() > LONGEST);
        let window = if long {
            around(text, at(text, first.start))
        } else {
            start..end
        };
        let position = sources.position(*first);
        let mut excerpt = Self {
            name: format!(
                "{}:{}:{}",
                visible(&position.file),
                position.line,
                position.column
            ),
            text: safe(&text[window.clone()]),
            lines_before: text[..window.start].matches('\n').count(),
            labels: Vec::new(),
        };
        let mut left_out = Vec::new();
        for (number, (span, said)) in places.iter().enumerate() {
            let start = at(text, span.start);
            if !window.contains(&start) && start != window.end {
                left_out.push((*span, said.clone()));
                continue;
            }
            let end = at(text, span.end)
                .min(line_end(text, start))
                .min(window.end)
                .max(start);
            let shown = SourceSpan::from(start - window.start..end - window.start);
            let said = (!said.is_empty()).then(|| said.clone());
            excerpt.labels.push(match number {
                0 => LabeledSpan::new_primary_with_span(said, shown),
                _ => LabeledSpan::new_with_span(said, shown),
            });
        }
        (excerpt, left_out)
    }

    fn nothing() -> Self {
        Self {
            name: String::new(),
            text: String::new(),
            lines_before: 0,
            labels: Vec::new(),
        }
    }

    pub(super) fn labels(&self) -> impl Iterator<Item = LabeledSpan> {
        self.labels.iter().cloned()
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.text.as_str().read_span(span, before, after)?;
        let (line, column) = (self.lines_before + found.line(), found.column());
        let (data, span, lines) = (found.data(), *found.span(), found.line_count());
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            data,
            span,
            line,
            column,
            lines,
        )))
    }
}

/// An offset that is surely in the text and between two characters.
fn at(text: &str, offset: u32) -> usize {
    text.floor_char_boundary(offset as usize)
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..]
        .find('\n')
        .map_or(text.len(), |newline| at + newline)
}

/// Where the line before the one of a place starts.
fn line_before(text: &str, at: usize) -> usize {
    line_start(text, line_start(text, at).saturating_sub(1))
}

/// Where the line after the one of a place ends.
fn line_after(text: &str, at: usize) -> usize {
    line_end(text, (line_end(text, at) + 1).min(text.len()))
}

/// The part of one line around a place.
fn around(text: &str, at: usize) -> std::ops::Range<usize> {
    let start = line_start(text, at).max(text.floor_char_boundary(at.saturating_sub(BEFORE)));
    start..line_end(text, at).min(text.ceil_char_boundary(start + WINDOW))
}

/// A text in which what looks like a credential, and what does not show, is replaced by as many bytes
/// that can be seen.
fn safe(text: &str) -> String {
    let mut text = Cow::Borrowed(text);
    for (range, _) in credential::found(&text.clone()) {
        let stars: String = text[range.clone()]
            .bytes()
            .map(|byte| if byte == b'\n' { '\n' } else { '*' })
            .collect();
        text.to_mut().replace_range(range, &stars);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c.len_utf8() {
            _ if c == '\n' || !is_hidden(c) => shown.push(c),
            _ if c == '\r' => shown.push(' '),
            3 => shown.push('\u{fffd}'),
            length => shown.extend(std::iter::repeat_n('?', length)),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_the_text_and_the_places_every_label_lies_in_what_is_shown(
            text in "([a-zü\u{1b}\u{202e}\u{9b}\r\n ]|x{300}){0,40}",
            places in proptest::collection::vec((0_u32..2000, 0_u32..2000), 1..4),
        ) {
            let mut sources = Sources::default();
            let source = sources.add("a.yaml", text.clone());
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            let places: Vec<Place> = places
                .into_iter()
                .map(|(a, b)| (a.min(b).min(length), a.max(b).min(length)))
                .filter(|(start, _)| text.is_char_boundary(*start as usize))
                .map(|(start, end)| (Span { source, start, end }, "here".to_owned()))
                .collect();
            let (excerpt, left_out) = Excerpt::new(&sources, &places);
            prop_assert_eq!(excerpt.labels.len() + left_out.len(), places.len());
            prop_assert!(places.is_empty() || !excerpt.labels.is_empty());
            prop_assert!(!excerpt.text.contains(|c: char| c != '\n' && is_hidden(c)));
            for label in &excerpt.labels {
                prop_assert!(excerpt.text.get(label.offset()..label.offset() + label.len()).is_some());
                prop_assert!(excerpt.read_span(label.inner(), 1, 1).is_ok());
            }
            prop_assert!(excerpt.text.lines().all(|line| line.len() <= LONGEST + 4));
        }
    }
}
