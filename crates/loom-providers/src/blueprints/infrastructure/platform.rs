//! What all services of an environment share: its network and its cluster.

use loom_plan::addr::Name;
use loom_plan::intent::context::Context;
use loom_plan::node::Node;
use loom_plan::stack::Orchestration;
use serde_json::{Value as Json, json};

use super::environment::{Cluster, Environment, Network};
use super::source::{self, text};
use super::{Shared, add_to_root, module_path, secrets, share};
use crate::naming;

/// The version of Kubernetes where nobody says one.
pub(super) const KUBERNETES: &str = "1.35";

/// Adds the modules and their calls, or the lookup of what is there already.
pub(super) fn contribute(cx: &mut Context<'_>, names: &Shared, environment: &Environment<'_>) {
    match &environment.network {
        Some(Network::Made) => {
            share(
                cx,
                &names.network,
                None,
                module_path(&names.network),
                source::module(&["network"], &json!({})),
            );
            let call = network_call(cx, names, environment);
            add_call(cx, environment, &names.network, &call);
        }
        Some(Network::Existing(name)) => {
            let vpc = json!({ "tags": { "Name": text(name) } });
            add_to_root(
                cx,
                environment,
                &json!({ "main.tf": { "data": network_lookup(&vpc) } }),
            );
        }
        Some(Network::OfCluster) => {
            let vpc = json!({ "id": source::expression("data.aws_eks_cluster.cluster.vpc_config[0].vpc_id") });
            add_to_root(
                cx,
                environment,
                &json!({ "main.tf": { "data": network_lookup(&vpc) } }),
            );
        }
        None => {}
    }
    let ecs = cx.stack().orchestration() == Orchestration::Ecs;
    match &environment.cluster {
        Cluster::Made if ecs => {
            share(
                cx,
                &names.cluster,
                None,
                module_path(&names.cluster),
                source::module(&["ecs_cluster"], &json!({})),
            );
            let call = json!({
                "source": source::of_module("../modules", &names.cluster),
                "name": naming::cluster_name(cx, &environment.view),
            });
            add_call(cx, environment, &names.cluster, &call);
        }
        Cluster::Made => {
            share(
                cx,
                &names.cluster,
                None,
                module_path(&names.cluster),
                source::module(&["cluster"], &json!({})),
            );
            let call = cluster_call(cx, names, environment);
            add_call(cx, environment, &names.cluster, &call);
        }
        Cluster::Existing(name) => {
            let data = if ecs {
                json!({ "aws_ecs_cluster": { "cluster": { "cluster_name": text(name) } } })
            } else {
                json!({ "aws_eks_cluster": { "cluster": { "name": text(name) } } })
            };
            add_to_root(cx, environment, &json!({ "main.tf": { "data": data } }));
        }
        Cluster::None => {}
    }
}

fn add_call(cx: &mut Context<'_>, environment: &Environment<'_>, module: &Name, call: &Json) {
    add_to_root(
        cx,
        environment,
        &json!({ "main.tf": { "module": { module.identifier(): call } } }),
    );
}

fn network_call(cx: &Context<'_>, names: &Shared, environment: &Environment<'_>) -> Json {
    let mut call = json!({
        "source": source::of_module("../modules", &names.network),
        "name": environment.prefix(cx),
        "stage": environment.stage(),
    });
    if let Some(block) = environment.setting(cx, &["network"]).and_then(Node::as_str) {
        call["cidr_block"] = text(block);
    }
    call
}

/// A network that is there already, and its subnets by the tags that EKS and its controllers use.
fn network_lookup(vpc: &Json) -> Json {
    let subnets = |role: &str| {
        let of_network = json!({ "name": "vpc-id", "values": ["${data.aws_vpc.network.id}"] });
        json!({ "filter": of_network, "tags": { role: "1" } })
    };
    json!({
        "aws_vpc": { "network": vpc },
        "aws_subnets": {
            "private": subnets("kubernetes.io/role/internal-elb"),
            "public": subnets("kubernetes.io/role/elb"),
        },
    })
}

fn cluster_call(cx: &Context<'_>, names: &Shared, environment: &Environment<'_>) -> Json {
    let production = environment.view.is_production();
    let number = |key: &str, default: i64| {
        environment
            .setting(cx, &["cluster", key])
            .and_then(Node::as_integer)
            .unwrap_or(default)
    };
    let minimum = number("minimum", if production { 3 } else { 2 });
    let version = environment
        .setting(cx, &["cluster", "version"])
        .and_then(Node::scalar_text);
    let instances = environment.texts(cx, &["cluster", "instances"]);
    let mut call = json!({
        "source": source::of_module("../modules", &names.cluster),
        "name": naming::cluster_name(cx, &environment.view),
        "stage": environment.stage(),
        "kubernetes_version": text(version.as_deref().unwrap_or(KUBERNETES)),
        "subnet_ids": environment.network_value(&names.network, "private_subnet_ids"),
        "instance_types": instances.unwrap_or_else(|| json!([if production { "m7i.large" } else { "t3.large" }])),
        "node_count": { "minimum": minimum, "maximum": number("maximum", if production { 9 } else { 4 }).max(minimum) },
        "namespace": text(&naming::namespace(cx, &environment.view)),
        "readable_secrets": secrets::readable(cx, &environment.view).iter().map(|name| text(name)).collect::<Json>(),
    });
    if let Some(role) = environment.view.text("role") {
        call["deploy_role"] = text(&role);
    }
    if let Some(blocks) = environment.texts(cx, &["cluster", "access"]) {
        call["access_cidr_blocks"] = blocks;
    }
    call
}
