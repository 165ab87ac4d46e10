//! Each call of apply, and of its rollback, fails once, with each error that a disk, a quota or a limit gives.

use crate::Outcome;
use crate::crash::Lab;
use crate::crash::disturb::{Case, calls, each, single};
use crate::crash::report::Report;
use crate::crash::scenario::Scenario;
use crate::crash::strace::{Effect, Fault};

/// What a call that changes something fails with.
const CHANGING: &[&str] = &["ENOSPC", "EDQUOT", "EIO", "EACCES", "EMFILE", "EROFS"];
/// What a call that only looks fails with.
const READING: &[&str] = &["EIO", "EACCES", "EMFILE"];

/// Calls that change something fail with every error; those that read with each in turn, with `--full` with every one too.
pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let mut report = Report::default();
    for scenario in Scenario::all_and_back(&lab.loom, lab.home())? {
        report.join(each(lab, "errors", &scenario, &cases(lab, &scenario)?)?);
    }
    Ok(report)
}

fn cases(lab: &Lab, scenario: &Scenario) -> Outcome<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    let calls = calls(lab, scenario)?;
    // Before the first change there is nothing that could be half done.
    let work = calls.iter().skip_while(|call| call.effect == Effect::Reads);
    for (index, call) in work.enumerate() {
        let errors = match call.effect {
            Effect::Changes | Effect::Syncs => CHANGING,
            Effect::Reads if lab.full => READING,
            Effect::Reads => &READING[index % READING.len()..][..1],
        };
        cases.extend(
            errors
                .iter()
                .map(|error| single(scenario, call.with(Fault::Fail(error)))),
        );
    }
    Ok(cases)
}
