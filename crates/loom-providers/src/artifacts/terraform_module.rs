//! `terraform.module`: a directory of Terraform files, as native HCL.

use loom_plan::addr::RepoPath;
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::handoff::fact::Fact;
use loom_plan::node::{Map, Node};
use loom_plan::provider::{
    Artifact, Attributes, Change, Comment, Draft, Existing, Failure, Fit, KindSpec, Lost, Mode,
    Nature, Order, Place, Provider,
};
use loom_plan::shape::{Field, Shape};

use crate::artifacts::{terraform_facts, terraform_lost};
use crate::draft;
use crate::emit::{difference, hcl};

/// A module, or the root of a configuration.
pub(crate) struct TerraformModule;

static SPEC: KindSpec = KindSpec {
    kind: "terraform.module",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "A directory of Terraform files",
    settings: &[Field::required(
        "files",
        Shape::Map(&Shape::Map(&Shape::Any)),
        "file name (`*.tf`, `*.tfvars`) → body in Terraform's JSON configuration syntax",
    )],
    attributes: &[(
        "outputs.NAME",
        "the expression `module.IDENTIFIER.NAME` for each output of the module",
    )],
    default_path: "infrastructure/terraform/modules/NAME, or infrastructure/terraform/NAME/ITEM",
    nature: Nature::Stateful,
};

fn files(artifact: &Artifact) -> impl Iterator<Item = (&str, loom_plan::text::Span, &Node)> {
    let files = artifact
        .settings
        .get("files")
        .and_then(Node::as_map)
        .into_iter();
    files
        .flat_map(Map::entries)
        .map(|(name, entry)| (name.as_ref(), entry.key, &entry.node))
}

fn folder(artifact: &Artifact) -> String {
    let name = artifact.address.name();
    match (&artifact.path, artifact.address.item()) {
        (Some(path), _) => path.to_string(),
        (None, Some(item)) => format!("infrastructure/terraform/{name}/{item}"),
        (None, None) => format!("infrastructure/terraform/modules/{name}"),
    }
}

impl Provider for TerraformModule {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        let folder = folder(artifact);
        let (mut places, mut found) = (Vec::new(), Failure::new());
        for (name, span, _) in files(artifact) {
            let written = [".tf", ".tfvars"]
                .iter()
                .any(|end| name.strip_suffix(end).is_some_and(|stem| !stem.is_empty()));
            match RepoPath::new(&format!("{folder}/{name}")) {
                Ok(path) if written && !name.contains('/') => {
                    places.push(Place {
                        name: name.into(),
                        path,
                        mode: Mode::Plain,
                        header: Some(Comment::Hash),
                    });
                }
                Ok(_) => {
                    let message = format!("`{name}` is not the name of a Terraform file");
                    found.push(
                        Diagnostic::new(Code::BadValue, message)
                            .at(span, "")
                            .help("use a name such as `main.tf` or `staging.tfvars`"),
                    );
                }
                Err(error) => {
                    found.push(Diagnostic::new(Code::BadValue, error.to_string()).at(span, ""));
                }
            }
        }
        if found.is_empty() {
            Ok(places)
        } else {
            Err(found)
        }
    }

    fn attributes(&self, artifact: &Artifact) -> Attributes {
        let module = artifact.address.name().identifier();
        let outputs = files(artifact).filter_map(|(_, _, body)| body.get("output")?.as_map());
        let names = outputs
            .flat_map(Map::entries)
            .filter(|(name, _)| name.as_ref() != "//");
        names
            .map(|(name, entry)| {
                (
                    format!("outputs.{name}"),
                    Node::string(entry.key, format!("module.{module}.{name}")),
                )
            })
            .collect()
    }

    fn render(&self, artifact: &Artifact, place: &Place) -> Result<String, Failure> {
        let body = files(artifact)
            .find(|(name, ..)| **name == *place.name)
            .map_or(&artifact.settings, |(_, _, body)| body);
        if place.name.ends_with(".tfvars") {
            hcl::values(body)
        } else {
            hcl::configuration(body)
        }
    }

    fn read(&self, file: &Existing<'_>) -> Option<Draft> {
        let folder = file
            .path
            .parent()
            .and_then(|folder| RepoPath::new(folder).ok())?;
        let body = match file.path.extension()? {
            "tf" => hcl::configuration_of(file.text),
            "tfvars" => hcl::values_of(file.text),
            _ => None,
        };
        let mut files = Map::default();
        files.insert(file.path.file_name(), body?);
        let draft = draft::setting("files", Node::map(draft::nowhere(), files), Fit::Format);
        Some(Draft {
            path: Some(folder),
            order: Order::Free,
            ..draft
        })
    }

    fn explain(&self, before: &str, after: &str) -> Vec<String> {
        difference::of_hcl(before, after)
    }

    fn lost(&self, change: Change<'_>) -> Vec<Lost> {
        terraform_lost::with(change)
    }

    fn facts(&self, artifact: &Artifact) -> Vec<Fact> {
        terraform_facts::of(files(artifact).map(|(name, _, body)| (name, body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::testing::artifact;

    const MODULE: &str = "
files:
  main.tf: { resource: { a_b: { c: { name: \"${var.x}\", tags: { k: v } } } } }
  outputs.tf: { output: { arn: { value: \"${a_b.c.arn}\" } } }
  staging.tfvars: { region: us-east-1, resource: { x: 1 } }
";

    #[test]
    fn each_file_has_its_own_place_and_text() {
        let artifact = artifact(&TerraformModule, MODULE);
        let places = TerraformModule.places(&artifact).expect("places");
        let texts = places.iter().map(|place| {
            format!(
                "{}\n{}",
                place.path,
                TerraformModule
                    .render(&artifact, place)
                    .expect("it renders")
            )
        });
        insta::assert_snapshot!(texts.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn outputs_are_published_as_expressions() {
        let attributes = TerraformModule.attributes(&artifact(&TerraformModule, MODULE));
        assert_eq!(
            attributes["outputs.arn"].as_str(),
            Some("module.entity_api.arn")
        );
        assert_eq!(attributes.len(), 1);
    }

    #[test]
    fn names_that_are_not_terraform_s_are_refused() {
        for name in [
            "../main.tf",
            "a/main.tf",
            "main.json",
            ".tf",
            "main.tf.json",
            "x.tfstate",
        ] {
            let artifact = artifact(
                &TerraformModule,
                &format!("files: {{ \"{name}\": {{}} }}\n"),
            );
            assert!(
                TerraformModule.places(&artifact).is_err(),
                "{name} was taken"
            );
        }
    }
}
