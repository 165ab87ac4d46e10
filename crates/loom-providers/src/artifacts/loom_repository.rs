//! `loom.repository`: what loom itself needs in a repository. The core declares it, once.

use loom_plan::addr::RepoPath;
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::provider::{Artifact, Comment, Failure, KindSpec, Mode, Nature, Place, Provider};

/// What Git is told about loom's own files.
pub(crate) struct LoomRepository;

static SPEC: KindSpec = KindSpec {
    kind: "loom.repository",
    version: 3,
    changelog: &[
        (1, "The first version."),
        (
            2,
            "Git merges the files of the ledger line by line, without conflicts (`merge=union`).",
        ),
        (3, "Git ignores what `loom resolve` lays out."),
    ],
    summary: "What Git is told about loom's own files; declared by loom itself",
    settings: &[],
    attributes: &[],
    default_path: ".loom/.gitignore and .gitattributes",
    nature: Nature::Plain,
};

/// Name, path and text of each output.
const OUTPUTS: [(&str, &str, &str); 2] = [
    ("gitignore", ".loom/.gitignore", "conflicts/\nprivate/\n"),
    (
        "gitattributes",
        ".gitattributes",
        ".loom/ledger/** linguist-generated=true merge=union\n",
    ),
];

fn place(name: &str, path: &str, artifact: &Artifact) -> Result<Place, Failure> {
    let wrong = |error: loom_plan::addr::PathError| {
        vec![Diagnostic::new(Code::Contract, error.to_string()).at(artifact.settings.span, "")]
    };
    Ok(Place {
        name: name.into(),
        path: RepoPath::new(path).map_err(wrong)?,
        mode: Mode::Plain,
        header: Some(Comment::Hash),
    })
}

impl Provider for LoomRepository {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        OUTPUTS
            .iter()
            .map(|(name, path, _)| place(name, path, artifact))
            .collect()
    }

    fn render(&self, _artifact: &Artifact, place: &Place) -> Result<String, Failure> {
        Ok(OUTPUTS
            .iter()
            .find(|(name, ..)| **name == *place.name)
            .map_or("", |(_, _, text)| text)
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::testing::artifact;

    #[test]
    fn each_output_has_its_own_text() {
        let artifact = artifact(&LoomRepository, "{}");
        let places = LoomRepository.places(&artifact).expect("places");
        let texts: Vec<_> = places
            .iter()
            .map(|place| (place.path.as_str(), LoomRepository.render(&artifact, place)))
            .collect();
        assert_eq!(
            texts,
            [
                (".loom/.gitignore", Ok("conflicts/\nprivate/\n".to_owned())),
                (
                    ".gitattributes",
                    Ok(".loom/ledger/** linguist-generated=true merge=union\n".to_owned())
                ),
            ]
        );
    }
}
