//! `loom check`: the security checklist and the user's own policies.
//!
//! Without a path, over everything that is declared; with paths, over the files that are there, with
//! or without a loom.yaml.

use std::io::Write;

use loom_apply::Root;
use loom_plan::addr::RepoPath;
use loom_plan::diag::Diagnostics;
use loom_plan::input::{Input as _, ReadError};
use loom_plan::project::read::PROJECT_FILE;
use loom_providers::inspect;

use super::adopt::is_foreign;
use super::audit::{self, File, Unreadable};
use super::gate::Gate;
use super::{Desk, Failure, pass, places};
use crate::cli::{Check, CheckFormat};
use crate::exit::Exit;
use crate::report::{check as report, diagnostics};

/// Looks, and reports. Errors that nobody accepted deny.
pub(crate) fn run(desk: &Desk<'_>, asked: &Check, out: &mut dyn Write) -> Result<Exit, Failure> {
    let project = RepoPath::new(PROJECT_FILE).expect("a constant path in normal form");
    let has_project = !matches!(desk.root.read(&project), Err(ReadError::Missing));
    let compiled = if has_project {
        Some(pass::compile(desk, None)?)
    } else {
        None
    };
    let gate = Gate::open(desk, compiled.as_deref(), asked.policies_from.as_deref())?;
    let audit = match &compiled {
        Some(compiled) if asked.paths.is_empty() => {
            let places = places::check(&desk.root, &compiled.desired)?;
            diagnostics::warn(&compiled.sources, &places, desk.streams.err)?;
            let audit = audit::of_everything(&gate, compiled)?;
            let mut unused = Diagnostics::default();
            unused.extend(audit.unused.iter().cloned());
            diagnostics::warn(&compiled.sources, &unused, desk.streams.err)?;
            audit
        }
        compiled => {
            let files = files(&desk.root, &asked.paths, compiled.as_deref())?;
            audit::of_files(&gate, &files)?
        }
    };
    desk.steps.pause();
    if let Some(compiled) = &compiled {
        compiled.warn(desk.streams.err)?;
    }
    let (findings, prefix) = (&audit.findings, desk.prefix());
    let judged = (findings.as_slice(), &gate.basis);
    match asked.format {
        CheckFormat::Text => report::text(judged, desk.streams.out, desk.global.talk, out)?,
        CheckFormat::Json => report::json(judged, out)?,
        CheckFormat::Github => report::github(judged, &prefix, out)?,
        CheckFormat::Sarif => report::sarif(judged, &prefix, out)?,
        CheckFormat::Junit => report::junit(judged, out)?,
    }
    Ok(if findings.iter().any(loom_plan::check::Finding::denies) {
        Exit::Denied
    } else {
        Exit::Done
    })
}

/// Prints the rules.
pub(crate) fn rules(out: &mut dyn Write) -> Result<Exit, Failure> {
    write!(out, "{}", report::checks_page())?;
    Ok(Exit::Done)
}

/// The files that paths name: a file is looked at as it is, of a directory all files of a known
/// format.
fn files(
    root: &Root,
    paths: &[String],
    compiled: Option<&pass::Compiled>,
) -> Result<Vec<File>, Failure> {
    let mut files: Vec<File> = Vec::new();
    for typed in paths {
        let trimmed = typed.trim_start_matches("./").trim_end_matches('/');
        let wrong = |why: &str| {
            Failure::Environment(format!(
                "`{typed}` names no file that can be checked: {why}"
            ))
        };
        let whole = matches!(trimmed, "" | ".");
        let path = if whole {
            None
        } else {
            Some(RepoPath::new(trimmed).map_err(|error| wrong(&error.to_string()))?)
        };
        match path.map(|path| (root.read(&path), path)) {
            Some((Ok(text), path)) => files.push(file(&path, text, Unreadable::Error, compiled)),
            Some((Err(error @ (ReadError::NotUtf8 | ReadError::TooLarge(_))), _)) => {
                return Err(wrong(&error.to_string()));
            }
            Some((Err(ReadError::Missing | ReadError::Other(_)), _)) | None => {
                let below = root.glob(&[if whole {
                    "**".to_owned()
                } else {
                    format!("{trimmed}/**")
                }]);
                if below.is_empty() {
                    return Err(wrong(
                        "there is nothing; paths are seen from the directory of loom.yaml",
                    ));
                }
                let known = below
                    .iter()
                    .filter(|path| inspect::is_known(path.as_str()) && !is_foreign(path));
                files.extend(known.filter_map(|path| {
                    let certain = inspect::is_certain(path.as_str());
                    let unreadable = if certain {
                        Unreadable::Error
                    } else {
                        Unreadable::Other
                    };
                    Some(file(path, root.read(path).ok()?, unreadable, compiled))
                }));
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files.dedup_by(|one, other| one.path == other.path);
    Ok(files)
}

fn file(
    path: &RepoPath,
    text: std::sync::Arc<str>,
    unreadable: Unreadable,
    compiled: Option<&pass::Compiled>,
) -> File {
    let writes = compiled.and_then(|compiled| {
        let output = compiled.desired.at(path).next()?;
        let address = compiled.desired.declaration(output).address.clone();
        let asked = audit::asked(compiled, &address);
        Some((address, asked))
    });
    let (address, asked) = writes.map_or((None, None), |(address, asked)| (Some(address), asked));
    File {
        path: path.to_string(),
        text,
        address,
        asked,
        unreadable,
    }
}
