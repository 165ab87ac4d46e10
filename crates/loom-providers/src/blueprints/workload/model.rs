//! What the manifests of one service in one environment are made from.
//!
//! In: the desk of the blueprint. Out: a [`Facts`] of plain values, from which the objects
//! follow without looking anything up again.

use std::collections::BTreeMap;

use loom_plan::addr::Name;
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::Context;
use loom_plan::node::{Map as Mapping, Node};
use loom_plan::project::view::{
    Autoscale, EnvironmentView, Resources, Variable, host_of, no_value,
};
use loom_plan::stack::{Database, Hosting, Monitoring, Strategy};
use serde_json::{Map, Value as Json, json};

use super::secrets::Keeping;
use crate::naming;

/// One service in one environment.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) service: Name,
    pub(super) project: Name,
    pub(super) environment: Name,
    pub(super) strategy: Strategy,
    /// The port; `None` for a service that nobody reaches and that has none.
    pub(super) port: Option<i64>,
    pub(super) health: String,
    /// The variables with their plain values, or with where their secret is kept.
    pub(super) variables: Vec<(String, Source)>,
    pub(super) replicas: i64,
    pub(super) autoscale: Option<Autoscale>,
    pub(super) resources: Resources,
    pub(super) door: Door,
    /// More ports that it connects to.
    pub(super) egress: Vec<i64>,
    /// The Secret that signs the nodes in to the registry.
    pub(super) pull_secret: Option<String>,
    /// Whether the Datadog agent of the node is to be spoken to.
    pub(super) datadog: bool,
}

/// Where the value of a variable comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// It stands in the manifest.
    Value(String),
    /// It is kept elsewhere.
    Secret(Keeping),
}

/// How the service is reached.
#[derive(Clone, Debug)]
pub(super) enum Door {
    /// Not at all.
    None,
    /// From inside the cluster.
    Internal,
    /// Through an Ingress.
    Ingress(Entrance),
    /// Through the target group of this name, which the infrastructure makes.
    TargetGroup(String),
}

/// What an Ingress says.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    pub(super) class: Option<String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) host: String,
    pub(super) path: String,
    /// The Secret with the certificate, where the Ingress ends TLS itself.
    pub(super) tls: Option<String>,
}

impl Facts {
    /// Reads the facts; says what is missing.
    pub(super) fn read(cx: &mut Context<'_>, environment: &EnvironmentView<'_>) -> Option<Self> {
        let service = cx.service();
        let exposed = service.expose() != "none";
        let port = service.port();
        if port.is_none() && exposed {
            cx.missing(
                format!("services.{}.port", service.name()),
                "the port that the container listens on",
                "port: 3000",
            );
        }
        let variables = variables(cx, environment);
        let door = door(cx, environment);
        Some(Self {
            service: service.name().clone(),
            project: cx.project_name().clone(),
            environment: environment.name().clone(),
            strategy: cx.strategy(),
            port: if exposed { Some(port?) } else { port },
            health: service.health(),
            variables: variables?,
            replicas: replicas(cx, environment),
            autoscale: autoscale(cx, environment),
            resources: service.resources(environment.name()),
            door: door?,
            egress: egress(cx, environment),
            pull_secret: pull_secret(cx, environment),
            datadog: cx.stack().monitoring() == Monitoring::Datadog,
        })
    }

    /// The Deployments: one without a colour, or one of each.
    pub(super) fn colors(&self) -> impl Iterator<Item = Option<&'static str>> + use<> {
        let colors: &[Option<&str>] = match self.strategy {
            Strategy::BlueGreen => &[Some(naming::COLORS[0]), Some(naming::COLORS[1])],
            Strategy::Rolling | Strategy::Canary => &[None],
        };
        colors.iter().copied()
    }

    /// What the Deployment of a colour is called.
    pub(super) fn deployment(&self, color: Option<&str>) -> String {
        color.map_or_else(
            || self.service.to_string(),
            |color| naming::colored(&self.service, color),
        )
    }

    /// The labels that select the pods of a colour, or of all.
    pub(super) fn selector(&self, color: Option<&str>) -> Map<String, Json> {
        let mut labels = Map::new();
        labels.insert(naming::NAME_LABEL.to_owned(), self.service.as_str().into());
        if let Some(color) = color {
            labels.insert(naming::COLOR_LABEL.to_owned(), color.into());
        }
        labels
    }

    /// The labels of an object of a colour, or of all.
    pub(super) fn labels(&self, color: Option<&str>) -> Map<String, Json> {
        let mut labels = self.selector(None);
        labels.insert(
            "app.kubernetes.io/part-of".to_owned(),
            self.project.as_str().into(),
        );
        labels.insert("app.kubernetes.io/managed-by".to_owned(), "loom".into());
        labels.extend(self.selector(color));
        labels
    }

    /// The labels of pods and of what makes them: Datadog tags metrics and traces by them.
    pub(super) fn pod_labels(&self, color: Option<&str>) -> Map<String, Json> {
        let mut labels = self.labels(color);
        if self.datadog {
            labels.insert(
                "tags.datadoghq.com/env".to_owned(),
                self.environment.as_str().into(),
            );
            labels.insert(
                "tags.datadoghq.com/service".to_owned(),
                self.service.as_str().into(),
            );
        }
        labels
    }

    /// Name and labels of an object.
    pub(super) fn metadata(&self, name: &str, color: Option<&str>) -> Json {
        json!({ "name": name, "labels": self.labels(color) })
    }
}

/// The variables; `None` where one has neither a value nor a secret.
fn variables(
    cx: &mut Context<'_>,
    environment: &EnvironmentView<'_>,
) -> Option<Vec<(String, Source)>> {
    let read: Vec<Variable> = cx.service().variables(environment.name());
    let mut variables = Vec::new();
    let mut complete = true;
    for variable in read {
        let source = match (&variable.secret, &variable.value) {
            (Some(secret), _) if secret.from.as_deref() == Some("ci") => {
                refuse_ci(cx, &variable);
                complete = false;
                continue;
            }
            (Some(secret), _) => {
                Source::Secret(Keeping::of(cx, environment, &variable.name, secret))
            }
            (None, Some(value)) => Source::Value(value.clone()),
            (None, None) => {
                cx.report(no_value(
                    &format!("environment.{}", variable.name),
                    environment.name(),
                    variable.span,
                ));
                complete = false;
                continue;
            }
        };
        variables.push((variable.name, source));
    }
    complete.then_some(variables)
}

/// Pods read their secrets from the cluster, and no pipeline writes those of the CI into it.
fn refuse_ci(cx: &mut Context<'_>, variable: &Variable) {
    let message = format!(
        "`{}` is a secret of the CI, which pods in Kubernetes cannot read",
        variable.name
    );
    let found = Diagnostic::new(Code::StackCannot, message)
        .at(variable.span, "")
        .at(cx.span(), "needed here");
    cx.report(found.help("keep it in a manager, or create a Secret and say `secret: { from: existing, key: SECRET/KEY }`"));
}

fn replicas(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> i64 {
    let own = cx
        .setting_in(&["replicas"], environment.name())
        .and_then(Node::as_integer);
    own.unwrap_or_else(|| cx.service().replicas(environment))
}

/// The bounds of the autoscaler, if there is one; says where they are the wrong way round.
fn autoscale(cx: &mut Context<'_>, environment: &EnvironmentView<'_>) -> Option<Autoscale> {
    let bounds = bounds(cx, environment)?;
    let Autoscale { min, max, .. } = bounds;
    if min > max {
        let message = format!(
            "`autoscale` of `{}` has no room in {}: {min} to {max}",
            cx.service().name(),
            environment.name()
        );
        let span = cx
            .setting("autoscale")
            .map_or_else(|| cx.service().span(&["autoscale"]), |node| node.span);
        let found = Diagnostic::new(Code::BadValue, message)
            .at(span, "the bounds")
            .at(cx.span(), "needed here");
        cx.report(found.help("`max` is at least `min`, which defaults to the replicas"));
    }
    Some(bounds)
}

fn bounds(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> Option<Autoscale> {
    let number = |key: &str| {
        cx.setting_in(&["autoscale", key], environment.name())
            .and_then(Node::as_integer)
    };
    let Some(max) = number("max") else {
        return cx.service().autoscale(environment);
    };
    let min = number("min").unwrap_or_else(|| replicas(cx, environment).min(max));
    Some(Autoscale {
        min,
        max,
        cpu: number("cpu").unwrap_or(70),
    })
}

/// The Secret by which the nodes pull the image of a private registry.
fn pull_secret(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> Option<String> {
    cx.setting_in(&["pullSecret"], environment.name())
        .and_then(Node::as_str)
        .map(str::to_owned)
}

/// The ports beside DNS and HTTPS that it connects to.
fn egress(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> Vec<i64> {
    let sql = cx.service().database(environment.name()).map(|database| {
        if database.engine == "mysql" {
            3306
        } else {
            5432
        }
    });
    let other = match cx.stack().database() {
        Some(Database::Mongodb) => Some(27017),
        Some(Database::Redis) => Some(6379),
        Some(Database::Postgresql | Database::Mysql | Database::Sqlite | Database::None) | None => {
            None
        }
    };
    let said = cx
        .setting("egress")
        .and_then(Node::as_seq)
        .unwrap_or_default();
    let mut ports: Vec<i64> = sql
        .into_iter()
        .chain(other)
        .chain(said.iter().filter_map(Node::as_integer))
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// How the service is reached; `None` where its host is missing.
fn door(cx: &mut Context<'_>, environment: &EnvironmentView<'_>) -> Option<Door> {
    match cx.service().expose().as_str() {
        "none" => return Some(Door::None),
        "internal" => return Some(Door::Internal),
        _ => {}
    }
    if is_bound_directly(cx, environment) {
        return Some(Door::TargetGroup(naming::target_group_name(
            cx,
            environment,
        )));
    }
    let url = cx.service().url(environment);
    let said = cx
        .setting_in(&["ingress", "host"], environment.name())
        .and_then(Node::as_str)
        .map(str::to_owned);
    let Some(host) = said.or_else(|| url.as_deref().map(|url| host_of(url).to_owned())) else {
        let pointer = format!(
            "services.{}.url.{}",
            cx.service().name(),
            environment.name()
        );
        cx.missing(
            pointer,
            "the host that the Ingress answers for",
            &format!("url: {{ {}: https://api.example.com }}", environment.name()),
        );
        return None;
    };
    Some(Door::Ingress(entrance(
        cx,
        environment,
        host,
        url.as_deref().unwrap_or_default(),
    )))
}

/// Whether the infrastructure makes a load balancer whose target group the pods join.
fn is_bound_directly(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> bool {
    let covers = |node: Option<&Node>| {
        let names = node.and_then(Node::as_seq);
        names.is_none_or(|names| {
            names
                .iter()
                .any(|name| name.as_str() == Some(environment.name().as_str()))
        })
    };
    let balances = cx
        .siblings_of("infrastructure")
        .iter()
        .any(|sibling| naming::makes(cx, sibling, "load-balancer") && covers(sibling.environments));
    balances && cx.stack().hosting() == Hosting::Aws
}

fn entrance(
    cx: &Context<'_>,
    environment: &EnvironmentView<'_>,
    host: String,
    url: &str,
) -> Entrance {
    let ingress = cx.setting("ingress");
    let text = |key: &str| {
        ingress
            .and_then(|ingress| ingress.get(key))
            .and_then(Node::as_str)
            .map(str::to_owned)
    };
    let aws = cx.stack().hosting() == Hosting::Aws;
    let class = text("class").or_else(|| aws.then(|| "alb".to_owned()));
    let balancer = class.as_deref() == Some("alb");
    let mut annotations = BTreeMap::new();
    if balancer {
        annotations.extend(balancer_annotations(cx, environment));
    }
    let said = ingress
        .and_then(|ingress| ingress.get("annotations"))
        .and_then(Node::as_map);
    for (key, value) in said.into_iter().flat_map(Mapping::iter) {
        annotations.insert(
            key.to_string(),
            value.scalar_text().unwrap_or_default().into_owned(),
        );
    }
    let tls = match ingress.and_then(|ingress| ingress.get("tls")) {
        Some(tls) if tls.as_bool() == Some(false) => None,
        Some(tls) if tls.as_str().is_some() => text("tls"),
        None if balancer || url.starts_with("http://") => None,
        Some(_) | None => Some(format!("{}-tls", cx.service().name())),
    };
    Entrance {
        class,
        annotations,
        host,
        path: path_of(url),
        tls,
    }
}

/// What the AWS Load Balancer Controller is to make of the Ingress.
fn balancer_annotations(
    cx: &Context<'_>,
    environment: &EnvironmentView<'_>,
) -> BTreeMap<String, String> {
    let mut annotations: BTreeMap<String, String> = [
        ("scheme", "internet-facing"),
        ("target-type", "ip"),
        ("listen-ports", r#"[{"HTTP": 80}, {"HTTPS": 443}]"#),
        ("ssl-redirect", "443"),
    ]
    .into_iter()
    .map(|(key, value)| (format!("alb.ingress.kubernetes.io/{key}"), value.to_owned()))
    .collect();
    annotations.insert(
        "alb.ingress.kubernetes.io/healthcheck-path".to_owned(),
        cx.service().health(),
    );
    if let Some(certificate) = environment.text("certificate") {
        annotations.insert(
            "alb.ingress.kubernetes.io/certificate-arn".to_owned(),
            certificate,
        );
    }
    annotations
}

/// The path of a URL: `https://example.com/api/` is `/api`, and that of a bare host `/`.
fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("", |slash| &rest[slash..]);
    let path = path
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .trim_end_matches('/');
    if path.is_empty() {
        "/".to_owned()
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn the_path_of_a_url_is_what_the_ingress_answers_for() {
        for (url, path) in [
            ("https://api.example.com", "/"),
            ("https://api.example.com/", "/"),
            ("https://example.com/entities/", "/entities"),
            ("https://example.com/entities?x=/y", "/entities"),
            ("", "/"),
        ] {
            assert_eq!(path_of(url), path, "{url}");
        }
    }
}
