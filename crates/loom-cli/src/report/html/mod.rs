//! A plan as one HTML file that needs nothing else: no network, no other file.
//!
//! In: an outcome, its contents, and the graph where there is one. Out: a page with summary, filters,
//! causes, differences side by side, and the graph of what changes. The page holds the plan as data,
//! and its script makes elements of it only when they are looked at, so that a plan of 20 000 changes
//! opens at once.
//!
//! Invariants: text of people reaches the page as data alone: no `<` stands in it, and the script
//! writes it as text (tests below, and `cargo xtask browser` in a real browser); the page's policy
//! forbids it to load anything.

use std::io::{self, Write};

use loom_plan::diff::{Difference, Hunk, Line};
use loom_plan::graph::Ordered;
use loom_plan::plan::{Action, Conflicting, Note, Outcome, Verb};
use rayon::prelude::*;
use serde::Serialize;

use super::by_hand::{self, Piece};
use super::causes::{self, Summary};
use super::check;
use super::graph::{self, Extent};
use super::json::inert;
use super::look::mode_sentence;
use super::refusal::Problem;
use super::sections::{Section, sections};
use super::style::{visible, visible_lines};
use super::{Contents, Presented, Shown, settings};

/// How many actions are prepared at once.
const CHUNK: usize = 256;
/// A picture of more boxes than this is of no use to anybody.
const BOXES: usize = 1500;

/// What is known of the plan as a whole.
#[derive(Serialize)]
struct Head<'a> {
    outcome: &'static str,
    summary: Summary,
    sentence: String,
    digest: Option<String>,
    apply: &'a str,
    /// That most of what loom manages would go.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    /// What came with a newer loom alone, a line for each step of a kind.
    upgrades: Vec<String>,
    /// Each a sentence, and the names that it is about.
    notes: Vec<(String, Vec<String>)>,
    /// What the checklist and the policies say: the word, and the lines.
    findings: Vec<(&'static str, Vec<String>)>,
    denial: Option<String>,
    /// By what they were judged, where that is to be said, and what a request changes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<String>,
    changed: Vec<String>,
    boxes: usize,
}

/// One change or conflict.
#[derive(Serialize)]
struct Change<'a> {
    action: &'static str,
    mark: char,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    address: String,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    stories: Vec<String>,
    /// Which of the upgrades it comes with.
    #[serde(skip_serializing_if = "Option::is_none")]
    upgrade: Option<usize>,
    lines: String,
    /// Why, as clauses; of a conflict, what happened and the ways out.
    causes: Vec<String>,
    settings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instead: Option<&'static str>,
    hunks: Vec<HunkOf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    by_hand: Vec<Piece>,
}

#[derive(Serialize)]
struct HunkOf {
    old: usize,
    new: usize,
    lines: Vec<(char, Vec<String>)>,
}

/// Writes the page.
///
/// # Errors
/// Those of `out`.
pub(crate) fn plan(plan: &Presented<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (before, rest) = split(include_str!("page.html"), "/*STYLE*/");
    let (between, rest) = split(rest, "<!--GRAPH-->");
    let (data, rest) = split(rest, "/*DATA*/");
    let (script, after) = split(rest, "/*SCRIPT*/");
    write!(out, "{before}{}{between}", include_str!("page.css"))?;
    let boxes = plan
        .ordered
        .map_or(Ok(0), |ordered| picture(ordered, plan.outcome, out))?;
    write!(out, "{data}")?;
    write_data(plan, boxes, out)?;
    write!(out, "{script}{}{after}", include_str!("page.js"))
}

/// Writes a page that says why there is no plan. It has no script: there is nothing to look for.
///
/// # Errors
/// Those of `out`.
pub(super) fn refusal(title: &str, problems: &[Problem], out: &mut dyn Write) -> io::Result<()> {
    let (before, rest) = split(include_str!("refusal.html"), "/*STYLE*/");
    let (between, rest) = split(rest, "<!--TITLE-->");
    let (middle, after) = split(rest, "<!--PROBLEMS-->");
    let text = |text: &str| {
        let text = visible_lines(text).replace('&', "&amp;");
        text.replace('<', "&lt;").replace('>', "&gt;")
    };
    write!(
        out,
        "{before}{}{between}{}{middle}",
        include_str!("page.css"),
        text(title)
    )?;
    for problem in problems {
        let (code, place) = (problem.code, text(&problem.at()));
        writeln!(
            out,
            "<li><strong>{code}</strong> <code>{place}</code> {}",
            text(&problem.message)
        )?;
        for line in &problem.advice {
            writeln!(out, "<pre>{}</pre>", text(line))?;
        }
        writeln!(out, "</li>")?;
    }
    write!(out, "{after}")
}

/// The text before and after a mark, which the page has.
fn split<'a>(text: &'a str, mark: &str) -> (&'a str, &'a str) {
    text.split_once(mark).unwrap_or((text, ""))
}

/// Draws what changes and what it touches, and says how many boxes that is; none where it is too many.
fn picture(ordered: &Ordered, outcome: &Outcome, out: &mut dyn Write) -> io::Result<usize> {
    let extent = Extent::changed(ordered, outcome);
    let boxes = extent.shown.len();
    if boxes <= BOXES {
        graph::svg(ordered, &extent, out)?;
    }
    Ok(boxes)
}

fn write_data(plan: &Presented<'_>, boxes: usize, out: &mut dyn Write) -> io::Result<()> {
    let (outcome, digest) = match plan.outcome {
        _ if plan.compared.is_some() => ("compared", None),
        Outcome::Converged(_) => ("converged", None),
        Outcome::Ready(ready) => ("ready", ready.digest.map(|digest| digest.to_string())),
        Outcome::Blocked(_) => ("blocked", None),
    };
    let summary = Summary::of(plan.outcome);
    let notes = causes::notes(plan.outcome)
        .into_iter()
        .map(|(kind, notes)| {
            let name = |note: &&Note| {
                note.path
                    .as_ref()
                    .map_or_else(|| note.address.to_string(), ToString::to_string)
            };
            (
                causes::note_sentence(kind, &notes),
                notes.iter().map(name).collect(),
            )
        });
    let sentence = plan.compared.map_or_else(
        || format!("{summary}"),
        |compared| compared.sentence(&summary),
    );
    let (notes, warning) = (notes.collect(), causes::deletion_warning(plan.outcome));
    let sections = sections(plan.outcome.actions());
    let upgrades = sections.iter().filter_map(Section::heading).collect();
    let findings = plan.findings.iter().map(|finding| {
        let first = format!(
            "{} {}: {}",
            finding.code,
            check::place(finding),
            check::sentence(finding)
        );
        let lines = std::iter::once(first)
            .chain(check::advice(finding))
            .map(|line| visible(&line).into_owned());
        (check::word(finding), lines.collect())
    });
    let (findings, denial) = (findings.collect(), check::denial(plan.findings));
    let changed = plan.basis.changes.iter();
    let changed = changed.map(|change| visible(&change.says).into_owned());
    let head = Head {
        outcome,
        summary,
        sentence,
        digest,
        apply: plan.apply,
        warning,
        upgrades,
        notes,
        findings,
        denial,
        basis: plan.basis.sentence(),
        changed: changed.collect(),
        boxes,
    };
    write!(out, "{{\"head\":{},\"changes\":[", inert(&head)?)?;
    let mut comma = "";
    let mut write_all = |changes: Vec<io::Result<String>>| {
        changes.into_iter().try_for_each(|change| {
            write!(out, "{}{}", std::mem::replace(&mut comma, ",\n"), change?)
        })
    };
    for chunk in plan.outcome.conflicts().chunks(CHUNK) {
        write_all(
            chunk
                .par_iter()
                .map(|conflict| inert(&of_conflict(conflict, plan.contents)))
                .collect(),
        )?;
    }
    for (index, section) in sections.iter().enumerate() {
        for chunk in section.actions.chunks(CHUNK) {
            let of = |action: &&Action| {
                let shown = Shown::of(plan.contents, action);
                // the first section is what somebody asked for
                let upgrade = index.checked_sub(1);
                inert(&Change {
                    upgrade,
                    ..of_action(action, &shown, plan.contents)
                })
            };
            write_all(chunk.par_iter().map(of).collect())?;
        }
    }
    write!(out, "]}}")
}

fn of_conflict<'a>(conflict: &'a Conflicting, contents: &dyn Contents) -> Change<'a> {
    let about = contents.about(&conflict.address);
    let shown = Shown::from(contents.of_conflict(conflict));
    let said = [causes::conflict_sentences(conflict)]
        .into_iter()
        .chain(conflict.ways.iter().map(ToString::to_string));
    let mut change = Change {
        action: "conflict",
        mark: '!',
        path: conflict.path.as_str(),
        from: None,
        address: conflict.address.to_string(),
        kind: conflict.address.kind(),
        service: about.service,
        stories: about.stories,
        upgrade: None,
        lines: String::new(),
        causes: said.collect(),
        settings: Vec::new(),
        instead: None,
        hunks: Vec::new(),
        by_hand: Vec::new(),
    };
    change.by_hand = by_hand::pieces(conflict);
    if change.by_hand.is_empty() && shown.before.is_some() && shown.after.is_some() {
        differing(&mut change, &shown);
    }
    change
}

fn of_action<'a>(action: &'a Action, shown: &Shown, contents: &dyn Contents) -> Change<'a> {
    let about = contents.about(action.address());
    let mut change = Change {
        action: action.verb.as_str(),
        mark: action.verb.mark(),
        path: action.path.as_str(),
        from: match &action.verb {
            Verb::Move { from } => Some(from.as_str()),
            Verb::Create
            | Verb::Update
            | Verb::Delete
            | Verb::Adopt
            | Verb::Keep
            | Verb::Forget => None,
        },
        address: action.address().to_string(),
        kind: action.address().kind(),
        service: about.service,
        stories: about.stories,
        upgrade: None,
        lines: String::new(),
        causes: causes::of(action).into_iter().map(causes::clause).collect(),
        settings: settings(contents, action, shown)
            .into_iter()
            .chain(mode_sentence(action).map(str::to_owned))
            .collect(),
        instead: None,
        hunks: Vec::new(),
        by_hand: Vec::new(),
    };
    differing(&mut change, shown);
    change
}

/// Adds what differs.
fn differing(change: &mut Change<'_>, shown: &Shown) {
    let difference = shown.difference();
    change.lines = super::look::counted(shown, &difference);
    match difference {
        _ if shown.hidden.is_some() => {
            change.instead = Some("What differs looks like a credential and is not shown.");
        }
        Difference::Binary => change.instead = Some("The content is not text and is not shown."),
        Difference::Text(diff) => change.hunks = diff.hunks.iter().map(hunk).collect(),
    }
}

fn hunk(hunk: &Hunk<'_>) -> HunkOf {
    HunkOf {
        old: hunk.old.start + 1,
        new: hunk.new.start + 1,
        lines: hunk
            .lines
            .iter()
            .map(|line| (line.kind.mark(), segments(line)))
            .collect(),
    }
}

/// The text of a line, cut where emphasis begins and ends: every second piece is emphasised.
fn segments(line: &Line<'_>) -> Vec<String> {
    let (mut pieces, mut at) = (Vec::new(), 0);
    let piece = |text: &str| visible(text).into_owned();
    for range in &line.emphasis {
        pieces.extend([
            piece(&line.text[at..range.start]),
            piece(&line.text[range.clone()]),
        ]);
        at = range.end;
    }
    pieces.push(piece(&line.text[at..]));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{EMPTYING, Scene, day, drifting, emptying, setting};
    use loom_plan::plan::decide::Conflict;
    use serde_json::Value;

    fn page(outcome: &Outcome, scene: &Scene) -> String {
        let mut out = Vec::new();
        let presented = Presented {
            outcome,
            contents: scene,
            apply: "loom apply --expect 00ff",
            prefix: "",
            ordered: None,
            findings: &[],
            basis: &crate::report::Basis::default(),
            compared: None,
            choices: None,
        };
        plan(&presented, &mut out).expect("writing to memory cannot fail");
        String::from_utf8(out).expect("UTF-8")
    }

    fn data(page: &str) -> Value {
        let (_, rest) = page
            .split_once("<script id=\"plan\" type=\"application/json\">")
            .expect("the data are there");
        serde_json::from_str(rest.split_once("</script>").expect("they end").0).expect("JSON")
    }

    #[test]
    fn a_page_holds_the_whole_plan_and_loads_nothing() {
        let mut scene = day();
        scene.conflict(
            Conflict::Edited,
            "docs/a.md",
            "markdown.page.a",
            [Some("a\n"), Some("b\n")],
            &["keep it"],
        );
        let page = page(&scene.ready(), &scene);
        let data = data(&page);
        assert_eq!(
            data["changes"].as_array().map(Vec::len),
            Some(scene.actions.len() + 1)
        );
        assert_eq!(data["changes"][0]["action"], "conflict");
        let update = data["changes"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|change| change["action"] == "update")
            .expect("one");
        assert_eq!(
            update["hunks"][0]["lines"][3],
            serde_json::json!(["-", ["  port: ", "3000", ""]])
        );
        assert_eq!(
            update["causes"][0],
            "services.entity-api.port changed, loom.yaml:22"
        );
        assert!(page.contains("default-src 'none'"));
        let outside = ["src=\"", "http:", "@import", "url("].map(|link| page.matches(link).count());
        assert_eq!(outside, [0; 4], "nothing is loaded from elsewhere");
    }

    #[test]
    fn what_comes_with_a_newer_loom_stands_last_and_says_with_what() {
        let scene = drifting();
        let data = data(&page(&scene.blocked(), &scene));
        let upgrade = "Generator upgraded: kubernetes.manifest 1 → 2: Probes stand behind ports.";
        assert_eq!(data["head"]["upgrades"], serde_json::json!([upgrade]));
        let changes = data["changes"].as_array().expect("a list");
        let (last, others) = changes.split_last().expect("changes");
        assert_eq!(
            (&last["path"], &last["upgrade"]),
            (&"k8s/production/entity-api.yml".into(), &0.into())
        );
        assert!(
            others.iter().all(|change| change["upgrade"].is_null()),
            "{others:#?}"
        );
    }

    #[test]
    fn that_most_goes_is_said_at_the_head() {
        let scene = emptying();
        assert_eq!(
            data(&page(&scene.ready(), &scene))["head"]["warning"],
            EMPTYING
        );
        assert!(data(&page(&day().ready(), &day()))["head"]["warning"].is_null());
    }

    #[test]
    fn no_text_of_people_ends_the_data_or_begins_anything() {
        let mut scene = Scene::default();
        let evil = "</script><script>alert(1)</script><!-- \u{2028}\u{202e} &lt;";
        let texts = [Some("x\n"), Some(evil)];
        scene.act(
            Verb::Update,
            "docs/<img src=x onerror=alert(1)>.md",
            "file.x",
            texts,
            &[setting(evil, 2)],
        );
        let page = page(&scene.ready(), &scene);
        assert!(
            !page.contains("alert(1)</script>")
                && !page.contains("<img")
                && !page.contains(['\u{2028}', '\u{202e}'])
        );
        let data = data(&page);
        assert_eq!(
            data["changes"][0]["path"],
            "docs/<img src=x onerror=alert(1)>.md"
        );
        assert!(
            data["changes"][0]["causes"][0]
                .as_str()
                .expect("text")
                .starts_with(
                    "</script><script>alert(1)</script><!-- ⟨U+2028 LINE SEPARATOR⟩⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩ &lt;"
                )
        );
    }
}
