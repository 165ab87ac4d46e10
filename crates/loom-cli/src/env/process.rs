//! What the process asks of the machine around it: the working directory, files that are named on
//! the command line, a person's answer, the board program.
//!
//! With the terminal's width and colour this is the second and last door out of the program; the
//! repository's own files are behind `loom_apply`.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use loom_apply::{Stop, named};
use loom_plan::credential::masked;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::commands::Failure;
use crate::exit::Exit;

/// The working directory by the name that the shell gave it, which may go through links.
pub(crate) fn named_directory() -> Option<PathBuf> {
    std::env::var_os("PWD").map(PathBuf::from)
}

/// The directory to start from: `-C`, else the working directory.
pub(crate) fn start(directory: Option<&Path>) -> Result<PathBuf, Failure> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks for it"
    )]
    let current = std::env::current_dir();
    match (directory, current) {
        (Some(directory), Ok(current)) => Ok(current.join(directory)),
        (Some(directory), Err(_)) => Ok(directory.to_owned()),
        (None, Ok(current)) => Ok(current),
        (None, Err(error)) => Err(Failure::Environment(format!(
            "the working directory cannot be found: {error}"
        ))),
    }
}

/// The text of a file that was named on the command line; no link of a repository is followed.
pub(crate) fn read_file(path: &Path) -> io::Result<String> {
    let bytes = named::read(&here()?, path)?;
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

/// The working directory, from which paths of the command line are seen.
fn here() -> io::Result<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a path that was typed is seen from there"
    )]
    std::env::current_dir()
}

/// [`read_file`], unless the file is larger than that: then it is not read.
pub(crate) fn read_limited(path: &Path, most: u64) -> io::Result<String> {
    #[expect(
        clippy::disallowed_types,
        reason = "a file of the user's own naming, not of the repository"
    )]
    let file = std::fs::File::open(path)?;
    let about = file.metadata()?;
    if about.is_dir() {
        return Err(io::Error::other("it is a directory"));
    }
    let too_large = || io::Error::other(format!("it has more than {} MiB", most >> 20));
    if about.len() > most {
        return Err(too_large());
    }
    let mut text = String::new();
    // a pipe does not say how long it is
    let read = file.take(most + 1).read_to_string(&mut text)?;
    if read as u64 > most {
        return Err(too_large());
    }
    Ok(text)
}

/// All of standard input, however often it is asked for.
pub(crate) fn read_stdin() -> io::Result<String> {
    static READ: OnceLock<String> = OnceLock::new();
    if let Some(text) = READ.get() {
        return Ok(text.clone());
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(READ.get_or_init(|| text).clone())
}

/// Writes a file that was named on the command line; no link of a repository is followed.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    named::write(&here()?, path, content)
}

/// Adds to the summary of a step of GitHub Actions, where loom runs in one.
pub(crate) fn add_to_step_summary(markdown: &[u8]) -> io::Result<()> {
    let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)?
        .write_all(markdown)
}

/// Whether somebody sits at the keyboard and sees the question.
pub(crate) fn has_person() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a person; only `yes` is a yes.
pub(crate) fn confirms(question: &str) -> io::Result<bool> {
    let mut err = io::stderr().lock();
    write!(err, "\n{question} Only `yes` is taken as an answer: ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

/// What the `board` program prints.
///
/// # Errors
/// A sentence that says why there is nothing.
pub(crate) fn board(arguments: &[&str]) -> Result<String, String> {
    let call = format!("board {}", arguments.join(" "));
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that runs the board"
    )]
    let output = Command::new("board").args(arguments).output();
    let missing =
        "there is no program `board` on the PATH; export the story there and put it into stories/";
    let output = output.map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            missing.to_owned()
        } else {
            format!("`{call}` could not be run: {error}")
        }
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "`{call}` failed ({}): {}",
            output.status,
            said.trim()
        ));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("what `{call}` printed is not UTF-8 text"))
}

/// Lets Git's merge tool edit the last of the files: the configured tool, or the one of this name.
/// The files are what is on the disk, what loom renders, the base of both, and the result.
///
/// # Errors
/// A sentence that says why there is no result.
pub(crate) fn merge_tool(
    directory: &Path,
    tool: Option<&str>,
    files: [&Path; 4],
) -> Result<(), String> {
    // Git's own scriptlets: see git-mergetool--lib(1). Some tools tell a result by its age.
    const SCRIPT: &str = r#"
NONGIT_OK=Yes
. "$(git --exec-path)/git-sh-setup"
TOOL_MODE=merge
. "$(git --exec-path)/git-mergetool--lib"
merge_tool="$1"
test -n "$merge_tool" || merge_tool="$(get_merge_tool)" || exit 100
if type initialize_merge_tool >/dev/null 2>&1; then initialize_merge_tool "$merge_tool" || exit 1; fi
BACKUP="$MERGED.orig"
cp -- "$MERGED" "$BACKUP" || exit 1
trap 'rm -f -- "$BACKUP"' EXIT
run_merge_tool "$merge_tool" true
"#;
    let [local, remote, base, merged] = files;
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that runs a merge tool"
    )]
    let mut command = Command::new("sh");
    command
        .args(["-c", SCRIPT, "sh", tool.unwrap_or_default()])
        .current_dir(directory);
    command
        .env("LOCAL", local)
        .env("REMOTE", remote)
        .env("BASE", base)
        .env("MERGED", merged);
    // what a tool prints is for the person, and no data
    let status = command
        .stdout(io::stderr())
        .status()
        .map_err(|error| format!("the merge tool could not be run: {error}"))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(100) => Err("Git has no merge tool: name one with `git config merge.tool NAME`, or give --tool=NAME".to_owned()),
        Some(_) | None => Err(format!("the merge tool gave up ({status}); what is laid out stays in {}", merged.display())),
    }
}

/// What the `git` program says of its version, if there is one.
pub(crate) fn git_version() -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks Git who it is"
    )]
    let output = Command::new("git").arg("--version").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    Some(said.trim().to_owned()).filter(|said| output.status.success() && !said.is_empty())
}

/// Says something on standard error, where nobody takes it for data.
pub(crate) fn tell(line: &str) {
    // where standard error is gone there is nobody left to tell
    let lines: Vec<_> = line.split('\n').map(masked).collect();
    drop(writeln!(io::stderr().lock(), "{}", lines.join("\n")));
}

/// From here on the first Ctrl-C, SIGTERM or SIGHUP asks for an end, so that everything is put back;
/// the second ends at once, for `loom recover` to put everything back.
pub(crate) fn heed_signals() -> Result<Stop, Failure> {
    let stop = Stop::default();
    heed_signals_by(&stop)?;
    Ok(stop)
}

/// As [`heed_signals`], for what was begun before, while a person could still end it at once.
pub(crate) fn heed_signals_by(stop: &Stop) -> Result<(), Failure> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let heeded = flag::register_conditional_shutdown(
            signal,
            i32::from(Exit::Unfinished as u8),
            Arc::clone(&stop.0),
        )
        .and_then(|_| flag::register(signal, Arc::clone(&stop.0)));
        heeded.map_err(|error| {
            Failure::Environment(format!(
                "the system does not let loom heed signals: {error}"
            ))
        })?;
    }
    Ok(())
}

/// A panic is a bug in loom, and says how to report it.
pub(crate) fn panics_are_bugs() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        let mut err = io::stderr().lock();
        drop(writeln!(
            err,
            "\nThis is a bug in loom {}. Nothing of the repository is half-written: what was begun is put back by the next apply.\n\
             Please report it with the lines above: https://github.com/loom-sdlc/loom/issues",
            env!("CARGO_PKG_VERSION")
        ));
    }));
}
