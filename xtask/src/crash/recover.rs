//! Apply, or its rollback, is killed, then the `loom recover` that follows is killed, then it is let through.

use std::path::Path;

use crate::Outcome;
use crate::crash::Lab;
use crate::crash::disturb::{changes, repeat};
use crate::crash::ended::Ended;
use crate::crash::oracle::{People, judge};
use crate::crash::report::{Ran, Report};
use crate::crash::scenario::{Loom, Scenario};
use crate::crash::strace::{self, Call, Effect, Fault, Injected, Injection};

/// Where apply is killed: a name appears, goes or changes places, or something is made durable.
const NAMES: &[&str] = &["renameat2", "renameat", "unlinkat", "mkdirat", "linkat"];

/// A kill of the scenario's command, and one of the recovery after it.
struct Twice {
    apply: Injection,
    recover: Injection,
}

pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let mut report = Report::default();
    for scenario in Scenario::all_and_back(&lab.loom, lab.home())? {
        let cases = cases(lab, &scenario)?;
        report.join(lab.each("recover", &cases, |twice, place| {
            one(&lab.loom, &scenario, twice, place)
        })?);
    }
    Ok(report)
}

fn cases(lab: &Lab, scenario: &Scenario) -> Outcome<Vec<(String, Twice)>> {
    let (place, mut cases) = (lab.home().join("traced"), Vec::new());
    let points = changes(lab, scenario)?
        .into_iter()
        .filter(|call| call.effect == Effect::Syncs || NAMES.contains(&call.name.as_str()));
    for (nth, point) in points.enumerate() {
        let apply = point.with(Fault::Kill);
        let recovery = calls_of_recovery(&lab.loom, scenario, &apply, &place)?;
        // Without --full every third, another third at each point.
        for call in recovery
            .into_iter()
            .enumerate()
            .filter(|(index, _)| lab.full || index % 3 == nth % 3)
            .map(|(_, call)| call)
        {
            let recover = call.with(Fault::Kill);
            cases.push((
                format!("{} {apply} then {recover}", scenario.name),
                Twice {
                    apply: apply.clone(),
                    recover,
                },
            ));
        }
    }
    Ok(cases)
}

/// What a recovery changes after this kill.
fn calls_of_recovery(
    loom: &Loom,
    scenario: &Scenario,
    apply: &Injection,
    place: &Path,
) -> Outcome<Vec<Call>> {
    let log = strace::log_of(place);
    scenario.lay_out(place)?;
    strace::inject(
        &loom.command(place, scenario.command),
        std::slice::from_ref(apply),
        &log,
    )?;
    let (_, calls) = strace::trace(&loom.command(place, &["recover"]), &log)?;
    Ok(calls
        .into_iter()
        .filter(|call| call.effect != Effect::Reads)
        .collect())
}

fn one(loom: &Loom, scenario: &Scenario, twice: &Twice, place: &Path) -> Outcome<Ran> {
    let log = strace::log_of(place);
    let injected = repeat(|| {
        scenario.lay_out(place)?;
        let first = strace::inject(
            &loom.command(place, scenario.command),
            std::slice::from_ref(&twice.apply),
            &log,
        )?;
        let second = strace::inject(
            &loom.command(place, &["recover"]),
            std::slice::from_ref(&twice.recover),
            &log,
        )?;
        Ok(Injected {
            fired: first.fired && second.fired,
            ended: Ended::killed(),
        })
    })?;
    let verdict = judge(scenario, loom, place, &injected.ended, &People::default())?;
    Ok(Ran {
        fired: injected.fired,
        ended: injected.ended,
        verdict,
    })
}
