//! One file per artifact kind.

pub(crate) mod datadog_monitor;
pub(crate) mod docker_compose;
pub(crate) mod docker_dockerfile;
pub(crate) mod file;
mod github_facts;
pub(crate) mod github_workflow;
pub(crate) mod gitlab_pipeline;
pub(crate) mod kubernetes_kustomization;
pub(crate) mod kubernetes_manifest;
mod kubernetes_running;
pub(crate) mod loom_repository;
pub(crate) mod markdown_page;
pub(crate) mod template;
mod terraform_facts;
mod terraform_forces;
mod terraform_lost;
pub(crate) mod terraform_module;
mod terraform_replaced;

use loom_plan::provider::Artifact;

/// The artifact's name, with its item behind it where it is one of several: the stem of a file's
/// default name.
pub(crate) fn stem(artifact: &Artifact) -> String {
    let name = artifact.address.name();
    artifact
        .address
        .item()
        .map_or_else(|| name.to_string(), |item| format!("{name}-{item}"))
}

/// A setting that the kind's spec requires to be a text.
pub(crate) fn text<'a>(artifact: &'a Artifact, setting: &str) -> &'a str {
    artifact
        .settings
        .get(setting)
        .and_then(|node| node.as_str())
        .unwrap_or("")
}

/// A text of a whole file that carries loom's header: `\n` line ends and a newline at the end,
/// all else as it was written.
pub(crate) fn lines(text: &str) -> String {
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
pub(crate) mod testing {
    //! An artifact from its settings in YAML, as the core would hand it to a provider.

    use loom_plan::addr::{Address, Name};
    use loom_plan::diag::Diagnostics;
    use loom_plan::node;
    use loom_plan::provider::{Artifact, Provider};
    use loom_plan::shape::{self, Shape, World};
    use loom_plan::text::Sources;

    pub(crate) fn artifact(provider: &dyn Provider, settings: &str) -> Artifact {
        let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
        let id = sources.add("loom.yaml", settings);
        let settings = node::parse_one(&sources, id, &mut diagnostics).expect("settings in YAML");
        let world = World {
            sources: &sources,
            environments: &[],
        };
        shape::check(
            &settings,
            &Shape::Record(provider.spec().settings),
            "settings",
            world,
            &mut diagnostics,
        );
        assert!(!diagnostics.has_errors(), "{diagnostics:?}");
        let name = Name::new("entity-api").expect("a name");
        let address = Address::new(provider.spec().kind, name, None);
        Artifact {
            address,
            path: None,
            service: None,
            settings,
            files: Vec::new(),
        }
    }

    pub(crate) fn rendered(provider: &dyn Provider, settings: &str) -> String {
        let artifact = artifact(provider, settings);
        let places = provider.places(&artifact).expect("places");
        provider.render(&artifact, &places[0]).expect("it renders")
    }
}
