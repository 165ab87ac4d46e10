//! All ordered pairs of acts, killed at each call that changes or syncs something.

use crate::Outcome;
use crate::crash::Lab;
use crate::crash::disturb::{changes, one, single};
use crate::crash::report::Report;
use crate::crash::scenario::{Act, Scenario};
use crate::crash::strace::{Fault, Injection};

/// Without `--full`, one of so many points, another one for each pair.
const SAMPLE: usize = 6;

pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let pairs = Act::ALL
        .iter()
        .flat_map(|first| Act::ALL.iter().map(move |second| (*first, *second)));
    let mut scenarios = Vec::new();
    for (first, second) in pairs {
        scenarios.push(Scenario::pair(first, second, &lab.loom, lab.home())?);
    }
    let mut cases: Vec<(String, (&Scenario, Vec<Injection>))> = Vec::new();
    for (pair, scenario) in scenarios.iter().enumerate() {
        let points = changes(lab, scenario)?.into_iter().enumerate();
        for (_, call) in points.filter(|(index, _)| lab.full || index % SAMPLE == pair % SAMPLE) {
            let (name, injections) = single(scenario, call.with(Fault::Kill));
            cases.push((name, (scenario, injections)));
        }
    }
    lab.each("pairs", &cases, |(scenario, injections), place| {
        one(&lab.loom, scenario, injections, place)
    })
}
