//! `kubernetes.kustomization`: what kustomize builds from a directory.

use loom_plan::provider::{
    Artifact, Comment, Draft, Existing, Failure, Fit, KindSpec, Nature, Place, Provider,
};
use loom_plan::shape::{Field, Shape};

use crate::draft;
use crate::emit::{difference, yaml};

/// A kustomization.
pub(crate) struct KubernetesKustomization;

static SPEC: KindSpec = KindSpec {
    kind: "kubernetes.kustomization",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "A kustomization of Kubernetes manifests",
    settings: &[Field::required(
        "content",
        Shape::Map(&Shape::Any),
        "the kustomization as data",
    )],
    attributes: &[],
    default_path: "k8s/kustomization.yaml, or k8s/ITEM/kustomization.yaml",
    nature: Nature::Plain,
};

impl Provider for KubernetesKustomization {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        let folder = artifact
            .address
            .item()
            .map_or_else(String::new, |item| format!("{item}/"));
        artifact.single(
            "kustomization",
            &format!("k8s/{folder}kustomization.yaml"),
            Some(Comment::Hash),
        )
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        Ok(yaml::document(
            artifact
                .settings
                .get("content")
                .unwrap_or(&artifact.settings),
        ))
    }

    fn read(&self, file: &Existing<'_>) -> Option<Draft> {
        let named = matches!(
            file.path.file_name(),
            "kustomization.yaml" | "kustomization.yml" | "Kustomization"
        );
        let content = draft::mapping(file.text).filter(|_| named)?;
        Some(draft::setting("content", content, Fit::Format))
    }

    fn explain(&self, before: &str, after: &str) -> Vec<String> {
        difference::of_yaml(before, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::testing::rendered;

    #[test]
    fn a_tag_that_looks_like_a_number_stays_a_text() {
        let settings =
            "content: { kind: Kustomization, images: [{ name: api, newTag: \"1.10\" }] }\n";
        let text = rendered(&KubernetesKustomization, settings);
        assert_eq!(
            text,
            "kind: Kustomization\nimages:\n  - name: api\n    newTag: \"1.10\"\n"
        );
    }
}
