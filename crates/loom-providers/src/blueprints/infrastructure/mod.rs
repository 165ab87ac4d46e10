//! `infrastructure`: what a service needs of a cloud, as Terraform on AWS.
//!
//! In: the service, the stack, the environments. Out: a module for the service and one for its
//! image registry; and what all services of the project share: network, cluster, the bucket of the
//! state, and a root for each environment that calls the modules.
//!
//! Invariants, tested below and by Terraform itself: one state for each environment; nothing is
//! open to the world but ports 80 and 443 of the load balancer; data is protected from deletion in
//! production; no secret's value is ever here; services that ask for the same network or cluster
//! get one, because what they contribute is equal.
//!
//! Deliberately not here: other clouds and other tools (`cannot` says what is served), and what
//! runs in a cluster of Kubernetes (`workload`). What runs in one of ECS is here, in [`ecs`].

pub(crate) mod components;
mod ecs;
#[cfg(test)]
mod ecs_tests;
mod environment;
mod fargate;
mod platform;
mod registry;
mod secrets;
mod service;
mod source;
mod state;
#[cfg(test)]
mod tests;

use loom_plan::addr::{Address, Name};
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::{Context, Contribution};
use loom_plan::project::Own;
use loom_plan::provider::{Blueprint, BlueprintSpec, Subject};
use loom_plan::shape::{Field, Shape};
use loom_plan::stack::{Hosting, Iac, Orchestration};
use serde_json::{Value as Json, json};

use environment::Environment;

/// The kind.
#[derive(Debug)]
pub(crate) struct Infrastructure;

static SPEC: BlueprintSpec = BlueprintSpec {
    kind: "infrastructure",
    subject: Subject::Service,
    summary: "What a service needs of the cloud: database, load balancer, cluster, registry, secrets, logs, network and state",
    settings: &[
        Field::optional(
            "components",
            Shape::List(&Shape::OneOf(components::WORDS)),
            "which; default: what service and stack call for",
        ),
        Field::optional(
            "cluster",
            Shape::Record(CLUSTER),
            "the cluster that all services of an environment share",
        ),
        Field::default(
            "network",
            Shape::PerEnvironment(&Shape::Text),
            "10.0.0.0/16",
            "the addresses of a network that is made",
        ),
        Field::default(
            "clients",
            Shape::PerEnvironment(&Shape::List(&Shape::Text)),
            "[0.0.0.0/0]",
            "who may reach the load balancer",
        ),
        Field::optional(
            "rotation",
            Shape::PerEnvironment(&Shape::Text),
            "ARN of the function that rotates the service's secret",
        ),
    ],
    parts: &[
        "terraform.module.NAME",
        "terraform.module.NAME-registry",
        "terraform.module.PROJECT[ENV]",
        "terraform.module.PROJECT-network",
        "terraform.module.PROJECT-cluster",
        "terraform.module.PROJECT-state",
        "terraform.module.PROJECT-bootstrap[ENV]",
    ],
};

const CLUSTER: &[Field] = &[
    Field::default(
        "version",
        Shape::PerEnvironment(&Shape::Scalar),
        platform::KUBERNETES,
        "minor version of Kubernetes",
    ),
    Field::optional(
        "instances",
        Shape::PerEnvironment(&Shape::List(&Shape::Text)),
        "instance types of the nodes; default: t3.large, in production m7i.large",
    ),
    Field::optional(
        "minimum",
        Shape::PerEnvironment(&Shape::Integer(1, 450)),
        "the fewest nodes; default: 2, in production 3",
    ),
    Field::optional(
        "maximum",
        Shape::PerEnvironment(&Shape::Integer(1, 450)),
        "the most nodes; default: 4, in production 9",
    ),
    Field::optional(
        "access",
        Shape::PerEnvironment(&Shape::List(&Shape::Text)),
        "addresses that reach the control plane from outside; default: none",
    ),
];

impl Blueprint for Infrastructure {
    fn spec(&self) -> &'static BlueprintSpec {
        &SPEC
    }

    fn expand(&self, cx: &mut Context<'_>) {
        if !is_served(cx) {
            return;
        }
        let mut wanted = components::wanted(cx, cx.setting("components"));
        if ecs::runs(cx, &wanted) && !wanted.contains(&"logs") {
            wanted.push("logs"); // the task definition names the log group
        }
        if !can_be_made(cx, &wanted) {
            return;
        }
        let Some(names) = Shared::of(cx) else { return };
        let environments: Vec<Environment<'_>> = cx
            .environments()
            .into_iter()
            .filter_map(|view| Environment::of(cx, view, &wanted))
            .collect();
        for environment in &environments {
            state::contribute(cx, &names, environment);
            platform::contribute(cx, &names, environment);
            registry::contribute(cx, environment);
            service::contribute(cx, &names, environment);
        }
        service::part(cx, &wanted);
        registry::part(cx, &environments);
    }
}

/// Names of what the project has once.
struct Shared {
    project: Name,
    network: Name,
    cluster: Name,
    state: Name,
    bootstrap: Name,
}

impl Shared {
    fn of(cx: &mut Context<'_>) -> Option<Self> {
        let project = cx.project_name();
        let of_project = |part: &str| Name::new(&format!("{project}-{part}"));
        let modules = [
            of_project("network"),
            of_project("cluster"),
            of_project("state"),
            of_project("bootstrap"),
        ];
        if let [Ok(network), Ok(cluster), Ok(state), Ok(bootstrap)] = modules {
            return Some(Self {
                project: project.clone(),
                network,
                cluster,
                state,
                bootstrap,
            });
        }
        let message =
            format!("`{project}` is too long for the names of the modules that its services share");
        let found = Diagnostic::new(Code::BadValue, message).at(cx.span(), "needed here");
        cx.report(found.help("a project with infrastructure has a name of at most 53 characters"));
        None
    }
}

/// Whether this version can make anything on the stack.
fn is_served(cx: &mut Context<'_>) -> bool {
    let (hosting, iac) = (cx.stack().hosting(), cx.stack().iac());
    let message = |what: &str| {
        format!(
            "`infrastructure` cannot be made with {what}: this version writes Terraform for AWS"
        )
    };
    if hosting != Hosting::Aws {
        let help = "set `infrastructure.hosting: aws`, or declare `terraform.module` artifacts of your own";
        cx.cannot(
            "infrastructure.hosting",
            message(&format!("`hosting: {hosting}`")),
            help,
        );
        return false;
    }
    if iac != Iac::Terraform {
        cx.cannot(
            "infrastructure.iac",
            message(&format!("`iac: {iac}`")),
            "set `infrastructure.iac: terraform`, or leave it out: a `null` is `none`",
        );
        return false;
    }
    true
}

/// Whether the wanted components go together with the stack and the service.
fn can_be_made(cx: &mut Context<'_>, wanted: &[&str]) -> bool {
    let mut possible = true;
    if wanted.contains(&"registry") && cx.stack().registry().is_some() {
        let message = "the component `registry` would make an ECR repository, and the images are kept in another registry";
        let help =
            "take `registry` out of the components, or `infrastructure.registry` out of the stack";
        cx.cannot("infrastructure.registry", message, help);
        possible = false;
    }
    let orchestration = cx.stack().orchestration();
    if wanted.contains(&"cluster")
        && !matches!(
            orchestration,
            Orchestration::Kubernetes | Orchestration::Ecs
        )
    {
        let message = format!(
            "the component `cluster` is one of EKS or ECS, and cannot run a service with `orchestration: {orchestration}`"
        );
        let help = "set `infrastructure.orchestration` to `kubernetes` or `ecs`, or list the `components` without `cluster`";
        cx.cannot("infrastructure.orchestration", message, help);
        possible = false;
    }
    if ecs::runs(cx, wanted) && !ecs::can_run(cx, wanted) {
        possible = false;
    }
    if wanted.contains(&"load-balancer") && !cx.service().is_public() {
        let message = format!(
            "`{}` is not public, so that it has no load balancer of its own",
            cx.service().name()
        );
        let found = Diagnostic::new(Code::BadValue, message)
            .at(cx.service().span(&["expose"]), "this says who reaches it");
        let found = found.at(cx.span(), "and this asks for a load balancer");
        cx.report(
            found.help("take `load-balancer` out of the components, or set `expose: public`"),
        );
        possible = false;
    }
    possible
}

/// Adds files to a module that the project has once.
fn share(
    cx: &mut Context<'_>,
    name: &Name,
    environment: Option<&Name>,
    path: String,
    settings: Json,
) {
    let address = Address::new("terraform.module", name.clone(), environment.cloned());
    cx.contribute(Contribution {
        address,
        path,
        own: Own::File,
        settings,
    });
}

/// Adds to the root of an environment.
fn add_to_root(cx: &mut Context<'_>, environment: &Environment<'_>, files: &Json) {
    let project = cx.project_name().clone();
    let path = format!("infrastructure/terraform/{}", environment.name());
    share(
        cx,
        &project,
        Some(environment.name()),
        path,
        json!({ "files": files }),
    );
}

/// Where a module is written.
fn module_path(name: &Name) -> String {
    format!("infrastructure/terraform/modules/{name}")
}
