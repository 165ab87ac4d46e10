//! The job that builds the image once and pushes it.

use serde_json::{Value as Json, json};

use super::super::model::{Build, Delivery, Login, Role};
use super::{RUNNER, checkout, run, scripts};

/// The job. Its output `image` is the image by digest, which every environment gets.
pub(super) fn job(delivery: &Delivery, build: &Build, before: &[String], condition: &str) -> Json {
    let mut job = json!({ "name": "Build image" });
    if !before.is_empty() {
        job["needs"] = json!(before);
    }
    job["if"] = condition.into();
    job["runs-on"] = RUNNER.into();
    job["timeout-minutes"] = 30.into();
    job["permissions"] = match build.login {
        Login::Ecr(_) => json!({ "contents": "read", "id-token": "write" }),
        Login::Ghcr => json!({ "contents": "read", "packages": "write" }),
        Login::Password => json!({ "contents": "read" }),
    };
    job["outputs"] = json!({ "image": "${{ steps.reference.outputs.image }}" });
    job["env"] = json!({
        "REGISTRY": build.registry,
        "REPOSITORY": format!("{}/{}", build.registry, build.path),
    });
    let mut steps = vec![
        checkout(),
        json!({ "name": "Set up Buildx", "uses": "docker/setup-buildx-action" }),
    ];
    steps.extend(login(build));
    steps.push(push(delivery, build));
    steps.push(json!({
        "name": "Name the image by its digest",
        "id": "reference",
        "env": { "DIGEST": "${{ steps.push.outputs.digest }}" },
        "run": "echo \"image=$REPOSITORY@$DIGEST\" >> \"$GITHUB_OUTPUT\"\n",
    }));
    job["steps"] = steps.into();
    job
}

/// The steps that sign in to the registry.
fn login(build: &Build) -> Vec<Json> {
    let sign_in = |username: &str, password: &str| {
        json!({
            "name": "Sign in to the registry",
            "uses": "docker/login-action",
            "with": { "registry": "${{ env.REGISTRY }}", "username": username, "password": password },
        })
    };
    match &build.login {
        Login::Ecr(role) => vec![
            take_role(role),
            run("Sign in to the registry", scripts::ECR_LOGIN),
        ],
        Login::Ghcr => vec![sign_in(
            "${{ github.actor }}",
            "${{ secrets.GITHUB_TOKEN }}",
        )],
        Login::Password => vec![sign_in(
            "${{ vars.REGISTRY_USERNAME }}",
            "${{ secrets.REGISTRY_PASSWORD }}",
        )],
    }
}

/// The step that trades the run's token for a role in AWS.
pub(super) fn take_role(role: &Role) -> Json {
    json!({
        "name": "Take on the role",
        "uses": "aws-actions/configure-aws-credentials",
        "with": { "role-to-assume": role.arn, "aws-region": role.region },
    })
}

/// The step that builds and pushes. No tag is pushed twice, so that a registry may forbid to move one.
/// What is built on a release branch takes nothing from a cache that an earlier run left.
fn push(delivery: &Delivery, build: &Build) -> Json {
    let mut step = json!({
        "name": "Build and push",
        "id": "push",
        "uses": "docker/build-push-action",
        "with": {
            "context": ".",
            "file": build.dockerfile,
            "push": true,
            "tags": "${{ env.REPOSITORY }}:${{ github.sha }}-${{ github.run_id }}-${{ github.run_attempt }}",
            "labels": "org.opencontainers.image.source=${{ github.server_url }}/${{ github.repository }}\norg.opencontainers.image.revision=${{ github.sha }}\n",
            "provenance": "mode=max",
            "sbom": true,
        },
    });
    if !delivery
        .branches
        .iter()
        .any(|branch| branch.contains("release"))
    {
        step["with"]["cache-from"] = format!("type=gha,scope={}", delivery.service).into();
        step["with"]["cache-to"] = format!("type=gha,mode=max,scope={}", delivery.service).into();
    }
    step
}
