//! How much two versions of a file differ: in what they say, in their comments, or in their layout.
//!
//! In: what is observed and what is desired, and the reader of the format, where loom has one. Out:
//! a [`Grade`].
//!
//! Invariant: where in doubt it is [`Grade::Content`]. A text that its reader does not take is
//! compared as a text, a mode is content, and so is everything that a reader tells from another.
//!
//! Deliberately not here: the formats. Who knows them brings a [`Reader`].

use std::borrow::Cow;

use crate::addr::RepoPath;
use crate::diff::as_text;
use crate::header;
use crate::provider::Mode;

/// How much differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing but the layout: the same data, and the same comments.
    Format,
    /// Nothing but comments, and perhaps the layout.
    Comments,
    /// What the file says, or its mode.
    Content,
}

impl Grade {
    /// The words, as in the reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Format => "format only",
            Self::Comments => "comments only",
            Self::Content => "content",
        }
    }
}

/// What the reader of a format makes of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The data in a form in which equal data are equal texts.
    pub data: String,
    /// The comments in their order, trimmed.
    pub comments: Vec<String>,
}

/// Reads a text of one format; `None` where it is none.
pub type Reader = fn(&str) -> Option<Reading>;

/// One version of a file.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// Its bytes; loom's header may be among them.
    pub bytes: &'a [u8],
    /// Whether it may be run.
    pub mode: Mode,
}

/// How much two versions of the file at a path differ that are not the same.
pub fn grade(
    path: &RepoPath,
    one: Version<'_>,
    other: Version<'_>,
    reader: Option<Reader>,
) -> Grade {
    let (Some(before), Some(after)) = (text_of(one.bytes, path), text_of(other.bytes, path)) else {
        return Grade::Content;
    };
    match reader {
        _ if one.mode != other.mode => Grade::Content,
        None if bare_lines(&before).eq(bare_lines(&after)) => Grade::Format,
        None => Grade::Content,
        Some(reader) => match (reader(&before), reader(&after)) {
            (Some(before), Some(after)) if before.data != after.data => Grade::Content,
            (Some(before), Some(after)) if before.comments != after.comments => Grade::Comments,
            (Some(_), Some(_)) => Grade::Format,
            (None, _) | (_, None) => Grade::Content,
        },
    }
}

/// A text with `\n` line ends, and without loom's header.
fn text_of(bytes: &[u8], path: &RepoPath) -> Option<String> {
    let text = as_text(bytes)?;
    let text = if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(text)
    };
    String::from_utf8(header::strip(text.as_bytes(), path)).ok()
}

/// The lines that are not blank, without trailing blanks.
fn bare_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> RepoPath {
        RepoPath::new("x").expect("a path")
    }

    fn graded(before: &str, after: &str, reader: Option<Reader>) -> Grade {
        let version = |text| Version {
            bytes: str::as_bytes(text),
            mode: Mode::Plain,
        };
        grade(&path(), version(before), version(after), reader)
    }

    /// A format of words, in which `#` begins a comment and `!` is an error.
    fn words(text: &str) -> Option<Reading> {
        let (mut data, mut comments) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let (said, comment) = line.split_once('#').unwrap_or((line, ""));
            data.extend(said.split_whitespace());
            comments.extend(Some(comment.trim().to_owned()).filter(|comment| !comment.is_empty()));
        }
        (!text.contains('!')).then(|| Reading {
            data: data.join(" "),
            comments,
        })
    }

    #[test]
    fn the_grade_is_the_most_that_differs() {
        for (before, after, grade) in [
            ("a b\n", "a\n  b\n", Grade::Format),
            ("a b # c\n", "a # c\nb\n", Grade::Format),
            ("a b\n", "a b # new\n", Grade::Comments),
            ("a # old\n", "\n\na # new\n", Grade::Comments),
            ("a # old\n", "b # new\n", Grade::Content),
            ("a !\n", "a  !\n", Grade::Content),
        ] {
            assert_eq!(
                graded(before, after, Some(words)),
                grade,
                "{before:?} {after:?}"
            );
            assert_eq!(
                graded(after, before, Some(words)),
                grade,
                "{after:?} {before:?}"
            );
        }
    }

    #[test]
    fn without_a_reader_only_blanks_at_line_ends_blank_lines_and_line_ends_are_format() {
        for (after, grade) in [
            ("a\r\nb\r\n", Grade::Format),
            ("a  \nb", Grade::Format),
            ("\na\n\n\nb\n", Grade::Format),
            (" a\nb\n", Grade::Content),
            ("a b\n", Grade::Content),
            ("a\nb\n# c\n", Grade::Content),
        ] {
            assert_eq!(graded("a\nb\n", after, None), grade, "{after:?}");
        }
    }

    #[test]
    fn the_header_does_not_count_whatever_its_line_end() {
        let header = "# Managed by loom: file.x (S-1); see 'loom explain PATH'\n";
        assert_eq!(
            graded(&format!("{header}a\n"), "a \n", Some(words)),
            Grade::Format
        );
        assert_eq!(
            graded(
                &format!("{header}a\n").replace('\n', "\r\n"),
                &format!("{header}a\n"),
                Some(words)
            ),
            Grade::Format
        );
    }

    #[test]
    fn a_mode_and_what_is_no_text_are_content() {
        let (plain, program) = (
            Version {
                bytes: b"a\n",
                mode: Mode::Plain,
            },
            Version {
                bytes: b"a \n",
                mode: Mode::Executable,
            },
        );
        assert_eq!(grade(&path(), plain, program, None), Grade::Content);
        assert_eq!(graded("a\0\n", "a\0 \n", None), Grade::Content);
    }
}
