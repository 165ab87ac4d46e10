//! A branch that gets one commit, while the worktree and its index stay as they are.
//!
//! In: the root, a branch's name, and the files that change. Out: a commit on top of the branch, or
//! of `HEAD` where there is no such branch yet; or a refusal that says what helps.
//!
//! Invariants: the branch is set only if it is what it was when the plan was made, which is compared
//! and set in one step under Git's own lock (test `a_branch_that_moved_meanwhile_is_not_written`);
//! objects are durable before the branch names them; every entry of the tree that is not among the
//! changes stays, whatever it is.
//!
//! Deliberately not here: hooks, signatures, and any remote. Files that appear in no commit are
//! left for `git gc`.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use gix::objs::tree::EntryKind;
use gix::open::{Options, Permissions, permissions};
use gix::refs::transaction::{PreviousValue, RefEdit};
use gix::refs::{FullName, Target};
use gix::remote::Direction;
use gix::{ObjectId, Repository};
use loom_apply::{Durability, Root, Stop, make_durable};
use loom_plan::provider::Mode;

use super::Place;
use super::commit::{Commit, short};

/// A branch as it was found.
#[derive(Debug)]
pub(crate) struct Branch {
    place: Place,
    /// Without `refs/heads/`.
    pub(crate) name: String,
    reference: FullName,
    tip: Option<ObjectId>,
    head: ObjectId,
}

/// A file of the root in the new commit; without content it goes.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Seen from the root.
    pub(crate) path: String,
    /// What it becomes.
    pub(crate) content: Option<(Mode, Vec<u8>)>,
}

/// What was written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// The commit.
    pub(crate) id: String,
    /// The remote that the branch would be pushed to, if there is one.
    pub(crate) remote: Option<String>,
    /// Whether Git is set up to sign commits, which this one is not.
    pub(crate) wants_signature: bool,
}

/// Why a branch was not written. It is as it was, or as somebody else made it.
#[derive(Debug)]
pub(crate) enum NotCommitted {
    /// Somebody moved it since the plan was made.
    Moved(String),
    /// A command of Git holds it.
    Locked(String),
    /// Somebody wants an end.
    Stopped,
    /// Anything else.
    Failed(String),
}

impl Branch {
    /// Finds the branch, or that there is none yet, and sees that it may be written.
    ///
    /// # Errors
    /// A sentence that says why not, and what helps.
    pub(crate) fn find(root: &Root, name: &str) -> Result<Self, String> {
        let place = Place::of(root).ok_or_else(|| {
            format!(
                "{} is in no Git repository, so that there is no branch to write: apply without --to-branch",
                root.path().display()
            )
        })?;
        let reference = reference(name)?;
        let repository = place.open_or_say()?;
        let head = repository.head_id().map(gix::Id::detach);
        let head = head.map_err(|_| {
            "there is no commit yet that a branch could begin from: commit loom.yaml first"
                .to_owned()
        })?;
        refuse_checked_out(&repository, &reference, name)?;
        refuse_default(&repository, name)?;
        refuse_nested(&repository, name)?;
        let tip = tip(&repository, &reference)
            .map_err(|why| format!("the branch `{name}` cannot be written: {why}"))?;
        Ok(Self {
            place,
            name: name.to_owned(),
            reference,
            tip,
            head,
        })
    }

    /// The files that the commit is made on top of.
    ///
    /// # Errors
    /// A sentence that says why they cannot be listed.
    pub(crate) fn base(&self) -> Result<Commit, String> {
        let id = self.parent();
        let commit = Commit::of(self.place.clone(), id);
        commit.map_err(|error| {
            format!(
                "the files of the commit {} cannot be listed: {error}",
                short(id)
            )
        })
    }

    fn parent(&self) -> ObjectId {
        self.tip.unwrap_or(self.head)
    }

    /// Whether the branch begins with this commit, or is where `HEAD` is.
    pub(crate) fn is_at_head(&self) -> bool {
        self.parent() == self.head
    }

    /// The commit that the new one is made on top of, shortened.
    pub(crate) fn below(&self) -> String {
        short(self.parent())
    }

    /// What the commit is made on top of, for people.
    pub(crate) fn base_name(&self) -> String {
        let short = short(self.parent());
        if self.tip.is_some() {
            format!("the branch `{}` ({short})", self.name)
        } else {
            format!("HEAD ({short})")
        }
    }

    /// Writes one commit, and lets the branch name it.
    ///
    /// # Errors
    /// [`NotCommitted`]; the branch is not changed then.
    pub(crate) fn commit(
        &self,
        (root, durability, stop): (&Root, Durability, &Stop),
        entries: &[Entry],
        message: &str,
    ) -> Result<Written, NotCommitted> {
        let failed =
            |what: &str, error: gix::Error| NotCommitted::Failed(format!("{what}: {error}"));
        let repository = gix::open_opts(&self.place.git, with_settings())
            .map_err(|error| failed("the Git repository cannot be opened", error))?;
        let (committer, author) = people(&repository).map_err(NotCommitted::Failed)?;
        let unwritten = |error| failed("the commit cannot be written", error);
        for (_, bytes) in entries.iter().filter_map(|entry| entry.content.as_ref()) {
            repository.write_blob(bytes).map_err(unwritten)?;
            goes_on(stop)?;
        }
        let (tree, mut written) = self.tree(&repository, entries).map_err(unwritten)?;
        let commit = gix::objs::Commit {
            tree,
            parents: [self.parent()].into(),
            author,
            committer: committer.clone(),
            encoding: None,
            message: message.into(),
            extra_headers: Vec::new(),
        };
        let id = repository
            .write_object(&commit)
            .map_err(unwritten)?
            .detach();
        written.push(id);
        let objects = written
            .iter()
            .map(|id| loose(&repository, *id))
            .filter(|file| file.exists())
            .collect::<Vec<_>>();
        let bytes = entries
            .iter()
            .filter_map(|entry| entry.content.as_ref())
            .map(|(_, bytes)| bytes.len() as u64)
            .sum();
        let undurable = |error: std::io::Error| {
            NotCommitted::Failed(format!("the commit cannot be made durable: {error}"))
        };
        make_durable(root, durability, &objects, bytes).map_err(undurable)?;
        goes_on(stop)?;
        self.point_to(&repository, id, (&committer, message))?;
        let reference = repository
            .common_dir()
            .join(self.reference.as_bstr().to_string());
        make_durable(root, durability, &[reference], 0).map_err(undurable)?;
        Ok(Written {
            id: id.to_string(),
            remote: self.remote(&repository),
            wants_signature: repository.config_snapshot().boolean("commit.gpgSign") == Some(true),
        })
    }

    /// The new tree of what was written, and every object of it.
    fn tree(
        &self,
        repository: &Repository,
        entries: &[Entry],
    ) -> gix::Result<(ObjectId, Vec<ObjectId>)> {
        let base = repository.find_commit(self.parent())?.tree()?;
        let (mut editor, mut written) = (base.edit()?, Vec::new());
        let mut paths = Vec::new();
        for entry in entries {
            let Some(path) = self.place.in_git(&entry.path) else {
                continue;
            };
            match &entry.content {
                None => drop(editor.remove(&path)?),
                Some((mode, bytes)) => {
                    let kind = match mode {
                        Mode::Plain => EntryKind::Blob,
                        Mode::Executable => EntryKind::BlobExecutable,
                    };
                    let blob = gix::objs::compute_hash(
                        repository.object_hash(),
                        gix::objs::Kind::Blob,
                        bytes,
                    )?;
                    written.push(blob);
                    editor.upsert(&path, kind, blob)?;
                }
            }
            paths.push(path);
        }
        let id = editor.write()?.detach();
        written.push(id);
        let tree = repository.find_tree(id)?;
        let mut directories: Vec<&str> = paths
            .iter()
            .flat_map(|path| path.match_indices('/').map(|(end, _)| &path[..end]))
            .collect();
        directories.sort_unstable();
        directories.dedup();
        for directory in directories {
            written.extend(
                tree.lookup_entry_by_path(directory)?
                    .map(|entry| entry.object_id()),
            );
        }
        Ok((id, written))
    }

    /// Lets the branch name a commit, if it still is what it was.
    fn point_to(
        &self,
        repository: &Repository,
        id: ObjectId,
        (committer, message): (&gix::actor::Signature, &str),
    ) -> Result<(), NotCommitted> {
        let expected = match self.tip {
            Some(tip) => PreviousValue::MustExistAndMatch(Target::Object(tip)),
            None => PreviousValue::MustNotExist,
        };
        let log = format!("loom apply: {}", message.lines().next().unwrap_or_default());
        let edit = RefEdit::update(self.reference.clone(), id, expected, log);
        let mut buffer = gix::date::parse::TimeBuf::default();
        let Err(error) =
            repository.edit_references_as(Some(edit), Some(committer.to_ref(&mut buffer)))
        else {
            return Ok(());
        };
        let name = &self.name;
        if tip(repository, &self.reference).ok() != Some(self.tip) {
            return Err(NotCommitted::Moved(format!(
                "somebody wrote the branch `{name}` while this plan was made, so that it was left as it is: run the command again"
            )));
        }
        let lock = repository
            .common_dir()
            .join(format!("{}.lock", self.reference.as_bstr()));
        if lock.exists() {
            return Err(NotCommitted::Locked(format!(
                "a command of Git is writing the branch `{name}`: wait for it; where none runs, remove {}",
                lock.display()
            )));
        }
        Err(NotCommitted::Failed(format!(
            "the branch `{name}` cannot be written: {error}"
        )))
    }

    /// Where the branch would be pushed to.
    fn remote(&self, repository: &Repository) -> Option<String> {
        let configured = repository.branch_remote_name(self.reference.shorten(), Direction::Push);
        let configured = configured.map(|name| name.as_bstr().to_string());
        configured.or_else(|| {
            repository
                .remote_default_name(Direction::Push)
                .map(|name| name.to_string())
        })
    }
}

fn goes_on(stop: &Stop) -> Result<(), NotCommitted> {
    if stop.0.load(Ordering::Relaxed) {
        Err(NotCommitted::Stopped)
    } else {
        Ok(())
    }
}

/// The settings that say who commits: the repository's, the user's and the machine's, and the environment.
fn with_settings() -> Options {
    let allow = gix::sec::Permission::Allow;
    let environment = permissions::Environment {
        identity: allow,
        home: allow,
        xdg_config_home: allow,
        git_prefix: allow,
        ..permissions::Environment::isolated()
    };
    let config = permissions::Config::all();
    Options::isolated().permissions(Permissions {
        env: environment,
        config,
        attributes: permissions::Attributes::isolated(),
    })
}

/// Who commits, and who wrote what is committed.
fn people(
    repository: &Repository,
) -> Result<(gix::actor::Signature, gix::actor::Signature), String> {
    let named = |found: Option<gix::Result<gix::actor::SignatureRef<'_>>>| {
        let signature = found?.ok()?.to_owned().ok()?;
        let is_said =
            !signature.name.trim_ascii().is_empty() && !signature.email.trim_ascii().is_empty();
        is_said.then_some(signature)
    };
    let nobody = || {
        "Git does not know who commits, so that nothing was written: say it with \
         `git config user.name 'Your Name'` and `git config user.email you@example.com`, \
         or in GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL"
            .to_owned()
    };
    let committer = named(repository.committer()).ok_or_else(nobody)?;
    let author = named(repository.author()).unwrap_or_else(|| committer.clone());
    Ok((committer, author))
}

/// The full name of a branch.
fn reference(name: &str) -> Result<FullName, String> {
    let no = |why: &str| format!("`{name}` cannot be the name of a branch: {why}");
    if name.starts_with("refs/") {
        return Err(no(
            "it is the branch alone that is named, such as `loom/update`",
        ));
    }
    if name.starts_with('-') || name == "@" {
        return Err(no("Git takes it for something else"));
    }
    let full = format!("refs/heads/{name}");
    gix::validate::reference::branch_name(full.as_str().into())
        .map_err(|error| no(&error.to_string()))?;
    FullName::try_from(full).map_err(|error| no(&error.to_string()))
}

/// The commit that a branch names; `None` where there is no such branch.
fn tip(repository: &Repository, reference: &FullName) -> Result<Option<ObjectId>, String> {
    let found = repository
        .try_find_reference(reference.as_ref())
        .map_err(|error| error.to_string())?;
    match found.map(|found| found.inner.target) {
        None => Ok(None),
        Some(Target::Object(id)) => Ok(Some(id)),
        Some(Target::Symbolic(other)) => Err(format!("it is another name of {}", other.as_bstr())),
    }
}

/// A branch that is checked out would not be what its worktree holds any more.
fn refuse_checked_out(
    repository: &Repository,
    reference: &FullName,
    name: &str,
) -> Result<(), String> {
    let unread =
        |error: gix::Error| format!("the worktrees of this repository cannot be read: {error}");
    for worktree in repository.worktrees_including_main().map_err(unread)? {
        let worktree = worktree.map_err(unread)?;
        let place = worktree.workdir().map_or_else(
            || worktree.git_dir().display().to_string(),
            |it| it.display().to_string(),
        );
        let head = worktree.head_name().ok().flatten();
        if head.as_ref() == Some(reference) && !worktree.is_bare() {
            return Err(format!(
                "the branch `{name}` is checked out in {place}: a commit behind the back of its files would look as if \
                 somebody had taken it back.\n  help: name another branch, or leave this one there with `git switch --detach`"
            ));
        }
        let busy = ["rebase-merge", "rebase-apply"]
            .map(|state| worktree.git_dir().join(state).join("head-name"));
        let is_busy = busy.iter().any(|file| {
            super::super::read_file(file).is_ok_and(|text| text.trim() == reference.as_bstr())
        });
        if is_busy {
            return Err(format!(
                "the branch `{name}` is being rebased in {place}: finish that with `git rebase --continue` or `--abort` first"
            ));
        }
    }
    Ok(())
}

/// What others build on is changed by requests, not by loom.
fn refuse_default(repository: &Repository, name: &str) -> Result<(), String> {
    for remote in repository.remote_names() {
        let head = format!("refs/remotes/{remote}/HEAD");
        let Ok(Some(head)) = repository.try_find_reference(head.as_str()) else {
            continue;
        };
        if let Target::Symbolic(target) = &head.inner.target
            && target.as_bstr() == format!("refs/remotes/{remote}/{name}").as_str()
        {
            return Err(format!(
                "`{name}` is the default branch of `{remote}`, which loom never writes: name another branch, such as \
                 `loom/update`, and open a request from it"
            ));
        }
    }
    Ok(())
}

/// Git keeps no branch inside of another.
fn refuse_nested(repository: &Repository, name: &str) -> Result<(), String> {
    let above = name.match_indices('/').map(|(end, _)| &name[..end]);
    let exists = |above: &&str| {
        matches!(
            repository.try_find_reference(format!("refs/heads/{above}").as_str()),
            Ok(Some(_))
        )
    };
    if let Some(other) = above.into_iter().find(exists) {
        return Err(format!(
            "there is a branch `{other}`, so that Git can have none called `{name}`: name another"
        ));
    }
    let below = format!("refs/heads/{name}/");
    let references = repository
        .references()
        .map_err(|error| format!("the branches cannot be read: {error}"))?;
    let mut found = references
        .prefixed(below.as_str())
        .map_err(|error| format!("the branches cannot be read: {error}"))?;
    match found.next() {
        Some(Ok(other)) => {
            let other = other.name().shorten().to_string();
            Err(format!(
                "there is a branch `{other}`, so that Git can have none called `{name}`: name another"
            ))
        }
        Some(Err(_)) | None => Ok(()),
    }
}

/// Where an object is that was just written.
fn loose(repository: &Repository, id: ObjectId) -> PathBuf {
    let hex = id.to_string();
    repository
        .common_dir()
        .join("objects")
        .join(&hex[..2])
        .join(&hex[2..])
}

#[cfg(test)]
mod tests {
    use super::super::scene::Scene;
    use super::*;

    fn entry(path: &str, text: &str) -> Entry {
        Entry {
            path: path.to_owned(),
            content: Some((Mode::Plain, text.as_bytes().to_vec())),
        }
    }

    #[test]
    fn a_branch_that_moved_meanwhile_is_not_written() {
        let scene = Scene::new(&[("loom.yaml", "loom: 1\n")]);
        let root = scene.root();
        let write = |branch: &Branch| {
            branch.commit(
                (&root, Durability::Full, &Stop::default()),
                &[entry("new", "x\n")],
                "m\n",
            )
        };
        for begins in ["absent", "present"] {
            if begins == "present" {
                scene.git(&["branch", "present"]);
            }
            let branch = Branch::find(&root, begins).expect("it may be written");
            scene.git(&["branch", "--force", begins, "elsewhere"]);
            let error = write(&branch).expect_err("somebody was there first");
            assert!(
                matches!(&error, NotCommitted::Moved(text) if text.contains("run the command again")),
                "{error:?}"
            );
            assert_eq!(
                scene.git(&["rev-parse", begins]),
                scene.git(&["rev-parse", "elsewhere"])
            );
            write(&Branch::find(&root, begins).expect("it may be written"))
                .expect("nobody was there");
            assert_eq!(scene.git(&["show", &format!("{begins}:new")]), "x\n");
        }
    }

    #[test]
    fn a_signal_before_the_reference_leaves_no_branch() {
        let scene = Scene::new(&[("loom.yaml", "loom: 1\n")]);
        let (root, stop) = (scene.root(), Stop::default());
        stop.0.store(true, Ordering::Relaxed);
        let branch = Branch::find(&root, "new").expect("it may be written");
        for entries in [vec![entry("new", "x\n")], Vec::new()] {
            let error = branch
                .commit((&root, Durability::Full, &stop), &entries, "m\n")
                .expect_err("it was stopped");
            assert!(matches!(error, NotCommitted::Stopped), "{error:?}");
            assert_eq!(scene.git(&["branch", "--list", "new"]), "");
        }
    }

    #[test]
    fn directories_come_and_go_with_their_entries_and_all_else_stays() {
        let scene = Scene::new(&[("loom.yaml", ""), ("a/b/c", "c"), ("a/d", "d"), ("z", "z")]);
        let branch = Branch::find(&scene.root(), "new").expect("it may be written");
        let gone = Entry {
            path: "a/b/c".to_owned(),
            content: None,
        };
        let written = branch.commit(
            (&scene.root(), Durability::Kill, &Stop::default()),
            &[gone, entry("a/e/f", "f")],
            "m\n",
        );
        assert_eq!(
            written.expect("it is written").id,
            scene.git(&["rev-parse", "new"]).trim()
        );
        assert_eq!(
            scene.git(&["ls-tree", "-r", "--name-only", "new"]),
            "a/d\na/e/f\nloom.yaml\nz\n"
        );
        scene.git(&["fsck", "--strict"]);
    }
}
