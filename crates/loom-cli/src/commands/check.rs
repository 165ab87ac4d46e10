//! `loom check`: the security checklist and the user's own policies.
//!
//! Without a path, over everything that is declared; with paths, over the files that are there, with
//! or without a loom.yaml.

use std::io::Write;
use std::path::PathBuf;

use loom_apply::Root;
use loom_plan::addr::RepoPath;
use loom_plan::check::Finding;
use loom_plan::diag::{Code, Diagnostics};
use loom_plan::input::{Globs, Input as _, ReadError};
use loom_plan::plan::Outcome;
use loom_plan::project::read::PROJECT_FILE;
use loom_providers::inspect;

use super::audit::{self, File, Unreadable};
use super::before::Before;
use super::gate::Gate;
use super::passed::{Passed, files};
use super::paths::{Here, Named};
use super::scans::Ground;
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
    // a directory holds no report: it was meant as a path
    let (paths, reports): (Vec<&PathBuf>, Vec<&PathBuf>) =
        asked.sarif.iter().partition(|file| file.is_dir());
    let paths = paths.into_iter().map(|path| path.display().to_string());
    let paths: Vec<String> = asked.paths.iter().cloned().chain(paths).collect();
    let reports: Vec<PathBuf> = reports.into_iter().cloned().collect();
    let gate = Gate::open(desk, compiled.as_deref(), asked.policies_from.as_deref())?
        .with_scans(&reports)?;
    let scanned = Scanned::of(desk, compiled.is_some(), &gate)?;
    let ground = Ground {
        desk,
        compiled: compiled.as_deref(),
        outcome: scanned.outcome.as_ref(),
        before: &scanned.before,
    };
    let (mut passed, mut looked) = (Passed::default(), None);
    let audit = match &compiled {
        Some(compiled) if paths.is_empty() => {
            let places = places::check(&desk.root, &compiled.desired)?;
            diagnostics::warn(&compiled.sources, &places, desk.streams.err)?;
            let audit = audit::of_everything(&gate, compiled, &ground)?;
            let mut unused = Diagnostics::default();
            unused.extend(audit.unused.iter().cloned());
            diagnostics::warn(&compiled.sources, &unused, desk.streams.err)?;
            audit
        }
        compiled => {
            let gathered = gather(desk, &paths, compiled.as_deref())?;
            let mut audit = audit::of_files(&gate, &gathered.files, &ground)?;
            audit.findings.extend(gathered.unread);
            audit.findings.sort();
            passed = gathered.passed;
            for (path, why) in std::mem::take(&mut audit.other) {
                passed.add(&format!("{path}: cannot be read as its name says ({why})"));
            }
            looked = Some(gathered.files.len());
            audit
        }
    };
    desk.steps.pause();
    if let Some(compiled) = &compiled {
        compiled.warn(desk.streams.err)?;
    }
    let (findings, prefix) = (&audit.findings, desk.prefix());
    let judged = (findings.as_slice(), &gate.basis);
    match asked.format {
        CheckFormat::Text => {
            report::text(judged, desk.streams.out, desk.global.talk, out)?;
            if let (Some(looked), false) = (looked, passed.is_empty()) {
                passed.write(&format!("Looked at {}", files(looked)), out)?;
            }
        }
        CheckFormat::Json => report::json(judged, out)?,
        CheckFormat::Github => report::github(judged, &prefix, out)?,
        CheckFormat::Sarif => report::sarif(judged, &prefix, out)?,
        CheckFormat::Junit => report::junit(judged, out)?,
    }
    Ok(if findings.iter().any(audit::is_unread) {
        Exit::Error
    } else if findings.iter().any(Finding::denies) {
        Exit::Denied
    } else {
        Exit::Done
    })
}

/// What is known of the files that scanners saw; nothing without a report.
#[derive(Default)]
struct Scanned {
    outcome: Option<Outcome>,
    before: Before,
}

impl Scanned {
    fn of(desk: &Desk<'_>, has_project: bool, gate: &Gate) -> Result<Self, Failure> {
        if gate.scans.is_empty() || !has_project {
            return Ok(Self::default());
        }
        let looked = pass::look(desk, None)?;
        Ok(Self {
            outcome: Some(pass::outcome(desk, &looked)?),
            before: Before::of(desk, &looked.1, gate.scans.paths(desk), None),
        })
    }
}

/// Prints the rules.
pub(crate) fn rules(out: &mut dyn Write) -> Result<Exit, Failure> {
    write!(out, "{}", report::checks_page())?;
    Ok(Exit::Done)
}

/// The files that paths name, and what is passed over.
#[derive(Default)]
struct Gathered {
    files: Vec<File>,
    /// What is of a known format and could not be read.
    unread: Vec<Finding>,
    passed: Passed,
}

/// The files that paths name: a file is looked at as it is, of a directory all files of a known
/// format.
fn gather(
    desk: &Desk<'_>,
    paths: &[String],
    compiled: Option<&pass::Compiled>,
) -> Result<Gathered, Failure> {
    let here = Here::of(desk);
    let mut gathered = Gathered::default();
    for typed in paths {
        match here.on_disk(desk, typed)? {
            Named::File(path) => gathered.read(&desk.root, &path, Unreadable::Error, compiled),
            named @ Named::Below(_) => gathered.below(&desk.root, &named.patterns(), compiled),
        }
    }
    let Gathered { files, unread, .. } = &mut gathered;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files.dedup_by(|one, other| one.path == other.path);
    unread.sort();
    unread.dedup();
    Ok(gathered)
}

impl Gathered {
    fn below(&mut self, root: &Root, patterns: &[String], compiled: Option<&pass::Compiled>) {
        for path in root.glob(patterns) {
            match Passed::reason(&path) {
                Some(reason) => self.passed.add(&reason),
                None if inspect::is_certain(path.as_str()) => {
                    self.read(root, &path, Unreadable::Error, compiled);
                }
                None => self.read(root, &path, Unreadable::Other, compiled),
            }
        }
        let globs = Globs::new(patterns);
        for (path, what) in root.passed_over(patterns) {
            match Passed::other(&path, &what, &globs) {
                Some(reason) => self.passed.add(&reason),
                None => self.cannot(&path, &ReadError::Other(format!("it is {what}"))),
            }
        }
    }

    fn read(
        &mut self,
        root: &Root,
        path: &RepoPath,
        unreadable: Unreadable,
        compiled: Option<&pass::Compiled>,
    ) {
        match root.read(path) {
            Ok(text) => self.files.push(file(path, text, unreadable, compiled)),
            Err(error) => self.cannot(path, &error),
        }
    }

    fn cannot(&mut self, path: &RepoPath, error: &ReadError) {
        let code = match error {
            ReadError::NotUtf8 => Code::NotUtf8,
            ReadError::TooLarge(_) => Code::TooLarge,
            ReadError::Missing | ReadError::Other(_) => Code::FileMissing,
        };
        self.unread
            .push(audit::unread(path.as_str(), code, error.to_string()));
    }
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
