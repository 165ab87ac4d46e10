//! Loom's header: the line by which a file says where it comes from.
//!
//! In: a text and its path, which tells the comment of its format. Out: the text with the header in
//! its place, or the place of the header in bytes that were read. The header is left out of what is
//! compared, so that a change of an artifact's origins is no change of its files. It is not left out
//! of guards: what apply writes over is expected to the byte.
//!
//! Invariant: a line is the header only if all of it is what a released loom writes, but for the
//! address and the codes, which can hold nothing but names (law
//! `no_line_but_a_whole_header_is_left_out`). Any other line in its place is content, and an edit.

use std::borrow::Cow;
use std::ops::Range;

use crate::addr::{Address, ContentHash, RepoPath, is_story_code};
use crate::provider::Comment;

const BEGIN: &str = "Managed by loom: ";
const END: &str = "; see 'loom explain PATH'";
/// How the origins are called where no story is among them.
const PROJECT: &str = "project";
/// In how many lines from the top a header is looked for that somebody moved.
const FIRST_LINES: usize = 20;
/// What some editors begin a file with.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

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

/// The comments in which a path may have its header: that of its format and, of a name under which
/// people keep plain text and Markdown alike, both of theirs.
fn comments(path: &RepoPath) -> &'static [Comment] {
    let is_prose = matches!(
        path.extension(),
        Some("txt" | "text" | "mdx" | "mkd" | "mdown")
    ) || path.file_name().starts_with("README") && path.extension().is_none();
    match comment_of(path) {
        _ if is_prose => &[Comment::Hash, Comment::Html],
        None => &[],
        Some(Comment::Hash) => &[Comment::Hash],
        Some(Comment::Slashes) => &[Comment::Slashes],
        Some(Comment::Dashes) => &[Comment::Dashes],
        Some(Comment::Html) => &[Comment::Html],
        Some(Comment::Stars) => &[Comment::Stars],
        Some(Comment::Semicolon) => &[Comment::Semicolon],
    }
}

/// The comment in which a path has its header, where its kind asks for one in `asked`.
pub fn comment_at(path: &RepoPath, asked: Comment) -> Option<Comment> {
    let comments = comments(path);
    if comments.contains(&asked) {
        Some(asked)
    } else {
        comments.first().copied()
    }
}

/// The text with the header where it belongs: first, or after `#!`, `# syntax=` or front matter. It
/// ends as most lines of the text do.
pub fn place(text: &str, header: &str) -> String {
    let Some(at) = insertion_point(text.as_bytes()) else {
        return text.to_owned();
    };
    let end = line_end(text);
    let gap = if header.starts_with("<!--") { end } else { "" };
    format!("{}{header}{end}{gap}{}", &text[..at], &text[at..])
}

/// How most lines of a text end.
pub fn line_end(text: &str) -> &'static str {
    let (all, foreign) = (text.matches('\n').count(), text.matches("\r\n").count());
    if 2 * foreign > all { "\r\n" } else { "\n" }
}

/// The hash of a content without the header line, if it has one.
pub fn content_hash(content: &[u8], path: &RepoPath) -> ContentHash {
    hash_without(content, path).unwrap_or_else(|| ContentHash::of(content))
}

/// The hash of a content without the header line; `None` where it has none.
pub fn hash_without(content: &[u8], path: &RepoPath) -> Option<ContentHash> {
    let header = find(content, path)?;
    let parts = [&content[..header.start], &content[header.end..]];
    Some(ContentHash::of_parts(parts))
}

/// A content without the header line, if it has one.
pub fn strip(content: &[u8], path: &RepoPath) -> Vec<u8> {
    match find(content, path) {
        Some(header) => [&content[..header.start], &content[header.end..]].concat(),
        None => content.to_vec(),
    }
}

/// Whether a content carries loom's header.
pub fn is_in(content: &[u8], path: &RepoPath) -> bool {
    find(content, path).is_some()
}

/// A text without the headers that somebody moved within its first lines: under a licence, or with
/// blanks around them. Such a line is an edit, and loom's all the same: a merge writes it in its place.
pub fn without_moved<'a>(text: &'a str, path: &RepoPath) -> Cow<'a, str> {
    let (mut kept, mut at, mut found) = (String::new(), 0, false);
    let mut lines = text.split_inclusive('\n').take(FIRST_LINES).peekable();
    while let Some(line) = lines.next() {
        at += line.len();
        let bare = line.trim_start_matches('\u{feff}');
        let Some(comment) = header_in(bare.trim(), path) else {
            kept.push_str(line);
            continue;
        };
        found = true;
        kept.push_str(&line[..line.len() - bare.len()]);
        if comment == Comment::Html
            && let Some(gap) = lines.next_if(|next| next.trim().is_empty())
        {
            at += gap.len();
        }
    }
    if found {
        Cow::Owned(kept + &text[at..])
    } else {
        Cow::Borrowed(text)
    }
}

/// The bytes of the header, with its line end and the blank line that `place` puts behind it.
fn find(content: &[u8], path: &RepoPath) -> Option<Range<usize>> {
    let start = insertion_point(content)?;
    let length = content[start..].iter().position(|byte| *byte == b'\n')? + 1;
    let line = std::str::from_utf8(&content[start..start + length - 1]).ok()?;
    let comment = header_in(line.strip_suffix('\r').unwrap_or(line), path)?;
    let end = start + length;
    let gap = match (comment, &content[end..]) {
        (Comment::Html, [b'\n', ..]) => 1,
        (Comment::Html, [b'\r', b'\n', ..]) => 2,
        _ => 0,
    };
    Some(start..end + gap)
}

/// The comment in which a line, without its end, is a header of a path: every byte of it is as
/// [`line()`] writes it.
fn header_in(line: &str, path: &RepoPath) -> Option<Comment> {
    if !line.contains(BEGIN) {
        return None;
    }
    let is_header = |comment: &&Comment| {
        let (open, close) = delimiters(**comment);
        let middle = line
            .strip_prefix(open)
            .and_then(|rest| rest.strip_prefix(BEGIN))
            .and_then(|rest| rest.strip_suffix(close)?.strip_suffix(END));
        middle.is_some_and(names_origins)
    };
    comments(path).iter().find(is_header).copied()
}

/// Whether a text is an address with its origins: `pipeline.api (ENT-001, ENT-002)`.
fn names_origins(text: &str) -> bool {
    let parts = text
        .split_once(" (")
        .and_then(|(address, rest)| Some((address, rest.strip_suffix(')')?)));
    let Some((address, origins)) = parts else {
        return false;
    };
    let codes: Vec<&str> = origins.split(", ").collect();
    let are_codes =
        codes.iter().all(|code| is_story_code(code)) && codes.is_sorted_by(|a, b| a < b);
    Address::parse(address).is_ok() && (origins == PROJECT || are_codes)
}

/// Where a header stands, or would: the start, or after the lines that must come first; nowhere where
/// the last of these has no end.
fn insertion_point(content: &[u8]) -> Option<usize> {
    let mut at = if content.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    if is_fence(line_at(content, at)) {
        let mut end = at;
        while end < content.len() {
            let line = line_at(content, end);
            end += line.len();
            if end - line.len() > at && is_fence(line) {
                return Some(end);
            }
        }
        return Some(at);
    }
    let must_be_first = |line: &[u8]| {
        [&b"#!"[..], b"# syntax=", b"# escape="]
            .iter()
            .any(|begin| line.starts_with(begin))
    };
    while must_be_first(line_at(content, at)) {
        let line = line_at(content, at);
        if !line.ends_with(b"\n") {
            return None;
        }
        at += line.len();
    }
    Some(at)
}

/// The line that begins at an offset, with its end.
fn line_at(content: &[u8], at: usize) -> &[u8] {
    let rest = &content[at..];
    let length = rest.iter().position(|byte| *byte == b'\n');
    &rest[..length.map_or(rest.len(), |length| length + 1)]
}

/// Whether a line begins or ends front matter.
fn is_fence(line: &[u8]) -> bool {
    matches!(line, b"---\n" | b"---\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).expect("a path")
    }

    /// A path for each comment.
    const PATHS: [(Comment, &str); 6] = [
        (Comment::Hash, "a.yml"),
        (Comment::Slashes, "a.ts"),
        (Comment::Dashes, "a.sql"),
        (Comment::Html, "a.md"),
        (Comment::Stars, "a.css"),
        (Comment::Semicolon, "a.el"),
    ];

    #[test]
    fn a_header_that_is_placed_is_found_and_left_out() {
        let texts = [
            "",
            "a\nb\n",
            "#!/bin/sh\nx\n",
            "# syntax=docker/dockerfile:1\nFROM x\n",
            "---\ntitle: x\n---\n# T\n",
            "---\nno: end\n",
            "\nx\n",
            "\u{feff}x\n",
            "\u{feff}---\ntitle: x\n---\n# T\n",
        ];
        for text in texts {
            for (comment, name) in PATHS {
                let path = path(name);
                for origins in ["ENT-001, ENT-002", "project", "a.b_c-1"] {
                    let header = line(comment, "pipeline.api", origins);
                    for text in [text.to_owned(), text.replace('\n', "\r\n")] {
                        let placed = place(&text, &header);
                        assert!(placed.contains(&header), "{placed}");
                        assert!(is_in(placed.as_bytes(), &path), "{placed:?}");
                        let hash = ContentHash::of(text.as_bytes());
                        assert_eq!(content_hash(placed.as_bytes(), &path), hash, "{placed:?}");
                        assert_eq!(strip(placed.as_bytes(), &path), text.as_bytes());
                        assert_eq!(without_moved(&placed, &path), text);
                        if text.contains('\n') {
                            let ends = placed.matches("\r\n").count();
                            assert!(
                                ends == 0 || ends == placed.matches('\n').count(),
                                "{placed:?}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_line_that_is_not_all_header_is_content() {
        for (name, line) in [
            (
                "a.yml",
                "# Managed by loom: file.x (project); see 'loom explain PATH' and ask me",
            ),
            (
                "a.yml",
                "# Managed by loom: \renv: {BASH_ENV: evil.sh}\r# ; see 'loom explain PATH'",
            ),
            (
                "a.yml",
                "# Managed by loom: file.x (project)\r; see 'loom explain PATH'",
            ),
            (
                "a.yml",
                "# Managed by loom: file.x (project); see 'loom explain PATH'\r\r",
            ),
            (
                "a.yml",
                "# Managed by loom: file.x (B-1, A-1); see 'loom explain PATH'",
            ),
            (
                "a.yml",
                "# Managed by loom: file.x (A-1, A-1); see 'loom explain PATH'",
            ),
            (
                "a.yml",
                "# Managed by loom: file.x (A-1,B-1); see 'loom explain PATH'",
            ),
            (
                "a.yml",
                "# Managed by loom: file.x (project, A-1); see 'loom explain PATH'",
            ),
            (
                "a.yml",
                "# Managed by loom: file.x (); see 'loom explain PATH'",
            ),
            (
                "a.yml",
                "# Managed by loom: file.x; see 'loom explain PATH'",
            ),
            (
                "a.yml",
                "# Managed by loom: x (project); see 'loom explain PATH'",
            ),
            (
                "a.yml",
                " # Managed by loom: file.x (project); see 'loom explain PATH'",
            ),
            (
                "a.yml",
                "// Managed by loom: file.x (project); see 'loom explain PATH'",
            ),
            (
                "a.tf",
                "/* Managed by loom: */ output \"x\" { value = 42 } /* ; see 'loom explain PATH' */",
            ),
            (
                "a.tf",
                "/* Managed by loom: file.x (project); see 'loom explain PATH' */",
            ),
            (
                "a.md",
                "<!-- Managed by loom: --> <h1>Run it</h1> <!-- ; see 'loom explain PATH' -->",
            ),
            (
                "a.md",
                "<!-- Managed by loom: file.x (A-1 --> <b>); see 'loom explain PATH' -->",
            ),
            (
                "a.json",
                "# Managed by loom: file.x (project); see 'loom explain PATH'",
            ),
        ] {
            assert!(
                !is_in(format!("{line}\nx\n").as_bytes(), &path(name)),
                "{line:?}"
            );
            assert!(!is_in(line.as_bytes(), &path(name)), "{line:?}");
        }
        let header = "# Managed by loom: file.x (project); see 'loom explain PATH'\n";
        assert!(!is_in(format!("x\n{header}").as_bytes(), &path("a.yml")));
    }

    #[test]
    fn a_header_that_somebody_moved_is_known_in_the_first_lines() {
        let header = "# Managed by loom: file.x (project); see 'loom explain PATH'";
        for moved in [
            format!("# MIT\n{header}\na: 1\n"),
            format!("# MIT\n{header}  \na: 1\n"),
            format!("  {header}\r\n# MIT\na: 1\n"),
            format!("{header}\n# MIT\n{header}\na: 1\n"),
        ] {
            assert_eq!(
                without_moved(&moved, &path("a.yml")),
                "# MIT\na: 1\n",
                "{moved}"
            );
        }
        let far = "x\n".repeat(FIRST_LINES) + header;
        assert_eq!(without_moved(&far, &path("a.yml")), far);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        /// Whatever is put into a header, or taken out of it, makes its line content.
        #[test]
        fn no_line_but_a_whole_header_is_left_out(
            which in 0_usize..6, at in any::<prop::sample::Index>(), added in "[ -~\r\t\u{85}\u{a0}\u{2028}<>*/#;()]{1,12}", cut in 0_usize..3,
        ) {
            let (comment, name) = PATHS[which];
            let header = line(comment, "pipeline.api[production]", "ENT-001, ENT-002");
            let at = at.index(header.len() + 1);
            let end = (at + cut).min(header.len());
            let edited = format!("{}{added}{}", &header[..at], &header[end..]);
            let text = format!("{edited}\nx\n");
            if is_in(text.as_bytes(), &path(name)) {
                // only names can have changed
                let (open, close) = delimiters(comment);
                let middle = edited.strip_suffix('\r').unwrap_or(&edited);
                let middle = middle.strip_prefix(&format!("{open}{BEGIN}")).and_then(|rest| rest.strip_suffix(&format!("{END}{close}")));
                let middle = middle.expect("what is around the names stays");
                prop_assert!(middle.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_[] (),".contains(&byte)), "{:?}", edited);
            } else {
                prop_assert_eq!(content_hash(text.as_bytes(), &path(name)), ContentHash::of(text.as_bytes()));
            }
        }
    }
}
