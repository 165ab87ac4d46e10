//! Scenarios: projects whose next apply, or its rollback, does known things, to be laid out afresh for
//! each run.
//!
//! In: what the apply is to do ([`Act`]s), a loom that works, and a place for the template. Out: a
//! [`Scenario`], which knows the tree before ([`Scenario::old`]) and after ([`Scenario::new`]) and
//! copies the template to wherever a run wants it ([`Scenario::lay_out`]):
//!
//! ```text
//! PLACE/repo/     the project: a Git repository; its first apply is done and committed, and its
//!                 loom.yaml then changed, so that the next `loom apply --yes` has something to do
//! PLACE/beside/   a neighbour that nothing may touch; `repo/way-out` is a symbolic link to it
//! ```
//!
//! Invariants: laying out twice gives the same tree; the plan holds exactly the acts and the
//! ledger's own update (test `every_act_is_in_the_plan_and_changes_its_files`).

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::crash::ended::Ended;
use crate::crash::oracle::{self, Snapshot};
use crate::process::{capture, git, output, run as run_command, said, without_own_settings};
use crate::tree::at;

/// The directory of the project in a place.
pub(crate) const REPOSITORY: &str = "repo";
/// The directory beside it.
pub(crate) const BESIDE: &str = "beside";

/// What most scenarios try.
const APPLY: &[&str] = &["apply", "--yes"];

/// A binary of loom to try.
#[derive(Clone, Debug)]
pub(crate) struct Loom {
    pub(crate) binary: PathBuf,
    /// What `LOOM_SABOTAGE` says; only a binary with the feature `sabotage` reads it.
    pub(crate) sabotage: Option<&'static str>,
}

impl Loom {
    /// A run in the project of `place`, with one thread, so that calls come in the same order each time.
    pub(crate) fn command(&self, place: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .current_dir(place.join(REPOSITORY))
            .args(["--jobs", "1"])
            .args(arguments);
        without_own_settings(&mut command);
        command.env("NO_COLOR", "1").env_remove("LOOM_SABOTAGE");
        if let Some(sabotage) = self.sabotage {
            command.env("LOOM_SABOTAGE", sabotage);
        }
        command
    }

    /// Runs to the end.
    pub(crate) fn run(&self, place: &Path, arguments: &[&str]) -> Outcome<Ended> {
        Ok(Ended::of(&capture(&mut self.command(place, arguments))?))
    }
}

/// Something that an apply does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Creates a file in new directories.
    CreateDeep,
    /// Creates a file in a directory that is there.
    Create,
    /// Updates a file.
    Update,
    /// Makes a file executable.
    Mode,
    /// Updates a block of a file that holds other people's text.
    Block,
    /// Moves a file to a new directory.
    Move,
    /// Deletes the last file of its directories.
    DeleteLast,
    /// Deletes a file beside others.
    DeleteBeside,
}

/// What an act needs: entries of `artifacts` before and after, and files of people.
struct Parts {
    before: Option<String>,
    after: Option<String>,
    moved: Option<String>,
    people: (String, String),
}

impl Act {
    pub(crate) const ALL: [Self; 8] = [
        Self::CreateDeep,
        Self::Create,
        Self::Update,
        Self::Mode,
        Self::Block,
        Self::Move,
        Self::DeleteLast,
        Self::DeleteBeside,
    ];

    /// As a word of a name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::CreateDeep => "create-deep",
            Self::Create => "create",
            Self::Update => "update",
            Self::Mode => "mode",
            Self::Block => "block",
            Self::Move => "move",
            Self::DeleteLast => "delete-last",
            Self::DeleteBeside => "delete-beside",
        }
    }

    /// The act in the directory `place`, with names that no other act there has, and contents of so many lines.
    fn parts(self, place: &str, lines: usize) -> Parts {
        let word = self.word();
        let name = format!("{place}-{word}").replace('/', "-");
        let entry = |name: &str, path: &str, more: &str, content: &str| {
            format!(
                "  - {{ kind: file, name: {name}, path: {path}, {more}content: \"{content}\" }}\n"
            )
        };
        let text = |word: &str| format!("{word} of {name}\\n").repeat(lines);
        let plain = |path: &str, word: &str| Some(entry(&name, path, "", &text(word)));
        let people = (
            format!("{place}/people.txt"),
            "nobody but people writes here\n".to_owned(),
        );
        let mut parts = Parts {
            before: None,
            after: None,
            moved: None,
            people,
        };
        match self {
            Self::CreateDeep => {
                parts.after = plain(&format!("{place}/new/and/deep/file.txt"), "new");
            }
            Self::Create => parts.after = plain(&format!("{place}/created.txt"), "new"),
            Self::Update => {
                let path = format!("{place}/updated.txt");
                (parts.before, parts.after) = (plain(&path, "old"), plain(&path, "new"));
            }
            Self::Mode => {
                let path = format!("{place}/run.sh");
                parts.before = Some(entry(&name, &path, "", "#!/bin/sh\\n"));
                parts.after = Some(entry(&name, &path, "mode: executable, ", "#!/bin/sh\\n"));
            }
            Self::Block => {
                let path = format!("{place}/shared.txt");
                let block = |word| Some(entry(&name, &path, "own: block, ", &text(word)));
                (parts.before, parts.after) = (block("old"), block("new"));
                parts.people = (
                    path.clone(),
                    "people's first line\npeople's last line, without an end".to_owned(),
                );
            }
            Self::Move => {
                let to = format!("{name}-to");
                parts.before = plain(&format!("{place}/from.txt"), "same");
                parts.after = Some(entry(
                    &to,
                    &format!("{place}/moved/to.txt"),
                    "",
                    &text("same"),
                ));
                parts.moved = Some(format!("  - {{ from: file.{name}, to: file.{to} }}\n"));
            }
            Self::DeleteLast => {
                parts.before = plain(&format!("{place}/gone/and/deep/last.txt"), "old");
            }
            Self::DeleteBeside => parts.before = plain(&format!("{place}/beside.txt"), "old"),
        }
        parts
    }
}

/// A project and what its next apply does, or the rollback of that.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// Unique, for reports.
    pub(crate) name: String,
    template: PathBuf,
    /// What is tried: the arguments of loom.
    pub(crate) command: &'static [&'static str],
    /// The project before it.
    pub(crate) old: Snapshot,
    /// The project after it.
    pub(crate) new: Snapshot,
    /// The neighbour, always.
    pub(crate) beside: Snapshot,
}

impl Scenario {
    /// One of each act.
    pub(crate) fn all(loom: &Loom, home: &Path) -> Outcome<Self> {
        Self::of(
            "all",
            &Act::ALL.map(|act| (act, "src".to_owned())),
            loom,
            home,
        )
    }

    /// One of each act, and the rollback of that.
    pub(crate) fn all_and_back(loom: &Loom, home: &Path) -> Outcome<[Self; 2]> {
        let all = Self::all(loom, home)?;
        let back = all.back(loom, home)?;
        Ok([all, back])
    }

    /// The rollback of the scenario's apply: it must lead to the very tree before that.
    pub(crate) fn back(&self, loom: &Loom, home: &Path) -> Outcome<Self> {
        let name = format!("{}-back", self.name);
        let template = home.join(format!("template-{name}"));
        self.lay_out(&template)?;
        applied(&name, &loom.run(&template, self.command)?)?;
        let repository = template.join(REPOSITORY);
        let old = oracle::snapshot(&repository)?;
        age(&repository, &old)?;
        let command = &["rollback", "--yes"];
        let back = Self {
            name,
            template,
            command,
            old,
            new: self.old.clone(),
            beside: self.beside.clone(),
        };
        let place = home.join(format!("once-{}", back.name));
        back.lay_out(&place)?;
        applied(&back.name, &loom.run(&place, back.command)?)?;
        let is_as_before = oracle::snapshot(&place.join(REPOSITORY))? == back.new;
        remove(&place)?;
        if is_as_before {
            Ok(back)
        } else {
            Err(format!(
                "the scenario {}: the tree is not what it was before",
                back.name
            ))
        }
    }

    /// Two acts, the first before the second in the order of paths.
    pub(crate) fn pair(first: Act, second: Act, loom: &Loom, home: &Path) -> Outcome<Self> {
        let name = format!("{}+{}", first.word(), second.word());
        Self::of(
            &name,
            &[(first, "a".to_owned()), (second, "b".to_owned())],
            loom,
            home,
        )
    }

    /// So many acts: of each ten, five updates and one of most others.
    pub(crate) fn many(count: usize, loom: &Loom, home: &Path) -> Outcome<Self> {
        use Act::{Block, Create, CreateDeep, DeleteBeside, DeleteLast, Mode, Move, Update};
        const MIX: [Act; 10] = [
            Update,
            Create,
            Update,
            Move,
            Update,
            DeleteBeside,
            Update,
            Mode,
            Update,
            Block,
        ];
        let acts = (0..count).map(|number| {
            let act = match number % 50 {
                9 => CreateDeep,
                19 => DeleteLast,
                other => MIX[other % 10],
            };
            (act, format!("part-{:03}/d{number:05}", number / 100))
        });
        Self::of(
            &format!("{count}-files"),
            &acts.collect::<Vec<_>>(),
            loom,
            home,
        )
    }

    /// These acts, each in its directory.
    pub(crate) fn of(
        name: &str,
        acts: &[(Act, String)],
        loom: &Loom,
        home: &Path,
    ) -> Outcome<Self> {
        let template = home.join(format!("template-{name}"));
        remove(&template)?;
        let repository = template.join(REPOSITORY);
        let (before, after) = declare(acts, &repository)?;
        lay_beside(&template)?;
        let input = repository.join("loom.yaml");
        fs::write(&input, before).map_err(at(&input))?;
        begin(&repository)?;
        applied(name, &loom.run(&template, APPLY)?)?;
        mark(&repository, acts)?;
        commit(&repository)?;
        fs::write(&input, after).map_err(at(&input))?;
        let old = oracle::snapshot(&repository)?;
        age(&repository, &old)?;
        let mut scenario = Self {
            name: name.to_owned(),
            command: APPLY,
            old,
            new: Snapshot::new(),
            beside: oracle::snapshot(&template.join(BESIDE))?,
            template,
        };
        let place = home.join(format!("once-{name}"));
        scenario.lay_out(&place)?;
        applied(name, &loom.run(&place, APPLY)?)?;
        applied(name, &loom.run(&place, &["plan", "--detailed-exitcode"])?)?;
        scenario.new = oracle::snapshot(&place.join(REPOSITORY))?;
        remove(&place)?;
        Ok(scenario)
    }

    /// Makes `place` hold the scenario afresh; what it held before goes.
    pub(crate) fn lay_out(&self, place: &Path) -> Outcome {
        remove(place)?;
        let mut copy = Command::new("cp");
        run_command(copy.args(["-a", "--"]).arg(&self.template).arg(place))
    }
}

fn applied(scenario: &str, ended: &Ended) -> Outcome {
    if ended.code == Some(0) {
        Ok(())
    } else {
        Err(format!("the scenario {scenario}: {ended}\n{}", ended.out))
    }
}

/// Removes a place, if it is there.
pub(crate) fn remove(place: &Path) -> Outcome {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(place)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes a repository with one commit.
fn begin(repository: &Path) -> Outcome {
    output(&mut git(
        repository,
        &["init", "--quiet", "--initial-branch=main"],
    ))?;
    // Git tidies up behind one's back where there are many files.
    output(&mut git(repository, &["config", "gc.auto", "0"]))?;
    commit(repository)
}

fn commit(repository: &Path) -> Outcome {
    output(&mut git(repository, &["add", "--all"]))?;
    output(&mut git(
        repository,
        &["commit", "--quiet", "--message=All"],
    ))
    .map(drop)
}

/// Writes the people's files, and returns the text of loom.yaml before and after.
fn declare(acts: &[(Act, String)], repository: &Path) -> Outcome<(String, String)> {
    const HEAD: &str = "loom: 1\nproject: crash\nenvironments:\n  production: { url: https://example.com }\nartifacts:\n";
    let (mut before, mut after, mut moved) = (HEAD.to_owned(), HEAD.to_owned(), String::new());
    // Long enough to fill more than a block of any file system, so that half of it can be missing;
    // but loom.yaml may have 10 MB only.
    let lines = if acts.len() <= Act::ALL.len() { 300 } else { 5 };
    // Always there and never changed.
    for text in [&mut before, &mut after] {
        text.push_str("  - { kind: file, name: stays, path: stays.txt, content: \"stays\\n\" }\n");
    }
    for (act, place) in acts {
        let parts = act.parts(place, lines);
        before.push_str(parts.before.as_deref().unwrap_or(""));
        after.push_str(parts.after.as_deref().unwrap_or(""));
        moved.push_str(parts.moved.as_deref().unwrap_or(""));
        let (path, text) = parts.people;
        let path = repository.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        fs::write(&path, text).map_err(at(&path))?;
    }
    if !moved.is_empty() {
        // `String` never fails to take more.
        let _infallible = write!(after, "moved:\n{moved}");
    }
    Ok((before, after))
}

/// Gives the updated files what loom has to keep: permissions, and an extended attribute where there are any.
fn mark(repository: &Path, acts: &[(Act, String)]) -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    for (_, place) in acts.iter().filter(|(act, _)| *act == Act::Update) {
        let path = repository.join(place).join("updated.txt");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).map_err(at(&path))?;
        match rustix::fs::lsetxattr(
            &path,
            "user.loom.mark",
            b"kept",
            rustix::fs::XattrFlags::empty(),
        ) {
            Ok(()) | Err(rustix::io::Errno::NOTSUP) => {}
            Err(error) => return Err(at(&path)(error.into())),
        }
    }
    Ok(())
}

/// Lets all files be old: loom and Git look twice at those that were written a moment ago, and each
/// run is to make the same calls.
fn age(repository: &Path, tree: &Snapshot) -> Outcome {
    let day = rustix::fs::Timespec {
        tv_sec: 1_767_225_600,
        tv_nsec: 0,
    };
    let times = rustix::fs::Timestamps {
        last_access: day,
        last_modification: day,
    };
    for path in tree.keys().map(|path| repository.join(path)) {
        let aged = rustix::fs::utimensat(
            rustix::fs::CWD,
            &path,
            &times,
            rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        );
        aged.map_err(|error| at(&path)(error.into()))?;
    }
    Ok(())
}

/// The neighbour, and the link to it.
fn lay_beside(template: &Path) -> Outcome {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let beside = template.join(BESIDE);
    fs::create_dir_all(beside.join("inner")).map_err(at(&beside))?;
    for (name, text) in [
        ("sentinel.txt", "sentinel\n"),
        ("inner/run.sh", "#!/bin/sh\n"),
    ] {
        fs::write(beside.join(name), text).map_err(at(&beside))?;
    }
    fs::set_permissions(
        beside.join("inner/run.sh"),
        fs::Permissions::from_mode(0o751),
    )
    .map_err(at(&beside))?;
    symlink("sentinel.txt", beside.join("link")).map_err(at(&beside))?;
    symlink("../beside", template.join(REPOSITORY).join("way-out")).map_err(at(&beside))
}

/// Says what Git thinks of a repository, if that is anything but well.
pub(crate) fn git_is_well(repository: &Path) -> Outcome<Option<String>> {
    for arguments in [
        &["status", "--porcelain"][..],
        &["fsck", "--strict", "--no-progress"],
    ] {
        let mut command = git(repository, arguments);
        let output = capture(&mut command)?;
        if !output.status.success() {
            return Ok(Some(said(&command, &output)));
        }
    }
    Ok(None)
}
