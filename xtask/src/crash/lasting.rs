//! From some call on everything fails, on the way back too; then the disk is healed.
//!
//! A disk that is full or read-only refuses whatever changes something; one that is broken refuses
//! to be read, too. Opening is left out of the former, since most of it only reads. Writing fails
//! once and not for ever, since the streams by which loom says what happened are written too.

use crate::Outcome;
use crate::crash::Lab;
use crate::crash::disturb::{Case, calls, each};
use crate::crash::report::Report;
use crate::crash::scenario::Scenario;
use crate::crash::strace::{Call, Effect, Fault, Injection};

/// Each error, and whether reading fails with it too.
const ERRORS: &[(&str, bool)] = &[
    ("ENOSPC", false),
    ("EDQUOT", false),
    ("EROFS", false),
    ("EIO", true),
];

pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let mut report = Report::default();
    for scenario in Scenario::all_and_back(&lab.loom, lab.home())? {
        report.join(each(lab, "lasting", &scenario, &cases(lab, &scenario)?)?);
    }
    Ok(report)
}

fn cases(lab: &Lab, scenario: &Scenario) -> Outcome<Vec<Case>> {
    let calls = calls(lab, scenario)?;
    let points = (0..calls.len()).filter(|point| calls[*point].effect != Effect::Reads);
    let mut cases: Vec<Case> = Vec::new();
    for (nth, point) in points.enumerate() {
        // Without --full one error a point, in turn.
        for (error, reads) in ERRORS
            .iter()
            .enumerate()
            .filter(|(index, _)| lab.full || nth % ERRORS.len() == *index)
            .map(|(_, of)| of)
        {
            let name = format!(
                "{} {error} from {}:{} on",
                scenario.name, calls[point].name, calls[point].number
            );
            cases.push((name, from_here(&calls, point, error, *reads)));
        }
    }
    Ok(cases)
}

/// The call at `point` fails, and after it whatever is like it.
fn from_here(calls: &[Call], point: usize, error: &'static str, reads: bool) -> Vec<Injection> {
    let here = &calls[point];
    let mut injections = vec![here.with(if here.name == "write" {
        Fault::Fail(error)
    } else {
        Fault::FailFromHere(error)
    })];
    for call in calls {
        let fails = match call.name.as_str() {
            "write" => false,
            "open" | "openat" | "read" | "openat2" | "getdents64" => reads,
            _ => call.effect != Effect::Reads,
        };
        if fails && injections.iter().all(|known| known.name != call.name) {
            let before = calls[..point]
                .iter()
                .filter(|other| other.name == call.name)
                .map(|other| other.number)
                .max();
            injections.push(Injection {
                name: call.name.clone(),
                number: before.unwrap_or(0) + 1,
                fault: Fault::FailFromHere(error),
            });
        }
    }
    injections
}
