//! Power loss at real file systems: the kernel is told to forget what is not on the disk yet.
//!
//! In: ext4 and xfs in image files. Out: for each moment of an apply, what is left when the process
//! is killed there and its file system is shut down in the same breath, mounted again and recovered.
//!
//! Each moment is tried twice: the file system's log is written out first, so that names are there
//! whose bytes are not; or it is not, and everything goes that was not synced.
//!
//! Invariants: what an apply said was done (exit 0) is done after the shutdown too; loom without one
//! of its barriers must lead to violations, or the suite fails.
//!
//! Deliberately not here: what a disk does with what it was told to write; that is `power`.

pub(crate) mod volume;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Lab;
use super::oracle::{People, judge};
use super::quiet;
use super::report::{Ran, Report};
use super::scenario::{Loom, Scenario, remove};
use super::strace::{self, Call, Effect, Fault, Injection};
use crate::Outcome;
use crate::process::output;
use crate::tree::at;
use volume::{FileSystem, Mounted};

/// How many moments of a file system are tried without `--full`, and with each control.
const FEW_MOMENTS: usize = 40;

/// What the shutdown does with the log of the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LogIs {
    Written,
    Lost,
}

/// A moment of an apply, and what is lost then.
#[derive(Clone, Debug)]
struct Moment {
    /// Where it is killed; `None` where it comes to its end.
    kill: Option<Injection>,
    log: LogIs,
}

/// Why the suite cannot run here, if it cannot.
pub(crate) fn ready() -> Result<(), String> {
    strace::ready()?;
    if !volume::is_installed("xfs_io") {
        return Err("there is no xfs_io: install xfsprogs".to_owned());
    }
    volume::ready()
}

/// An apply and its rollback on both file systems, and the controls on each.
pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let scenarios = Scenario::all_and_back(&lab.loom, lab.home())?;
    let mut report = Report::default();
    for system in [FileSystem::Ext4, FileSystem::Xfs] {
        if let Some(reason) = system.missing() {
            report.skip(system.name(), &reason);
            continue;
        }
        for scenario in &scenarios {
            report.join(all_moments(lab, &lab.loom, scenario, system)?);
        }
        for sabotage in ["barrier-1", "barrier-2"] {
            let caught = all_moments(lab, &lab.sabotaged(sabotage)?, &scenarios[0], system)?;
            super::control(
                &format!("{sabotage} on {}", system.name()),
                &caught,
                &mut report,
            );
        }
    }
    Ok(report)
}

fn all_moments(lab: &Lab, loom: &Loom, scenario: &Scenario, system: FileSystem) -> Outcome<Report> {
    let prefix = loom
        .sabotage
        .map_or_else(String::new, |sabotage| format!("{sabotage} "));
    let named = |moment: Moment| {
        let at = moment
            .kill
            .as_ref()
            .map_or_else(|| "the end".to_owned(), Injection::to_string);
        let log = match moment.log {
            LogIs::Written => "log written",
            LogIs::Lost => "log lost",
        };
        (
            format!("{prefix}{} {} {log} at {at};", scenario.name, system.name()),
            moment,
        )
    };
    let cases: Vec<_> = moments(lab, loom, scenario, system)?
        .into_iter()
        .map(named)
        .collect();
    lab.each("shutdown", &cases, |moment, place| {
        one(lab, loom, scenario, (system, moment), place)
    })
}

/// The moments of an apply: as many as are asked for, evenly over its calls, and always its end.
fn moments(
    lab: &Lab,
    loom: &Loom,
    scenario: &Scenario,
    system: FileSystem,
) -> Outcome<Vec<Moment>> {
    let volume = Volume::of(&lab.home().join("volume"), system)?;
    let mounted = volume.mount()?;
    let calls = changes(loom, scenario, &volume.directory)?;
    mounted.unmount()?;
    let kills = calls
        .iter()
        .map(|call| Some(call.with(Fault::Kill)))
        .chain([None]);
    let both = |kill: Option<Injection>| {
        [LogIs::Written, LogIs::Lost].map(|log| Moment {
            kill: kill.clone(),
            log,
        })
    };
    let all: Vec<Moment> = kills.flat_map(both).collect();
    let most = if lab.full && loom.sabotage.is_none() {
        usize::MAX
    } else {
        FEW_MOMENTS
    };
    let step = all.len().div_ceil(most).max(1) | 1; // odd, so that both ways of the log are met
    let last = all.len() - 2;
    Ok(all
        .into_iter()
        .enumerate()
        .filter(|(index, _)| index % step == 0 || *index >= last)
        .map(|(_, moment)| moment)
        .collect())
}

/// The calls of an apply in `directory` that change or sync something: another file system, other calls.
pub(crate) fn changes(loom: &Loom, scenario: &Scenario, directory: &Path) -> Outcome<Vec<Call>> {
    let place = directory.join("traced");
    scenario.lay_out(&place)?;
    quiet::wait();
    let (ended, calls) = strace::trace(
        &loom.command(&place, scenario.command),
        &strace::log_of(&place),
    )?;
    remove(&place)?;
    if ended.code != Some(0) {
        return Err(format!("the scenario {}, traced: {ended}", scenario.name));
    }
    Ok(calls
        .into_iter()
        .filter(|call| call.effect != Effect::Reads)
        .collect())
}

fn one(
    lab: &Lab,
    loom: &Loom,
    scenario: &Scenario,
    (system, moment): (FileSystem, &Moment),
    place: &Path,
) -> Outcome<Ran> {
    let volume = Volume::of(place, system)?;
    let mounted = volume.mount()?;
    let inside = volume.directory.join("place");
    scenario.lay_out(&inside)?;
    output(Command::new("sync").arg("--file-system").arg(&inside))?;
    quiet::wait();
    let (fired, ended) = match &moment.kill {
        None => (true, loom.run(&inside, scenario.command)?),
        Some(injection) => {
            let command = loom.command(&inside, scenario.command);
            let injected = strace::inject(
                &command,
                std::slice::from_ref(injection),
                &strace::log_of(place),
            )?;
            (injected.fired, injected.ended)
        }
    };
    let how = match moment.log {
        LogIs::Written => "shutdown -f",
        LogIs::Lost => "shutdown",
    };
    output(
        Command::new("xfs_io")
            .args(["-x", "-c", how])
            .arg(&volume.directory),
    )?;
    mounted.unmount()?;
    let mounted = volume.mount()?;
    let verdict = judge(scenario, &lab.loom, &inside, &ended, &People::default())?;
    mounted.unmount()?;
    Ok(Ran {
        fired,
        ended,
        verdict,
    })
}

/// An image beside a worker's place, which is used again as long as its file system is well.
struct Volume {
    system: FileSystem,
    image: PathBuf,
    directory: PathBuf,
}

impl Volume {
    fn of(place: &Path, system: FileSystem) -> Outcome<Self> {
        let image = place.with_extension(system.name());
        let directory = place.with_extension("mounted");
        if !image.exists() {
            system.make(&image)?;
        }
        fs::create_dir_all(&directory).map_err(at(&directory))?;
        Ok(Self {
            system,
            image,
            directory,
        })
    }

    fn mount(&self) -> Outcome<Mounted> {
        self.system.mount(&self.image, &self.directory)
    }
}
