//! The styles of the text reports, and what a terminal may be sent.
//!
//! Every style adds to a text that says the same without it.

use std::borrow::Cow;

use loom_plan::credential::masked;
use loom_plan::plan::Verb;

pub(crate) use super::hidden::is_hidden;
use super::hidden::{OPEN, shown};
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

/// One value as a reader may be shown it: what looks like a credential is masked, and what does not
/// show is named, so that nothing commands a terminal or hides from a reader. A tab stays. This is the
/// door by which a value comes into a report for people; it looks at one value, a path, a line, a
/// sentence, so that what it masks covers nothing of another one.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    match masked(text) {
        Cow::Borrowed(text) => named(text),
        Cow::Owned(text) => Cow::Owned(named(&text).into_owned()),
    }
}

/// The text with the names of what does not show, and of what looks like such a name.
fn named(text: &str) -> Cow<'_, str> {
    let is_taken = |at: usize, c: char| {
        is_hidden(c) || (c == OPEN && text[at + c.len_utf8()..].starts_with("U+"))
    };
    if !text.char_indices().any(|(at, c)| is_taken(at, c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 32);
    for (at, c) in text.char_indices() {
        if is_taken(at, c) {
            out += &shown(c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A text of several lines, each made [`visible`].
pub(crate) fn visible_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_command_a_terminal_or_hide_from_a_reader_is_named() {
        assert_eq!(
            visible("a\u{1b}[2J\r\u{202e}b\tc\u{a0}d"),
            "a⟨U+001B ESCAPE⟩[2J⟨U+000D CARRIAGE RETURN⟩⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩b\tc⟨U+00A0 NO-BREAK SPACE⟩d"
        );
        assert_eq!(
            Colour::On.paint(Style::Added, "\u{1b}]0;x\u{7}"),
            "\u{1b}[32m⟨U+001B ESCAPE⟩]0;x⟨U+0007 ALERT⟩\u{1b}[0m"
        );
        assert_eq!(Colour::Off.paint(Style::Added, "grün"), "grün");
        assert_eq!(visible_lines("a\u{1b}\nb"), "a⟨U+001B ESCAPE⟩\nb");
    }

    #[test]
    fn a_text_that_only_looks_like_a_name_or_an_escape_is_told_from_the_character() {
        for text in [r"\u{202e}", r"\r", "⟨x⟩", "<U+202E>"] {
            assert_eq!(visible(text), text);
        }
        let name = visible("\u{202e}").into_owned();
        assert_ne!(visible(&name), name);
        assert_eq!(
            visible("⟨U+202E⟩"),
            "⟨U+27E8 MATHEMATICAL LEFT ANGLE BRACKET⟩U+202E⟩"
        );
    }

    #[test]
    fn a_value_is_masked_and_nothing_beside_it() {
        let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4));
        assert_eq!(
            visible(&format!("a {token} b")),
            format!("a {} b", "*".repeat(token.len()))
        );
        assert_eq!(visible("-----BEGIN A"), "-----BEGIN A");
        assert_eq!(visible("PRIVATE KEY-----"), "PRIVATE KEY-----");
    }
}
