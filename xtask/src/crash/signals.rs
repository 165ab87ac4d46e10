//! SIGINT and SIGTERM at each call that changes or syncs something.
//!
//! The first signal puts everything back and leaves nothing behind: exit 7. Once everything is
//! committed it comes too late: exit 0. Before loom has anything to put back it may just end. A
//! second signal ends loom at once, and the next `loom recover` does the rest.

use std::path::Path;

use crate::Outcome;
use crate::crash::Lab;
use crate::crash::disturb::{changes, repeat};
use crate::crash::oracle::{People, judge, leftovers};
use crate::crash::report::{Ran, Report};
use crate::crash::scenario::{Loom, REPOSITORY, Scenario};
use crate::crash::strace::{self, Fault, Injection};

const SIGNALS: &[&str] = &["SIGINT", "SIGTERM"];

pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let mut report = Report::default();
    for scenario in Scenario::all_and_back(&lab.loom, lab.home())? {
        let mut cases = Vec::new();
        for (nth, call) in changes(lab, &scenario)?.iter().enumerate() {
            for (_, signal) in SIGNALS
                .iter()
                .enumerate()
                .filter(|(index, _)| lab.full || nth % SIGNALS.len() == *index)
            {
                for (often, fault) in [
                    ("once", Fault::Signal(signal)),
                    ("again", Fault::Signals(signal)),
                ] {
                    cases.push((
                        format!("{} {often} {}", scenario.name, call.with(fault)),
                        call.with(fault),
                    ));
                }
            }
        }
        report.join(lab.each("signals", &cases, |injection, place| {
            one(&lab.loom, &scenario, injection, place)
        })?);
    }
    Ok(report)
}

fn one(loom: &Loom, scenario: &Scenario, injection: &Injection, place: &Path) -> Outcome<Ran> {
    let injected = repeat(|| {
        scenario.lay_out(place)?;
        strace::inject(
            &loom.command(place, scenario.command),
            std::slice::from_ref(injection),
            &strace::log_of(place),
        )
    })?;
    let left = leftovers(&place.join(REPOSITORY))?;
    let mut verdict = judge(scenario, loom, place, &injected.ended, &People::default())?;
    let mut wrong = |sentence: String| verdict.violations.push(sentence);
    match (injected.ended.code, injection.fault) {
        (Some(0 | 7), _) if !left.is_empty() => {
            wrong(format!(
                "the run ended with {}, and left {}",
                injected.ended,
                left.join(", ")
            ));
        }
        (None, Fault::Signal(_)) if !left.is_empty() => {
            wrong(format!(
                "the first signal ended loom at once, and {} is left",
                left.join(", ")
            ));
        }
        (Some(0 | 7) | None, _) | (Some(8), Fault::Signals(_)) => {}
        (Some(_), _) => wrong(format!("a signal ended loom with {}", injected.ended)),
    }
    Ok(Ran {
        fired: injected.fired,
        ended: injected.ended,
        verdict,
    })
}
