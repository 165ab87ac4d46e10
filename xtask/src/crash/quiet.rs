//! A machine that looks quiet to loom, however busy it is.
//!
//! Loom chooses how it makes its files durable by how much unwritten data others have, which
//! `/proc/meminfo` says; and a suite that lists the calls of one run and disturbs them in another
//! needs both to choose alike. So the suites run where that file says that there is none: in a mount
//! namespace of their own, which only root can make. Others wait until there is little ([`wait`]).

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::Outcome;
use crate::process::capture;
use crate::tree::at;

/// What loom reads.
const MEMINFO: &str = "/proc/meminfo";
/// Set in the namespace.
const INSIDE: &str = "LOOM_CRASH_QUIET";
/// How much is little, in KiB: half of what loom takes for much.
const LITTLE: u64 = 32 << 10;

/// Goes on in a namespace in which nobody has unwritten data, where that can be made.
pub(crate) fn enter() -> Outcome {
    if env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    let file = env::temp_dir().join(format!("loom-crash-meminfo-{}", std::process::id()));
    let text = fs::read_to_string(MEMINFO).unwrap_or_default();
    let quiet: String = text
        .lines()
        .flat_map(|line| {
            [
                if is_unwritten(line) {
                    "Dirty: 0 kB"
                } else {
                    line
                },
                "\n",
            ]
        })
        .collect();
    fs::write(&file, quiet).map_err(at(&file))?;
    if capture(&mut inside(&file, "true")).is_ok_and(|tried| tried.status.success()) {
        // The mount keeps the file; its name can go.
        let program = env::current_exe()
            .map_err(|error| format!("this program does not know where it is: {error}"))?;
        let mut again = inside(&file, r#"rm -f -- "$0" && exec "$@""#);
        let error = again
            .arg(program)
            .args(env::args_os().skip(1))
            .env(INSIDE, "1")
            .exec();
        return Err(format!("`unshare` cannot be started: {error}"));
    }
    fs::remove_file(&file).map_err(at(&file))
}

/// A line of shell in a namespace in which `file` stands for what loom reads.
fn inside(file: &Path, line: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args([
            "--mount",
            "sh",
            "-c",
            &format!(r#"mount --bind -- "$0" {MEMINFO} && {line}"#),
        ])
        .arg(file);
    command
}

/// Sees that others have little unwritten data.
pub(crate) fn wait() {
    let text = fs::read_to_string(MEMINFO).unwrap_or_default();
    let value = |line: &str| {
        line.split_whitespace()
            .nth(1)
            .and_then(|value| value.parse::<u64>().ok())
    };
    let unwritten: u64 = text
        .lines()
        .filter(|line| is_unwritten(line))
        .filter_map(value)
        .sum();
    if unwritten > LITTLE {
        rustix::fs::sync();
    }
}

fn is_unwritten(line: &str) -> bool {
    line.starts_with("Dirty:") || line.starts_with("Writeback:")
}
