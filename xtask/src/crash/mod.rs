//! Crashes, errors and races against the real binary: `cargo xtask crash`.
//!
//! In: the names of suites. Out: for each a report of what was tried and what did not hold, with
//! the command that repeats it. `docs/crash-safety.md` says what each suite proves.
//!
//! A suite is a function from a [`Lab`] to a [`Report`], in a module of its own and a line of
//! [`SUITES`]. It makes a [`Scenario`](scenario::Scenario), lists its cases, and hands them to
//! [`Lab::each`], which runs them on all workers, each in a place of its own:
//!
//! ```text
//! scenario.lay_out(place)                                a fresh project
//! strace::inject(&loom.command(place, …), …, log)        the disturbed run
//! oracle::judge(&scenario, loom, place, &ended, &people) what it left, held against the promises
//! ```
//!
//! Invariants: a case whose injection did not happen makes its suite fail; a suite that cannot run
//! here is said and counted; cases have names that stay, so that `--only` repeats one.
//!
//! Deliberately not here: crash points inside the process, which are unit tests of `loom-apply`;
//! the suite `points` only runs them.

mod controls;
mod disturb;
mod ended;
mod errors;
mod kill;
mod large;
mod lasting;
mod locks;
mod oracle;
mod pairs;
mod points;
mod power;
mod quiet;
mod races;
mod recover;
mod replay;
mod report;
mod scenario;
mod shutdown;
mod signals;
mod strace;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tempfile::TempDir;

use crate::Outcome;
use crate::process::{Profile, build_loom_with};
use crate::tree::at;
use report::{Ran, Report};
use scenario::Loom;

/// How many cases run at once.
const WORKERS: usize = 2;

/// What was typed.
pub(crate) struct Options {
    /// The suites to run; all that can run here if there are none.
    pub(crate) suites: Vec<String>,
    /// Every case, with the release build.
    pub(crate) full: bool,
    /// Only cases whose name contains this.
    pub(crate) only: Option<String>,
}

/// One way to try loom.
struct Suite {
    name: &'static str,
    /// What it proves, in a line.
    holds: &'static str,
    /// Why it cannot run here, if it cannot.
    ready: fn() -> Result<(), String>,
    run: fn(&Lab) -> Outcome<Report>,
}

/// In the order in which they run.
const SUITES: &[Suite] = &[
    suite(
        "points",
        "crash points inside the process",
        always,
        points::run,
    ),
    suite(
        "kill",
        "killed at any call, apply leaves what `loom recover` makes the old or the new tree",
        strace::ready,
        kill::run,
    ),
    suite(
        "errors",
        "one call fails: the exit code tells the truth, and nothing is half done",
        strace::ready,
        errors::run,
    ),
    suite(
        "lasting",
        "everything fails from some call on: once the disk is healed, recovery finishes",
        strace::ready,
        lasting::run,
    ),
    suite(
        "recover",
        "recovery itself is killed: the next one finishes",
        strace::ready,
        recover::run,
    ),
    suite(
        "pairs",
        "every ordered pair of acts, killed",
        strace::ready,
        pairs::run,
    ),
    suite(
        "large",
        "a thousand and ten thousand files, killed",
        strace::ready,
        large::run,
    ),
    suite(
        "signals",
        "a signal puts everything back; a second one leaves it to recovery",
        strace::ready,
        signals::run,
    ),
    suite(
        "races",
        "people write at the same moment: nothing of theirs is lost",
        strace::ready,
        races::run,
    ),
    suite(
        "locks",
        "one loom at a time, and no Git meanwhile",
        strace::ready,
        locks::run,
    ),
    suite(
        "replay",
        "from every state that a power loss may leave in a model of the disk, apply is recovered",
        strace::ready,
        replay::run,
    ),
    suite(
        "shutdown",
        "killed together with its file system (ext4, xfs), apply is recovered",
        shutdown::ready,
        shutdown::run,
    ),
    suite(
        "power",
        "from every image that a disk may hold after a power loss (ext4, xfs, btrfs), apply is recovered",
        power::ready,
        power::run,
    ),
    suite(
        "controls",
        "a loom that leaves out a step is caught",
        strace::ready,
        controls::run,
    ),
];

/// Those that take so long that they run only with `--full` or when they are named.
const LONG: &[&str] = &["power"];

const fn suite(
    name: &'static str,
    holds: &'static str,
    ready: fn() -> Result<(), String>,
    run: fn(&Lab) -> Outcome<Report>,
) -> Suite {
    Suite {
        name,
        holds,
        ready,
        run,
    }
}

/// For a suite that can run everywhere.
#[expect(
    clippy::unnecessary_wraps,
    reason = "others have reasons not to be ready"
)]
fn always() -> Result<(), String> {
    Ok(())
}

/// Runs suites and prints what they found.
pub(crate) fn run(options: &Options) -> Outcome {
    let known = || {
        SUITES
            .iter()
            .map(|suite| suite.name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    if let Some(unknown) = options
        .suites
        .iter()
        .find(|name| SUITES.iter().all(|suite| suite.name != *name))
    {
        return Err(format!(
            "there is no suite `{unknown}`; there are {}",
            known()
        ));
    }
    quiet::enter()?;
    let lab = Lab::new(options)?;
    let (mut failed, mut skipped) = (Vec::new(), Vec::new());
    let chosen = |suite: &&Suite| {
        options.suites.is_empty() || options.suites.iter().any(|name| name == suite.name)
    };
    for suite in SUITES.iter().filter(chosen) {
        println!("== {}: {}", suite.name, suite.holds);
        let later = || {
            format!(
                "it takes long: name it, as in `cargo xtask crash {}`, or give --full",
                suite.name
            )
        };
        let is_later = !options.full && options.suites.is_empty() && LONG.contains(&suite.name);
        let ready = if is_later {
            Err(later())
        } else {
            (suite.ready)()
        };
        if let Err(reason) = ready {
            println!("    SKIPPED: {reason}");
            skipped.push(suite.name.to_owned());
            continue;
        }
        let begin = Instant::now();
        let mut report = (suite.run)(&lab)?;
        report.took = begin.elapsed();
        println!("    {report}");
        skipped.extend(report.skipped());
        if !report.is_clean() {
            failed.push(suite.name);
            println!("    all of it: {}", save(suite.name, &report)?.display());
        }
    }
    if !skipped.is_empty() {
        println!("SKIPPED {}: {}", skipped.len(), skipped.join(", "));
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{} of the suites failed: {}",
            failed.len(),
            failed.join(", ")
        ))
    }
}

/// Writes the whole report to a file of the build's directory.
fn save(suite: &str, report: &Report) -> Outcome<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| crate::process::root().join("target"), PathBuf::from);
    let path = target.join("crash").join(format!("{suite}.txt"));
    std::fs::create_dir_all(target.join("crash"))
        .and_then(|()| std::fs::write(&path, format!("{report:#}\n")))
        .map_err(at(&path))?;
    Ok(path)
}

/// What every suite works with.
pub(crate) struct Lab {
    /// Where scenarios and places are; goes with the lab.
    home: TempDir,
    /// The loom that is tried.
    pub(crate) loom: Loom,
    /// Whether every case is to run, however long it takes.
    pub(crate) full: bool,
    only: Option<String>,
    profile: Profile,
}

impl Lab {
    fn new(options: &Options) -> Outcome<Self> {
        let profile = if options.full {
            Profile::Release
        } else {
            Profile::Dev
        };
        let home = home()?;
        // A copy, so that a build meanwhile changes nothing.
        let binary = home.path().join("loom");
        let built = build_loom_with(profile, &[])?;
        std::fs::copy(&built, &binary).map_err(at(&built))?;
        let loom = Loom {
            binary,
            sabotage: None,
        };
        Ok(Self {
            home,
            loom,
            full: options.full,
            only: options.only.clone(),
            profile,
        })
    }

    /// A directory that goes with the lab, in memory where there is a place for that.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Loom built so that it can be told to leave out a step of its protocol.
    pub(crate) fn sabotaged(&self, sabotage: &'static str) -> Outcome<Loom> {
        let binary = self.home().join("loom-sabotage");
        if !binary.exists() {
            let built = build_loom_with(self.profile, &["sabotage"])?;
            std::fs::copy(&built, &binary).map_err(at(&built))?;
        }
        Ok(Loom {
            binary,
            sabotage: Some(sabotage),
        })
    }

    /// Runs `case` for each of `cases` that is asked for, each in a place that it may use as it
    /// likes, and counts what came of it. `suite` is for the command that repeats one.
    pub(crate) fn each<C: Sync>(
        &self,
        suite: &str,
        cases: &[(String, C)],
        case: impl Fn(&C, &Path) -> Outcome<Ran> + Sync,
    ) -> Outcome<Report> {
        let chosen: Vec<&(String, C)> = cases
            .iter()
            .filter(|(name, _)| {
                self.only
                    .as_ref()
                    .is_none_or(|only| name.contains(only.as_str()))
            })
            .collect();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(vec![None; chosen.len()]));
        let work = |worker: usize| -> Outcome {
            let place = self.home().join(format!("place-{worker}"));
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some((name, input)) = chosen.get(index) else {
                    return scenario::remove(&place);
                };
                let ran =
                    case(input, &place).map_err(|message| format!("{suite}, {name}: {message}"))?;
                if let Ok(mut done) = done.lock() {
                    done[index] = Some(ran);
                }
            }
        };
        std::thread::scope(|scope| {
            let work = &work;
            let workers: Vec<_> = (0..WORKERS)
                .map(|worker| scope.spawn(move || work(worker)))
                .collect();
            workers.into_iter().try_for_each(|worker| {
                worker
                    .join()
                    .map_err(|_| format!("{suite}: a worker panicked"))?
            })
        })?;
        let mut report = Report::default();
        let done = done
            .into_inner()
            .map_err(|_| format!("{suite}: a worker panicked"))?;
        for ((name, _), ran) in chosen.iter().zip(done) {
            let ran = ran.ok_or_else(|| format!("{suite}, {name}: it did not run"))?;
            let full = if self.full { " --full" } else { "" };
            report.add(
                name,
                &format!("cargo xtask crash {suite}{full} --only '{name}'"),
                &ran,
            );
        }
        Ok(report)
    }
}

/// Holds a control, a loom that is known to be wrong, against `report`: it must have been caught.
pub(crate) fn control(name: &str, caught: &Report, report: &mut Report) {
    let (violations, runs) = (caught.violations(), caught.runs());
    report.note(format!(
        "control {name}: caught in {violations} of {runs} runs"
    ));
    if violations == 0 {
        report.violation(format!(
            "the control {name}: loom is known to be wrong there, and nothing was found"
        ));
    }
}

/// In memory where the system has a place for that: much faster, and kind to disks.
fn home() -> Outcome<TempDir> {
    let memory = PathBuf::from("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("loom-crash-");
    let made = if memory.is_dir() {
        builder.tempdir_in(memory)
    } else {
        builder.tempdir()
    };
    made.map_err(|error| format!("a directory for the suites cannot be made: {error}"))
}
