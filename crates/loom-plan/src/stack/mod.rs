//! `stack-config.json`: the technology, read tolerantly.
//!
//! In: the file's node, and the `stack:` of loom.yaml over it. Out: a [`Stack`] whose values are
//! all known, and diagnostics. Unknown keys are ignored, `null` means none; an unknown value for a
//! key that loom uses is an error that lists the known ones.

use crate::diag::{Code, Diagnostic, Diagnostics, Hidden, did_you_mean, one_of};
use crate::node::Node;
use crate::text::Span;

/// Makes an enum of words, with its reader and its list.
macro_rules! choices {
    ($($(#[doc = $doc:literal])+ $name:ident { $($variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $(#[doc = concat!("`", $word, "`")] $variant),+ }

        impl $name {
            /// The words, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The value that a word stands for.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

pub(crate) use choices;

choices! {
    /// What runs the service's code.
    Runtime { Bun = "bun", Node = "node", Deno = "deno", Python = "python", Go = "go", Rust = "rust", Java = "java" }
    /// What installs its dependencies.
    PackageManager {
        Bun = "bun", Npm = "npm", Yarn = "yarn", Pnpm = "pnpm", Pip = "pip", Uv = "uv", Cargo = "cargo", Go = "go",
        Maven = "maven", Gradle = "gradle",
    }
    /// The database of the backend.
    Database { Postgresql = "postgresql", Mysql = "mysql", Mongodb = "mongodb", Sqlite = "sqlite", Redis = "redis", None = "none" }
    /// Where it runs.
    Hosting {
        Aws = "aws", Gcp = "gcp", Azure = "azure", Vercel = "vercel", Railway = "railway", Fly = "fly",
        SelfHosted = "self-hosted", None = "none",
    }
    /// What runs the pipeline.
    Ci { GithubActions = "github-actions", GitlabCi = "gitlab-ci", Circleci = "circleci", Jenkins = "jenkins", None = "none" }
    /// What builds the image.
    Containerization { Docker = "docker", Podman = "podman", None = "none" }
    /// What runs the containers.
    Orchestration { Kubernetes = "kubernetes", DockerCompose = "docker-compose", Ecs = "ecs", None = "none" }
    /// What describes the infrastructure.
    Iac { Terraform = "terraform", Cloudformation = "cloudformation", Pulumi = "pulumi", None = "none" }
    /// What watches it.
    Monitoring { Datadog = "datadog", Prometheus = "prometheus", Cloudwatch = "cloudwatch", None = "none" }
    /// How a new version takes over.
    Strategy { Rolling = "rolling", BlueGreen = "blue-green", Canary = "canary" }
}

/// The commands that the stack may name.
pub const COMMANDS: &[&str] = &["install", "build", "test", "lint", "typecheck", "migrate"];

/// Keys that hold one of a few words: key, the words, and other spellings of them.
type Choice = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);
const CHOICES: &[Choice] = &[
    (
        "runtime",
        Runtime::WORDS,
        &[("nodejs", "node"), ("node.js", "node"), ("golang", "go")],
    ),
    ("packageManager", PackageManager::WORDS, &[]),
    (
        "backend.database",
        Database::WORDS,
        &[("postgres", "postgresql"), ("mongo", "mongodb")],
    ),
    ("infrastructure.hosting", Hosting::WORDS, &[]),
    ("infrastructure.ci", Ci::WORDS, &[]),
    (
        "infrastructure.containerization",
        Containerization::WORDS,
        &[],
    ),
    (
        "infrastructure.orchestration",
        Orchestration::WORDS,
        &[("k8s", "kubernetes"), ("compose", "docker-compose")],
    ),
    ("infrastructure.iac", Iac::WORDS, &[]),
    ("infrastructure.monitoring", Monitoring::WORDS, &[]),
    ("infrastructure.strategy", Strategy::WORDS, &[]),
];

/// Keys that hold a text.
const TEXTS: &[&str] = &[
    "project",
    "runtimeVersion",
    "backend.orm",
    "infrastructure.registry",
    "paths.docs",
];

/// Other names of keys.
const ALIASES: &[(&str, &str)] = &[
    ("infrastructure.hosting", "infrastructure.cloud"),
    (
        "infrastructure.containerization",
        "infrastructure.containers",
    ),
];

/// The technology of a project: known keys with known values, and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Stack(Vec<(&'static str, Node)>);

impl Stack {
    /// Reads the stack file and what loom.yaml lays over it.
    pub fn read(file: Option<&Node>, over: Option<&Node>, out: &mut Diagnostics) -> Self {
        let mut stack = Self::default();
        for layer in [file, over].into_iter().flatten() {
            if layer.as_map().is_none() {
                out.push(
                    Diagnostic::new(
                        Code::WrongType,
                        format!(
                            "the stack must be a mapping, and this is {}",
                            layer.type_name()
                        ),
                    )
                    .at(layer.span, ""),
                );
                out.hide(Hidden::Setting("stack".to_owned()));
            }
            stack.layer(layer, out);
        }
        stack.check(out);
        stack
    }

    fn layer(&mut self, node: &Node, out: &mut Diagnostics) {
        for (key, words, spellings) in CHOICES {
            let Some(found) = find(node, key) else {
                continue;
            };
            if found.is_null() && words.contains(&"none") {
                self.set(key, Some(Node::string(found.span, "none")));
            } else if found.is_null() {
                self.set(key, None);
            } else {
                match word(found, key, words, spellings) {
                    Ok(node) => self.set(key, Some(node)),
                    Err(diagnostic) => {
                        out.push(diagnostic);
                        out.hide(Hidden::Setting(format!("stack.{key}")));
                    }
                }
            }
        }
        for key in TEXTS.iter().copied().chain(COMMAND_KEYS) {
            let Some(found) = find(node, key) else {
                continue;
            };
            match found.scalar_text() {
                Some(_) if found.is_null() => self.set(key, None),
                Some(text) => self.set(key, Some(Node::string(found.span, text.as_ref()))),
                None => {
                    out.push(not_text(found, key));
                    out.hide(Hidden::Setting(format!("stack.{key}")));
                }
            }
        }
    }

    /// Puts a value in the place of what a lower layer said, or takes that away.
    fn set(&mut self, key: &'static str, node: Option<Node>) {
        self.0.retain(|(known, _)| *known != key);
        self.0.extend(node.map(|node| (key, node)));
    }

    /// The value of a key such as `infrastructure.ci`, where it was written.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.0
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, node)| node)
    }

    /// The text of a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Combinations that make no sense.
    fn check(&self, out: &mut Diagnostics) {
        for (a, a_word, b, allowed) in [
            (
                "infrastructure.iac",
                "cloudformation",
                "infrastructure.hosting",
                &["aws"][..],
            ),
            (
                "infrastructure.orchestration",
                "ecs",
                "infrastructure.hosting",
                &["aws"],
            ),
            (
                "infrastructure.monitoring",
                "cloudwatch",
                "infrastructure.hosting",
                &["aws"],
            ),
            (
                "infrastructure.hosting",
                "vercel",
                "infrastructure.orchestration",
                &["none"],
            ),
            (
                "infrastructure.hosting",
                "railway",
                "infrastructure.orchestration",
                &["none"],
            ),
            (
                "infrastructure.hosting",
                "fly",
                "infrastructure.orchestration",
                &["none"],
            ),
            ("packageManager", "cargo", "runtime", &["rust"]),
            ("packageManager", "go", "runtime", &["go"]),
            ("packageManager", "uv", "runtime", &["python"]),
            ("packageManager", "pip", "runtime", &["python"]),
            ("packageManager", "maven", "runtime", &["java"]),
            ("packageManager", "gradle", "runtime", &["java"]),
            ("packageManager", "npm", "runtime", &["node", "bun", "deno"]),
            ("packageManager", "pnpm", "runtime", &["node", "bun"]),
            ("packageManager", "yarn", "runtime", &["node", "bun"]),
            ("packageManager", "bun", "runtime", &["bun", "node"]),
        ] {
            let (Some(a_node), Some(b_node)) = (self.get(a), self.get(b)) else {
                continue;
            };
            let b_word = b_node.as_str().unwrap_or_default();
            if a_node.as_str() == Some(a_word) && !allowed.contains(&b_word) {
                out.push(disagreement(
                    (a, a_word, a_node.span),
                    (b, b_word, b_node.span),
                    allowed,
                ));
            }
        }
    }
}

/// `commands.NAME` for each of [`COMMANDS`], as keys of the stack.
const COMMAND_KEYS: [&str; 6] = [
    "commands.install",
    "commands.build",
    "commands.test",
    "commands.lint",
    "commands.typecheck",
    "commands.migrate",
];

fn disagreement(a: (&str, &str, Span), b: (&str, &str, Span), allowed: &[&str]) -> Diagnostic {
    let message = format!(
        "`{}: {}` cannot go together with `{}: {}`",
        a.0, a.1, b.0, b.1
    );
    Diagnostic::new(Code::StackDisagrees, message)
        .at(a.2, "this")
        .at(b.2, "and this")
        .help(format!(
            "with `{}` the value of `{}` may be {}",
            a.1,
            b.0,
            one_of(allowed.iter().copied())
        ))
}

/// What was written for a key, by itself or its other name; a null only where there is no value.
fn find<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let walk = |key: &str| {
        key.split('.')
            .try_fold(node, |node, key| node.as_map()?.get(key))
    };
    let alias = ALIASES
        .iter()
        .find(|(name, _)| *name == key)
        .map(|(_, alias)| *alias);
    let written = [walk(key), alias.and_then(walk)];
    written
        .into_iter()
        .flatten()
        .min_by_key(|node| node.is_null())
}

fn word(
    node: &Node,
    key: &str,
    words: &[&str],
    spellings: &[(&str, &str)],
) -> Result<Node, Diagnostic> {
    let Some(text) = node.as_str() else {
        return Err(not_text(node, key));
    };
    let lower = text.trim().to_lowercase().replace(['_', ' '], "-");
    let canonical = spellings
        .iter()
        .find(|(other, _)| *other == lower)
        .map_or(lower.as_str(), |(_, word)| word);
    if words.contains(&canonical) {
        return Ok(Node::string(node.span, canonical));
    }
    let found = Diagnostic::new(
        Code::BadValue,
        format!(
            "`{key}`: `{text}` is not known; it may be {}",
            one_of(words.iter().copied())
        ),
    );
    let found = found.at(node.span, "");
    Err(match did_you_mean(canonical, words.iter().copied()) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found,
    })
}

fn not_text(node: &Node, key: &str) -> Diagnostic {
    Diagnostic::new(
        Code::WrongType,
        format!("`{key}` must be a text, and this is {}", node.type_name()),
    )
    .at(node.span, "expected a text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node;
    use crate::text::Sources;

    fn read(file: &str, over: &str) -> (Sources, Stack, Diagnostics) {
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        let mut node = |text: &str| {
            let id = sources.add("stack-config.json", text);
            node::parse_one(&sources, id, &mut out).filter(|node| !node.is_null())
        };
        let (file, over) = (node(file), node(over));
        let stack = Stack::read(file.as_ref(), over.as_ref(), &mut out);
        (sources, stack, out)
    }

    #[test]
    fn words_are_read_however_they_are_spelled() {
        for (key, written, word) in [
            ("runtime", "Node.js", "node"),
            ("backend.database", "Postgres", "postgresql"),
            ("infrastructure.ci", "GITHUB_ACTIONS", "github-actions"),
            ("infrastructure.cloud", "AWS", "aws"),
            ("infrastructure.containers", "Docker", "docker"),
            ("infrastructure.orchestration", "k8s", "kubernetes"),
            ("infrastructure.strategy", "blue green", "blue-green"),
        ] {
            let json = key.rsplit('.').fold(
                serde_json::json!(written),
                |inner, key| serde_json::json!({ key: inner }),
            );
            let (_, stack, out) = read(&json.to_string(), "");
            assert!(out.is_empty(), "{out:?}");
            let name = ALIASES
                .iter()
                .find(|(_, alias)| *alias == key)
                .map_or(key, |(name, _)| name);
            assert_eq!(stack.text(name), Some(word), "{key}");
        }
    }

    #[test]
    fn keys_that_loom_does_not_use_and_versions_are_let_be() {
        let (_, stack, out) = read(
            r#"{"version": 7, "frontend": {"x": [1]}, "runtimeVersion": 22, "commands": {"odd": 1, "test": "t"}}"#,
            "",
        );
        assert!(out.is_empty(), "{out:?}");
        assert_eq!(
            (stack.text("runtimeVersion"), stack.text("commands.test")),
            (Some("22"), Some("t"))
        );
    }

    #[test]
    fn null_means_none_or_nothing_said() {
        let (_, stack, out) = read(
            r#"{"infrastructure": {"ci": null, "hosting": null, "cloud": "gcp"}, "runtime": "go"}"#,
            "runtime: ~",
        );
        assert!(out.is_empty(), "{out:?}");
        assert_eq!(
            (
                stack.text("infrastructure.ci"),
                stack.text("infrastructure.hosting")
            ),
            (Some("none"), Some("gcp"))
        );
        assert_eq!(stack.text("runtime"), None);
    }

    #[test]
    fn values_that_cannot_go_together_are_shown_at_both_places() {
        let (sources, _, out) = read(
            r#"{"infrastructure": {"orchestration": "ecs"}}"#,
            "infrastructure: { hosting: azure }",
        );
        let found = out.iter().next().expect("they disagree");
        assert_eq!(found.code, Code::StackDisagrees);
        assert_eq!(
            found
                .labels
                .iter()
                .map(|label| sources.slice(label.span))
                .collect::<Vec<_>>(),
            ["\"ecs\"", "azure"]
        );
        assert!(
            read(
                r#"{"infrastructure": {"orchestration": "ecs", "hosting": "aws"}}"#,
                ""
            )
            .2
            .is_empty()
        );
    }

    #[test]
    fn every_word_reads_back() {
        assert!(
            Hosting::WORDS
                .iter()
                .all(|word| Hosting::parse(word).is_some_and(|hosting| hosting.as_str() == *word))
        );
        assert!(
            CHOICES.iter().all(|(_, words, spellings)| spellings
                .iter()
                .all(|(_, word)| words.contains(word)))
        );
    }
}
