//! What an applied artifact has read of its service, as its readers want to know it.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::{Applied, some};
use crate::addr::Name;
use crate::intent::Declaration;
use crate::project::Project;
use crate::project::view::{EnvironmentView, Reads, ServiceView, StackView, Variable};
use crate::stack::Hosting;

/// Where each service answers: by environment, or by service and environment where there are several.
pub(super) fn urls(applied: &Applied<'_>) -> IndexMap<String, String> {
    let mut urls = IndexMap::new();
    each(applied, |service, view, environment| {
        let said = [
            format!("services.{}.url", service.name),
            format!("environments.{}.url", environment.name()),
        ];
        if said.iter().any(|pointer| service.has_read(pointer))
            && let Some(url) = view.url(environment)
        {
            urls.insert(
                format!(
                    "{}{}",
                    applied.of_service(Some(service.name)),
                    environment.name()
                ),
                url,
            );
        }
    });
    urls
}

/// `DATABASE_URL (AWS Secrets Manager)`, `LOG_LEVEL (staging: debug, production: info)`
pub(super) fn variables(applied: &Applied<'_>) -> Vec<String> {
    let mut found: IndexMap<String, Vec<(Name, String)>> = IndexMap::new();
    each(applied, |service, view, environment| {
        for variable in view.variables(environment.name()) {
            if service.has_read(&format!(
                "services.{}.environment.{}",
                service.name, variable.name
            )) {
                let name = format!(
                    "{}{}",
                    applied.of_service(Some(service.name)),
                    variable.name
                );
                let source = source(&variable, hosting(applied.project));
                found
                    .entry(name)
                    .or_default()
                    .push((environment.name().clone(), source));
            }
        }
    });
    let line = |(name, sources): (String, Vec<(Name, String)>)| {
        let distinct: BTreeSet<&str> = sources.iter().map(|(_, source)| source.as_str()).collect();
        let said = match distinct.first() {
            Some(only) if distinct.len() == 1 => (*only).to_owned(),
            _ => sources
                .iter()
                .map(|(name, source)| format!("{name}: {source}"))
                .collect::<Vec<_>>()
                .join(", "),
        };
        format!("{name} ({said})")
    };
    found.into_iter().map(line).collect()
}

/// The path that answers when the service is well; of several services each with its own.
pub(super) fn health(applied: &Applied<'_>) -> Option<String> {
    let mut found: IndexMap<String, String> = IndexMap::new();
    each(applied, |service, view, _| {
        if service.has_read(&format!("services.{}.health", service.name)) && view.port().is_some() {
            found.insert(applied.of_service(Some(service.name)), view.health());
        }
    });
    some(
        found
            .into_iter()
            .map(|(service, path)| format!("{service}{path}"))
            .collect::<Vec<_>>()
            .join(", "),
    )
}

/// The cloud and the region of an environment; nothing where nobody said either.
pub(super) fn place_of(project: &Project, name: &Name) -> String {
    let reads = Reads::default();
    let environment = project
        .environments
        .iter()
        .find(|environment| environment.name == *name);
    let region = environment.and_then(|environment| {
        EnvironmentView {
            environment,
            reads: &reads,
        }
        .text("region")
    });
    let cloud = match hosting(project) {
        Hosting::Aws => Some("AWS"),
        Hosting::Gcp => Some("Google Cloud"),
        Hosting::Azure => Some("Azure"),
        Hosting::Vercel => Some("Vercel"),
        Hosting::Railway => Some("Railway"),
        Hosting::Fly => Some("Fly.io"),
        Hosting::SelfHosted => Some("own machines"),
        Hosting::None => None,
    };
    cloud
        .map(str::to_owned)
        .into_iter()
        .chain(region)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a person approves a deployment to an environment.
pub(super) fn needs_approval(project: &Project, name: &str) -> bool {
    let reads = Reads::default();
    let environment = project
        .environments
        .iter()
        .find(|environment| environment.name.as_str() == name);
    environment.is_some_and(|environment| {
        EnvironmentView {
            environment,
            reads: &reads,
        }
        .needs_approval()
    })
}

fn hosting(project: &Project) -> Hosting {
    StackView {
        project,
        reads: &Reads::default(),
    }
    .hosting()
}

/// A service, and the artifacts that were applied for it.
struct Service<'a> {
    name: &'a Name,
    applied: Vec<&'a Declaration>,
    /// Artifacts of the story that are to be written anew.
    behind: Vec<&'a Declaration>,
}

impl Service<'_> {
    /// Whether one of its artifacts was made from this setting, or from one below it, and none that
    /// is to be written anew has read it: who reads a setting does not always write it.
    fn has_read(&self, pointer: &str) -> bool {
        let is_it = |read: &String| {
            read.strip_prefix(pointer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let reads =
            |declaration: &&Declaration| declaration.reads.iter().any(|(read, _)| is_it(read));
        self.applied.iter().any(reads) && !self.behind.iter().any(reads)
    }
}

/// Looks at each service in each environment, in the order of the project.
fn each(
    applied: &Applied<'_>,
    mut look: impl FnMut(&Service<'_>, &ServiceView<'_>, &EnvironmentView<'_>),
) {
    let (project, reads) = (applied.project, Reads::default());
    let behind: Vec<&Declaration> = applied
        .behind
        .iter()
        .map(|index| &applied.desired.ordered.declarations[*index])
        .collect();
    for service in project.services.values() {
        let its: Vec<&Declaration> = applied
            .declarations()
            .filter(|declaration| declaration.service.as_ref() == Some(&service.name))
            .collect();
        let view = ServiceView {
            project,
            service,
            reads: &reads,
        };
        for environment in project.environments.iter().filter(|_| !its.is_empty()) {
            let seen = Service {
                name: &service.name,
                applied: its.clone(),
                behind: behind.clone(),
            };
            look(
                &seen,
                &view,
                &EnvironmentView {
                    environment,
                    reads: &reads,
                },
            );
        }
    }
}

/// Where a variable's value comes from.
fn source(variable: &Variable, hosting: Hosting) -> String {
    let Some(secret) = &variable.secret else {
        return variable
            .value
            .clone()
            .unwrap_or_else(|| "no value".to_owned());
    };
    let by_hosting = || match hosting {
        Hosting::Aws => "aws-secrets-manager",
        Hosting::Gcp => "gcp-secret-manager",
        Hosting::Azure => "azure-key-vault",
        Hosting::Vercel | Hosting::Railway | Hosting::Fly | Hosting::SelfHosted | Hosting::None => {
            "existing"
        }
    };
    let manager = secret.from.as_deref().unwrap_or_else(by_hosting);
    let label = match manager {
        "aws-secrets-manager" => "AWS Secrets Manager",
        "gcp-secret-manager" => "Google Secret Manager",
        "azure-key-vault" => "Azure Key Vault",
        "vault" => "Vault",
        "ci" => "secret of the CI",
        "existing" => "secret that is there already",
        other => other,
    };
    match &secret.key {
        Some(key) => format!("{label}, {key}"),
        None => label.to_owned(),
    }
}
