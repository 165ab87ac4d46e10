//! Markdown as its lines: blank ones divide paragraphs, and two blanks at the end of a line break it, so
//! that neither is layout alone. The padding of a table's cells, the dashes below its header and the
//! bars at its sides are.
//!
//! A table is what GitHub's specification (0.29-gfm, section 4.10) takes for one: a line with bars, and
//! below it one of dashes with as many cells. In code, front matter and HTML nothing is one: what might
//! be neither is kept as it is written.

use loom_plan::drift::grade::Reading;

/// Stands for a row of a table; no text has it ([`loom_plan::diff::as_text`]).
const ROW: char = '\0';

#[expect(clippy::unnecessary_wraps, reason = "the form of every reader")]
pub(super) fn read(text: &str) -> Option<Reading> {
    let lines: Vec<&str> = text.lines().collect();
    let (mut data, mut at, mut place) = (String::new(), 0, Place::Text);
    while at < lines.len() {
        let line = lines[at];
        let is_text = place.is_text();
        place = if at == 0 && line.trim_end() == "---" {
            Place::FrontMatter
        } else {
            place.after(line)
        };
        let is_table = is_text && begins_table(&lines[at..]);
        if place.is_text() && is_table {
            let rows = lines[at..]
                .iter()
                .take_while(|line| is_row(line))
                .count()
                .max(2);
            for (index, row) in lines[at..at + rows].iter().enumerate() {
                push_row(
                    &mut data,
                    row,
                    if index == 1 { Row::Ruler } else { Row::Cells },
                );
            }
            at += rows;
            continue;
        }
        push_line(&mut data, line);
        at += 1;
    }
    Some(Reading {
        data: data.trim_end().to_owned(),
        comments: Vec::new(),
    })
}

fn push_line(data: &mut String, line: &str) {
    let bare = line.trim_end();
    let breaks = !bare.is_empty() && line[bare.len()..].len() >= 2;
    data.push_str(bare);
    data.push_str(if breaks { "  \n" } else { "\n" });
}

#[derive(Clone, Copy)]
enum Row {
    Cells,
    Ruler,
}

fn push_row(data: &mut String, line: &str, row: Row) {
    for cell in cells(line) {
        data.push(ROW);
        match row {
            Row::Cells => data.push_str(cell),
            // of the dashes only the colons say something
            Row::Ruler => {
                let colon = |there| if there { ":" } else { "" };
                data.push_str(colon(cell.starts_with(':')));
                data.push('-');
                data.push_str(colon(cell.ends_with(':')));
            }
        }
    }
    data.push('\n');
}

/// Whether a table begins here.
fn begins_table(lines: &[&str]) -> bool {
    let [header, ruler, ..] = lines else {
        return false;
    };
    let is_ruler = |cell: &&str| {
        let dashes = cell.strip_prefix(':').unwrap_or(cell);
        let dashes = dashes.strip_suffix(':').unwrap_or(dashes);
        !dashes.is_empty() && dashes.bytes().all(|byte| byte == b'-')
    };
    let (header_cells, ruler_cells) = (cells(header), cells(ruler));
    is_row(header)
        && is_row(ruler)
        && header_cells.len() == ruler_cells.len()
        && ruler_cells.iter().all(is_ruler)
}

/// Whether a line can be a row: it has a bar, and begins no other block and no code.
fn is_row(line: &&str) -> bool {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let begun = line.trim_start();
    let other = ["```", "~~~", ">", "<", "#", "- ", "* ", "+ "];
    indent < 4
        && !line.starts_with('\t')
        && line.contains('|')
        && !other.iter().any(|it| begun.starts_with(it))
}

/// The cells of a row, without the blanks around them and without the bars at its sides.
fn cells(line: &str) -> Vec<&str> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let (mut cells, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, byte) in line.bytes().enumerate() {
        if byte == b'|' && !escaped {
            cells.push(line[start..at].trim());
            start = at + 1;
        }
        escaped = byte == b'\\' && !escaped;
    }
    if start < line.len() {
        cells.push(line[start..].trim());
    }
    cells
}

/// Where a line stands.
#[derive(Clone, Copy)]
enum Place {
    Text,
    /// Between `---`, at the beginning of the file.
    FrontMatter,
    /// In a fence of so many of a character.
    Fence(u8, usize),
    /// In HTML that a blank line ends.
    Html,
    /// In HTML whose end is not looked for, such as `<pre>`: the rest of the file.
    Raw,
}

impl Place {
    fn is_text(self) -> bool {
        matches!(self, Self::Text)
    }

    fn after(self, line: &str) -> Self {
        let begun = line.trim_start();
        let fence = begun
            .bytes()
            .next()
            .filter(|byte| matches!(byte, b'`' | b'~'))
            .map(|byte| (byte, begun.bytes().take_while(|it| *it == byte).count()))
            .filter(|(_, length)| *length >= 3);
        match (self, fence) {
            (Self::Text, Some((byte, length))) => Self::Fence(byte, length),
            (Self::Text, None) if begun.starts_with('<') => {
                let raw = ["<pre", "<script", "<style", "<textarea", "<!", "<?"];
                let lower = begun.to_ascii_lowercase();
                if raw.iter().any(|tag| lower.starts_with(tag)) && !is_closed(&lower) {
                    Self::Raw
                } else {
                    Self::Html
                }
            }
            (Self::Text, None) => Self::Text,
            (Self::Fence(open, least), Some((byte, length)))
                if byte == open && length >= least && begun[length..].trim().is_empty() =>
            {
                Self::Text
            }
            (Self::Html, _) if begun.is_empty() => Self::Text,
            (Self::FrontMatter, _) if matches!(line.trim_end(), "---" | "...") => Self::Text,
            (Self::Fence(..) | Self::Html | Self::Raw | Self::FrontMatter, _) => self,
        }
    }
}

/// Whether a comment or an instruction ends on the line that it begins on.
fn is_closed(line: &str) -> bool {
    line.trim_end().ends_with("-->") || line.trim_end().ends_with("?>")
}

#[cfg(test)]
mod tests {
    use super::super::tests::graded;
    use loom_plan::drift::grade::Grade;

    #[test]
    fn the_padding_of_a_table_is_layout_and_what_it_says_is_not() {
        let table = "# A\n\n| a | b |\n| --- | :-- |\n| 1 | x \\| y |\n\nend\n";
        for (after, grade) in [
            (
                "# A\n\n| a   | b      |\n| ----- | :------- |\n| 1   | x \\| y |\n\nend\n",
                Grade::Format,
            ),
            (
                "# A\n\na | b\n--- | :--\n1 | x \\| y\n\nend\n",
                Grade::Format,
            ),
            (
                "# A\n\n| a | b |\n| --- | --: |\n| 1 | x \\| y |\n\nend\n",
                Grade::Content,
            ),
            (
                "# A\n\n| a | b |\n| --- | :-- |\n| 1 | x | y |\n\nend\n",
                Grade::Content,
            ),
            (
                "# A\n\n| a | b |\n| --- | :-- |\n| 1 |  |\n\nend\n",
                Grade::Content,
            ),
            (
                "# A\n\n| a | b |\n\n| --- | :-- |\n| 1 | x \\| y |\n\nend\n",
                Grade::Content,
            ),
        ] {
            assert_eq!(graded("a.md", table, after), grade, "{after}");
        }
    }

    #[test]
    fn what_only_looks_like_a_table_is_kept_as_it_is() {
        for (open, close) in [
            ("```\n", "```\n"),
            ("~~~~ text\n", "~~~~\n"),
            ("---\n", "---\n"),
            ("<pre>\n", "</pre>\n"),
            ("<div>\n", "</div>\n"),
            ("<!--\n", "-->\n"),
            ("    \n", ""),
        ] {
            let indent = if close.is_empty() { "    " } else { "" };
            let table = |pad: &str| {
                format!("{open}{indent}| a{pad} |\n{indent}| --- |\n{indent}| b |\n{close}")
            };
            assert_eq!(
                graded("a.md", &table(""), &table("  ")),
                Grade::Content,
                "{open}"
            );
        }
        assert_eq!(
            graded("a.md", "a | b\nc | d\n", "a  | b\nc | d\n"),
            Grade::Content
        );
    }
}
