//! `loom man`: manual pages, made from the same description of the command line as its help.

use std::io::Write;

use super::Failure;
use crate::cli;
use crate::exit::Exit;

/// Prints the page of loom, or of one of its commands.
///
/// # Errors
/// A command that there is not; [`Failure::Output`].
pub(crate) fn run(of: Option<&str>, out: &mut dyn Write) -> Result<Exit, Failure> {
    let mut loom = cli::command();
    // gives every command its full name, and the options that hold for all of them
    loom.build();
    let command = match of {
        None => &loom,
        Some(name) => loom
            .find_subcommand(name)
            .ok_or_else(|| unknown(&loom, name))?,
    };
    clap_mangen::Man::new(command.clone()).render(out)?;
    Ok(Exit::Done)
}

fn unknown(loom: &clap::Command, name: &str) -> Failure {
    let names: Vec<&str> = loom
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    Failure::Environment(format!(
        "loom has no command `{name}`; it has {}",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let loom = cli::command();
        for of in std::iter::once(None).chain(
            loom.get_subcommands()
                .map(|command| Some(command.get_name())),
        ) {
            let mut out = Vec::new();
            assert!(matches!(run(of, &mut out), Ok(Exit::Done)), "{of:?}");
            let page = String::from_utf8(out).expect("UTF-8");
            let title = of.map_or_else(|| "loom".to_owned(), |name| format!("loom\\-{name}"));
            assert!(
                page.contains(".TH ") && page.contains(".SH OPTIONS") && page.contains(&title),
                "{of:?}\n{page}"
            );
        }
        assert!(
            matches!(run(Some("nothing"), &mut Vec::new()), Err(Failure::Environment(text)) if text.contains("apply"))
        );
    }
}
