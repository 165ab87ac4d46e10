use super::*;
use crate::report::Compared;
use crate::report::fixture::{EMPTYING, Scene, address, day, emptying, position, setting};
use loom_plan::plan::decide::Conflict;
use loom_plan::plan::digest::Choices;
use loom_plan::plan::{Cause, Report, Verb};
use serde_json::Value;

fn planned(outcome: &Outcome, scene: &Scene) -> String {
    let mut out = Vec::new();
    plan(
        (outcome, &[], &crate::report::Basis::default()),
        scene,
        (None, Some(&Choices::default())),
        &mut out,
    )
    .expect("writing to memory cannot fail");
    String::from_utf8(out).expect("UTF-8")
}

fn drifted(outcome: &Outcome, scene: &Scene) -> String {
    let mut out = Vec::new();
    drift(
        &crate::report::drift::Report::new(outcome, &scene.drifted(outcome), scene),
        &mut out,
    )
    .expect("writing to memory cannot fail");
    String::from_utf8(out).expect("UTF-8")
}

fn texted(outcome: &Outcome, scene: &Scene) -> String {
    use crate::env::{Colour, Reader, Stream};
    use crate::report::text::{PlanText, plan};
    let stream = Stream {
        reader: Reader::Program,
        colour: Colour::Off,
        width: 100,
    };
    let mut out = Vec::new();
    let report = PlanText {
        outcome,
        contents: scene,
        apply: "",
        stream,
        talk: crate::cli::Talk::Verbose,
        findings: &[],
        basis: &crate::report::Basis::default(),
    };
    plan(&report, &mut out).expect("writing to memory cannot fail");
    String::from_utf8(out).expect("UTF-8")
}

/// Everything that the schema does not take of a document, as if it named all keys that there are.
fn problems(schema: &str, document: &str) -> Vec<String> {
    let mut schema: Value = serde_json::from_str(schema).expect("JSON");
    close(&mut schema);
    let document: Value = serde_json::from_str(document).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Readers ignore unknown keys; the test does not, so that no key can be left undocumented.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            if keys.contains_key("properties") {
                keys.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            keys.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

const PLAN: &str = include_str!("../../../../../docs/schema/plan-output.schema.json");
const DRIFT: &str = include_str!("../../../../../docs/schema/drift-output.schema.json");
const DIAGNOSTICS: &str = include_str!("../../../../../docs/schema/diagnostics.schema.json");

/// Every action, cause, conflict and note that there is.
fn everything() -> Scene {
    let mut scene = day();
    let causes = [
        Cause::Setting {
            pointer: "project".to_owned(),
            position: None,
        },
        Cause::Standing(position("loom.yaml", 30)),
        Cause::BuiltIn,
        Cause::Edited,
        Cause::Merged,
        Cause::Vanished,
        Cause::KindVersion {
            kind: "file".to_owned(),
            from: 1,
            to: 2,
            changes: vec!["It ends in a newline.".to_owned()],
        },
        Cause::RefersTo(address("file.y")),
        Cause::Removed(position("loom.yaml", 40)),
        Cause::Adopted,
        Cause::ClaimChanged,
    ];
    scene.act(
        Verb::Update,
        "x",
        "file.x",
        [Some("a\n"), Some("b\n")],
        &causes,
    );
    scene.act(
        Verb::Update,
        "y",
        "file.y",
        [Some("a\n"), Some("b\n")],
        &causes[5..6],
    );
    let shared = scene.act(
        Verb::Update,
        ".dockerignore",
        "file.ignore",
        [Some("a\n"), Some("b\n")],
        &[Cause::BuiltIn],
    );
    shared.parts[0].part = Part::Block("file.ignore".to_owned());
    scene.act(
        Verb::Keep,
        "k",
        "file.k",
        [Some("a\n"), Some("a\n")],
        &[Cause::Edited],
    );
    scene.act(
        Verb::Forget,
        "f",
        "file.f",
        [None, None],
        &[Cause::Undeclared],
    );
    for (number, conflict) in [
        Conflict::Edited,
        Conflict::DeletedButEdited,
        Conflict::NotOurs,
        Conflict::Foreign,
        Conflict::Stateful,
        Conflict::Component,
        Conflict::Migration,
        Conflict::Merge,
        Conflict::Base,
        Conflict::Unsafe,
        Conflict::KeysTaken,
        Conflict::Markers,
    ]
    .into_iter()
    .enumerate()
    {
        scene.conflict(
            conflict,
            &format!("c{number}"),
            "file.c",
            [Some("a\n"), Some("b\n")],
            &["do this"],
        );
    }
    scene.conflicts[3].found = Some("a symbolic link".to_owned());
    for kind in [
        NoteKind::Held("T-1".to_owned()),
        NoteKind::NotLoaded("ENT-0".to_owned()),
        NoteKind::OutOfScope,
        NoteKind::KeptEdit,
        NoteKind::Once,
        NoteKind::Delegated("renovate".to_owned()),
    ] {
        scene.note("file.n", kind);
    }
    scene.report.notes[0].path = Some(RepoPath::new("n").expect("a path"));
    scene
}

#[test]
fn every_plan_and_every_drift_is_as_the_schemas_say_and_they_name_every_key() {
    let scene = everything();
    let converged = Outcome::Converged(Report::default());
    let compared = Compared {
        reference: "main".to_owned(),
        commit: "93d05a0e63".to_owned(),
        moved_from: None,
        standing: "ready",
        missing: String::new(),
    };
    let mut out = Vec::new();
    let basis = crate::report::Basis::default();
    plan(
        (&scene.ready(), &[], &basis),
        &scene,
        (Some(&compared), None),
        &mut out,
    )
    .expect("writing to memory cannot fail");
    assert_eq!(
        problems(PLAN, &String::from_utf8(out).expect("UTF-8")),
        Vec::<String>::new()
    );
    for outcome in [scene.ready(), scene.blocked(), converged] {
        assert_eq!(
            problems(PLAN, &planned(&outcome, &scene)),
            Vec::<String>::new()
        );
        assert_eq!(
            problems(DRIFT, &drifted(&outcome, &scene)),
            Vec::<String>::new()
        );
    }
}

#[test]
fn diagnostics_are_as_their_schema_says() {
    use loom_plan::diag::{Code, Diagnostic, Diagnostics};
    use loom_plan::text::{Sources, Span};
    let mut sources = Sources::default();
    let source = sources.add("loom.yaml", "a: 1\nb: 2\n");
    let mut found = Diagnostics::default();
    found.push(
        Diagnostic::new(Code::BadValue, "bad")
            .at(
                Span {
                    source,
                    start: 3,
                    end: 9,
                },
                "here",
            )
            .help("write 2"),
    );
    found.push(Diagnostic::new(Code::LedgerIgnored, "ignored"));
    let mut out = Vec::new();
    crate::report::diagnostics::json(&found, &sources, &mut out)
        .expect("writing to memory cannot fail");
    assert_eq!(
        problems(DIAGNOSTICS, &String::from_utf8(out).expect("UTF-8")),
        Vec::<String>::new()
    );
}

#[test]
fn the_schemas_refuse_what_is_no_such_document() {
    for schema in [PLAN, DRIFT, DIAGNOSTICS] {
        assert!(!problems(schema, "{}").is_empty());
        assert!(!problems(schema, r#"{ "format_version": "2.0" }"#).is_empty());
    }
}

#[test]
fn a_plan_has_the_digest_and_the_actions_at_the_top_and_says_all_of_an_action() {
    let mut scene = day();
    scene.actions.truncate(2);
    scene.actions.remove(0);
    insta::assert_snapshot!(planned(&scene.ready(), &scene), @r#"
    {
      "format_version": "1.1",
      "outcome": "ready",
      "digest": "29fde71e3ef298312227db745efc78ceb1c4e97c3a45f8e1f3f8680fa8a8f9ac",
      "choices": {
        "story": null,
        "targets": [],
        "paths": [],
        "on_drift": null,
        "adopt": "declared",
        "conflicts": "block"
      },
      "judged_by": null,
      "policy_changes": [],
      "exceptions": [],
      "summary": {
        "create": 0,
        "update": 1,
        "delete": 0,
        "move": 0,
        "adopt": 0,
        "keep": 0,
        "forget": 0,
        "accepted": 0,
        "drifted": 1,
        "conflicts": 0,
        "outputs": 12
      },
      "brake": null,
      "actions": [
        {
          "action": "update",
          "path": "k8s/production/entity-api.yml",
          "from": null,
          "addresses": [
            "kubernetes.manifest.entity-api[production]"
          ],
          "guard": {
            "expect": "exactly",
            "hash": "f54d07dd505bde139dd3d339b18dd8ab808b8e13a52bccf210c7957f94af5c0f",
            "mode": "plain"
          },
          "parts": [
            {
              "address": "kubernetes.manifest.entity-api[production]",
              "block": null,
              "keys": null,
              "before": {
                "hash": "f54d07dd505bde139dd3d339b18dd8ab808b8e13a52bccf210c7957f94af5c0f",
                "mode": "plain"
              },
              "after": {
                "hash": "cdb93250d4d142259106275b79e3846520400effd0c0f27582f7d42b3df5b9c5",
                "mode": "plain"
              }
            }
          ],
          "causes": [
            {
              "kind": "setting",
              "text": "services.entity-api.port changed, loom.yaml:22",
              "pointer": "services.entity-api.port",
              "file": "loom.yaml",
              "line": 22
            }
          ],
          "settings": [
            "port: 3000 → 8080"
          ],
          "diff": "@@ -3,5 +3,5 @@\n metadata:\n   name: entity-api\n spec:\n-  port: 3000\n+  port: 8080\n   type: ClusterIP\n"
        }
      ],
      "conflicts": [],
      "upgrades": [],
      "notes": [
        {
          "kind": "waiting",
          "address": "pipeline.entity-api",
          "path": null,
          "text": "1 artifact waits for T-003, which is not completed"
        }
      ],
      "denied": false,
      "findings": []
    }
    "#);
}

#[test]
fn that_most_goes_is_said_with_its_numbers() {
    let scene = emptying();
    let read: Value = serde_json::from_str(&planned(&scene.ready(), &scene)).expect("JSON");
    assert_eq!(
        read["brake"],
        serde_json::json!({ "deletions": 25, "managed": 30, "text": EMPTYING })
    );
    let read: Value = serde_json::from_str(&planned(&scene.blocked(), &scene)).expect("JSON");
    assert!(read["brake"].is_null(), "nothing can be applied");
}

#[test]
fn nothing_in_a_document_can_command_a_terminal_and_it_still_reads_back() {
    let mut scene = Scene::default();
    let hostile = "\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{feff}";
    scene.act(
        Verb::Update,
        "a",
        "file.a",
        [Some("x\n"), Some(&format!("{hostile}\n"))],
        &[setting(hostile, 1)],
    );
    let text = planned(&scene.ready(), &scene);
    assert!(
        !text.contains(|c: char| c != '\n' && is_hidden(c)),
        "{text:?}"
    );
    let read: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(read["actions"][0]["causes"][0]["pointer"], hostile);
}

#[test]
fn what_looks_like_a_credential_is_in_no_output() {
    let mut scene = Scene::default();
    let token = format!("ghp_{}", "x7Kq2ZpW9sLm4RtY8vBn3CdF6gHj1NaQ5eUi");
    let (before, after) = (
        format!("token: {token}\nport: 1\n"),
        format!("token: {token}\nport: 2\n"),
    );
    scene.act(
        Verb::Update,
        "a",
        "file.a",
        [Some(&before), Some(&after)],
        &[setting("port", 1)],
    );
    scene.act(
        Verb::Update,
        "b",
        "file.b",
        [Some(&token), Some(&token.to_lowercase())],
        &[Cause::Edited],
    );
    scene.conflict(
        Conflict::Edited,
        "c",
        "file.c",
        [Some(&before), Some(&after)],
        &[],
    );
    for outcome in [scene.ready(), scene.blocked()] {
        for text in [
            planned(&outcome, &scene),
            drifted(&outcome, &scene),
            texted(&outcome, &scene),
        ] {
            assert!(!text.contains(&token), "{text}");
            assert!(text.contains("token: ****"), "{text}");
        }
    }
}
