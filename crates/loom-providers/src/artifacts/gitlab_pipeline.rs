//! `gitlab.pipeline`: jobs of GitLab CI.

use loom_plan::node::{Map, Node};
use loom_plan::provider::{
    Artifact, Attributes, Comment, Draft, Existing, Failure, Fit, KindSpec, Nature, Place, Provider,
};
use loom_plan::shape::{Field, Shape};

use super::stem;
use crate::draft;
use crate::emit::texts::{self, Places, Refuses};
use crate::emit::{difference, yaml};

/// A file of GitLab CI.
pub(crate) struct GitlabPipeline;

static SPEC: KindSpec = KindSpec {
    kind: "gitlab.pipeline",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "A file of GitLab CI: a pipeline, or jobs that a pipeline includes",
    settings: &[Field::required(
        "content",
        Shape::Map(&Shape::Any),
        "the file as data",
    )],
    attributes: &[("jobs.NAME", "the name of each job")],
    default_path: "ci/NAME.gitlab-ci.yml, or ci/NAME-ITEM.gitlab-ci.yml",
    nature: Nature::Plain,
};

/// What stands beside the jobs: <https://docs.gitlab.com/ci/yaml/#global-keywords>.
const GLOBAL: &[&str] = &[
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "services",
    "spec",
    "stages",
    "variables",
    "workflow",
];

/// Where a number would lose digits that mean something: `3.10` is not `3.1`.
const TEXTS: Places = Places {
    mappings: &["variables"],
    items: &[],
    refuses: Refuses::Digits,
};

impl Provider for GitlabPipeline {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        artifact.single(
            "pipeline",
            &format!("ci/{}.gitlab-ci.yml", stem(artifact)),
            Some(Comment::Hash),
        )
    }

    fn attributes(&self, artifact: &Artifact) -> Attributes {
        let content = artifact.settings.get("content").and_then(Node::as_map);
        let jobs = content
            .into_iter()
            .flat_map(Map::entries)
            .filter(|(name, entry)| {
                entry.node.as_map().is_some()
                    && !name.starts_with('.')
                    && !GLOBAL.contains(&name.as_ref())
            });
        jobs.map(|(name, entry)| (format!("jobs.{name}"), Node::string(entry.key, &**name)))
            .collect()
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        let content = artifact
            .settings
            .get("content")
            .unwrap_or(&artifact.settings);
        Ok(yaml::document(&texts::in_places(content, &TEXTS)))
    }

    fn read(&self, file: &Existing<'_>) -> Option<Draft> {
        let name = file.path.file_name();
        let named = [".gitlab-ci.yml", ".gitlab-ci.yaml"]
            .iter()
            .any(|ending| name.ends_with(ending));
        let content = draft::mapping(file.text).filter(|_| named)?;
        Some(draft::setting("content", content, Fit::Format))
    }

    fn explain(&self, before: &str, after: &str) -> Vec<String> {
        difference::of_yaml(before, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::testing::{artifact, rendered};

    const SETTINGS: &str = "content:
  stages: [test]
  variables: { VERSION: \"1.10\" }
  .base: { image: alpine:3 }
  lint: { extends: .base, script: [\"echo ok: yes\"] }
";

    #[test]
    fn a_pipeline_keeps_its_texts_and_its_order() {
        let text = rendered(&GitlabPipeline, SETTINGS);
        assert!(
            text.starts_with("stages:\n  - test\nvariables:\n  VERSION: \"1.10\"\n"),
            "{text}"
        );
        assert!(
            text.ends_with("  script:\n    - 'echo ok: yes'\n")
                || text.ends_with("  script:\n    - \"echo ok: yes\"\n"),
            "{text}"
        );
    }

    #[test]
    fn jobs_are_published_and_neither_templates_nor_global_keys() {
        let artifact = artifact(&GitlabPipeline, SETTINGS);
        let names: Vec<String> = GitlabPipeline.attributes(&artifact).into_keys().collect();
        assert_eq!(names, ["jobs.lint"]);
    }
}
