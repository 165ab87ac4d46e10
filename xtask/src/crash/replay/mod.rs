//! Power loss in a model: every state of the disk that one recorded apply may leave.
//!
//! In: a recording of the calls of one apply, or of a recovery. Out: for each state that a crash may leave behind, the
//! tree made so, `loom recover` run in it, and the oracle's verdict. No disk is needed, nor root.
//!
//! ```text
//! trace      the log of strace → calls
//! history    calls → changes of inodes, and the syncs between them
//! state      which of the changes may be lost → states, by two models of a file system
//! image      a state → a directory
//! ```
//!
//! Two plans, because loom has two barriers: one of few files, which are synced one by one, and one
//! of each act, which is synced with its whole file system.
//!
//! Who saw apply end with 0 relies on it: in the states after its last sync the tree must be the new one.
//!
//! Invariants: a recording that does not lead to the tree that loom left is an error; a plan whose
//! barriers are not the ones that it is there for is an error; loom without one of its barriers must
//! lead to violations in the weak model, or the suite fails.
//!
//! Deliberately not here: what a real file system does; that is `shutdown` and `power`.

mod attributes;
mod history;
mod image;
pub(crate) mod random;
mod state;
mod trace;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::Lab;
use super::disturb::changes;
use super::ended::Ended;
use super::oracle::{People, judge};
use super::quiet;
use super::report::{Ran, Report};
use super::scenario::{Act, Loom, REPOSITORY, Scenario, remove};
use super::strace::{self, Fault};
use crate::Outcome;
use crate::process::{capture, said};
use crate::tree::at;
use history::{Event, History, Sync, TRACED};
use image::Image;
use random::Random;
use state::{Model, Moment};

/// How many states of a plan and a model are tried without `--full`.
const FEW_STATES: usize = 150;
/// How many are tried of a recovery without `--full`.
const RECOVERY_STATES: usize = 40;
/// How many are tried of a loom that is known to be wrong.
const CONTROL_STATES: usize = 60;
/// Always the same.
const SEED: u64 = 0x10_0a_0d;

/// How loom makes a plan durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Barriers {
    /// File by file.
    Each,
    /// With the whole file system.
    Whole,
}

/// The sabotages that leave out a barrier.
const CONTROLS: [&str; 2] = ["barrier-1", "barrier-2"];

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recorded {
    /// The apply itself.
    Apply,
    /// A recovery that puts everything back: the apply was killed before its commit.
    Back,
    /// A recovery that ends what was committed: the apply was killed right after it.
    Forward,
}

/// A run as the model has it.
struct Recording {
    history: History,
    /// Who saw the end of it relies on what it said; of a recovery nobody does.
    ended: Ended,
}

/// Both plans in both models, recovery itself, and the controls.
pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let few = [Act::CreateDeep, Act::Update].map(|act| (act, "src".to_owned()));
    let few = Scenario::of("few", &few, &lab.loom, lab.home())?;
    let all = Scenario::all(&lab.loom, lab.home())?;
    let most = if lab.full { usize::MAX } else { FEW_STATES };
    let mut report = Report::default();
    let (few_back, all_back) = (
        few.back(&lab.loom, lab.home())?,
        all.back(&lab.loom, lab.home())?,
    );
    let each = [
        (&few, Barriers::Each),
        (&all, Barriers::Whole),
        (&few_back, Barriers::Each),
        (&all_back, Barriers::Whole),
    ];
    for (scenario, barriers) in each {
        let recording = record(lab, &lab.loom, scenario, Recorded::Apply)?;
        has_barriers(&recording.history, barriers)
            .map_err(|message| format!("the plan `{}`: {message}", scenario.name))?;
        let mut seen = BTreeSet::new();
        for model in [Model::Ordered, Model::Weak] {
            try_model(
                lab,
                scenario,
                &recording,
                &mut Trial {
                    model,
                    most,
                    prefix: "",
                    seen: &mut seen,
                },
                &mut report,
            )?;
        }
        for (recorded, prefix) in [(Recorded::Back, "back "), (Recorded::Forward, "forward ")] {
            let recording = record(lab, &lab.loom, scenario, recorded)?;
            let mut trial = Trial {
                model: Model::Weak,
                most: if lab.full {
                    usize::MAX
                } else {
                    RECOVERY_STATES
                },
                prefix,
                seen: &mut BTreeSet::new(),
            };
            try_model(lab, scenario, &recording, &mut trial, &mut report)?;
        }
    }
    for sabotage in CONTROLS {
        for scenario in [&few, &all, &few_back, &all_back] {
            control(lab, scenario, sabotage, &mut report)?;
        }
    }
    Ok(report)
}

/// Loom without a barrier must be caught: otherwise the suite proves nothing.
fn control(lab: &Lab, scenario: &Scenario, sabotage: &'static str, report: &mut Report) -> Outcome {
    let recording = record(lab, &lab.sabotaged(sabotage)?, scenario, Recorded::Apply)?;
    let states = States::of(
        &recording.history,
        Model::Weak,
        CONTROL_STATES,
        &mut BTreeSet::new(),
    );
    let found = try_all(lab, scenario, &recording, &states, &format!("{sabotage} "))?;
    super::control(&format!("{sabotage} {}", scenario.name), &found, report);
    Ok(())
}

/// Which states of a recording are tried.
struct Trial<'a> {
    model: Model,
    most: usize,
    /// Of the names.
    prefix: &'static str,
    /// Those that need not be tried again.
    seen: &'a mut BTreeSet<u64>,
}

fn try_model(
    lab: &Lab,
    scenario: &Scenario,
    recording: &Recording,
    trial: &mut Trial<'_>,
    report: &mut Report,
) -> Outcome {
    let states = States::of(&recording.history, trial.model, trial.most, trial.seen);
    report.note(format!(
        "{}{}, {}: {}",
        trial.prefix,
        scenario.name,
        trial.model.name(),
        states.counted()
    ));
    report.join(try_all(lab, scenario, recording, &states, trial.prefix)?);
    Ok(())
}

/// A run in a scenario, played into the model.
fn record(lab: &Lab, loom: &Loom, scenario: &Scenario, recorded: Recorded) -> Outcome<Recording> {
    let place = lab.home().join("recorded");
    scenario.lay_out(&place)?;
    let (arguments, ended) = match recorded {
        Recorded::Apply => (scenario.command, None),
        Recorded::Back | Recorded::Forward => {
            cut_off(lab, scenario, recorded, &place)?;
            (&["recover"][..], Some(Ended::killed()))
        }
    };
    let top = place.join(REPOSITORY).canonicalize().map_err(at(&place))?;
    let before = Image::read(&top)?;
    let log = strace::log_of(&place);
    quiet::wait();
    let traced = format!("trace=?{}", TRACED.replace(',', ",?"));
    let mut command = strace::under(
        &loom.command(&place, arguments),
        &["-xx", "-y", "-s", "100000000", "-e", &traced],
        &log,
    );
    let output = capture(&mut command)?;
    if !output.status.success() {
        return Err(said(&command, &output));
    }
    let text = fs::read_to_string(&log).map_err(at(&log))?;
    fs::remove_file(&log).map_err(at(&log))?;
    let history = History::of(&top, before, &trace::calls(&text)?, umask()?)?;
    let played = history.after().difference(&Image::read(&top)?);
    remove(&place)?;
    match played {
        Some(difference) => Err(format!(
            "the recorded calls do not lead to what loom left: {difference}"
        )),
        None => Ok(Recording {
            history,
            ended: ended.unwrap_or_else(|| Ended::of(&output)),
        }),
    }
}

/// Kills an apply at its commit, or right after it.
fn cut_off(lab: &Lab, scenario: &Scenario, recorded: Recorded, place: &Path) -> Outcome {
    let calls = changes(lab, scenario)?;
    let missing = || {
        format!(
            "the apply of `{}` does not set the mark of its commit",
            scenario.name
        )
    };
    let mark = calls
        .iter()
        .rposition(|call| call.name == "pwrite64")
        .ok_or_else(missing)?;
    let call = match recorded {
        Recorded::Apply | Recorded::Back => calls.get(mark),
        Recorded::Forward => calls.get(mark + 1),
    };
    let injection = call.ok_or_else(missing)?.with(Fault::Kill);
    quiet::wait();
    let injected = strace::inject(
        &lab.loom.command(place, scenario.command),
        &[injection],
        &strace::log_of(place),
    )?;
    if injected.fired {
        Ok(())
    } else {
        Err(missing())
    }
}

/// What new files are not given.
fn umask() -> Outcome<u32> {
    let path = Path::new("/proc/self/status");
    let status = fs::read_to_string(path).map_err(at(path))?;
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    let umask = line.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok());
    umask.ok_or_else(|| "the system does not say what the umask is".to_owned())
}

/// Whether a recording has the barriers that it is there for.
fn has_barriers(history: &History, barriers: Barriers) -> Outcome {
    let syncs = |wanted: &dyn Fn(&Sync) -> bool| {
        history
            .events
            .iter()
            .filter(|event| matches!(event, Event::Sync(sync) if wanted(sync)))
            .count()
    };
    let (whole, single) = (
        syncs(&|sync| *sync == Sync::All),
        syncs(&|sync| *sync != Sync::All),
    );
    match barriers {
        Barriers::Each if whole == 0 && single > 2 => Ok(()),
        Barriers::Whole if whole >= 2 => Ok(()),
        Barriers::Each | Barriers::Whole => Err(format!(
            "{barriers:?} was to be tried, and loom made {whole} whole syncs and {single} single ones"
        )),
    }
}

/// The states of a history that are to be tried, each tree once.
struct States<'a> {
    history: &'a History,
    model: Model,
    moments: Vec<Moment>,
    /// The index of a moment, and which of its pending changes are kept.
    chosen: Vec<(usize, Vec<bool>)>,
    enumerated: usize,
    distinct: usize,
}

impl<'a> States<'a> {
    /// At most `most` states that are not yet in `seen`.
    fn of(history: &'a History, model: Model, most: usize, seen: &mut BTreeSet<u64>) -> Self {
        let (touched, mut random) = (history.touched(), Random::new(SEED));
        let moments = state::moments(history, model);
        let (mut chosen, mut enumerated) = (Vec::new(), 0);
        for (index, moment) in moments.iter().enumerate() {
            for kept in state::choices(history, moment, model, &mut random) {
                enumerated += 1;
                if seen.insert(state::image(history, moment, &kept).print(&touched)) {
                    chosen.push((index, kept));
                }
            }
        }
        let distinct = chosen.len();
        random.shuffle(&mut chosen);
        chosen.truncate(most);
        Self {
            history,
            model,
            moments,
            chosen,
            enumerated,
            distinct,
        }
    }

    fn counted(&self) -> String {
        let Self {
            enumerated,
            distinct,
            chosen,
            moments,
            ..
        } = self;
        format!(
            "{enumerated} states at {} moments, {distinct} of them new and distinct, {} tried",
            moments.len(),
            chosen.len()
        )
    }

    /// What tells a state from the others: its moment, and the lost changes by their number.
    fn name(&self, (moment, kept): &(usize, Vec<bool>)) -> String {
        let lost = self.moments[*moment]
            .pending
            .iter()
            .zip(kept)
            .filter(|(_, kept)| !**kept);
        let lost: Vec<String> = lost.map(|(index, _)| index.to_string()).collect();
        let count = self.moments[*moment].pending.len();
        format!(
            "{} moment {moment}, of {count} pending without [{}]",
            self.model.name(),
            lost.join(" ")
        )
    }
}

/// Makes each state, recovers in it with the loom that is not sabotaged, and judges.
fn try_all(
    lab: &Lab,
    scenario: &Scenario,
    recording: &Recording,
    states: &States<'_>,
    prefix: &str,
) -> Outcome<Report> {
    let named = |state: &(usize, Vec<bool>)| {
        (
            format!("{prefix}{} {};", scenario.name, states.name(state)),
            state.clone(),
        )
    };
    let cases: Vec<_> = states.chosen.iter().map(named).collect();
    lab.each("replay", &cases, |(moment, kept), place| {
        scenario.lay_out(place)?;
        let top = place.join(REPOSITORY);
        remove(&top)?;
        fs::create_dir(&top).map_err(at(&top))?;
        state::image(states.history, &states.moments[*moment], kept).write(&top)?;
        let is_over = moment + 1 == states.moments.len();
        let ended = if is_over {
            recording.ended.clone()
        } else {
            Ended::killed()
        };
        let verdict = judge(scenario, &lab.loom, place, &ended, &People::default())?;
        Ok(Ran {
            fired: true,
            ended,
            verdict,
        })
    })
}
