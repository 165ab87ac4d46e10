//! What a request changes of what it is judged by: policies, and the exceptions that loom.yaml makes.
//!
//! In: what stood in a commit, and what stands now. Out: [`Change`]s for whoever reviews the request: a
//! request that takes a rule away, or an exception in, is the one in which the rule would have spoken.

use std::collections::BTreeMap;

use super::accept::{Accept, Exception};
use super::bars::Bars;
use super::policy::Source;
use crate::credential::masked;
use crate::text::Sources;

/// The file in which exceptions stand.
const PROJECT: &str = crate::project::read::PROJECT_FILE;

/// What findings are judged by.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The policies.
    pub policies: Vec<Source>,
    /// `policy.accept`.
    pub accept: Vec<Accept>,
    /// `policy.sarif`.
    pub bars: Bars,
    /// The texts that the entries stand in.
    pub sources: Sources,
}

/// Something that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file that says it.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What changed, as a clause.
    pub says: String,
}

/// Everything that is not as it was, policies first.
pub fn changes(before: &Terms, now: &Terms) -> Vec<Change> {
    let mut all = policies(&before.policies, &now.policies);
    all.extend(exceptions(before, now));
    all.extend(bars(before.bars, now.bars));
    all
}

fn policies(before: &[Source], now: &[Source]) -> Vec<Change> {
    let by_path = |sources: &[Source]| -> BTreeMap<String, String> {
        let of = |source: &Source| (source.path.clone(), source.text.clone());
        sources.iter().map(of).collect()
    };
    let (before, now) = (by_path(before), by_path(now));
    let said = |path: &String, what: &str| Change {
        path: path.clone(),
        line: 1,
        says: format!("the policy {path} {what}"),
    };
    let gone = before
        .keys()
        .filter(|path| !now.contains_key(*path))
        .map(|path| said(path, "is gone"));
    let others = now
        .iter()
        .filter_map(|(path, text)| match before.get(path) {
            None => Some(said(path, "is new")),
            Some(old) if old != text => Some(said(path, "says something else")),
            Some(_) => None,
        });
    gone.chain(others).collect()
}

fn exceptions(before: &Terms, now: &Terms) -> Vec<Change> {
    let by_exception = |terms: &Terms| -> BTreeMap<Exception, (String, usize)> {
        let of = |entry: &Accept| {
            let line = terms.sources.position(entry.span).line;
            (entry.exception(), (entry.reason.clone(), line))
        };
        terms.accept.iter().map(of).collect()
    };
    let (before, now) = (by_exception(before), by_exception(now));
    let said = |exception: &Exception, line: usize, what: &str| Change {
        path: PROJECT.to_owned(),
        line,
        says: masked(&format!("the exception for {} {what}", named(exception))).into_owned(),
    };
    let gone = before
        .keys()
        .filter(|exception| !now.contains_key(*exception))
        .map(|exception| said(exception, 1, "is gone"));
    let others = now
        .iter()
        .filter_map(|(exception, (reason, line))| match before.get(exception) {
            None => Some(said(exception, *line, &format!("is new: {reason}"))),
            Some((old, _)) if old != reason => {
                let what = format!("has another reason: {reason}");
                Some(said(exception, *line, &what))
            }
            Some(_) => None,
        });
    gone.chain(others).collect()
}

fn bars(before: Bars, now: Bars) -> Vec<Change> {
    let both = before.levels().into_iter().zip(now.levels());
    let changed = both.filter(|((_, old), (_, new))| old != new);
    changed
        .map(|((level, old), (_, new))| Change {
            path: PROJECT.to_owned(),
            line: 1,
            says: format!(
                "`policy.sarif.{level}`, what becomes of scanners' findings of that level, is `{}` and was `{}`",
                new.as_str(),
                old.as_str()
            ),
        })
        .collect()
}

/// `LOOM1203 in what kubernetes.manifest.api writes`
fn named(exception: &Exception) -> String {
    let code = &exception.code;
    match (&exception.address, &exception.path) {
        (Some(address), _) => format!("{code} in what {address} writes"),
        (None, Some(path)) => format!("{code} in {path}"),
        (None, None) => code.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Diagnostics;
    use crate::node;

    fn terms(policies: &[(&str, &str)], accept: &str) -> Terms {
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        let id = sources.add(PROJECT, accept);
        let node = node::parse_one(&sources, id, &mut out).expect("YAML");
        let entries = node.as_seq().expect("a list").iter();
        let accept = entries
            .filter_map(|node| Accept::read(node, &mut out))
            .collect();
        assert!(out.is_empty(), "{out:?}");
        let policies = policies.iter().map(|(path, text)| Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        });
        Terms {
            policies: policies.collect(),
            accept,
            bars: Bars::default(),
            sources,
        }
    }

    fn said(before: &Terms, now: &Terms) -> Vec<(String, usize)> {
        let found = changes(before, now);
        found.into_iter().map(|it| (it.says, it.line)).collect()
    }

    #[test]
    fn everything_that_is_not_as_it_was_is_said_and_nothing_else() {
        let before = terms(
            &[("policy/a.rego", "a"), ("policy/b.rego", "b")],
            "- { code: LOOM1203, address: file.a, reason: one }\n- { code: main.deny, path: x.yml, reason: two }\n",
        );
        assert!(said(&before, &before).is_empty());
        let now = terms(
            &[("policy/b.rego", "c"), ("policy/d.rego", "d")],
            "- { code: loom1203, address: file.a, reason: three }\n- { code: LOOM1302, path: \"old/**\", reason: four }\n",
        );
        let wanted = [
            ("the policy policy/a.rego is gone", 1),
            ("the policy policy/b.rego says something else", 1),
            ("the policy policy/d.rego is new", 1),
            ("the exception for main.deny in x.yml is gone", 1),
            (
                "the exception for LOOM1203 in what file.a writes has another reason: three",
                1,
            ),
            ("the exception for LOOM1302 in old/** is new: four", 2),
        ];
        let found = said(&before, &now);
        let mut found: Vec<(&str, usize)> = found
            .iter()
            .map(|(says, line)| (says.as_str(), *line))
            .collect();
        let mut wanted = wanted.to_vec();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted);
    }
}
