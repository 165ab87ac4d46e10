//! What things outside a file are called, said once so that all blueprints agree.
//!
//! In: the desk of a blueprint. Out: names of images, clusters, namespaces, secrets and paths.
//! A value that nobody set and that cannot be derived is `None`; the pipeline then reads a CI
//! variable, and other blueprints say that it is missing.
//!
//! Deliberately not here: what the things look like.

use loom_plan::addr::{ContentHash, Name};
use loom_plan::intent::context::{Context, Sibling};
use loom_plan::project::view::EnvironmentView;
use loom_plan::stack::{Containerization, Hosting};

use crate::blueprints::infrastructure::components;

/// The label that names a service on every one of its objects; the pipeline selects by it.
pub const NAME_LABEL: &str = "app.kubernetes.io/name";

/// The label that tells the two Deployments of blue-green apart, and the key of the Service's selector.
pub const COLOR_LABEL: &str = "loom.dev/color";

/// The colours of blue-green. Committed manifests select the first; the pipeline reads the live
/// one from the cluster.
pub const COLORS: [&str; 2] = ["blue", "green"];

/// The tag of the image in committed manifests. The pipeline never pushes it: it sets the digest
/// in its own checkout, so that applying a manifest by hand cannot bring back an old image.
pub const COMMITTED_TAG: &str = "set-by-pipeline";

/// Where the images of a service are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Whose it is.
    pub host: RegistryHost,
    /// What follows the host: `PROJECT/NAME`, or what `infrastructure.registry` says and the name.
    pub path: String,
}

/// The machine that keeps images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryHost {
    /// `infrastructure.registry`: its host, such as `registry.example.com:5000`.
    Foreign(String),
    /// Amazon ECR of an account and region, where they are known.
    Ecr {
        /// The account of 12 digits.
        account: Option<String>,
        /// Such as `us-east-1`.
        region: Option<String>,
    },
    /// The stack names neither a registry nor a cloud whose own is served.
    Unknown,
}

impl Repository {
    /// The host's name, where it is known.
    pub fn host_name(&self) -> Option<String> {
        match &self.host {
            RegistryHost::Foreign(host) => Some(host.clone()),
            RegistryHost::Ecr { account, region } => {
                Some(ecr_host(account.as_ref()?, region.as_ref()?))
            }
            RegistryHost::Unknown => None,
        }
    }

    /// What a manifest writes before the tag: with the host where it is known, else the path alone.
    pub fn image(&self) -> String {
        match self.host_name() {
            Some(host) => format!("{host}/{}", self.path),
            None => self.path.clone(),
        }
    }
}

/// The registry of an AWS account and region.
pub fn ecr_host(account: &str, region: &str) -> String {
    let domain = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    format!("{account}.dkr.ecr.{region}.{domain}")
}

/// Where the service's images are kept. One image is built and promoted by digest through all
/// environments, so there is one repository for all of them: with a cloud's own registry, that of
/// [`registry_environment`].
pub fn repository(cx: &Context<'_>) -> Repository {
    let name = cx.service().name();
    let stack = cx.stack();
    if let Some(registry) = stack.registry() {
        let registry = registry
            .trim_start_matches("https://")
            .trim_end_matches('/');
        return match registry.split_once('/') {
            Some((host, path)) => Repository {
                host: RegistryHost::Foreign(host.to_owned()),
                path: format!("{path}/{name}"),
            },
            None => Repository {
                host: RegistryHost::Foreign(registry.to_owned()),
                path: repository_path(cx),
            },
        };
    }
    let host = match stack.hosting() {
        Hosting::Aws => {
            let home = registry_environment(cx);
            RegistryHost::Ecr {
                account: home.as_ref().and_then(account),
                region: home.and_then(|home| home.text("region")),
            }
        }
        Hosting::Gcp
        | Hosting::Azure
        | Hosting::Vercel
        | Hosting::Railway
        | Hosting::Fly
        | Hosting::SelfHosted
        | Hosting::None => RegistryHost::Unknown,
    };
    Repository {
        host,
        path: repository_path(cx),
    }
}

/// What the repository of a service is called in a cloud's own registry: `PROJECT/NAME`.
pub fn repository_path(cx: &Context<'_>) -> String {
    format!("{}/{}", cx.project_name(), cx.service().name())
}

/// The environment whose account keeps the images, and whose infrastructure makes the repository:
/// production, so that production depends on no other environment's account.
pub fn registry_environment<'a>(cx: &Context<'a>) -> Option<EnvironmentView<'a>> {
    cx.all_environments()
        .filter(EnvironmentView::is_production)
        .last()
}

/// The AWS account of an environment: 12 digits, also where YAML read them as a number.
pub fn account(environment: &EnvironmentView<'_>) -> Option<String> {
    environment
        .text("account")
        .map(|account| format!("{account:0>12}"))
}

/// The namespace of an environment: its `namespace`, else the project's name.
pub fn namespace(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> String {
    environment
        .text("namespace")
        .unwrap_or_else(|| cx.project_name().to_string())
}

/// The cluster of an environment: its `cluster`, else the one that the service's infrastructure
/// makes, called [`cluster_name`].
pub fn cluster(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> Option<String> {
    let made = || {
        cx.sibling("infrastructure")
            .is_some_and(|sibling| makes(cx, &sibling, "cluster"))
    };
    environment
        .text("cluster")
        .or_else(|| made().then(|| cluster_name(cx, environment)))
}

/// What a cluster is called that loom's infrastructure makes: `PROJECT-ENVIRONMENT`, short enough
/// to begin the names of its roles.
pub fn cluster_name(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> String {
    shortened(&format!("{}-{}", cx.project_name(), environment.name()), 40)
}

/// What a service is called in an environment, the prefix of all that belongs to it:
/// `PROJECT-ENVIRONMENT-NAME`, with the name of its infrastructure blueprint.
pub fn service_name(
    cx: &Context<'_>,
    environment: &EnvironmentView<'_>,
    infrastructure: &Name,
) -> String {
    shortened(
        &format!(
            "{}-{}-{infrastructure}",
            cx.project_name(),
            environment.name()
        ),
        40,
    )
}

/// Whether an infrastructure blueprint of this service makes a component: it lists it, or lists
/// none and service and stack call for it.
pub fn makes(cx: &Context<'_>, infrastructure: &Sibling<'_>, component: &str) -> bool {
    components::wanted(cx, infrastructure.settings.get("components")).contains(&component)
}

/// The key of a service's secrets in a manager: `PROJECT/ENVIRONMENT/NAME`.
pub fn secret_key(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> String {
    format!(
        "{}/{}/{}",
        cx.project_name(),
        environment.name(),
        cx.service().name()
    )
}

/// The Deployment of one colour: `NAME-blue`.
pub fn colored(service: &Name, color: &str) -> String {
    format!("{service}-{color}")
}

/// The Service through which the pipeline reaches the idle colour before the switch:
/// `NAME-preview`. Committed manifests let it select the second colour.
pub fn preview_service(service: &Name) -> String {
    format!("{service}-preview")
}

/// The directory of an environment's manifests: `k8s/ENVIRONMENT`.
pub fn manifest_directory(environment: &EnvironmentView<'_>) -> String {
    format!("k8s/{}", environment.name())
}

/// Where a service's manifests are written: `k8s/ENVIRONMENT/NAME.yml`.
pub fn manifest_path(name: &Name, environment: &EnvironmentView<'_>) -> String {
    format!("{}/{name}.yml", manifest_directory(environment))
}

/// Where a container blueprint writes: `docker/NAME.Dockerfile`, for Podman `docker/NAME.Containerfile`.
pub fn dockerfile_path(name: &Name, containers: Containerization) -> String {
    match containers {
        Containerization::Docker | Containerization::None => format!("docker/{name}.Dockerfile"),
        Containerization::Podman => format!("docker/{name}.Containerfile"),
    }
}

/// Where a pipeline blueprint writes its GitHub workflow.
pub fn workflow_path(name: &Name) -> String {
    format!(".github/workflows/deploy-{name}.yml")
}

/// The user and group that containers run as: no user of the host, and above the range that
/// hosts give out. Images say it by number, so that `runAsNonRoot` can be checked.
pub const CONTAINER_USER: u32 = 10_001;

/// The role that the pipeline takes on in an environment: its `role`, made an ARN with its
/// `account` where it is a name.
pub fn role(environment: &EnvironmentView<'_>) -> Option<String> {
    let role = environment.text("role")?;
    match (role.starts_with("arn:"), account(environment)) {
        (false, Some(account)) => Some(format!("arn:aws:iam::{account}:role/{role}")),
        _ => Some(role),
    }
}

/// The target group through which the load balancer of an environment reaches a service:
/// `PROJECT-ENVIRONMENT-NAME`, shortened with a hash to the 32 characters that AWS takes.
pub fn target_group_name(cx: &Context<'_>, environment: &EnvironmentView<'_>) -> String {
    shortened(
        &format!(
            "{}-{}-{}",
            cx.project_name(),
            environment.name(),
            cx.service().name()
        ),
        32,
    )
}

/// `name` where it has at most `limit` characters, else its beginning and six digits of its hash.
pub fn shortened(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let beginning: String = name.chars().take(limit.saturating_sub(7)).collect();
    format!(
        "{}-{}",
        beginning.trim_end_matches('-'),
        ContentHash::of(name.as_bytes()).short(6)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_is_shortened_to_one_that_stays_its_own() {
        assert_eq!(
            shortened("entities-production-entity-api", 32),
            "entities-production-entity-api"
        );
        let (one, other) = (
            "a-project-of-many-words-production-api",
            "a-project-of-many-words-production-web",
        );
        assert!(shortened(one, 32).len() <= 32);
        assert!(shortened(one, 32).starts_with("a-project-of-many-words-p-"));
        assert_ne!(shortened(one, 32), shortened(other, 32));
    }
}
