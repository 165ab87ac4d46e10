//! `docker.dockerfile`: a Dockerfile as text, under loom's header.

use loom_plan::node::{Node, Value};
use loom_plan::provider::{
    Artifact, Attributes, Comment, Draft, Existing, Failure, Fit, KindSpec, Nature, Place, Provider,
};
use loom_plan::shape::{Field, Shape};

use super::{lines, stem, text};
use crate::draft;

/// A Dockerfile.
pub(crate) struct DockerDockerfile;

static SPEC: KindSpec = KindSpec {
    kind: "docker.dockerfile",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "A Dockerfile",
    settings: &[Field::required(
        "content",
        Shape::Text,
        "the text of the Dockerfile",
    )],
    attributes: &[("port", "the first port that it exposes")],
    default_path: "docker/NAME.Dockerfile, or docker/NAME-ITEM.Dockerfile",
    nature: Nature::Plain,
};

impl Provider for DockerDockerfile {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        artifact.single(
            "dockerfile",
            &format!("docker/{}.Dockerfile", stem(artifact)),
            Some(Comment::Hash),
        )
    }

    fn attributes(&self, artifact: &Artifact) -> Attributes {
        let port = text(artifact, "content").lines().find_map(exposed);
        port.map(|port| {
            (
                "port".to_owned(),
                Node {
                    span: artifact.settings.span,
                    value: Value::Integer(port),
                },
            )
        })
        .into_iter()
        .collect()
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        Ok(lines(text(artifact, "content")))
    }

    fn read(&self, file: &Existing<'_>) -> Option<Draft> {
        let name = file.path.file_name();
        let known = ["Dockerfile", "Containerfile"].iter().any(|word| {
            let rest = name.strip_prefix(word).or_else(|| name.strip_suffix(word));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.ends_with('.'))
        });
        known.then(|| draft::content(file, Fit::Text))
    }
}

/// The port of `EXPOSE 3000` or `EXPOSE 3000/tcp`; one that is a variable is not known.
fn exposed(line: &str) -> Option<i64> {
    let (instruction, rest) = line.trim_start().split_once(char::is_whitespace)?;
    let port = rest
        .split_whitespace()
        .next()
        .filter(|_| instruction.eq_ignore_ascii_case("expose"))?;
    port.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::testing::artifact;

    #[test]
    fn the_exposed_port_is_published() {
        for (line, port) in [
            ("EXPOSE 3000", Some(3000)),
            ("expose 53/udp 54", Some(53)),
            ("EXPOSE $PORT", None),
            ("# EXPOSE 1", None),
        ] {
            let artifact = artifact(
                &DockerDockerfile,
                &format!("content: |\n  FROM a:1\n  {line}\n"),
            );
            assert_eq!(
                DockerDockerfile
                    .attributes(&artifact)
                    .get("port")
                    .and_then(Node::as_integer),
                port,
                "{line}"
            );
        }
    }
}
