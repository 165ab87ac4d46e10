//! The delivery as a workflow of GitHub Actions.
//!
//! In: a [`Delivery`]. Out: the workflow as data, its actions without versions.
//!
//! Invariants, tested below: no `${{ }}` inside a `run`; the workflow may read the repository and
//! nothing else, and each job says what more it needs; a deployment is never cancelled half-way.

mod checks;
mod deploy;
mod ecs;
mod image;
mod scripts;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value as Json, json};

use super::model::{Delivery, Image, Start};
use crate::emit::github;

/// The image of the runners. `kubectl`, `kustomize`, `jq`, `yq` and the AWS client are on it.
const RUNNER: &str = "ubuntu-24.04";

/// The workflow.
pub(super) fn workflow(delivery: &Delivery) -> Json {
    let mut jobs = Map::new();
    let release = release_condition(delivery);
    // the job that every deployment waits for, besides the one before it
    let mut gate: Vec<String> = Vec::new();
    if let Some(checks) = &delivery.checks {
        jobs.insert("test".to_owned(), checks::job(checks));
        gate = vec!["test".to_owned()];
    }
    let mut condition = Some(release.clone());
    if let Image::Built(build) = &delivery.image {
        jobs.insert(
            "build".to_owned(),
            image::job(delivery, build, &gate, &release),
        );
        gate = vec!["build".to_owned()];
        condition = None;
    }
    let mut before = gate.clone();
    for stage in &delivery.stages {
        let id = format!("deploy-{}", stage.environment);
        let own = stage
            .branches
            .as_ref()
            .map(|branches| own_branches(branches, &release, &gate));
        jobs.insert(
            id.clone(),
            deploy::job(delivery, stage, &before, own.or_else(|| condition.take())),
        );
        before = gate.iter().cloned().chain([id]).collect();
    }
    json!({
        "name": format!("Deploy {}", delivery.title),
        "on": triggers(delivery),
        "permissions": { "contents": "read" },
        "concurrency": {
            "group": format!("{}-${{{{ github.event_name == 'pull_request' && github.ref || github.run_id }}}}", delivery.service),
            "cancel-in-progress": true,
        },
        "defaults": { "run": { "shell": "bash" } },
        "jobs": jobs,
    })
}

/// Pushes to the branches, and pull requests to them, which are only checked.
fn triggers(delivery: &Delivery) -> Json {
    let mut push = Map::new();
    push.insert("branches".to_owned(), json!(delivery.branches));
    if !delivery.paths.is_empty() {
        push.insert("paths".to_owned(), json!(delivery.paths));
    }
    let mut triggers = Map::new();
    triggers.insert("push".to_owned(), push.clone().into());
    if delivery.checks.is_some() {
        triggers.insert("pull_request".to_owned(), push.into());
    }
    if delivery.start == Start::ChangeOrPerson {
        triggers.insert("workflow_dispatch".to_owned(), json!({}));
    }
    triggers.into()
}

/// When a run goes beyond its checks. A person may start it on any branch, so the branch is asked.
fn release_condition(delivery: &Delivery) -> String {
    match delivery.start {
        Start::Change => "github.event_name == 'push'".to_owned(),
        Start::ChangeOrPerson => {
            format!(
                "github.event_name != 'pull_request' && ({})",
                on_branches(&delivery.branches)
            )
        }
    }
}

/// The condition of a deployment to an environment with branches of its own: the gate must have
/// passed, the deployment before it may have been left out, and must not have failed.
fn own_branches(branches: &[String], release: &str, gate: &[String]) -> String {
    let passed: Vec<String> = gate
        .iter()
        .map(|job| format!("needs.{job}.result == 'success' && "))
        .collect();
    let unbroken = "!cancelled() && !contains(needs.*.result, 'failure') && !contains(needs.*.result, 'cancelled')";
    format!(
        "{unbroken} && {}{release} && ({})",
        passed.concat(),
        on_branches(branches)
    )
}

/// Whether the run is on one of the branches; `release/*` is any that begins so.
fn on_branches(branches: &[String]) -> String {
    let conditions: Vec<String> = branches
        .iter()
        .map(|branch| match branch.find('*') {
            Some(at) => format!(
                "startsWith(github.ref_name, {})",
                github::string(&branch[..at])
            ),
            None => format!("github.ref_name == {}", github::string(branch)),
        })
        .collect();
    conditions.join(" || ")
}

/// The first step of every job.
fn checkout() -> Json {
    json!({ "name": "Check out", "uses": "actions/checkout", "with": { "persist-credentials": false } })
}

/// A step that runs a script of loom's own or a command of the service.
fn run(name: &str, script: &str) -> Json {
    json!({ "name": name, "run": script })
}
