//! The program `git`, for what only it knows: a sparse index, and objects that a remote still has.
//!
//! In: a directory, arguments, and what goes to standard input. Out: what it printed, or a sentence.
//!
//! Invariants: it asks nobody anything, takes no lock that is not needed, follows no variable of a
//! hook that loom may run in, and is ended when its time is over, with all that it started (test
//! `a_program_that_hangs_is_ended`).
//!
//! Deliberately not here: a network. Where Git fetches an object, it is Git that does.

use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// What a hook or a script sets for its own repository; the one that is asked is named by its place.
const FOREIGN: [&str; 6] = [
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
];

/// What `git` prints, given `input`, within a time.
///
/// # Errors
/// A sentence that says why there is nothing: no program, its own words, or that it took too long.
pub(super) fn ask(
    directory: &Path,
    arguments: &[&str],
    input: Vec<u8>,
    limit: Duration,
) -> Result<Vec<u8>, String> {
    run("git", (directory, arguments), input, limit)
}

fn run(
    program: &str,
    (directory, arguments): (&Path, &[&str]),
    input: Vec<u8>,
    limit: Duration,
) -> Result<Vec<u8>, String> {
    let call = format!("{program} {}", arguments.join(" "));
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks Git about the repository"
    )]
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(directory)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // a group of its own cannot ask at the terminal, and is ended as a whole
        .process_group(0);
    for name in FOREIGN {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            format!("there is no program `{program}` on the PATH")
        } else {
            format!("`{call}` could not be run: {error}")
        }
    })?;
    let (said, heard) = mpsc::channel();
    let stdin = child.stdin.take();
    // Ends when the program has read everything, or does not want to.
    thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    thread::spawn(move || {
        let errors = thread::spawn(move || {
            let mut text = Vec::new();
            err.map(|mut err| err.read_to_end(&mut text));
            text
        });
        let mut text = Vec::new();
        let read = out.map_or(Ok(0), |mut out| out.read_to_end(&mut text));
        let errors = errors.join().unwrap_or_default();
        // Nobody listens any more where the time was over.
        drop(said.send(read.map(|_| (text, errors))));
    });
    let heard = heard.recv_timeout(limit);
    if heard.is_err() {
        end(&child);
    }
    let status = child
        .wait()
        .map_err(|error| format!("`{call}` could not be waited for: {error}"))?;
    match heard {
        Ok(Ok((text, _))) if status.success() => Ok(text),
        Ok(Ok((_, errors))) => Err(format!(
            "`{call}` failed ({status}): {}",
            last_line(&errors)
        )),
        Ok(Err(error)) => Err(format!("what `{call}` printed cannot be read: {error}")),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(format!(
            "`{call}` took longer than {} seconds, and was ended",
            limit.as_secs()
        )),
    }
}

/// Ends a program and all that it started.
fn end(child: &Child) {
    let group = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // What ended by itself meanwhile need not be ended.
        let ended = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        ended.unwrap_or_default();
    }
}

/// The last thing that a program complained about.
fn last_line(errors: &[u8]) -> String {
    let errors = String::from_utf8_lossy(errors);
    let last = errors.lines().rfind(|line| !line.trim().is_empty());
    last.unwrap_or("it said nothing").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str, input: &[u8], limit: u64) -> Result<Vec<u8>, String> {
        let arguments = ["-c", script];
        run(
            "sh",
            (Path::new("/"), &arguments),
            input.to_vec(),
            Duration::from_millis(limit),
        )
    }

    #[test]
    fn what_is_printed_comes_back_and_what_fails_is_said() {
        assert_eq!(shell("cat", b"x\0y", 10_000), Ok(b"x\0y".to_vec()));
        let much = vec![b'x'; 1 << 20];
        assert_eq!(shell("cat", &much, 60_000), Ok(much.clone()));
        assert_eq!(shell("true", &much, 60_000), Ok(Vec::new()));
        let error = shell("echo one >&2; echo two >&2; exit 3", b"", 10_000);
        assert!(error.expect_err("it failed").ends_with(": two"));
        let none = run(
            "no-such-program",
            (Path::new("/"), &[]),
            Vec::new(),
            Duration::from_secs(1),
        );
        assert_eq!(
            none,
            Err("there is no program `no-such-program` on the PATH".to_owned())
        );
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let begin = Instant::now();
        let error = shell("sleep 60 & sleep 60", b"", 200).expect_err("it hangs");
        assert!(error.contains("was ended"), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn variables_of_a_hook_do_not_count() {
        let said = shell("echo $GIT_TERMINAL_PROMPT$GIT_OPTIONAL_LOCKS", b"", 10_000);
        assert_eq!(said, Ok(b"00\n".to_vec()));
    }
}
