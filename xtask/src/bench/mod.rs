//! How long loom takes, against Git on the same tree in the same run.
//!
//! Seconds differ from machine to machine and from hour to hour; the ratio to what Git needs for
//! the same files holds better. Each case is measured [`ROUNDS`] times, Git and loom in turns, and
//! the medians are compared; a round before them warms up and measures memory. What `plan` and
//! `drift` say with a warm cache is compared with what they say without one, byte for byte.
//!
//! Deliberately not here: single functions; their benchmarks are in `crates/*/benches`.

mod durable;
mod measure;
mod report;
pub(crate) mod work;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::Outcome;
use crate::process::{
    Profile, build_loom, git, git_init, output, run as run_command, without_own_settings,
};
use crate::tree::{self, at};
use measure::{Mebibytes, Seconds, median, peak_memory, time};
use work::Work;

/// How often each case is measured.
const ROUNDS: usize = 5;

/// Git and loom read a file again whose time is that of their own cache: let the clock go on.
const RACY: Duration = Duration::from_millis(1100);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Case {
    FirstPlan,
    Apply,
    EveryFileChanged,
    RolledBack,
    EveryFileCommitted,
    NothingToDo,
    NothingToDoCold,
    OnePercentChanged,
    OnePercentEdited,
}

/// One case at one size.
struct Measured {
    case: Case,
    files: usize,
    loom: Seconds,
    reference: Seconds,
    /// Loom's largest resident set.
    peak: Mebibytes,
}

impl Case {
    /// What loom is told.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Apply | Self::EveryFileChanged | Self::EveryFileCommitted => &["apply", "--yes"],
            Self::RolledBack => &["rollback", "--yes"],
            Self::OnePercentEdited => &["drift"],
            Self::FirstPlan
            | Self::NothingToDo
            | Self::NothingToDoCold
            | Self::OnePercentChanged => &["plan"],
        }
    }

    /// What Git is told on the same tree; what else loom is compared with is in `durable`.
    fn reference(self) -> &'static [&'static str] {
        match self {
            Self::FirstPlan | Self::Apply => &["add", "--all"],
            Self::EveryFileChanged | Self::RolledBack | Self::EveryFileCommitted => &["commit"],
            Self::NothingToDo
            | Self::NothingToDoCold
            | Self::OnePercentChanged
            | Self::OnePercentEdited => &["status"],
        }
    }

    /// The exit code that is right.
    fn code(self) -> i32 {
        if self == Self::OnePercentEdited { 2 } else { 0 }
    }
}

/// Measures all sizes, prints the report, and saves it where somebody says so.
pub(crate) fn run(sizes: &[usize], save: Option<&Path>) -> Outcome {
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let bench = Bench {
        loom: build_loom(Profile::Release)?,
        home,
        settle: RACY,
    };
    let mut measured = Vec::new();
    for files in sizes {
        eprintln!("measuring {files} files");
        measured.extend(bench.measure(*files)?);
    }
    let git = output(Command::new("git").arg("--version"))?;
    let place = output(
        Command::new("stat")
            .args(["--file-system", "--format=%T"])
            .arg(bench.home.path()),
    )?;
    let report = report::report(&measured, git.trim(), place.trim());
    println!("{report}");
    save.map_or(Ok(()), |path| fs::write(path, &report).map_err(at(path)))
}

struct Bench {
    loom: PathBuf,
    /// Where outputs go.
    home: TempDir,
    /// How long to wait before a case.
    settle: Duration,
}

impl Bench {
    fn measure(&self, files: usize) -> Outcome<Vec<Measured>> {
        let work = Work::new(files)?;
        let (mut measured, tree) = self.on_fresh_trees(&work, files)?;
        measured.extend(durable::measure(self, &work, files, tree.path())?);
        measured.extend(self.in_place(&work, files, tree.path())?);
        Ok(measured)
    }

    /// First plan and apply, each round on a tree of its own; returns the last tree, committed.
    fn on_fresh_trees(&self, work: &Work, files: usize) -> Outcome<(Vec<Measured>, TempDir)> {
        let (mut plans, mut applies, mut adds) = (Vec::new(), Vec::new(), Vec::new());
        let first = Self::fresh_tree(work)?;
        let plan_peak = self.memory(Case::FirstPlan, first.path())?;
        let apply_peak = self.memory(Case::Apply, first.path())?;
        let mut last = first;
        for _ in 0..ROUNDS {
            last = Self::fresh_tree(work)?;
            plans.push(self.time_loom(Case::FirstPlan, last.path())?);
            applies.push(self.time_loom(Case::Apply, last.path())?);
            adds.push(self.time_git(Case::Apply, last.path())?);
        }
        run_command(&mut git(
            last.path(),
            &["commit", "--quiet", "--message=Applied"],
        ))?;
        let reference = median(adds);
        let row = |case, loom, peak| Measured {
            case,
            files,
            loom: median(loom),
            reference,
            peak,
        };
        Ok((
            vec![
                row(Case::FirstPlan, plans, plan_peak),
                row(Case::Apply, applies, apply_peak),
            ],
            last,
        ))
    }

    /// The cases that change nothing but what they are about, all on one tree.
    fn in_place(&self, work: &Work, files: usize, tree: &Path) -> Outcome<Vec<Measured>> {
        let input = tree.join("loom.yaml");
        let describe = |changes| fs::write(&input, work.project(changes)).map_err(at(&input));
        let mut measured = Vec::new();
        measured.push(self.in_turns(Case::NothingToDo, files, tree, &|_| Ok(()))?);
        measured.push(self.in_turns(Case::NothingToDoCold, files, tree, &|_| forget_caches(tree))?);
        measured.push(
            self.in_turns(Case::OnePercentChanged, files, tree, &|round| {
                describe(round + 1)
            })?,
        );
        self.same_without_cache(Case::OnePercentChanged, tree)?;
        describe(0)?;
        measured.push(
            self.in_turns(Case::OnePercentEdited, files, tree, &|round| {
                edit(tree, work, round)
            })?,
        );
        self.same_without_cache(Case::OnePercentEdited, tree)?;
        Ok(measured)
    }

    /// One case: `prepare` the round, Git, loom; the first round is for memory.
    fn in_turns(
        &self,
        case: Case,
        files: usize,
        tree: &Path,
        prepare: &dyn Fn(usize) -> Outcome,
    ) -> Outcome<Measured> {
        std::thread::sleep(self.settle);
        prepare(0)?;
        let peak = self.memory(case, tree)?;
        self.time_git(case, tree)?;
        let (mut looms, mut references) = (Vec::new(), Vec::new());
        for round in 1..=ROUNDS {
            prepare(round)?;
            references.push(self.time_git(case, tree)?);
            looms.push(self.time_loom(case, tree)?);
        }
        Ok(Measured {
            case,
            files,
            loom: median(looms),
            reference: median(references),
            peak,
        })
    }

    /// What loom says with the cache that the rounds left must be what it says without one.
    fn same_without_cache(&self, case: Case, tree: &Path) -> Outcome {
        let say = || {
            self.time_loom(case, tree)?;
            fs::read(self.sink()).map_err(at(&self.sink()))
        };
        let warm = say()?;
        forget_caches(tree)?;
        if warm == say()? {
            Ok(())
        } else {
            Err(format!(
                "{case:?}: loom says something else with a warm cache than without"
            ))
        }
    }

    fn fresh_tree(work: &Work) -> Outcome<TempDir> {
        let tree = tempfile::tempdir().map_err(|error| error.to_string())?;
        tree::write(&work.input(), tree.path())?;
        git_init(tree.path())?;
        Ok(tree)
    }

    fn memory(&self, case: Case, tree: &Path) -> Outcome<Mebibytes> {
        peak_memory(&mut self.loom(case, tree), &self.sink(), case.code())
    }

    fn time_loom(&self, case: Case, tree: &Path) -> Outcome<Seconds> {
        time(&mut self.loom(case, tree), &self.sink(), case.code())
    }

    fn time_git(&self, case: Case, tree: &Path) -> Outcome<Seconds> {
        time(
            &mut git(tree, case.reference()),
            &self.home.path().join("git"),
            0,
        )
    }

    fn loom(&self, case: Case, tree: &Path) -> Command {
        let mut command = Command::new(&self.loom);
        command.current_dir(tree).args(case.arguments());
        without_own_settings(&mut command);
        command
    }

    /// Where loom's output goes: a file, as it would in CI.
    fn sink(&self) -> PathBuf {
        self.home.path().join("loom")
    }
}

/// Removes what loom keeps only to be faster: every `cache` below its place in Git's directory.
fn forget_caches(tree: &Path) -> Outcome {
    let mut pending = vec![tree.join(".git/loom")];
    while let Some(directory) = pending.pop() {
        if directory.ends_with("cache") {
            fs::remove_dir_all(&directory).map_err(at(&directory))?;
            continue;
        }
        let entries = fs::read_dir(&directory)
            .map_err(at(&directory))?
            .collect::<Result<Vec<_>, _>>()
            .map_err(at(&directory))?;
        pending.extend(
            entries
                .iter()
                .map(fs::DirEntry::path)
                .filter(|path| path.is_dir()),
        );
    }
    Ok(())
}

/// Appends a line to one percent of the files, another in each round.
fn edit(tree: &Path, work: &Work, round: usize) -> Outcome {
    use std::io::Write as _;
    for path in &work.edited {
        let path = tree.join(path);
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(at(&path))?;
        writeln!(file, "# edited by hand, round {round}").map_err(at(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    use Case::{Apply, EveryFileChanged, EveryFileCommitted, FirstPlan, RolledBack};
    use Case::{NothingToDo, NothingToDoCold, OnePercentChanged, OnePercentEdited};

    /// Applies, with a time that it says it took, by making the ten files of one service, and says what `.git/loom/cache/say` holds, if it is there.
    const SCRIPT: &str = r#"#!/bin/sh
set -e
mkdir -p .git/loom/root/cache
case $1 in
apply) echo '  1.5 ms  writing' >&2; mkdir -p services/svc-00000; for file in templates/*.j2; do touch "services/svc-00000/$(basename "$file" .j2)"; done ;;
drift) exit 2 ;;
esac
"#;

    fn bench(script: &str) -> Bench {
        let home = tempfile::tempdir().expect("a temporary directory");
        let loom = home.path().join("program");
        fs::write(&loom, script).expect("written");
        fs::set_permissions(&loom, fs::Permissions::from_mode(0o755)).expect("made executable");
        Bench {
            loom,
            home,
            settle: Duration::ZERO,
        }
    }

    #[test]
    fn every_case_is_measured_once_against_git() {
        let measured = bench(SCRIPT).measure(10).expect("measured");
        let cases: Vec<Case> = measured.iter().map(|row| row.case).collect();
        assert_eq!(
            cases[..5],
            [
                FirstPlan,
                Apply,
                EveryFileChanged,
                RolledBack,
                EveryFileCommitted
            ]
        );
        assert_eq!(
            cases[5..],
            [
                NothingToDo,
                NothingToDoCold,
                OnePercentChanged,
                OnePercentEdited
            ]
        );
        assert!(
            measured
                .iter()
                .all(|row| row.loom > 0.0 && row.reference > 0.0 && row.files == 10)
        );
    }

    #[test]
    fn a_warm_cache_that_changes_what_loom_says_ends_the_run() {
        let lying = SCRIPT.replace(
            "case $1 in",
            "cat .git/loom/root/cache/say 2>/dev/null || echo truth\necho lie >.git/loom/root/cache/say\ncase $1 in",
        );
        let error = bench(&lying).measure(10).err().expect("it is found");
        assert!(error.contains("with a warm cache"), "{error}");
    }

    #[test]
    fn an_exit_code_that_is_wrong_ends_the_run() {
        let error = bench("#!/bin/sh\nexit 1\n")
            .measure(10)
            .err()
            .expect("it is found");
        assert!(error.contains("0 was expected"), "{error}");
    }
}
