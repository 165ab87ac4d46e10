//! A plan as SARIF 2.1.0, for code scanning and editors.
//!
//! In: an outcome. Out: one log with one run. Each conflict is an error, each deletion a warning and
//! every other change a note, under a rule of its own where it came with a newer loom alone; a result names the file, the places in the input that caused it, and
//! the artifact as its logical location. Its fingerprint is made of rule, path and artifact, so that
//! the same finding is the same alert in the next run.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>.

use std::fmt::Write as _;
use std::io::{self, Write};

use loom_plan::addr::ContentHash;
use loom_plan::check::Finding;
use loom_plan::plan::{Action, Cause, Conflicting, NoteKind, Outcome, Verb};
use loom_plan::text::Position;
use serde_json::{Value, json};

use super::check::capital;
use super::sections::{Section, sections};
use super::style::{visible, visible_lines};
use super::{Accepted, Basis, Contents, by_hand, causes, check};

/// What a finding can be: identifier, level, one sentence.
const RULES: &[(&str, &str, &str)] = &[
    (
        "loom/conflict",
        "error",
        "Loom cannot act without losing somebody's work: a person decides.",
    ),
    ("loom/delete", "warning", "The plan deletes the file."),
    ("loom/create", "note", "The plan creates the file."),
    ("loom/update", "note", "The plan updates the file."),
    ("loom/move", "note", "The plan moves the file."),
    (
        "loom/record",
        "note",
        "The plan writes no byte of the file; the ledger catches up.",
    ),
    (
        "loom/upgrade",
        "note",
        "Nobody asked for the change: it comes with a newer version of loom alone.",
    ),
    (
        "loom/outside",
        "warning",
        "Something goes on outside the repository, with nobody to manage it.",
    ),
    (
        "loom/accept",
        "warning",
        "What a person wrote into the file is taken as good.",
    ),
];

/// Writes the log. `prefix` leads from the repository's top to the directory of loom.yaml; it is
/// empty or ends in `/`.
///
/// # Errors
/// Those of `out`.
pub(crate) fn plan(
    (outcome, contents): (&Outcome, &dyn Contents),
    (findings, basis): (&[Finding], &Basis),
    prefix: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (rules_of_basis, of_basis) = check::sarif_changes(basis, prefix);
    let rule = |(id, level, text): &(&str, &str, &str)| json!({ "id": id, "shortDescription": { "text": text }, "defaultConfiguration": { "level": level } });
    let conflicts = outcome
        .conflicts()
        .iter()
        .map(|conflict| of_conflict(conflict, prefix));
    let sections = sections(outcome.actions());
    let changes = sections.iter().flat_map(|section| {
        section
            .actions
            .iter()
            .map(|action| of_action(action, section, contents, prefix))
    });
    let going_on = outcome.report().notes.iter().filter_map(|note| {
        let path = note.path.as_ref()?;
        let is_one = matches!(note.kind, NoteKind::GoesOn { .. });
        is_one.then(|| {
            let alert = Alert {
                rule: 7,
                text: visible(&causes::note_sentence(&note.kind, &[note])).into_owned(),
                path: path.as_str(),
                address: &note.address.to_string(),
                causes: &[],
            };
            result(alert, prefix)
        })
    });
    let results: Vec<Value> = conflicts
        .chain(changes)
        .chain(of_basis)
        .chain(going_on)
        .chain(check::sarif_results(findings, prefix))
        .collect();
    let rules: Vec<Value> = RULES
        .iter()
        .map(rule)
        .chain(rules_of_basis)
        .chain(check::sarif_rules(findings))
        .collect();
    super::json::write(&log("loom/plan/", &rules, &results), out)
}

/// A log with one run.
pub(super) fn log(id: &str, rules: &[Value], results: &[Value]) -> Value {
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "loom", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "automationDetails": { "id": id },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn of_conflict(conflict: &Conflicting, prefix: &str) -> Value {
    let word = causes::conflict_clause(conflict.conflict);
    let ways: Vec<String> = conflict
        .ways
        .iter()
        .map(|way| format!("- {}", visible(&way.to_string())))
        .collect();
    let by_hand = visible_lines(&by_hand::plain(conflict));
    let text = format!(
        "{word}. {}\n{}{by_hand}",
        visible(&causes::conflict_sentences(conflict)),
        ways.join("\n")
    );
    result(
        Alert {
            rule: 0,
            text,
            path: conflict.path.as_str(),
            address: &conflict.address.to_string(),
            causes: &[],
        },
        prefix,
    )
}

fn of_action(
    action: &Action,
    section: &Section<'_>,
    contents: &dyn Contents,
    prefix: &str,
) -> Value {
    let accepted = Accepted::of(contents, action);
    let rule = match action.verb {
        _ if accepted.is_some() => 8,
        _ if section.upgrade.is_some() => 6,
        Verb::Delete => 1,
        Verb::Create => 2,
        Verb::Update => 3,
        Verb::Move { .. } => 4,
        Verb::Adopt | Verb::Keep | Verb::Forget => 5,
    };
    let causes = causes::of(action);
    let why: Vec<String> = causes
        .iter()
        .map(|cause| visible(&causes::clause(cause)).into_owned())
        .collect();
    let text = if let Some(upgrade) = section.heading() {
        format!("{} {}", visible(&upgrade), RULES[rule].2)
    } else {
        let accepted = accepted.map(|it| format!(" {}.", capital(&it.sentence())));
        format!(
            "{}{} Because: {}.",
            RULES[rule].2,
            accepted.unwrap_or_default(),
            why.join("; ")
        )
    };
    let (path, address) = (action.path.as_str(), action.address().to_string());
    result(
        Alert {
            rule,
            text,
            path,
            address: &address,
            causes: &causes,
        },
        prefix,
    )
}

struct Alert<'a> {
    /// Its place among the rules.
    rule: usize,
    text: String,
    path: &'a str,
    address: &'a str,
    causes: &'a [&'a Cause],
}

fn result(finding: Alert<'_>, prefix: &str) -> Value {
    let Alert {
        rule,
        text,
        path,
        address,
        causes,
    } = finding;
    let (id, level, _) = RULES[rule];
    let places = causes
        .iter()
        .filter_map(|cause| position(cause))
        .enumerate();
    let related = places.map(|(id, place)| {
        json!({
            "id": id,
            "physicalLocation": { "artifactLocation": location(prefix, &place.file), "region": { "startLine": place.line } },
        })
    });
    let print = ContentHash::of_parts([id.as_bytes(), path.as_bytes(), address.as_bytes()]);
    json!({
        "ruleId": id,
        "ruleIndex": rule,
        "level": level,
        "message": { "text": text },
        "locations": [{
            "physicalLocation": { "artifactLocation": location(prefix, path), "region": { "startLine": 1 } },
            "logicalLocations": [{ "fullyQualifiedName": address, "kind": "resource" }],
        }],
        "relatedLocations": related.collect::<Vec<_>>(),
        "partialFingerprints": { "loomFinding/v1": print.to_string() },
    })
}

/// Where the input says it.
fn position(cause: &Cause) -> Option<&Position> {
    match cause {
        Cause::Setting { position, .. } => position.as_ref(),
        Cause::Task { position, .. }
        | Cause::Standing(position)
        | Cause::Removed(position)
        | Cause::Path(position)
        | Cause::Moved { position, .. } => Some(position),
        Cause::BuiltIn
        | Cause::Edited
        | Cause::Merged
        | Cause::Vanished
        | Cause::KindVersion { .. }
        | Cause::RefersTo(_)
        | Cause::Undeclared
        | Cause::AlreadyThere
        | Cause::Adopted
        | Cause::KeysLeft
        | Cause::Delegated { .. }
        | Cause::ClaimChanged => None,
    }
}

/// A path as a URI relative to the repository's top (RFC 3986, section 2.3: all but the unreserved
/// characters are escaped).
pub(super) fn location(prefix: &str, path: &str) -> Value {
    let mut uri = String::new();
    for byte in prefix.bytes().chain(path.bytes()) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            byte => write!(uri, "%{byte:02X}").expect("writing to a string cannot fail"),
        }
    }
    json!({ "uri": uri, "uriBaseId": "%SRCROOT%" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{Scene, day, drifting};
    use loom_plan::plan::decide::Conflict;

    fn of(outcome: &Outcome, prefix: &str) -> Value {
        let mut out = Vec::new();
        plan(
            (outcome, &Scene::default()),
            (&[], &Basis::default()),
            prefix,
            &mut out,
        )
        .expect("writing to memory cannot fail");
        serde_json::from_slice(&out).expect("JSON")
    }

    #[test]
    fn a_plan_is_a_valid_log() {
        let mut scene = day();
        scene.conflict(
            Conflict::Edited,
            "docs/über <a>.md",
            "markdown.page.a",
            [None, None],
            &["keep it"],
        );
        let log = of(&scene.ready(), "shop/");
        let schema: Value = serde_json::from_str(include_str!(
            "../../../../fixtures/schemas/sarif-2.1.0.json"
        ))
        .expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let results = log["runs"][0]["results"].as_array().expect("a list");
        assert_eq!(results.len(), scene.actions.len() + 1);
        assert_eq!(results[0]["level"], "error");
        let place = &results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(place, "shop/docs/%C3%BCber%20%3Ca%3E.md");
        let of_its_index = |result: &Value| {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("a number"))
                .expect("a small one");
            result["ruleId"] == log["runs"][0]["tool"]["driver"]["rules"][index]["id"]
        };
        assert!(results.iter().all(of_its_index));
    }

    #[test]
    fn what_comes_with_a_newer_loom_has_a_rule_of_its_own() {
        let mut scene = drifting();
        scene.conflicts.clear();
        let log = of(&scene.ready(), "");
        let results = log["runs"][0]["results"].as_array().expect("a list");
        let upgraded: Vec<&Value> = results
            .iter()
            .filter(|result| result["ruleId"] == "loom/upgrade")
            .collect();
        assert_eq!(upgraded.len(), 1);
        let place = &upgraded[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(
            (place.as_str(), upgraded[0]["level"].as_str()),
            (Some("k8s/production/entity-api.yml"), Some("note"))
        );
        let said = upgraded[0]["message"]["text"].as_str().expect("text");
        assert!(
            said.starts_with(
                "Generator upgraded: kubernetes.manifest 1 → 2: Probes stand behind ports. "
            ),
            "{said}"
        );
        assert_eq!(
            log["runs"][0]["tool"]["driver"]["rules"][6]["id"],
            "loom/upgrade"
        );
    }

    #[test]
    fn a_finding_has_the_same_fingerprint_in_the_next_run_and_another_than_all_others() {
        let scene = day();
        let prints = |outcome: &Outcome| -> Vec<String> {
            let log = of(outcome, "");
            let results = log["runs"][0]["results"]
                .as_array()
                .expect("a list")
                .clone();
            results
                .iter()
                .map(|result| result["partialFingerprints"]["loomFinding/v1"].to_string())
                .collect()
        };
        let first = prints(&scene.ready());
        assert_eq!(first, prints(&scene.blocked()));
        let different: std::collections::BTreeSet<&String> = first.iter().collect();
        assert_eq!(different.len(), first.len());
        assert!(prints(&Scene::default().ready()).is_empty());
    }
}
