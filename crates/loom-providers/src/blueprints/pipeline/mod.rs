//! `pipeline`: from a commit to production.
//!
//! In: the service, its commands, the stack, the environments in order of promotion. Out: the
//! pipeline of the stack's CI: checks, one image, and its deployment to each environment by digest.
//!
//! Invariants, tested in [`github`]: no text of a person becomes an expression of the CI; an
//! environment is deployed only after the one before it; what a job may do is said on the job.
//!
//! Deliberately not here: the manifests (`workload`) and the Dockerfile (`container`). Who approves
//! a deployment is a setting of the CI's environment, which no file of the repository can make.

mod github;
mod model;
mod read;

use loom_plan::intent::context::{Context, Part};
use loom_plan::provider::{Blueprint, BlueprintSpec, Subject};
use loom_plan::shape::{Field, Shape};
use loom_plan::stack::{Ci, Strategy};
use serde_json::{Map, Value as Json, json};

use crate::naming;
use crate::pins;

/// The kind.
#[derive(Debug)]
pub(crate) struct Pipeline;

/// What may be checked: the commands of service and stack by name, in the order in which they run.
const CHECKS: &[&str] = &["lint", "typecheck", "build", "test"];

static SPEC: BlueprintSpec = BlueprintSpec {
    kind: "pipeline",
    subject: Subject::Service,
    summary: "From a commit to production: checks, one image, and its deployment to each environment",
    settings: &[
        Field::default(
            "branches",
            Shape::List(&Shape::Text),
            "[main]",
            "the branches that are deployed",
        ),
        Field::optional(
            "strategy",
            Shape::OneOf(Strategy::WORDS),
            "over the service's: `rolling` or `blue-green`",
        ),
        Field::optional(
            "checks",
            Shape::List(&Shape::OneOf(CHECKS)),
            "the commands that must pass; default: `lint` and `test`, and `typecheck` and `build` where they are written",
        ),
        Field::optional(
            "dockerfile",
            Shape::Path,
            "a Dockerfile of one's own; default: that of the `container` blueprint, else `Dockerfile` in the service's path",
        ),
        Field::optional(
            "migrations",
            Shape::Bool,
            "whether `commands.migrate` runs before each deployment; default: whether the service has a `migration`",
        ),
        Field::default(
            "manual",
            Shape::Bool,
            "false",
            "whether a person can start it by hand too",
        ),
    ],
    parts: &["github.workflow.NAME"],
};

impl Blueprint for Pipeline {
    fn spec(&self) -> &'static BlueprintSpec {
        &SPEC
    }

    fn expand(&self, cx: &mut Context<'_>) {
        match cx.stack().ci() {
            Ci::GithubActions => {}
            ci @ (Ci::GitlabCi | Ci::Circleci | Ci::Jenkins | Ci::None) => {
                let message = format!(
                    "this version writes pipelines for GitHub Actions, and `infrastructure.ci` is `{ci}`"
                );
                return cx.cannot(
                    "infrastructure.ci",
                    message,
                    "set it to `github-actions`, or take the `pipeline` blueprint out",
                );
            }
        }
        if let Some(delivery) = read::delivery(cx) {
            let content = github::workflow(&delivery);
            let actions = actions(cx, &content);
            let part = Part::new(
                "github.workflow",
                json!({ "content": content, "actions": actions }),
            );
            cx.part(part.path(naming::workflow_path(cx.name())));
        }
    }
}

/// The pins of all actions that a workflow uses, sorted; one of its own repository has none.
pub(in crate::blueprints) fn actions(cx: &Context<'_>, content: &Json) -> Json {
    let mut names: Vec<&str> = content["jobs"]
        .as_object()
        .into_iter()
        .flat_map(Map::values)
        .flat_map(|job| job["steps"].as_array().into_iter().flatten())
        .filter_map(|step| step["uses"].as_str())
        .filter(|name| !name.starts_with('$'))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| (name.to_owned(), pins::action(cx, name)))
        .collect::<Map<_, _>>()
        .into()
}
