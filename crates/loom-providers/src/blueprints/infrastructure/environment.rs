//! One environment, with what its infrastructure is made of or found in.

use loom_plan::addr::Name;
use loom_plan::intent::context::Context;
use loom_plan::node::Node;
use loom_plan::project::view::EnvironmentView;
use loom_plan::stack::Orchestration;
use serde_json::{Value as Json, json};

use super::source::{expression, text};
use crate::naming;

/// One environment of the blueprint.
pub(super) struct Environment<'a> {
    pub(super) view: EnvironmentView<'a>,
    /// The cloud's region.
    pub(super) region: String,
    /// The components that are wanted, here and elsewhere.
    pub(super) wanted: Vec<&'static str>,
    /// What runs the services.
    pub(super) cluster: Cluster,
    /// Where the network comes from; `None` where nothing needs one.
    pub(super) network: Option<Network>,
}

/// What runs the services of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cluster {
    /// Made here.
    Made,
    /// There already, called so.
    Existing(String),
    /// No cluster that loom knows of.
    None,
}

/// Where the network of an environment comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// Made here.
    Made,
    /// There already: the VPC with this `Name` tag.
    Existing(String),
    /// The network of the cluster, which is there already.
    OfCluster,
}

impl<'a> Environment<'a> {
    /// What holds in an environment; `None`, and said so, where a setting is missing.
    pub(super) fn of(
        cx: &mut Context<'_>,
        view: EnvironmentView<'a>,
        wanted: &[&'static str],
    ) -> Option<Self> {
        let pointer = |key: &str| format!("environments.{}.{key}", view.name());
        let wants = |component: &str| wanted.contains(&component);
        let region = view.text("region");
        if region.is_none() {
            let example = format!(
                "environments: {{ {}: {{ region: us-east-1 }} }}",
                view.name()
            );
            cx.missing(
                pointer("region"),
                "the region that the infrastructure is made in",
                &example,
            );
        }
        let ecs = cx.stack().orchestration() == Orchestration::Ecs;
        let cluster = match view.text("cluster") {
            Some(_) if ecs && !wants("cluster") => Cluster::None,
            Some(name) => Cluster::Existing(name),
            None if wants("cluster") => Cluster::Made,
            None => Cluster::None,
        };
        let reached = wants("database") || wants("load-balancer");
        if cluster == Cluster::None
            && reached
            && cx.stack().orchestration() == Orchestration::Kubernetes
        {
            let why = "the cluster that runs the service, to which alone its database and load balancer are opened; \
                       or add `cluster` to the components: all services of an environment share one";
            let example = format!(
                "environments: {{ {}: {{ cluster: my-cluster }} }}",
                view.name()
            );
            cx.missing(pointer("cluster"), why, &example);
            return None;
        }
        let network = match (view.text("network"), &cluster) {
            (Some(name), _) => Some(Network::Existing(name)),
            // a cluster of ECS stands in no network: each of its services says its own
            (None, Cluster::Existing(_)) if ecs => Some(Network::Made),
            (None, Cluster::Existing(_)) => reached.then_some(Network::OfCluster),
            (None, Cluster::Made) => Some(Network::Made),
            (None, Cluster::None) => (reached || wants("network")).then_some(Network::Made),
        };
        Some(Self {
            view,
            region: region?,
            wanted: wanted.to_vec(),
            cluster,
            network,
        })
    }

    pub(super) fn name(&self) -> &'a Name {
        self.view.name()
    }

    pub(super) fn wants(&self, component: &str) -> bool {
        self.wanted.contains(&component)
    }

    /// The word that modules know: `production` or `other`.
    pub(super) fn stage(&self) -> &'static str {
        if self.view.is_production() {
            "production"
        } else {
            "other"
        }
    }

    /// `PROJECT-ENVIRONMENT`: the network, and the prefix of what all services share.
    pub(super) fn prefix(&self, cx: &Context<'_>) -> String {
        naming::cluster_name(cx, &self.view)
    }

    /// `versions.tf` and `providers.tf` of a root.
    pub(super) fn provider(&self, cx: &Context<'_>) -> Json {
        let mut provider = json!({ "region": text(&self.region) });
        if let Some(account) = naming::account(&self.view) {
            provider["allowed_account_ids"] = json!([text(&account)]);
        }
        provider["default_tags"] = json!({ "tags": {
            "Project": cx.project_name().as_str(),
            "Environment": self.name().as_str(),
            "ManagedBy": "terraform",
        } });
        json!({ "versions.tf": super::source::versions(), "providers.tf": { "provider": { "aws": provider } } })
    }

    /// An output of the project's network, or where it is found.
    pub(super) fn network_value(&self, module: &Name, output: &str) -> Json {
        let found = match output {
            "vpc_id" => "data.aws_vpc.network.id",
            "cidr_block" => "data.aws_vpc.network.cidr_block",
            "public_subnet_ids" => "data.aws_subnets.public.ids",
            _ => "data.aws_subnets.private.ids",
        };
        match &self.network {
            Some(Network::Made) => expression(&format!("module.{}.{output}", module.identifier())),
            Some(Network::Existing(_) | Network::OfCluster) | None => expression(found),
        }
    }

    /// The security group of the cluster's nodes and pods; `None` without a cluster.
    pub(super) fn cluster_security_group(&self, module: &Name) -> Option<Json> {
        match &self.cluster {
            Cluster::Made => Some(expression(&format!(
                "module.{}.security_group_id",
                module.identifier()
            ))),
            Cluster::Existing(_) => Some(expression(
                "data.aws_eks_cluster.cluster.vpc_config[0].cluster_security_group_id",
            )),
            Cluster::None => None,
        }
    }

    /// One of the blueprint's settings here.
    pub(super) fn setting<'c>(&self, cx: &Context<'c>, path: &[&str]) -> Option<&'c Node> {
        cx.setting_in(path, self.name())
    }

    /// A list of texts among the blueprint's settings.
    pub(super) fn texts(&self, cx: &Context<'_>, path: &[&str]) -> Option<Json> {
        let items = self.setting(cx, path)?.as_seq()?;
        Some(items.iter().filter_map(Node::as_str).map(text).collect())
    }
}
