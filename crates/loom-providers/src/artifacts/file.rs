//! `file`: a text as it is.

use loom_plan::node::{Map, Node};
use loom_plan::provider::{
    Artifact, Draft, Existing, Failure, Fit, KindSpec, Mode, Nature, Order, Place, Provider,
    Running,
};
use loom_plan::shape::{Field, Shape};

use super::kubernetes_running;
use super::{stem, text};
use crate::draft;

/// A text that somebody wrote into the declaration. Loom changes no byte of it.
pub(crate) struct File;

static SPEC: KindSpec = KindSpec {
    kind: "file",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "A file with the text of its declaration, byte for byte",
    settings: &[
        Field::required(
            "content",
            Shape::Text,
            "the text of the file, byte for byte",
        ),
        Field::optional(
            "mode",
            Shape::OneOf(&["executable"]),
            "`executable` for a program: mode 0755 in place of 0644",
        ),
    ],
    attributes: &[],
    default_path: "NAME, or NAME-ITEM",
    nature: Nature::Plain,
};

impl Provider for File {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        let mut places = artifact.single("file", &stem(artifact), None)?;
        if artifact.settings.get("mode").is_some() {
            for place in &mut places {
                place.mode = Mode::Executable;
            }
        }
        Ok(places)
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        Ok(text(artifact, "content").to_owned())
    }

    fn read(&self, file: &Existing<'_>) -> Option<Draft> {
        let mut settings = Map::default();
        if file.mode == Mode::Executable {
            settings.insert("mode", Node::string(draft::nowhere(), "executable"));
        }
        settings.insert("content", Node::string(draft::nowhere(), file.text));
        Some(Draft {
            settings: Node::map(draft::nowhere(), settings),
            path: None,
            fit: Fit::Any,
            order: Order::Told,
        })
    }

    fn running(&self, text: &str, beside: &dyn Fn(&str) -> Option<String>) -> Vec<Running> {
        kubernetes_running::objects(text, beside)
    }
}
