//! Delegated keys: versions in loom's own files that a bot raises.
//!
//! In: patterns such as `jobs.*.steps[*].uses`, and the texts of both sides. Out: the texts without
//! the versions, to be compared; and loom's text with the versions that stand in the file.
//!
//! Only the version is the bot's: of `actions/checkout@SHA # v4.2.2` what follows the `@` and the
//! comment behind it, of `postgres:16.4` what follows the `:`, else the whole value. A value finds
//! its version again by the keys that lead to it, by the `name` or `id` of the entries of lists on
//! the way, and by what it names: never by where in a list it stands, so that no version goes to
//! another thing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use super::Format;
use super::data::{Data, Form};

/// Which keys are delegated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPattern(Vec<Part>);

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Key(String),
    AnyKey,
    AnyEntry,
}

impl KeyPattern {
    /// Reads `jobs.*.steps[*].uses`: `*` is any key, `[*]` any entry of a list, and a key that holds
    /// a dot is quoted.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut rest, mut parts) = (text, Vec::new());
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix("[*]") {
                parts.push(Part::AnyEntry);
                rest = behind;
                continue;
            }
            let key = if parts.is_empty() {
                rest
            } else {
                rest.strip_prefix('.')?
            };
            let end = match key.strip_prefix('"') {
                Some(quoted) => quoted.find('"')? + 2,
                None => key.find(['.', '[']).unwrap_or(key.len()),
            };
            let (key, behind) = key.split_at(end);
            parts.push(match key.trim_matches('"') {
                "" => return None,
                "*" if key == "*" => Part::AnyKey,
                bare => Part::Key(bare.to_owned()),
            });
            rest = behind;
        }
        (!parts.is_empty()).then_some(Self(parts))
    }

    /// Calls `found` with every value that the pattern leads to, and with what tells it apart.
    fn walk<'a>(
        parts: &[Part],
        data: &'a Data,
        identity: &str,
        found: &mut dyn FnMut(String, &'a Data),
    ) {
        let Some((part, rest)) = parts.split_first() else {
            return found(identity.to_owned(), data);
        };
        match (part, &data.form) {
            (Part::Key(key), Form::Map(entries)) => {
                if let Some(entry) = entries.get(key) {
                    Self::walk(rest, &entry.data, &format!("{identity}.{key}"), found);
                }
            }
            (Part::AnyKey, Form::Map(entries)) => {
                entries.iter().for_each(|(key, entry)| {
                    Self::walk(rest, &entry.data, &format!("{identity}.{key}"), found);
                });
            }
            (Part::AnyEntry, Form::List(items)) => {
                for item in items {
                    let name = ["name", "id"]
                        .iter()
                        .find_map(|by| Some(item.entry(by)?.data.canonical()));
                    Self::walk(
                        rest,
                        item,
                        &format!("{identity}[{}]", name.unwrap_or_default()),
                        found,
                    );
                }
            }
            (
                Part::Key(_) | Part::AnyKey | Part::AnyEntry,
                Form::Scalar(_) | Form::List(_) | Form::Map(_),
            ) => {}
        }
    }

    /// Replaces every value that the pattern leads to by what it names.
    fn blank(parts: &[Part], data: &mut Data) {
        let Some((part, rest)) = parts.split_first() else {
            data.form = Form::Scalar(format!("{} in any version", named(&data.canonical())));
            return;
        };
        match (part, &mut data.form) {
            (Part::Key(key), Form::Map(entries)) => {
                if let Some(entry) = entries.get_mut(key) {
                    Self::blank(rest, &mut entry.data);
                }
            }
            (Part::AnyKey, Form::Map(entries)) => {
                for entry in entries.values_mut() {
                    Self::blank(rest, &mut entry.data);
                }
            }
            (Part::AnyEntry, Form::List(items)) => {
                for item in items {
                    Self::blank(rest, item);
                }
            }
            (
                Part::Key(_) | Part::AnyKey | Part::AnyEntry,
                Form::Scalar(_) | Form::List(_) | Form::Map(_),
            ) => {}
        }
    }
}

/// What a value names, without its version.
fn named(value: &str) -> &str {
    if let Some((name, _)) = value
        .split_once('@')
        .filter(|(name, _)| !name.trim_start_matches(['"', '\'']).is_empty())
    {
        return name;
    }
    match value.rsplit_once(':') {
        Some((name, version)) if !version.contains('/') && !name.contains("://") => name,
        Some(_) | None => "",
    }
}

/// A version: what names it, where it stands with the comment behind it.
struct Version {
    identity: String,
    span: Range<usize>,
}

/// The versions of a text, in its order; none where it does not parse.
fn versions(format: &dyn Format, text: &str, patterns: &[KeyPattern]) -> Vec<Version> {
    // places are those of a text as loom writes it
    if text.contains('\r') || text.starts_with('\u{feff}') {
        return Vec::new();
    }
    let Ok(data) = format.read(text) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for pattern in patterns {
        KeyPattern::walk(&pattern.0, &data, "", &mut |identity, value| {
            let raw = &text[value.span.clone()];
            let name = named(raw.trim_end());
            let end = value.span.start + raw.trim_end().len();
            let behind = &text[end..end + text[end..].find('\n').unwrap_or(text.len() - end)];
            let has_comment = format
                .comments()
                .iter()
                .any(|mark| behind.trim_start().starts_with(mark));
            let end = if has_comment { end + behind.len() } else { end };
            let identity = format!("{identity} {name}");
            all.push(Version {
                identity,
                span: value.span.start + name.len()..end,
            });
        });
    }
    all.sort_by_key(|version| (version.span.start, version.span.end));
    all.dedup_by(|later, first| later.span.start < first.span.end);
    all
}

/// Whether the patterns lead to anything in a text.
pub fn leads_somewhere(format: &dyn Format, text: &str, pattern: &KeyPattern) -> bool {
    !versions(format, text, std::slice::from_ref(pattern)).is_empty()
}

/// The text without its versions, to be compared.
pub fn without_versions(format: &dyn Format, text: &str, patterns: &[KeyPattern]) -> String {
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for version in versions(format, text, patterns) {
        write!(out, "{}\0", &text[at..version.span.start])
            .expect("writing to a string cannot fail");
        at = version.span.end;
    }
    out + &text[at..]
}

/// The data without its versions.
#[must_use]
pub fn without_versions_in(data: &Data, patterns: &[KeyPattern]) -> Data {
    let mut data = data.clone();
    for pattern in patterns {
        KeyPattern::blank(&pattern.0, &mut data);
    }
    data
}

/// What is wanted, with the versions of what is there. Of several that nothing tells apart each
/// takes that of the one with its number, if there are as many.
pub fn with_versions_of(
    format: &dyn Format,
    wanted: &str,
    there: &str,
    patterns: &[KeyPattern],
) -> String {
    let by_identity = |text: &str| {
        let mut groups: BTreeMap<String, Vec<Range<usize>>> = BTreeMap::new();
        for version in versions(format, text, patterns) {
            groups
                .entry(version.identity)
                .or_default()
                .push(version.span);
        }
        groups
    };
    let (new, old) = (by_identity(wanted), by_identity(there));
    let mut taken: Vec<(Range<usize>, &str)> = Vec::new();
    for (identity, spans) in new {
        let Some(others) = old
            .get(&identity)
            .filter(|others| others.len() == spans.len())
        else {
            continue;
        };
        taken.extend(
            spans
                .into_iter()
                .zip(others.iter().map(|span| &there[span.clone()])),
        );
    }
    taken.sort_by_key(|(span, _)| span.start);
    let (mut out, mut at) = (String::with_capacity(wanted.len()), 0);
    for (span, version) in taken {
        out.push_str(&wanted[at..span.start]);
        out.push_str(version);
        at = span.end;
    }
    out + &wanted[at..]
}
