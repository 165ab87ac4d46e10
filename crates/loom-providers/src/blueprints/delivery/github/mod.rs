//! Loom's jobs as workflows of GitHub Actions.
//!
//! In: a [`Wanted`]. Out: two workflows as data, their actions without versions.
//!
//! A request's code is looked at by a job whose token may read, and which hands its report over as
//! a file. Another job, which checks nothing out and runs nothing of it, takes that file for data
//! and writes the comment; it runs for branches of the same repository only, since a fork's token
//! may not write: there the plan is in the summary of the run.

use loom_plan::intent::context::Committer;
use serde_json::{Map, Value as Json, json};

use super::{Source, Wanted};

/// The image of the runners. `gh`, Git and Rust are on it.
const RUNNER: &str = "ubuntu-24.04";
/// Whether the request comes from a branch of this repository.
const SAME_REPOSITORY: &str = "github.event.pull_request.head.repo.full_name == github.repository";

const COMMENT: &str = include_str!("comment.sh");
const ISSUE: &str = include_str!("issue.sh");
const JUDGE: &str = include_str!("judge.sh");
const PUSH: &str = include_str!("push.sh");
const READY: &str = include_str!("ready.sh");
const SETTLE: &str = include_str!("settle.sh");

/// A plan on each pull request, and with a bot its apply.
pub(super) fn plan(wanted: &Wanted) -> Json {
    let mut jobs = Map::new();
    jobs.insert("plan".to_owned(), plan_job(wanted));
    jobs.insert("comment".to_owned(), comment_job());
    if wanted.committer == Committer::Bot && wanted.apply {
        jobs.insert("apply".to_owned(), apply_job(wanted));
    }
    json!({
        "name": "Loom plan",
        "on": { "pull_request": {} },
        "permissions": { "contents": "read" },
        "concurrency": { "group": "loom-plan-${{ github.event.pull_request.number }}", "cancel-in-progress": true },
        "defaults": { "run": { "shell": "bash" } },
        "jobs": jobs,
    })
}

/// Drift on a schedule, kept in one issue.
pub(super) fn drift(wanted: &Wanted, schedule: &str) -> Json {
    json!({
        "name": "Loom drift",
        "on": { "schedule": [{ "cron": schedule }], "workflow_dispatch": {} },
        "permissions": { "contents": "read" },
        "concurrency": { "group": "loom-drift" },
        "defaults": { "run": { "shell": "bash" } },
        "jobs": { "compare": compare_job(wanted), "report": report_job() },
    })
}

fn plan_job(wanted: &Wanted) -> Json {
    // what an author's request does is seen from the merge with its base; a bot writes onto the
    // request's own branch, so that this is what is planned
    let (with, arguments, commit) = match wanted.committer {
        Committer::Author => (
            json!({ "fetch-depth": 0, "persist-credentials": false }),
            "--against HEAD^1",
            "author",
        ),
        Committer::Bot => {
            let head = "${{ github.event.pull_request.head.sha }}";
            (
                json!({ "ref": head, "fetch-depth": 0, "persist-credentials": false }),
                "",
                "bot",
            )
        }
    };
    let mut inputs = Map::new();
    if !arguments.is_empty() {
        inputs.insert("arguments".to_owned(), arguments.into());
    }
    inputs.insert("accept".to_owned(), "any".into());
    // an earlier run of the request could have left another program in the cache that it may write
    inputs.insert("cache".to_owned(), "false".into());
    json!({
        "name": "Plan",
        "runs-on": RUNNER,
        "timeout-minutes": 30,
        "outputs": {
            "digest": "${{ steps.plan.outputs.digest }}",
            "exit-code": "${{ steps.plan.outputs.exit-code }}",
        },
        "steps": [
            { "name": "Check out", "uses": "actions/checkout", "with": with },
            { "name": "Plan", "id": "plan", "uses": uses(wanted), "with": inputs },
            hand_over("plan"),
            step("Judge", JUDGE, &json!({ "CODE": "${{ steps.plan.outputs.exit-code }}", "COMMIT": commit })),
        ],
    })
}

fn comment_job() -> Json {
    json!({
        "name": "Comment",
        "needs": "plan",
        "if": format!("!cancelled() && needs.plan.outputs.exit-code != '' && {SAME_REPOSITORY}"),
        "runs-on": RUNNER,
        "timeout-minutes": 5,
        "permissions": { "pull-requests": "write" },
        "steps": [
            take_over("plan"),
            step("Comment", COMMENT, &json!({
                "GH_TOKEN": "${{ github.token }}",
                "REPOSITORY": "${{ github.repository }}",
                "NUMBER": "${{ github.event.pull_request.number }}",
            })),
        ],
    })
}

/// Waits for the reviewers of the environment `loom`, which holds the key of the app.
fn apply_job(wanted: &Wanted) -> Json {
    json!({
        "name": "Apply",
        "needs": "plan",
        "if": format!("needs.plan.outputs.exit-code == '2' && {SAME_REPOSITORY}"),
        "runs-on": RUNNER,
        "timeout-minutes": 30,
        "environment": "loom",
        "permissions": { "actions": "read", "contents": "read" },
        "env": {
            "GIT_COMMITTER_NAME": "github-actions[bot]",
            "GIT_COMMITTER_EMAIL": "41898282+github-actions[bot]@users.noreply.github.com",
        },
        "steps": [
            step("See that the push may happen", READY, &json!({
                "GH_TOKEN": "${{ github.token }}",
                "REPOSITORY": "${{ github.repository }}",
                "CLIENT_ID": "${{ vars.LOOM_APP_CLIENT_ID }}",
                "BRANCH": "${{ github.head_ref }}",
                "DEFAULT_BRANCH": "${{ github.event.repository.default_branch }}",
                "DIGEST": "${{ needs.plan.outputs.digest }}",
            })),
            {
                "name": "Check out",
                "uses": "actions/checkout",
                "with": { "ref": "${{ github.event.pull_request.head.sha }}", "fetch-depth": 0, "persist-credentials": false },
            },
            {
                "name": "Apply",
                "uses": uses(wanted),
                "with": {
                    "command": "apply",
                    "arguments": "--expect ${{ needs.plan.outputs.digest }} --to-branch loom-apply",
                    // whoever may push could have left another program in the cache of the request
                    "cache": "false",
                },
            },
            // last, so that nothing that looks at the request runs beside it
            {
                "name": "Take a token that may push workflow files",
                "id": "token",
                "uses": "actions/create-github-app-token",
                "with": {
                    "client-id": "${{ vars.LOOM_APP_CLIENT_ID }}",
                    "private-key": "${{ secrets.LOOM_APP_PRIVATE_KEY }}",
                    "permission-contents": "write",
                    "permission-workflows": "write",
                },
            },
            step("Push", PUSH, &json!({
                "GH_TOKEN": "${{ steps.token.outputs.token }}",
                "SERVER": "${{ github.server_url }}",
                "REPOSITORY": "${{ github.repository }}",
                "BRANCH": "${{ github.head_ref }}",
            })),
        ],
    })
}

fn compare_job(wanted: &Wanted) -> Json {
    json!({
        "name": "Compare",
        "runs-on": RUNNER,
        "timeout-minutes": 30,
        "outputs": { "exit-code": "${{ steps.drift.outputs.exit-code }}" },
        "steps": [
            { "name": "Check out", "uses": "actions/checkout", "with": { "fetch-depth": 0, "persist-credentials": false } },
            { "name": "Compare", "id": "drift", "uses": uses(wanted), "with": { "command": "drift", "accept": "any" } },
            hand_over("drift"),
            step("Judge", SETTLE, &json!({ "CODE": "${{ steps.drift.outputs.exit-code }}" })),
        ],
    })
}

fn report_job() -> Json {
    let default_branch = "github.event_name == 'schedule' || github.ref_name == github.event.repository.default_branch";
    json!({
        "name": "Report",
        "needs": "compare",
        "if": format!("!cancelled() && needs.compare.outputs.exit-code != '' && ({default_branch})"),
        "runs-on": RUNNER,
        "timeout-minutes": 5,
        "permissions": { "issues": "write" },
        "steps": [
            take_over("drift"),
            step("Open, update or close the issue", ISSUE, &json!({
                "GH_TOKEN": "${{ github.token }}",
                "REPOSITORY": "${{ github.repository }}",
                "CODE": "${{ needs.compare.outputs.exit-code }}",
                "RUN": "${{ github.server_url }}/${{ github.repository }}/actions/runs/${{ github.run_id }}",
            })),
        ],
    })
}

/// The action; `$/.` is the one of the repository that the workflow stands in.
fn uses(wanted: &Wanted) -> &str {
    match &wanted.source {
        Source::Own => "$/.",
        Source::Pinned { repository, .. } => repository,
    }
}

fn hand_over(step: &str) -> Json {
    json!({
        "name": "Hand over the report",
        "uses": "actions/upload-artifact",
        "with": {
            "name": format!("loom-{step}"),
            "path": format!("${{{{ steps.{step}.outputs.summary }}}}"),
            "if-no-files-found": "error",
            "retention-days": 7,
        },
    })
}

fn take_over(step: &str) -> Json {
    json!({ "name": "Take the report", "uses": "actions/download-artifact", "with": { "name": format!("loom-{step}") } })
}

/// A step that runs one of the scripts, values in its environment.
fn step(name: &str, script: &str, environment: &Json) -> Json {
    let script = script.strip_prefix("#!/bin/sh\n").unwrap_or(script);
    json!({ "name": name, "env": environment, "run": script })
}
