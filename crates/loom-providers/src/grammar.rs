//! The structure of formats, for merging.
//!
//! In: a path. Out: the grammar of its format: YAML and JSON as loom reads its own input, HCL by
//! `hcl-edit`. Blocks of HCL are known by their type and labels; where two of one body have the
//! same, as `ingress` often does, that body merges as a whole.
//!
//! Deliberately not here: how merging is done.

use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Block, BlockLabel, Body, Structure};
use loom_plan::addr::RepoPath;
use loom_plan::merge::tree::{Layout, Part, Shape, Tree};
use loom_plan::merge::{self, Grammar};

/// The grammar of a file's format, if merging knows it.
pub fn grammar_of(path: &RepoPath) -> Option<&'static dyn Grammar> {
    match path.extension() {
        Some("tf" | "hcl" | "tfvars") => Some(&Hcl),
        _ => merge::grammar_of(path),
    }
}

/// Terraform's language.
#[derive(Debug)]
struct Hcl;

impl Grammar for Hcl {
    fn read(&self, text: &str) -> Option<Tree> {
        let body: Body = text.parse().ok()?;
        let tree = Reader { text }.body(&body, 0..text.len())?;
        tree.is_sound().then_some(tree)
    }
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    /// Arguments and blocks by their names; all of it as one where two have the same.
    fn body(&self, body: &Body, span: Range<usize>) -> Option<Tree> {
        let parts = body
            .iter()
            .map(|structure| self.structure(structure))
            .collect::<Option<Vec<_>>>()?;
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for part in &parts {
            *names.entry(&part.name).or_default() += 1;
        }
        if names.values().any(|times| *times > 1) {
            return Some(Tree {
                shape: Shape::Leaf(self.words(&span)),
                span,
            });
        }
        Some(Tree {
            span,
            shape: Shape::Map(Layout::Lines, parts),
        })
    }

    fn structure(&self, structure: &Structure) -> Option<Part> {
        let (name, span, tree) = match structure {
            Structure::Attribute(attribute) => (
                attribute.key.to_string().trim().to_owned(),
                attribute.span()?,
                self.expression(&attribute.value)?,
            ),
            Structure::Block(block) => (name_of(block), block.span()?, self.block(block)?),
        };
        let end = span.start + self.text.get(span.clone())?.trim_end().len();
        Some(Part {
            name,
            span: span.start..end.max(tree.span.end),
            tree,
        })
    }

    fn block(&self, block: &Block) -> Option<Tree> {
        let span = block.span()?;
        let end = span.start + self.text.get(span.clone())?.trim_end().len();
        self.body(&block.body, span.start..end)
    }

    fn expression(&self, expression: &Expression) -> Option<Tree> {
        let span = expression.span()?;
        let end = span.start + self.text.get(span.clone())?.trim_end().len();
        let span = span.start..end;
        let Expression::Object(object) = expression else {
            return Some(Tree {
                shape: Shape::Leaf(self.words(&span)),
                span,
            });
        };
        let mut parts = Vec::new();
        for (key, value) in object {
            let start = match key {
                ObjectKey::Ident(ident) => ident.span()?.start,
                ObjectKey::Expression(expression) => expression.span()?.start,
            };
            let tree = self.expression(value.expr())?;
            let name = self
                .text
                .get(start..tree.span.start)?
                .trim_end()
                .trim_end_matches(['=', ':'])
                .trim_end()
                .to_owned();
            parts.push(Part {
                name,
                span: start..tree.span.end,
                tree,
            });
        }
        let is_in_lines = self.text.get(span.clone())?.contains('\n') && !parts.is_empty();
        Some(Tree {
            span,
            shape: Shape::Map(
                if is_in_lines {
                    Layout::Lines
                } else {
                    Layout::Commas
                },
                parts,
            ),
        })
    }

    /// A range without what the formatter decides: blanks are one, and indentation is none.
    fn words(&self, span: &Range<usize>) -> String {
        let text = self.text.get(span.clone()).unwrap_or_default();
        // what stands in a heredoc is meant as it stands
        if text.contains("<<") {
            text.to_owned()
        } else {
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    }
}

/// Type and labels.
fn name_of(block: &Block) -> String {
    let labels = block.labels.iter().map(BlockLabel::as_str);
    std::iter::once(block.ident.as_str())
        .chain(labels)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use loom_plan::merge::{Sides, merge};

    use super::*;

    fn merged(base: &str, observed: &str, desired: &str) -> Option<String> {
        merge(
            Sides {
                base,
                observed,
                desired,
            },
            Some(&Hcl),
        )
        .ok()
    }

    const BUCKET: &str = "resource \"aws_s3_bucket\" \"logs\" {\n  bucket = \"logs\"\n  tags = {\n    team = \"shop\"\n  }\n}\n";

    #[test]
    fn arguments_and_blocks_merge_by_their_names() {
        let observed = BUCKET.replace("\"logs\"\n  tags", "\"logs-1\" # taken\n  tags");
        let desired = BUCKET
            .replace("  tags", "  force_destroy = true\n  tags")
            .replace("\"shop\"", "\"platform\"");
        let merged = merged(BUCKET, &observed, &desired).expect("the data do not clash");
        insta::assert_snapshot!(merged, @r#"
        resource "aws_s3_bucket" "logs" {
          bucket = "logs-1" # taken
          force_destroy = true
          tags = {
            team = "platform"
          }
        }
        "#);
    }

    #[test]
    fn one_argument_with_two_new_values_clashes() {
        assert_eq!(
            merged(
                BUCKET,
                &BUCKET.replace("\"logs\"\n", "\"mine\"\n"),
                &BUCKET.replace("\"logs\"\n", "\"looms\"\n")
            ),
            None
        );
    }

    #[test]
    fn blocks_that_share_a_name_are_not_taken_apart() {
        let group = |one: u16, other: u16| {
            format!(
                "resource \"x\" \"y\" {{\n  ingress {{\n    port = {one}\n  }}\n  ingress {{\n    port = {other}\n  }}\n}}\n"
            )
        };
        assert_eq!(
            merged(&group(80, 443), &group(81, 443), &group(80, 444)),
            None
        );
        assert!(
            merged(
                &group(80, 443),
                &group(81, 443),
                &format!("# x\n{}", group(80, 443))
            )
            .is_some()
        );
    }

    #[test]
    fn what_two_sides_add_goes_side_by_side() {
        let add = |name: &str| format!("{BUCKET}\nvariable \"{name}\" {{\n  type = string\n}}\n");
        let merged = merged(BUCKET, &add("mine"), &add("looms")).expect("the data do not clash");
        assert!(
            merged.contains("variable \"mine\"") && merged.contains("variable \"looms\""),
            "{merged}"
        );
        assert!(merged.parse::<Body>().is_ok(), "{merged}");
    }
}
