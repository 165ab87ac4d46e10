//! What the security checklist and the user's own policies say of files that are to be, or that are
//! there.
//!
//! In: texts with their paths, and the gate by which they are judged. Out: findings, in the order of their
//! places, those marked that the project accepts.
//!
//! Plan and apply look at the files that they would write, and at nothing else: what is on the disk
//! already is denied by no apply of something else, not even in a file that people share with loom,
//! and a plan with nothing to do costs nothing. `loom check` looks at everything.
//!
//! Deliberately not here: the rules (`loom_plan::check`), and what is said of findings (`report`).

use std::collections::BTreeMap;
use std::sync::Arc;

use loom_plan::addr::{Address, ContentHash};
use loom_plan::check::accept::{self, Accept, Exception, Place};
use loom_plan::check::policy::{self, Subject};
use loom_plan::check::{Evidence, Finding, Standing, look, rule};
use loom_plan::credential;
use loom_plan::diag::{Code, Diagnostic, Diagnostics, Severity};
use loom_plan::plan::{Action, Outcome, Verb, Verdict};
use loom_plan::project::read::PROJECT_FILE;
use loom_plan::snapshot::Part;
use loom_plan::text::{Position, Sources, Span};
use loom_providers::inspect;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::before::Before;
use super::gate::Gate;
use super::pass::{Compiled, Planned};
use super::scans::Ground;
use super::{Desk, Failure, acceptance};
use crate::env::Policies;
use crate::report::Contents;

/// A file to look at.
pub(super) struct File {
    /// Seen from the root.
    pub(super) path: String,
    /// Its text.
    pub(super) text: Arc<str>,
    /// The artifact that writes it.
    pub(super) address: Option<Address>,
    /// Where that is asked for.
    pub(super) asked: Option<Position>,
    /// What a text means that cannot be read.
    pub(super) unreadable: Unreadable,
}

/// What it means that a file cannot be read as its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is an error.
    Error,
    /// It is a file of another format, such as JSON with comments.
    Other,
}

/// What was found, and which entries of `policy.accept` it does not need.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// By their places.
    pub(super) findings: Vec<Finding>,
    /// Nothing belongs to these.
    pub(super) unused: Vec<Diagnostic>,
    /// Those that something belongs to.
    exceptions: Vec<Exception>,
    /// Files of a `.yml` or `.json` name that are something else, and why.
    pub(super) other: Vec<(String, String)>,
}

/// Looks at what a plan would write, and gives it the digest that an approval names, or takes it away.
///
/// # Errors
/// As [`of_plan`].
pub(super) fn judge(
    gate: &Gate,
    planned: &mut Planned,
    desk: &Desk<'_>,
) -> Result<Vec<Finding>, Failure> {
    let before = Before::of_plan(desk, planned, gate.scans.paths(desk));
    let ground = Ground {
        desk,
        compiled: Some(&planned.compiled),
        outcome: Some(&planned.outcome),
        before: &before,
    };
    let (compiled, contents) = (&planned.compiled, planned.bytes(desk.files()));
    let audit = of_plan(gate, compiled, &planned.outcome, (&contents, &ground))?;
    planned.outcome.judge(audit.verdict());
    Ok(audit.findings)
}

impl Audit {
    /// What the findings come to.
    fn verdict(&self) -> Verdict {
        if self.findings.iter().any(Finding::denies) {
            Verdict::Denied
        } else {
            Verdict::Passed(self.exceptions.clone())
        }
    }
}

/// Looks at what a plan would write.
///
/// # Errors
/// [`Failure::Input`] for a policy that cannot be asked.
pub(super) fn of_plan(
    gate: &Gate,
    compiled: &Compiled,
    outcome: &Outcome,
    (contents, ground): (&dyn Contents, &Ground<'_>),
) -> Result<Audit, Failure> {
    let actions: Vec<&Action> = outcome
        .actions()
        .iter()
        .filter(|action| leaves_a_file(action))
        .collect();
    if actions.is_empty() && gate.scans.is_empty() {
        return Ok(Audit::default());
    }
    let looked = actions
        .par_iter()
        .filter(|action| is_looked_at(action.path.as_str()) || action.accepts());
    let look = |policies: &Policies| {
        looked
            .filter_map(|action| {
                look_at_action(action, (contents, ground.before), compiled, policies)
            })
            .collect()
    };
    let scanned = gate.scans.findings(gate.bars, ground);
    audit(gate, compiled, (look, scanned))
}

/// Looks at everything that is declared.
///
/// # Errors
/// As [`of_plan`].
pub(super) fn of_everything(
    gate: &Gate,
    compiled: &Compiled,
    ground: &Ground<'_>,
) -> Result<Audit, Failure> {
    let desired = &compiled.desired;
    let whole = desired
        .outputs
        .par_iter()
        .filter(|output| output.part == Part::Whole);
    let looked = whole.filter(|output| is_looked_at(output.place.path.as_str()));
    let file = |output: &loom_plan::render::Output| {
        let text = desired.dressed(output).ok()?;
        Some(file_of(
            compiled,
            output.place.path.as_str(),
            &desired.declaration(output).address,
            text.into(),
        ))
    };
    let look = |policies: &Policies| {
        looked
            .filter_map(file)
            .map(|file| look_at(&file, policies))
            .collect()
    };
    let scanned = gate.scans.findings(gate.bars, ground);
    audit(gate, compiled, (look, scanned))
}

/// Looks at files that are there. What is wrong with one is a finding, and silences no other.
///
/// # Errors
/// As [`of_plan`].
pub(super) fn of_files(gate: &Gate, files: &[File], ground: &Ground<'_>) -> Result<Audit, Failure> {
    let policies = gate.policies()?;
    let looked: Vec<_> = files
        .par_iter()
        .map(|file| {
            let (mut findings, problems) = look_at(file, &policies);
            findings.extend(credentials(file));
            (findings, problems)
        })
        .collect();
    let (mut findings, mut other) = (Vec::new(), Vec::new());
    for (file, (found, problems)) in files.iter().zip(looked) {
        findings.extend(found);
        let mut sources = Sources::default();
        sources.add(&file.path, Arc::clone(&file.text));
        for problem in problems
            .iter()
            .filter(|it| it.severity() == Severity::Error)
        {
            let finding = of_problem(file, problem, &sources);
            if file.unreadable == Unreadable::Error || problem.code == Code::Policy {
                findings.push(finding);
            } else if !other.iter().any(|(path, _)| *path == file.path) {
                let line = finding
                    .line
                    .map_or_else(String::new, |line| format!("line {line}: "));
                other.push((file.path.clone(), format!("{line}{}", finding.message)));
            }
        }
    }
    findings.extend(gate.scans.findings(gate.bars, ground));
    Ok(Audit {
        other,
        ..judged(findings, gate)
    })
}

/// The credentials of a file.
fn credentials(file: &File) -> Vec<Finding> {
    let mut sources = Sources::default();
    let id = sources.add(&file.path, Arc::clone(&file.text));
    let nodes = inspect::document(&file.path, id, &sources, &mut Diagnostics::default())
        .map(|document| document.nodes)
        .unwrap_or_default();
    credential::places(id, &sources, &nodes)
        .into_iter()
        .map(|(span, what)| {
            at(
                of_credential(file, sources.slice(span), what),
                &sources,
                span,
            )
        })
        .collect()
}

/// What is said of a file that cannot be read as its name says.
fn of_problem(file: &File, problem: &Diagnostic, sources: &Sources) -> Finding {
    let help = problem.help.clone();
    let finding = Finding {
        code: problem.code.as_str().to_owned(),
        message: problem.message.clone(),
        reason: NOT_READ.to_owned(),
        fix: help.unwrap_or_else(|| "mend it, so that it is checked".to_owned()),
        ..blank(file)
    };
    match problem.labels.first() {
        Some(label) => at(finding, sources, label.span),
        None => finding,
    }
}

/// Why it matters that a file is not read.
const NOT_READ: &str = "what cannot be read is not checked";

/// What is said of a file whose text cannot be had.
pub(super) fn unread(path: &str, code: Code, message: String) -> Finding {
    let file = File {
        path: path.to_owned(),
        text: "".into(),
        address: None,
        asked: None,
        unreadable: Unreadable::Error,
    };
    Finding {
        code: code.as_str().to_owned(),
        message,
        reason: NOT_READ.to_owned(),
        fix: "see that it is a file of its own, in UTF-8 and of a size that loom reads".to_owned(),
        ..blank(&file)
    }
}

/// Whether a finding says that something was not read at all.
pub(super) fn is_unread(finding: &Finding) -> bool {
    finding.reason == NOT_READ
}

/// The findings of files that loom writes, each looked at as soon as it is rendered, and of the graph.
fn audit(
    gate: &Gate,
    compiled: &Compiled,
    (look, scanned): (
        impl FnOnce(&Policies) -> Vec<(Vec<Finding>, Diagnostics)>,
        Vec<Finding>,
    ),
) -> Result<Audit, Failure> {
    let policies = gate.policies()?;
    let mut refused = Diagnostics::default();
    let mut findings = scanned;
    for (found, problems) in look(&policies) {
        findings.extend(found);
        // what cannot be read, such as the values of a template, is no format that anybody relies on here
        refused.extend(
            problems
                .into_iter()
                .filter(|problem| problem.code == Code::Policy),
        );
    }
    if policies.asks_about_graph() {
        match policies.ask(&Subject::Graph, &graph(compiled)) {
            Ok(verdicts) => findings.extend(
                verdicts
                    .into_iter()
                    .map(|verdict| of_graph(verdict, compiled)),
            ),
            Err(problem) => refused.push(problem),
        }
    }
    if refused.has_errors() {
        return Err(Failure::Input(Box::new((Sources::default(), refused))));
    }
    Ok(judged(findings, gate))
}

fn judged(mut findings: Vec<Finding>, gate: &Gate) -> Audit {
    // what is accepted in files that loom does not write is not among what is declared
    let is_declared = |entry: &&Accept| matches!(entry.place, Place::Address(_));
    // what only a scanner finds is not looked for without its report
    let packages = gate.packages();
    let is_looked_for = |entry: &&Accept| !gate.scans.is_empty() || !entry.is_of_scanner(&packages);
    let accepted = accept::accept(&gate.accept, &mut findings);
    let unused = accepted
        .unused
        .into_iter()
        .filter(is_declared)
        .filter(is_looked_for);
    let unused = unused.map(accept::names_nothing).collect();
    let exceptions = accepted.exceptions;
    let mut findings: Vec<Finding> = findings.into_iter().map(Finding::masked).collect();
    findings.sort();
    findings.dedup();
    Audit {
        findings,
        unused,
        exceptions,
        other: Vec::new(),
    }
}

/// Whether rules or policies have something to say of a file of this name.
fn is_looked_at(path: &str) -> bool {
    inspect::is_known(path)
}

/// Whether an action writes a file, and leaves one.
fn leaves_a_file(action: &Action) -> bool {
    match action.verb {
        Verb::Create | Verb::Update | Verb::Move { .. } => {
            !is_whole(action) || action.parts.iter().any(|part| part.after.is_some())
        }
        Verb::Adopt | Verb::Keep => action.accepts(),
        Verb::Delete | Verb::Forget => false,
    }
}

/// Whether a file is all of loom's.
fn is_whole(action: &Action) -> bool {
    action.parts.iter().any(|part| part.part == Part::Whole)
}

/// What is said of a file that an action writes. In one that people share with loom, or that is theirs
/// otherwise, what was said of it before, and nobody touched, is no matter of this plan.
fn look_at_action(
    action: &Action,
    (contents, past): (&dyn Contents, &Before),
    compiled: &Compiled,
    policies: &Policies,
) -> Option<(Vec<Finding>, Diagnostics)> {
    let file = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).ok()?;
        Some(file_of(
            compiled,
            action.path.as_str(),
            action.address(),
            text.into(),
        ))
    };
    let sides = contents.of(action);
    let after = file(sides.after?)?;
    let (mut findings, problems) = look_at(&after, policies);
    if action.accepts() {
        let declared = contents.accepted(action).before.and_then(file);
        findings.extend(acceptance::refused(&after, declared.as_ref()));
    }
    let before = if is_whole(action) {
        let text = past.text(action.old_path());
        text.map(|text| text.as_bytes().to_vec())
    } else {
        sides.before
    };
    for old in before
        .and_then(file)
        .map(|file| look_at(&file, policies).0)
        .unwrap_or_default()
    {
        let is_old = |it: &&mut Finding| it.standing == Standing::Now && it.is_as(&old);
        if let Some(found) = findings.iter_mut().find(is_old) {
            found.standing = Standing::Before;
        }
    }
    Some((findings, problems))
}

fn file_of(compiled: &Compiled, path: &str, address: &Address, text: Arc<str>) -> File {
    File {
        path: path.to_owned(),
        text,
        address: Some(address.clone()),
        asked: asked(compiled, address),
        unreadable: Unreadable::Other,
    }
}

/// Where an artifact is asked for.
pub(super) fn asked(compiled: &Compiled, address: &Address) -> Option<Position> {
    let ordered = &compiled.desired.ordered;
    let declaration = &ordered.declarations[ordered.find(address)?];
    Some(compiled.sources.position(declaration.settings.span))
}

/// What rules and policies say of one file, and what is wrong with it or with them.
fn look_at(file: &File, policies: &Policies) -> (Vec<Finding>, Diagnostics) {
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let is_read = file.unreadable == Unreadable::Error || policies.asks_about_files();
    if !is_read && !inspect::may_be_found(&file.path, &file.text) {
        return (Vec::new(), out);
    }
    let id = sources.add(&file.path, Arc::clone(&file.text));
    let Some(document) = inspect::document(&file.path, id, &sources, &mut out) else {
        return (Vec::new(), out);
    };
    let of_rule = |hit: loom_plan::check::Hit| {
        let rule = rule(hit.code)?;
        let finding = Finding {
            code: rule.code.to_owned(),
            severity: rule.severity,
            message: hit.message,
            reason: rule.reason.to_owned(),
            fix: rule.fix.to_owned(),
            touch: match hit.evidence {
                Evidence::Text => touch(sources.slice(hit.span)),
                Evidence::Absence => None,
            },
            ..blank(file)
        };
        Some(at(finding, &sources, hit.span))
    };
    let mut findings: Vec<Finding> = look(&document).into_iter().filter_map(of_rule).collect();
    if policies.asks_about_files() {
        let subject = Subject::File {
            path: file.path.as_str().into(),
            address: file.address.as_ref().map(ToString::to_string),
        };
        for node in &document.nodes {
            match policies.ask(&subject, &node.to_json()) {
                Ok(verdicts) => {
                    findings.extend(
                        verdicts
                            .into_iter()
                            .map(|verdict| at(of_verdict(verdict, file), &sources, node.span)),
                    );
                }
                Err(problem) => out.push(problem),
            }
        }
    }
    (findings, out)
}

/// What is said of a credential in a file.
fn of_credential(file: &File, literal: &str, what: &str) -> Finding {
    let accept = credential::accepting(&file.path, literal);
    Finding {
        code: Code::Credential.as_str().to_owned(),
        message: format!("this looks like a credential: {what}"),
        reason: "everybody who can read the repository, now or later, has it".to_owned(),
        fix: format!(
            "replace it where it was issued, and keep the new one in a secrets manager; if it is none, {accept}"
        ),
        literal: Some(credential::fingerprint(literal)),
        ..blank(file)
    }
}

/// A finding of a file that says nothing yet.
pub(super) fn blank(file: &File) -> Finding {
    Finding {
        path: file.path.clone(),
        line: None,
        column: 1,
        code: String::new(),
        severity: Severity::Error,
        message: String::new(),
        reason: String::new(),
        fix: String::new(),
        address: file.address.clone(),
        asked: file.asked.clone(),
        accepted: None,
        scanner: None,
        literal: None,
        setting: None,
        standing: Standing::Now,
        touch: None,
    }
}

/// What a finding is found in, as far as it is one text: what is found in a mapping or a block is about
/// something that is or is not in it.
fn touch(text: &str) -> Option<ContentHash> {
    let is_one = !text.contains('\n') && !text.ends_with(['}', ']']);
    is_one.then(|| ContentHash::of(text.trim().as_bytes()))
}

fn of_verdict(verdict: policy::Verdict, file: &File) -> Finding {
    let reason = format!("the policy `{}` of this repository says so", verdict.code);
    Finding {
        code: verdict.code,
        severity: verdict.severity,
        message: verdict.message,
        reason,
        fix: "change what the policy names, or accept the finding with a reason".to_owned(),
        ..blank(file)
    }
}

/// A finding about the graph: at the artifact that the policy names, else at loom.yaml.
fn of_graph(verdict: policy::Verdict, compiled: &Compiled) -> Finding {
    let address = verdict
        .address
        .as_deref()
        .and_then(|text| Address::parse(text).ok());
    let asked = address
        .as_ref()
        .and_then(|address| asked(compiled, address));
    let path = asked
        .as_ref()
        .map_or_else(|| PROJECT_FILE.to_owned(), |asked| asked.file.to_string());
    let line = asked.as_ref().map(|asked| asked.line);
    let file = File {
        path,
        text: "".into(),
        address,
        asked,
        unreadable: Unreadable::Other,
    };
    Finding {
        line,
        ..of_verdict(verdict, &file)
    }
}

pub(super) fn at(finding: Finding, sources: &Sources, span: Span) -> Finding {
    let position = sources.position(span);
    Finding {
        line: Some(position.line),
        column: position.column,
        ..finding
    }
}

/// What policies of the package `loom` are asked about; `docs/schema/policy-graph.schema.json`.
fn graph(compiled: &Compiled) -> Value {
    let (project, desired) = (&compiled.project, &compiled.desired);
    let mut outputs: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for output in &desired.outputs {
        outputs
            .entry(output.declaration)
            .or_default()
            .push(output.place.path.as_str());
    }
    let environments = project
        .environments
        .iter()
        .map(|it| json!({ "name": it.name.to_string(), "production": it.production, "settings": it.node.to_json() }));
    let services = project
        .services
        .values()
        .map(|it| json!({ "name": it.name.to_string(), "settings": it.node.to_json() }));
    let artifacts = desired.ordered.declarations.iter().enumerate().map(|(index, it)| {
        let uses = desired.ordered.dependencies(index);
        // what is not there is left out: `null` is not nothing to Rego
        let item = it.address.item().map(|item| ("item".to_owned(), item.to_string().into()));
        let service = it.service.as_ref().map(|service| ("service".to_owned(), service.to_string().into()));
        let mut artifact = json!({
            "address": it.address.to_string(),
            "kind": it.address.kind(),
            "name": it.address.name().to_string(),
            "intent": it.intent.to_string(),
            "stories": it.stories(),
            "own": it.own.as_str(),
            "uses": uses.map(|(other, _)| desired.ordered.declarations[other].address.to_string()).collect::<Vec<_>>(),
            "outputs": outputs.get(&index).cloned().unwrap_or_default(),
            "settings": desired.linked[index].artifact.settings.to_json(),
        });
        if let Some(fields) = artifact.as_object_mut() {
            fields.extend(item.into_iter().chain(service));
        }
        artifact
    });
    json!({
        "format_version": "1.0",
        "project": project.name.to_string(),
        "environments": environments.collect::<Vec<_>>(),
        "services": services.collect::<Vec<_>>(),
        "artifacts": artifacts.collect::<Vec<_>>(),
    })
}
