//! Git's configuration as it holds in a repository, from every level.
//!
//! In: the directories of the repository. Out: values, the one that outweighs the others last, each
//! with the file that it is from.
//!
//! Read are the system's file, the user's, the repository's and the worktree's, with what they
//! include, and the variables `GIT_CONFIG_…`, in Git's own order (test
//! `every_level_counts_and_the_nearest_wins`).
//!
//! Deliberately not here: what a value means for a file.

use std::path::{Path, PathBuf};

use gix_config::file::{Metadata, includes, init};
use gix_config::{File, Source, path};

use crate::disk;

/// The settings.
#[derive(Debug, Default)]
pub(crate) struct Config(Vec<Value>);

/// One value of a setting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// In lower case: `core.autocrlf`.
    key: String,
    /// As it is written; a key alone means `true`.
    pub(crate) text: String,
    /// The file; none for what the environment says.
    file: Option<PathBuf>,
}

impl Config {
    /// The configuration of the repository whose own directories these are.
    ///
    /// # Errors
    /// Why it cannot be read, for people.
    pub(crate) fn read(git: &Path, common: &Path) -> Result<Self, String> {
        let home = home();
        let context = path::interpolate::Context {
            home_dir: home.as_deref(),
            ..Default::default()
        };
        let conditions = includes::conditional::Context {
            git_dir: Some(git),
            branch_name: None,
        };
        let options = init::Options {
            includes: includes::Options::follow(context, conditions),
            ..Default::default()
        };
        let failed = |error: &dyn std::fmt::Display| {
            format!("Git's configuration cannot be read, by Git neither: {error}")
        };
        let mut levels = shared();
        levels.push((Source::Local, common.join("config")));
        let here = Self::files(levels.clone(), options).map_err(|error| failed(&error))?;
        let mut values = if here.is_set("extensions.worktreeconfig") {
            levels.push((Source::Worktree, git.join("config.worktree")));
            let all = Self::files(levels, options).map_err(|error| failed(&error))?;
            all.0
        } else {
            here.0
        };
        if let Some(said) = File::from_env(options).map_err(|error| failed(&error))? {
            values.extend(flat(&said));
        }
        Ok(Self(values))
    }

    fn files(levels: Vec<(Source, PathBuf)>, options: init::Options<'_>) -> Result<Self, String> {
        let there = levels
            .into_iter()
            .filter(|(_, path)| matches!(disk::kind_at(path), Ok(disk::Kind::File)));
        let files = there.map(|(source, path)| Metadata {
            path: Some(path),
            ..Metadata::from(source)
        });
        let read = File::from_paths_metadata(files, options).map_err(|error| error.to_string())?;
        Ok(Self(read.as_ref().map(flat).unwrap_or_default()))
    }

    /// The value of a setting that holds.
    pub(crate) fn last(&self, key: &str) -> Option<&Value> {
        self.0.iter().rfind(|value| value.key == key)
    }

    /// Whether a setting is on.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.last(key).is_some_and(Value::is_true)
    }

    /// Whether a setting is off, which is more than that nobody set it.
    pub(crate) fn is_off(&self, key: &str) -> bool {
        self.last(key).is_some_and(Value::is_false)
    }

    /// The file that a setting names, else one of Git's directory of the user's own.
    pub(crate) fn file(&self, key: &str, usual: &str) -> Option<PathBuf> {
        match self.last(key) {
            Some(value) if value.text.is_empty() => None,
            Some(value) => Some(match value.text.strip_prefix("~/") {
                Some(below) => home()?.join(below),
                None => PathBuf::from(&value.text),
            }),
            None => {
                let set = std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty());
                let base = match set {
                    Some(base) => PathBuf::from(base),
                    None => home()?.join(".config"),
                };
                Some(base.join("git").join(usual))
            }
        }
    }

    /// Whether objects may still be at a remote: a partial clone.
    pub(crate) fn is_partial(&self) -> bool {
        let promises = |value: &Value| {
            value.key == "extensions.partialclone"
                || (value.key.starts_with("remote.")
                    && value.key.ends_with(".promisor")
                    && value.is_true())
        };
        self.0.iter().any(promises)
    }
}

impl Value {
    pub(crate) fn is_true(&self) -> bool {
        matches!(
            self.text.to_ascii_lowercase().as_str(),
            "true" | "yes" | "on" | "1"
        )
    }

    fn is_false(&self) -> bool {
        matches!(
            self.text.to_ascii_lowercase().as_str(),
            "false" | "no" | "off" | "0" | ""
        )
    }

    /// The setting as one says it: `core.autocrlf=true`.
    pub(crate) fn setting(&self) -> String {
        format!("{}={}", self.key, self.text)
    }

    /// The file and, where it is found there, the line that says so.
    pub(crate) fn place(&self) -> String {
        let Some(file) = &self.file else {
            return "the environment".to_owned();
        };
        let text = disk::read_path(file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let name = self.key.rsplit('.').next().unwrap_or_default();
        let says = |line: &str| {
            let line = line.trim().to_ascii_lowercase();
            line.split(['=', ' ', '\t']).next() == Some(name)
                && line.contains(&self.text.to_ascii_lowercase())
        };
        let line = text
            .lines()
            .collect::<Vec<_>>()
            .iter()
            .rposition(|line| says(line));
        match line {
            Some(line) => format!("{}:{}", file.display(), line + 1),
            None => file.display().to_string(),
        }
    }
}

/// The files of the system and of the user.
fn shared() -> Vec<(Source, PathBuf)> {
    let mut variable = |name: &str| std::env::var_os(name);
    [Source::System, Source::Git, Source::User]
        .into_iter()
        .filter_map(|source| Some((source, source.storage_location(&mut variable)?)))
        .collect()
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

/// The values of a file in their order.
fn flat(file: &File) -> Vec<Value> {
    let mut values = Vec::new();
    for section in file.sections() {
        let name = section.header().name().to_string().to_ascii_lowercase();
        let name = match section.header().subsection_name() {
            Some(below) => format!("{name}.{below}"),
            None => name,
        };
        let path = section.meta().path.clone();
        for key in section.value_names() {
            let Some(value) = section.value_implicit(&key) else {
                continue;
            };
            values.push(Value {
                key: format!("{name}.{}", key.to_ascii_lowercase()),
                text: value.map_or_else(|| "true".to_owned(), |value| value.to_string()),
                file: path.clone(),
            });
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Scene;

    #[test]
    fn every_level_counts_and_the_nearest_wins() {
        let scene = Scene::new(&[
            (
                ".git/config",
                "[core]\n\tautocrlf = input\n\tbare\n[include]\n\tpath = more\n[extensions]\n\tworktreeConfig = true\n[remote \"o.x\"]\n\tpromisor = true\n",
            ),
            (".git/more", "[core]\n\teol = crlf\n\tfileMode = false\n"),
            (
                ".git/config.worktree",
                "[core]\n\tsparseCheckout = true\n\tautocrlf = TRUE\n",
            ),
        ]);
        let git = scene.path().join(".git");
        let config = Config::read(&git, &git).expect("it can be read");
        assert!(config.is_set("core.autocrlf"), "{config:?}");
        assert!(config.is_set("core.bare"));
        assert!(config.is_set("core.sparsecheckout"));
        assert!(config.is_off("core.filemode"));
        assert!(!config.is_off("core.nothing"));
        assert!(config.is_partial());
        let eol = config.last("core.eol").expect("it is included");
        assert!(eol.place().ends_with("/.git/more:2"), "{}", eol.place());
    }

    #[test]
    fn what_git_cannot_read_either_is_said() {
        let scene = Scene::new(&[(".git/config", "[core\n")]);
        let git = scene.path().join(".git");
        let error = Config::read(&git, &git).expect_err("it is no configuration");
        assert!(error.contains("configuration cannot be read"), "{error}");
    }
}
