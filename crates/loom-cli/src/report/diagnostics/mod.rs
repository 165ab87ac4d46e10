//! Diagnostics for people, with the place underlined, and for programs, as JSON.
//!
//! In: what is wrong, and the texts that it stands in. Out: all of it, sorted by file and place,
//! and how many there are. This is the one place that turns findings into `miette` reports.
//!
//! A report shows one file; places in others follow as `also: FILE:LINE`. Only the lines around a
//! place are taken from its text, and of a line that is too long to read only the part around the
//! place, so that a finding in a board's export of one long line can be read too.

mod excerpt;

use std::fmt;
use std::io::{self, Write};

use loom_plan::diag::{Diagnostic, Diagnostics, Label, Severity};
use loom_plan::text::{Position, Sources, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan};
use serde::Serialize;

use self::excerpt::Excerpt;
use super::style::{Style, visible, visible_lines};
use crate::commands::Failure;
use crate::env::{Colour, Stream};

/// Writes all findings for people, and how many there are; nothing where there are none.
///
/// # Errors
/// Those of `out`.
pub(crate) fn text(
    found: &Diagnostics,
    sources: &Sources,
    stream: Stream,
    out: &mut dyn Write,
) -> io::Result<()> {
    for diagnostic in sorted(found, sources) {
        let report = Report::new(diagnostic, sources);
        let mut text = String::new();
        match handler(stream).render_report(&mut text, &report) {
            Ok(()) => write!(out, "{text}")?,
            // a report that cannot be drawn is still said
            Err(fmt::Error) => writeln!(
                out,
                "{} {}: {}",
                severity(diagnostic),
                diagnostic.code,
                report.message
            )?,
        }
        for also in &report.also {
            writeln!(out, "  also: {also}")?;
        }
        writeln!(out)?;
    }
    match count(found) {
        Some(count) => writeln!(out, "{count}"),
        None => Ok(()),
    }
}

/// Writes warnings to standard error, so that data on standard output stays data.
///
/// # Errors
/// Those of standard error.
pub(crate) fn warn(sources: &Sources, found: &Diagnostics, stream: Stream) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stderr().lock());
    text(found, sources, stream, &mut out)?;
    out.flush()
}

/// Says on standard error why a command stopped.
pub(crate) fn failure(failure: &Failure, stream: Stream) {
    let mut out = io::BufWriter::new(io::stderr().lock());
    let said = match failure {
        Failure::Input(input) => text(&input.1, &input.0, stream, &mut out),
        Failure::Environment(_)
        | Failure::LostLedger { .. }
        | Failure::Stale(_)
        | Failure::Undecided(_)
        | Failure::Locked(_)
        | Failure::RolledBack(_)
        | Failure::Unfinished(_)
        | Failure::Output(_) => {
            writeln!(
                out,
                "{} {}",
                stream.colour.paint(Style::Removed, "error:"),
                visible_lines(&failure.to_string())
            )
        }
    };
    // where standard error is gone there is nobody left to tell
    drop(said.and_then(|()| out.flush()));
}

fn handler(stream: Stream) -> GraphicalReportHandler {
    let theme = match stream.colour {
        Colour::On => GraphicalTheme::unicode(),
        Colour::Off => GraphicalTheme::unicode_nocolor(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(stream.width);
    // the excerpt names the position itself: it knows the columns of a line that was cut
    handler.without_primary_span_start().with_break_words(false)
}

fn severity(diagnostic: &Diagnostic) -> &'static str {
    match diagnostic.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// By file, place, code and message; those without a place come last.
pub(super) fn sorted<'a>(found: &'a Diagnostics, sources: &Sources) -> Vec<&'a Diagnostic> {
    let key = |diagnostic: &Diagnostic| {
        let place = diagnostic
            .labels
            .first()
            .map(|label| sources.position(label.span));
        (
            place.is_none(),
            place,
            diagnostic.code,
            diagnostic.message.clone(),
        )
    };
    let mut all: Vec<&Diagnostic> = found.iter().collect();
    all.sort_by_cached_key(|diagnostic| key(diagnostic));
    all
}

/// Such as `3 errors, 1 warning`.
fn count(found: &Diagnostics) -> Option<String> {
    let errors = found
        .iter()
        .filter(|diagnostic| diagnostic.severity() == Severity::Error)
        .count();
    let warnings = found.iter().count() - errors;
    let of = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        many => Some(format!("{many} {word}s")),
    };
    let parts: Vec<String> = [of(errors, "error"), of(warnings, "warning")]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// One finding as miette sees it.
#[derive(Debug)]
struct Report {
    severity: Severity,
    code: String,
    message: String,
    help: Option<String>,
    excerpt: Option<Excerpt>,
    also: Vec<String>,
}

impl Report {
    fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let places: Vec<(Span, &Label)> = diagnostic
            .labels
            .iter()
            .map(|label| (sources.outermost(label.span), label))
            .collect();
        let (mut excerpt, mut also) = (None, Vec::new());
        if let Some((first, _)) = places.first() {
            let (here, elsewhere): (Vec<_>, Vec<_>) = places
                .iter()
                .copied()
                .partition(|(span, _)| span.source == first.source);
            let labels: Vec<(Span, String)> = here
                .into_iter()
                .map(|(span, label)| (span, shown(&label.text)))
                .collect();
            let (made, left_out) = Excerpt::new(sources, &labels);
            excerpt = Some(made);
            let left_out = left_out
                .into_iter()
                .map(|(span, text)| mention(sources, span, &text));
            also = left_out
                .chain(
                    elsewhere
                        .into_iter()
                        .map(|(span, label)| mention(sources, span, &shown(&label.text))),
                )
                .collect();
        }
        Self {
            severity: diagnostic.severity(),
            code: format!("{} {}", severity(diagnostic), diagnostic.code),
            message: shown(&diagnostic.message),
            help: diagnostic.help.as_deref().map(visible_lines),
            excerpt,
            also,
        }
    }
}

fn shown(text: &str) -> String {
    visible(text).into_owned()
}

fn mention(sources: &Sources, span: Span, text: &str) -> String {
    let place = shown(&sources.position(span).to_string());
    if text.is_empty() {
        place
    } else {
        format!("{place}: {text}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.excerpt
            .as_ref()
            .map(|excerpt| excerpt as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.excerpt
            .as_ref()
            .map(|excerpt| Box::new(excerpt.labels()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

/// Writes all findings as one JSON document.
///
/// # Errors
/// Those of `out`.
pub(crate) fn json(found: &Diagnostics, sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
    let diagnostics = sorted(found, sources)
        .into_iter()
        .map(|diagnostic| Json::new(diagnostic, sources))
        .collect();
    super::json::write(
        &Document {
            format_version: super::json::FORMAT_VERSION,
            diagnostics,
        },
        out,
    )
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: &'static str,
    diagnostics: Vec<Json<'a>>,
}

#[derive(Serialize)]
struct Json<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    labels: Vec<JsonLabel<'a>>,
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonLabel<'a> {
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    text: &'a str,
}

impl<'a> Json<'a> {
    fn new(diagnostic: &'a Diagnostic, sources: &Sources) -> Self {
        let label = |label: &'a Label| {
            let span = sources.outermost(label.span);
            let start: Position = sources.position(span);
            let end = sources.position(Span {
                start: span.end,
                ..span
            });
            JsonLabel {
                file: start.file.to_string(),
                line: start.line,
                column: start.column,
                end_line: end.line,
                end_column: end.column,
                text: &label.text,
            }
        };
        Self {
            code: diagnostic.code.as_str(),
            severity: severity(diagnostic),
            message: &diagnostic.message,
            labels: diagnostic.labels.iter().map(label).collect(),
            help: diagnostic.help.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests;
