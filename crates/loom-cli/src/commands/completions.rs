//! `loom completions`: a script that completes loom's commands in a shell.

use std::io::Write;

use clap_complete::Shell;

use super::Failure;
use crate::cli;
use crate::exit::Exit;

/// Prints the script.
///
/// # Errors
/// [`Failure::Output`] where it cannot be written.
pub(crate) fn run(shell: Shell, out: &mut dyn Write) -> Result<Exit, Failure> {
    // by way of memory: the generator panics where it cannot write
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "loom", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in [
            Shell::Bash,
            Shell::Elvish,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Zsh,
        ] {
            let mut out = Vec::new();
            assert!(matches!(run(shell, &mut out), Ok(Exit::Done)));
            let script = String::from_utf8(out).expect("UTF-8");
            assert!(
                script.contains("detailed-exitcode") && script.contains("providers"),
                "{shell}"
            );
        }
    }
}
