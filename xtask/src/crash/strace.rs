//! System calls of a run: listed, and made to fail, to wait or to be the last.
//!
//! In: a command. Out: the calls that it makes, each with its number among the calls of its name;
//! or how it ended when something was injected at one of them, and the proof that it was.
//!
//! Invariants: nothing is believed to have been injected that strace's own log or the exit status
//! does not show ([`Injected::fired`]; tests `an_injection_that_never_fires_is_seen`, `…_fires`).
//! Two ways to inject nothing in silence are known and not used: `-e trace=none`, and
//! `--seccomp-bpf`, under which injected signals are lost.
//!
//! Calls are counted per thread by strace: give loom `--jobs 1`, with which it has one thread, as
//! long as others do not have much unwritten data ([`quiet`](crate::crash::quiet)).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::crash::ended::Ended;
use crate::process::{capture, said};
use crate::tree::at;

/// What a call does to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Changes what is there.
    Changes,
    /// Waits until it is durable.
    Syncs,
    /// Only looks.
    Reads,
}

/// Calls that change something, but for those of `open*` and `write` that do not.
const CHANGES: &[&str] = &[
    "open",
    "openat",
    "write",
    "pwrite64",
    "writev",
    "ftruncate",
    "fallocate",
    "copy_file_range",
    "sendfile",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fchown",
    "fchownat",
    "utimensat",
    "setxattr",
    "fsetxattr",
    "fremovexattr",
];
const SYNCS: &[&str] = &["fsync", "fdatasync", "syncfs", "sync"];
const READS: &[&str] = &[
    "openat2",
    "read",
    "pread64",
    "stat",
    "lstat",
    "newfstatat",
    "fstat",
    "statx",
    "getdents64",
    "flistxattr",
    "fgetxattr",
    "faccessat2",
    "flock",
];

/// One call of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The system call.
    pub(crate) name: String,
    /// Its number among the calls of this name, from 1.
    pub(crate) number: usize,
    pub(crate) effect: Effect,
    /// The arguments as strace shows them.
    pub(crate) arguments: String,
}

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process is killed before the call takes effect.
    Kill,
    /// The process gets this signal, such as `SIGINT`, at this call.
    Signal(&'static str),
    /// The process gets this signal at this call and at each later one of its name.
    Signals(&'static str),
    /// The call fails with this error, such as `EIO`.
    Fail(&'static str),
    /// The call, and each later one of its name, fails with this error.
    FailFromHere(&'static str),
    /// The call begins so much later.
    Delay(Duration),
}

/// A fault at a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Injection {
    /// The system call, or several with commas; then the number counts each of them by itself.
    pub(crate) name: String,
    pub(crate) number: usize,
    pub(crate) fault: Fault,
}

impl Call {
    /// A fault at this call.
    pub(crate) fn with(&self, fault: Fault) -> Injection {
        Injection {
            name: self.name.clone(),
            number: self.number,
            fault,
        }
    }
}

impl std::fmt::Display for Injection {
    /// As strace's `-e inject=` takes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name,
            number,
            fault,
        } = self;
        match fault {
            Fault::Kill => write!(f, "{name}:signal=SIGKILL:when={number}"),
            Fault::Signal(signal) => write!(f, "{name}:signal={signal}:when={number}"),
            Fault::Signals(signal) => write!(f, "{name}:signal={signal}:when={number}+"),
            Fault::Fail(error) => write!(f, "{name}:error={error}:when={number}"),
            Fault::FailFromHere(error) => write!(f, "{name}:error={error}:when={number}+"),
            Fault::Delay(time) => {
                write!(f, "{name}:delay_enter={}:when={number}", time.as_micros())
            }
        }
    }
}

/// A run with something injected.
#[derive(Clone, Debug)]
pub(crate) struct Injected {
    pub(crate) ended: Ended,
    /// Whether every injection happened.
    pub(crate) fired: bool,
}

/// Whether strace is here and may trace.
pub(crate) fn ready() -> Result<(), String> {
    let traced = capture(Command::new("strace").args([
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=write",
        "true",
    ]));
    match traced {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "strace cannot trace here: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(message) => Err(message),
    }
}

/// `command` under strace with these options, in the same directory and environment.
pub(crate) fn under(command: &Command, options: &[&str], log: &Path) -> Command {
    let mut traced = Command::new("strace");
    traced
        .arg("-f")
        .arg("-o")
        .arg(log)
        .args(options)
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        traced.current_dir(directory);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    traced
}

/// Runs to the end, and says which calls were made, in order. `log` is a file that may be written and removed.
pub(crate) fn trace(command: &Command, log: &Path) -> Outcome<(Ended, Vec<Call>)> {
    // With a question mark, because not every system and not every strace knows each of them.
    let names = [CHANGES, SYNCS, READS].concat().join(",?");
    let (ended, text) = logged(command, &["-e", &format!("trace=?{names}")], log)?;
    Ok((ended, calls(&text)))
}

/// Runs to the end with these injections. `log` is a file that may be written and removed.
pub(crate) fn inject(command: &Command, injections: &[Injection], log: &Path) -> Outcome<Injected> {
    let names: Vec<&str> = injections
        .iter()
        .map(|injection| injection.name.as_str())
        .collect();
    let mut options = vec!["-e".to_owned(), format!("trace={}", names.join(","))];
    for injection in injections {
        options.extend(["-e".to_owned(), format!("inject={injection}")]);
    }
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let (ended, text) = logged(command, &options, log)?;
    let fired = injections
        .iter()
        .all(|injection| shows(&text, &ended, injection.fault));
    Ok(Injected { ended, fired })
}

/// Runs under strace to the end, and returns what strace wrote down.
fn logged(command: &Command, options: &[&str], log: &Path) -> Outcome<(Ended, String)> {
    let mut traced = under(command, options, log);
    let output = capture(&mut traced)?;
    let bytes = fs::read(log).map_err(|_| said(&traced, &output))?;
    fs::remove_file(log).map_err(at(log))?;
    Ok((
        Ended::of(&output),
        String::from_utf8_lossy(&bytes).into_owned(),
    ))
}

/// Runs to the end; the first injection is a delay, and `meanwhile` is called once while it lasts.
/// Also says which calls were made. `log` is a file that may be written and removed.
pub(crate) fn inject_and_meanwhile(
    command: &Command,
    injections: &[Injection],
    log: &Path,
    meanwhile: impl FnOnce() -> Outcome,
) -> Outcome<(Injected, Vec<Call>)> {
    let names = [CHANGES, SYNCS, READS].concat().join(",?");
    let mut options = vec!["-e".to_owned(), format!("trace=?{names}")];
    options.extend(
        injections
            .iter()
            .flat_map(|injection| ["-e".to_owned(), format!("inject={injection}")]),
    );
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut traced = under(command, &options, log);
    let child = traced
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| format!("strace cannot be started: {error}"))?;
    let in_time = match injections.first() {
        Some(Injection {
            name,
            number,
            fault: Fault::Delay(time),
        }) if waits(&mut child, log, (name, *number))? => {
            let begin = Instant::now();
            meanwhile()?;
            begin.elapsed() < *time / 2
        }
        _ => false,
    };
    let output = child
        .wait_with_output()
        .map_err(|error| format!("strace cannot be waited for: {error}"))?;
    let text = String::from_utf8_lossy(&fs::read(log).map_err(at(log))?).into_owned();
    fs::remove_file(log).map_err(at(log))?;
    let ended = Ended::of(&output);
    let fired = in_time
        && injections
            .iter()
            .all(|injection| shows(&text, &ended, injection.fault));
    Ok((Injected { ended, fired }, calls(&text)))
}

/// Waits until the log shows that this call has begun; `false` where the run ends before.
fn waits(child: &mut Child, log: &Path, (name, number): (&str, usize)) -> Outcome<bool> {
    let call = format!(" {name}(");
    loop {
        let text = fs::read(log).unwrap_or_default();
        if String::from_utf8_lossy(&text).matches(&call).count() >= number {
            return Ok(true);
        }
        if child
            .try_wait()
            .map_err(|error| format!("strace cannot be asked: {error}"))?
            .is_some()
        {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether the log or the end of the run proves that a fault happened.
fn shows(log: &str, ended: &Ended, fault: Fault) -> bool {
    match fault {
        Fault::Kill => ended.code.is_none() && log.contains("+++ killed by SIGKILL"),
        Fault::Signal(signal) | Fault::Signals(signal) => log.contains(&format!("--- {signal} ")),
        Fault::Fail(error) | Fault::FailFromHere(error) => log
            .lines()
            .any(|line| line.contains("(INJECTED)") && line.contains(&format!("-1 {error} "))),
        Fault::Delay(_) => log.contains("(DELAYED)"),
    }
}

/// The calls of a log, in order.
fn calls(log: &str) -> Vec<Call> {
    let mut found: Vec<Call> = Vec::new();
    let (mut numbers, mut seen) = (BTreeMap::<(&str, &str), usize>::new(), BTreeSet::new());
    for line in log.lines() {
        let Some((thread, line)) = line.split_once(' ') else {
            continue;
        };
        let Some((name, arguments)) = line.trim_start().split_once('(') else {
            continue;
        };
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            continue; // the end of a call that was begun before, or a signal
        }
        let number = numbers.entry((thread, name)).or_default();
        *number += 1;
        // What strace is told to inject happens in whichever thread comes to that number first.
        let is_first = seen.insert((name, *number));
        if let (Some(effect), true) = (effect(name, arguments), is_first) {
            found.push(Call {
                name: name.to_owned(),
                number: *number,
                effect,
                arguments: arguments.to_owned(),
            });
        }
    }
    found
}

/// `None` for what is about the streams of the process.
fn effect(name: &str, arguments: &str) -> Option<Effect> {
    let makes = arguments.contains("O_CREAT") || arguments.contains("O_TRUNC");
    let stream = ["0,", "1,", "2,"]
        .iter()
        .any(|stream| arguments.starts_with(stream));
    match name {
        "open" | "openat" if !makes => Some(Effect::Reads),
        "read" | "write" | "writev" if stream => None,
        name if SYNCS.contains(&name) => Some(Effect::Syncs),
        name if CHANGES.contains(&name) => Some(Effect::Changes),
        name if READS.contains(&name) => Some(Effect::Reads),
        _ => None,
    }
}

/// A log file for a worker's place.
pub(crate) fn log_of(place: &Path) -> std::path::PathBuf {
    let mut name = OsString::from(place.as_os_str());
    name.push(".strace");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_numbered_by_name_and_sorted_by_effect() {
        let log = "7 openat(3, \"a\", O_RDONLY) = 4\n7 openat(3, \"b\", O_RDWR|O_CREAT, 0666 <unfinished ...>\n\
                   7 write(1, \"x\", 1) = 1\n7 <... openat resumed>) = 5\n7 write(5, \"x\", 1) = 1\n7 fsync(5) = 0\n\
                   8  fsync(6) = 0\n\
                   7 --- SIGINT {si_signo=SIGINT} ---\n7 +++ exited with 0 +++\n";
        let found: Vec<(String, usize, Effect)> = calls(log)
            .into_iter()
            .map(|call| (call.name, call.number, call.effect))
            .collect();
        let call = |name: &str, number, effect| (name.to_owned(), number, effect);
        assert_eq!(
            found,
            [
                call("openat", 1, Effect::Reads),
                call("openat", 2, Effect::Changes),
                call("write", 2, Effect::Changes),
                call("fsync", 1, Effect::Syncs),
            ]
        );
    }

    /// A run of the shell that makes a directory.
    fn run(fault: Fault, number: usize) -> Option<Injected> {
        ready().ok()?; // the suites say loudly that there is no strace
        let home = tempfile::tempdir().expect("a temporary directory");
        // Whoever runs the tests may ignore signals, and what is run would inherit that.
        let mut command = Command::new("env");
        command
            .args(["--default-signal", "mkdir", "made"])
            .current_dir(home.path());
        let injection = Injection {
            name: "mkdir,mkdirat".into(),
            number,
            fault,
        };
        Some(inject(&command, &[injection], &home.path().join("log")).expect("runs"))
    }

    #[test]
    fn an_injection_fires() {
        for (fault, code) in [
            (Fault::Kill, None),
            (Fault::Fail("EIO"), Some(1)),
            (Fault::Delay(Duration::from_millis(1)), Some(0)),
            (Fault::Signal("SIGINT"), None),
        ] {
            let Some(injected) = run(fault, 1) else {
                return;
            };
            assert_eq!(
                (injected.fired, injected.ended.code),
                (true, code),
                "{fault:?}"
            );
        }
    }

    #[test]
    fn an_injection_that_never_fires_is_seen() {
        for fault in [
            Fault::Kill,
            Fault::Fail("EIO"),
            Fault::Delay(Duration::from_millis(1)),
            Fault::Signal("SIGINT"),
        ] {
            let Some(injected) = run(fault, 2) else {
                return;
            };
            assert_eq!(
                (injected.fired, injected.ended.code),
                (false, Some(0)),
                "{fault:?}"
            );
        }
    }
}
