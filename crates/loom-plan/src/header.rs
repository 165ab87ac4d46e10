//! Loom's header: the line by which a file says where it comes from.
//!
//! In: a text and the comment of its format. Out: the text with the header in its place, or the
//! place of the header in bytes that were read. The header is left out of every hash, so that a
//! change of an artifact's origins is no change of its files.

use crate::addr::ContentHash;
use crate::provider::Comment;

const BEGIN: &str = "Managed by loom: ";
const END: &str = "; see 'loom explain PATH'";

/// The header line of an artifact, without its line end. `origins` are story codes, or `project`.
pub fn line(comment: Comment, address: &str, origins: &str) -> String {
    let (open, close) = delimiters(comment);
    format!("{open}{BEGIN}{address} ({origins}){END}{close}")
}

/// What a comment of one line begins and ends with.
pub fn delimiters(comment: Comment) -> (&'static str, &'static str) {
    match comment {
        Comment::Hash => ("# ", ""),
        Comment::Slashes => ("// ", ""),
        Comment::Dashes => ("-- ", ""),
        Comment::Html => ("<!-- ", " -->"),
        Comment::Stars => ("/* ", " */"),
        Comment::Semicolon => ("; ", ""),
    }
}

/// The text with the header where it belongs: first, or after `#!`, `# syntax=` or front matter.
pub fn place(text: &str, header: &str) -> String {
    let at = insertion_point(text.as_bytes());
    let gap = if header.starts_with("<!--") { "\n" } else { "" };
    format!("{}{header}\n{gap}{}", &text[..at], &text[at..])
}

/// The hash of a content without the header line, if it has one.
pub fn content_hash(content: &[u8]) -> ContentHash {
    match find(content) {
        Some(header) => ContentHash::of_parts([&content[..header.start], &content[header.end..]]),
        None => ContentHash::of(content),
    }
}

/// A content without the header line, if it has one.
pub fn strip(content: &[u8]) -> Vec<u8> {
    match find(content) {
        Some(header) => [&content[..header.start], &content[header.end..]].concat(),
        None => content.to_vec(),
    }
}

/// Whether a content carries loom's header.
pub fn is_in(content: &[u8]) -> bool {
    find(content).is_some()
}

/// The bytes of the header, with its line end and the blank line that `place` puts behind it.
fn find(content: &[u8]) -> Option<std::ops::Range<usize>> {
    let start = insertion_point(content);
    let length = content[start..].iter().position(|byte| *byte == b'\n')? + 1;
    let line = std::str::from_utf8(&content[start..start + length - 1]).ok()?;
    let (open, close) = [
        Comment::Hash,
        Comment::Slashes,
        Comment::Dashes,
        Comment::Html,
        Comment::Stars,
        Comment::Semicolon,
    ]
    .map(delimiters)
    .into_iter()
    .find(|(open, _)| {
        line.strip_prefix(open)
            .is_some_and(|rest| rest.starts_with(BEGIN))
    })?;
    line.strip_suffix(close)?.ends_with(END).then_some(())?;
    let gap = usize::from(open == "<!-- " && content.get(start + length) == Some(&b'\n'));
    Some(start..start + length + gap)
}

/// Where a header stands, or would: the start, or after the lines that must come first.
fn insertion_point(content: &[u8]) -> usize {
    let mut at = 0;
    if content.starts_with(b"---\n") {
        return content
            .windows(5)
            .position(|window| window == b"\n---\n")
            .map_or(0, |found| found + 5);
    }
    while content[at..].starts_with(b"#!")
        || content[at..].starts_with(b"# syntax=")
        || content[at..].starts_with(b"# escape=")
    {
        match content[at..].iter().position(|byte| *byte == b'\n') {
            Some(length) => at += length + 1,
            None => return content.len(),
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_placed_is_found_and_left_out() {
        let texts = [
            "",
            "a\nb\n",
            "#!/bin/sh\nx\n",
            "# syntax=docker/dockerfile:1\nFROM x\n",
            "---\ntitle: x\n---\n# T\n",
            "\nx\n",
        ];
        for text in texts {
            for comment in [
                Comment::Hash,
                Comment::Slashes,
                Comment::Dashes,
                Comment::Html,
            ] {
                let header = line(comment, "pipeline.api", "ENT-001, ENT-002");
                let placed = place(text, &header);
                assert!(placed.contains(&header), "{placed}");
                assert!(is_in(placed.as_bytes()));
                assert_eq!(
                    content_hash(placed.as_bytes()),
                    ContentHash::of(text.as_bytes()),
                    "{placed:?}"
                );
                assert_eq!(strip(placed.as_bytes()), text.as_bytes());
            }
        }
    }

    #[test]
    fn a_line_that_a_person_added_to_is_no_header() {
        assert!(!is_in(
            b"# Managed by loom: x (project); see 'loom explain PATH' and ask me\n"
        ));
        assert!(!is_in(
            b"x\n# Managed by loom: x (project); see 'loom explain PATH'\n"
        ));
    }
}
