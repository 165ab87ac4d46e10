//! `markdown.page`: a text in Markdown, under loom's header.

use loom_plan::handoff::fact::{Fact, What};
use loom_plan::provider::{
    Artifact, Comment, Draft, Existing, Failure, Fit, KindSpec, Nature, Place, Provider,
};
use loom_plan::shape::{Field, Shape};

use super::{lines, stem, text};
use crate::draft;

/// A page of documentation.
pub(crate) struct MarkdownPage;

static SPEC: KindSpec = KindSpec {
    kind: "markdown.page",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "A page in Markdown",
    settings: &[Field::required(
        "content",
        Shape::Text,
        "the text of the page, in Markdown",
    )],
    attributes: &[],
    default_path: "docs/NAME.md, or docs/NAME-ITEM.md",
    nature: Nature::Plain,
};

impl Provider for MarkdownPage {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        artifact.single(
            "page",
            &format!("docs/{}.md", stem(artifact)),
            Some(Comment::Html),
        )
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        Ok(lines(text(artifact, "content")))
    }

    fn read(&self, file: &Existing<'_>) -> Option<Draft> {
        draft::ends(file, &["md"]).then(|| draft::content(file, Fit::Text))
    }

    fn facts(&self, artifact: &Artifact) -> Vec<Fact> {
        let last = artifact.address.name().as_str().rsplit('-').next();
        last.filter(|word| *word == "rollback")
            .map(|_| Fact::new(What::Rollback, "page"))
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::testing::rendered;

    #[test]
    fn line_ends_are_loom_s_and_all_else_is_the_user_s() {
        assert_eq!(
            rendered(&MarkdownPage, "content: \"# A  \\r\\n\\n\\ttext\"\n"),
            "# A  \n\n\ttext\n"
        );
    }
}
