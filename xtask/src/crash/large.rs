//! Plans of a thousand and, with `--full`, of ten thousand files, killed at points drawn with a
//! fixed seed.

use crate::Outcome;
use crate::crash::Lab;
use crate::crash::disturb::{Case, changes, each, single};
use crate::crash::report::Report;
use crate::crash::scenario::Scenario;
use crate::crash::strace::Fault;

/// How many files, and how many points without and with `--full`.
const SIZES: &[(usize, usize, usize)] = &[(1_000, 8, 100), (10_000, 0, 20)];

pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let mut report = Report::default();
    for (files, some, many) in SIZES {
        let wanted = if lab.full { *many } else { *some };
        if wanted == 0 {
            report.note(format!("{files} files: only with --full"));
            continue;
        }
        let scenario = Scenario::many(*files, &lab.loom, lab.home())?;
        let points = changes(lab, &scenario)?;
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        let mut cases: Vec<Case> = Vec::new();
        while cases.len() < wanted.min(points.len()) {
            let case = single(
                &scenario,
                points[dice.below(points.len())].with(Fault::Kill),
            );
            if cases.iter().all(|known| known.0 != case.0) {
                cases.push(case);
            }
        }
        report.join(each(lab, "large", &scenario, &cases)?);
    }
    Ok(report)
}

/// Numbers that look drawn and are the same in each run (xorshift64*, Vigna 2016).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap_or_default() % bound.max(1)
    }
}
