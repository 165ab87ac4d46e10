//! HCL, as Terraform reads it: attributes have no order, blocks have one.

use hcl_edit::expr::{Array, Expression, FuncArgs, Object, ObjectKey};
use hcl_edit::structure::{BlockLabel, Body, Structure};
use hcl_edit::visit::{self, Visit};
use hcl_edit::{Decorate, Decorated, Ident};
use loom_plan::drift::grade::Reading;

pub(super) fn read(text: &str) -> Option<Reading> {
    let body: Body = text.parse().ok()?;
    let mut comments = Comments(Vec::new());
    comments.visit_body(&body);
    let mut data: hcl::Body = hcl::parse(text).ok()?;
    sort(&mut data);
    Some(Reading {
        data: hcl::format::to_string(&data).ok()?,
        comments: comments.0,
    })
}

/// Attributes by their keys, before the blocks in their order.
fn sort(body: &mut hcl::Body) {
    let key = |structure: &hcl::Structure| {
        structure
            .as_attribute()
            .map(|attribute| attribute.key.as_str().to_owned())
    };
    body.0
        .sort_by_cached_key(|structure| (key(structure).is_none(), key(structure)));
    for structure in &mut body.0 {
        if let hcl::Structure::Block(block) = structure {
            sort(&mut block.body);
        }
    }
}

/// Collects comments: what stands around the parts of a text and is not blank.
struct Comments(Vec<String>);

impl Comments {
    fn take(&mut self, text: &str) {
        self.0.extend(
            text.lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(str::to_owned),
        );
    }

    /// What stands before a part, what is in it, and what stands behind it.
    fn around<T: Decorate>(&mut self, part: &T, inside: impl FnOnce(&mut Self)) {
        let decor = part.decor();
        self.take(decor.prefix().map_or("", |prefix| prefix));
        inside(self);
        self.take(decor.suffix().map_or("", |suffix| suffix));
    }
}

impl Visit for Comments {
    fn visit_body(&mut self, node: &Body) {
        self.around(node, |all| visit::visit_body(all, node));
    }

    fn visit_structure(&mut self, node: &Structure) {
        self.around(node, |all| visit::visit_structure(all, node));
    }

    fn visit_block_label(&mut self, node: &BlockLabel) {
        self.around(node, |_| ());
    }

    fn visit_ident(&mut self, node: &Decorated<Ident>) {
        self.around(node, |_| ());
    }

    fn visit_expr(&mut self, node: &Expression) {
        self.around(node, |all| visit::visit_expr(all, node));
    }

    fn visit_array(&mut self, node: &Array) {
        visit::visit_array(self, node);
        self.take(node.trailing());
    }

    fn visit_object(&mut self, node: &Object) {
        visit::visit_object(self, node);
        self.take(node.trailing());
    }

    fn visit_object_key(&mut self, node: &ObjectKey) {
        match node {
            // an expression is visited, with what stands around it
            ObjectKey::Expression(_) => visit::visit_object_key(self, node),
            ObjectKey::Ident(ident) => self.around(ident, |_| ()),
        }
    }

    fn visit_func_args(&mut self, node: &FuncArgs) {
        self.around(node, |all| visit::visit_func_args(all, node));
        self.take(node.trailing());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::graded;
    use loom_plan::drift::grade::Grade::{Comments, Content, Format};

    const MODULE: &str = "resource \"aws_s3_bucket\" \"this\" {\n  bucket = \"logs\"\n  tags   = { team = \"ops\" }\n}\n";

    fn edited(from: &str, to: &str) -> loom_plan::drift::grade::Grade {
        let after = MODULE.replace(from, to);
        assert_ne!(after, MODULE);
        graded("main.tf", MODULE, &after)
    }

    #[test]
    fn blanks_and_the_order_of_attributes_are_format() {
        assert_eq!(
            edited("  bucket = \"logs\"\n", "\n    bucket=\"logs\"\n\n"),
            Format
        );
        let turned = "  tags   = { team = \"ops\" }\n  bucket = \"logs\"\n";
        assert_eq!(
            edited(
                "  bucket = \"logs\"\n  tags   = { team = \"ops\" }\n",
                turned
            ),
            Format
        );
    }

    #[test]
    fn a_comment_is_found_wherever_it_stands() {
        for (from, to) in [
            ("resource", "# why\nresource"),
            ("\"logs\"\n", "\"logs\" // why\n"),
            ("  tags", "  /* why */\n  tags"),
            (
                "{ team = \"ops\" }",
                "{\n    # why\n    team = \"ops\"\n  }",
            ),
            ("{ team = \"ops\" }", "{\n    team = \"ops\" # why\n  }"),
            ("{ team = \"ops\" }\n", "{ team = \"ops\" }\n  # why\n"),
            ("resource ", "resource /* why */ "),
        ] {
            assert_eq!(edited(from, to), Comments, "{to:?}");
        }
        let list = "a = [\n  1, # one\n  2\n]\nb = max(1, /* two */ 2)\n";
        assert_eq!(
            graded("a.tf", list, &list.replace("# one", "# uno")),
            Comments
        );
        assert_eq!(graded("a.tf", list, &list.replace("two", "due")), Comments);
    }

    #[test]
    fn what_terraform_could_tell_apart_is_content() {
        for (from, to) in [
            ("\"logs\"", "\"log\""),
            ("tags   = {", "tags {"),
            ("\"this\"", "\"that\""),
            ("}\n}\n", "}\n  lifecycle {}\n}\n"),
            ("\"logs\"", "local.logs"),
            ("}\n}\n", "}\n"),
        ] {
            assert_eq!(edited(from, to), Content, "{to:?}");
        }
        assert_eq!(
            graded("a.tf", "a {\n}\nb {\n}\n", "b {\n}\na {\n}\n"),
            Content
        );
    }
}
