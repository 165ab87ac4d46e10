//! `docker.compose`: services that run together on one machine.

use loom_plan::node::{Map, Node};
use loom_plan::provider::{
    Artifact, Attributes, Comment, Draft, Existing, Failure, Fit, KindSpec, Nature, Place, Provider,
};
use loom_plan::shape::{Field, Shape};

use crate::draft;
use crate::emit::texts::{self, Places, Refuses};
use crate::emit::{difference, yaml};

/// A Compose file.
pub(crate) struct DockerCompose;

static SPEC: KindSpec = KindSpec {
    kind: "docker.compose",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "Services that run together on one machine",
    settings: &[Field::required(
        "content",
        Shape::Map(&Shape::Any),
        "the Compose file as data",
    )],
    attributes: &[
        ("services.NAME", "the name of each service"),
        (
            "ports.NAME",
            "the first port inside each service's container that `ports` or `expose` name",
        ),
    ],
    default_path: "compose.yaml, or compose.ITEM.yaml",
    nature: Nature::Plain,
};

/// Where a number would lose digits that mean something: `3.10` is not `3.1`.
const TEXTS: Places = Places {
    mappings: &["environment", "labels", "args"],
    items: &[],
    refuses: Refuses::Digits,
};

impl Provider for DockerCompose {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        let item = artifact
            .address
            .item()
            .map_or_else(String::new, |item| format!(".{item}"));
        artifact.single(
            "compose",
            &format!("compose{item}.yaml"),
            Some(Comment::Hash),
        )
    }

    fn attributes(&self, artifact: &Artifact) -> Attributes {
        let mut found = Attributes::new();
        for (name, entry) in services(artifact).into_iter().flat_map(Map::entries) {
            found.insert(format!("services.{name}"), Node::string(entry.key, &**name));
            if let Some((written, port)) = container_port(&entry.node) {
                found.insert(
                    format!("ports.{name}"),
                    Node::from_json(written.span, &port.into()),
                );
            }
        }
        found
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        let content = artifact
            .settings
            .get("content")
            .unwrap_or(&artifact.settings);
        Ok(yaml::document(&texts::in_places(content, &TEXTS)))
    }

    fn read(&self, file: &Existing<'_>) -> Option<Draft> {
        let stem = file
            .path
            .file_name()
            .strip_suffix(".yaml")
            .or_else(|| file.path.file_name().strip_suffix(".yml"))?;
        let name = stem
            .strip_prefix("docker-")
            .unwrap_or(stem)
            .strip_prefix("compose")?;
        let named = name.is_empty() || name.starts_with(['.', '-']);
        let content = draft::mapping(file.text)
            .filter(|content| named && content.get("services").is_some())?;
        Some(draft::setting("content", content, Fit::Format))
    }

    fn explain(&self, before: &str, after: &str) -> Vec<String> {
        difference::of_yaml(before, after)
    }
}

fn services(artifact: &Artifact) -> Option<&Map> {
    artifact.settings.at(&["content", "services"])?.as_map()
}

/// The first port inside the container, and where it is written: `target` of the long form, what
/// stands behind the last `:` and before `/` in the short one.
fn container_port(service: &Node) -> Option<(&Node, i64)> {
    let mut written = ["ports", "expose"]
        .into_iter()
        .filter_map(|list| service.get(list)?.as_seq())
        .flatten();
    written.find_map(|entry| {
        let entry = entry.get("target").unwrap_or(entry);
        let port = entry.as_integer().or_else(|| {
            let text = entry.as_str()?;
            text.rsplit(':').next()?.split('/').next()?.parse().ok()
        });
        Some((entry, port?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::testing::{artifact, rendered};

    #[test]
    fn ports_and_words_that_some_readers_take_for_numbers_and_truth_values_are_quoted() {
        let settings = "content: { services: { db: { image: \"postgres:17.2\", ports: [\"22:22\", \"127.0.0.1:5432:5432\"], restart: \"no\" } } }\n";
        let text = rendered(&DockerCompose, settings);
        let expected = "services:\n  db:\n    image: postgres:17.2\n    ports:\n      - \"22:22\"\n      - \"127.0.0.1:5432:5432\"\n    restart: \"no\"\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_port_inside_the_container_is_published_in_every_form() {
        let port = |service: &str| {
            let artifact = artifact(
                &DockerCompose,
                &format!("content: {{ services: {{ web: {service} }} }}\n"),
            );
            DockerCompose
                .attributes(&artifact)
                .get("ports.web")
                .and_then(Node::as_integer)
        };
        assert_eq!(port("{ ports: [\"127.0.0.1:8080:80/tcp\"] }"), Some(80));
        assert_eq!(port("{ ports: [\"[::1]:6001:6000\"] }"), Some(6000));
        assert_eq!(
            port("{ ports: [{ published: 8080, target: 3000 }] }"),
            Some(3000)
        );
        assert_eq!(port("{ ports: [4000] }"), Some(4000));
        assert_eq!(port("{ expose: [\"5000\"] }"), Some(5000));
        assert_eq!(
            port("{ ports: [\"9090-9091:8080-8081\"], expose: [7000] }"),
            Some(7000)
        );
        assert_eq!(port("{ image: a }"), None);
    }

    #[test]
    fn services_are_published_by_name() {
        let artifact = artifact(
            &DockerCompose,
            "content: { services: { web: {}, db: {} } }\n",
        );
        let names: Vec<String> = DockerCompose.attributes(&artifact).into_keys().collect();
        assert_eq!(names, ["services.db", "services.web"]);
    }
}
