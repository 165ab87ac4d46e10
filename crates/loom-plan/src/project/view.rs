//! The project as a blueprint sees it: typed values, every read remembered.
//!
//! In: the checked [`Project`]. Out: plain values. What is read goes into [`Reads`], which is how
//! a plan can say which setting changed a file.

use std::cell::RefCell;

use super::{Environment, Project, Service, seen_from_root};
use crate::addr::{ContentHash, Name};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::node::Node;
use crate::shape;
use crate::stack::{
    Ci, Containerization, Database, Hosting, Iac, Monitoring, Orchestration, PackageManager,
    Runtime, Strategy,
};
use crate::text::Span;

/// A value that compiling read.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The value; `None` where there was none.
    pub value: Option<Node>,
    /// The environment that it was read for, where it was read for one.
    pub environment: Option<Name>,
}

impl Read {
    /// Six hexadecimal digits that stand for the value.
    pub fn hash(&self) -> String {
        hash_of(self.value.as_ref())
    }
}

/// What was read to make one declaration, by pointer. Each of thousands has a few: it takes no
/// more room than they need.
#[derive(Clone, Debug, Default)]
pub struct ReadOf(Vec<(String, Read)>);

impl ReadOf {
    /// Adds or replaces what was read.
    pub fn insert(&mut self, pointer: String, read: Read) {
        match self.place(&pointer) {
            Ok(at) => self.0[at].1 = read,
            Err(at) => self.0.insert(at, (pointer, read)),
        }
    }

    /// Pointers and what was read, sorted by pointer.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Read)> {
        self.0.iter().map(|(pointer, read)| (pointer, read))
    }

    /// Whether a pointer was read.
    pub fn contains(&self, pointer: &str) -> bool {
        self.place(pointer).is_ok()
    }

    fn place(&self, pointer: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_str().cmp(pointer))
    }
}

/// Of two that were read at one pointer, the later one stays.
impl Extend<(String, Read)> for ReadOf {
    fn extend<T: IntoIterator<Item = (String, Read)>>(&mut self, reads: T) {
        reads
            .into_iter()
            .for_each(|(pointer, read)| self.insert(pointer, read));
    }
}

/// What was read so far, by pointer such as `services.entity-api.port`.
#[derive(Debug, Default)]
pub struct Reads(RefCell<ReadOf>);

impl Reads {
    /// Remembers a value, or that there was none.
    pub fn log(&self, pointer: String, node: Option<&Node>, environment: Option<&Name>) {
        let reads = &mut *self.0.borrow_mut();
        match reads.place(&pointer) {
            Ok(at) if reads.0[at].1.environment.as_ref() != environment => {
                reads.0[at].1.environment = None;
            }
            Ok(_) => {}
            Err(at) => reads.0.insert(
                at,
                (
                    pointer,
                    Read {
                        value: node.cloned(),
                        environment: environment.cloned(),
                    },
                ),
            ),
        }
    }

    /// Whether a part of the stack that was read is hidden by an error: what was made of it, or found
    /// to be missing, may be other than it looks.
    pub fn hidden(&self, said: &Diagnostics) -> bool {
        let reads = self.0.borrow();
        let of_stack = |pointer: &&String| pointer.starts_with("stack.");
        reads
            .iter()
            .map(|(pointer, _)| pointer)
            .filter(of_stack)
            .any(|pointer| said.hides_setting(pointer))
    }

    /// All that was read.
    pub fn into_all(self) -> ReadOf {
        self.0.into_inner()
    }

    /// What was read for one environment, or for none in particular; all of it for `None`.
    pub fn of(&self, environment: Option<&Name>) -> ReadOf {
        let concerns = |read: &Read| {
            environment.is_none()
                || read.environment.is_none()
                || read.environment.as_ref() == environment
        };
        let reads = self.0.borrow();
        let chosen = reads.iter().filter(|(_, read)| concerns(read));
        ReadOf(
            chosen
                .map(|(pointer, read)| (pointer.clone(), read.clone()))
                .collect(),
        )
    }
}

/// Six hexadecimal digits that stand for a value.
pub fn hash_of(node: Option<&Node>) -> String {
    let text = node.map_or_else(String::new, |node| node.to_json().to_string());
    ContentHash::of(text.as_bytes()).short(6)
}

/// What holds in one environment: the value, or the mapping's entry for it, or its `default`.
pub fn resolve<'a>(
    node: &'a Node,
    environment: &Name,
    project: &Project,
) -> Option<(&'a Node, Option<&'static str>)> {
    match node.as_map() {
        Some(map) if shape::is_per_environment(map, &project.environment_names) => {
            match map.get(environment.as_str()) {
                Some(node) => Some((node, None)),
                None => map.get("default").map(|node| (node, Some("default"))),
            }
        }
        _ => Some((node, Some(""))),
    }
}

/// A variable of a service's environment.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Such as `DATABASE_URL`.
    pub name: String,
    /// Where it was declared.
    pub span: Span,
    /// Where its secret is kept; `None` for a plain value.
    pub secret: Option<Secret>,
    /// The value in the environment that was asked for; `None` for a secret or where nobody set one.
    pub value: Option<String>,
    /// What it is for. Text of a person: quote it for the place where it lands.
    pub description: Option<String>,
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// `aws-secrets-manager`, `gcp-secret-manager`, `azure-key-vault`, `vault`, `ci`, `existing`;
    /// `None` is the manager of the hosting.
    pub from: Option<String>,
    /// Its key there; `None` is the blueprint's own choice.
    pub key: Option<String>,
}

/// What one replica may use, as Kubernetes writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Such as `250m`.
    pub cpu: String,
    /// Such as `256Mi`.
    pub memory: String,
}

/// Bounds of the number of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Autoscale {
    /// The fewest.
    pub min: i64,
    /// The most.
    pub max: i64,
    /// The use of CPU that is aimed at, in percent.
    pub cpu: i64,
}

/// A service's database in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// `postgresql` or `mysql`.
    pub engine: String,
    /// The engine's version; `None` where nobody said one.
    pub version: Option<String>,
    /// The instance class; `None` where nobody said one.
    pub class: Option<String>,
    /// GiB.
    pub storage: Option<i64>,
    /// Days.
    pub backup_retention: Option<i64>,
}

/// One service, for a blueprint to read.
#[derive(Clone, Copy, Debug)]
pub struct ServiceView<'a> {
    pub(crate) project: &'a Project,
    pub(crate) service: &'a Service,
    pub(crate) reads: &'a Reads,
}

/// One environment, for a blueprint to read.
#[derive(Clone, Copy, Debug)]
pub struct EnvironmentView<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) reads: &'a Reads,
}

/// The stack, for a blueprint to read.
#[derive(Clone, Copy, Debug)]
pub struct StackView<'a> {
    pub(crate) project: &'a Project,
    pub(crate) reads: &'a Reads,
}

impl<'a> ServiceView<'a> {
    /// Its name.
    pub fn name(&self) -> &'a Name {
        &self.service.name
    }

    /// The value of a setting in one environment, such as `["database", "class"]`.
    pub fn setting_in(&self, path: &[&str], environment: &Name) -> Option<&'a Node> {
        let pointer = format!("services.{}.{}", self.name(), path.join("."));
        let Some(node) = self.service.node.at(path) else {
            self.reads.log(pointer, None, None);
            return None;
        };
        match resolve(node, environment, self.project) {
            Some((node, Some(""))) => {
                self.reads.log(pointer, Some(node), None);
                Some(node)
            }
            Some((node, key)) => {
                let pointer = format!("{pointer}.{}", key.unwrap_or(environment.as_str()));
                self.reads.log(pointer, Some(node), Some(environment));
                Some(node)
            }
            None => {
                self.reads
                    .log(format!("{pointer}.{environment}"), None, Some(environment));
                None
            }
        }
    }

    /// The value of a setting that cannot differ between environments: a value, or the `default`
    /// of a mapping, or the value of production.
    pub fn setting(&self, path: &[&str]) -> Option<&'a Node> {
        match self
            .project
            .environments
            .iter()
            .rfind(|environment| environment.production)
        {
            Some(production) => self.setting_in(path, &production.name),
            // that there are no environments was said; what is set is not missing besides
            None => self.service.node.at(path),
        }
    }

    /// Where a setting was written; the service's own place where it was not.
    pub fn span(&self, path: &[&str]) -> Span {
        self.service
            .node
            .at(path)
            .map_or(self.service.node.span, |node| node.span)
    }

    fn text(&self, path: &[&str]) -> Option<String> {
        self.setting(path)?.scalar_text().map(Into::into)
    }

    fn text_in(&self, path: &[&str], environment: &Name) -> Option<String> {
        self.setting_in(path, environment)?
            .scalar_text()
            .map(Into::into)
    }

    /// Its name for people. Text of a person.
    pub fn title(&self) -> String {
        self.text(&["title"])
            .unwrap_or_else(|| self.name().to_string())
    }

    /// The directory of its code, seen from the root; `.` is the root itself.
    pub fn path(&self) -> String {
        let path = self.text(&["path"]).unwrap_or_else(|| ".".to_owned());
        seen_from_root(&self.service.file, &path).unwrap_or(path)
    }

    /// More globs that trigger its pipeline, seen from the root.
    pub fn watch(&self) -> Vec<String> {
        let globs = self
            .setting(&["watch"])
            .and_then(Node::as_seq)
            .unwrap_or_default();
        globs
            .iter()
            .filter_map(Node::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// The port that it listens on.
    pub fn port(&self) -> Option<i64> {
        self.setting(&["port"])?.as_integer()
    }

    /// The path that answers 200 when it is well.
    pub fn health(&self) -> String {
        self.text(&["health"])
            .unwrap_or_else(|| "/health".to_owned())
    }

    /// The variables that it needs, in the order of the file, with their values in one environment.
    pub fn variables(&self, environment: &Name) -> Vec<Variable> {
        let Some(map) = self.service.node.get("environment").and_then(Node::as_map) else {
            self.reads
                .log(format!("services.{}.environment", self.name()), None, None);
            return Vec::new();
        };
        map.iter()
            .map(|(name, node)| self.variable(name, node, environment))
            .collect()
    }

    fn variable(&self, name: &str, node: &Node, environment: &Name) -> Variable {
        let secret = self.setting_in(&["environment", name, "secret"], environment);
        let text = |key: &str| {
            secret
                .and_then(|secret| secret.get(key))
                .and_then(Node::as_str)
                .map(str::to_owned)
        };
        let secret = secret
            .filter(|node| node.as_bool() != Some(false))
            .map(|_| Secret {
                from: text("from"),
                key: text("key"),
            });
        let value = match secret {
            Some(_) => None,
            None => self.text_in(&["environment", name, "value"], environment),
        };
        let description = self.text_in(&["environment", name, "description"], environment);
        Variable {
            name: name.to_owned(),
            span: node.span,
            secret,
            value,
            description,
        }
    }

    /// How many replicas: what is said, else 2, in production 3.
    pub fn replicas(&self, environment: &EnvironmentView<'_>) -> i64 {
        let said = self
            .setting_in(&["replicas"], environment.name())
            .and_then(Node::as_integer);
        said.unwrap_or(if environment.is_production() { 3 } else { 2 })
    }

    /// What one replica may use: what is said, else 250m and 256Mi.
    pub fn resources(&self, environment: &Name) -> Resources {
        Resources {
            cpu: self
                .text_in(&["resources", "cpu"], environment)
                .unwrap_or_else(|| "250m".to_owned()),
            memory: self
                .text_in(&["resources", "memory"], environment)
                .unwrap_or_else(|| "256Mi".to_owned()),
        }
    }

    /// Bounds of the number of replicas, if it scales by itself. `min` falls back to the replicas,
    /// `cpu` to 70.
    pub fn autoscale(&self, environment: &EnvironmentView<'_>) -> Option<Autoscale> {
        let name = environment.name();
        let number = |key: &str| {
            self.setting_in(&["autoscale", key], name)
                .and_then(Node::as_integer)
        };
        let max = number("max")?;
        let min = number("min").unwrap_or_else(|| self.replicas(environment).min(max));
        let cpu = self.setting_in(&["autoscale", "cpu"], name);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a share is between 0 and 1, so the percentage fits"
        )]
        let cpu = cpu.and_then(|node| {
            node.as_integer()
                .or_else(|| shape::share(node).map(|share| (share * 100.0).round() as i64))
        });
        Some(Autoscale {
            min,
            max,
            cpu: cpu.unwrap_or(70),
        })
    }

    /// Its database in one environment, if it or the stack has one that is SQL.
    pub fn database(&self, environment: &Name) -> Option<DatabaseSettings> {
        let text = |key: &str| self.text_in(&["database", key], environment);
        let number = |key: &str| {
            self.setting_in(&["database", key], environment)
                .and_then(Node::as_integer)
        };
        let stack = match self.stack().database() {
            Some(Database::Postgresql) => Some("postgresql"),
            Some(Database::Mysql) => Some("mysql"),
            Some(Database::Mongodb | Database::Sqlite | Database::Redis | Database::None)
            | None => None,
        };
        let declared = self.service.node.get("database").is_some();
        let engine = text("engine")
            .or_else(|| stack.map(str::to_owned))
            .or_else(|| declared.then(|| "postgresql".to_owned()))?;
        Some(DatabaseSettings {
            engine,
            version: text("version"),
            class: text("class"),
            storage: number("storage"),
            backup_retention: number("backupRetention"),
        })
    }

    fn stack(&self) -> StackView<'a> {
        StackView {
            project: self.project,
            reads: self.reads,
        }
    }

    /// What runs its code.
    pub fn runtime(&self) -> Option<Runtime> {
        let own = self
            .setting(&["runtime"])
            .and_then(Node::as_str)
            .and_then(Runtime::parse);
        own.or_else(|| self.stack().runtime())
    }

    /// What installs its dependencies; by the runtime's custom where nobody says.
    pub fn package_manager(&self) -> Option<PackageManager> {
        let own = self
            .setting(&["packageManager"])
            .and_then(Node::as_str)
            .and_then(PackageManager::parse);
        let custom = || match self.runtime()? {
            Runtime::Bun => Some(PackageManager::Bun),
            Runtime::Node => Some(PackageManager::Npm),
            Runtime::Python => Some(PackageManager::Pip),
            Runtime::Go => Some(PackageManager::Go),
            Runtime::Rust => Some(PackageManager::Cargo),
            Runtime::Java => Some(PackageManager::Maven),
            Runtime::Deno => None,
        };
        let stack = || {
            self.stack()
                .package_manager()
                .filter(|_| self.has_runtime_of_stack())
        };
        own.or_else(stack).or_else(custom)
    }

    /// Whether it runs on what the stack runs on; only then do the stack's package manager and
    /// commands mean it too.
    fn has_runtime_of_stack(&self) -> bool {
        self.stack()
            .runtime()
            .is_none_or(|stack| self.runtime() == Some(stack))
    }

    /// A command that somebody wrote: `install`, `build`, `test`, `lint`, `typecheck`, `migrate`,
    /// `start`. Defaults follow the package manager and are the blueprints' knowledge.
    pub fn command(&self, name: &str) -> Option<String> {
        let manager = self.stack().package_manager();
        let alike =
            self.has_runtime_of_stack() && (manager.is_none() || self.package_manager() == manager);
        self.text(&["commands", name]).or_else(|| {
            self.stack()
                .text(&format!("commands.{name}"))
                .filter(|_| alike)
        })
    }

    /// Where it answers in one environment: its own `url`, else the environment's if this is the
    /// only exposed service of the project.
    pub fn url(&self, environment: &EnvironmentView<'_>) -> Option<String> {
        let own = self.text_in(&["url"], environment.name());
        let exposed = |service: &&Service| {
            service
                .node
                .get("expose")
                .and_then(Node::as_str)
                .unwrap_or("public")
                == "public"
        };
        let only =
            || self.is_public() && self.project.services.values().filter(exposed).count() == 1;
        own.or_else(|| environment.text("url").filter(|_| only()))
    }

    /// Who can reach it: `public`, `internal` or `none`.
    pub fn expose(&self) -> String {
        self.text(&["expose"])
            .unwrap_or_else(|| "public".to_owned())
    }

    /// Whether everybody can reach it.
    pub fn is_public(&self) -> bool {
        self.expose() == "public"
    }

    /// An image that is built elsewhere.
    pub fn image(&self) -> Option<String> {
        self.text(&["image"])
    }

    /// The directory of its migrations, seen from the root.
    pub fn migrations(&self) -> Option<String> {
        let path = self.text(&["migrations"])?;
        Some(seen_from_root(&self.service.file, &path).unwrap_or(path))
    }

    /// A free mapping.
    pub fn labels(&self) -> Option<&'a Node> {
        self.setting(&["labels"])
    }
}

impl<'a> EnvironmentView<'a> {
    /// Its name.
    pub fn name(&self) -> &'a Name {
        &self.environment.name
    }

    /// A setting, such as `["vars", "x"]`.
    pub fn setting(&self, path: &[&str]) -> Option<&'a Node> {
        let node = self.environment.node.at(path);
        self.reads.log(
            format!("environments.{}.{}", self.name(), path.join(".")),
            node,
            Some(self.name()),
        );
        node
    }

    /// A setting as text: `url`, `region`, `account`, `role`, `cluster`, `namespace`, `network`,
    /// `domain`, `certificate`, `stateBucket`, `host`.
    pub fn text(&self, key: &str) -> Option<String> {
        self.setting(&[key])?.scalar_text().map(Into::into)
    }

    /// Whether a person approves a deployment.
    pub fn needs_approval(&self) -> bool {
        self.text("approval").as_deref() == Some("required")
    }

    /// Whether it is production: it says so, or it is the last and no other says so.
    pub fn is_production(&self) -> bool {
        self.environment.production
    }

    /// The branches that deploy to it, where it says so.
    pub fn branches(&self) -> Option<Vec<String>> {
        let branches = self.setting(&["branches"])?.as_seq()?;
        Some(
            branches
                .iter()
                .filter_map(Node::as_str)
                .map(str::to_owned)
                .collect(),
        )
    }

    /// The host name of its `url`.
    pub fn host_name(&self) -> Option<String> {
        self.text("url").map(|url| host_of(&url).to_owned())
    }
}

/// The host name of a URL: `https://api.example.com:8443/x` is `api.example.com`.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':', '?', '#']).next().unwrap_or(rest)
}

impl StackView<'_> {
    /// The text of a key such as `infrastructure.registry`.
    pub fn text(&self, key: &str) -> Option<String> {
        let node = self.project.stack.get(key);
        self.reads.log(format!("stack.{key}"), node, None);
        node?.as_str().map(str::to_owned)
    }

    /// Where a key was written, if it was.
    pub fn span(&self, key: &str) -> Option<Span> {
        self.project.stack.get(key).map(|node| node.span)
    }

    fn word<T>(&self, key: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        parse(&self.text(key)?)
    }

    /// `runtime`
    pub fn runtime(&self) -> Option<Runtime> {
        self.word("runtime", Runtime::parse)
    }

    /// `runtimeVersion`
    pub fn runtime_version(&self) -> Option<String> {
        self.text("runtimeVersion")
    }

    /// `packageManager`
    pub fn package_manager(&self) -> Option<PackageManager> {
        self.word("packageManager", PackageManager::parse)
    }

    /// `backend.database`
    pub fn database(&self) -> Option<Database> {
        self.word("backend.database", Database::parse)
    }

    /// `infrastructure.hosting`
    pub fn hosting(&self) -> Hosting {
        self.word("infrastructure.hosting", Hosting::parse)
            .unwrap_or(Hosting::None)
    }

    /// `infrastructure.ci`
    pub fn ci(&self) -> Ci {
        self.word("infrastructure.ci", Ci::parse)
            .unwrap_or(Ci::None)
    }

    /// `infrastructure.containerization`; default `docker`.
    pub fn containerization(&self) -> Containerization {
        self.word("infrastructure.containerization", Containerization::parse)
            .unwrap_or(Containerization::Docker)
    }

    /// `infrastructure.orchestration`
    pub fn orchestration(&self) -> Orchestration {
        self.word("infrastructure.orchestration", Orchestration::parse)
            .unwrap_or(Orchestration::None)
    }

    /// `infrastructure.iac`; default `terraform` when the hosting is a cloud.
    pub fn iac(&self) -> Iac {
        let default = match self.hosting() {
            Hosting::Aws | Hosting::Gcp | Hosting::Azure => Iac::Terraform,
            Hosting::Vercel
            | Hosting::Railway
            | Hosting::Fly
            | Hosting::SelfHosted
            | Hosting::None => Iac::None,
        };
        self.word("infrastructure.iac", Iac::parse)
            .unwrap_or(default)
    }

    /// `infrastructure.registry`: host and path.
    pub fn registry(&self) -> Option<String> {
        self.text("infrastructure.registry")
    }

    /// `infrastructure.monitoring`
    pub fn monitoring(&self) -> Monitoring {
        self.word("infrastructure.monitoring", Monitoring::parse)
            .unwrap_or(Monitoring::None)
    }

    /// `infrastructure.strategy`, as written; see `Context::strategy` for the one that holds.
    pub fn strategy(&self) -> Option<Strategy> {
        self.word("infrastructure.strategy", Strategy::parse)
    }

    /// `paths.docs`; default `docs`.
    pub fn docs(&self) -> String {
        self.text("paths.docs").unwrap_or_else(|| "docs".to_owned())
    }
}

/// The finding that a setting has no value for an environment.
pub fn no_value(what: &str, environment: &Name, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::NoValueForEnvironment,
        format!("`{what}` has no value for the environment `{environment}`"),
    )
    .at(span, "")
    .help(format!("add `{environment}: …` or `default: …`"))
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
