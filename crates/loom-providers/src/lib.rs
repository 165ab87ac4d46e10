//! The kinds that loom brings: what turns declarations into the texts of files.
//!
//! Knows neither graph nor disk. To add a kind: one file in `artifacts` or `blueprints`, one line
//! in a slice below, one page in `docs/kinds`. The laws that every kind keeps are tested over the
//! slices in `tests`.

mod artifacts;
mod blueprints;
mod draft;
pub mod edit;
pub mod emit;
mod grammar;
pub mod inspect;
pub mod naming;
pub mod pins;
pub mod reading;
pub mod toolchain;

use loom_plan::provider::{Blueprint, Provider};

/// The artifact kinds, sorted.
pub const PROVIDERS: &[&'static dyn Provider] = &[
    &artifacts::datadog_monitor::DatadogMonitor,
    &artifacts::docker_compose::DockerCompose,
    &artifacts::docker_dockerfile::DockerDockerfile,
    &artifacts::file::File,
    &artifacts::github_workflow::GithubWorkflow,
    &artifacts::gitlab_pipeline::GitlabPipeline,
    &artifacts::kubernetes_kustomization::KubernetesKustomization,
    &artifacts::kubernetes_manifest::KubernetesManifest,
    &artifacts::loom_repository::LoomRepository,
    &artifacts::markdown_page::MarkdownPage,
    &artifacts::template::Template,
    &artifacts::terraform_module::TerraformModule,
];

/// The formats whose keys can be owned.
pub use edit::FORMATS;

/// The blueprint kinds, sorted.
pub const BLUEPRINTS: &[&'static dyn Blueprint] = &[
    &blueprints::alert::Alert,
    &blueprints::container::Container,
    &blueprints::delivery::Delivery,
    &blueprints::docs::Docs,
    &blueprints::infrastructure::Infrastructure,
    &blueprints::pipeline::Pipeline,
    &blueprints::workload::Workload,
];

pub use grammar::grammar_of;

#[cfg(test)]
mod adopt_tests;
#[cfg(test)]
mod tests;
