//! Apply, and its rollback, are killed before each call that changes or syncs something, and so after each one too.
//!
//! With `--full` also before each call that only reads.

use crate::Outcome;
use crate::crash::Lab;
use crate::crash::disturb::{calls, each, single};
use crate::crash::report::Report;
use crate::crash::scenario::Scenario;
use crate::crash::strace::{Effect, Fault};

pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let mut report = Report::default();
    for scenario in Scenario::all_and_back(&lab.loom, lab.home())? {
        let calls = calls(lab, &scenario)?;
        let points = calls
            .iter()
            .filter(|call| lab.full || call.effect != Effect::Reads);
        let cases: Vec<_> = points
            .map(|call| single(&scenario, call.with(Fault::Kill)))
            .collect();
        report.join(each(lab, "kill", &scenario, &cases)?);
    }
    Ok(report)
}
