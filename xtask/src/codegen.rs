//! Files that are derived from others, and kept in the repository for whoever reads it there.
//!
//! | file | comes from |
//! |---|---|
//! | `docs/schema/*.schema.json` | `loom schema` |
//! | *Versions* in `docs/kinds/*.md` | the changelog of each kind |
//! | `docs/checks.md` | the rules of the security checklist, as `loom check --rules` prints them |
//! | `docs/kinds/README.md` | the titles and first sentences of the pages beside it |
//! | `templates/loom.gitlab-ci.yml` | the fixture `delivery-gitlab-author`, its commit made an input |
//! | `docs/decisions/README.md` | the titles of the pages beside it |

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::process::{Profile, build_loom, output, root};
use crate::tree::at;

/// The documents that `loom schema` prints, and where they are kept.
const SCHEMAS: &[(&str, &str)] = &[
    ("project", "docs/schema/loom.schema.json"),
    ("story", "docs/schema/story.schema.json"),
];

/// How a derived page says so.
const DERIVED: &str = "<!-- Written by `cargo xtask codegen` from the pages beside it. -->";

/// How a derived section says so.
const VERSIONS: &str = "<!-- Written by `cargo xtask codegen` from the kind itself. -->";

/// What stands over the jobs of the template for GitLab.
const TEMPLATE: &str = "# Loom's jobs for a project on GitLab, in one entry of `include`: docs/guide/gitlab.md.
# Written by `cargo xtask codegen` from what the `delivery` blueprint writes.
spec:
  inputs:
    revision:
      description: The commit of loom that the jobs build, which is the one that this file is taken from.
      regex: ^[0-9a-f]{40}$
---
";

/// Writes the derived files, or says which of them are out of date.
pub(crate) fn run(check: bool) -> Outcome {
    let root = root();
    let loom = build_loom(Profile::Dev)?;
    let mut files = vec![
        (
            "docs/kinds/README.md".to_owned(),
            kind_index(&root.join("docs/kinds"))?,
        ),
        (
            "docs/decisions/README.md".to_owned(),
            decision_index(&root.join("docs/decisions"))?,
        ),
    ];
    files.push((
        "templates/loom.gitlab-ci.yml".to_owned(),
        gitlab_template(&root)?,
    ));
    files.push((
        "docs/checks.md".to_owned(),
        output(Command::new(&loom).args(["check", "--rules"]))?,
    ));
    for (document, path) in SCHEMAS {
        files.push((
            (*path).to_owned(),
            output(Command::new(&loom).args(["schema", document]))?,
        ));
    }
    for (name, page) in pages(&root.join("docs/kinds"))? {
        let shown =
            output(Command::new(&loom).args(["providers", "show", name.trim_end_matches(".md")]))?;
        if let Some(page) = with_versions(&page, &shown) {
            files.push((format!("docs/kinds/{name}"), page));
        }
    }
    let stale: Vec<&str> = files
        .iter()
        .filter(|(path, text)| fs::read_to_string(root.join(path)).ok().as_ref() != Some(text))
        .map(|file| file.0.as_str())
        .collect();
    match stale.as_slice() {
        [] => Ok(()),
        stale if check => Err(format!(
            "{} out of date: run `cargo xtask codegen`",
            stale.join(", ")
        )),
        _ => files
            .iter()
            .try_for_each(|(path, text)| write(&root.join(path), text)),
    }
}

fn write(path: &Path, text: &str) -> Outcome {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(at(parent))?;
    }
    fs::write(path, text).map_err(at(path))
}

/// The jobs that loom writes for GitLab where authors commit, to be included from elsewhere.
fn gitlab_template(root: &Path) -> Outcome<String> {
    let path = root.join("fixtures/projects/delivery-gitlab-author/expected/ci/loom.gitlab-ci.yml");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let revision = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("LOOM_REVISION: "));
    let revision =
        revision.ok_or_else(|| format!("{} names no revision of loom", path.display()))?;
    let jobs = text.split_once('\n').map_or("", |(_header, jobs)| jobs);
    Ok(format!(
        "{TEMPLATE}{}",
        jobs.replace(revision, "$[[ inputs.revision ]]")
    ))
}

/// A page with its section *Versions*, the last one, as `loom providers show` has it; `None` of a
/// kind without versions.
fn with_versions(page: &str, shown: &str) -> Option<String> {
    let (_, versions) = shown.split_once("\nVersions, and what each changed in the files:\n")?;
    let rows = versions
        .lines()
        .filter_map(|line| line.trim().split_once("  "));
    let rows = rows.map(|(version, sentence)| {
        format!("| {version} | {} |\n", sentence.trim().replace('|', "\\|"))
    });
    let page = page
        .split("\n## Versions\n")
        .next()
        .unwrap_or(page)
        .trim_end();
    let table = rows.collect::<String>();
    Some(format!(
        "{page}\n\n## Versions\n\n{VERSIONS}\n\n| version | what it changed in the files |\n|---|---|\n{table}"
    ))
}

/// The table of all kinds, from their pages.
fn kind_index(directory: &Path) -> Outcome<String> {
    let mut index = format!("# Kinds\n\n{DERIVED}\n\n| kind | what it is |\n|---|---|\n");
    for (name, page) in pages(directory)? {
        let (kind, sentence) = summary(&name, &page)?;
        index.extend(["| [", kind, "](", &name, ") | ", sentence, " |\n"]);
    }
    Ok(index)
}

/// The list of all decisions, from their pages.
fn decision_index(directory: &Path) -> Outcome<String> {
    let mut index = format!("# Decisions\n\n{DERIVED}\n\n");
    for (name, page) in pages(directory)? {
        let title = page
            .lines()
            .next()
            .and_then(|title| title.strip_prefix("# "))
            .unwrap_or("");
        let number = name.split('-').next().unwrap_or("");
        if number.len() != 4 || !title.starts_with(&format!("{number}: ")) {
            return Err(format!(
                "docs/decisions/{name} must begin with the title `# {number}: …`, a number of four digits"
            ));
        }
        index.extend(["- [", title, "](", &name, ")\n"]);
    }
    Ok(index)
}

/// The pages of a directory, but for its list, sorted by name.
fn pages(directory: &Path) -> Outcome<BTreeMap<String, String>> {
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(at(directory))? {
        let path = entry.map_err(at(directory))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name != "README.md" {
            pages.insert(name, fs::read_to_string(&path).map_err(at(&path))?);
        }
    }
    Ok(pages)
}

/// A page's title, which must be the kind that its name says, and its first sentence.
fn summary<'a>(name: &'a str, page: &'a str) -> Outcome<(&'a str, &'a str)> {
    let kind = name
        .strip_suffix(".md")
        .ok_or_else(|| format!("docs/kinds/{name} is no page"))?;
    let mut lines = page.lines().filter(|line| !line.is_empty());
    if lines.next().and_then(|title| title.strip_prefix("# ")) != Some(kind) {
        return Err(format!(
            "docs/kinds/{name} must begin with the title `# {kind}`"
        ));
    }
    let paragraph = lines
        .next()
        .filter(|line| !line.starts_with(['#', '|', '-', '`']));
    let paragraph = paragraph.ok_or_else(|| {
        format!("docs/kinds/{name} must say in its first paragraph what {kind} is")
    })?;
    Ok((
        kind,
        paragraph
            .split_once(". ")
            .map_or(paragraph, |(sentence, _)| sentence)
            .trim_end_matches('.'),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_takes_title_and_first_sentence_of_each_page_in_order() {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::write(home.path().join("b.c.md"), "# b.c\n\nMakes c. Of b.\n").expect("written");
        fs::write(
            home.path().join("a.md"),
            "# a\n\nMakes `a.yml`.\n\n## Settings\n",
        )
        .expect("written");
        fs::write(home.path().join("README.md"), "old").expect("written");
        let index = kind_index(home.path()).expect("an index");
        assert!(
            index.ends_with("| [a](a.md) | Makes `a.yml` |\n| [b.c](b.c.md) | Makes c |\n"),
            "{index}"
        );
    }

    #[test]
    fn the_list_of_decisions_takes_their_titles_and_refuses_one_whose_number_differs() {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::write(home.path().join("0002-b.md"), "# 0002: B\n").expect("written");
        fs::write(home.path().join("0001-a.md"), "# 0001: A\n").expect("written");
        let index = decision_index(home.path()).expect("an index");
        assert!(
            index.ends_with("\n\n- [0001: A](0001-a.md)\n- [0002: B](0002-b.md)\n"),
            "{index}"
        );
        fs::write(home.path().join("0003-c.md"), "# 0004: C\n").expect("written");
        assert!(decision_index(home.path()).is_err_and(|message| message.contains("0003-c.md")));
    }

    #[test]
    fn the_versions_of_a_kind_are_the_last_section_of_its_page() {
        let shown = "a (artifact, version 2)\n\nVersions, and what each changed in the files:\n  1  First.\n  2  Ports | names.\n";
        let page = with_versions("# a\n\nText.\n", shown).expect("it has versions");
        assert!(page.starts_with("# a\n\nText.\n\n## Versions\n"), "{page}");
        assert!(
            page.ends_with("|---|---|\n| 1 | First. |\n| 2 | Ports \\| names. |\n"),
            "{page}"
        );
        assert_eq!(
            with_versions(&page, shown),
            Some(page),
            "written again it is the same"
        );
        assert_eq!(with_versions("# b\n", "b (blueprint)\n"), None);
    }

    #[test]
    fn a_page_with_another_title_or_without_a_first_sentence_is_an_error() {
        assert!(
            summary("a.md", "# b\n\nText.\n").is_err_and(|message| message.contains("title `# a`"))
        );
        assert!(
            summary("a.md", "# a\n\n## Settings\n")
                .is_err_and(|message| message.contains("first paragraph"))
        );
    }
}
