//! `docs`: the pages that people read at three in the morning.
//!
//! In: the service and its other blueprints. Out: a page on deployment, a page on rolling back,
//! and a block in the runbook that all services share.
//!
//! Invariants, tested below: paths of other artifacts are references, so that a page cannot
//! disagree with the files; nothing is mentioned that the service does not have; text of people
//! shows as it was written and is never markup, a command or a reference.
//!
//! Deliberately not here: what the commands of people mean. A page names what loom made.

mod deployment;
mod ecs;
mod facts;
mod page;
mod rollback;
mod runbook;
#[cfg(test)]
mod tests;

use loom_plan::intent::context::{Context, Part};
use loom_plan::provider::{Blueprint, BlueprintSpec, Subject};
use loom_plan::shape::{Field, Shape};
use serde_json::json;

use facts::Facts;
pub(in crate::blueprints) use facts::pages_of;

/// The kind.
#[derive(Debug)]
pub(crate) struct Docs;

static SPEC: BlueprintSpec = BlueprintSpec {
    kind: "docs",
    subject: Subject::Service,
    summary: "Pages on deployment and rolling back, and a block in the runbook",
    settings: &[Field::default(
        "pages",
        Shape::List(&Shape::OneOf(&["deployment", "rollback", "runbook"])),
        "[deployment, rollback]",
        "which pages are written",
    )],
    parts: &[
        "markdown.page.NAME-deployment",
        "markdown.page.NAME-rollback",
        "markdown.page.NAME-runbook",
    ],
};

/// The file that people and all services share.
pub(in crate::blueprints) const RUNBOOK: &str = ".agent/loom/runbook.md";

impl Blueprint for Docs {
    fn spec(&self) -> &'static BlueprintSpec {
        &SPEC
    }

    fn expand(&self, cx: &mut Context<'_>) {
        let facts = Facts::read(cx);
        for page in ["deployment", "rollback", "runbook"] {
            if !facts.has_page(page) {
                continue;
            }
            let content = match page {
                "deployment" => deployment::page(&facts),
                "rollback" => rollback::page(&facts),
                _ => runbook::block(&facts),
            };
            let part = Part::new("markdown.page", json!({ "content": content })).suffix(page);
            cx.part(match page {
                "runbook" => part.path(RUNBOOK).block(),
                _ => part.path(format!("{}/{page}.md", facts.directory)),
            });
        }
    }
}
