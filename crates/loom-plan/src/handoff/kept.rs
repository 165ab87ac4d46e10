//! What people added to a section that is there keeps its place in the one that is written anew.
//!
//! In: the section as it stands in the story's file, and the one that loom derives. Out: the new one,
//! with sentences of people in `notes`, proposals under ids that are none of loom's rules, and keys of
//! people in loom's proposals. Everything else is loom's, and written anew.
//!
//! Loom's own sentences are told from people's by how they begin and end; what follows an empty line
//! is people's as a whole. In doubt a sentence stays: one too many can be taken out, one that is lost
//! cannot be found again.

use serde_json::{Map, Value};

use super::rules;
use super::section::Section;

/// How loom's sentences begin and end.
const SENTENCES: &[(&str, &str)] = &[
    ("Blue/green deployment through ", "."),
    ("Deployment through ", "."),
    (
        "Infrastructure by Terraform; it exists once these are applied: ",
        ".",
    ),
    ("Alerts: ", ")."),
    ("To be set in ", "."),
    (
        "Accepted as they are, with what people wrote in them: ",
        ".",
    ),
    ("Somebody must decide about ", " says how."),
    ("Not applied yet: ", " does it."),
    ("Held until ", " is completed."),
];

/// The section as JSON, with what people added to the one that is there.
///
/// # Errors
/// What JSON cannot hold.
pub fn keeping(section: &Section, there: Option<&Value>) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(section)?;
    let (Some(new), Some(there)) = (value.as_object_mut(), there.and_then(Value::as_object)) else {
        return Ok(value);
    };
    for (key, old) in there {
        match (key.as_str(), new.get_mut(key)) {
            ("notes", Some(Value::String(notes))) => {
                if let Some(old) = old.as_str() {
                    *notes = with_notes(notes, old);
                }
            }
            ("weaveProposals", Some(Value::Array(proposals))) => {
                for old in old.as_array().into_iter().flatten() {
                    keep_proposal(proposals, old);
                }
            }
            // the section is loom's otherwise
            (_, _) => {}
        }
    }
    Ok(value)
}

/// A proposal of people stays as it is; to one of loom's own they may have added keys.
fn keep_proposal(proposals: &mut Vec<Value>, old: &Value) {
    let id = |proposal: &Value| {
        proposal
            .get("id")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    match id(old) {
        Some(of) if rules::IDS.contains(&of.as_str()) => {
            let same = proposals
                .iter_mut()
                .find(|new| id(new).as_ref() == Some(&of));
            let (Some(new), Some(old)) = (same.and_then(Value::as_object_mut), old.as_object())
            else {
                return;
            };
            add(new, old);
        }
        Some(_) | None => proposals.push(old.clone()),
    }
}

fn add(new: &mut Map<String, Value>, old: &Map<String, Value>) {
    for (key, value) in old {
        if !new.contains_key(key) {
            new.insert(key.clone(), value.clone());
        }
    }
}

/// Loom's sentences, and then those of people.
fn with_notes(notes: &str, old: &str) -> String {
    let (first, rest) = old
        .split_once("\n\n")
        .map_or((old, ""), |(first, rest)| (first, rest));
    let theirs: Vec<&str> = sentences(first)
        .into_iter()
        .filter(|sentence| !is_loom_s(sentence) && !notes.contains(sentence))
        .collect();
    let theirs = [theirs.join(" "), rest.to_owned()];
    let parts = std::iter::once(notes).chain(theirs.iter().map(String::as_str));
    let parts: Vec<&str> = parts
        .map(|part| part.trim_matches('\n'))
        .filter(|part| !part.trim().is_empty())
        .collect();
    parts.join("\n\n")
}

fn is_loom_s(sentence: &str) -> bool {
    SENTENCES
        .iter()
        .any(|(begins, ends)| sentence.starts_with(begins) && sentence.ends_with(ends))
}

/// The sentences of a text: each ends with a full stop before a space, or with the line. One of loom's
/// goes on over full stops in the names that it tells, up to where it can end.
fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut rest = line.trim();
        while !rest.is_empty() {
            let ends = rest
                .match_indices(". ")
                .map(|(at, _)| at + 1)
                .chain([rest.len()]);
            let begins = SENTENCES
                .iter()
                .find(|(begins, _)| rest.starts_with(begins));
            let end = match begins {
                Some((_, wanted)) => ends
                    .clone()
                    .find(|end| rest[..*end].ends_with(wanted))
                    .unwrap_or_else(|| ends.clone().next().unwrap_or(rest.len())),
                None => ends.clone().next().unwrap_or(rest.len()),
            };
            found.push(rest[..end].trim());
            rest = rest[end..].trim_start();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_of_people_stay_and_those_of_loom_are_written_anew() {
        let new = "Deployment through GitHub Actions.";
        let cases = [
            ("", new.to_owned()),
            (new, new.to_owned()),
            (
                "Not applied yet: a.yml; `loom apply --story S-1` does it.",
                new.to_owned(),
            ),
            (
                "Deployment through GitHub Actions. Call Ada before the first one.",
                format!("{new}\n\nCall Ada before the first one."),
            ),
            (
                "Alerts: Latency: p95. high (a.yml). Call Ada.",
                format!("{new}\n\nCall Ada."),
            ),
            (
                "Deployment through GitHub Actions, but never on Fridays!",
                format!("{new}\n\nDeployment through GitHub Actions, but never on Fridays!"),
            ),
            (
                "Deployment through X.\n\nFirst line.\nSecond. Held until T-1 is completed.\n",
                format!("{new}\n\nFirst line.\nSecond. Held until T-1 is completed."),
            ),
        ];
        for (old, expected) in cases {
            let once = with_notes(new, old);
            assert_eq!(once, expected, "{old}");
            assert_eq!(with_notes(new, &once), once, "again: {old}");
        }
        assert_eq!(with_notes("", "Call Ada."), "Call Ada.");
    }

    #[test]
    fn every_rule_has_its_id_in_the_list() {
        let source = include_str!("rules.rs");
        let (list, made) = source
            .split_once("/// The proposals of all")
            .expect("it is there");
        for id in rules::IDS {
            assert!(
                list.contains(id) && made.contains(&format!("\"{id}\"")),
                "{id}"
            );
        }
        assert_eq!(rules::IDS.len(), rules::count());
    }

    #[test]
    fn a_proposal_of_people_stays_by_its_id_and_one_of_loom_is_written_anew() {
        let known = rules::IDS[0];
        let mut proposals = vec![serde_json::json!({ "id": known, "summary": "new" })];
        let there = [
            serde_json::json!({ "id": known, "summary": "old", "owner": "Ada" }),
            serde_json::json!({ "id": rules::IDS[1], "summary": "no longer so" }),
            serde_json::json!({ "id": "ours-1", "summary": "what we met" }),
        ];
        for old in &there {
            keep_proposal(&mut proposals, old);
        }
        assert_eq!(
            proposals,
            [
                serde_json::json!({ "id": known, "summary": "new", "owner": "Ada" }),
                serde_json::json!({ "id": "ours-1", "summary": "what we met" }),
            ]
        );
    }
}
