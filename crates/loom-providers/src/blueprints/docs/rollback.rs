//! The page on rolling back.

use loom_plan::stack::Strategy;

use super::deployment::{access, all_branches, any_of, ask, colors, switch};
use super::facts::{Environment, Facts};
use super::page::{Page, text, word};
use crate::naming;

/// The page.
pub(super) fn page(facts: &Facts) -> String {
    let mut page = Page::default();
    page.heading(1, &format!("{}: roll back", text(&facts.title)));
    let deployment = if facts.has_page("deployment") {
        " How it came there: [deployment](deployment.md)."
    } else {
        ""
    };
    page.block(&format!(
        "What to do when a version of `{}` turns out to be bad.{deployment}",
        facts.service
    ));
    match (&facts.workload, facts.main()) {
        (None, Some(main)) if facts.ecs => super::ecs::rollback(&mut page, facts, main),
        (Some(_), Some(main)) => kubernetes(&mut page, facts, main),
        (None, _) | (_, None) => by_commit(&mut page, facts),
    }
    afterwards(&mut page, facts);
    page.finish()
}

fn kubernetes(page: &mut Page, facts: &Facts, main: &Environment) {
    page.heading(2, "Go back to the version before");
    match facts.strategy {
        Strategy::BlueGreen => page.block(
            "The colour that served before still runs the version before. These commands let it serve again; it takes seconds, \
             and running them twice goes forward again.",
        ),
        Strategy::Rolling | Strategy::Canary => page.block(
            "Kubernetes keeps the last five versions of the Deployment. These commands bring back the one before, pod by pod, \
             without an interruption.",
        ),
    }
    page.commands(&commands(facts, main));
    if facts.strategy == Strategy::BlueGreen {
        page.block(
            "After a deployment that failed the idle colour holds the version that failed. Which image each colour has, and \
             which colour serves:",
        );
        page.commands(&images(facts, main));
    } else {
        page.block(
            "After a deployment that failed and was undone, the version before is the one that failed. Then, or to go back \
             further, choose a revision from the history:",
        );
        let kubectl = format!("kubectl --context {} rollout", main.name);
        page.commands(&[format!("{kubectl} history deployment/{}", facts.service)]);
        page.commands(&ask("Revision", "revision", "-r"));
        page.commands(&[format!(
            "{kubectl} undo deployment/{} --to-revision \"$revision\"",
            facts.service
        )]);
    }
    access(page, facts);
    page.heading(2, "See that it is well");
    page.commands(&checks(facts, main));
}

/// The commands that bring back the version before.
pub(super) fn commands(facts: &Facts, main: &Environment) -> Vec<String> {
    let mut lines = vec![format!("environment={}", main.name)];
    match facts.strategy {
        Strategy::BlueGreen => {
            lines.extend(colors(facts));
            // a colour that is not well must not serve, also where the block is pasted
            lines.push(format!(
                "kubectl --context \"$environment\" rollout status \"deployment/{}-$idle\" --timeout 1m &&\n  {}",
                facts.service,
                switch(facts)
            ));
        }
        Strategy::Rolling | Strategy::Canary => lines.extend([
            format!(
                "kubectl --context \"$environment\" rollout undo deployment/{}",
                facts.service
            ),
            format!(
                "kubectl --context \"$environment\" rollout status deployment/{} --timeout 5m",
                facts.service
            ),
        ]),
    }
    lines
}

/// The commands that show what the colours hold.
fn images(facts: &Facts, main: &Environment) -> Vec<String> {
    let kubectl = format!("kubectl --context {} get", main.name);
    let selector = format!("{}={}", naming::NAME_LABEL, facts.service);
    vec![
        format!("{kubectl} deployments --selector {selector} --output wide"),
        format!("{kubectl} service {} --output wide", facts.service),
    ]
}

fn checks(facts: &Facts, main: &Environment) -> Vec<String> {
    let pods = format!(
        "kubectl --context {} get pods --selector {}={} --output wide",
        main.name,
        naming::NAME_LABEL,
        facts.service
    );
    std::iter::once(pods).chain(probe(facts, main)).collect()
}

/// The command that asks for the health where everybody asks.
pub(super) fn probe(facts: &Facts, main: &Environment) -> Option<String> {
    let (url, health) = main
        .url
        .as_deref()
        .filter(|_| facts.public)
        .zip(facts.health.as_deref())?;
    Some(format!(
        "curl --fail --silent --show-error {}",
        word(&format!("{}{health}", url.trim_end_matches('/')))
    ))
}

/// Without manifests of loom's own the version before comes back as it came: by its commit.
fn by_commit(page: &mut Page, facts: &Facts) {
    page.heading(2, "Go back to the version before");
    let next = if facts.pipeline.is_some() {
        "The pipeline then deploys the version before."
    } else {
        "Then deploy that commit."
    };
    page.block(&format!(
        "Take the change back on the branch that is deployed. {next}"
    ));
    take_back(page);
}

fn take_back(page: &mut Page) {
    page.commands(&["git log --oneline --max-count 10".to_owned()]);
    page.commands(&ask("Commit to take back", "commit", "-r"));
    page.commands(&[
        "git revert --no-edit \"$commit\"".to_owned(),
        "git push".to_owned(),
    ]);
}

fn afterwards(page: &mut Page, facts: &Facts) {
    if let Some(pipeline) = facts
        .pipeline
        .as_ref()
        .filter(|_| facts.ecs || facts.workload.is_some())
    {
        page.heading(2, "Keep it so");
        page.block(&format!(
            "The next push to {} deploys what is there. Take the bad change back before anybody merges:",
            any_of(&all_branches(facts, pipeline))
        ));
        take_back(page);
    }
    if facts.migrates {
        page.heading(2, "The database");
        page.block(
            "Rolling back does not take a migration back. A migration must therefore leave the version before it working: add \
             first, remove in a later version. Where one did not, restore the version of the code that fits the database, or \
             write a new migration; one that was applied is never changed.",
        );
    }
}
