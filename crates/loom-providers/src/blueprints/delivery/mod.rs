//! `delivery`: loom's own jobs in the CI of the repository.
//!
//! In: who commits generated files (`delivery.commit`), the stack's CI, and where loom comes from.
//! Out: a plan on each request in one comment that is updated in place; with `commit: bot` an apply
//! after approval; and a check for drift on a schedule that keeps one issue.
//!
//! Invariants, tested in `tests` and, for what the scripts do, in `tests/it/delivery` of `loom-cli`: a job that runs
//! on code under review holds neither a secret nor a token that may write; a job that may write
//! takes what such a job left as data; no `${{ }}` inside a `run`; every action by its commit.
//!
//! Deliberately not here: who approves, and the tokens. Those are settings of the forge, which no
//! file of the repository can make; docs/guide/github.md and gitlab.md have the steps.

mod github;
mod gitlab;
#[cfg(test)]
mod tests;

use loom_plan::addr::{Address, Name};
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::{Committer, Context, Contribution, Part};
use loom_plan::node::Node;
use loom_plan::project::Own;
use loom_plan::provider::{Blueprint, BlueprintSpec, Subject};
use loom_plan::shape::{Field, Shape};
use loom_plan::stack::Ci;
use serde_json::{Value as Json, json};

use crate::pins;

/// The kind.
#[derive(Debug)]
pub(crate) struct Delivery;

/// Where loom comes from where nobody says.
const HOME: &str = "loom-sdlc/loom";
/// When drift is looked for where nobody says.
const SCHEDULE: &str = "17 4 * * *";

static SPEC: BlueprintSpec = BlueprintSpec {
    kind: "delivery",
    subject: Subject::Project,
    summary: "Loom's own jobs in CI: a plan on each request, its apply after approval, and drift on a schedule",
    settings: &[
        Field::default(
            "plan",
            Shape::Bool,
            "true",
            "whether each request gets a plan",
        ),
        Field::default(
            "apply",
            Shape::Bool,
            "true",
            "with `delivery.commit: bot`, whether an approved plan is applied",
        ),
        Field::default(
            "drift",
            Shape::Either(&[Shape::Bool, Shape::Text]),
            "17 4 * * *",
            "when drift is looked for, as cron has it, in UTC; `false` for never",
        ),
        Field::default(
            "source",
            Shape::Text,
            HOME,
            "the repository on GitHub that loom is built from, pinned by `pins.actions`; `self` in loom's own",
        ),
    ],
    parts: &[
        "github.workflow.NAME-plan",
        "github.workflow.NAME-drift",
        "gitlab.pipeline.NAME",
    ],
};

/// What is to be written.
struct Wanted {
    name: Name,
    committer: Committer,
    plan: bool,
    apply: bool,
    /// A schedule, where drift is looked for.
    drift: Option<String>,
    source: Source,
}

/// Where loom comes from.
enum Source {
    /// The repository itself.
    Own,
    /// A repository on GitHub, `owner/name`, at a commit.
    Pinned { repository: String, sha: String },
}

impl Blueprint for Delivery {
    fn spec(&self) -> &'static BlueprintSpec {
        &SPEC
    }

    fn expand(&self, cx: &mut Context<'_>) {
        let ci = cx.stack().ci();
        match ci {
            Ci::GithubActions | Ci::GitlabCi => {}
            Ci::Circleci | Ci::Jenkins | Ci::None => {
                let message = format!(
                    "loom writes its own jobs for GitHub Actions and GitLab CI, and `infrastructure.ci` is `{ci}`"
                );
                let help = "set it to `github-actions` or `gitlab-ci`, or take the `delivery` blueprint out and run `loom plan` and `loom drift` in jobs of your own";
                return cx.cannot("infrastructure.ci", message, help);
            }
        }
        let Some(wanted) = read(cx) else { return };
        if ci == Ci::GitlabCi {
            let content = gitlab::pipeline(&wanted, &image(cx, "rust"), &image(cx, "alpine"));
            let path = format!("ci/{}.gitlab-ci.yml", wanted.name);
            cx.contribute(Contribution {
                address: Address::new(
                    "gitlab.pipeline",
                    Name::new("project").expect("a constant name"),
                    None,
                ),
                path: ".gitlab-ci.yml".to_owned(),
                own: Own::Keys,
                settings: json!({ "content": { "include": [path] } }),
            });
            return cx.part(Part::new("gitlab.pipeline", json!({ "content": content })).path(path));
        }
        if wanted.plan {
            let content = github::plan(&wanted);
            cx.part(workflow(cx, &content).suffix("plan"));
        }
        if let Some(schedule) = &wanted.drift {
            let content = github::drift(&wanted, schedule);
            cx.part(workflow(cx, &content).suffix("drift"));
        }
    }
}

/// A base image in its newest built-in version.
fn image(cx: &Context<'_>, name: &str) -> String {
    pins::image(cx, name, &pins::version(name, None).unwrap_or_default())
}

/// A workflow with the pins of its actions.
fn workflow(cx: &Context<'_>, content: &Json) -> Part {
    let actions = super::pipeline::actions(cx, content);
    Part::new(
        "github.workflow",
        json!({ "content": content, "actions": actions }),
    )
}

/// Reads the settings; what is missing or wrong is said.
fn read(cx: &mut Context<'_>) -> Option<Wanted> {
    let flag =
        |cx: &Context<'_>, key: &str| cx.setting(key).and_then(Node::as_bool).unwrap_or(true);
    let (plan, apply) = (flag(cx, "plan"), flag(cx, "apply"));
    let drift = schedule(cx).map_err(|found| cx.report(found)).ok()?;
    let source = source(cx)?;
    if matches!((&source, cx.committer()), (Source::Own, Committer::Bot)) && apply {
        let message = "a bot that applies cannot be built from the request that it applies: its job holds a token that may push";
        let found = Diagnostic::new(Code::BadValue, message);
        let place = cx
            .setting("source")
            .map_or_else(|| cx.span(), |node| node.span);
        cx.report(found.at(place, "").help(
            "name a repository and its commit (`source: loom-sdlc/loom`, `pins.actions`), or set `delivery.commit: author`, or `apply: false`",
        ));
        return None;
    }
    Some(Wanted {
        name: cx.name().clone(),
        committer: cx.committer(),
        plan,
        apply,
        drift,
        source,
    })
}

/// When drift is looked for, if it is.
fn schedule(cx: &Context<'_>) -> Result<Option<String>, Diagnostic> {
    let Some(node) = cx.setting("drift") else {
        return Ok(Some(SCHEDULE.to_owned()));
    };
    if let Some(wanted) = node.as_bool() {
        return Ok(wanted.then(|| SCHEDULE.to_owned()));
    }
    match node.as_str() {
        Some(text) if is_schedule(text) => Ok(Some(text.to_owned())),
        Some(_) | None => {
            let found = Diagnostic::new(
                Code::BadValue,
                "`drift` must be a schedule of five fields, as cron has it",
            );
            let help = "write minute, hour, day of the month, month and day of the week, such as `17 4 * * *`";
            Err(found.at(node.span, "").help(help))
        }
    }
}

/// Minute, hour, day, month, weekday: numbers and names with `*`, `,`, `-` and `/`.
fn is_schedule(text: &str) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    let is_field = |field: &&str| {
        !field.is_empty()
            && field
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'*' | b',' | b'-' | b'/'))
    };
    fields.len() == 5 && fields.iter().all(is_field)
}

fn source(cx: &mut Context<'_>) -> Option<Source> {
    let repository = cx.text("source").unwrap_or_else(|| HOME.to_owned());
    if repository == "self" {
        return Some(Source::Own);
    }
    let part = |text: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if !repository
        .split_once('/')
        .is_some_and(|(owner, name)| part(owner) && part(name))
    {
        let found = Diagnostic::new(
            Code::BadValue,
            "`source` must be a repository on GitHub, or `self`",
        );
        let place = cx
            .setting("source")
            .map_or_else(|| cx.span(), |node| node.span);
        cx.report(
            found
                .at(place, "")
                .help(format!("write `owner/name`, such as `{HOME}`")),
        );
        return None;
    }
    let Some((_, sha)) = cx.pinned_action(&repository) else {
        let example = format!(
            "pins:\n  actions:\n    {repository}: {{ version: v0.1.0, sha: COMMIT }}   # the commit: git ls-remote https://github.com/{repository} HEAD"
        );
        cx.missing(
            format!("pins.actions.{repository}"),
            "the commit of loom that the jobs run",
            &example,
        );
        return None;
    };
    Some(Source::Pinned { repository, sha })
}
