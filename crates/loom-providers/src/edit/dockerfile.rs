//! Dockerfiles: the images that stages begin from. Their versions can be left to somebody; nothing of
//! a Dockerfile is owned by keys.

use indexmap::IndexMap;
use loom_plan::addr::RepoPath;
use loom_plan::check;
use loom_plan::keys::{Change, Data, Edited, Entry, Form, Format, KeyPath, Proposal};
use parse_dockerfile::{FromInstruction, Instruction, parse};

/// A Dockerfile, as `FROM: { STAGE: IMAGE }`. A stage is called by its name, and one without by its
/// number, as `COPY --from` does. A stage that begins from another one, or from `scratch`, has no image.
#[derive(Debug)]
pub struct Dockerfile;

const NO_KEYS: &str = "keys of a Dockerfile cannot be owned";

impl Format for Dockerfile {
    fn name(&self) -> &'static str {
        "a Dockerfile"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_of(&self, path: &RepoPath) -> bool {
        crate::inspect::by_path(path.as_str()) == Some(check::Format::Dockerfile)
    }

    fn has_keys(&self) -> bool {
        false
    }

    fn comments(&self) -> &'static [&'static str] {
        &[]
    }

    fn read(&self, text: &str) -> Result<Data, String> {
        let file = parse(text).map_err(|error| format!("line {}: {error}", error.line()))?;
        let mut stages: IndexMap<String, Entry> = IndexMap::new();
        let mut names: Vec<String> = Vec::new();
        for from in file.instructions.iter().filter_map(stage) {
            let number = names.len().to_string();
            let name = from.as_.as_ref().map(|(_, name)| name.value.to_lowercase());
            let image = &from.image;
            let is_stage = names
                .iter()
                .any(|name| image.value.eq_ignore_ascii_case(name));
            let name = name.unwrap_or(number);
            names.push(name.clone());
            if !is_stage && image.value != "scratch" {
                let data = Data::text(image.span.clone(), &image.value);
                let key = from.from.span.clone();
                stages.insert(name, Entry { key, data });
            }
        }
        let stages = Entry {
            key: 0..0,
            data: Data::new(0..text.len(), Form::Map(stages)),
        };
        let all = IndexMap::from([("FROM".to_owned(), stages)]);
        Ok(Data::new(0..text.len(), Form::Map(all)))
    }

    fn edit(&self, _: &str, _: Change<'_>) -> Result<Edited, String> {
        Err(NO_KEYS.to_owned())
    }

    fn put(&self, _: &str, _: &str, _: &KeyPath) -> Result<String, String> {
        Err(NO_KEYS.to_owned())
    }

    fn extract(&self, text: &str, _: &[KeyPath]) -> String {
        text.to_owned()
    }

    fn propose(&self, text: &str, _: Change<'_>) -> Proposal {
        Proposal {
            text: text.to_owned(),
            snippets: Vec::new(),
        }
    }
}

fn stage<'a, 'b>(instruction: &'b Instruction<'a>) -> Option<&'b FromInstruction<'a>> {
    if let Instruction::From(from) = instruction {
        Some(from)
    } else {
        None
    }
}
