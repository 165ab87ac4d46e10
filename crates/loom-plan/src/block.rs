//! Owned blocks: a marked region of a file that loom shares with people.
//!
//! In: a file's text, the address that marks the block, and the block's body. Out: the text with
//! the block set or removed. Every byte outside the markers stays as it was (a law, tested below);
//! the markers are lines of their own, in the comment of the file's format.

use std::ops::Range;

use crate::addr::RepoPath;
use crate::header::delimiters;
use crate::provider::Comment;

/// The comment of the format that a path's name tells.
pub fn comment_of(path: &RepoPath) -> Comment {
    match path.extension() {
        Some("md" | "html" | "xml" | "svg") => Comment::Html,
        Some("sql") => Comment::Dashes,
        Some("js" | "ts" | "go" | "rs" | "java" | "groovy" | "jsonc") => Comment::Slashes,
        _ => Comment::Hash,
    }
}

fn markers(comment: Comment, address: &str) -> (String, String) {
    let (open, close) = delimiters(comment);
    (format!("{open}loom:begin {address}{close}"), format!("{open}loom:end {address}{close}"))
}

/// The body between the markers, if both stand there as lines of their own, in order.
pub fn find<'a>(text: &'a str, comment: Comment, address: &str) -> Option<&'a str> {
    ranges(text, comment, address).map(|(body, _)| &text[body])
}

/// The range of the body, and of the whole block with its markers.
fn ranges(text: &str, comment: Comment, address: &str) -> Option<(Range<usize>, Range<usize>)> {
    let (begin, end) = markers(comment, address);
    let (mut at, mut start) = (0, None);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        match start {
            None if bare == begin => start = Some((at, at + line.len())),
            Some((outer, inner)) if bare == end => return Some((inner..at, outer..at + line.len())),
            _ => {}
        }
        at += line.len();
    }
    None
}

/// The text with the block's body set; a block that is not there yet goes to the end.
pub fn set(text: &str, comment: Comment, address: &str, body: &str) -> String {
    if let Some((inner, _)) = ranges(text, comment, address) {
        return format!("{}{body}{}", &text[..inner.start], &text[inner.end..]);
    }
    let (begin, end) = markers(comment, address);
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let gap = if text.is_empty() { "" } else { "\n" };
    format!("{text}{newline}{gap}{begin}\n{body}{end}\n")
}

/// The text without the block and the blank line that `set` put before it.
pub fn remove(text: &str, comment: Comment, address: &str) -> String {
    let Some((_, outer)) = ranges(text, comment, address) else { return text.to_owned() };
    let before = &text[..outer.start];
    let before = before.strip_suffix('\n').filter(|kept| kept.ends_with('\n')).unwrap_or(before);
    format!("{before}{}", &text[outer.end..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_byte_outside_the_block_stays(before in "([a-z#\r ]{0,8}\n){0,4}", after in "([a-z# ]{0,8}\n){0,4}[a-z]{0,3}", one in "([a-z]{0,5}\n){0,3}", two in "([a-z]{0,5}\n){0,3}") {
            let (begin, end) = markers(Comment::Hash, "file.x");
            let text = format!("{before}{begin}\n{one}{end}\n{after}");
            prop_assert_eq!(find(&text, Comment::Hash, "file.x"), Some(one.as_str()));
            prop_assert_eq!(set(&text, Comment::Hash, "file.x", &two), format!("{before}{begin}\n{two}{end}\n{after}"));
        }

        #[test]
        fn a_block_that_is_added_and_removed_leaves_the_text(text in "([a-z# ]{0,8}\n){0,4}", body in "([a-z]{0,5}\n){0,3}") {
            let with = set(&text, Comment::Html, "file.x", &body);
            prop_assert_eq!(find(&with, Comment::Html, "file.x"), Some(body.as_str()));
            prop_assert_eq!(remove(&with, Comment::Html, "file.x"), text);
        }
    }
}
