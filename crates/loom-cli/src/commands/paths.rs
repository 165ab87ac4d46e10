//! Paths as people type them: `./x`, `x/`, a directory, a glob, an absolute path, one that is seen
//! from where they stand.
//!
//! In: what was typed, and the paths that it can mean. Out: patterns seen from the root that match at
//! least one of those, or the failure that names the nearest. A directory means what is below it.
//!
//! Invariant: what matches nothing is never an empty answer (tests here, `tests/it/scopes.rs`).

use std::path::{Component, Path, PathBuf};

use loom_plan::addr::RepoPath;
use loom_plan::diag::{did_you_mean, one_of};
use loom_plan::input::{Globs, Input as _};

use super::{Desk, Failure};
use crate::env;

/// Where paths are seen from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Here {
    /// The directory of loom.yaml.
    root: PathBuf,
    /// The same, as the shell named it, where it went through a link.
    named: Option<PathBuf>,
    /// From the root to where loom was called; empty at the root.
    below: PathBuf,
}

impl Here {
    /// Where a command was called.
    pub(crate) fn of(desk: &Desk<'_>) -> Self {
        let root = desk.root.path().to_owned();
        let start = env::start(desk.global.directory.as_deref()).unwrap_or_default();
        let canonical = start.canonicalize().unwrap_or_else(|_| start.clone());
        let below = canonical.strip_prefix(&root).unwrap_or(Path::new(""));
        let named = env::named_directory()
            .filter(|named| named.canonicalize().is_ok_and(|named| named == canonical));
        let named = named.and_then(|named| {
            let depth = below.components().count();
            named.ancestors().nth(depth).map(Path::to_owned)
        });
        Self {
            below: below.to_owned(),
            root,
            named,
        }
    }

    /// What a path can mean, seen from the root: first as it stands, then as seen from where loom was
    /// called. Empty is the root itself.
    ///
    /// # Errors
    /// Where it leads out of the repository.
    pub(crate) fn forms(&self, typed: &str) -> Result<Vec<String>, Failure> {
        let path = Path::new(typed);
        let outside = || {
            Failure::Environment(format!(
                "`{typed}` lies outside of {}, where loom.yaml is",
                self.root.display()
            ))
        };
        if path.is_absolute() {
            let roots = [Some(&self.root), self.named.as_ref()]
                .into_iter()
                .flatten();
            let inside = roots
                .into_iter()
                .find_map(|root| path.strip_prefix(root).ok());
            let inside = inside.map(Path::to_owned).or_else(|| {
                let canonical = path.canonicalize().ok()?;
                canonical.strip_prefix(&self.root).ok().map(Path::to_owned)
            });
            return Ok(vec![inside.as_deref().and_then(plain).ok_or_else(outside)?]);
        }
        let from_root = plain(path);
        let from_here = plain(&self.below.join(path));
        let mut forms: Vec<String> = from_root.into_iter().chain(from_here).collect();
        forms.dedup();
        if forms.is_empty() {
            return Err(outside());
        }
        Ok(forms)
    }

    /// The patterns that a path of an option means among those that are known.
    ///
    /// # Errors
    /// Where none matches.
    pub(crate) fn matching(
        &self,
        typed: &str,
        known: &[&RepoPath],
    ) -> Result<Vec<String>, Failure> {
        let forms = self.forms(typed)?;
        for form in &forms {
            let patterns = patterns(form);
            let globs = Globs::new(&patterns);
            if known.iter().any(|path| globs.matches(path)) {
                return Ok(patterns);
            }
        }
        let near = nearest(&forms[0], known);
        let count = match known.len() {
            1 => "the only file".to_owned(),
            count => format!("any of the {count} files"),
        };
        Err(Failure::Environment(format!(
            "`--path {typed}` does not match {count} that loom manages; {}",
            if near.is_empty() {
                "`loom graph --format json` lists them; a directory means all that is below it"
                    .to_owned()
            } else {
                format!("did you mean {}?", one_of(near.iter().map(String::as_str)))
            }
        )))
    }

    /// What a path names on the disk.
    ///
    /// # Errors
    /// Where it names nothing.
    pub(crate) fn on_disk(&self, desk: &Desk<'_>, typed: &str) -> Result<Named, Failure> {
        for form in self.forms(typed)? {
            if form.is_empty() {
                return Ok(Named::Below("**".to_owned()));
            }
            if let Ok(path) = RepoPath::new(&form)
                && desk.root.stands(&path)
            {
                return Ok(Named::File(path));
            }
            let below = patterns(&form);
            let found = desk.root.glob(&below);
            if !found.is_empty() {
                return Ok(Named::Below(form));
            }
        }
        let all = desk.root.glob(&["**".to_owned()]);
        let known: Vec<&RepoPath> = all.iter().collect();
        let near = nearest(&self.forms(typed)?[0], &known);
        Err(Failure::Environment(format!(
            "`{typed}` names no file: there is nothing; paths are seen from the directory of loom.yaml{}",
            if near.is_empty() {
                String::new()
            } else {
                format!(
                    "; did you mean {}?",
                    one_of(near.iter().map(String::as_str))
                )
            }
        )))
    }
}

/// What a path names on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// One file.
    File(RepoPath),
    /// All that is below a directory, or that a glob matches.
    Below(String),
}

impl Named {
    /// The patterns that match it.
    pub(crate) fn patterns(&self) -> Vec<String> {
        match self {
            Self::File(path) => vec![globset::escape(path.as_str())],
            Self::Below(form) => patterns(form),
        }
    }
}

/// A form as patterns: itself and what is below it, read as a glob and as the name it is.
fn patterns(form: &str) -> Vec<String> {
    if form.is_empty() {
        return vec!["**".to_owned()];
    }
    let literal = globset::escape(form);
    let mut patterns = vec![form.to_owned(), format!("{form}/**")];
    if literal != form {
        patterns.extend([literal.clone(), format!("{literal}/**")]);
    }
    patterns
}

/// A path without `.` and `..`; nothing where that leads out.
fn plain(path: &Path) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// The paths and directories that may have been meant, at most three.
pub(crate) fn nearest(form: &str, known: &[&RepoPath]) -> Vec<String> {
    let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let directories = known.iter().flat_map(|path| {
        let path = path.as_str();
        path.match_indices('/').map(|(end, _)| &path[..end])
    });
    let mut all: Vec<&str> = known
        .iter()
        .map(|path| path.as_str())
        .chain(directories)
        .collect();
    all.sort_unstable();
    all.dedup();
    let mut near: Vec<String> = did_you_mean(form, all.iter().copied())
        .into_iter()
        .map(ToOwned::to_owned)
        .collect();
    let same_name = all.iter().filter(|path| last(path) == last(form));
    near.extend(same_name.map(|path| (*path).to_owned()));
    let mut seen = std::collections::BTreeSet::new();
    near.retain(|path| seen.insert(path.clone()));
    near.truncate(3);
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(below: &str) -> Here {
        Here {
            root: "/srv/shop".into(),
            named: Some("/home/ann/shop".into()),
            below: below.into(),
        }
    }

    fn known() -> Vec<RepoPath> {
        ["svc/a/x.txt", "svc/b/y.txt", "app/[id]/page.ts"]
            .iter()
            .map(|path| RepoPath::new(path).expect("a path"))
            .collect()
    }

    fn matched(below: &str, typed: &str) -> Result<Vec<String>, String> {
        let known = known();
        let known: Vec<&RepoPath> = known.iter().collect();
        let patterns = here(below)
            .matching(typed, &known)
            .map_err(|failure| failure.to_string())?;
        let globs = Globs::new(&patterns);
        let found = known.iter().filter(|path| globs.matches(path));
        Ok(found.map(ToString::to_string).collect())
    }

    #[test]
    fn a_path_means_the_same_however_it_is_typed() {
        for typed in [
            "svc/a/x.txt",
            "./svc/a/x.txt",
            "svc/a",
            "svc/a/",
            "svc/a/**",
            "svc/./a//",
            "svc/b/../a",
            "/srv/shop/svc/a",
            "/home/ann/shop/svc/a/x.txt",
            "**/x.txt",
        ] {
            assert_eq!(
                matched("", typed).as_deref(),
                Ok(&["svc/a/x.txt".to_owned()][..]),
                "{typed}"
            );
        }
        for typed in ["x.txt", "./x.txt", "../a", "svc/a/x.txt"] {
            assert_eq!(
                matched("svc/a", typed).as_deref(),
                Ok(&["svc/a/x.txt".to_owned()][..]),
                "{typed}"
            );
        }
        assert_eq!(matched("", "svc").map(|found| found.len()), Ok(2));
        assert_eq!(matched("", "svc/*").map(|found| found.len()), Ok(2));
        assert_eq!(matched("", ".").map(|found| found.len()), Ok(3));
        assert_eq!(
            matched("", "app/[id]").map(|found| found.len()),
            Ok(1),
            "a name, and no class"
        );
    }

    #[test]
    fn what_matches_nothing_is_said_with_the_nearest() {
        let said = matched("", "svcc/a/x.txt").expect_err("nothing");
        assert!(said.contains("did you mean `svc/a/x.txt`?"), "{said}");
        let said = matched("", "svc/c").expect_err("nothing");
        assert!(said.contains("`svc/"), "{said}");
        let said = matched("", "lib/y.txt").expect_err("nothing");
        assert!(said.contains("`svc/b/y.txt`"), "{said}");
        let said = matched("", "/etc/passwd").expect_err("nothing");
        assert!(said.contains("lies outside of /srv/shop"), "{said}");
        assert!(matched("", "../x").is_err());
        assert!(matched("svc", "k8s/**").is_err());
    }
}
