//! What findings are judged by: the policies and the exceptions of this tree, or those of a commit.
//!
//! In: the files of the run, and what `--policies-from` and `--against` name. Out: a [`Gate`], and what
//! the request changes of it. A request that takes a policy away, or an exception in, is the one in which
//! the policy would have spoken: so every report of it says so first, and `--policies-from` judges by what
//! stood in the base.
//!
//! Deliberately not here: what is found (`audit`).

use std::path::PathBuf;

use loom_plan::check::accept::Accept;
use loom_plan::check::asked;
use loom_plan::check::bars::Bars;
use loom_plan::check::changes::{Terms, changes};
use loom_plan::check::policy::Source;
use loom_plan::diag::{Code, Diagnostic, Diagnostics};
use loom_plan::input::Input;
use loom_plan::project::read;
use loom_plan::text::Sources;

use super::pass::Compiled;
use super::scans::Scans;
use super::{Desk, Failure};
use crate::env::{self, Base, Policies};
use crate::report::Basis;

/// Where the policies are.
const POLICIES: &str = "policy/**/*.rego";
/// Their tests, which `conftest verify` runs.
const TESTS: &str = "_test.rego";

/// What findings are judged by.
#[derive(Debug)]
pub(super) struct Gate {
    policies: Vec<Source>,
    /// `policy.accept`.
    pub(super) accept: Vec<Accept>,
    /// `policy.sarif`.
    pub(super) bars: Bars,
    /// What scanners found.
    pub(super) scans: Scans,
    /// For whoever reads the report.
    pub(super) basis: Basis,
}

impl Gate {
    /// What stands in the desk's files, or in the commit that is named.
    ///
    /// # Errors
    /// A policy or a commit that cannot be read.
    pub(super) fn open(
        desk: &Desk<'_>,
        compiled: Option<&Compiled>,
        from: Option<&str>,
    ) -> Result<Self, Failure> {
        all_are_regular(desk.files())?;
        let here = Self {
            policies: policies(desk.files())?,
            accept: compiled.map_or_else(Vec::new, |it| it.project.accept.clone()),
            bars: compiled.map_or_else(Bars::default, |it| it.project.bars),
            scans: Scans::default(),
            basis: Basis::default(),
        };
        let Some(reference) = from else {
            return Ok(here);
        };
        let project = compiled.map_or_else(String::new, |it| it.project.name.to_string());
        let base = env::commit_of(&desk.root, reference, &project).map_err(Failure::Environment)?;
        all_are_regular(&base.commit)?;
        let terms = terms_of(&base)?;
        let changes = changes(&terms, &here.terms(compiled));
        Ok(Self {
            policies: terms.policies,
            accept: terms.accept,
            bars: terms.bars,
            scans: Scans::default(),
            basis: Basis {
                from: Some((reference.to_owned(), base.commit.name)),
                changes,
            },
        })
    }

    /// The same, and what a request changes of it since its base, where no other commit was named.
    ///
    /// # Errors
    /// As [`Gate::open`].
    pub(super) fn since(mut self, base: &Base, compiled: &Compiled) -> Result<Self, Failure> {
        if self.basis.from.is_none() {
            self.basis.changes = changes(&terms_of(base)?, &self.terms(Some(compiled)));
        }
        Ok(self)
    }

    /// The same with what scanners found.
    ///
    /// # Errors
    /// A report that cannot be read.
    pub(super) fn with_scans(mut self, files: &[PathBuf]) -> Result<Self, Failure> {
        self.scans = Scans::read(files)?;
        Ok(self)
    }

    /// The packages of the policies.
    pub(super) fn packages(&self) -> Vec<String> {
        let lines = self.policies.iter().flat_map(|source| source.text.lines());
        let named = lines.filter_map(|line| line.trim_start().strip_prefix("package"));
        named
            .filter_map(|rest| Some(rest.split_whitespace().next()?.to_owned()))
            .collect()
    }

    /// The policies, read.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(super) fn policies(&self) -> Result<Policies, Failure> {
        let failed = |problems: Vec<Diagnostic>| {
            let mut found = Diagnostics::default();
            found.extend(problems);
            Failure::Input(Box::new((Sources::default(), found)))
        };
        let policies = Policies::read(self.policies.clone()).map_err(failed)?;
        match asked::unasked(&self.policies) {
            unasked if unasked.is_empty() => Ok(policies),
            unasked => Err(failed(unasked)),
        }
    }

    fn terms(&self, compiled: Option<&Compiled>) -> Terms {
        Terms {
            policies: self.policies.clone(),
            accept: self.accept.clone(),
            bars: self.bars,
            sources: compiled.map_or_else(Sources::default, |it| it.sources.clone()),
        }
    }
}

/// What a commit judges by.
fn terms_of(base: &Base) -> Result<Terms, Failure> {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let (accept, bars) = read::exceptions(&base.commit, &mut sources, &mut found);
    if found.has_errors() {
        let name = &base.commit.name;
        return Err(Failure::Environment(format!(
            "the exceptions of the commit {name} cannot be read: `git show {name}:{}` shows them",
            read::PROJECT_FILE
        )));
    }
    Ok(Terms {
        policies: policies(&base.commit)?,
        accept,
        bars,
        sources,
    })
}

/// What judges is read from regular files: a link that nobody follows would be a policy that nobody
/// asks, and allows everything.
fn all_are_regular(input: &dyn Input) -> Result<(), Failure> {
    let mut found = Diagnostics::default();
    for (path, what) in input.passed_over(&[POLICIES.to_owned()]) {
        let message = format!("`{path}` is {what}, and policies are read from regular files only");
        found.push(
            Diagnostic::new(Code::Policy, message)
                .help("put the policy itself in its place, or take it out of policy/"),
        );
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(Failure::Input(Box::new((Sources::default(), found))))
    }
}

/// The policies of a tree.
fn policies(input: &dyn Input) -> Result<Vec<Source>, Failure> {
    let (mut sources, mut found) = (Vec::new(), Diagnostics::default());
    for path in input.glob(&[POLICIES.to_owned()]) {
        if path.as_str().ends_with(TESTS) {
            continue;
        }
        match input.read(&path) {
            Ok(text) => sources.push(Source {
                path: path.to_string(),
                text: text.as_ref().to_owned(),
            }),
            Err(error) => found.push(Diagnostic::new(Code::Policy, format!("{path}: {error}"))),
        }
    }
    if found.is_empty() {
        Ok(sources)
    } else {
        Err(Failure::Input(Box::new((Sources::default(), found))))
    }
}
