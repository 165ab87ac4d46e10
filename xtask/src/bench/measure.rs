//! Wall time and peak memory of one run of a program.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::tree::at;

/// Seconds that a run took.
pub(crate) type Seconds = f64;

/// The largest resident set of a run.
pub(crate) type Mebibytes = f64;

/// How often the memory of a run is looked at.
const GLANCE: Duration = Duration::from_micros(200);

/// Runs to the end with its output in `sink`, and returns how long that took. `code` is the only exit code that is right.
pub(crate) fn time(command: &mut Command, sink: &std::path::Path, code: i32) -> Outcome<Seconds> {
    direct(command, sink)?;
    let begin = Instant::now();
    let status = command.status().map_err(|error| error.to_string())?;
    let taken = begin.elapsed().as_secs_f64();
    expect(command, status.code(), code).map(|()| taken)
}

/// Runs to the end and returns its largest resident set.
///
/// The kernel's own mark (`VmHWM`) only grows, so that the last look before the end misses no more
/// than what a program takes in its last fifth of a millisecond.
pub(crate) fn peak_memory(
    command: &mut Command,
    sink: &std::path::Path,
    code: i32,
) -> Outcome<Mebibytes> {
    direct(command, sink)?;
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    loop {
        peak = peak.max(
            fs::read_to_string(&status_file)
                .ok()
                .and_then(|text| high_water(&text))
                .unwrap_or(0.0),
        );
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return expect(command, status.code(), code).map(|()| peak);
        }
        std::thread::sleep(GLANCE);
    }
}

fn direct(command: &mut Command, sink: &std::path::Path) -> Outcome {
    let out = fs::OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .open(sink)
        .map_err(at(sink))?;
    command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(Stdio::inherit());
    Ok(())
}

fn expect(command: &Command, found: Option<i32>, code: i32) -> Outcome {
    if found == Some(code) {
        Ok(())
    } else {
        Err(format!(
            "{command:?} ended with {found:?}, and {code} was expected"
        ))
    }
}

/// `VmHWM` of a `/proc/PID/status`.
fn high_water(status: &str) -> Option<Mebibytes> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes / 1024.0)
}

/// The middle of an odd number of values.
pub(crate) fn median(mut values: Vec<Seconds>) -> Seconds {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values() {
        assert!((median(vec![9.0, 1.0, 3.0, 100.0, 2.0]) - 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_high_water_mark_is_read_in_mebibytes() {
        assert_eq!(
            high_water("Name:\tx\nVmHWM:\t    5120 kB\nVmRSS:\t 10 kB\n"),
            Some(5.0)
        );
        assert_eq!(high_water("Name:\tx\n"), None);
    }

    #[test]
    fn a_run_that_takes_memory_is_seen_and_a_wrong_exit_code_is_an_error() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let sink = home.path().join("out");
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        let small = peak_memory(&mut shell("sleep 0.05"), &sink, 0).expect("measured");
        let large = peak_memory(
            &mut shell("x=$(head -c 30000000 /dev/zero | tr '\\0' a); sleep 0.05"),
            &sink,
            0,
        )
        .expect("measured");
        assert!(small > 0.1 && large > small + 25.0, "{small} and {large}");
        assert!(time(&mut shell("echo out; exit 2"), &sink, 0).is_err());
        assert!(time(&mut shell("echo out; exit 2"), &sink, 2).is_ok());
        assert_eq!(fs::read_to_string(&sink).expect("readable"), "out\n");
    }
}
