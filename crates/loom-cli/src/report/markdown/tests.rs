use super::*;
use crate::report::fixture::{EMPTYING, Scene, day, drifting, emptying, setting};
use loom_plan::plan::decide::Conflict;
use pulldown_cmark::{Event, Options, Parser, Tag};

fn of(outcome: &Outcome, scene: &Scene, budget: usize) -> String {
    with_graph(outcome, scene, budget, None)
}

fn with_graph(outcome: &Outcome, scene: &Scene, budget: usize, sketch: Option<Sketch>) -> String {
    let mut out = Vec::new();
    let apply = "loom apply --expect 00ff";
    let review = Review {
        outcome,
        contents: scene,
        apply,
        budget,
        findings: &[],
        basis: &Basis::default(),
        compared: None,
        sketch,
    };
    plan(&review, &mut out).expect("writing to memory cannot fail");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn a_small_plan_stands_open() {
    let mut scene = day();
    scene.conflict(
        Conflict::Edited,
        "docs/deployment.md",
        "markdown.page.deployment",
        [Some("a\n"), Some("b\n")],
        &["keep it"],
    );
    insta::assert_snapshot!(of(&scene.ready(), &scene, BUDGET));
}

#[test]
fn nothing_to_do_is_two_lines() {
    let outcome = Outcome::Converged(loom_plan::plan::Report {
        outputs: 12,
        ..Default::default()
    });
    assert_eq!(
        of(&outcome, &Scene::default(), BUDGET),
        "<!-- loom plan -->\n\n## Loom: nothing to do\n\n12 files are as declared.\n"
    );
}

/// A reader of Markdown finds in a report what was meant: all fences are diffs, all tables and
/// headings are there, and the only HTML is that which folds.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of a parser's many events these few are looked at"
)]
fn is_as_meant(text: &str) {
    let (mut fences, mut headings, mut tables, mut folds) = (0, 0, 0, 0);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => fences += 1,
            Event::Start(Tag::Heading { .. }) => headings += 1,
            Event::Start(Tag::Table(_)) => tables += 1,
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => {
                panic!("nothing in a report is a link:\n{text}")
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                let html = html.trim();
                let known = html == MARKER
                    || html == "</details>"
                    || html == GRAPH
                    || html.starts_with("<details><summary><code>");
                assert!(known, "{html}");
                folds += usize::from(html.starts_with("<details>"));
            }
            _ => {}
        }
    }
    let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(
        (fences, headings),
        (
            lines("```diff") + lines("```mermaid"),
            lines("## ") + lines("### ") + lines("#### ")
        )
    );
    assert_eq!(
        (tables, folds),
        (lines("| Kind"), text.matches("</details>").count())
    );
}

/// The graph of a report, as it stands there.
fn graph_of(text: &str) -> String {
    let begin = text.find(GRAPH).unwrap_or(text.len());
    let end = text[begin..]
        .find("</details>\n")
        .map_or(text.len(), |end| begin + end + "</details>\n".len());
    text[begin..end].to_owned() + if begin < end { "\n" } else { "" }
}

/// A plan of so many changes, one in ten a deletion and one in a hundred a conflict.
fn many(count: usize) -> Scene {
    let mut scene = Scene::default();
    for index in 0..count {
        let (path, of) = (
            format!("k8s/team-{}/service-{index}/api.yml", index % 40),
            format!("kubernetes.manifest.s{index}"),
        );
        let text = |port: usize| {
            format!(
                "kind: Service\nmetadata:\n  name: s{index}\n  labels: {{}}\nspec:\n  port: {port}\n"
            )
        };
        let (before, after) = (text(3000 + index), text(8000 + index));
        match index % 10 {
            5 => scene.act(
                Verb::Update,
                &path,
                &of,
                [Some(&before), Some(&after)],
                &[upgrade(index % 3)],
            ),
            0 => scene.act(
                Verb::Delete,
                &path,
                &of,
                [Some(&before), None],
                &[Cause::Undeclared],
            ),
            1 => scene.act(
                Verb::Create,
                &path,
                &of,
                [None, Some(&after)],
                &[setting("services", 3)],
            ),
            _ => scene.act(
                Verb::Update,
                &path,
                &of,
                [Some(&before), Some(&after)],
                &[setting("services.port", 22)],
            ),
        };
        if index % 100 == 7 {
            let path = format!("docs/{index}.md");
            scene.conflict(
                Conflict::NotOurs,
                &path,
                &format!("markdown.page.p{index}"),
                [Some("a\n"), Some("b\n")],
                &["move it away"],
            );
        }
    }
    scene
}

/// One of three steps of a kind.
fn upgrade(of: usize) -> Cause {
    let changes = vec![format!("Sentence *{of}* of a changelog.")];
    Cause::KindVersion {
        kind: "kubernetes.manifest".to_owned(),
        from: 1,
        to: u32::try_from(of + 2).expect("small"),
        changes,
    }
}

#[test]
fn what_comes_with_a_newer_loom_stands_under_its_own_heading() {
    let mut scene = drifting();
    scene.conflicts.clear();
    let text = of(&scene.ready(), &scene, BUDGET);
    let heading =
        "\n### Generator upgraded: kubernetes.manifest 1 → 2: Probes stand behind ports.\n";
    let (asked, upgraded) = text.split_once(heading).expect("a heading");
    assert!(
        asked.contains("### Changes")
            && asked.contains("~ k8s/staging")
            && !asked.contains("~ k8s/production"),
        "{text}"
    );
    assert!(
        upgraded.contains("#### `~ k8s/production/entity-api.yml`")
            && !upgraded.contains("k8s/staging"),
        "{text}"
    );
    is_as_meant(&text);
}

#[test]
fn the_graph_is_folded_before_the_changes_and_is_the_first_to_go() {
    let scene = day();
    let outcome = scene.ready();
    let sketch = Sketch::Drawn("graph LR\n  n0[\"```</details>\"]\n".to_owned());
    let text = with_graph(&outcome, &scene, BUDGET, Some(sketch));
    let (head, changes) = text.split_once("\n### Changes\n").expect("changes");
    assert!(
        head.contains(&format!("\n{GRAPH}\n\n````mermaid\ngraph LR\n"))
            && !changes.contains("mermaid"),
        "{text}"
    );
    let bare = of(&outcome, &scene, BUDGET);
    let long = Sketch::Drawn("graph LR\n".repeat(BUDGET / 9 - 100));
    assert!(
        with_graph(&outcome, &scene, BUDGET, Some(long)) == bare,
        "a graph that does not fit is left out"
    );
    let large = with_graph(&outcome, &scene, BUDGET, Some(Sketch::TooLarge(51)));
    assert!(large.contains("51 artifacts, too many for a graph on this page: `loom graph --changed --format svg > graph.svg`"));
    let pressed = with_graph(
        &many(100).ready(),
        &many(100),
        15_000,
        Some(Sketch::TooLarge(51)),
    );
    assert!(!pressed.contains("51 artifacts"), "{pressed}");
}

#[test]
fn that_most_goes_stands_before_all_else() {
    let scene = emptying();
    let text = of(&scene.ready(), &scene, BUDGET);
    assert!(
        text.find(EMPTYING) < text.find("### Files that are deleted (25)")
            && text.contains(EMPTYING),
        "{text}"
    );
}

#[test]
fn every_plan_keeps_its_budget_and_names_what_must_not_be_missed() {
    let sketch = Some(Sketch::Drawn(
        "graph LR\n  n0[\"file.a\"]\n  n1[\"file.b\"]\n  n0 --> n1\n".repeat(20),
    ));
    for (count, budgets) in [
        (10, &[LEAST, BUDGET][..]),
        (1000, &[LEAST, 20_000, BUDGET, 900_000]),
        (20_000, &[LEAST, BUDGET]),
    ] {
        let scene = many(count);
        for &budget in budgets {
            let text = with_graph(&scene.ready(), &scene, budget, sketch.clone());
            let bare = of(&scene.ready(), &scene, budget);
            assert!(
                text == bare || text.replace(&graph_of(&text), "") == bare,
                "the graph changes nothing else:\n{text}"
            );
            assert!(
                text.len() <= budget,
                "{count} changes, {} of {budget}",
                text.len()
            );
            assert!(
                text.contains(&format!("### Files that are deleted ({})", count / 10)),
                "{count} {budget}\n{text}"
            );
            let conflicts = scene.conflicts.len();
            assert!(
                conflicts == 0 || text.contains(&format!("### Conflicts ({conflicts})")),
                "{count} {budget}"
            );
            is_as_meant(&text);
        }
    }
}

#[test]
fn a_plan_says_less_in_a_fixed_order_and_says_what_it_leaves_out() {
    let scene = many(100);
    let outcome = scene.ready();
    let whole = of(&outcome, &scene, 900_000);
    assert!(
        whole.contains("#### `~ k8s/")
            && whole.contains("\n spec:\n")
            && !whole.contains("left out"),
        "{whole}"
    );
    let folded = of(&outcome, &scene, 60_000);
    assert!(
        folded.contains("<details><summary><code>~ k8s/")
            && folded.contains("\n spec:\n")
            && !folded.contains("left out")
    );
    let bare = of(&outcome, &scene, 23_000);
    assert!(
        !bare.contains("\n spec:\n")
            && bare.contains("unchanged lines around each change are left out"),
        "{bare}"
    );
    let some = of(&outcome, &scene, 15_000);
    assert!(
        some.contains("### Changes that are not shown here") && some.contains("files are left out"),
        "{some}"
    );
    assert!(some.contains("`loom plan` shows everything."));
}

#[test]
fn the_same_change_in_many_files_is_shown_once() {
    let mut scene = Scene::default();
    for index in 0..500 {
        let texts = [Some("image: 1\n"), Some("image: 2\n")];
        scene.act(
            Verb::Update,
            &format!("k8s/s{index}.yml"),
            "kubernetes.manifest.s",
            texts,
            &[setting("services.image", 2)],
        );
    }
    let text = of(&scene.ready(), &scene, BUDGET);
    assert_eq!(text.matches("```diff").count(), 1);
    assert!(
        text.contains("k8s/s0.yml")
            && text.contains("k8s/s499.yml")
            && text.contains("and 499 more")
    );
}

#[test]
fn what_people_wrote_is_no_markup() {
    let mut scene = Scene::default();
    let texts = [
        Some("a\n```\n</details> @team <script>\n"),
        Some("b\n````\n\u{1b}[2J\n"),
    ];
    scene.act(
        Verb::Update,
        "docs/<b>`@team`</b>|x.md",
        "file.x",
        texts,
        &[setting("services.*a*.<i>", 2)],
    );
    let group = Group {
        actions: vec![&scene.actions[0]],
        weight: Weight::Other,
    };
    let outcome = scene.ready();
    let open = of(&outcome, &scene, BUDGET);
    let review = Review {
        outcome: &outcome,
        contents: &scene,
        apply: "",
        budget: BUDGET,
        findings: &[],
        basis: &Basis::default(),
        compared: None,
        sketch: None,
    };
    let folded = review.change(
        &group,
        Form {
            fold: Fold::Folded,
            context: 0,
        },
    );
    assert!(
        open.contains("\n`````diff\n") && !open.contains('\u{1b}'),
        "{open}"
    );
    assert!(open.contains("services.\\*a\\*.\\<i\\>"), "{open}");
    assert!(
        open.contains("#### ``~ docs/<b>`@team`</b>|x.md``"),
        "{open}"
    );
    assert!(
        folded.contains("<code>~ docs/&lt;b&gt;`@team`&lt;/b&gt;|x.md</code>"),
        "{folded}"
    );
}
