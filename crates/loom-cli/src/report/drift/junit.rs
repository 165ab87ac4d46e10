//! Drift for a CI system: XML in the form of the reports of `JUnit`, as Jenkins, GitLab and others
//! read it.
//!
//! One suite, with a case for each output: passed, failed (it drifted), skipped (it was left alone,
//! with the reason) or in error (it could not be compared). A run that came to no comparison is one
//! case in error, so that it never looks like one without drift. There are no times in it: the same
//! state gives the same bytes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use loom_plan::plan::{Note, NoteKind};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::super::causes::note_sentence;
use super::super::refusal::Problem;
use super::super::style::visible_lines;
use super::{Finding, Report};

/// What a case came to.
enum Verdict {
    Passed,
    Failed {
        class: &'static str,
        message: String,
        text: String,
    },
    Skipped(String),
    Error {
        class: &'static str,
        message: String,
    },
}

/// One case: the file, the artifact, and what it came to.
struct Case {
    path: String,
    address: String,
    verdict: Verdict,
}

/// Writes what drifted, and what did not: `outputs` are the paths and addresses of all outputs.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(
    report: &Report<'_>,
    outputs: &[(String, String)],
    out: &mut dyn Write,
) -> io::Result<()> {
    let key = |finding: &Finding<'_>| {
        (
            finding.found.path.to_string(),
            finding.found.address.to_string(),
        )
    };
    let findings: BTreeMap<(String, String), &Finding<'_>> = report
        .findings
        .iter()
        .map(|finding| (key(finding), finding))
        .collect();
    let mut left: BTreeMap<(String, String), &Note> = BTreeMap::new();
    for note in &report.outcome.report().notes {
        if let (Some(path), true) = (&note.path, is_left_alone(&note.kind)) {
            left.insert((path.to_string(), note.address.to_string()), note);
        }
    }
    let all: BTreeSet<&(String, String)> = outputs
        .iter()
        .chain(findings.keys())
        .chain(left.keys())
        .collect();
    let cases = all.into_iter().map(|key| {
        let verdict = match (findings.get(key), left.get(key)) {
            (Some(finding), _) => verdict(report, finding),
            (None, Some(note)) => Verdict::Skipped(note_sentence(&note.kind, &[note])),
            (None, None) => Verdict::Passed,
        };
        Case {
            path: key.0.clone(),
            address: key.1.clone(),
            verdict,
        }
    });
    suite("loom drift", &cases.collect::<Vec<_>>(), out)
}

/// Writes that a command came to no result, and why: a case in error for each reason.
///
/// # Errors
/// Those of `out`.
pub(crate) fn failure(name: &str, problems: &[Problem], out: &mut dyn Write) -> io::Result<()> {
    let case = |problem: &Problem| {
        let said: Vec<&str> = std::iter::once(&problem.message)
            .chain(&problem.advice)
            .map(String::as_str)
            .collect();
        let place = match problem.at() {
            place if place.is_empty() => "everything".to_owned(),
            place => place,
        };
        Case {
            path: place,
            address: name.to_owned(),
            verdict: Verdict::Error {
                class: "error",
                message: format!("{}: {}", problem.code, said.join("\n")),
            },
        }
    };
    suite(name, &problems.iter().map(case).collect::<Vec<_>>(), out)
}

/// Whether the note says that an output was not compared, or may be other than declared.
fn is_left_alone(kind: &NoteKind) -> bool {
    match kind {
        // what is not delegated was compared
        NoteKind::Waiting(_)
        | NoteKind::Delegated(_)
        | NoteKind::GoesOn { .. }
        | NoteKind::Unheld
        | NoteKind::Spent(_) => false,
        NoteKind::Held(_)
        | NoteKind::NotLoaded(_)
        | NoteKind::OutOfScope
        | NoteKind::KeptEdit
        | NoteKind::Once => true,
    }
}

fn verdict(report: &Report<'_>, finding: &Finding<'_>) -> Verdict {
    let class = finding.word();
    if let Some(error) = &finding.error {
        return Verdict::Error {
            class,
            message: error.clone(),
        };
    }
    let grade = finding.grade.map_or("", |grade| grade.as_str());
    let much: Vec<&str> = [grade, finding.counted.as_str()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    let much = if much.is_empty() {
        String::new()
    } else {
        format!(" ({})", much.join(", "))
    };
    Verdict::Failed {
        class,
        message: format!("{class}{much}: {}", finding.remedy),
        text: report.diff(finding).unwrap_or_default(),
    }
}

/// One suite of cases, in the one document.
fn suite(name: &str, cases: &[Case], out: &mut dyn Write) -> io::Result<()> {
    let count = |is: fn(&Verdict) -> bool| {
        cases
            .iter()
            .filter(|case| is(&case.verdict))
            .count()
            .to_string()
    };
    let (tests, failures) = (
        cases.len().to_string(),
        count(|verdict| matches!(verdict, Verdict::Failed { .. })),
    );
    let errors = count(|verdict| matches!(verdict, Verdict::Error { .. }));
    let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
    let counts = [
        ("name", name),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
    ];
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites")
        .with_attributes(counts)
        .write_inner_content(|xml| {
            let suite = xml
                .create_element("testsuite")
                .with_attributes(counts)
                .with_attribute(("skipped", skipped.as_str()));
            suite.write_inner_content(|xml| cases.iter().try_for_each(|case| case.write(xml)))?;
            Ok(())
        })?;
    writeln!(xml.into_inner())
}

impl Case {
    fn write(&self, xml: &mut Writer<&mut dyn Write>) -> io::Result<()> {
        let (name, class) = (text(&self.path), text(&self.address));
        let element = xml
            .create_element("testcase")
            .with_attributes([("name", name.as_ref()), ("classname", class.as_ref())]);
        match &self.verdict {
            Verdict::Passed => element.write_empty()?,
            Verdict::Skipped(message) => {
                element.write_inner_content(|xml| said(xml, "skipped", None, message, ""))?
            }
            Verdict::Error { class, message } => {
                element.write_inner_content(|xml| said(xml, "error", Some(class), message, ""))?
            }
            Verdict::Failed {
                class,
                message,
                text,
            } => element
                .write_inner_content(|xml| said(xml, "failure", Some(class), message, text))?,
        };
        Ok(())
    }
}

fn said(
    xml: &mut Writer<&mut dyn Write>,
    name: &str,
    class: Option<&str>,
    message: &str,
    inner: &str,
) -> io::Result<()> {
    let (message, inner) = (text(message), text(inner));
    // an attribute is one line to every reader of XML
    let message = message.replace('\n', " ");
    let element = xml
        .create_element(name)
        .with_attributes(class.map(|class| ("type", class)));
    let element = element.with_attribute(("message", message.as_str()));
    if inner.is_empty() {
        element.write_empty()?;
    } else {
        element.write_text_content(BytesText::new(&inner))?;
    }
    Ok(())
}

/// A text in which every character is one that XML 1.0 has (section 2.2), and none commands a
/// terminal.
pub(in crate::report) fn text(text: &str) -> Cow<'_, str> {
    let shown = visible_lines(text);
    Cow::Owned(shown.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{Scene, drifting};
    use quick_xml::Reader;
    use quick_xml::escape::unescape;

    fn said(scene: &Scene) -> String {
        let outcome = scene.blocked();
        let drifted = scene.drifted(&outcome);
        let outputs = [
            ("etc/fine".to_owned(), "file.fine".to_owned()),
            (
                "k8s/web.yml".to_owned(),
                "kubernetes.manifest.web".to_owned(),
            ),
        ];
        let mut out = Vec::new();
        write(&Report::new(&outcome, &drifted, scene), &outputs, &mut out)
            .expect("writing to memory cannot fail");
        String::from_utf8(out).expect("UTF-8")
    }

    /// What a schema says of an element.
    struct Rule {
        name: &'static str,
        children: &'static [&'static str],
        must: &'static [&'static str],
        may: &'static [&'static str],
    }

    const fn rule(
        name: &'static str,
        children: &'static [&'static str],
        must: &'static [&'static str],
        may: &'static [&'static str],
    ) -> Rule {
        Rule {
            name,
            children,
            must,
            may,
        }
    }

    /// What the schema of such reports (Jenkins, `junit-10.xsd`) has of what is written here.
    const SCHEMA: [Rule; 7] = [
        rule("", &["testsuites"], &[], &[]),
        rule(
            "testsuites",
            &["testsuite"],
            &[],
            &["name", "tests", "failures", "errors"],
        ),
        rule(
            "testsuite",
            &["testcase"],
            &["name", "tests", "failures", "errors"],
            &["skipped"],
        ),
        rule(
            "testcase",
            &["skipped", "error", "failure"],
            &["name"],
            &["classname"],
        ),
        rule("skipped", &[], &[], &["message"]),
        rule("error", &[], &[], &["type", "message"]),
        rule("failure", &[], &[], &["type", "message"]),
    ];

    /// An element as a reader of XML has it.
    #[derive(Debug)]
    struct Element {
        name: String,
        attributes: Vec<(String, String)>,
        text: String,
    }

    impl Element {
        fn attribute(&self, name: &str) -> Option<&str> {
            self.attributes
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        }
    }

    fn element(start: &quick_xml::events::BytesStart<'_>, parent: &str) -> Element {
        let name = start.name().as_ref().to_owned();
        let find = |name: &str| {
            SCHEMA
                .iter()
                .find(|rule| rule.name == name)
                .expect("an element of the schema")
        };
        assert!(
            find(parent).children.contains(&name.as_str()),
            "<{name}> in <{parent}>"
        );
        let Rule { must, may, .. } = find(&name);
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.expect("attributes");
            let key = attribute.key.as_ref().to_owned();
            assert!(
                must.contains(&key.as_str()) || may.contains(&key.as_str()),
                "{key} of <{name}>"
            );
            attributes.push((
                key,
                unescape(&attribute.value)
                    .expect("known entities")
                    .into_owned(),
            ));
        }
        assert!(
            must.iter()
                .all(|must| attributes.iter().any(|(key, _)| key == must)),
            "{attributes:?}"
        );
        Element {
            name,
            attributes,
            text: String::new(),
        }
    }

    /// Reads a document by the schema.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of a parser's events these few are looked at"
    )]
    fn read(xml: &str) -> Vec<Element> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().expand_empty_elements = true;
        let (mut open, mut found): (Vec<usize>, Vec<Element>) = (Vec::new(), Vec::new());
        loop {
            match reader.read_event().expect("well-formed XML") {
                Event::Start(start) => {
                    let parent = open
                        .last()
                        .map_or("", |parent: &usize| found[*parent].name.as_str());
                    let element = element(&start, parent);
                    open.push(found.len());
                    found.push(element);
                }
                Event::Text(text) => {
                    if let Some(open) = open.last() {
                        found[*open].text.push_str(&text.xml10_content());
                    }
                }
                Event::GeneralRef(name) => {
                    let open = *open.last().expect("an open element");
                    found[open]
                        .text
                        .push_str(&unescape(&format!("&{};", &*name)).expect("a known entity"));
                }
                Event::End(_) => drop(open.pop()),
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    #[test]
    fn every_output_is_a_case_and_the_document_is_as_the_schema_of_junit_says() {
        let mut scene = drifting();
        scene.note("file.left", NoteKind::Once);
        scene.report.notes.last_mut().expect("it was pushed").path =
            Some(loom_plan::addr::RepoPath::new("left").expect("a path"));
        let document = said(&scene);
        let elements = read(&document);
        let count = |name: &str| {
            elements
                .iter()
                .filter(|element| element.name == name)
                .count()
        };
        assert_eq!(
            (
                count("testcase"),
                count("failure"),
                count("error"),
                count("skipped")
            ),
            (11, 8, 1, 1),
            "{document}"
        );
        for suite in &elements[..2] {
            let numbers = ["tests", "failures", "errors"].map(|name| suite.attribute(name));
            assert_eq!(numbers, [Some("11"), Some("8"), Some("1")]);
        }
        insta::assert_snapshot!(document);
    }

    #[test]
    fn text_of_people_comes_through_and_no_character_that_xml_lacks() {
        let mut scene = Scene::default();
        let hostile = "]]>&<a b=\"c'\">\u{0}\u{1b}[31m\u{ffff}\r\n";
        let sides = [Some("x\n"), Some(hostile)];
        scene.conflict(
            loom_plan::plan::decide::Conflict::Edited,
            "a <b> & \"c\"",
            "file.x",
            sides,
            &[],
        );
        // a NUL makes it binary; without it the diff is shown
        let shown = hostile.replace('\0', "");
        scene.conflict(
            loom_plan::plan::decide::Conflict::Edited,
            "z",
            "file.z",
            [Some("x\n"), Some(&shown)],
            &[],
        );
        let document = said(&scene);
        let elements = read(&document);
        let names: Vec<&str> = elements
            .iter()
            .filter(|it| it.name == "testcase")
            .filter_map(|it| it.attribute("name"))
            .collect();
        assert_eq!(names, ["a <b> & \"c\"", "etc/fine", "k8s/web.yml", "z"]);
        let diff = &elements.last().expect("a failure").text;
        assert_eq!(
            diff.trim(),
            "@@ -1 +1 @@\n-x\n+]]>&<a b=\"c'\">⟨U+001B ESCAPE⟩[31m\u{fffd}⟨U+000D CARRIAGE RETURN⟩"
        );
        assert!(document.chars().all(|c| matches!(c, '\n' | '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)));
    }

    #[test]
    fn a_run_that_compared_nothing_is_an_error() {
        let mut out = Vec::new();
        let problem = Problem {
            code: loom_plan::diag::Code::FileMissing,
            message: "loom.yaml cannot be read\n<x>".to_owned(),
            place: None,
            advice: Vec::new(),
        };
        failure("loom drift", &[problem], &mut out).expect("writing to memory cannot fail");
        let elements = read(&String::from_utf8(out).expect("UTF-8"));
        assert_eq!(elements[3].name, "error");
        assert_eq!(
            elements[3].attribute("message"),
            Some("LOOM0105: loom.yaml cannot be read <x>")
        );
        assert_eq!(elements[0].attribute("errors"), Some("1"));
    }
}
