//! Loom's jobs for GitLab CI.
//!
//! In: a [`Wanted`] and the images. Out: a file to include, as data.
//!
//! GitLab gives a job of a merge request the project's variables only where the pipeline runs in
//! the project itself. The jobs that hold a token run only where the branch is the project's own
//! too; they take the report of the others as files, never as variables, which would override
//! their own.

use loom_plan::intent::context::Committer;
use serde_json::{Map, Value as Json, json};

use super::{Source, Wanted};

const APPLY: &str = include_str!("apply.sh");
const DRIFT: &str = include_str!("drift.sh");
const ISSUE: &str = include_str!("issue.sh");
const NOTE: &str = include_str!("note.sh");
const PLAN: &str = include_str!("plan.sh");
const VERDICT: &str = include_str!("verdict.sh");

const REQUEST: &str = "$CI_PIPELINE_SOURCE == \"merge_request_event\"";
const SCHEDULE: &str = "$CI_PIPELINE_SOURCE == \"schedule\"";
/// Source and target of the request are this project.
const SAME_PROJECT: &str = "$CI_MERGE_REQUEST_PROJECT_ID == $CI_PROJECT_ID && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID";

/// The file to include.
pub(super) fn pipeline(wanted: &Wanted, rust: &str, small: &str) -> Json {
    let Wanted {
        name, committer, ..
    } = wanted;
    let same = format!("{REQUEST} && {SAME_PROJECT}");
    let mut jobs = Map::new();
    if wanted.plan {
        let job = format!("{name}-plan");
        let commit = if *committer == Committer::Bot {
            "bot"
        } else {
            "author"
        };
        jobs.insert(job.clone(), planning(wanted, rust, commit));
        jobs.insert(format!("{name}-note"), reporting(small, NOTE, &job, &same));
        if *committer == Committer::Bot && wanted.apply {
            jobs.insert(format!("{name}-applied"), verdict(small, &job, &same));
            jobs.insert(format!("{name}-apply"), applying(wanted, rust, &job, &same));
        }
    }
    if wanted.drift.is_some() {
        let job = format!("{name}-drift");
        jobs.insert(job.clone(), comparing(wanted, rust));
        jobs.insert(
            format!("{name}-issue"),
            reporting(small, ISSUE, &job, SCHEDULE),
        );
    }
    Json::Object(jobs)
}

fn planning(wanted: &Wanted, image: &str, commit: &str) -> Json {
    let mut job = looming(wanted, image, PLAN, REQUEST);
    job["variables"]["COMMIT"] = commit.into();
    job["artifacts"] = report();
    job
}

fn comparing(wanted: &Wanted, image: &str) -> Json {
    let mut job = looming(wanted, image, DRIFT, SCHEDULE);
    job["resource_group"] = format!("{}-drift", wanted.name).into();
    job["artifacts"] = report();
    job
}

/// A person starts it; the environment says who may, and holds the token. Its clone is new, so that
/// no job before it can have left a hook there.
fn applying(wanted: &Wanted, image: &str, planned: &str, rule: &str) -> Json {
    let mut job = looming(wanted, image, APPLY, rule);
    job["rules"] = json!([{ "if": rule, "when": "manual", "allow_failure": true }]);
    job["variables"]["GIT_STRATEGY"] = "clone".into();
    job["needs"] = json!([planned]);
    job["environment"] = json!({ "name": "loom", "action": "access" });
    job["resource_group"] = format!("{}-apply", wanted.name).into();
    job
}

fn verdict(image: &str, planned: &str, rule: &str) -> Json {
    json!({
        "stage": "test",
        "image": image,
        "rules": [{ "if": rule }],
        "needs": [planned],
        "variables": { "GIT_STRATEGY": "none" },
        "timeout": "5 minutes",
        "script": [script(VERDICT)],
    })
}

/// A job that builds loom and runs it on the whole history.
///
/// It is built outside of the checkout, in which the request could have put a program, a toolchain or
/// settings of Cargo, and without a cache, into which every branch can write.
fn looming(wanted: &Wanted, image: &str, text: &str, rule: &str) -> Json {
    let mut variables = json!({ "GIT_DEPTH": "0" });
    let install = match &wanted.source {
        Source::Own => {
            "cargo install --locked --path crates/loom-cli --root \"$LOOM_HOME\"".to_owned()
        }
        Source::Pinned { repository, sha } => {
            variables["LOOM_REVISION"] = sha.as_str().into();
            format!(
                "(cd \"$LOOM_HOME\" && cargo install --locked --git https://github.com/{repository} --rev \"$LOOM_REVISION\" --root \"$LOOM_HOME\" loom-cli)"
            )
        }
    };
    json!({
        "stage": "test",
        "image": image,
        "rules": [{ "if": rule }],
        "variables": variables,
        "timeout": "30 minutes",
        "before_script": [
            "apt-get update",
            "apt-get install --yes --no-install-recommends git",
            "LOOM_HOME=$(mktemp -d)",
            install,
        ],
        "script": [script(text)],
    })
}

/// A job that writes to GitLab what another one found.
fn reporting(image: &str, text: &str, found_by: &str, rule: &str) -> Json {
    json!({
        "stage": "test",
        "image": image,
        "rules": [{ "if": rule, "when": "always" }],
        "needs": [found_by],
        "variables": { "GIT_STRATEGY": "none" },
        "timeout": "5 minutes",
        "before_script": ["apk add --no-cache curl jq"],
        "script": [script(text)],
    })
}

fn report() -> Json {
    json!({ "when": "always", "expire_in": "7 days", "paths": ["loom-report/"] })
}

fn script(text: &str) -> &str {
    text.strip_prefix("#!/bin/sh\n").unwrap_or(text)
}
