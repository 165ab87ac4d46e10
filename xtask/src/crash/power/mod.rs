//! Power loss at a disk: every image that it may hold when the power fails during an apply or its rollback.
//!
//! In: a file system on a disk of our own making, which logs each write and each flush. Out: for
//! each image that the log allows, what the file system's own recovery, and then loom's, make of it.
//!
//! ```text
//! loom → ext4, xfs or btrfs → loop device → a file over FUSE (`fuse`) → log → images (`images`)
//! ```
//!
//! A small plan fits into one transaction of the file system, and then nothing is ever seen half
//! done, with barriers or without. So each changing call is made to wait, while a bystander syncs
//! another file every few milliseconds, which makes the file system write what it has so far.
//!
//! Invariants: loom without its first barrier must lead to violations on ext4 and xfs, or the suite
//! fails; on btrfs a sync of another file writes nothing of loom's, so that the control cannot be
//! caught there and what is proved is less.
//!
//! Deliberately not here: disks that lie about flushes.

mod fuse;
mod images;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

use super::Lab;
use super::ended::Ended;
use super::oracle::{People, judge};
use super::report::{Ran, Report};
use super::scenario::{Loom, Scenario};
use super::shutdown::changes;
use super::shutdown::volume::{self, FileSystem};
use super::strace;
use crate::Outcome;
use crate::process::{capture, output, said};
use crate::tree::at;
use fuse::{Disk, Event};
use images::{Cut, cuts};

/// How long each changing call waits before it begins.
const WAIT: Duration = Duration::from_millis(12);
/// How often the bystander syncs.
const PAUSE: Duration = Duration::from_millis(4);
/// How many images of a file system are tried without `--full`.
const FEW_IMAGES: usize = 60;
/// How many are tried of a loom that is known to be wrong: one in ten shows it.
const CONTROL_IMAGES: usize = 120;
/// How many images that lose something are drawn.
const SAMPLES: usize = 150;

/// Why the suite cannot run here, if it cannot.
pub(crate) fn ready() -> Result<(), String> {
    strace::ready()?;
    volume::ready()?;
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let disk = Disk::serve(vec![0; 4096], home.path())
        .map_err(|message| format!("FUSE cannot be mounted here: {message}"))?;
    disk.stop().map(drop)
}

/// An apply and its rollback on each file system, and a control on each.
pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let scenarios = Scenario::all_and_back(&lab.loom, lab.home())?;
    let mut report = Report::default();
    for system in [FileSystem::Ext4, FileSystem::Xfs, FileSystem::Btrfs] {
        if let Some(reason) = system.missing() {
            report.skip(system.name(), &reason);
            continue;
        }
        for scenario in &scenarios {
            report.join(all_images(lab, &lab.loom, scenario, system)?);
        }
        let caught = all_images(lab, &lab.sabotaged("barrier-1")?, &scenarios[0], system)?;
        let name = format!("barrier-1 on {}", system.name());
        match system {
            FileSystem::Ext4 | FileSystem::Xfs => super::control(&name, &caught, &mut report),
            FileSystem::Btrfs => report.note(format!(
                "control {name}: caught in {} of {} runs; it is not sensitive there, and btrfs is weaker evidence",
                caught.violations(),
                caught.runs()
            )),
        }
    }
    Ok(report)
}

/// A command as its disk saw it.
struct Recording {
    /// The image before.
    base: PathBuf,
    events: Vec<Event>,
    /// The first event of the command.
    begin: usize,
    /// The first event after its end.
    end: usize,
    /// How it ended.
    ended: Ended,
}

fn all_images(lab: &Lab, loom: &Loom, scenario: &Scenario, system: FileSystem) -> Outcome<Report> {
    let recording = record(lab, loom, scenario, system)?;
    // An image of xfs takes several times as long to mount as one of the others.
    let step = if system == FileSystem::Xfs { 2 } else { 1 };
    let mut cuts = cuts(&recording.events, recording.begin, step, SAMPLES);
    let (all, flushes) = (
        cuts.len(),
        recording.events[recording.begin..]
            .iter()
            .filter(|event| **event == Event::Flush)
            .count(),
    );
    cuts.truncate(match loom.sabotage {
        Some(_) => CONTROL_IMAGES,
        None if lab.full => usize::MAX,
        None => FEW_IMAGES,
    });
    let sabotage = loom
        .sabotage
        .map_or_else(String::new, |sabotage| format!("{sabotage} "));
    let prefix = format!("{sabotage}{} ", scenario.name);
    let named = |cut: &Cut| {
        let lost = cut.lost.map_or_else(
            || "in order".to_owned(),
            |seed| format!("lost by {seed:016x}"),
        );
        (
            format!("{prefix}{} before event {} {lost};", system.name(), cut.end),
            *cut,
        )
    };
    let cases: Vec<_> = cuts.iter().map(named).collect();
    // Two mounted copies of one btrfs are one file system to the kernel.
    let alone = Mutex::new(());
    let mut report = lab.each("power", &cases, |cut, place| {
        let _alone = (system == FileSystem::Btrfs)
            .then(|| alone.lock().unwrap_or_else(PoisonError::into_inner));
        one(lab, scenario, (&recording, system), *cut, place)
    })?;
    let count = recording.events.len() - recording.begin;
    report.note(format!(
        "{prefix}{}: {count} events with {flushes} flushes, {all} distinct images, {} tried",
        system.name(),
        cases.len()
    ));
    fs::remove_file(&recording.base).map_err(at(&recording.base))?;
    Ok(report)
}

/// Runs the scenario's command on a disk that logs.
fn record(lab: &Lab, loom: &Loom, scenario: &Scenario, system: FileSystem) -> Outcome<Recording> {
    let directory = |name: &str| {
        let directory = lab.home().join(name);
        fs::create_dir_all(&directory)
            .map_err(at(&directory))
            .map(|()| directory)
    };
    let (served, mounted_at, base) = (
        directory("served")?,
        directory("mounted")?,
        lab.home().join("base"),
    );
    system.make(&base)?;
    let mounted = system.mount(&base, &mounted_at)?;
    let names = calls_of(loom, scenario, &mounted_at)?;
    scenario.lay_out(&mounted_at.join("place"))?;
    mounted.unmount()?;
    let disk = Disk::serve(fs::read(&base).map_err(at(&base))?, &served)?;
    let mounted = system.mount(&disk.file(), &mounted_at)?;
    let begin = disk.count();
    let ended = beside_a_bystander(&mounted_at.join("bystander"), || {
        delayed(
            &loom.command(&mounted_at.join("place"), scenario.command),
            &names,
            &base,
        )
    })?;
    let end = disk.count();
    output(Command::new("sync").arg("--file-system").arg(&mounted_at))?;
    let all = disk.count();
    mounted.unmount()?;
    let mut events = disk.stop()?;
    events.truncate(all);
    Ok(Recording {
        base,
        events,
        begin,
        end,
        ended,
    })
}

/// The names of the calls that change something, but for those that mostly only look.
fn calls_of(loom: &Loom, scenario: &Scenario, home: &Path) -> Outcome<String> {
    let names = changes(loom, scenario, home)?
        .into_iter()
        .map(|call| call.name);
    let mut names: Vec<String> = names.filter(|name| !name.starts_with("open")).collect();
    names.sort();
    names.dedup();
    Ok(names.join(","))
}

/// Runs a command whose changing calls wait.
fn delayed(command: &Command, names: &str, beside: &Path) -> Outcome<Ended> {
    let log = strace::log_of(beside);
    let (trace, inject) = (
        format!("trace={names}"),
        format!("inject={names}:delay_enter={}", WAIT.as_micros()),
    );
    let mut command = strace::under(command, &["-e", &trace, "-e", &inject], &log);
    let output = capture(&mut command)?;
    let waited = fs::read_to_string(&log).is_ok_and(|log| log.contains("(DELAYED)"));
    if waited && output.status.success() {
        Ok(Ended::of(&output))
    } else {
        Err(said(&command, &output))
    }
}

/// Runs something while another file is written and synced all the time.
fn beside_a_bystander<T>(path: &Path, run: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let file = rustix::fs::open(path, OFlags::RDWR | OFlags::CREATE, Mode::RUSR | Mode::WUSR);
    let file = file.map_err(|error| at(path)(error.into()))?;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let bystander = scope.spawn(|| {
            let mut number = 0_u64;
            while !over.load(Ordering::Relaxed) {
                rustix::io::pwrite(&file, &number.to_ne_bytes(), 0)?;
                rustix::fs::fsync(&file)?;
                number += 1;
                std::thread::sleep(PAUSE);
            }
            Ok::<(), rustix::io::Errno>(())
        });
        let ran = run();
        over.store(true, Ordering::Relaxed);
        let stood_by = bystander
            .join()
            .map_err(|_| "the bystander panicked".to_owned())?;
        stood_by.map_err(|error| at(path)(error.into()))?;
        ran
    })
}

/// One image: mounted, recovered, judged.
fn one(
    lab: &Lab,
    scenario: &Scenario,
    (recording, system): (&Recording, FileSystem),
    cut: Cut,
    place: &Path,
) -> Outcome<Ran> {
    let (image, directory) = (
        place.with_extension("image"),
        place.with_extension("mounted"),
    );
    fs::create_dir_all(&directory).map_err(at(&directory))?;
    output(
        Command::new("cp")
            .args(["--sparse=always", "--"])
            .arg(&recording.base)
            .arg(&image),
    )?;
    let file = rustix::fs::open(&image, OFlags::RDWR, Mode::empty())
        .map_err(|error| at(&image)(error.into()))?;
    for (sector, bytes) in cut.overlay(&recording.events) {
        rustix::io::pwrite(&file, bytes, (sector * images::SECTOR) as u64)
            .map_err(|error| at(&image)(error.into()))?;
    }
    drop(file);
    let mounted = system.mount(&image, &directory)?;
    // Who saw it end relies on what it said.
    let ended = if cut.end >= recording.end {
        recording.ended.clone()
    } else {
        Ended::killed()
    };
    let verdict = judge(
        scenario,
        &lab.loom,
        &directory.join("place"),
        &ended,
        &People::default(),
    )?;
    mounted.unmount()?;
    Ok(Ran {
        fired: true,
        ended,
        verdict,
    })
}
