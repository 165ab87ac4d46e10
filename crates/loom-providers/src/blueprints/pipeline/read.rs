//! What the project says, made a [`Delivery`].
//!
//! In: the desk. Out: the delivery, or all that is missing or cannot be served.
//!
//! Invariant: every text of a person that leaves here is guarded: [`value`] where the CI would
//! read expressions, [`fixed`] where it reads none, [`shell`] where it is a command.

use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::{Context, literal};
use loom_plan::node::Node;
use loom_plan::project::view::EnvironmentView;
use loom_plan::stack::{Containerization, Hosting, Orchestration, Strategy};

use super::CHECKS;
use super::model::{
    Access, Build, Checks, Delivery, Engine, Image, Login, Role, Stage, Start, TestDatabase,
};
use crate::emit::github;
use crate::naming::{self, RegistryHost};
use crate::pins;
use crate::toolchain::{self, Toolchain};

/// Text of a person where GitHub evaluates expressions and loom references: both stay text.
fn value(text: &str) -> String {
    github::literal(&literal(text))
}

/// Text of a person where GitHub reads no expressions and refuses what looks like one.
fn fixed(text: &str) -> String {
    literal(text).replace("${{", "$ {{")
}

/// A variable of the CI, where nobody set the value.
fn or_variable(set: Option<String>, variable: &str) -> String {
    set.map_or_else(|| format!("${{{{ vars.{variable} }}}}"), |set| value(&set))
}

/// A command of the service or the stack. It is a shell's text by intent; what it may not be is an
/// expression of the CI, which would be put into it before the shell sees it.
fn shell(cx: &mut Context<'_>, name: &str, command: &str) -> Option<String> {
    if !command.contains("${{") {
        return Some(literal(command));
    }
    let message = format!(
        "`commands.{name}` holds `${{{{`, which GitHub would evaluate before the shell runs the command"
    );
    let place = cx.service().span(&["commands", name]);
    let found = Diagnostic::new(Code::Unwritable, message).at(place, "");
    cx.report(found.help("read the value from an environment variable instead"));
    None
}

/// All that the pipeline does; `None` where something is missing or cannot be served, which is said.
pub(super) fn delivery(cx: &mut Context<'_>) -> Option<Delivery> {
    let served = is_served(cx);
    let checks = checks(cx);
    let image = image(cx);
    let branches = cx
        .setting("branches")
        .map_or_else(|| vec!["main".to_owned()], texts);
    let migrate = migrate(cx);
    let stages: Vec<Stage> = cx
        .environments()
        .iter()
        .map(|environment| stage(cx, environment, migrate.as_ref()))
        .collect();
    let checks = checks.ok()?;
    let image = image?;
    if !served || migrate.is_err() {
        return None;
    }
    let manual = cx.setting("manual").and_then(Node::as_bool) == Some(true);
    let service = cx.service();
    let mut all: Vec<String> = branches.iter().map(|branch| fixed(branch)).collect();
    for branch in stages
        .iter()
        .filter_map(|stage| stage.branches.as_ref())
        .flatten()
    {
        if !all.contains(branch) {
            all.push(branch.clone());
        }
    }
    Some(Delivery {
        service: service.name().to_string(),
        title: fixed(&service.title()),
        branches: all,
        paths: paths(cx, &image),
        start: if manual {
            Start::ChangeOrPerson
        } else {
            Start::Change
        },
        checks,
        image,
        strategy: cx.strategy(),
        stages: own_branches(stages, &branches),
    })
}

/// Where one environment has branches of its own, all say theirs.
fn own_branches(mut stages: Vec<Stage>, common: &[String]) -> Vec<Stage> {
    if stages.iter().any(|stage| stage.branches.is_some()) {
        for stage in &mut stages {
            stage
                .branches
                .get_or_insert_with(|| common.iter().map(|branch| fixed(branch)).collect());
        }
    }
    stages
}

fn texts(node: &Node) -> Vec<String> {
    node.as_seq()
        .unwrap_or_default()
        .iter()
        .filter_map(Node::as_str)
        .map(str::to_owned)
        .collect()
}

/// Whether the stack's orchestration, hosting and strategy can be served; says why where not.
fn is_served(cx: &mut Context<'_>) -> bool {
    let orchestration = cx.stack().orchestration();
    let orchestrated = match orchestration {
        Orchestration::Kubernetes => true,
        Orchestration::Ecs => says_no_strategy(cx),
        Orchestration::DockerCompose | Orchestration::None => {
            let message = format!(
                "this version deploys to Kubernetes and ECS, and `infrastructure.orchestration` is `{orchestration}`"
            );
            let help = "set it to `kubernetes` or `ecs`, or take the `pipeline` blueprint out";
            cx.cannot("infrastructure.orchestration", message, help);
            false
        }
    };
    let hosting = cx.stack().hosting();
    let reached = match hosting {
        Hosting::Aws | Hosting::SelfHosted | Hosting::None => true,
        Hosting::Gcp | Hosting::Azure | Hosting::Vercel | Hosting::Railway | Hosting::Fly => {
            let message = format!(
                "this version deploys to clusters on AWS or of one's own, and `infrastructure.hosting` is `{hosting}`"
            );
            cx.cannot(
                "infrastructure.hosting",
                message,
                "set it to `aws` or `self-hosted`, or take the `pipeline` blueprint out",
            );
            false
        }
    };
    let strategy = match cx.strategy() {
        Strategy::Rolling | Strategy::BlueGreen => true,
        Strategy::Canary => {
            let message = "a canary needs a controller that shifts traffic by degrees, which this version does not serve";
            cx.cannot(
                "infrastructure.strategy",
                message,
                "choose `strategy: blue-green` or `strategy: rolling`",
            );
            false
        }
    };
    orchestrated && reached && strategy
}

/// On ECS the service itself says how a version takes over, which `infrastructure` makes.
fn says_no_strategy(cx: &mut Context<'_>) -> bool {
    let Some(said) = cx.setting("strategy") else {
        return true;
    };
    let message = "on ECS a pipeline has no strategy of its own: the service in the cluster says how a version takes over";
    let found = Diagnostic::new(Code::BadValue, message).at(said.span, "");
    cx.report(found.help(
        "write `strategy` in the service or the stack, where the infrastructure reads it too",
    ));
    false
}

/// What must pass first. `Err` where something is missing.
fn checks(cx: &mut Context<'_>) -> Result<Option<Checks>, ()> {
    if cx.service().image().is_some() && cx.service().runtime().is_none() {
        return Ok(None);
    }
    let toolchain = Toolchain::read(cx).ok_or(())?;
    let said = cx.setting("checks").map(texts);
    let service = cx.service();
    let mut commands = Vec::new();
    let mut complete = true;
    for name in CHECKS {
        let wanted = match &said {
            Some(said) => said.iter().any(|check| check == name),
            None => matches!(*name, "lint" | "test") || service.command(name).is_some(),
        };
        let found = toolchain::command(cx, &toolchain.defaults, name).filter(|_| wanted);
        match found {
            Some(command) => match shell(cx, name, &command) {
                Some(command) => commands.push((*name, command)),
                None => complete = false,
            },
            None if wanted && said.is_some() => {
                let pointer = format!("services.{}.commands.{name}", service.name());
                cx.missing(
                    pointer,
                    "the command of a check that the pipeline runs",
                    &format!("commands: {{ {name}: make {name} }}"),
                );
                complete = false;
            }
            None => {}
        }
    }
    if commands.is_empty() && complete {
        return Ok(None);
    }
    if let Some(install) = toolchain::command(cx, &toolchain.defaults, "install") {
        match shell(cx, "install", &install) {
            Some(install) => commands.insert(0, ("install", install)),
            None => complete = false,
        }
    }
    let database = test_database(cx);
    let directory = value(&service.path());
    if complete {
        Ok(Some(Checks {
            directory,
            toolchain,
            commands,
            database,
        }))
    } else {
        Err(())
    }
}

/// An empty database for the tests of a service that keeps its address in the secret `DATABASE_URL`.
fn test_database(cx: &Context<'_>) -> Option<TestDatabase> {
    let environment = cx.environments().into_iter().next()?;
    let variables = cx.service().variables(environment.name());
    variables
        .iter()
        .find(|variable| variable.name == "DATABASE_URL" && variable.secret.is_some())?;
    let database = cx.service().database(environment.name())?;
    let (engine, image) = if database.engine == "mysql" {
        (Engine::Mysql, "mysql")
    } else {
        (Engine::Postgresql, "postgres")
    };
    let version = database
        .version
        .or_else(|| pins::version(image, None).ok())?;
    Some(TestDatabase {
        engine,
        image: value(&pins::image(cx, image, &version)),
    })
}

/// The image: built here and pushed to the stack's registry, or one that is built elsewhere.
fn image(cx: &mut Context<'_>) -> Option<Image> {
    if let Some(image) = cx.service().image() {
        return Some(Image::Given(value(&image)));
    }
    let repository = naming::repository(cx);
    let (registry, login) = match &repository.host {
        RegistryHost::Foreign(host) if host == "ghcr.io" => {
            let owned = cx
                .stack()
                .registry()
                .is_some_and(|registry| registry.contains('/'));
            if !owned {
                cx.missing(
                    "stack.infrastructure.registry",
                    "the owner of the packages on ghcr.io",
                    "infrastructure: { registry: ghcr.io/acme }",
                );
                return None;
            }
            (value(host), Login::Ghcr)
        }
        RegistryHost::Foreign(host) => (value(host), Login::Password),
        RegistryHost::Ecr { account, region } => {
            let home = naming::registry_environment(cx);
            let role = role(home.as_ref());
            let (account, region) = (
                or_variable(account.clone(), "AWS_ACCOUNT_ID"),
                or_variable(region.clone(), "AWS_REGION"),
            );
            (naming::ecr_host(&account, &region), Login::Ecr(role))
        }
        RegistryHost::Unknown => {
            cx.missing(
                "stack.infrastructure.registry",
                "where images are pushed",
                "infrastructure: { registry: ghcr.io/acme }",
            );
            return None;
        }
    };
    Some(Image::Built(Build {
        dockerfile: dockerfile(cx),
        registry,
        path: value(&repository.path),
        login,
    }))
}

/// The role of an environment and its region.
fn role(environment: Option<&EnvironmentView<'_>>) -> Role {
    Role {
        arn: or_variable(environment.and_then(naming::role), "AWS_ROLE_ARN"),
        region: or_variable(
            environment.and_then(|environment| environment.text("region")),
            "AWS_REGION",
        ),
    }
}

/// The Dockerfile: one's own, that of the container blueprint, or the custom in the service's path.
fn dockerfile(cx: &Context<'_>) -> String {
    if let Some(own) = cx.text("dockerfile") {
        return value(&own);
    }
    match (cx.sibling("container"), cx.service().path().as_str()) {
        (Some(container), _) => format!("${{ref:docker.dockerfile.{}.path}}", container.name),
        (None, ".") => "Dockerfile".to_owned(),
        (None, path) => value(&format!("{path}/Dockerfile")),
    }
}

/// What changes the database before a deployment. `Err` where it is missing.
fn migrate(cx: &mut Context<'_>) -> Result<Option<String>, ()> {
    let said = cx.setting("migrations").and_then(Node::as_bool);
    if !said.unwrap_or_else(|| cx.sibling("migration").is_some()) {
        return Ok(None);
    }
    let Some(command) = cx.service().command("migrate") else {
        let pointer = format!("services.{}.commands.migrate", cx.service().name());
        cx.missing(
            pointer,
            "the command that migrates the database, run in the service's image",
            "commands: { migrate: npm run migrate }",
        );
        return Err(());
    };
    Ok(Some(value(&command)))
}

fn stage(
    cx: &Context<'_>,
    environment: &EnvironmentView<'_>,
    migrate: Result<&Option<String>, &()>,
) -> Stage {
    let service = cx.service();
    let access = match cx.stack().hosting() {
        Hosting::Aws if cx.stack().orchestration() == Orchestration::Ecs => Access::Ecs {
            role: role(Some(environment)),
            cluster: or_variable(naming::cluster(cx, environment), "ECS_CLUSTER"),
        },
        Hosting::Aws => Access::Eks {
            role: role(Some(environment)),
            cluster: or_variable(naming::cluster(cx, environment), "EKS_CLUSTER"),
        },
        Hosting::Gcp
        | Hosting::Azure
        | Hosting::Vercel
        | Hosting::Railway
        | Hosting::Fly
        | Hosting::SelfHosted
        | Hosting::None => Access::Kubeconfig,
    };
    let url = service.url(environment).filter(|_| service.is_public());
    Stage {
        environment: environment.name().to_string(),
        url: url.map(|url| value(url.trim_end_matches('/'))),
        health: service.port().map(|port| (port, value(&service.health()))),
        manifests: naming::manifest_directory(environment),
        namespace: value(&naming::namespace(cx, environment)),
        access,
        branches: environment
            .branches()
            .map(|branches| branches.iter().map(|branch| fixed(branch)).collect()),
        migrate: migrate.cloned().ok().flatten(),
    }
}

/// The paths whose change starts the pipeline; none where the service is the whole repository.
fn paths(cx: &Context<'_>, image: &Image) -> Vec<String> {
    let service = cx.service();
    let path = service.path();
    if path == "." {
        return Vec::new();
    }
    let mut paths = vec![fixed(&format!("{path}/**"))];
    paths.extend(service.watch().iter().map(|glob| fixed(glob)));
    paths.extend(
        toolchain::defaults(service.package_manager())
            .locks
            .iter()
            .map(|lock| (*lock).to_owned()),
    );
    if let Image::Built(build) = image {
        paths.push(build.dockerfile.clone());
    }
    if cx.stack().orchestration() == Orchestration::Kubernetes {
        let workload = cx
            .sibling("workload")
            .map_or(service.name(), |workload| workload.name);
        paths.push(format!("k8s/*/{workload}.yml"));
    }
    paths.push(naming::workflow_path(cx.name()));
    if cx.stack().containerization() != Containerization::None {
        paths.push(".dockerignore".to_owned());
    }
    let mut unique: Vec<String> = Vec::new();
    for path in paths {
        if !unique.contains(&path) {
            unique.push(path);
        }
    }
    unique
}
