//! A page of Markdown, written piece by piece.
//!
//! In: text of loom's own in Markdown, text of people, references. Out: the content of a
//! `markdown.page`, in which only the references that were put there as such are read.
//!
//! Invariants, tested below: text of people shows as it was written, whatever it holds, and stays
//! on its line; cells of a table line up.

use loom_plan::intent::context::literal;
use unicode_width::UnicodeWidthStr as _;

use crate::emit::{markdown, shell};

/// A page while it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// A heading. The text is Markdown.
    pub(super) fn heading(&mut self, level: usize, text: &str) {
        self.block(&format!("{} {text}", "#".repeat(level)));
    }

    /// A paragraph, a list, a table: any block. The text is Markdown.
    pub(super) fn block(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push_str("\n\n");
        }
        self.0.push_str(text.trim_end());
    }

    /// Items of a list. Each is Markdown.
    pub(super) fn bullets(&mut self, items: &[String]) {
        self.block(
            &items
                .iter()
                .map(|item| format!("- {item}"))
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }

    /// Steps in order. Each is Markdown.
    pub(super) fn steps(&mut self, items: &[String]) {
        let numbered = |(number, item): (usize, &String)| format!("{}. {item}", number + 1);
        self.block(
            &items
                .iter()
                .enumerate()
                .map(numbered)
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }

    /// Commands that can be pasted.
    pub(super) fn commands(&mut self, lines: &[String]) {
        self.block(&literal(&format!("```sh\n{}\n```", lines.join("\n"))));
    }

    /// A table whose cells are Markdown and hold no references: their length is not known yet.
    pub(super) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        let width = |column: usize| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width());
            cells.chain([head[column].width(), 3]).max().unwrap_or(3)
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let line = |cells: Vec<&str>| {
            let padded = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell}{:1$}", "", width - cell.width()));
            format!("| {} |", padded.collect::<Vec<_>>().join(" | "))
        };
        let rule = widths
            .iter()
            .map(|width| "-".repeat(*width))
            .collect::<Vec<_>>()
            .join(" | ");
        let mut lines = vec![line(head.to_vec()), format!("| {rule} |")];
        lines.extend(
            rows.iter()
                .map(|row| line(row.iter().map(String::as_str).collect())),
        );
        self.block(&literal(&lines.join("\n")));
    }

    /// The page's content.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Text of people in a line of Markdown: it shows as it was written.
pub(super) fn text(raw: &str) -> String {
    let mut out = markdown::escape(raw);
    // what some readers make links of, without being asked
    for (link, shown) in [
        ("://", "\\://"),
        ("@", "\\@"),
        ("www.", "www\\."),
        ("WWW.", "WWW\\."),
    ] {
        out = out.replace(link, shown);
    }
    literal(&out)
}

/// Text of people as code in a table's cell: it shows as it was written.
pub(super) fn code_cell(raw: &str) -> String {
    code(raw).replace('|', "\\|")
}

/// Text of people as code.
pub(super) fn code(raw: &str) -> String {
    Some(markdown::code(raw))
        .filter(|code| !code.is_empty())
        .unwrap_or_else(|| "(empty)".to_owned())
}

/// A word of a shell.
pub(super) fn word(raw: &str) -> String {
    shell::word(raw).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_people_is_neither_markup_nor_link_nor_reference() {
        for (raw, shown) in [
            ("<b>", "\\<b\\>"),
            (
                "see https://x.y, www.z, a@b.c",
                "see https\\://x.y, www\\.z, a\\@b.c",
            ),
            ("a\n# b", "a # b"),
        ] {
            assert_eq!(text(raw), shown);
        }
        assert_eq!(
            text("${ref:file.x.path}").replace("$${ref:", ""),
            "\\file.x.path}"
        );
        assert_eq!(
            (code(""), code_cell("a|b")),
            ("(empty)".to_owned(), "`a\\|b`".to_owned())
        );
    }

    #[test]
    fn tables_line_up_and_their_references_stay_text() {
        let mut page = Page::default();
        page.table(
            &["A", "Value"],
            &[
                vec!["x".to_owned(), "`${ref:a.b.c}`".to_owned()],
                vec!["yyyyy".to_owned(), "1".to_owned()],
            ],
        );
        assert_eq!(
            page.finish().replace("$${", "${"),
            "| A     | Value          |\n| ----- | -------------- |\n| x     | `${ref:a.b.c}` |\n| yyyyy | 1              |"
        );
    }
}
