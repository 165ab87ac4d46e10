//! The job that deploys to one environment: to Kubernetes, rolling or blue-green, or to ECS.
//!
//! What is live is read from the cluster, never from the repository, so that a run after a
//! cancelled or failed one begins with the truth.

use loom_plan::stack::Strategy;
use serde_json::{Map, Value as Json, json};

use super::super::model::{Access, Delivery, Image, Stage};
use super::{RUNNER, checkout, run, scripts};

/// When the step that takes a deployment back runs: after a failure or a cancellation, once the
/// step that remembered what was live has run.
pub(super) const BROKEN: &str = "(failure() || cancelled()) && steps.live.outcome == 'success'";

/// The job.
pub(super) fn job(
    delivery: &Delivery,
    stage: &Stage,
    before: &[String],
    condition: Option<String>,
) -> Json {
    let mut job = Map::new();
    let mut set = |key: &str, value: Json| job.insert(key.to_owned(), value);
    set("name", format!("Deploy to {}", stage.environment).into());
    if !before.is_empty() {
        set("needs", json!(before));
    }
    if let Some(condition) = condition {
        set("if", condition.into());
    }
    set("runs-on", RUNNER.into());
    // a role is taken on for an hour
    set(
        "timeout-minutes",
        if matches!(stage.access, Access::Ecs { .. }) {
            60
        } else {
            45
        }
        .into(),
    );
    set(
        "environment",
        match &stage.url {
            Some(url) => json!({ "name": stage.environment, "url": url }),
            None => json!({ "name": stage.environment }),
        },
    );
    set(
        "concurrency",
        json!({ "group": format!("deploy-{}-{}", delivery.service, stage.environment), "cancel-in-progress": false }),
    );
    set(
        "permissions",
        match stage.access {
            Access::Eks { .. } => json!({ "contents": "read", "id-token": "write" }),
            Access::Ecs { .. } => json!({ "id-token": "write" }),
            Access::Kubeconfig => json!({ "contents": "read" }),
        },
    );
    set("env", environment(delivery, stage));
    set("steps", steps(delivery, stage).into());
    job.into()
}

fn steps(delivery: &Delivery, stage: &Stage) -> Vec<Json> {
    let connect = match &stage.access {
        Access::Ecs { role, .. } => return super::ecs::steps(role, stage),
        Access::Eks { role, cluster } => vec![
            super::image::take_role(role),
            json!({ "name": "Connect to the cluster", "env": { "CLUSTER": cluster }, "run": scripts::CONNECT_EKS }),
        ],
        Access::Kubeconfig => vec![json!({
            "name": "Connect to the cluster",
            "env": { "CONFIGURATION": "${{ secrets.KUBECONFIG }}" },
            "run": scripts::CONNECT_KUBECONFIG,
        })],
    };
    let replace = match delivery.strategy {
        Strategy::BlueGreen => blue_green(stage),
        Strategy::Rolling | Strategy::Canary => rolling(stage),
    };
    [vec![checkout()], connect, replace].concat()
}

/// What the scripts read.
fn environment(delivery: &Delivery, stage: &Stage) -> Json {
    let image = match &delivery.image {
        Image::Built(_) => "${{ needs.build.outputs.image }}".to_owned(),
        Image::Given(image) => image.clone(),
    };
    let mut variables = Map::new();
    let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.into());
    set("SERVICE", &delivery.service);
    if let Access::Ecs { cluster, .. } = &stage.access {
        set("CLUSTER", cluster);
        set("IMAGE", &image);
        if let (Some((_, path)), Some(_)) = (&stage.health, &stage.url) {
            set("HEALTH", path);
        }
        return variables.into();
    }
    set("NAMESPACE", &stage.namespace);
    set("MANIFESTS", &stage.manifests);
    set("IMAGE", &image);
    if let Some((port, path)) = &stage.health {
        if delivery.strategy == Strategy::BlueGreen {
            set("PORT", &port.to_string());
        }
        if delivery.strategy == Strategy::BlueGreen || stage.url.is_some() {
            set("HEALTH", path);
        }
    }
    variables.into()
}

/// Replaces the pods step by step, and goes back to the revision before where they do not get well.
fn rolling(stage: &Stage) -> Vec<Json> {
    let mut steps = vec![
        json!({ "name": "Remember the live revision", "id": "live", "run": scripts::READ_REVISION }),
        run("Render the manifests", scripts::RENDER),
    ];
    steps.extend(migrate(stage));
    steps.push(run("Deploy", scripts::APPLY));
    steps.push(run("Wait for the rollout", scripts::WAIT));
    steps.extend(probe_public(stage));
    steps.push(json!({
        "name": "Go back to the live revision",
        "if": BROKEN,
        "env": { "REVISION": "${{ steps.live.outputs.revision }}" },
        "run": scripts::UNDO,
    }));
    steps
}

/// Deploys the idle colour beside the live one, asks for its health, and switches the Service.
fn blue_green(stage: &Stage) -> Vec<Json> {
    let idle = json!({ "IDLE": "${{ steps.live.outputs.idle }}" });
    let both = json!({ "IDLE": "${{ steps.live.outputs.idle }}", "OTHER": "${{ steps.live.outputs.other }}" });
    let mut steps = vec![
        json!({ "name": "Find the live color", "id": "live", "run": scripts::READ_COLOR }),
        json!({ "name": "Render the idle color", "env": both, "run": scripts::RENDER_COLOR }),
    ];
    steps.extend(migrate(stage));
    steps
        .push(json!({ "name": "Deploy the idle color", "env": idle, "run": scripts::APPLY_COLOR }));
    if stage.health.is_some() {
        steps.push(
            json!({ "name": "Check the idle color", "env": idle, "run": scripts::PROBE_COLOR }),
        );
    }
    steps.push(json!({ "name": "Switch to the idle color", "env": idle, "run": scripts::SWITCH }));
    steps.extend(probe_public(stage));
    steps.push(json!({ "name": "Switch back", "if": BROKEN, "run": scripts::SWITCH_BACK }));
    steps
}

/// The step that changes the database before the new version runs.
fn migrate(stage: &Stage) -> Option<Json> {
    let command = stage.migrate.as_ref()?;
    Some(
        json!({ "name": "Migrate the database", "env": { "MIGRATE": command }, "run": scripts::MIGRATE }),
    )
}

/// The step that asks for the health where everybody asks.
pub(super) fn probe_public(stage: &Stage) -> Option<Json> {
    let url = stage.url.as_ref()?;
    stage.health.as_ref()?;
    Some(
        json!({ "name": "Check the public address", "env": { "URL": url }, "run": scripts::PROBE_PUBLIC }),
    )
}
