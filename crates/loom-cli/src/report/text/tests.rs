use super::*;
use crate::env::{Colour, Reader};
use crate::report::fixture::{Scene, address, day, drifting, setting, task};
use loom_plan::plan::decide::Conflict;
use loom_plan::plan::{NoteKind, Report};
use loom_plan::provider::Mode;

fn shown(outcome: &Outcome, scene: &Scene, talk: Talk) -> String {
    coloured(outcome, scene, talk, Colour::Off)
}

fn coloured(outcome: &Outcome, scene: &Scene, talk: Talk, colour: Colour) -> String {
    let stream = Stream {
        reader: Reader::Program,
        colour,
        width: 120,
    };
    let mut out = Vec::new();
    let report = PlanText {
        outcome,
        contents: scene,
        apply: "loom apply --expect 00ff",
        stream,
        talk,
        findings: &[],
        basis: &Basis::default(),
    };
    plan(&report, &mut out).expect("writing to memory cannot fail");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn a_plan_reads_from_the_list_over_the_changes_to_the_command_that_applies_it() {
    let scene = day();
    insta::assert_snapshot!(shown(&scene.ready(), &scene, Talk::Normal), @r"
    + .github/workflows/deploy-entity-api.yml       +3        github.workflow.entity-api                  task T-015 of ENT-001 asks for it, stories/ENT-001.yaml:14 (+1 more)
    ~ k8s/production/entity-api.yml                 +1 -1     kubernetes.manifest.entity-api[production]  services.entity-api.port changed, loom.yaml:22
    ~ k8s/staging/entity-api.yml                    +1 -1     kubernetes.manifest.entity-api[staging]     services.entity-api.port changed, loom.yaml:22
    - docs/old.md                                   -3        markdown.page.old                           nothing declares it any more
    > infra/api/main.tf → infra/entity-api/main.tf            terraform.module.entity-api                 moved from terraform.module.api, loom.yaml:60
    = README.md                                               file.readme                                 the file is as declared already

    ~ k8s/production/entity-api.yml
        because: services.entity-api.port changed, loom.yaml:22
        port: 3000 → 8080
        @@ -3,5 +3,5 @@
         metadata:
           name: entity-api
         spec:
        -  port: 3000
        +  port: 8080
           type: ClusterIP
        The same change in 1 more file:
          k8s/staging/entity-api.yml

    Notes:
      1 artifact waits for T-003, which is not completed: pipeline.entity-api

    Plan: 1 to create, 2 to update, 1 to delete, 1 to move, 1 to adopt; 1 drifted; 0 conflicts
    Digest: 29fde71e3ef298312227db745efc78ceb1c4e97c3a45f8e1f3f8680fa8a8f9ac
    Apply it with: loom apply --expect 00ff
    ");
}

#[test]
fn with_verbose_everything_is_shown_and_nothing_is_grouped() {
    let mut scene = Scene::default();
    scene.act(
        Verb::Create,
        "a.txt",
        "file.a",
        [None, Some("one\ntwo")],
        &[task("T-001", 3)],
    );
    scene.act(
        Verb::Delete,
        "b.txt",
        "file.b",
        [Some("three\n"), None],
        &[Cause::Undeclared],
    );
    for name in ["c", "d"] {
        scene.act(
            Verb::Update,
            name,
            &format!("file.{name}"),
            [Some("x\n"), Some("y\n")],
            &[setting("project", 1)],
        );
    }
    insta::assert_snapshot!(shown(&scene.ready(), &scene, Talk::Verbose), @r"
    + a.txt  +2        file.a  task T-001 of ENT-001 asks for it, stories/ENT-001.yaml:3
    - b.txt  -1        file.b  nothing declares it any more
    ~ c      +1 -1     file.c  project changed, loom.yaml:1
    ~ d      +1 -1     file.d  project changed, loom.yaml:1

    + a.txt
        because: task T-001 of ENT-001 asks for it, stories/ENT-001.yaml:3
        +one
        +two
        \ No newline at end of file

    - b.txt
        because: nothing declares it any more
        -three

    ~ c
        because: project changed, loom.yaml:1
        @@ -1 +1 @@
        -x
        +y

    ~ d
        because: project changed, loom.yaml:1
        @@ -1 +1 @@
        -x
        +y

    Plan: 1 to create, 2 to update, 1 to delete; 0 drifted; 0 conflicts
    Digest: 29fde71e3ef298312227db745efc78ceb1c4e97c3a45f8e1f3f8680fa8a8f9ac
    Apply it with: loom apply --expect 00ff
    ");
}

#[test]
fn a_deletion_that_loses_an_edit_shows_what_goes() {
    let mut scene = Scene::default();
    let causes = [
        Cause::Removed(crate::report::fixture::position("loom.yaml", 40)),
        Cause::Edited,
    ];
    scene.act(
        Verb::Delete,
        "docs/api.md",
        "markdown.page.api",
        [Some("# API\nMy own notes.\n"), None],
        &causes,
    );
    let text = shown(&scene.ready(), &scene, Talk::Normal);
    assert!(text.contains("    -My own notes.\n"), "{text}");
}

#[test]
fn conflicts_say_what_happened_what_would_be_lost_and_the_ways_out() {
    let mut scene = day();
    scene.actions.truncate(1);
    scene.conflict(
        Conflict::Edited,
        "docs/deployment.md",
        "markdown.page.entity-api-deployment",
        [Some("# Deployment\n\nPort 3000. Ask Ann first.\n"), Some("# Deployment\n\nPort 8080.\n")],
        &[
            "loom apply --target markdown.page.entity-api-deployment --on-drift restore: write loom's content over the edit",
            "loom apply --target markdown.page.entity-api-deployment --on-drift keep: accept the edit",
        ],
    );
    scene.conflict(
        Conflict::Stateful,
        "infra/main.tf",
        "terraform.module.entity-api",
        [Some("resource \"aws_db_instance\" \"main\" {}\n"), None],
        &[
            "terraform -chdir=infra destroy",
            "then add `removed: [{ address: terraform.module.entity-api }]` to loom.yaml",
        ],
    );
    insta::assert_snapshot!(shown(&scene.blocked(), &scene, Talk::Normal), @r"
    + .github/workflows/deploy-entity-api.yml  +3        github.workflow.entity-api           task T-015 of ENT-001 asks for it, stories/ENT-001.yaml:14 (+1 more)
    ! docs/deployment.md                                 markdown.page.entity-api-deployment  edited by hand
    ! infra/main.tf                                      terraform.module.entity-api          its removal strands what it describes

    Notes:
      1 artifact waits for T-003, which is not completed: pipeline.entity-api

    ! docs/deployment.md  markdown.page.entity-api-deployment
        Somebody edited it, and loom would write something else. Writing it would lose the edit.
        @@ -1,3 +1,3 @@
         # Deployment

        -Port 3000. Ask Ann first.
        +Port 8080.
        What you can do:
          * loom apply --target markdown.page.entity-api-deployment --on-drift restore: write loom's content over the edit
          * loom apply --target markdown.page.entity-api-deployment --on-drift keep: accept the edit

    ! infra/main.tf  terraform.module.entity-api
        It is no longer declared. Without the file, what it describes outside the repository would go on with nobody to manage it.
        What you can do:
          * terraform -chdir=infra destroy
          * then add `removed: [{ address: terraform.module.entity-api }]` to loom.yaml

    Plan: 1 to create, 0 to update, 0 to delete; 1 drifted; 2 conflicts
    Nothing can be applied while the conflicts stand; `loom plan --skip-conflicts` plans the rest.
    ");
    let skipped = shown(&scene.ready(), &scene, Talk::Normal);
    assert!(
        skipped.contains("! docs/deployment.md")
            && skipped.ends_with("Apply it with: loom apply --expect 00ff\n"),
        "{skipped}"
    );
}

#[test]
fn nothing_to_do_is_one_line_after_the_notes() {
    let scene = Scene::default();
    let report = |outputs| {
        Outcome::Converged(Report {
            outputs,
            ..Report::default()
        })
    };
    assert_eq!(
        shown(&report(9), &scene, Talk::Normal),
        "Nothing to do: 9 files are as declared.\n"
    );
    assert_eq!(
        shown(&report(1), &scene, Talk::Normal),
        "Nothing to do: 1 file is as declared.\n"
    );
    let mut scene = Scene::default();
    for name in ["a", "b", "c", "d", "e"] {
        scene.note(&format!("file.{name}"), NoteKind::OutOfScope);
    }
    scene.note("file.x", NoteKind::NotLoaded("ENT-000".to_owned()));
    scene.note("file.y", NoteKind::Held("T-003".to_owned()));
    scene.note("file.z", NoteKind::Once);
    insta::assert_snapshot!(shown(&Outcome::Converged(scene.report.clone()), &scene, Talk::Normal), @r"
    Notes:
      1 artifact is left alone until T-003 is completed: file.y
      1 artifact of ENT-000, a story that is not loaded, is left alone: file.x
      5 artifacts are out of scope: file.a, file.b, file.c, and 2 more
      1 artifact was created once and is left alone: file.z

    Nothing to do: 0 files are as declared.
    ");
}

#[test]
fn what_comes_with_a_newer_loom_stands_apart_from_what_somebody_asked_for() {
    let mut scene = drifting();
    scene.conflicts.truncate(1);
    let text = shown(&scene.blocked(), &scene, Talk::Normal);
    let heading = "Generator upgraded: kubernetes.manifest 1 → 2: Probes stand behind ports.\n";
    let (list, changes) = text.split_once("\n\n").expect("a list and changes");
    let (asked, upgraded) = list.split_once(heading).expect("a heading in the list");
    assert!(
        asked.contains("~ k8s/staging/entity-api.yml") && asked.contains("! docs/deployment.md"),
        "{text}"
    );
    assert!(
        upgraded.starts_with("~ k8s/production/entity-api.yml") && !upgraded.contains('\n'),
        "{text}"
    );
    let (asked, upgraded) = changes
        .split_once(heading)
        .expect("a heading in the changes");
    assert!(
        asked.contains("because: services.entity-api.port changed")
            && !asked.contains("k8s/production"),
        "{text}"
    );
    assert!(
        upgraded.starts_with(
            "\n~ k8s/production/entity-api.yml\n    because: kubernetes.manifest 1 → 2"
        ),
        "{text}"
    );
}

#[test]
fn quiet_leaves_the_list_and_the_summary() {
    let scene = day();
    let text = shown(&scene.ready(), &scene, Talk::Quiet);
    assert!(
        text.contains("~ k8s/staging/entity-api.yml") && text.contains("\nPlan: 1 to create"),
        "{text}"
    );
    assert!(!text.contains("@@") && !text.contains("Notes:"), "{text}");
}

#[test]
fn a_mode_a_binary_file_and_several_parts_are_said_in_words() {
    let mut scene = Scene::default();
    let script = scene.act(
        Verb::Update,
        "run.sh",
        "shell.script.run",
        [Some("x\n"), Some("x\n")],
        &[setting("project", 1)],
    );
    if let Some(after) = &mut script.parts[0].after {
        after.mode = Mode::Executable;
    }
    scene.act(
        Verb::Update,
        "x.bin",
        "file.x",
        [Some("1"), Some("2")],
        &[Cause::Edited],
    );
    scene.raw("x.bin", b"\xff\0", b"text");
    let shared = scene.act(
        Verb::Update,
        ".dockerignore",
        "file.ignore",
        [Some("a\n"), Some("a\nb\n")],
        &[Cause::BuiltIn],
    );
    let mut second = shared.parts[0].clone();
    second.address = address("file.other");
    shared.parts.push(second);
    insta::assert_snapshot!(shown(&scene.ready(), &scene, Talk::Normal), @r"
    ~ run.sh         mode      shell.script.run        project changed, loom.yaml:1
    ~ x.bin          binary    file.x                  edited by hand
    ~ .dockerignore  +1        file.ignore and 1 more  loom keeps it in every repository

    ~ run.sh
        because: project changed, loom.yaml:1
        The file becomes executable.

    ~ x.bin
        because: edited by hand
        accepted edit: content, binary
        The content is not text and is not shown.

    ~ .dockerignore
        because: loom keeps it in every repository
        @@ -1 +1,2 @@
         a
        +b

    Plan: 0 to create, 3 to update, 0 to delete; 0 drifted; 0 conflicts; 1 accepted edit
    Digest: 29fde71e3ef298312227db745efc78ceb1c4e97c3a45f8e1f3f8680fa8a8f9ac
    Apply it with: loom apply --expect 00ff
    ");
}

#[test]
fn colour_adds_to_what_can_be_read_without_it() {
    let scene = day();
    let (plain, coloured) = (
        shown(&scene.ready(), &scene, Talk::Normal),
        coloured(&scene.ready(), &scene, Talk::Normal, Colour::On),
    );
    assert!(
        coloured.contains("\u{1b}[1;7;32m8080\u{1b}[0m"),
        "{coloured:?}"
    );
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn nothing_in_a_file_or_a_way_out_can_command_the_terminal() {
    let mut scene = Scene::default();
    let (before, after) = ("x: \u{1b}[2J\n", "x: \u{1b}]0;title\u{7}\r\u{202e}\n");
    scene.act(
        Verb::Update,
        "a",
        "file.a",
        [Some(before), Some(after)],
        &[setting("a\u{1b}[31m", 1)],
    );
    scene.conflict(
        Conflict::NotOurs,
        "b",
        "file.b",
        [Some(before), Some(after)],
        &["a\u{1b}[31m way"],
    );
    for outcome in [scene.ready(), scene.blocked()] {
        let text = shown(&outcome, &scene, Talk::Verbose);
        assert!(
            !text.contains(|c: char| c != '\n' && crate::report::style::is_hidden(c)),
            "{text:?}"
        );
        assert!(text.contains(
                "⟨U+001B ESCAPE⟩]0;title⟨U+0007 ALERT⟩⟨U+000D CARRIAGE RETURN⟩⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩"
            ), "{text}");
    }
}

#[test]
fn chunks_do_not_show() {
    let mut scene = Scene::default();
    for number in 0..=CHUNK * 2 {
        let text = format!("{number}\n");
        scene.act(
            Verb::Update,
            &format!("f{number:04}"),
            "file.a",
            [Some(""), Some(&text)],
            &[],
        );
    }
    let text = shown(&scene.ready(), &scene, Talk::Normal);
    let listed: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("file.a"))
        .collect();
    assert_eq!(listed.len(), CHUNK * 2 + 1);
    assert!(listed.is_sorted());
    assert_eq!(text.matches("@@ -0,0 +1 @@").count(), CHUNK * 2 + 1);
}
