//! Which rules of the user's own policies are ever asked.
//!
//! In: the texts of policies, which the engine has read. Out: an error for each package in which no
//! rule is asked and which no other policy uses: a misspelt `dney` denies nothing, and says so to
//! nobody else.
//!
//! Rules are named by where they begin: at the start of a line, outside of every bracket. A package
//! of helpers has none that is asked, and is named (`data.lib`) by those that use it.

use std::collections::BTreeMap;

use super::policy::{Source, severity_of};
use crate::diag::{Code, Diagnostic, did_you_mean};

/// What rules are called that are asked.
const ASKED: [&str; 3] = ["deny", "violation", "warn"];

/// The packages in which nothing is asked.
pub fn unasked(sources: &[Source]) -> Vec<Diagnostic> {
    let mut packages: BTreeMap<String, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        packages
            .entry(package(&source.text))
            .or_default()
            .push(source);
    }
    let is_used = |name: &str| {
        let named = format!("data.{name}");
        sources.iter().any(|source| source.text.contains(&named))
    };
    let mut found = Vec::new();
    for (name, files) in &packages {
        let heads: Vec<&str> = files.iter().flat_map(|file| heads(&file.text)).collect();
        let is_asked = heads.iter().any(|head| severity_of(head).is_some());
        if is_asked || is_used(name) {
            continue;
        }
        let near = heads.iter().find_map(|head| {
            let stem = head.split('_').next().unwrap_or(head);
            did_you_mean(stem, ASKED).map(|near| (*head, head.replacen(stem, near, 1)))
        });
        let near = near.map_or_else(String::new, |(head, near)| {
            format!("; did you mean `{near}` by `{head}`?")
        });
        let message = format!(
            "{}: no rule of the package `{name}` is ever asked: only those called `deny`, `violation` or `warn` are, and those whose names begin with one of them and `_`{near}",
            files[0].path
        );
        found.push(Diagnostic::new(Code::Policy, message).help(
            "name the rule so, or take the file out of policy/; a package of helpers is used by `import data.…`",
        ));
    }
    found
}

/// How many rules are asked.
pub fn count(sources: &[Source]) -> usize {
    let heads = sources.iter().flat_map(|source| heads(&source.text));
    let mut asked: Vec<&str> = heads.filter(|head| severity_of(head).is_some()).collect();
    asked.sort_unstable();
    asked.dedup();
    asked.len()
}

fn package(text: &str) -> String {
    let line = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("package "));
    let name = line.unwrap_or_default();
    let end = name.find([' ', '\t', '#', ';']).unwrap_or(name.len());
    name[..end].trim().to_owned()
}

/// The names with which rules begin.
fn heads(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut heads, mut depth, mut at, mut fresh) = (Vec::new(), 0_usize, 0, true);
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'\n' => fresh = true,
            b' ' | b'\t' | b'\r' => {}
            b'#' => {
                at += text[at..].find('\n').unwrap_or(text.len() - at);
                continue;
            }
            b'"' => {
                at = end_of_text(bytes, at);
                fresh = false;
                continue;
            }
            b'`' => {
                at += 1 + text[at + 1..]
                    .find('`')
                    .map_or(text.len() - at - 1, |end| end + 1);
                fresh = false;
                continue;
            }
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ if fresh && depth == 0 && (byte.is_ascii_alphabetic() || byte == b'_') => {
                let word = word(text, at);
                at += word.len();
                if word == "default" {
                    continue;
                }
                if !matches!(word, "package" | "import" | "else") {
                    heads.push(word);
                }
                fresh = false;
                continue;
            }
            _ => fresh = false,
        }
        at += 1;
    }
    heads
}

fn word(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    &rest[..rest.bytes().take_while(is_word).count()]
}

/// After the text that begins with a quote at a place.
fn end_of_text(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != b'"' && bytes[end] != b'\n' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_misspelt_rule_is_said_with_the_name_that_was_meant() {
        for misspelt in ["dney", "denny", "wran", "violatoin", "dney_latest"] {
            let text =
                format!("package main\n\n{misspelt} contains msg if {{\n  msg := \"deny\"\n}}\n");
            let found = unasked(&[source("policy/a.rego", &text)]);
            assert_eq!(found.len(), 1, "{misspelt}");
            assert!(
                found[0].message.contains(&format!("by `{misspelt}`?")),
                "{}",
                found[0].message
            );
        }
    }

    #[test]
    fn rules_that_are_asked_and_packages_that_are_used_are_none() {
        let lib = source(
            "policy/lib.rego",
            "package lib.k8s\n\nis_pod(x) if x.kind == \"Pod\"\n",
        );
        let main = source(
            "policy/a.rego",
            "package main\nimport data.lib.k8s\n# dney\ndeny_no_team[msg] {\n  k8s.is_pod(input)\n  msg := `warn\ndeny`\n}\ndefault warn := false\n",
        );
        assert!(unasked(&[lib.clone(), main.clone()]).is_empty());
        assert_eq!(unasked(std::slice::from_ref(&lib)).len(), 1);
        assert_eq!(count(&[lib, main]), 2);
    }
}
