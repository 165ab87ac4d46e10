//! Reports of scanners: SARIF 2.1.0, as far as a finding is told in it.
//!
//! In: the text of a report. Out: [`Reported`] results, each with its place as the scanner wrote it, and
//! where that is in this repository ([`Roots::find`]). Loom runs no scanner.
//!
//! Reports come from many programs, few of which hold the standard to the letter: what is missing, null
//! or unknown is read as its sternest meaning, and what is of another type is an error with its place.
//! Texts are shortened, since nothing bounds them, and nothing of them is believed to be markup.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>.
//!
//! Deliberately not here: which finding denies, and what is old.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Number;

use crate::diag::{Code, Diagnostic};

/// The largest report that is read, in bytes.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// How many characters of a message are shown.
const MESSAGE: usize = 400;
/// How many characters a code may have.
const CODE: usize = 120;
/// How many base URIs may lead to another.
const BASES: usize = 16;

/// How grave the scanner takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `error`, and every word that the standard does not have.
    Error,
    /// `warning`, and where nothing is said.
    Warning,
    /// `note` and `none`.
    Note,
}

/// One result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The scanner's name.
    pub scanner: String,
    /// The scanner's own code.
    pub code: String,
    /// How grave it is.
    pub level: Level,
    /// What was found.
    pub message: String,
    /// What the rule says of itself.
    pub reason: String,
    /// Where there is more to read.
    pub help: Option<String>,
    /// The file, as it was written; none of the project as a whole.
    pub uri: Option<Uri>,
    /// The first and the last line, from 1.
    pub lines: Option<(usize, usize)>,
    /// The column, from 1.
    pub column: usize,
    /// Why the scanner does not count it.
    pub suppressed: Option<String>,
}

/// A place as a scanner writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uri {
    /// Seen from wherever the scanner ran.
    Relative(String),
    /// Seen from the top of the file system.
    Absolute(String),
    /// Somewhere else, such as on the web.
    Elsewhere(String),
}

/// What a report holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The results.
    pub results: Vec<Reported>,
    /// The scanners that say that they did not come to their end.
    pub unfinished: Vec<String>,
}

#[derive(Deserialize)]
struct Log {
    version: Option<String>,
    runs: Option<Vec<Run>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Run {
    tool: Tool,
    original_uri_base_ids: Option<BTreeMap<String, Location>>,
    artifacts: Option<Vec<Artifact>>,
    results: Option<Vec<Result_>>,
    invocations: Option<Vec<Invocation>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tool {
    driver: Component,
    extensions: Option<Vec<Component>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Component {
    name: Option<String>,
    rules: Option<Vec<Rule>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    id: Option<String>,
    short_description: Option<Said>,
    full_description: Option<Said>,
    help_uri: Option<String>,
    default_configuration: Option<Configuration>,
    message_strings: Option<BTreeMap<String, Said>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Configuration {
    level: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    text: Option<String>,
    id: Option<String>,
    arguments: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Invocation {
    execution_successful: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    location: Option<Location>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Location {
    uri: Option<String>,
    uri_base_id: Option<String>,
    index: Option<Number>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Result_ {
    rule_id: Option<String>,
    rule_index: Option<Number>,
    rule: Option<RuleReference>,
    kind: Option<String>,
    level: Option<String>,
    message: Option<Said>,
    locations: Option<Vec<Place>>,
    suppressions: Option<Vec<Suppression>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RuleReference {
    id: Option<String>,
    index: Option<Number>,
    tool_component: Option<ComponentReference>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ComponentReference {
    index: Option<Number>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Suppression {
    status: Option<String>,
    justification: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Place {
    physical_location: Option<Physical>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Physical {
    artifact_location: Option<Location>,
    region: Option<Region>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Region {
    start_line: Option<Number>,
    start_column: Option<Number>,
    end_line: Option<Number>,
}

/// Reads a report. `name` is its file, for people.
///
/// # Errors
/// A [`Code::Scan`] that says what is wrong with it.
pub fn read(name: &str, text: &str) -> Result<Report, Diagnostic> {
    let refuse = |why: String| {
        Diagnostic::new(Code::Scan, format!("{name} {why}")).help(
            "make the report again, as SARIF 2.1.0: scanners have an option such as `--format sarif`",
        )
    };
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(refuse(
            "is empty: a scanner that finds nothing writes a report too".to_owned(),
        ));
    }
    let log: Log = serde_json::from_str(text)
        .map_err(|error| refuse(format!("is no report of a scanner: {error}")))?;
    match log.version.as_deref() {
        Some("2.1.0") => {}
        Some(version) => {
            let version = short(version, CODE);
            return Err(refuse(format!("is SARIF {version}, and loom reads 2.1.0")));
        }
        None => return Err(refuse("does not say that it is SARIF 2.1.0".to_owned())),
    }
    let Some(runs) = log.runs else {
        return Err(refuse(
            "has no `runs`, so that nothing was looked at".to_owned(),
        ));
    };
    let mut report = Report::default();
    for run in &runs {
        let scanner = scanner(run);
        let failed = |it: &Invocation| it.execution_successful == Some(false);
        if run.invocations.iter().flatten().any(failed) {
            report.unfinished.push(scanner.clone());
        }
        for result in run.results.iter().flatten() {
            report.results.extend(reported(run, &scanner, result));
        }
    }
    Ok(report)
}

fn scanner(run: &Run) -> String {
    let name = run.tool.driver.name.as_deref().unwrap_or_default();
    match short(name, CODE) {
        name if name.is_empty() => "a scanner without a name".to_owned(),
        name => name,
    }
}

/// What a result says, once for each file that it names; nothing where it says that something is well.
fn reported(run: &Run, scanner: &str, result: &Result_) -> Vec<Reported> {
    let kind = result.kind.as_deref().unwrap_or("fail");
    if ["pass", "notApplicable", "informational"].contains(&kind) {
        return Vec::new();
    }
    let rule = rule_of(run, result);
    let known = |rule: Option<&Rule>| rule.and_then(|rule| rule.id.clone());
    let said = result.rule.as_ref().and_then(|it| it.id.clone());
    let code = result.rule_id.clone().or(said).or_else(|| known(rule));
    let code = code
        .map(|code| short(&code, CODE))
        .filter(|code| !code.is_empty());
    let text = |text: Option<&Said>| text.and_then(|it| it.text.clone());
    let about = rule.and_then(|rule| {
        text(rule.full_description.as_ref()).or_else(|| text(rule.short_description.as_ref()))
    });
    let message = message_of(result, rule).or_else(|| about.clone());
    let reason = about.filter(|about| Some(about) != message.as_ref());
    let base = Reported {
        scanner: scanner.to_owned(),
        code: code.unwrap_or_else(|| scanner.to_owned()),
        level: level_of(result, rule, kind),
        message: message.map_or_else(
            || "the scanner does not say what it found".to_owned(),
            |message| short(&message, MESSAGE),
        ),
        reason: reason.map_or_else(|| format!("{scanner} says so"), |it| short(&it, MESSAGE)),
        help: rule
            .and_then(|rule| rule.help_uri.as_deref())
            .filter(|uri| uri.starts_with("https://") || uri.starts_with("http://"))
            .map(|uri| short(uri, MESSAGE)),
        uri: None,
        lines: None,
        column: 1,
        suppressed: suppression_of(result),
    };
    let places = result.locations.iter().flatten();
    let places = places.filter_map(|place| place.physical_location.as_ref());
    let mut all: Vec<Reported> = places.map(|place| at(run, &base, place)).collect();
    all.dedup();
    if all.is_empty() { vec![base] } else { all }
}

fn at(run: &Run, base: &Reported, place: &Physical) -> Reported {
    let region = place.region.as_ref();
    let number = |number: Option<&Number>| {
        let number = number.and_then(Number::as_u64).filter(|number| *number > 0);
        number.and_then(|number| usize::try_from(number).ok())
    };
    let first = region.and_then(|region| number(region.start_line.as_ref()));
    let last = region.and_then(|region| number(region.end_line.as_ref()));
    Reported {
        uri: place
            .artifact_location
            .as_ref()
            .and_then(|location| uri_of(run, location)),
        lines: first.map(|first| (first, last.unwrap_or(first).max(first))),
        column: region
            .and_then(|region| number(region.start_column.as_ref()))
            .unwrap_or(1),
        ..base.clone()
    }
}

fn rule_of<'a>(run: &'a Run, result: &Result_) -> Option<&'a Rule> {
    let index = |number: Option<&Number>| {
        let number = number.and_then(Number::as_u64)?;
        usize::try_from(number).ok()
    };
    let reference = result.rule.as_ref();
    let component = reference
        .and_then(|it| it.tool_component.as_ref())
        .and_then(|it| index(it.index.as_ref()));
    let component = match (component, &run.tool.extensions) {
        (Some(at), Some(extensions)) => extensions.get(at)?,
        (Some(_) | None, _) => &run.tool.driver,
    };
    let rules = component.rules.as_deref().unwrap_or_default();
    let at = index(result.rule_index.as_ref())
        .or_else(|| reference.and_then(|it| index(it.index.as_ref())));
    let id = result
        .rule_id
        .as_deref()
        .or_else(|| reference.and_then(|it| it.id.as_deref()));
    // an index that leads to another rule than the result names is none
    let is_it = |rule: &&Rule| id.is_none() || rule.id.as_deref() == id;
    at.and_then(|at| rules.get(at)).filter(is_it).or_else(|| {
        rules
            .iter()
            .find(|rule| id.is_some() && rule.id.as_deref() == id)
    })
}

fn level_of(result: &Result_, rule: Option<&Rule>, kind: &str) -> Level {
    let of_rule = || {
        let configuration = rule.and_then(|rule| rule.default_configuration.as_ref());
        configuration.and_then(|it| it.level.as_deref())
    };
    match result.level.as_deref().or_else(of_rule) {
        None if kind != "fail" => Level::Note,
        None | Some("warning") => Level::Warning,
        Some("note" | "none") => Level::Note,
        Some(_) => Level::Error,
    }
}

/// The message: its text, or the rule's text of its name, with its arguments.
fn message_of(result: &Result_, rule: Option<&Rule>) -> Option<String> {
    let message = result.message.as_ref()?;
    if let Some(text) = message.text.as_ref().filter(|text| !text.trim().is_empty()) {
        return Some(text.clone());
    }
    let strings = rule?.message_strings.as_ref()?;
    let mut text = strings.get(message.id.as_deref()?)?.text.clone()?;
    for (index, argument) in message.arguments.iter().flatten().take(10).enumerate() {
        text = text.replace(&format!("{{{index}}}"), &short(argument, MESSAGE));
    }
    Some(text)
}

/// Why the scanner itself does not count a result: one whose suppression nobody has taken back.
fn suppression_of(result: &Result_) -> Option<String> {
    let open = |it: &&Suppression| matches!(it.status.as_deref(), Some("underReview" | "rejected"));
    let all = result
        .suppressions
        .as_deref()
        .filter(|all| !all.is_empty())?;
    if all.iter().any(|it| open(&it)) {
        return None;
    }
    let why = all.iter().find_map(|it| it.justification.as_deref());
    let why = why
        .map(|why| short(why, MESSAGE))
        .filter(|why| !why.is_empty());
    Some(why.map_or_else(
        || "the scanner was told to leave it out".to_owned(),
        |why| format!("the scanner was told to leave it out: {why}"),
    ))
}

/// The place of a location, with the bases that it is seen from.
fn uri_of(run: &Run, location: &Location) -> Option<Uri> {
    let by_index = || {
        let index = location.index.as_ref().and_then(Number::as_u64)?;
        let artifacts = run.artifacts.as_deref().unwrap_or_default();
        let artifact = artifacts.get(usize::try_from(index).ok()?)?;
        artifact.location.as_ref().filter(|it| it.uri.is_some())
    };
    let location = if location.uri.is_some() {
        location
    } else {
        by_index()?
    };
    let mut uri = location.uri.clone()?.replace('\\', "/");
    let mut base = location.uri_base_id.as_deref();
    for _ in 0..BASES {
        if !matches!(parsed(&uri), Uri::Relative(_)) {
            break;
        }
        let bases = run.original_uri_base_ids.as_ref();
        let Some(known) = base.and_then(|base| bases?.get(base)) else {
            break;
        };
        if let Some(above) = &known.uri {
            let above = above.replace('\\', "/");
            uri = format!("{}/{uri}", above.trim_end_matches('/'));
        }
        base = known.uri_base_id.as_deref();
    }
    Some(parsed(&uri))
}

fn parsed(uri: &str) -> Uri {
    let uri = uri.trim();
    if let Some(rest) = strip_scheme(uri, "file:") {
        let path = match rest.strip_prefix("//") {
            // `file://host/path`: of another machine only where it says so
            Some(rest) => match rest.split_once('/') {
                Some(("" | "localhost", path)) => format!("/{path}"),
                Some(_) | None if rest.starts_with(['.', '/']) => rest.to_owned(),
                Some(_) => return Uri::Elsewhere(short(uri, MESSAGE)),
                None => rest.to_owned(),
            },
            None => rest.to_owned(),
        };
        return by_path(&path);
    }
    if uri.contains("://") {
        return Uri::Elsewhere(short(uri, MESSAGE));
    }
    by_path(uri)
}

fn strip_scheme<'a>(uri: &'a str, scheme: &str) -> Option<&'a str> {
    let head = uri.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme)
        .then(|| &uri[scheme.len()..])
}

fn by_path(path: &str) -> Uri {
    let has_drive = |path: &str| {
        let mut chars = path.chars();
        chars.next().is_some_and(|it| it.is_ascii_alphabetic()) && chars.next() == Some(':')
    };
    if path.starts_with('/') || has_drive(path) {
        Uri::Absolute(path.to_owned())
    } else {
        Uri::Relative(path.to_owned())
    }
}

/// Where the root of the project is.
#[derive(Clone, Copy)]
pub struct Roots<'a> {
    /// The top of the repository: an absolute path.
    pub top: &'a str,
    /// Leads from there to the root; empty, or ends in `/`.
    pub prefix: &'a str,
    /// Whether a file is there, seen from the root.
    pub has: &'a dyn Fn(&str) -> bool,
}

/// Where a place of a scanner is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Below the root, seen from it.
    Inside(String),
    /// In the repository, and not below the root.
    Beside(String),
    /// In no place of this repository.
    Outside(String),
}

impl Roots<'_> {
    /// Looks for a place; a relative one from the top of the repository, else from the root.
    pub fn find(&self, uri: &Uri) -> Found {
        let (text, absolute) = match uri {
            Uri::Elsewhere(text) => return Found::Outside(text.clone()),
            Uri::Absolute(text) => (text, true),
            Uri::Relative(text) => (text, false),
        };
        let (decoded, raw) = (decoded(text), text.clone());
        let found = self.find_path(&decoded, absolute);
        // a name with a percent sign in it, written by who does not encode names
        let plain = (decoded != raw).then(|| self.find_path(&raw, absolute));
        match (&found, plain) {
            (Found::Inside(path), _) if (self.has)(path) => found,
            (_, Some(Found::Inside(path))) if (self.has)(&path) => Found::Inside(path),
            (_, _) => found,
        }
    }

    fn find_path(&self, path: &str, absolute: bool) -> Found {
        let outside = || Found::Outside(short(path, MESSAGE));
        if absolute {
            let Some(path) = normal(path) else {
                return outside();
            };
            let top = self.top.trim_end_matches('/').trim_start_matches('/');
            let below = match path.strip_prefix(top) {
                Some(rest) if top.is_empty() => Some(rest),
                Some(rest) => rest.strip_prefix('/'),
                None => None,
            };
            return below.map_or_else(outside, |path| self.below_top(path));
        }
        let of_top = normal(path).map(|path| self.below_top(&path));
        let of_root = normal(&format!("{}{path}", self.prefix)).map(|path| self.below_top(&path));
        let is_there = |found: &Found| matches!(found, Found::Inside(path) if (self.has)(path));
        match (of_top, of_root) {
            (Some(found), _) if is_there(&found) => found,
            (_, Some(found)) if is_there(&found) => found,
            (Some(found), _) | (None, Some(found)) => found,
            (None, None) => outside(),
        }
    }

    fn below_top(&self, path: &str) -> Found {
        match path.strip_prefix(self.prefix) {
            Some(inside) => Found::Inside(inside.to_owned()),
            None => Found::Beside(path.to_owned()),
        }
    }
}

/// A path without `.`, `..` and empty steps, not beginning with `/`; `None` where it leads above its beginning.
fn normal(path: &str) -> Option<String> {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()?),
            step => steps.push(step),
        }
    }
    Some(steps.join("/"))
}

/// A text without its percent-encoding; what is none stays.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| {
        bytes
            .get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
    };
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'%'));
                at += 3;
            }
            (byte, _, _) => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// A text in one line, and not longer than that.
fn short(text: &str, most: usize) -> String {
    // a message of many megabytes is not gone through for its first sentence
    let head: String = text.chars().take(most * 4).collect();
    let words: Vec<&str> = head.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= most && head.len() == text.len() {
        return line;
    }
    let cut: String = line.chars().take(most).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests;
