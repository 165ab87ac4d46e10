//! What the pages say of a service, gathered once.
//!
//! In: the desk of the blueprint. Out: [`Facts`]: the service, its environments, and which other
//! blueprints it has, with the addresses of what they make. Pages follow from them alone.

use loom_plan::addr::Name;
use loom_plan::intent::context::{Context, Sibling};
use loom_plan::node::Node;
use loom_plan::project::view::EnvironmentView;
use loom_plan::stack::{Ci, Hosting, Iac, Monitoring, Orchestration, Strategy};

use crate::blueprints::workload::secrets::Keeping;
use crate::naming::{self, RegistryHost};

/// All that the pages need.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own that the pages ask"
)]
pub(super) struct Facts {
    /// The blueprint's name.
    pub(super) name: Name,
    pub(super) project: Name,
    pub(super) service: Name,
    /// Text of a person.
    pub(super) title: String,
    /// Which pages there are.
    pub(super) pages: Vec<String>,
    /// From a page's directory to the root: `../../`.
    pub(super) up: String,
    /// Where the pages are, seen from the root: `docs/entity-api`.
    pub(super) directory: String,
    /// The path that answers when it is well; `None` without a port that could be asked.
    pub(super) health: Option<String>,
    /// Whether requests reach it from outside.
    pub(super) public: bool,
    pub(super) strategy: Strategy,
    pub(super) image: Image,
    pub(super) environments: Vec<Environment>,
    pub(super) variables: Vec<Variable>,
    pub(super) pipeline: Option<Pipeline>,
    /// What runs it, where that is Kubernetes.
    pub(super) workload: Option<Workload>,
    /// Whether Amazon ECS runs it.
    pub(super) ecs: bool,
    pub(super) infrastructure: Option<Infrastructure>,
    pub(super) migrates: bool,
    pub(super) alerts: Vec<Alert>,
    pub(super) monitoring: Monitoring,
}

/// Where the image comes from.
#[derive(Clone, Debug)]
pub(super) enum Image {
    /// The pipeline builds it, and keeps it in this repository.
    Built(String),
    /// It is built elsewhere, and called so.
    Given(String),
}

/// One environment.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) name: Name,
    pub(super) url: Option<String>,
    pub(super) region: Option<String>,
    pub(super) namespace: String,
    pub(super) cluster: Option<String>,
    pub(super) approval: bool,
    pub(super) production: bool,
    /// The command that makes a kubectl context which is called like the environment.
    pub(super) access: Option<String>,
    pub(super) state: Option<String>,
    /// The log group that the infrastructure makes.
    pub(super) log_group: String,
    /// The branches that deploy to it, where it has branches of its own.
    pub(super) branches: Option<Vec<String>>,
}

/// A variable of the service.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    /// Where its value comes from in each environment, in their order.
    pub(super) sources: Vec<Source>,
    /// Text of a person.
    pub(super) description: Option<String>,
}

/// Where the value of a variable comes from in one environment.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// It stands in loom.yaml.
    Value(Option<String>),
    /// It is a secret.
    Secret(Keeping),
}

impl Source {
    /// Where the secret is kept, if it is one.
    pub(super) fn keeping(&self) -> Option<&Keeping> {
        if let Self::Secret(keeping) = self {
            Some(keeping)
        } else {
            None
        }
    }
}

/// The pipeline that deploys it.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) name: Name,
    /// The branches that start it.
    pub(super) branches: Vec<String>,
    /// The environments that it deploys to.
    pub(super) environments: Vec<Name>,
    /// Whether a person can start it.
    pub(super) manual: bool,
    /// Whether it changes the database before a deployment.
    pub(super) migrates: bool,
    /// What it reads from the CI's settings.
    pub(super) needs: Vec<Need>,
}

/// A setting of the CI that the pipeline reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// The environment that has it; `None` is the repository.
    pub(super) environment: Option<Name>,
    pub(super) name: &'static str,
    /// `variable` or `secret`.
    pub(super) form: &'static str,
    pub(super) purpose: &'static str,
}

/// The manifests that run it.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    pub(super) name: Name,
    pub(super) environments: Vec<Name>,
    /// The registry that asks who pulls, and the Secret that answers, if one is named.
    pub(super) pulls: Option<(String, Option<String>)>,
}

/// The infrastructure that it runs on.
#[derive(Clone, Debug)]
pub(super) struct Infrastructure {
    pub(super) iac: Iac,
    pub(super) components: Vec<String>,
    pub(super) environments: Vec<Name>,
    /// The environments whose state has a bucket that a root of its own makes first.
    pub(super) bootstraps: Vec<Name>,
    /// The environments whose cluster it makes.
    pub(super) clusters: Vec<Name>,
}

/// One alert.
#[derive(Clone, Debug)]
pub(super) struct Alert {
    pub(super) name: Name,
    pub(super) metric: String,
    pub(super) environments: Vec<Name>,
}

impl Facts {
    /// Gathers the facts.
    pub(super) fn read(cx: &Context<'_>) -> Self {
        let service = cx.service();
        let environments = cx.environments();
        let root = cx.stack().docs();
        let directory = format!(
            "{}/{}",
            root.trim_start_matches("./").trim_matches('/'),
            cx.name()
        );
        let pipeline = pipeline(cx);
        Self {
            name: cx.name().clone(),
            project: cx.project_name().clone(),
            service: service.name().clone(),
            title: Some(service.title())
                .filter(|title| !title.trim().is_empty())
                .unwrap_or_else(|| service.name().to_string()),
            pages: pages_of(cx.setting("pages")),
            up: "../".repeat(directory.split('/').count()),
            directory,
            health: service.port().map(|_| service.health()),
            public: service.is_public(),
            strategy: cx.strategy(),
            image: match service.image() {
                Some(image) => Image::Given(image),
                None => Image::Built(naming::repository(cx).image()),
            },
            environments: environments
                .iter()
                .map(|view| environment(cx, view))
                .collect(),
            variables: variables(cx, &environments),
            workload: kubernetes(cx),
            ecs: runs_on_ecs(cx),
            infrastructure: cx
                .sibling("infrastructure")
                .map(|sibling| infrastructure(cx, &sibling)),
            migrates: cx.sibling("migration").is_some()
                || service.migrations().is_some()
                || pipeline.as_ref().is_some_and(|pipeline| pipeline.migrates),
            pipeline,
            alerts: alerts(cx),
            monitoring: cx.stack().monitoring(),
        }
    }

    /// The environment that examples are about: production, of those that there are manifests for.
    pub(super) fn main(&self) -> Option<&Environment> {
        let runs = |environment: &&Environment| {
            self.workload
                .as_ref()
                .is_none_or(|workload| workload.environments.contains(&environment.name))
        };
        let production = self
            .environments
            .iter()
            .filter(runs)
            .rfind(|environment| environment.production);
        production.or(self.environments.iter().rfind(runs))
    }

    /// Whether a page is written.
    pub(super) fn has_page(&self, page: &str) -> bool {
        self.pages.iter().any(|known| known == page)
    }
}

/// The pages that a `docs` blueprint makes, by its `pages`.
pub(in crate::blueprints) fn pages_of(said: Option<&Node>) -> Vec<String> {
    match said.and_then(Node::as_seq) {
        Some(pages) => pages
            .iter()
            .filter_map(Node::as_str)
            .map(str::to_owned)
            .collect(),
        None => vec!["deployment".to_owned(), "rollback".to_owned()],
    }
}

fn environment(cx: &Context<'_>, view: &EnvironmentView<'_>) -> Environment {
    let (cluster, region) = (naming::cluster(cx, view), view.text("region"));
    let infrastructure = cx
        .sibling("infrastructure")
        .map_or(cx.service().name(), |sibling| sibling.name);
    Environment {
        name: view.name().clone(),
        url: cx.service().url(view),
        namespace: naming::namespace(cx, view),
        approval: view.needs_approval(),
        production: view.is_production(),
        access: access(
            cx.stack().hosting(),
            view,
            cluster.as_deref(),
            region.as_deref(),
        )
        .filter(|_| cx.stack().orchestration() != Orchestration::Ecs),
        state: view.text("stateBucket"),
        log_group: format!(
            "/services/{}",
            naming::service_name(cx, view, infrastructure)
        ),
        branches: view.branches(),
        cluster,
        region,
    }
}

/// How one comes to the cluster, where that is known.
fn access(
    hosting: Hosting,
    view: &EnvironmentView<'_>,
    cluster: Option<&str>,
    region: Option<&str>,
) -> Option<String> {
    let (name, cluster, region) = (
        view.name(),
        super::page::word(cluster?),
        region.map(super::page::word),
    );
    match hosting {
        Hosting::Aws => Some(format!(
            "aws eks update-kubeconfig --name {cluster} --region {} --alias {name}",
            region?
        )),
        Hosting::Gcp => {
            let project = super::page::word(&view.text("project")?);
            let get = format!(
                "gcloud container clusters get-credentials {cluster} --region {} --project {project}",
                region.clone()?
            );
            let context = format!("gke_{project}_{}_{cluster}", region?);
            Some(format!(
                "{get} &&\n  kubectl config rename-context {context} {name}"
            ))
        }
        Hosting::Azure
        | Hosting::Vercel
        | Hosting::Railway
        | Hosting::Fly
        | Hosting::SelfHosted
        | Hosting::None => None,
    }
}

fn variables(cx: &Context<'_>, environments: &[EnvironmentView<'_>]) -> Vec<Variable> {
    let mut variables: Vec<Variable> = Vec::new();
    for view in environments {
        for (index, read) in cx.service().variables(view.name()).into_iter().enumerate() {
            if variables.len() == index {
                variables.push(Variable {
                    name: read.name.clone(),
                    sources: Vec::new(),
                    description: None,
                });
            }
            let variable = &mut variables[index];
            variable.description = read.description.or(variable.description.take());
            variable.sources.push(match read.secret {
                Some(secret) => Source::Secret(Keeping::of(cx, view, &read.name, &secret)),
                None => Source::Value(read.value),
            });
        }
    }
    variables
}

fn pipeline(cx: &Context<'_>) -> Option<Pipeline> {
    let sibling = cx
        .sibling("pipeline")
        .filter(|_| cx.stack().ci() == Ci::GithubActions)?;
    let mut branches = texts(sibling.settings.get("branches"));
    if branches.is_empty() {
        branches.push("main".to_owned());
    }
    let environments = covered(cx, sibling.environments);
    let said = |key: &str| sibling.settings.get(key).and_then(Node::as_bool);
    Some(Pipeline {
        name: sibling.name.clone(),
        branches,
        needs: needs(cx, &environments),
        environments,
        manual: said("manual") == Some(true),
        migrates: said("migrations").unwrap_or_else(|| cx.sibling("migration").is_some()),
    })
}

/// What the pipeline reads from the CI's settings, because no file may hold it or nobody set it.
fn needs(cx: &Context<'_>, environments: &[Name]) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut need = |environment: Option<&Name>, name, form, purpose| {
        needs.push(Need {
            environment: environment.cloned(),
            name,
            form,
            purpose,
        });
    };
    let aws = cx.stack().hosting() == Hosting::Aws;
    let cluster = if cx.stack().orchestration() == Orchestration::Ecs {
        "ECS_CLUSTER"
    } else {
        "EKS_CLUSTER"
    };
    if cx.service().image().is_none() {
        match naming::repository(cx).host {
            RegistryHost::Foreign(host) if host != "ghcr.io" => {
                need(
                    None,
                    "REGISTRY_USERNAME",
                    "variable",
                    "who signs in to the registry",
                );
                need(
                    None,
                    "REGISTRY_PASSWORD",
                    "secret",
                    "the password or token for it",
                );
            }
            RegistryHost::Ecr { account, region } => {
                let role = naming::registry_environment(cx)
                    .as_ref()
                    .and_then(naming::role);
                let unset = [
                    (
                        role.is_none(),
                        "AWS_ROLE_ARN",
                        "the role that pushes images",
                    ),
                    (
                        account.is_none(),
                        "AWS_ACCOUNT_ID",
                        "the account that keeps the images",
                    ),
                    (
                        region.is_none(),
                        "AWS_REGION",
                        "the region that keeps the images",
                    ),
                ];
                unset
                    .into_iter()
                    .filter(|(unset, ..)| *unset)
                    .for_each(|(_, name, why)| need(None, name, "variable", why));
            }
            RegistryHost::Foreign(_) | RegistryHost::Unknown => {}
        }
    }
    for view in cx
        .all_environments()
        .filter(|view| environments.contains(view.name()))
    {
        let place = Some(view.name());
        if !aws {
            need(place, "KUBECONFIG", "secret", "how the cluster is reached");
            continue;
        }
        let unset = [
            (
                naming::role(&view).is_none(),
                "AWS_ROLE_ARN",
                "the role that deploys",
            ),
            (
                view.text("region").is_none(),
                "AWS_REGION",
                "the region of the cluster",
            ),
            (
                naming::cluster(cx, &view).is_none(),
                cluster,
                "the name of the cluster",
            ),
        ];
        unset
            .into_iter()
            .filter(|(unset, ..)| *unset)
            .for_each(|(_, name, why)| need(place, name, "variable", why));
    }
    needs
}

fn kubernetes(cx: &Context<'_>) -> Option<Workload> {
    let sibling = cx
        .sibling("workload")
        .filter(|_| cx.stack().orchestration() == Orchestration::Kubernetes)?;
    let secret = sibling
        .settings
        .get("pullSecret")
        .and_then(Node::as_str)
        .map(str::to_owned);
    let pulls = match naming::repository(cx).host {
        RegistryHost::Foreign(host) if cx.service().image().is_none() => Some((host, secret)),
        RegistryHost::Foreign(_) | RegistryHost::Ecr { .. } | RegistryHost::Unknown => None,
    };
    Some(Workload {
        name: sibling.name.clone(),
        environments: covered(cx, sibling.environments),
        pulls,
    })
}

fn runs_on_ecs(cx: &Context<'_>) -> bool {
    let makes = cx
        .siblings_of("infrastructure")
        .iter()
        .any(|sibling| naming::makes(cx, sibling, "cluster"));
    makes && cx.stack().orchestration() == Orchestration::Ecs
}

/// The environments that a blueprint with these `environments` is for.
fn covered(cx: &Context<'_>, said: Option<&Node>) -> Vec<Name> {
    let chosen = said.map(|said| texts(Some(said)));
    let concerned = |name: &Name| {
        chosen
            .as_ref()
            .is_none_or(|chosen| chosen.iter().any(|known| known == name.as_str()))
    };
    cx.all_environments()
        .map(|view| view.name().clone())
        .filter(concerned)
        .collect()
}

fn texts(node: Option<&Node>) -> Vec<String> {
    let items = node.and_then(Node::as_seq).unwrap_or_default();
    items
        .iter()
        .filter_map(Node::as_str)
        .map(str::to_owned)
        .collect()
}

fn infrastructure(cx: &Context<'_>, sibling: &Sibling<'_>) -> Infrastructure {
    let components = texts(sibling.settings.get("components"));
    let environments = covered(cx, sibling.environments);
    // what is listed is made; what is not said is made unless the environment has one
    let made = |component: &str, given: &str| -> Vec<Name> {
        let views = cx
            .all_environments()
            .filter(|view| environments.contains(view.name()));
        let listed = components.iter().any(|listed| listed == component);
        let made =
            views.filter(|view| listed || (components.is_empty() && view.text(given).is_none()));
        made.map(|view| view.name().clone()).collect()
    };
    let kubernetes = cx.stack().orchestration() == Orchestration::Kubernetes;
    Infrastructure {
        iac: cx.stack().iac(),
        bootstraps: made("state", "stateBucket"),
        clusters: if kubernetes {
            made("cluster", "cluster")
        } else {
            Vec::new()
        },
        components,
        environments,
    }
}

/// The alerts that Datadog keeps.
fn alerts(cx: &Context<'_>) -> Vec<Alert> {
    if cx.stack().monitoring() != Monitoring::Datadog {
        return Vec::new();
    }
    let siblings = cx.siblings_of("alert");
    let read = siblings.iter().map(|sibling| Alert {
        name: sibling.name.clone(),
        metric: sibling
            .settings
            .get("metric")
            .and_then(Node::as_str)
            .unwrap_or_default()
            .to_owned(),
        environments: match sibling.environments {
            None => cx
                .all_environments()
                .filter(EnvironmentView::is_production)
                .map(|view| view.name().clone())
                .collect(),
            said => covered(cx, said),
        },
    });
    read.collect()
}
