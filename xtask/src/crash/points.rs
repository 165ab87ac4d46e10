//! The crash points inside the process: unit tests of `loom-apply`, run and counted here.

use crate::Outcome;
use crate::crash::Lab;
use crate::crash::report::Report;
use crate::process::{capture, cargo, said};

pub(crate) fn run(lab: &Lab) -> Outcome<Report> {
    let mut command = cargo();
    command.args([
        "test",
        "--quiet",
        "--locked",
        "--package=loom-apply",
        "--lib",
        "crash",
    ]);
    if lab.full {
        command.env("LOOM_CRASH_FULL", "1");
    }
    let output = capture(&mut command)?;
    let mut report = Report::default();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // `test result: ok. 12 passed; 0 failed; …`
    let passed = text
        .split("passed")
        .next()
        .and_then(|before| before.split_whitespace().next_back())
        .and_then(|count| count.parse().ok());
    report.tests(passed.unwrap_or(0));
    if !output.status.success() {
        report.violation(said(&command, &output));
    }
    Ok(report)
}
