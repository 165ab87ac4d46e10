//! The styles of the text reports, and what a terminal may be sent.
//!
//! Every style adds to a text that says the same without it.

use std::borrow::Cow;
use std::fmt::Write as _;

use loom_plan::plan::Verb;

use crate::env::Colour;

/// What a text is, not how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// What a reader looks for first.
    Strong,
    /// What a reader may pass over.
    Faint,
    /// Something comes.
    Added,
    /// The part of an added line that is new.
    AddedWord,
    /// Something goes.
    Removed,
    /// The part of a removed line that is gone.
    RemovedWord,
    /// Something becomes something else.
    Changed,
    /// Something is recorded, and nothing written.
    Recorded,
    /// A person decides.
    Conflict,
    /// Where a hunk begins.
    Place,
}

impl Style {
    /// The style of an action.
    pub(crate) fn of(verb: &Verb) -> Self {
        match verb {
            Verb::Create => Self::Added,
            Verb::Update | Verb::Move { .. } => Self::Changed,
            Verb::Delete => Self::Removed,
            Verb::Adopt | Verb::Keep | Verb::Forget => Self::Recorded,
        }
    }

    /// The parameters of the ANSI sequence (ECMA-48, SGR). The sixteen colours that every terminal
    /// has, so that a person's own palette holds.
    fn parameters(self) -> &'static str {
        match self {
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Added => "32",
            Self::AddedWord => "1;7;32",
            Self::Removed => "31",
            Self::RemovedWord => "1;7;31",
            Self::Changed => "33",
            Self::Recorded => "34",
            Self::Conflict => "1;35",
            Self::Place => "36",
        }
    }
}

impl Colour {
    /// A text in a style, its control characters made visible.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        let text = visible(text);
        match self {
            Self::On if !text.is_empty() => format!("\x1b[{}m{text}\x1b[0m", style.parameters()),
            Self::On | Self::Off => text.into_owned(),
        }
    }
}

/// A text as a terminal may be sent it: control characters and those that turn the direction of
/// writing become escapes that a person can read. A tab stays.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\r' => shown.push_str("\\r"),
            '\n' => shown.push_str("\\n"),
            c if is_hidden(c) => {
                write!(shown, "\\u{{{:x}}}", u32::from(c))
                    .expect("writing to a string cannot fail");
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// A text of several lines, each made [`visible`].
pub(crate) fn visible_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// Control characters but the tab, the characters of bidirectional overrides and isolates
/// (Unicode Standard Annex 9; CVE-2021-42574), and those without a width that hide in names.
pub(crate) fn is_hidden(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let hides = matches!(
        c,
        '\u{200b}' | '\u{2028}'..='\u{2029}' | '\u{2060}' | '\u{feff}'
    );
    (c.is_control() && c != '\t') || turns || hides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_command_a_terminal_or_hide_from_a_reader_is_shown_as_an_escape() {
        assert_eq!(
            visible("a\u{1b}[2J\u{9b}31m\r\u{202e}b\u{7f}\tc"),
            "a\\u{1b}[2J\\u{9b}31m\\r\\u{202e}b\\u{7f}\tc"
        );
        assert_eq!(
            Colour::On.paint(Style::Added, "\u{1b}]0;x\u{7}"),
            "\u{1b}[32m\\u{1b}]0;x\\u{7}\u{1b}[0m"
        );
        assert_eq!(Colour::Off.paint(Style::Added, "grün"), "grün");
        assert_eq!(visible_lines("a\u{1b}\nb"), "a\\u{1b}\nb");
    }
}
