//! The service's block in the runbook.
//!
//! The file is shared: headings below the block's own would meet those of other services, so there
//! is one, and the rest is a list.

use super::deployment::alerts;
use super::facts::Facts;
use super::page::{Page, text};
use super::rollback;
use crate::naming;

/// From the runbook's directory to the root.
const UP: &str = "../../";

/// The block.
pub(super) fn block(facts: &Facts) -> String {
    let mut page = Page::default();
    // what stands above the block is not loom's, and may be nothing
    page.block("<!-- markdownlint-disable MD041 -->");
    page.heading(
        2,
        &format!("{}: when something is wrong", text(&facts.title)),
    );
    let pages: Vec<String> = [("deployment", "deployment"), ("rollback", "rolling back")]
        .into_iter()
        .filter(|(page, _)| facts.has_page(page))
        .map(|(page, label)| {
            format!(
                "[{label}]({UP}${{ref:markdown.page.{}-{page}.path}})",
                facts.name
            )
        })
        .collect();
    if !pages.is_empty() {
        page.block(&format!(
            "More on `{}`: {}.",
            facts.service,
            pages.join(" and ")
        ));
    }
    alerts(&mut page, facts, UP);
    if let (Some(main), true) = (facts.main(), facts.ecs) {
        super::ecs::runbook(&mut page, facts, main);
        return page.finish();
    }
    let (Some(_), Some(main)) = (&facts.workload, facts.main()) else {
        return page.finish();
    };
    let (name, context) = (&facts.service, &main.name);
    let selector = format!("{}={name}", naming::NAME_LABEL);
    page.block("What is running, and why it is not:");
    page.commands(&[
        format!("kubectl --context {context} get deployments,pods --selector {selector} --output wide"),
        format!("kubectl --context {context} get events --sort-by .lastTimestamp | grep {name}"),
        format!("kubectl --context {context} logs --selector {selector} --all-containers --prefix --tail 200"),
    ]);
    page.block(
        "If it began with a deployment, take that back first and look for the reason afterwards:",
    );
    page.commands(&rollback::commands(facts, main));
    page.finish()
}
