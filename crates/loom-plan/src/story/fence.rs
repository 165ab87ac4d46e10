//! Fenced blocks with the info string `loom` in a text of Markdown.
//!
//! In: the text. Out: for each block the pieces of the text that are its content, the fence's own
//! indentation left out. Follows `CommonMark` 0.31, section 4.5: fences of three or more backticks or
//! tildes, indented by at most three blanks, closed by one at least as long, or by the text's end.

use std::ops::Range;

use crate::text::offset;

/// An open block.
struct Fence {
    mark: u8,
    length: usize,
    indent: usize,
    /// The content so far, where the block is loom's.
    pieces: Option<Vec<Range<u32>>>,
}

/// The contents of all `loom` blocks, in order.
pub(super) fn blocks(text: &str) -> Vec<Vec<Range<u32>>> {
    let (mut blocks, mut open): (Vec<Vec<Range<u32>>>, Option<Fence>) = (Vec::new(), None);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        match &mut open {
            None => open = opening(line),
            Some(fence) if closes(line, fence) => {
                blocks.extend(open.take().and_then(|fence| fence.pieces));
            }
            Some(fence) => {
                let from = start + blanks(line).min(fence.indent);
                if let Some(pieces) = &mut fence.pieces {
                    pieces.push(offset(from)..offset(start + line.len()));
                }
            }
        }
        start += line.len();
    }
    blocks.extend(open.and_then(|fence| fence.pieces));
    blocks
}

fn blanks(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The mark of a fence, how many stand there, and what follows.
fn marks(line: &str) -> Option<(u8, usize, &str)> {
    let text = line.trim_start_matches(' ');
    let mark = *text
        .as_bytes()
        .first()
        .filter(|mark| matches!(mark, b'`' | b'~') && blanks(line) <= 3)?;
    let length = text.bytes().take_while(|byte| *byte == mark).count();
    (length >= 3).then(|| (mark, length, text[length..].trim()))
}

fn opening(line: &str) -> Option<Fence> {
    let (mark, length, info) = marks(line)?;
    if mark == b'`' && info.contains('`') {
        return None;
    }
    let pieces = (info.split_whitespace().next() == Some("loom")).then(Vec::new);
    Some(Fence {
        mark,
        length,
        indent: blanks(line),
        pieces,
    })
}

fn closes(line: &str, fence: &Fence) -> bool {
    marks(line).is_some_and(|(mark, length, rest)| {
        mark == fence.mark && length >= fence.length && rest.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Vec<String> {
        let join = |pieces: Vec<Range<u32>>| {
            pieces
                .iter()
                .map(|piece| &text[piece.start as usize..piece.end as usize])
                .collect()
        };
        blocks(text).into_iter().map(join).collect()
    }

    #[test]
    fn blocks_of_other_languages_are_left_alone() {
        assert_eq!(
            contents("```yaml\na: 1\n```\n\n```loom\nb: 2\n```\n"),
            ["b: 2\n"]
        );
        assert!(
            contents("```yaml\n```loom\n").is_empty(),
            "a fence inside another block is content"
        );
    }

    #[test]
    fn fences_of_either_mark_and_any_length_are_closed_by_their_own() {
        assert_eq!(contents("~~~ loom\n```\n~~~\n"), ["```\n"]);
        assert_eq!(contents("`````loom\n```\n`````\n"), ["```\n"]);
        assert_eq!(
            contents("```loom\na: 1"),
            ["a: 1"],
            "the end of the text closes a block"
        );
        assert_eq!(
            contents("```loom `x`\na: 1\n```\n"),
            Vec::<String>::new(),
            "the info string holds a backtick"
        );
    }

    #[test]
    fn the_indentation_of_the_fence_is_taken_off_its_content() {
        assert_eq!(
            contents("   ```loom\n     a:\n   - b\n c\n   ```\n"),
            ["  a:\n- b\nc\n"]
        );
        assert!(
            contents("    ```loom\n    a\n    ```\n").is_empty(),
            "four blanks make it indented code"
        );
    }

    #[test]
    fn line_ends_of_windows_are_kept_and_close_blocks() {
        assert_eq!(contents("x\r\n```loom\r\na: 1\r\n```\r\ny"), ["a: 1\r\n"]);
    }
}
