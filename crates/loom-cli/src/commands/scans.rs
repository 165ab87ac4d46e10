//! What scanners found, among the findings of loom's own rules and policies.
//!
//! In: reports (`--sarif`), and what is known of the files that they name. Out: findings, each with the
//! artifact that the file belongs to, the setting that its line comes from, and how it stands to the plan.
//!
//! Scanners saw the disk. On a path that the plan changes what they found is about the old text, and
//! denies nothing. In a file that loom did not write it denies nothing either where the lines that it is
//! about are those that stood there before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use loom_plan::addr::RepoPath;
use loom_plan::check::bars::Bars;
use loom_plan::check::sarif::{self, Found, Report, Reported, Roots};
use loom_plan::check::{Finding, Setting, Standing};
use loom_plan::diag::{Code, Diagnostics, Severity};
use loom_plan::diff::untouched;
use loom_plan::plan::Outcome;
use loom_plan::render::Output;
use loom_plan::text::Sources;

use super::before::Before;
use super::pass::Compiled;
use super::{Desk, Failure, audit, explain};
use crate::env;

/// The reports of a run.
#[derive(Debug, Default)]
pub(super) struct Scans(Vec<(String, Report)>);

/// What is known of the files that scanners saw.
pub(super) struct Ground<'a> {
    /// The files.
    pub(super) desk: &'a Desk<'a>,
    /// Whose they are.
    pub(super) compiled: Option<&'a Compiled>,
    /// What is to be done with them.
    pub(super) outcome: Option<&'a Outcome>,
    /// What stood there before.
    pub(super) before: &'a Before,
}

impl Scans {
    /// Reads reports.
    ///
    /// # Errors
    /// [`Failure::Input`] with what is wrong with each of them.
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, Failure> {
        let (mut reports, mut found) = (Vec::new(), Diagnostics::default());
        for file in files {
            let name = file.display().to_string();
            let text = env::read_limited(file, sarif::MAX_BYTES)
                .map_err(|error| Failure::Environment(format!("{name} cannot be read: {error}")))?;
            match sarif::read(&name, &text) {
                Ok(report) => reports.push((name, report)),
                Err(problem) => found.push(problem),
            }
        }
        if found.is_empty() {
            Ok(Self(reports))
        } else {
            Err(Failure::Input(Box::new((Sources::default(), found))))
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The files of the root that are named.
    pub(super) fn paths(&self, desk: &Desk<'_>) -> BTreeSet<RepoPath> {
        let all = self.0.iter().flat_map(|(_, report)| &report.results);
        all.filter_map(|result| match found(desk, result)? {
            Found::Inside(path) => RepoPath::new(&path).ok(),
            Found::Beside(_) | Found::Outside(_) => None,
        })
        .collect()
    }

    /// What they found.
    pub(super) fn findings(&self, bars: Bars, ground: &Ground<'_>) -> Vec<Finding> {
        let mut all = Vec::new();
        let mut seen: BTreeMap<String, Site<'_>> = BTreeMap::new();
        for (name, report) in &self.0 {
            let mut beside: BTreeMap<&str, (usize, String)> = BTreeMap::new();
            for result in &report.results {
                let path = match found(ground.desk, result) {
                    None => name.clone(),
                    Some(Found::Inside(path) | Found::Outside(path)) => path,
                    Some(Found::Beside(path)) => {
                        let (count, _) = beside.entry(&result.scanner).or_insert((0, path));
                        *count += 1;
                        continue;
                    }
                };
                let Some(severity) = bars.severity(result.level) else {
                    continue;
                };
                let site = seen
                    .entry(path.clone())
                    .or_insert_with(|| Site::of(&path, ground));
                all.push(site.finding(path, severity, (result, ground)));
            }
            all.extend(beside.into_iter().map(|(scanner, (count, path))| {
                let (results, are) = if count == 1 { ("result", "is") } else { ("results", "are") };
                let says = format!("{count} {results} of {scanner} {are} about files that are not below this root, such as {path}");
                left_open(name, says, "judge them where those files are managed")
            }));
            all.extend(report.unfinished.iter().map(|scanner| {
                let says = format!("{scanner} says that it did not come to its end");
                left_open(name, says, "run it again, and look at what it complains of")
            }));
        }
        all
    }
}

fn found(desk: &Desk<'_>, result: &Reported) -> Option<Found> {
    let prefix = desk.prefix();
    let has = |path: &str| RepoPath::new(path).is_ok_and(|path| desk.files().bytes(&path).is_ok());
    let roots = Roots {
        top: desk.root.top().to_str().unwrap_or_default(),
        prefix: &prefix,
        has: &has,
    };
    Some(roots.find(result.uri.as_ref()?))
}

/// A file that a scanner saw.
struct Site<'a> {
    text: String,
    output: Option<&'a Output>,
    is_changed: bool,
    /// Of a file that loom did not write, the lines that stood there before, from 0.
    old: Option<Vec<bool>>,
    /// Whether the whole of it stood there before.
    is_old: bool,
}

impl<'a> Site<'a> {
    fn of(path: &str, ground: &Ground<'a>) -> Self {
        let path = RepoPath::new(path).ok();
        let text = path
            .as_ref()
            .and_then(|path| ground.desk.files().bytes(path).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        let output = match (&path, ground.compiled) {
            (Some(path), Some(compiled)) => {
                let mut outputs = compiled.desired.outputs.iter();
                outputs.find(|output| output.place.path == *path)
            }
            (_, _) => None,
        };
        let is_changed = path.as_ref().is_some_and(|path| {
            let actions = ground.outcome.map_or(&[][..], Outcome::actions).iter();
            let mut writing = actions.filter(|action| action.verb.writes());
            writing.any(|action| action.path == *path || action.old_path() == path)
        });
        let before = path.as_ref().and_then(|path| ground.before.text(path));
        Self {
            is_old: before.is_some_and(|before| before == text),
            old: before.map(|before| untouched(before, &text)),
            text,
            output,
            is_changed,
        }
    }

    fn standing(&self, lines: Option<(usize, usize)>) -> Standing {
        if self.is_changed {
            return Standing::OldText;
        }
        let is_untouched = match (lines, &self.old) {
            // scanners put at the first line what is about the file as a whole
            (Some((1, _)), Some(_)) => false,
            (Some((first, last)), Some(old)) => old
                .get(first - 1..last)
                .is_some_and(|lines| lines.iter().all(|is_old| *is_old)),
            (_, None) | (None, Some(_)) => false,
        };
        if self.is_old || is_untouched {
            Standing::Before
        } else {
            Standing::Now
        }
    }

    fn finding(
        &self,
        path: String,
        severity: Severity,
        (result, ground): (&Reported, &Ground<'_>),
    ) -> Finding {
        let line = result.lines.map(|(first, _)| first);
        let declared = ground
            .compiled
            .zip(self.output)
            .map(|(compiled, output)| (compiled, output, compiled.desired.declaration(output)));
        let setting = declared.and_then(|(compiled, output, _)| {
            let content = self.text.lines().nth(line?.checked_sub(1)?)?;
            let (pointer, read) = explain::setting_in(compiled, output, content)?;
            Some(Setting {
                pointer: pointer.clone(),
                position: compiled.sources.position(read.value.as_ref()?.span),
            })
        });
        let fix = match &result.help {
            Some(uri) => format!("see {uri}"),
            None => format!(
                "look up {} where {} describes it",
                result.code, result.scanner
            ),
        };
        Finding {
            path,
            line,
            column: result.column,
            code: result.code.clone(),
            severity,
            message: result.message.clone(),
            reason: result.reason.clone(),
            fix,
            address: declared.map(|(_, _, declaration)| declaration.address.clone()),
            asked: declared.and_then(|(compiled, _, declaration)| {
                audit::asked(compiled, &declaration.address)
            }),
            accepted: result.suppressed.clone(),
            scanner: Some(result.scanner.clone()),
            literal: None,
            setting,
            standing: self.standing(result.lines),
            touch: None,
        }
    }
}

/// What a report does not answer.
fn left_open(name: &str, message: String, fix: &str) -> Finding {
    Finding {
        path: name.to_owned(),
        line: None,
        column: 1,
        code: Code::ScanLeftOpen.as_str().to_owned(),
        severity: Severity::Warning,
        message,
        reason: "what nobody looked at has no findings, and is not clean".to_owned(),
        fix: fix.to_owned(),
        address: None,
        asked: None,
        accepted: None,
        scanner: Some("loom".to_owned()),
        literal: None,
        setting: None,
        standing: Standing::Now,
        touch: None,
    }
}
