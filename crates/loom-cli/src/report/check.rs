//! Findings of the checklist and of policies, in every form.
//!
//! In: findings, in the order of their places. Out: text, JSON, annotations, SARIF, `JUnit`; and the
//! sections that plans show in their own formats. The schema is `docs/schema/check-output.schema.json`.
//!
//! Invariant: no form leaves a finding out; an accepted one says why it is.

use std::io::{self, Write};

use loom_plan::check::changes::Change;
use loom_plan::check::{Finding, RULES, Standing, rule};
use loom_plan::diag::{Code, Severity};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use serde::Serialize;
use serde_json::{Value, json};

use super::style::{Style, visible};
use super::{Basis, drift, github, sarif};
use crate::cli::Talk;
use crate::env::Stream;

/// The rule of SARIF under which a request changes what it is judged by.
const POLICY_CHANGED: &str = "loom/policy-changed";

/// `k8s/api.yml:14:9`
pub(crate) fn place(finding: &Finding) -> String {
    match finding.line {
        Some(line) => format!("{}:{line}:{}", finding.path, finding.column),
        None => finding.path.clone(),
    }
}

/// `error`, `warning`; what is accepted, or old, is neither any more.
pub(crate) fn word(finding: &Finding) -> &'static str {
    match (finding.severity, &finding.accepted) {
        (_, Some(_)) => "accepted",
        (_, None) if finding.is_old() => "old",
        (Severity::Error, None) => "error",
        (Severity::Warning, None) => "warning",
    }
}

/// Message and reason as one sentence.
pub(crate) fn sentence(finding: &Finding) -> String {
    format!("{}: {}", finding.message, finding.reason)
}

/// What there is to know besides: the fix, or why the finding is accepted, and who asks for the file.
pub(crate) fn advice(finding: &Finding) -> Vec<String> {
    let asked = finding
        .asked
        .as_ref()
        .map(|asked| format!(", asked for in {asked}"))
        .unwrap_or_default();
    let from = finding
        .address
        .as_ref()
        .map(|address| format!("from {address}{asked}"));
    let what = match &finding.accepted {
        Some(reason) => format!("accepted: {reason}"),
        None => format!("fix: {}", finding.fix),
    };
    let stands = match finding.standing {
        Standing::Now => None,
        Standing::OldText => {
            Some("of the old text: the plan changes this file, so that it denies nothing")
        }
        Standing::Before => Some("it was there before, and denies nothing"),
    };
    let setting = finding.setting.as_ref();
    let setting = setting.map(|it| format!("set by {}, {}", it.pointer, it.position));
    let found = finding.scanner.as_ref();
    let found = found.map(|scanner| format!("found by {scanner}"));
    std::iter::once(what)
        .chain(stands.map(str::to_owned))
        .chain(from)
        .chain(setting)
        .chain(found)
        .collect()
}

/// How many of what there are.
pub(crate) fn counts(findings: &[Finding]) -> String {
    let count = |wanted: &str| {
        findings
            .iter()
            .filter(|finding| word(finding) == wanted)
            .count()
    };
    let of =
        |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let accepted = match count("accepted") {
        0 => String::new(),
        accepted => format!(", {accepted} accepted"),
    };
    let old = match count("old") {
        0 => String::new(),
        old => format!(", {old} old"),
    };
    format!(
        "{}, {}{accepted}{old}",
        of(count("error"), "error"),
        of(count("warning"), "warning")
    )
}

/// What stands over a report where it was not judged as usual, or where that changes.
///
/// # Errors
/// Those of `out`.
pub(crate) fn basis_lines(basis: &Basis, stream: Stream, out: &mut dyn Write) -> io::Result<()> {
    let Some(sentence) = basis.sentence() else {
        return Ok(());
    };
    let style = if basis.changes.is_empty() {
        Style::Faint
    } else {
        Style::Conflict
    };
    writeln!(out, "{}", stream.colour.paint(style, &sentence))?;
    for change in &basis.changes {
        writeln!(out, "  * {}", visible(&change.says))?;
    }
    writeln!(out)
}

/// For programs: the commit that judged, and what a request changes.
#[derive(Serialize)]
pub(crate) struct BasisJson<'a> {
    judged_by: Option<JudgedBy<'a>>,
    policy_changes: Vec<ChangeJson<'a>>,
}

#[derive(Serialize)]
struct JudgedBy<'a> {
    reference: &'a str,
    commit: &'a str,
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    path: &'a str,
    line: usize,
    text: &'a str,
}

impl<'a> From<&'a Basis> for BasisJson<'a> {
    fn from(basis: &'a Basis) -> Self {
        let from = basis.from.as_ref();
        let change = |change: &'a Change| ChangeJson {
            path: &change.path,
            line: change.line,
            text: &change.says,
        };
        Self {
            judged_by: from.map(|(reference, commit)| JudgedBy { reference, commit }),
            policy_changes: basis.changes.iter().map(change).collect(),
        }
    }
}

/// What a request changes of what it is judged by: the rule of SARIF, and its results.
pub(crate) fn sarif_changes(basis: &Basis, prefix: &str) -> (Vec<Value>, Vec<Value>) {
    let rule = json!({
        "id": POLICY_CHANGED,
        "shortDescription": { "text": "The request changes policies or exceptions." },
        "defaultConfiguration": { "level": "warning" },
    });
    let result = |change: &Change| {
        let print = [POLICY_CHANGED, &change.path, &change.says].map(str::as_bytes);
        json!({
            "ruleId": POLICY_CHANGED,
            "level": "warning",
            "message": { "text": format!("The request changes what it is judged by: {}.", visible(&change.says)) },
            "locations": [{ "physicalLocation": {
                "artifactLocation": sarif::location(prefix, &change.path),
                "region": { "startLine": change.line },
            } }],
            "partialFingerprints": { "loomFinding/v1": loom_plan::addr::ContentHash::of_parts(print).to_string() },
        })
    };
    let results: Vec<Value> = basis.changes.iter().map(result).collect();
    let rules = if results.is_empty() {
        Vec::new()
    } else {
        vec![rule]
    };
    (rules, results)
}

/// What an apply says of findings that deny it.
pub(crate) fn denial(findings: &[Finding]) -> Option<String> {
    let denying = findings.iter().filter(|finding| finding.denies()).count();
    let noun = if denying == 1 {
        "finding denies"
    } else {
        "findings deny"
    };
    (denying > 0).then(|| {
        format!(
            "{denying} {noun} this plan: mend what they name, or accept them under `policy.accept` in loom.yaml with a reason \
             (`loom explain CODE` says more)."
        )
    })
}

/// Writes findings for people, as `loom check` does: everything, and how many.
///
/// # Errors
/// Those of `out`.
pub(crate) fn text(
    (findings, basis): (&[Finding], &Basis),
    stream: Stream,
    talk: Talk,
    out: &mut dyn Write,
) -> io::Result<()> {
    basis_lines(basis, stream, out)?;
    lines(findings, stream, talk, out)?;
    match findings {
        [] => writeln!(out, "No findings."),
        findings => writeln!(out, "\nFindings: {}.", counts(findings)),
    }
}

/// Writes findings for people, each with its place, its reason and its fix; accepted ones, and those that
/// were there before, only with `--verbose`.
///
/// # Errors
/// Those of `out`.
pub(crate) fn lines(
    findings: &[Finding],
    stream: Stream,
    talk: Talk,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut said: Vec<&str> = Vec::new();
    for finding in findings {
        let is_told = finding.accepted.is_none() && finding.standing != Standing::Before;
        if !is_told && talk != Talk::Verbose {
            continue;
        }
        let style = match word(finding) {
            "error" => Style::Removed,
            "warning" => Style::Conflict,
            _ => Style::Faint,
        };
        let head = stream
            .colour
            .paint(style, &format!("{}[{}]", word(finding), finding.code));
        writeln!(
            out,
            "{head} {}  {}",
            visible(&place(finding)),
            visible(&finding.message)
        )?;
        if talk == Talk::Quiet {
            continue;
        }
        // what a rule says is read once
        let is_new = !said.contains(&finding.code.as_str());
        if is_new {
            said.push(&finding.code);
            writeln!(out, "    {}", visible(&finding.reason))?;
        }
        let lines = advice(finding);
        let known = usize::from(!is_new && finding.accepted.is_none());
        lines
            .iter()
            .skip(known)
            .try_for_each(|line| writeln!(out, "    {}", visible(line)))?;
    }
    Ok(())
}

/// One finding for programs.
#[derive(Serialize)]
pub(crate) struct FindingJson<'a> {
    code: &'a str,
    severity: &'static str,
    path: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    address: Option<String>,
    asked: Option<AskedJson<'a>>,
    message: &'a str,
    reason: &'a str,
    fix: &'a str,
    accepted: Option<&'a str>,
    scanner: Option<&'a str>,
    setting: Option<SettingJson<'a>>,
    standing: &'static str,
}

#[derive(Serialize)]
struct SettingJson<'a> {
    pointer: &'a str,
    file: &'a str,
    line: usize,
}

#[derive(Serialize)]
struct AskedJson<'a> {
    file: &'a str,
    line: usize,
}

impl<'a> From<&'a Finding> for FindingJson<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            code: &finding.code,
            severity: severity(finding.severity),
            path: &finding.path,
            line: finding.line,
            column: finding.line.map(|_| finding.column),
            address: finding.address.as_ref().map(ToString::to_string),
            asked: finding.asked.as_ref().map(|asked| AskedJson {
                file: &asked.file,
                line: asked.line,
            }),
            message: &finding.message,
            reason: &finding.reason,
            fix: &finding.fix,
            accepted: finding.accepted.as_deref(),
            scanner: finding.scanner.as_deref(),
            setting: finding.setting.as_ref().map(|setting| SettingJson {
                pointer: &setting.pointer,
                file: &setting.position.file,
                line: setting.position.line,
            }),
            standing: match finding.standing {
                Standing::Now => "now",
                Standing::OldText => "old_text",
                Standing::Before => "before",
            },
        }
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: &'static str,
    #[serde(flatten)]
    basis: BasisJson<'a>,
    denied: bool,
    summary: Summary,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    accepted: usize,
    old: usize,
}

/// Writes findings for programs.
///
/// # Errors
/// Those of `out`.
pub(crate) fn json((findings, basis): (&[Finding], &Basis), out: &mut dyn Write) -> io::Result<()> {
    let count = |wanted: &str| {
        findings
            .iter()
            .filter(|finding| word(finding) == wanted)
            .count()
    };
    let document = Document {
        format_version: super::json::FORMAT_VERSION,
        basis: basis.into(),
        denied: findings.iter().any(Finding::denies),
        summary: Summary {
            errors: count("error"),
            warnings: count("warning"),
            accepted: count("accepted"),
            old: count("old"),
        },
        findings: findings.iter().map(Into::into).collect(),
    };
    super::json::write(&document, out)
}

/// Writes findings as annotations of GitHub Actions.
///
/// # Errors
/// Those of `out`.
pub(crate) fn github(
    (findings, basis): (&[Finding], &Basis),
    prefix: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    github::basis(basis, prefix, out)?;
    github::findings(findings, prefix, out)?;
    writeln!(
        out,
        "{}",
        github::data(&format!("Findings: {}", counts(findings)))
    )
}

/// What the rules are to readers of SARIF: those of loom that were found, and those of policies.
pub(crate) fn sarif_rules(findings: &[Finding]) -> Vec<Value> {
    let mut codes: Vec<&str> = findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    let of = |code: &&str| {
        let found = findings.iter().find(|finding| finding.code == **code);
        let (title, help) = match rule(code) {
            Some(rule) => (
                rule.title.to_owned(),
                format!("{}; {}.", rule.reason, rule.fix),
            ),
            None => found.map_or_else(Default::default, |it| (it.reason.clone(), it.fix.clone())),
        };
        let level = found.map_or("error", |finding| severity(finding.severity));
        json!({
            "id": code,
            "shortDescription": { "text": format!("{title}.") },
            "help": { "text": help },
            "defaultConfiguration": { "level": level },
        })
    };
    codes.iter().map(of).collect()
}

/// Findings as results of SARIF. An accepted one is suppressed, with its reason.
pub(crate) fn sarif_results(findings: &[Finding], prefix: &str) -> Vec<Value> {
    let result = |finding: &Finding| {
        let related = finding.asked.iter().map(|asked| {
            json!({ "physicalLocation": {
                "artifactLocation": sarif::location(prefix, &asked.file),
                "region": { "startLine": asked.line },
            } })
        });
        let address = finding
            .address
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let logical = if address.is_empty() {
            json!([])
        } else {
            json!([{ "fullyQualifiedName": address, "kind": "resource" }])
        };
        let print = [finding.code.as_str(), &finding.path, &finding.message].map(str::as_bytes);
        let mut result = json!({
            "ruleId": finding.code,
            "level": if finding.is_old() { "note" } else { severity(finding.severity) },
            "message": { "text": format!("{}. {}.", visible(&sentence(finding)), visible(&finding.fix)) },
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": sarif::location(prefix, &finding.path),
                    "region": { "startLine": finding.line.unwrap_or(1), "startColumn": finding.column },
                },
                "logicalLocations": logical,
            }],
            "relatedLocations": related.collect::<Vec<_>>(),
            "partialFingerprints": { "loomFinding/v1": loom_plan::addr::ContentHash::of_parts(print).to_string() },
        });
        if finding.standing == Standing::Before {
            result["baselineState"] = json!("unchanged");
        }
        if let Some(reason) = &finding.accepted {
            result["suppressions"] = json!([{ "kind": "external", "justification": reason }]);
        }
        result
    };
    findings.iter().map(result).collect()
}

/// Writes findings as SARIF 2.1.0.
///
/// # Errors
/// Those of `out`.
pub(crate) fn sarif(
    (findings, basis): (&[Finding], &Basis),
    prefix: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (mut rules, mut results) = sarif_changes(basis, prefix);
    rules.extend(sarif_rules(findings));
    results.extend(sarif_results(findings, prefix));
    let log = sarif::log("loom/check/", &rules, &results);
    super::json::write(&log, out)
}

/// Writes findings as `JUnit`: a case for each, failed where it denies, and one that passes where
/// there is none.
///
/// # Errors
/// Those of `out`.
pub(crate) fn junit(
    (findings, basis): (&[Finding], &Basis),
    out: &mut dyn Write,
) -> io::Result<()> {
    let failures = findings
        .iter()
        .filter(|finding| finding.denies())
        .count()
        .to_string();
    let tests = (findings.len().max(1) + basis.changes.len()).to_string();
    let counts = [
        ("name", "loom check"),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", "0"),
    ];
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites")
        .with_attributes(counts)
        .write_inner_content(|xml| {
            xml.create_element("testsuite")
                .with_attributes(counts)
                .write_inner_content(|xml| {
                    basis
                        .changes
                        .iter()
                        .try_for_each(|change| changed(xml, change))?;
                    if findings.is_empty() {
                        xml.create_element("testcase")
                            .with_attribute(("name", "the security checklist"))
                            .write_empty()?;
                    }
                    findings.iter().try_for_each(|finding| case(xml, finding))
                })?;
            Ok(())
        })?;
    writeln!(xml.into_inner())
}

/// What a request changes of what it is judged by: a case that says so, and fails nothing.
fn changed(xml: &mut Writer<&mut dyn Write>, change: &Change) -> io::Result<()> {
    let text = |text: &str| drift::junit::text(text).replace('\n', " ");
    let (name, class) = (text(&change.says), text(&change.path));
    let element = xml
        .create_element("testcase")
        .with_attributes([("name", name.as_str()), ("classname", class.as_str())]);
    element.write_inner_content(|xml| {
        xml.create_element("skipped")
            .with_attribute(("message", "the request changes what it is judged by"))
            .write_empty()?;
        Ok(())
    })?;
    Ok(())
}

fn case(xml: &mut Writer<&mut dyn Write>, finding: &Finding) -> io::Result<()> {
    let text = |text: &str| drift::junit::text(text).replace('\n', " ");
    let (name, class) = (
        text(&format!("{} {}", finding.code, place(finding))),
        text(&finding.path),
    );
    let element = xml
        .create_element("testcase")
        .with_attributes([("name", name.as_str()), ("classname", class.as_str())]);
    let message = text(&sentence(finding));
    if !finding.denies() {
        element.write_inner_content(|xml| {
            let why = match &finding.accepted {
                Some(reason) => text(&format!("accepted: {reason}")),
                None if finding.is_old() => text(&format!("old: {message}")),
                None => message.clone(),
            };
            xml.create_element("skipped")
                .with_attribute(("message", why.as_str()))
                .write_empty()?;
            Ok(())
        })?;
        return Ok(());
    }
    element.write_inner_content(|xml| {
        let failure = xml.create_element("failure").with_attributes([
            ("type", finding.code.as_str()),
            ("message", message.as_str()),
        ]);
        failure.write_text_content(BytesText::new(&text(&advice(finding).join("; "))))?;
        Ok(())
    })?;
    Ok(())
}

/// The page of a rule, in Markdown.
pub(crate) fn page(code: &str) -> Option<String> {
    let rule = rule(code)?;
    let format = rule.format.title();
    let level = match rule.severity {
        Severity::Error => "an error: it denies an apply",
        Severity::Warning => "a warning",
    };
    let fence = |text: &str| {
        format!(
            "```{}\n{}```\n",
            fence_word(rule.format.word_and_sample_path().0),
            text
        )
    };
    Some(format!(
        "# {code}: {title}\n\n{format}, {area}. It is {level}.\n\n## What it means\n\n{reason}.\n\n## An example\n\n{bad}\n## What to do\n\n{fix}. So it passes:\n\n{good}\n\
         Where it is meant, accept it in loom.yaml:\n\n```yaml\npolicy:\n  accept:\n    - {{ code: {code}, address: KIND.NAME, reason: why it is meant here }}\n```\n",
        code = rule.code,
        title = rule.title,
        area = rule.area,
        reason = capital(rule.reason),
        bad = fence(rule.bad),
        fix = capital(rule.fix),
        good = fence(rule.good),
    ))
}

fn fence_word(format: &str) -> &str {
    match format {
        "dockerfile" => "dockerfile",
        "terraform" => "hcl",
        _ => "yaml",
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// All rules as one Markdown page: `docs/checks.md`.
pub(crate) fn checks_page() -> String {
    let head = "# The security checklist\n\nWritten by `cargo xtask codegen` from the rules themselves. \
                `loom explain CODE` prints a rule with an example; [security](guide/security.md) says how findings are \
                shown, accepted, and extended by policies of your own.\n\n\
                An error denies an apply (exit 5) unless it is accepted with a reason. A code is never used for anything else.\n";
    let table = |title: &str| {
        format!(
            "\n## {title}\n\n| code | | finding | subject | what to do |\n|---|---|---|---|---|\n"
        )
    };
    let cell = |text: &str| text.replace('|', "\\|");
    let mut parts = vec![head.to_owned()];
    let mut format = "";
    for rule in RULES {
        if rule.format.title() != format {
            format = rule.format.title();
            parts.push(table(format));
        }
        let (word, title, fix) = (severity(rule.severity), cell(rule.title), cell(rule.fix));
        parts.push(format!(
            "| {} | {word} | {title} | {} | {fix} |\n",
            rule.code, rule.area
        ));
    }
    parts.push(table("Any file that is named"));
    parts.push(format!(
        "| [{code}](errors/{code}.md) | error | A literal that looks like a credential | secrets management | \
         replace it where it was issued, and keep the new one in a secrets manager |\n",
        code = Code::Credential
    ));
    parts.concat()
}
