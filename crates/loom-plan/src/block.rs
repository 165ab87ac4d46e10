//! Owned blocks: a marked region of a file that loom shares with people.
//!
//! In: a file's text, the address that marks the block, and the block's body. Out: the text with
//! the block set or removed. Every byte outside the markers stays as it was, also a byte order mark
//! (laws, tested below), but that a last line without a newline gets one; the markers are lines of their own, in the
//! comment of the file's format.
//!
//! A body is always seen with `\n`: where the marker's line, and then every line of the body, ends
//! in `\r\n`, the file's line ends are not the body's. What is set takes the line ends of the file,
//! if they are all the same.

use std::borrow::Cow;
use std::ops::Range;

use crate::addr::RepoPath;
use crate::header::delimiters;
use crate::provider::Comment;

/// The comment of the format that a path's name tells: `#` where nothing else is known of it, and
/// `None` for a format that has no comments.
pub fn comment_of(path: &RepoPath) -> Option<Comment> {
    Some(match path.extension().unwrap_or_default() {
        "json" | "geojson" | "ipynb" | "webmanifest" | "ndjson" | "jsonl" | "csv" | "tsv" => {
            return None;
        }
        "md" | "markdown" | "html" | "htm" | "xhtml" | "xml" | "xsd" | "xsl" | "svg" | "vue"
        | "csproj" | "props" | "plist" => Comment::Html,
        "sql" | "lua" | "hs" | "elm" | "ads" | "adb" | "vhdl" => Comment::Dashes,
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "go" | "rs" | "java"
        | "kt" | "kts" | "scala" | "groovy" | "gradle" | "c" | "h" | "cc" | "cpp" | "hpp"
        | "cs" | "swift" | "dart" | "php" | "proto" | "zig" | "jsonc" | "json5" | "scss"
        | "less" | "sass" | "adoc" | "cue" | "jsonnet" => Comment::Slashes,
        "css" => Comment::Stars,
        "el" | "lisp" | "clj" | "scm" | "asm" => Comment::Semicolon,
        _ => Comment::Hash,
    })
}

fn markers(comment: Comment, address: &str) -> (String, String) {
    let (open, close) = delimiters(comment);
    (
        format!("{open}loom:begin {address}{close}"),
        format!("{open}loom:end {address}{close}"),
    )
}

/// The body between the markers, if both stand there as lines of their own, in order.
pub fn find<'a>(text: &'a str, comment: Comment, address: &str) -> Option<Cow<'a, str>> {
    let found = ranges(text, comment, address)?;
    let body = &text[found.body];
    let foreign_ends = found.line_end == "\r\n"
        && body
            .split_inclusive('\n')
            .all(|line| line.ends_with("\r\n"));
    Some(if foreign_ends {
        Cow::Owned(body.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(body)
    })
}

/// Where a block stands in a text.
struct Found {
    /// What is between the markers.
    body: Range<usize>,
    /// The block with its markers.
    whole: Range<usize>,
    /// How the line of the first marker ends.
    line_end: &'static str,
}

fn ranges(text: &str, comment: Comment, address: &str) -> Option<Found> {
    let (begin, end) = markers(comment, address);
    let (mut at, mut start) = (
        BYTE_ORDER_MARK.len() * usize::from(text.starts_with(BYTE_ORDER_MARK)),
        None,
    );
    for line in text[at..].split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        let behind = at + line.len();
        match start {
            None if bare == begin => start = Some((at, behind, line_end(line))),
            Some((outer, inner, line_end)) if bare == end => {
                return Some(Found {
                    body: inner..at,
                    whole: outer..behind,
                    line_end,
                });
            }
            _ => {}
        }
        at = behind;
    }
    None
}

/// What some editors begin a file with.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// How all lines of a text end; `\n` where they differ.
fn line_end(text: &str) -> &'static str {
    let mut lines = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .peekable();
    if lines.peek().is_some() && lines.all(|line| line.ends_with("\r\n")) {
        "\r\n"
    } else {
        "\n"
    }
}

/// The text with the block's body set; a block that is not there yet goes to the end.
///
/// A last line without a newline gets one, and keeps it when the block goes: what somebody appends
/// to the file must not end up behind the marker.
pub fn set(text: &str, comment: Comment, address: &str, body: &str) -> String {
    let body = |line_end| {
        if line_end == "\n" {
            body.to_owned()
        } else {
            body.replace('\n', line_end)
        }
    };
    if let Some(found) = ranges(text, comment, address) {
        return format!(
            "{}{}{}",
            &text[..found.body.start],
            body(found.line_end),
            &text[found.body.end..]
        );
    }
    let (begin, end) = markers(comment, address);
    let newline = line_end(text);
    let gap = match text.trim_start_matches(BYTE_ORDER_MARK) {
        "" => String::new(),
        ended if ended.ends_with('\n') => newline.to_owned(),
        _ => newline.repeat(2),
    };
    format!("{text}{gap}{begin}{newline}{}{end}{newline}", body(newline))
}

/// The text with a block under another address, where it stands and as it is.
pub fn rename(text: &str, comment: Comment, from: &str, to: &str) -> String {
    let Some(found) = ranges(text, comment, from) else {
        return text.to_owned();
    };
    let (old, new) = (markers(comment, from), markers(comment, to));
    let begin = text[found.whole.start..found.body.start].replacen(&old.0, &new.0, 1);
    let end = text[found.body.end..found.whole.end].replacen(&old.1, &new.1, 1);
    let (before, after) = (&text[..found.whole.start], &text[found.whole.end..]);
    format!("{before}{begin}{}{end}{after}", &text[found.body])
}

/// The text without the block and the blank line that `set` put before it.
pub fn remove(text: &str, comment: Comment, address: &str) -> String {
    let Some(found) = ranges(text, comment, address) else {
        return text.to_owned();
    };
    let (before, after) = (&text[..found.whole.start], &text[found.whole.end..]);
    let before = before
        .strip_suffix(found.line_end)
        .filter(|kept| kept.ends_with('\n'))
        .unwrap_or(before);
    format!("{before}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A text with the line ends of a file.
    fn with(line_end: &str, text: &str) -> String {
        text.replace('\n', line_end)
    }

    fn body_of(text: &str, comment: Comment) -> Option<String> {
        find(text, comment, "file.x").map(Cow::into_owned)
    }

    proptest! {
        #[test]
        fn every_byte_outside_the_block_stays(
            mark in "\u{feff}?", before in "([a-z#\r ]{0,8}\n){0,4}", after in "(([a-z# ]{0,8}\r?\n){0,4}[a-z]{0,3})",
            one in "([a-z]{0,5}\n){0,3}", two in "([a-z]{0,5}\n){0,3}", line_end in "\r?\n",
        ) {
            let (begin, end) = markers(Comment::Hash, "file.x");
            let text = |body: &str| format!("{mark}{before}{begin}{line_end}{}{end}\n{after}", with(&line_end, body));
            prop_assert_eq!(body_of(&text(&one), Comment::Hash), Some(one.clone()));
            prop_assert_eq!(set(&text(&one), Comment::Hash, "file.x", &two), text(&two));
        }

        #[test]
        fn a_block_that_is_added_and_removed_leaves_the_text(
            mark in "\u{feff}?", text in "([a-z# ]{0,8}\n){0,4}[a-z]{0,3}", body in "([a-z]{0,5}\n){0,3}", line_end in "\r?\n",
        ) {
            let text = format!("{mark}{}", with(&line_end, &text));
            let set_in = set(&text, Comment::Html, "file.x", &body);
            prop_assert_eq!(body_of(&set_in, Comment::Html), Some(body));
            prop_assert!(set_in.starts_with(&text));
            let last = if text.trim_start_matches(BYTE_ORDER_MARK).is_empty() || text.ends_with('\n') { "" } else { super::line_end(&text) };
            prop_assert_eq!(remove(&set_in, Comment::Html, "file.x"), format!("{text}{last}"));
        }

        #[test]
        fn a_block_that_is_renamed_stays_where_it_is_with_its_line_ends(
            mark in "\u{feff}?", before in "([a-z#\r ]{0,8}\n){0,4}", after in "(([a-z# ]{0,8}\r?\n){0,4}[a-z]{0,3})",
            body in "([a-z]{0,5}\r?\n){0,3}", line_end in "\r?\n",
        ) {
            let text = |address: &str| {
                let (begin, end) = markers(Comment::Hash, address);
                format!("{mark}{before}{begin}{line_end}{body}{end}\n{after}")
            };
            prop_assert_eq!(rename(&text("file.x"), Comment::Hash, "file.x", "file.other"), text("file.other"));
        }

        #[test]
        fn a_new_block_has_the_line_ends_of_the_file(text in "([a-z# ]{0,8}\r\n){1,4}([a-z]{0,3})", body in "([a-z]{0,5}\n){0,3}") {
            let set_in = set(&text, Comment::Hash, "file.x", &body);
            prop_assert_eq!(set_in.matches('\n').count(), set_in.matches("\r\n").count());
            prop_assert!(set_in.ends_with('\n'));
        }
    }

    #[test]
    fn a_line_end_that_somebody_changed_is_an_edit() {
        let text = "x\r\n# loom:begin file.x\r\none\r\ntwo\n# loom:end file.x\r\n";
        assert_eq!(
            body_of(text, Comment::Hash).as_deref(),
            Some("one\r\ntwo\n")
        );
    }
}
