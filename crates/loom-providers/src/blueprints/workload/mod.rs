//! `workload`: what runs a service, by environment.
//!
//! In: the service, the stack, and the siblings that expose it. Out: its Kubernetes manifests,
//! and what it adds to the kustomization and the namespace that all services of an environment
//! share.
//!
//! Invariants, tested below: the port is written once in the input and is the same number or the
//! same named port in every object; no secret's value is ever here; what belongs to one colour of
//! a blue-green service carries the label [`naming::COLOR_LABEL`], and what both share does not,
//! so that `kubectl apply --selector` can leave out the colour that serves; both colours are
//! committed with the same number of replicas, so that switching back is one patch.
//!
//! On ECS it is only a word for what the `infrastructure` makes, and makes nothing itself.
//!
//! Deliberately not here: the image's digest (the pipeline sets it), and which colour is live
//! (only the cluster knows).

mod model;
mod network;
mod pods;
mod scale;
pub(in crate::blueprints) mod secrets;
#[cfg(test)]
mod tests;

use loom_plan::addr::{Address, Name};
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::{Context, Contribution, Part, literal};
use loom_plan::project::Own;
use loom_plan::project::view::EnvironmentView;
use loom_plan::provider::{Blueprint, BlueprintSpec, Subject};
use loom_plan::shape::{Field, Shape};
use loom_plan::stack::{Hosting, Orchestration, Strategy};
use serde_json::{Value as Json, json};

use crate::naming;
use model::Facts;

/// The kind.
#[derive(Debug)]
pub(crate) struct Workload;

static SPEC: BlueprintSpec = BlueprintSpec {
    kind: "workload",
    subject: Subject::Service,
    summary: "What runs a service: its Kubernetes manifests by environment",
    settings: &[
        Field::optional(
            "strategy",
            Shape::OneOf(Strategy::WORDS),
            "over the service's: rolling or blue-green",
        ),
        Field::optional(
            "replicas",
            Shape::PerEnvironment(&Shape::Integer(1, 1000)),
            "over the service's",
        ),
        Field::optional("autoscale", Shape::Record(AUTOSCALE), "over the service's"),
        Field::optional(
            "ingress",
            Shape::Record(INGRESS),
            "how a public service is reached",
        ),
        Field::optional(
            "egress",
            Shape::List(&Shape::Integer(1, 65535)),
            "more ports that it connects to, beside DNS, HTTPS and its database",
        ),
        Field::optional(
            "pullSecret",
            Shape::PerEnvironment(&Shape::Text),
            "the Secret by which the cluster pulls the image, where the registry asks who pulls",
        ),
    ],
    parts: &[
        "kubernetes.manifest.NAME[ENV]",
        "kubernetes.manifest.namespace[ENV]",
        "kubernetes.kustomization.PROJECT[ENV]",
    ],
};

const AUTOSCALE: &[Field] = &[
    Field::optional(
        "min",
        Shape::PerEnvironment(&Shape::Integer(1, 1000)),
        "the fewest; default: the replicas",
    ),
    Field::required(
        "max",
        Shape::PerEnvironment(&Shape::Integer(1, 1000)),
        "the most",
    ),
    Field::default(
        "cpu",
        Shape::PerEnvironment(&Shape::Integer(1, 100)),
        "70",
        "the use of CPU that is aimed at, in percent",
    ),
];

const INGRESS: &[Field] = &[
    Field::optional(
        "class",
        Shape::Text,
        "the IngressClass; default: alb on AWS, elsewhere the cluster's default",
    ),
    Field::optional(
        "annotations",
        Shape::Map(&Shape::Text),
        "for the controller, over loom's own",
    ),
    Field::optional(
        "host",
        Shape::PerEnvironment(&Shape::Text),
        "default: the host of the service's URL",
    ),
    Field::optional(
        "tls",
        Shape::Either(&[Shape::Bool, Shape::Text]),
        "`false`, or the Secret with the certificate; default: NAME-tls, with the class alb the load balancer's own",
    ),
];

impl Blueprint for Workload {
    fn spec(&self) -> &'static BlueprintSpec {
        &SPEC
    }

    fn expand(&self, cx: &mut Context<'_>) {
        if cx.stack().orchestration() == Orchestration::Ecs {
            return on_ecs(cx);
        }
        if !is_served(cx) {
            return;
        }
        for environment in cx.environments() {
            if let Some(facts) = Facts::read(cx, &environment) {
                let path = naming::manifest_path(cx.name(), &environment);
                let settings = json!({ "documents": guarded(documents(&facts).into()) });
                cx.part(
                    Part::new("kubernetes.manifest", settings)
                        .environment(environment.name())
                        .path(path),
                );
                share_namespace(cx, &environment);
                share_kustomization(cx, &environment);
            }
        }
    }
}

/// On ECS the infrastructure makes the task definition and the service, and there is nothing left
/// to write. What is said here would be read by nobody, so it is refused.
fn on_ecs(cx: &mut Context<'_>) {
    let makes = cx
        .siblings_of("infrastructure")
        .iter()
        .any(|sibling| naming::makes(cx, sibling, "cluster"));
    if !makes {
        let message = format!(
            "nothing runs `{}` on ECS: the infrastructure makes what runs a service there",
            cx.service().name()
        );
        let help = format!(
            "add `{{ kind: infrastructure, service: {} }}` to the artifacts, with `cluster` among its components",
            cx.service().name()
        );
        cx.report(
            Diagnostic::new(Code::StackCannot, message)
                .at(cx.span(), "needed here")
                .help(help),
        );
    }
    for field in SPEC.settings {
        if let Some(said) = cx.setting(field.name) {
            let message = format!(
                "on ECS a workload has no `{}` of its own: the infrastructure makes what runs",
                field.name
            );
            let help = match field.name {
                "ingress" => "take it out: the load balancer is the infrastructure's",
                "egress" => "set `egress_ports` with `with` on the service's `terraform.module`",
                _ => "write it in the service, where the infrastructure reads it too",
            };
            cx.report(
                Diagnostic::new(Code::BadValue, message)
                    .at(said.span, "")
                    .help(help),
            );
        }
    }
}

/// Whether the stack can be served; says why where it cannot.
fn is_served(cx: &mut Context<'_>) -> bool {
    let orchestration = cx.stack().orchestration();
    let elsewhere = match orchestration {
        Orchestration::Kubernetes => None,
        Orchestration::DockerCompose => Some("this version writes nothing for `docker-compose`"),
        Orchestration::Ecs => return false, // see `on_ecs`
        Orchestration::None => {
            Some("without an orchestration there is nothing that would run manifests")
        }
    };
    if let Some(elsewhere) = elsewhere {
        let message = format!(
            "a workload is written for Kubernetes, and the stack's orchestration is `{orchestration}`"
        );
        cx.cannot(
            "infrastructure.orchestration",
            message,
            format!("set it to `kubernetes`, or remove the workload: {elsewhere}"),
        );
    }
    if cx.strategy() == Strategy::Canary {
        let message = "a canary needs a controller that shifts traffic by degrees, which plain Kubernetes objects cannot do";
        cx.cannot(
            "infrastructure.strategy",
            message,
            "choose `strategy: blue-green`, which tests a version before it takes over, or `rolling`",
        );
    }
    let switchable = cx.strategy() != Strategy::BlueGreen || cx.service().expose() != "none";
    if !switchable {
        let message = format!(
            "blue-green switches a Service, and `{}` is exposed to nobody",
            cx.service().name()
        );
        cx.cannot(
            "infrastructure.strategy",
            message,
            "choose `strategy: rolling`, or `expose: internal`",
        );
    }
    elsewhere.is_none() && cx.strategy() != Strategy::Canary && switchable && names_fit(cx)
}

/// Names of Services are DNS labels of at most 63 characters, also with what is put behind them.
fn names_fit(cx: &mut Context<'_>) -> bool {
    let longest = match cx.strategy() {
        Strategy::BlueGreen => naming::preview_service(cx.service().name()),
        Strategy::Rolling | Strategy::Canary => cx.service().name().to_string(),
    };
    if longest.len() > 63 {
        let message = format!(
            "the name `{longest}` has {} characters, and Kubernetes takes at most 63 for a Service",
            longest.len()
        );
        cx.report(
            Diagnostic::new(Code::Unwritable, message)
                .at(cx.span(), "")
                .help("give the service a shorter name"),
        );
    }
    longest.len() <= 63
}

/// Settings in which nothing is a reference: all of their texts are people's or fixed.
fn guarded(json: Json) -> Json {
    match json {
        Json::String(text) => Json::String(literal(&text)),
        Json::Array(items) => items.into_iter().map(guarded).collect(),
        Json::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, guarded(value)))
            .collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => json,
    }
}

/// The objects of one environment, in the order in which they depend on each other.
fn documents(facts: &Facts) -> Vec<Json> {
    let mut documents = vec![pods::service_account(facts)];
    documents.extend(secrets::external_secrets(facts));
    documents.extend(facts.colors().map(|color| pods::deployment(facts, color)));
    documents.extend(network::services(facts));
    documents.extend(network::door(facts));
    documents.extend(
        facts
            .colors()
            .filter_map(|color| scale::autoscaler(facts, color)),
    );
    documents.extend(scale::disruption_budget(facts));
    documents.push(network::policy(facts));
    documents
}

/// The namespace of the environment, which all services of it share.
fn share_namespace(cx: &mut Context<'_>, environment: &EnvironmentView<'_>) {
    let mut labels = json!({
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    });
    if cx.stack().hosting() == Hosting::Aws {
        // a pod counts as ready only when its target group says so; without a target group the label does nothing
        labels["elbv2.k8s.aws/pod-readiness-gate-inject"] = "enabled".into();
    }
    let namespace = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": naming::namespace(cx, environment), "labels": labels },
    });
    contribute(
        cx,
        environment,
        ("kubernetes.manifest", "namespace"),
        "namespace.yml",
        json!({ "documents": [namespace] }),
    );
}

/// What the service adds to the kustomization of the environment.
fn share_kustomization(cx: &mut Context<'_>, environment: &EnvironmentView<'_>) {
    let Some(image) = image(cx) else { return };
    let content = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": naming::namespace(cx, environment),
        "resources": ["namespace.yml", format!("{}.yml", cx.name())],
        "images": [image],
    });
    let name = cx.project_name().to_string();
    contribute(
        cx,
        environment,
        ("kubernetes.kustomization", &name),
        "kustomization.yaml",
        json!({ "content": content }),
    );
}

fn contribute(
    cx: &mut Context<'_>,
    environment: &EnvironmentView<'_>,
    (kind, name): (&str, &str),
    file: &str,
    settings: Json,
) {
    let Ok(name) = Name::new(name) else { return };
    cx.contribute(Contribution {
        address: Address::new(kind, name, Some(environment.name().clone())),
        path: format!("{}/{file}", naming::manifest_directory(environment)),
        own: Own::File,
        settings: guarded(settings),
    });
}

/// The entry of kustomize's `images` that says where the service's image is kept. An image that
/// is built elsewhere must say which version it is.
fn image(cx: &mut Context<'_>) -> Option<Json> {
    let name = cx.service().name();
    let Some(image) = cx.service().image() else {
        let repository = naming::repository(cx).image();
        return Some(
            json!({ "name": name, "newName": repository, "newTag": naming::COMMITTED_TAG }),
        );
    };
    if let Some((repository, digest)) = image.split_once('@') {
        return Some(json!({ "name": name, "newName": untagged(repository).0, "digest": digest }));
    }
    if let (repository, Some(tag)) = untagged(&image) {
        return Some(json!({ "name": name, "newName": repository, "newTag": tag }));
    }
    let message = format!("`image`: `{image}` does not say which version it is");
    let found = Diagnostic::new(Code::BadValue, message).at(cx.service().span(&["image"]), "");
    cx.report(found.help(format!("add a tag or a digest, such as {image}:1.4.2")));
    None
}

/// An image without its tag, and the tag. The colon of a registry's port is none.
fn untagged(image: &str) -> (&str, Option<&str>) {
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        Some(_) | None => (image, None),
    }
}
