//! People at work on the same files at the same moment.
//!
//! At each change that apply makes, it is held still while a person does something ([`Deed`]) to a
//! file of the plan, and then goes on. What the person wrote must still be somewhere; everything
//! else is old or new as the exit code says; and where the person was there before loom put its own
//! in the place, loom may not say that all is well.
//!
//! The same deeds are done after apply was killed and before recovery, and before a kill in the
//! middle of putting everything back, after which the next person may come, too.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Outcome;
use crate::crash::Lab;
use crate::crash::disturb::{changes, repeat};
use crate::crash::oracle::{People, judge};
use crate::crash::report::{Ran, Report};
use crate::crash::scenario::{Loom, REPOSITORY, Scenario};
use crate::crash::strace::{self, Call, Effect, Fault, Injection};
use crate::tree::at;

/// How long apply is held still.
const PAUSE: Duration = Duration::from_millis(200);
/// What people write.
const TOKEN: &str = "a person wrote this";
/// What the next person writes.
const NEXT: &str = "another person wrote that";
/// What the files of the directory held that a person moves away: none of it may be lost.
const MOVED: &[&str] = &[
    "nobody but people writes here",
    "people's first line",
    "old of src-update",
    "old of src-block",
    "same of src-move",
    "old of src-delete-last",
    "old of src-delete-beside",
];
/// Without `--full`, one of so many points, and each deed's own.
const SAMPLE: usize = 4;

/// How a person writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Writes another file and renames it over this one, as most editors do.
    RenamesOver,
    /// Opens, empties and writes.
    InPlace,
    /// Writes through a descriptor that was opened before loom began.
    OldDescriptor,
    /// Renames the directory away, and back when loom has ended.
    MovesDirectory,
}

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Deed {
    how: How,
    /// The path that is touched.
    path: &'static str,
    /// The file's name in the call by which loom puts its own there, or takes it away.
    own: &'static str,
    /// Paths that are people's from then on.
    theirs: &'static [&'static str],
}

const fn deed(
    how: How,
    path: &'static str,
    own: &'static str,
    theirs: &'static [&'static str],
) -> Deed {
    Deed {
        how,
        path,
        own,
        theirs,
    }
}

const DEEDS: &[Deed] = &[
    deed(
        How::RenamesOver,
        "src/updated.txt",
        "\"updated.txt\"",
        &["src/updated.txt"],
    ),
    deed(
        How::InPlace,
        "src/updated.txt",
        "\"updated.txt\"",
        &["src/updated.txt"],
    ),
    deed(
        How::OldDescriptor,
        "src/updated.txt",
        "\"updated.txt\"",
        &["src/updated.txt"],
    ),
    deed(
        How::RenamesOver,
        "src/shared.txt",
        "\"shared.txt\"",
        &["src/shared.txt"],
    ),
    deed(
        How::OldDescriptor,
        "src/shared.txt",
        "\"shared.txt\"",
        &["src/shared.txt"],
    ),
    deed(How::InPlace, "src/run.sh", "\"run.sh\"", &["src/run.sh"]),
    deed(
        How::RenamesOver,
        "src/beside.txt",
        "\"beside.txt\"",
        &["src/beside.txt"],
    ),
    deed(
        How::OldDescriptor,
        "src/beside.txt",
        "\"beside.txt\"",
        &["src/beside.txt"],
    ),
    deed(
        How::OldDescriptor,
        "src/from.txt",
        "\"from.txt\"",
        &["src/from.txt", "src/moved"],
    ),
    deed(
        How::InPlace,
        "src/created.txt",
        "\"created.txt\"",
        &["src/created.txt"],
    ),
    deed(
        How::InPlace,
        "src/moved/to.txt",
        "\"to.txt\"",
        &["src/moved"],
    ),
    deed(
        How::InPlace,
        "src/gone/and/deep/another.txt",
        "no call of loom's",
        &["src/gone"],
    ),
    deed(
        How::MovesDirectory,
        "src",
        "no call of loom's",
        &["src", "src.away"],
    ),
];

/// When it is done.
#[derive(Clone, Debug)]
pub(crate) enum When {
    /// While apply waits at this call; whether that is before loom puts its own there.
    Meanwhile { at: Call, early: bool },
    /// After apply was killed at this call.
    AfterKill { at: Call },
    /// While apply waits at the one call; killed at the other. Then perhaps the next person does the same.
    ThenKilled { at: Call, killed: Call, again: bool },
}

struct Race {
    deed: Deed,
    when: When,
}

/// Every race.
pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    run_with(lab, &lab.loom, "races", |_| true)
}

/// Some of them, with another loom.
pub(crate) fn run_with(
    lab: &Lab,
    loom: &Loom,
    suite: &str,
    wanted: impl Fn(&When) -> bool,
) -> Outcome<Report> {
    let scenario = Scenario::all(&lab.loom, lab.home())?;
    let points = changes(lab, &scenario)?;
    let mut cases = Vec::new();
    // Before that, loom has not looked at the files yet.
    let begun = points
        .iter()
        .position(|call| call.arguments.contains("\"txn-"))
        .ok_or("apply makes no directory `txn-…`")?;
    for (nth, deed) in DEEDS.iter().enumerate() {
        let own = points
            .iter()
            .position(|call| call.name.starts_with("rename") && call.arguments.contains(deed.own));
        for (index, at) in points.iter().enumerate() {
            let is_chosen = lab.full || Some(index) == own || index % SAMPLE == nth % SAMPLE;
            if !is_chosen || (deed.how == How::MovesDirectory && index < begun) {
                continue;
            }
            let early = own.is_some_and(|own| (begun..=own).contains(&index));
            cases.push(named(
                *deed,
                When::Meanwhile {
                    at: at.clone(),
                    early,
                },
            ));
            if matches!(deed.how, How::RenamesOver | How::InPlace) {
                cases.push(named(*deed, When::AfterKill { at: at.clone() }));
            }
        }
        if let (Some(own), How::RenamesOver) = (own, deed.how) {
            cases.extend(then_killed(
                loom,
                &scenario,
                *deed,
                &points[own],
                lab.home(),
            )?);
        }
    }
    cases.retain(|(_, race): &(String, Race)| wanted(&race.when));
    lab.each(suite, &cases, |race, place| {
        one(loom, &scenario, race, place)
    })
}

fn named(deed: Deed, when: When) -> (String, Race) {
    let what = format!("{:?} {}", deed.how, deed.path);
    let call = |call: &Call| format!("{}:{}", call.name, call.number);
    let name = match &when {
        When::Meanwhile { at, .. } => format!("{what} at {}", call(at)),
        When::AfterKill { at } => format!("killed at {}, then {what}", call(at)),
        When::ThenKilled { at, killed, again } => {
            format!(
                "{what} at {}, killed at {}{}",
                call(at),
                call(killed),
                if *again { ", and again" } else { "" }
            )
        }
    };
    (name, Race { deed, when })
}

/// The deed just before loom's own call, and a kill at each change that loom makes from then on.
fn then_killed(
    loom: &Loom,
    scenario: &Scenario,
    deed: Deed,
    own: &Call,
    home: &Path,
) -> Outcome<Vec<(String, Race)>> {
    let place = home.join("traced-race");
    let (_, calls) = meanwhile(
        loom,
        scenario,
        deed,
        &[own.with(Fault::Delay(PAUSE))],
        &place,
    )?;
    let Some(position) = calls
        .iter()
        .position(|call| (call.name.as_str(), call.number) == (own.name.as_str(), own.number))
    else {
        return Ok(Vec::new());
    };
    // strace holds one fault for each name: wait at the last call before that has another name.
    let kills = calls[position + 1..]
        .iter()
        .filter(|call| call.effect != Effect::Reads);
    let race = |killed: &Call| {
        let at = calls[..position]
            .iter()
            .rev()
            .find(|call| call.name != killed.name)?;
        let then = |again| {
            named(
                deed,
                When::ThenKilled {
                    at: at.clone(),
                    killed: killed.clone(),
                    again,
                },
            )
        };
        Some([then(false), then(true)])
    };
    Ok(kills.filter_map(race).flatten().collect())
}

fn one(loom: &Loom, scenario: &Scenario, race: &Race, place: &Path) -> Outcome<Ran> {
    let Race { deed, when } = race;
    let mut tokens = vec![TOKEN];
    let injected = match when {
        When::AfterKill { at } => {
            let injected = repeat(|| {
                scenario.lay_out(place)?;
                strace::inject(
                    &loom.command(place, scenario.command),
                    &[at.with(Fault::Kill)],
                    &strace::log_of(place),
                )
            })?;
            Hand::before(*deed, place)?.does(TOKEN)?;
            injected
        }
        When::Meanwhile { at, .. } => repeat(|| {
            Ok(meanwhile(
                loom,
                scenario,
                *deed,
                &[at.with(Fault::Delay(PAUSE))],
                place,
            )?
            .0)
        })?,
        When::ThenKilled { at, killed, again } => {
            let injections = [at.with(Fault::Delay(PAUSE)), killed.with(Fault::Kill)];
            let injected = repeat(|| Ok(meanwhile(loom, scenario, *deed, &injections, place)?.0))?;
            if *again {
                // What loom has put back already is not loom's to keep from the next person.
                let path = place.join(REPOSITORY).join(deed.path);
                let is_back = fs::read_to_string(&path).is_ok_and(|text| text.contains(TOKEN));
                tokens.retain(|token| !(is_back && *token == TOKEN));
                tokens.push(NEXT);
                Hand::before(*deed, place)?.does(NEXT)?;
            }
            injected
        }
    };
    if deed.how == How::MovesDirectory {
        move_back(place, deed.path)?;
        tokens = MOVED.to_vec();
    }
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let people = People {
        paths: owned(deed.theirs),
        tokens: owned(&tokens),
    };
    let mut verdict = judge(scenario, loom, place, &injected.ended, &people)?;
    if let (When::Meanwhile { early: true, .. }, Some(0)) = (when, injected.ended.code) {
        verdict
            .violations
            .push("loom put its own in the place of what a person had just written, and said that all is well".to_owned());
    }
    Ok(Ran {
        fired: injected.fired,
        ended: injected.ended,
        verdict,
    })
}

/// One apply that waits at the first injection while the deed is done.
fn meanwhile(
    loom: &Loom,
    scenario: &Scenario,
    deed: Deed,
    injections: &[Injection],
    place: &Path,
) -> Outcome<(strace::Injected, Vec<Call>)> {
    scenario.lay_out(place)?;
    let hand = Hand::before(deed, place)?;
    strace::inject_and_meanwhile(
        &loom.command(place, scenario.command),
        injections,
        &strace::log_of(place),
        || hand.does(TOKEN),
    )
}

/// A person about to do something.
struct Hand {
    deed: Deed,
    repository: PathBuf,
    /// Opened before loom began.
    descriptor: Option<OwnedFd>,
}

impl Hand {
    fn before(deed: Deed, place: &Path) -> Outcome<Self> {
        let repository = place.join(REPOSITORY);
        let path = repository.join(deed.path);
        let descriptor = match deed.how {
            How::OldDescriptor => Some(
                fs::OpenOptions::new()
                    .write(true)
                    .open(&path)
                    .map_err(at(&path))?
                    .into(),
            ),
            How::RenamesOver | How::InPlace | How::MovesDirectory => None,
        };
        Ok(Self {
            deed,
            repository,
            descriptor,
        })
    }

    fn does(&self, token: &str) -> Outcome {
        let path = self.repository.join(self.deed.path);
        if let Some(file) = &self.descriptor {
            let written = rustix::fs::ftruncate(file, 0)
                .and_then(|()| rustix::io::pwrite(file, token.as_bytes(), 0));
            return written.map(drop).map_err(|error| at(&path)(error.into()));
        }
        if self.deed.how == How::MovesDirectory {
            return fs::rename(&path, away(&path)).map_err(at(&path));
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        let written = if self.deed.how == How::InPlace {
            path.clone()
        } else {
            self.repository.join(".swap")
        };
        fs::write(&written, token).map_err(at(&written))?;
        fs::rename(&written, &path).map_err(at(&path))
    }
}

fn away(path: &Path) -> PathBuf {
    path.with_extension("away")
}

/// Takes a directory back, unless loom has made it again to put back what it had displaced.
fn move_back(place: &Path, path: &str) -> Outcome {
    let path = place.join(REPOSITORY).join(path);
    if path.symlink_metadata().is_ok() || !away(&path).exists() {
        return Ok(());
    }
    fs::rename(away(&path), &path).map_err(at(&path))
}
