//! Disturbed runs of a scenario's command: what most suites do, once.

use std::path::Path;

use crate::Outcome;
use crate::crash::oracle::{People, judge};
use crate::crash::report::{Ran, Report};
use crate::crash::scenario::{Loom, Scenario};
use crate::crash::strace::{self, Call, Effect, Injected, Injection};
use crate::crash::{Lab, quiet};

/// A case: its name, and what is injected.
pub(crate) type Case = (String, Vec<Injection>);

/// Runs cases of one scenario.
pub(crate) fn each(lab: &Lab, suite: &str, scenario: &Scenario, cases: &[Case]) -> Outcome<Report> {
    lab.each(suite, cases, |injections, place| {
        one(&lab.loom, scenario, injections, place)
    })
}

/// The case of one injection.
pub(crate) fn single(scenario: &Scenario, injection: Injection) -> Case {
    (format!("{} {injection}", scenario.name), vec![injection])
}

/// The scenario's command with these injections, and what it left.
pub(crate) fn one(
    loom: &Loom,
    scenario: &Scenario,
    injections: &[Injection],
    place: &Path,
) -> Outcome<Ran> {
    let injected = repeat(|| {
        scenario.lay_out(place)?;
        strace::inject(
            &loom.command(place, scenario.command),
            injections,
            &strace::log_of(place),
        )
    })?;
    let verdict = judge(scenario, loom, place, &injected.ended, &People::default())?;
    Ok(Ran {
        fired: injected.fired,
        ended: injected.ended,
        verdict,
    })
}

/// How often a case is tried in which nothing was injected.
const TRIES: usize = 5;

/// Tries until something was injected: a busy machine may keep it from happening.
pub(crate) fn repeat(mut run: impl FnMut() -> Outcome<Injected>) -> Outcome<Injected> {
    let mut injected = run()?;
    for _ in 1..TRIES {
        if injected.fired {
            break;
        }
        quiet::wait();
        injected = run()?;
    }
    Ok(injected)
}

/// All calls of the scenario's command, in order.
pub(crate) fn calls(lab: &Lab, scenario: &Scenario) -> Outcome<Vec<Call>> {
    let place = lab.home().join(format!("traced-{}", scenario.name));
    scenario.lay_out(&place)?;
    quiet::wait();
    let (ended, calls) = strace::trace(
        &lab.loom.command(&place, scenario.command),
        &strace::log_of(&place),
    )?;
    crate::crash::scenario::remove(&place)?;
    match ended.code {
        Some(0) => Ok(calls),
        _ => Err(format!("the scenario {}, traced: {ended}", scenario.name)),
    }
}

/// Those that change or sync something.
pub(crate) fn changes(lab: &Lab, scenario: &Scenario) -> Outcome<Vec<Call>> {
    Ok(calls(lab, scenario)?
        .into_iter()
        .filter(|call| call.effect != Effect::Reads)
        .collect())
}
