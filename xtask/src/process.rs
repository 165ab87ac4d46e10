//! Running other programs, and the places that every chore needs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::Outcome;

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map(Path::to_path_buf).unwrap_or(package)
}

/// Where the third-party checkers are, or go.
pub(crate) fn checkers_home() -> Outcome<PathBuf> {
    if let Some(home) = env::var_os("LOOM_CHECKERS") {
        return Ok(home.into());
    }
    let home = env::var_os("HOME")
        .ok_or("HOME is not set: name a directory for the checkers in LOOM_CHECKERS")?;
    Ok(PathBuf::from(home).join(".cache/loom-checkers"))
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Git in `directory`, deaf to the settings of whoever runs it.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(directory).args(arguments);
    without_own_settings(&mut command);
    command
}

/// Takes away what makes Git behave differently from one machine to the next.
pub(crate) fn without_own_settings(command: &mut Command) {
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "loom")
            .env(format!("GIT_{role}_EMAIL"), "loom@example.com");
        command.env(format!("GIT_{role}_DATE"), "2026-01-01T00:00:00Z");
    }
}

/// Makes `directory` a repository with one commit that holds all of its files.
pub(crate) fn git_init(directory: &Path) -> Outcome {
    output(&mut git(
        directory,
        &["init", "--quiet", "--initial-branch=main"],
    ))?;
    output(&mut git(directory, &["add", "--all"]))?;
    output(&mut git(
        directory,
        &["commit", "--quiet", "--allow-empty", "--message=Input"],
    ))
    .map(drop)
}

/// Runs to the end with this program's own output; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| not_started(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}` failed: {status}", shown(command)))
    }
}

/// Runs to the end and returns what it said, whatever its exit code.
pub(crate) fn capture(command: &mut Command) -> Outcome<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| not_started(command, &error))
}

/// Runs to the end and returns its standard output; anything but success is an error with what it said.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = capture(command)?;
    if output.status.success() {
        return String::from_utf8(output.stdout)
            .map_err(|_| format!("`{}` printed something that is not UTF-8", shown(command)));
    }
    Err(said(command, &output))
}

/// A failure with both streams, for people.
pub(crate) fn said(command: &Command, output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    format!(
        "`{}` failed: {}\n{}\n{}",
        shown(command),
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}

fn not_started(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` cannot be started: {error}", shown(command))
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// How loom is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// As it is shipped.
    Release,
}

/// Builds loom and says where its binary is.
pub(crate) fn build_loom(profile: Profile) -> Outcome<PathBuf> {
    build_loom_with(profile, &[])
}

/// Builds loom with these features and says where its binary is.
pub(crate) fn build_loom_with(profile: Profile, features: &[&str]) -> Outcome<PathBuf> {
    let mut command = cargo();
    command.args([
        "build",
        "--quiet",
        "--locked",
        "--package=loom-cli",
        "--bin=loom",
        "--message-format=json-render-diagnostics",
    ]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    if !features.is_empty() {
        command.arg(format!("--features={}", features.join(",")));
    }
    let messages = output(&mut command)?;
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let executable = messages
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back();
    executable.ok_or_else(|| "cargo built loom and did not say where".to_owned())
}
