//! The beginning of a new artifact kind: a provider that works, registered, with a fixture and a
//! page. What is left is the kind's own: settings, rendering, and tests of both.

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::tree::at;

const MODULES: &str = "crates/loom-providers/src/artifacts/mod.rs";
const SLICES: &str = "crates/loom-providers/src/lib.rs";

/// A kind and the names that follow from it.
struct Names {
    /// `compose.override`
    kind: String,
    /// `compose_override`, the module and its file.
    slug: String,
    /// `ComposeOverride`, the provider's type.
    type_name: String,
    /// `compose-override`, the name of the fixture's artifact.
    name: String,
}

/// Adds `kind` to the checkout at `root`.
pub(crate) fn run(root: &Path, kind: &str) -> Outcome {
    let names = Names::new(kind)?;
    let files = [
        (
            format!("crates/loom-providers/src/artifacts/{}.rs", names.slug),
            names.fill(PROVIDER),
        ),
        (format!("docs/kinds/{kind}.md"), names.fill(PAGE)),
        (
            format!("fixtures/kinds/{kind}/minimal/loom.yaml"),
            names.fill(FIXTURE),
        ),
    ];
    if let Some((path, _)) = files.iter().find(|(path, _)| root.join(path).exists()) {
        return Err(format!("{path} exists already"));
    }
    let read = |path: &str| fs::read_to_string(root.join(path)).map_err(at(&root.join(path)));
    let module = format!("pub(crate) mod {};", names.slug);
    let modules = insert_sorted(&read(MODULES)?, "pub(crate) mod ", &module)
        .ok_or_else(|| format!("{MODULES} holds no line that begins with `pub(crate) mod `"))?;
    let entry = format!("    &artifacts::{}::{},", names.slug, names.type_name);
    let slices = insert_sorted(&read(SLICES)?, "    &artifacts::", &entry)
        .ok_or_else(|| format!("{SLICES} holds no line that begins with `&artifacts::`"))?;
    let edited = [(MODULES.to_owned(), modules), (SLICES.to_owned(), slices)];
    for (path, text) in files.iter().chain(&edited) {
        let path = root.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        fs::write(&path, text).map_err(at(&path))?;
    }
    println!(
        "{kind} is there. Next:\n  cargo xtask fixtures --bless {kind}\n  cargo xtask codegen\n  docs/guide/writing-a-kind.md"
    );
    Ok(())
}

/// `text` with `line` among the lines that begin with `prefix`, which are sorted; `None` where there is no such line.
fn insert_sorted(text: &str, prefix: &str, line: &str) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(|other| other.starts_with(prefix))?;
    let after = lines
        .iter()
        .position(|other| other.starts_with(prefix) && *other > line);
    lines.insert(after.unwrap_or(last + 1), line);
    Some(lines.join("\n") + "\n")
}

impl Names {
    fn new(kind: &str) -> Outcome<Self> {
        let words: Vec<&str> = kind.split(['.', '-']).collect();
        let wellformed = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if !words.iter().all(|word| wellformed(word)) {
            return Err(format!(
                "`{kind}` is no kind: write lower-case words with dots between them, such as compose.override"
            ));
        }
        let capital = |word: &&str| word[..1].to_uppercase() + &word[1..];
        Ok(Self {
            kind: kind.to_owned(),
            slug: words.join("_"),
            type_name: words.iter().map(capital).collect(),
            name: words.join("-"),
        })
    }

    fn fill(&self, template: &str) -> String {
        let filled = template
            .replace("{kind}", &self.kind)
            .replace("{type}", &self.type_name);
        filled.replace("{name}", &self.name)
    }
}

const PROVIDER: &str = r#"//! `{kind}`: a text under loom's header.

use loom_plan::provider::{Artifact, Comment, Failure, KindSpec, Nature, Place, Provider};
use loom_plan::shape::{Field, Shape};

use super::{stem, text, with_newline};

/// Writes the text of its declaration.
pub(crate) struct {type};

static SPEC: KindSpec = KindSpec {
    kind: "{kind}",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "A text under loom's header",
    settings: &[Field::required("content", Shape::Text, "the text of the file")],
    attributes: &[],
    default_path: "NAME.conf, or NAME-ITEM.conf",
    nature: Nature::Plain,
};

impl Provider for {type} {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        artifact.single("file", &format!("{}.conf", stem(artifact)), Some(Comment::Hash))
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        Ok(with_newline(text(artifact, "content")))
    }
}
"#;

const PAGE: &str = "# {kind}

A text under loom's header.

## Settings

| setting | form | meaning |
|---|---|---|
| `content` | text, required | the text of the file |

## Attributes

None but `path` and `name`.

## Default path

`NAME.conf`, or `NAME-ITEM.conf` for one of several.

## Example

```yaml
artifacts:
  - kind: {kind}
    name: {name}
    content: |
      level = info
```
";

const FIXTURE: &str = "loom: 1
project: example
environments:
  production: {}
artifacts:
  - kind: {kind}
    name: {name}
    content: |
      level = info
";

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout() -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(home.path().join("crates/loom-providers/src/artifacts")).expect("made");
        let modules = "//! Kinds.\n\npub(crate) mod file;\npub(crate) mod template;\n\nuse x;\n";
        fs::write(home.path().join(MODULES), modules).expect("written");
        let slices = "const PROVIDERS: &[u8] = &[\n    &artifacts::file::File,\n    &artifacts::template::Template,\n];\n";
        fs::write(home.path().join(SLICES), slices).expect("written");
        home
    }

    fn read(home: &Path, path: &str) -> String {
        fs::read_to_string(home.join(path)).expect("readable")
    }

    #[test]
    fn a_new_kind_has_provider_page_and_fixture_and_stands_in_order() {
        let home = checkout();
        run(home.path(), "fly.config").expect("made");
        let modules = read(home.path(), MODULES);
        assert!(
            modules.contains(
                "mod file;\npub(crate) mod fly_config;\npub(crate) mod template;\n\nuse x;\n"
            ),
            "{modules}"
        );
        let slices = read(home.path(), SLICES);
        assert!(
            slices.contains(
                "File,\n    &artifacts::fly_config::FlyConfig,\n    &artifacts::template"
            ),
            "{slices}"
        );
        assert!(
            read(
                home.path(),
                "crates/loom-providers/src/artifacts/fly_config.rs"
            )
            .contains("impl Provider for FlyConfig {")
        );
        assert!(read(home.path(), "docs/kinds/fly.config.md").starts_with("# fly.config\n"));
        assert!(
            read(home.path(), "fixtures/kinds/fly.config/minimal/loom.yaml")
                .contains("kind: fly.config\n    name: fly-config\n")
        );
    }

    #[test]
    fn kinds_at_both_ends_of_the_order_find_their_place() {
        let home = checkout();
        run(home.path(), "zone").expect("made");
        run(home.path(), "alert").expect("made");
        let modules = read(home.path(), MODULES);
        assert!(
            modules.contains("\n\npub(crate) mod alert;\npub(crate) mod file;"),
            "{modules}"
        );
        assert!(
            modules.contains("mod template;\npub(crate) mod zone;\n\nuse x;"),
            "{modules}"
        );
    }

    #[test]
    fn a_kind_that_is_there_or_is_none_changes_nothing() {
        let home = checkout();
        run(home.path(), "zone").expect("made");
        let before = read(home.path(), MODULES);
        assert!(run(home.path(), "zone").is_err_and(|message| message.contains("exists already")));
        for bad in ["", "Zone", "a..b", "a/b", "1a", "a.b-"] {
            assert!(
                run(home.path(), bad).is_err_and(|message| message.contains("is no kind")),
                "{bad:?} was taken"
            );
        }
        assert_eq!(read(home.path(), MODULES), before);
    }
}
