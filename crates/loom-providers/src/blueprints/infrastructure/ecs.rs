//! A service on ECS: what its module is made of, and what an environment gives it.
//!
//! In: the service, the stack, the siblings that make its image. Out: the sources of the task
//! definition and the service, and their arguments.
//!
//! Invariants: secrets are references to Secrets Manager; a revision that Terraform registers
//! names an image that is never pushed, unless the service's image is built elsewhere, so that
//! applying brings back no old version; a size is one that Fargate has.
//!
//! Deliberately not here: which revision runs. The pipeline registers and chooses it.

use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::Context;
use loom_plan::node::Node;
use loom_plan::project::view::{EnvironmentView, Variable, no_value};
use loom_plan::stack::{Database, Orchestration, Strategy};
use serde_json::{Map, Value as Json, json};

use super::Shared;
use super::environment::{Cluster, Environment};
use super::source::{expression, text};
use super::{fargate, secrets};
use crate::blueprints::container;
use crate::naming::{self, RegistryHost};

/// Whether the service runs on ECS, in a cluster that this blueprint makes or finds.
pub(super) fn runs(cx: &Context<'_>, wanted: &[&str]) -> bool {
    cx.stack().orchestration() == Orchestration::Ecs && wanted.contains(&"cluster")
}

/// Whether ECS can run the service as it is asked for; says why where not.
pub(super) fn can_run(cx: &mut Context<'_>, wanted: &[&str]) -> bool {
    let (service, strategy) = (cx.service(), cx.strategy());
    let balanced = wanted.contains(&"load-balancer");
    let mut possible = true;
    match strategy {
        Strategy::Canary => {
            let message = "a canary on ECS is not served by this version";
            cx.cannot(
                "infrastructure.strategy",
                message,
                "choose `strategy: blue-green` or `strategy: rolling`",
            );
            possible = false;
        }
        Strategy::BlueGreen if !service.is_public() => {
            let message = format!(
                "blue-green on ECS switches a load balancer, and `{}` is not public and has none",
                service.name()
            );
            cx.cannot(
                "infrastructure.strategy",
                message,
                "choose `strategy: rolling`, or set `expose: public`",
            );
            possible = false;
        }
        Strategy::BlueGreen | Strategy::Rolling => {}
    }
    let (message, help) = match service.expose().as_str() {
        "internal" => (
            format!(
                "`{}` is internal, and this version makes no way to reach a service on ECS but a load balancer",
                service.name()
            ),
            "set `expose: public` and say with `clients` who may reach it, or `expose: none`",
        ),
        "public" if !balanced => (
            format!(
                "`{}` is public, and nothing would reach it on ECS without a load balancer",
                service.name()
            ),
            "add `load-balancer` to the components, or set `expose: none`",
        ),
        _ => return possible,
    };
    let found = Diagnostic::new(Code::BadValue, message)
        .at(cx.service().span(&["expose"]), "this says who reaches it");
    cx.report(found.at(cx.span(), "needed here").help(help));
    false
}

/// The sources of the task definition and the service.
pub(super) fn sources(cx: &Context<'_>, wanted: &[&str]) -> Vec<&'static str> {
    let balanced = wanted.contains(&"load-balancer");
    let scales = cx
        .environments()
        .iter()
        .any(|environment| cx.service().autoscale(environment).is_some());
    vec![
        "ecs_service",
        if wanted.contains(&"secrets") {
            "ecs_own_secret"
        } else {
            "ecs_no_secret"
        },
        if balanced {
            "ecs_public"
        } else {
            "ecs_unreachable"
        },
        if cx.strategy() == Strategy::BlueGreen {
            "ecs_blue_green"
        } else {
            "ecs_rolling"
        },
        if scales { "ecs_autoscale" } else { "ecs_fixed" },
    ]
}

/// What an environment gives the service.
pub(super) fn arguments(
    cx: &mut Context<'_>,
    names: &Shared,
    environment: &Environment<'_>,
) -> Json {
    let cluster = match environment.cluster {
        Cluster::Made => expression(&format!("module.{}.arn", names.cluster.identifier())),
        Cluster::Existing(_) | Cluster::None => expression("data.aws_ecs_cluster.cluster.arn"),
    };
    let mut arguments = json!({
        "vpc_id": environment.network_value(&names.network, "vpc_id"),
        "service_subnet_ids": environment.network_value(&names.network, "private_subnet_ids"),
        "cluster_arn": cluster,
        "service_name": cx.service().name().as_str(),
    });
    let mut set = |name: &str, value: Json| arguments[name] = value;
    for (name, value) in image(cx) {
        set(name, value);
    }
    if let Some((cpu, memory)) = fargate::size(cx, environment.name()) {
        set("task_size", json!({ "cpu": cpu, "memory": memory }));
    }
    for (name, value) in count(cx, &environment.view) {
        set(name, value);
    }
    let (values, secrets) = variables(cx, environment);
    for (name, value) in [("environment", values), ("secrets", secrets)] {
        if !value.is_empty() {
            set(name, value.into());
        }
    }
    let ports = egress(cx);
    if !ports.is_empty() {
        set("egress_ports", json!(ports));
    }
    if let Some(role) = environment.view.text("role") {
        set("deploy_role", text(&role));
    }
    if cx.strategy() == Strategy::BlueGreen {
        let name = naming::target_group_name(cx, &environment.view);
        set(
            "alternate_target_group_name",
            naming::shortened(&format!("{name}-alternate"), 32).into(),
        );
    }
    arguments
}

/// The image that Terraform registers, who it runs as, and how its health is asked.
fn image(cx: &Context<'_>) -> Vec<(&'static str, Json)> {
    let mut arguments = Vec::new();
    let repository = |account: Option<String>, region: Option<String>, name: &str| {
        let mut repository = json!({ "name": text(name) });
        for (key, value) in [("account", account), ("region", region)] {
            if let Some(value) = value {
                repository[key] = text(&value);
            }
        }
        repository
    };
    if let Some(image) = cx.service().image() {
        if let Some((account, region, name)) = in_ecr(&image) {
            arguments.push((
                "image_repository",
                repository(Some(account), Some(region), &name),
            ));
        }
        arguments.push(("image", text(&image)));
        return arguments;
    }
    let kept = naming::repository(cx);
    if kept.host_name().is_some() {
        arguments.push((
            "image",
            text(&format!("{}:{}", kept.image(), naming::COMMITTED_TAG)),
        ));
    }
    if let RegistryHost::Ecr { account, region } = kept.host {
        arguments.push(("image_repository", repository(account, region, &kept.path)));
    }
    if let Some(container) = cx.sibling("container") {
        if let Some(user) = container.settings.get("user").and_then(Node::as_integer) {
            arguments.push(("container_user", format!("{user}:{user}").into()));
        }
        if let Some(words) = container::health_command(cx) {
            arguments.push((
                "health_command",
                words.iter().map(|word| text(word)).collect(),
            ));
        }
    }
    arguments
}

/// Account, region and name of an image that is kept in ECR.
fn in_ecr(image: &str) -> Option<(String, String, String)> {
    let (host, path) = image.split_once('/')?;
    let (account, rest) = host.split_once(".dkr.ecr.")?;
    let region = rest
        .strip_suffix(".amazonaws.com")
        .or_else(|| rest.strip_suffix(".amazonaws.com.cn"))?;
    let name = path.split(['@', ':']).next().unwrap_or(path);
    Some((account.to_owned(), region.to_owned(), name.to_owned()))
}

/// How many tasks run, and the bounds where the service scales by itself in some environment.
fn count(cx: &Context<'_>, view: &EnvironmentView<'_>) -> Vec<(&'static str, Json)> {
    let replicas = cx.service().replicas(view);
    let scales = cx
        .environments()
        .iter()
        .any(|environment| cx.service().autoscale(environment).is_some());
    if !scales {
        return vec![("desired_count", replicas.into())];
    }
    let (minimum, maximum, cpu) = cx
        .service()
        .autoscale(view)
        .map_or((replicas, replicas, 70), |bounds| {
            (bounds.min, bounds.max, bounds.cpu)
        });
    vec![
        ("desired_count", minimum.into()),
        (
            "task_count",
            json!({ "minimum": minimum, "maximum": maximum }),
        ),
        ("cpu_percent", cpu.into()),
    ]
}

/// The plain variables, and those that are kept in Secrets Manager.
fn variables(
    cx: &mut Context<'_>,
    environment: &Environment<'_>,
) -> (Map<String, Json>, Map<String, Json>) {
    let (mut values, mut kept) = (Map::new(), Map::new());
    for variable in cx.service().variables(environment.name()) {
        match (&variable.secret, &variable.value) {
            (Some(secret), _)
                if secret
                    .from
                    .as_deref()
                    .is_some_and(|manager| manager != secrets::MANAGER) =>
            {
                refuse(cx, &variable);
            }
            (Some(secret), _) => {
                let reference = reference(cx, environment, &variable.name, secret.key.as_deref());
                kept.insert(variable.name, reference);
            }
            (None, Some(value)) => {
                values.insert(variable.name, text(value));
            }
            (None, None) => {
                cx.report(no_value(
                    &format!("environment.{}", variable.name),
                    environment.name(),
                    variable.span,
                ));
            }
        }
    }
    (values, kept)
}

/// Where a secret is kept: its own key, else a property of the service's own secret, by its name
/// where that secret is not made here.
fn reference(
    cx: &Context<'_>,
    environment: &Environment<'_>,
    variable: &str,
    key: Option<&str>,
) -> Json {
    let named = |name: &str, property: Option<&str>| match property {
        Some(property) => json!({ "name": text(name), "property": text(property) }),
        None => json!({ "name": text(name) }),
    };
    match key.map(|key| {
        key.split_once('#')
            .map_or((key, None), |(name, property)| (name, Some(property)))
    }) {
        Some((name, property)) => named(name, property),
        None if environment.wants("secrets") => json!({ "property": text(variable) }),
        None => named(&secrets::name(cx, &environment.view), Some(variable)),
    }
}

/// ECS reads secrets of AWS alone.
fn refuse(cx: &mut Context<'_>, variable: &Variable) {
    let message = format!("`{}` is kept where ECS cannot read it", variable.name);
    let found = Diagnostic::new(Code::StackCannot, message)
        .at(variable.span, "")
        .at(cx.span(), "needed here");
    cx.report(
        found.help(
            "keep it in AWS Secrets Manager: `secret: true`, or `secret: { from: aws-secrets-manager, key: NAME#PROPERTY }`",
        ),
    );
}

/// The ports beside HTTPS and its database that the service connects to.
fn egress(cx: &Context<'_>) -> Vec<i64> {
    match cx.stack().database() {
        Some(Database::Mongodb) => vec![27017],
        Some(Database::Redis) => vec![6379],
        Some(Database::Postgresql | Database::Mysql | Database::Sqlite | Database::None) | None => {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_in_ecr_says_its_account_region_and_name() {
        let expected = |name: &str| {
            Some((
                "123456789012".to_owned(),
                "eu-west-1".to_owned(),
                name.to_owned(),
            ))
        };
        assert_eq!(
            in_ecr("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/orders@sha256:0a"),
            expected("shop/orders")
        );
        assert_eq!(
            in_ecr("123456789012.dkr.ecr.eu-west-1.amazonaws.com/orders:1.2"),
            expected("orders")
        );
        assert_eq!(in_ecr("ghcr.io/shop/orders:1.2"), None);
    }
}
