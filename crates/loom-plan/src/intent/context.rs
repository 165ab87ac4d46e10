//! What a blueprint may read and make.
//!
//! In: the project, the blueprint's own entry and its siblings. Out: parts, contributions to
//! shared files, and diagnostics. Everything that is read is remembered.

use serde_json::Value as Json;

use crate::addr::{Address, Name};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::node::Node;
use crate::project::view::{EnvironmentView, Reads, ServiceView, StackView, resolve};
use crate::project::{Entry, Own, Project, Service};
use crate::stack::Strategy;
use crate::text::Span;

/// One artifact that a blueprint makes. Its address is `KIND.NAME[-PART][ENVIRONMENT]`.
#[derive(Clone, Debug)]
pub struct Part {
    /// The artifact kind.
    pub kind: &'static str,
    /// What follows the blueprint's name, where it makes several of one kind.
    pub suffix: Option<String>,
    /// The environment that it is for, where it makes one for each.
    pub environment: Option<Name>,
    /// Where it is written, seen from the root.
    pub path: Option<String>,
    /// How much of the file is loom's; `None` is what the entry says, else all of it.
    pub own: Option<Own>,
    /// Settings of the kind. `${ref:…}` is read; use [`literal`] around text of people.
    pub settings: Json,
}

/// An entry in a file that the project has once. Contributions to one address are merged:
/// mappings by key, lists by adding what is new, equal values are one, others are an error.
#[derive(Clone, Debug)]
pub struct Contribution {
    /// The shared artifact.
    pub address: Address,
    /// Where it is written, seen from the root.
    pub path: String,
    /// How much of the file is loom's.
    pub own: Own,
    /// The contributed settings.
    pub settings: Json,
}

/// Another blueprint of the same service.
#[derive(Clone, Copy, Debug)]
pub struct Sibling<'a> {
    /// Its name.
    pub name: &'a Name,
    /// Its settings.
    pub settings: &'a Node,
    /// The environments that it is for; `None` is all.
    pub environments: Option<&'a Node>,
}

/// Who commits generated files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committer {
    /// Whoever changes the input, in the same request.
    Author,
    /// A job, once the request was approved.
    Bot,
}

/// The desk of a blueprint while it expands.
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) project: &'a Project,
    pub(crate) entry: &'a Entry,
    /// The service, of a blueprint that is about one.
    pub(crate) service: Option<&'a Service>,
    pub(crate) siblings: &'a [&'a Entry],
    pub(crate) strategy: Strategy,
    pub(crate) reads: &'a Reads,
    pub(crate) parts: Vec<Part>,
    pub(crate) contributions: Vec<Contribution>,
    pub(crate) missing: Vec<Missing>,
    pub(crate) diagnostics: Diagnostics,
}

/// Something that a blueprint needs and nobody set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Such as `services.entity-api.port`.
    pub pointer: String,
    /// What it is for.
    pub why: String,
    /// An example, as it would stand in loom.yaml.
    pub example: String,
}

impl Part {
    /// A part of a kind with its settings.
    pub fn new(kind: &'static str, settings: Json) -> Self {
        Self {
            kind,
            suffix: None,
            environment: None,
            path: None,
            own: None,
            settings,
        }
    }

    /// One of several of its kind.
    #[must_use]
    pub fn suffix(self, suffix: &str) -> Self {
        Self {
            suffix: Some(suffix.to_owned()),
            ..self
        }
    }

    /// For one environment.
    #[must_use]
    pub fn environment(self, environment: &Name) -> Self {
        Self {
            environment: Some(environment.clone()),
            ..self
        }
    }

    /// A block of a file that is shared with people.
    #[must_use]
    pub fn block(self) -> Self {
        Self {
            own: Some(Own::Block),
            ..self
        }
    }

    /// Written there.
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..self
        }
    }
}

impl<'a> Context<'a> {
    /// The blueprint's name: `name`, or its service's.
    pub fn name(&self) -> &'a Name {
        &self.entry.name
    }

    /// Where the blueprint was declared.
    pub fn span(&self) -> Span {
        self.entry.settings.span
    }

    /// The project's name.
    pub fn project_name(&self) -> &'a Name {
        &self.project.name
    }

    /// The service that the blueprint names. Only for blueprints whose subject is a service.
    pub fn service(&self) -> ServiceView<'a> {
        let service = self
            .service
            .expect("a blueprint whose subject is a service is expanded only with it");
        ServiceView {
            project: self.project,
            service,
            reads: self.reads,
        }
    }

    /// All services of the project, in order.
    pub fn services(&self) -> impl Iterator<Item = ServiceView<'a>> + use<'a> {
        let (project, reads) = (self.project, self.reads);
        project.services.values().map(move |service| ServiceView {
            project,
            service,
            reads,
        })
    }

    /// The technology.
    pub fn stack(&self) -> StackView<'a> {
        StackView {
            project: self.project,
            reads: self.reads,
        }
    }

    /// The environments that the blueprint is for, in order of promotion.
    pub fn environments(&self) -> Vec<EnvironmentView<'a>> {
        let chosen = self.entry.shared.environments.as_ref();
        let names: Option<Vec<&str>> = chosen
            .and_then(Node::as_seq)
            .map(|names| names.iter().filter_map(Node::as_str).collect());
        self.all_environments()
            .filter(|view| {
                names
                    .as_ref()
                    .is_none_or(|names| names.contains(&view.name().as_str()))
            })
            .collect()
    }

    /// All environments of the project, in order of promotion.
    pub fn all_environments(&self) -> impl Iterator<Item = EnvironmentView<'a>> + use<'a> {
        let (project, reads) = (self.project, self.reads);
        project
            .environments
            .iter()
            .map(move |environment| EnvironmentView { environment, reads })
    }

    /// Whether the blueprint says which environments it is for.
    pub fn says_environments(&self) -> bool {
        self.entry.shared.environments.is_some()
    }

    /// One of the blueprint's own settings.
    pub fn setting(&self, key: &str) -> Option<&'a Node> {
        let node = self.entry.settings.get(key);
        self.reads.log(
            format!("{}.{}.{key}", self.entry.kind, self.entry.name),
            node,
            None,
        );
        node
    }

    /// The value of one of the blueprint's own settings in one environment, such as `["autoscale", "max"]`.
    pub fn setting_in(&self, path: &[&str], environment: &Name) -> Option<&'a Node> {
        let pointer = format!("{}.{}.{}", self.entry.kind, self.entry.name, path.join("."));
        let resolved = self
            .entry
            .settings
            .at(path)
            .map(|node| resolve(node, environment, self.project));
        let (pointer, node, read_for) = match resolved {
            None => (pointer, None, None),
            Some(Some((node, Some("")))) => (pointer, Some(node), None),
            Some(Some((node, key))) => (
                format!("{pointer}.{}", key.unwrap_or(environment.as_str())),
                Some(node),
                Some(environment),
            ),
            Some(None) => (format!("{pointer}.{environment}"), None, Some(environment)),
        };
        self.reads.log(pointer, node, read_for);
        node
    }

    /// One of the blueprint's own settings as text.
    pub fn text(&self, key: &str) -> Option<String> {
        self.setting(key)?.scalar_text().map(Into::into)
    }

    /// The strategy of the service: a blueprint's, else the service's, else the stack's, else rolling.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// The first other blueprint of a kind for the same service.
    pub fn sibling(&self, kind: &str) -> Option<Sibling<'a>> {
        self.siblings_of(kind).into_iter().next()
    }

    /// All other blueprints of a kind for the same service, in order of their names.
    pub fn siblings_of(&self, kind: &str) -> Vec<Sibling<'a>> {
        let found: Vec<&'a Entry> = self
            .siblings
            .iter()
            .copied()
            .filter(|entry| entry.kind.as_ref() == kind)
            .collect();
        for entry in &found {
            self.reads.log(
                format!("{kind}.{}", entry.name),
                Some(&entry.settings),
                None,
            );
        }
        if let Some(service) = self.service.filter(|_| found.is_empty()) {
            self.reads
                .log(format!("{kind}.{}", service.name), None, None);
        }
        found
            .into_iter()
            .map(|entry| Sibling {
                name: &entry.name,
                settings: &entry.settings,
                environments: entry.shared.environments.as_ref(),
            })
            .collect()
    }

    /// Who commits generated files: `delivery.commit`.
    pub fn committer(&self) -> Committer {
        let node = self
            .project
            .delivery
            .as_ref()
            .and_then(|node| node.get("commit"));
        self.reads.log("delivery.commit".to_owned(), node, None);
        match node.and_then(Node::as_str) {
            Some("bot") => Committer::Bot,
            _ => Committer::Author,
        }
    }

    /// `pins.actions` of loom.yaml for an action: version and commit.
    pub fn pinned_action(&self, name: &str) -> Option<(String, String)> {
        let pin = self.project.pins.as_ref()?.at(&["actions", name]);
        self.reads.log(format!("pins.actions.{name}"), pin, None);
        Some((
            pin?.get("version")?.as_str()?.to_owned(),
            pin?.get("sha")?.as_str()?.to_owned(),
        ))
    }

    /// `pins.images` of loom.yaml for a base image: tag, and digest where given.
    pub fn pinned_image(&self, name: &str) -> Option<(String, Option<String>)> {
        let pin = self.project.pins.as_ref()?.at(&["images", name]);
        self.reads.log(format!("pins.images.{name}"), pin, None);
        let digest = pin?.get("digest").and_then(Node::as_str).map(str::to_owned);
        Some((pin?.get("tag")?.as_str()?.to_owned(), digest))
    }

    /// Makes a part.
    pub fn part(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// Adds to a shared file.
    pub fn contribute(&mut self, contribution: Contribution) {
        self.contributions.push(contribution);
    }

    /// Says that a setting is needed and nobody set it. All that is missing becomes one error.
    pub fn missing(&mut self, pointer: impl Into<String>, why: &str, example: &str) {
        self.missing.push(Missing {
            pointer: pointer.into(),
            why: why.to_owned(),
            example: example.to_owned(),
        });
    }

    /// Says that the stack cannot serve the blueprint: which key, and what would make it possible.
    pub fn cannot(&mut self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        let span = self.project.stack.get(key).map(|node| node.span);
        let mut found = Diagnostic::new(Code::StackCannot, message);
        if let Some(span) = span {
            found = found.at(span, "the stack says so here");
        }
        self.diagnostics
            .push(found.at(self.span(), "needed here").help(help));
    }

    /// Reports any other finding.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

/// Text of people for a place where references are read: its own `${ref:…}` stays text.
pub fn literal(text: &str) -> String {
    ["${ref:", "${env:", "${service:"]
        .iter()
        .fold(text.to_owned(), |text, reference| {
            text.replace(reference, &format!("${reference}"))
        })
}
