//! `loom handoff`: what was applied, for the story's other readers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use super::sandbox::{Ran, Sandbox, fixtures};
use super::small;

const COMMITTED: &str = "2026-11-23T08:00:00Z";

/// The reference project beside a file of its people, applied and committed.
fn reference() -> Sandbox {
    let sandbox = Sandbox::project("entity-api");
    sandbox.write(".dockerignore", "node_modules\n");
    sandbox.commit();
    sandbox.apply();
    sandbox.commit_at(COMMITTED);
    sandbox
}

/// The same with the story in another form.
fn reference_as(form: &str, path: &str) -> Sandbox {
    let sandbox = Sandbox::project("entity-api");
    sandbox.remove("stories/ENT-001.json");
    let text = fs::read_to_string(fixtures().join("projects/entity-api/forms").join(form))
        .expect("it is there");
    sandbox.write(path, &text);
    sandbox.apply();
    sandbox.commit_at(COMMITTED);
    sandbox
}

fn devops(ran: &Ran) -> Value {
    ran.json()["devops"].clone()
}

fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item.as_str().expect("a text"))
        .collect()
}

#[test]
fn of_the_reference_story_it_says_what_a_person_would_have_written() {
    let sandbox = reference();
    let said = sandbox.loom(&["handoff", "ENT-001"]).comes_to(0);
    let expected = fs::read_to_string(fixtures().join("handoff/entity-api.json"))
        .expect("the fixture is there");
    assert_eq!(said.out, expected);
    assert_eq!(
        sandbox.loom(&["handoff", "ent-001"]).comes_to(0).out,
        expected,
        "codes are compared without case"
    );
    for file in texts(&devops(&said)["filesCreated"]) {
        assert!(sandbox.has(file), "{file}");
    }
}

#[test]
fn the_output_is_as_its_schema_says() {
    let sandbox = reference();
    let schema: Value = sandbox
        .loom(&["schema", "handoff-output"])
        .comes_to(0)
        .json();
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let is_valid = || {
        let said = sandbox.loom(&["handoff", "ENT-001"]).json();
        let errors: Vec<String> = validator
            .iter_errors(&said)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    };
    is_valid();
    sandbox.remove("docs/entity-api/rollback.md");
    is_valid();
}

#[test]
fn what_is_not_on_the_disk_is_not_said() {
    let sandbox = Sandbox::project("entity-api");
    sandbox.commit();
    let nothing = sandbox
        .loom(&["handoff", "ENT-001"])
        .comes_to(2)
        .complains("loom plan --story ENT-001");
    let nothing = devops(&nothing);
    assert_eq!(nothing["status"], "in_progress");
    assert_eq!(
        nothing["notes"]
            .as_str()
            .expect("a text")
            .matches("loom apply --story ENT-001")
            .count(),
        1,
        "{nothing}"
    );
    for (key, value) in nothing.as_object().expect("a mapping") {
        let is_empty = value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty);
        assert!(
            is_empty || ["status", "notes"].contains(&key.as_str()),
            "{key}: {value}"
        );
    }

    sandbox.apply();
    let applied = devops(&sandbox.loom(&["handoff", "ENT-001"]).comes_to(0));
    assert_eq!(
        (&applied["status"], &applied["completedAt"]),
        (&"completed".into(), &Value::Null),
        "nothing is committed"
    );
    sandbox.remove("docs/entity-api/rollback.md");
    sandbox.remove("infrastructure/terraform/staging/backend.tf");
    let part = devops(&sandbox.loom(&["handoff", "ENT-001"]).comes_to(2));
    assert_eq!(part.get("rollbackProcedure"), None);
    let proposals = part["weaveProposals"].as_array().expect("a list");
    assert!(
        !proposals
            .iter()
            .any(|proposal| proposal["id"] == "separate-terraform-state-per-env"),
        "{part}"
    );
    assert!(!texts(&part["filesCreated"]).contains(&"docs/entity-api/rollback.md"));
}

#[test]
fn a_setting_that_no_applied_file_was_made_from_is_not_said() {
    let sandbox = reference();
    sandbox.edit(
        "loom.yaml",
        "https://api.example.com",
        "https://entities.example.com",
    );
    let said = devops(&sandbox.loom(&["handoff", "ENT-001"]).comes_to(2));
    assert!(!said.to_string().contains("entities.example.com"), "{said}");
    assert_eq!(said.get("completedAt"), None);
    sandbox.apply();
    let said = devops(&sandbox.loom(&["handoff", "ENT-001"]).comes_to(0));
    assert_eq!(
        said["deploymentUrl"]["production"],
        "https://entities.example.com"
    );
}

#[test]
fn an_edit_that_a_person_must_decide_about_blocks_and_one_that_was_accepted_tells_nothing() {
    let sandbox = reference();
    sandbox.append("k8s/production/entity-api.yml", "# mine\n");
    let blocked = sandbox
        .loom(&["handoff", "ENT-001"])
        .comes_to(4)
        .complains("somebody must decide");
    let blocked = devops(&blocked);
    assert_eq!(blocked["status"], "blocked");
    assert!(
        blocked["notes"]
            .as_str()
            .expect("a text")
            .contains("Somebody must decide about k8s/production/entity-api.yml")
    );

    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    let accepted = devops(&sandbox.loom(&["handoff", "ENT-001"]).comes_to(0));
    assert_eq!(accepted["status"], "completed");
    assert!(
        accepted["notes"]
            .as_str()
            .expect("a text")
            .contains("Accepted as they are")
    );
    let evidence: Vec<&Value> = accepted["weaveProposals"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|proposal| &proposal["evidence"])
        .collect();
    assert!(
        !evidence.contains(&&"k8s/production/entity-api.yml".into()),
        "{evidence:?}"
    );
    assert!(texts(&accepted["filesCreated"]).contains(&"k8s/production/entity-api.yml"));
}

#[test]
fn what_a_story_created_is_told_from_the_history_and_not_from_the_clock() {
    let sandbox = small::fresh();
    sandbox.write("docs/hours.md", "# Hours\n\nOpen from nine to five.\n");
    let created = |sandbox: &Sandbox| {
        let said = devops(&sandbox.loom(&["handoff", "S-1"]).comes_to(0));
        (
            said["filesCreated"].clone(),
            said["filesModified"].clone(),
            said["completedAt"].clone(),
        )
    };
    sandbox.commit_at("2026-11-01T10:00:00Z");
    sandbox.loom(&["apply", "--yes", "--adopt"]).comes_to(0);
    let (port, hours) = (
        serde_json::json!(["etc/port"]),
        serde_json::json!(["docs/hours.md"]),
    );
    assert_eq!(
        created(&sandbox),
        (port.clone(), hours.clone(), Value::Null),
        "before the commit"
    );
    sandbox.commit_at("2026-11-02T12:00:00+02:00");
    let told = (port, hours, Value::from("2026-11-02T10:00:00Z"));
    assert_eq!(created(&sandbox), told);
    sandbox.write("README.md", "other work\n");
    sandbox.commit_at("2026-11-03T10:00:00Z");
    assert_eq!(
        created(&sandbox),
        told,
        "a commit of other work says nothing of the story"
    );
    sandbox.edit("loom.yaml", "3000", "3001");
    sandbox.apply();
    assert_eq!(
        created(&sandbox).2,
        Value::Null,
        "the ledger is not committed as it is now"
    );
    sandbox.commit_at("2026-11-04T10:00:00Z");
    assert_eq!(
        created(&sandbox),
        (told.0, told.1, "2026-11-04T10:00:00Z".into())
    );
}

#[test]
fn without_git_the_owner_of_a_file_tells_who_created_it() {
    let sandbox = Sandbox::without_git();
    sandbox.write("loom.yaml", small::PROJECT);
    sandbox.write(
        "stories/S-1.yaml",
        &small::STORY.replace(
            "{ kind: markdown.page, name: hours,",
            "{ kind: file, name: hours, path: notes.md, own: block,",
        ),
    );
    sandbox.write("notes.md", "# Notes\n");
    sandbox.apply();
    let said = devops(&sandbox.loom(&["handoff", "S-1"]).comes_to(0));
    assert_eq!(
        (texts(&said["filesCreated"]), texts(&said["filesModified"])),
        (vec!["etc/port"], vec!["notes.md"])
    );
    assert_eq!(said.get("completedAt"), None);
}

#[test]
fn what_a_gate_holds_is_in_progress() {
    let sandbox = small::fresh();
    sandbox.append("loom.yaml", "gate: hold\n");
    sandbox.append("stories/S-1.yaml", "  - id: T-2\n    title: Later\n    dependencies: [T-1]\n    artifacts:\n      - { kind: file, name: late, path: etc/late, content: \"late\\n\" }\n");
    sandbox.apply();
    let said = devops(&sandbox.loom(&["handoff", "S-1"]).comes_to(2));
    assert_eq!(said["status"], "in_progress");
    assert!(
        said["notes"]
            .as_str()
            .expect("a text")
            .contains("Held until T-1 is completed."),
        "{said}"
    );
    assert!(!said.to_string().contains("etc/late"), "{said}");
}

#[test]
fn every_form_of_a_story_takes_the_section_and_keeps_every_other_byte() {
    for (form, path, place) in [
        ("native.yaml", "stories/ENT-001.yaml", "/devops"),
        (
            "story-file.json",
            "stories/ENT-001.json",
            "/actorSections/devops",
        ),
        (
            "../stories/ENT-001.json",
            "stories/ENT-001.json",
            "/extensions/devops",
        ),
    ] {
        let sandbox = reference_as(form, path);
        let (before, digest) = (sandbox.read(path), plan_of_removal(&sandbox));
        let said = devops(&sandbox.loom(&["handoff", "ENT-001"]).comes_to(0));
        sandbox
            .loom(&["handoff", "ENT-001", "--write"])
            .comes_to(0)
            .says("Wrote `")
            .says(path);
        let after = sandbox.read(path);
        let data: Value = if path.ends_with("json") {
            serde_json::from_str(&after).expect("it is JSON")
        } else {
            serde_yaml::from_str(&after).expect("it is YAML")
        };
        assert_eq!(data.pointer(place), Some(&said), "{path}");
        let lines = |text: &str| {
            text.lines()
                .map(|line| line.trim_end_matches(',').to_owned())
                .collect::<Vec<_>>()
        };
        let (old, new) = (lines(&before), lines(&after));
        let front = old
            .iter()
            .zip(&new)
            .take_while(|(one, other)| one == other)
            .count();
        let rest = old.len() - front;
        // what was `{}` on one line becomes several
        let kept = if rest == 0 { 0 } else { rest - 1 };
        assert_eq!(old[old.len() - kept..], new[new.len() - kept..], "{path}");
        sandbox
            .loom(&["handoff", "ENT-001", "--write"])
            .comes_to(0)
            .says("says so already");
        assert_eq!(sandbox.read(path), after);
        sandbox.is_settled();
        assert_eq!(
            plan_of_removal(&sandbox),
            digest,
            "the section changes no plan"
        );
        sandbox.commit();
        let again = devops(&sandbox.loom(&["handoff", "ENT-001"]).comes_to(0));
        assert_eq!(
            again, said,
            "what is written changes nothing of what is derived"
        );
    }
}

/// The digest of the plan that brings back one file.
fn plan_of_removal(sandbox: &Sandbox) -> String {
    let text = sandbox.read("docs/entity-api/rollback.md");
    sandbox.remove("docs/entity-api/rollback.md");
    let digest = sandbox.loom(&["plan"]).comes_to(0).digest();
    sandbox.write("docs/entity-api/rollback.md", &text);
    digest
}

#[test]
fn a_section_that_is_there_is_replaced_where_it_stands() {
    let sandbox = small::fresh();
    let with = |section: &str| {
        small::STORY.replace(
            "status: in_progress\n",
            &format!("status: in_progress # ours\n{section}\n"),
        )
    };
    sandbox.write(
        "stories/S-1.yaml",
        &with("devops:\n  status: draft\n  mine: gone # soon\n"),
    );
    sandbox.apply();
    sandbox.loom(&["handoff", "S-1", "--write"]).comes_to(0);
    let text = sandbox.read("stories/S-1.yaml");
    let (head, rest) = text.split_once("devops:\n").expect("it stands there");
    let (section, tail) = rest.split_once("\ntasks:").expect("and then the tasks");
    assert_eq!(
        format!("{head}devops:\ntasks:{tail}"),
        with("devops:").replace("devops:\n\n", "devops:\n")
    );
    insta::assert_snapshot!(section, @r#"
    status: completed
    filesCreated:
      - docs/hours.md
      - etc/port
    filesModified: []
    environmentsConfigured: []
    pipelinesUpdated: []
    infrastructureCreated: []
    notes: ""
    deploymentUrl: {}
    environmentVariables: []
    monitoringDashboards: []
    weaveProposals: []
    "#);
}

#[test]
fn line_ends_of_windows_stay() {
    let sandbox = small::fresh();
    sandbox.write("stories/S-1.yaml", &small::STORY.replace('\n', "\r\n"));
    sandbox.apply();
    sandbox.loom(&["handoff", "S-1", "--write"]).comes_to(0);
    let text = sandbox.read("stories/S-1.yaml");
    assert!(
        text.starts_with(&small::STORY.replace('\n', "\r\n")),
        "{text}"
    );
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
}

#[test]
fn a_story_that_cannot_be_written_to_stays_as_it_is() {
    let sandbox = Sandbox::project("entity-api");
    let story = sandbox.read("stories/ENT-001.json");
    let wrapped = serde_json::to_string(&story).expect("it is text");
    for (text, says) in [
        (wrapped, "JSON string"),
        (
            story.replacen("\"extensions\": {}", "\"extensions\": []", 1),
            "not a mapping",
        ),
    ] {
        sandbox.write("stories/ENT-001.json", &text);
        sandbox.apply();
        let refused = sandbox.loom(&["handoff", "ENT-001", "--write"]).comes_to(1);
        refused.complains(says).complains("extensions.devops");
        assert_eq!(sandbox.read("stories/ENT-001.json"), text);
    }
}

#[test]
fn a_story_without_artifacts_and_one_that_nobody_knows_are_said() {
    let sandbox = small::applied();
    sandbox
        .loom(&["handoff", "S-2"])
        .comes_to(1)
        .complains("there is no story `S-2`")
        .complains("S-1");
    sandbox.write("stories/S-2.yaml", "story: S-2\n");
    sandbox
        .loom(&["handoff", "S-2"])
        .comes_to(1)
        .complains("declares no artifact")
        .complains("stories/S-2.yaml");
    sandbox.edit("stories/S-1.yaml", "in_progress", "cancelled");
    sandbox
        .loom(&["handoff", "S-1"])
        .comes_to(1)
        .complains("is cancelled");
    for wrong in [
        vec!["handoff"],
        vec!["handoff", "S-1", "--write", "--board"],
    ] {
        sandbox.loom(&wrong).comes_to(1).complains("Usage");
    }
}

#[test]
fn text_of_people_stays_text() {
    let sandbox = small::fresh();
    let title = "\\\"}, x: y # ${{ secrets.A }} \\u202e\\u0007 - [ * & ! \\n key: value";
    let monitor = format!(
        "      - {{ kind: datadog.monitor, name: odd, content: {{ name: \"{title}\", type: query alert, query: x }} }}\n"
    );
    sandbox.append("stories/S-1.yaml", &monitor);
    sandbox.apply();
    let said = sandbox.loom(&["handoff", "S-1"]).comes_to(0);
    let notes = devops(&said)["notes"].as_str().expect("a text").to_owned();
    assert!(
        notes.contains("\"}, x: y # ${{ secrets.A }} \u{202e}\u{7} - [ * & ! \n key: value"),
        "{notes}"
    );
    assert!(
        !said.out.contains(['\u{7}', '\u{202e}']),
        "a terminal obeys nothing of it"
    );
    sandbox.loom(&["handoff", "S-1", "--write"]).comes_to(0);
    let data: Value = serde_yaml::from_str(&sandbox.read("stories/S-1.yaml")).expect("it is YAML");
    assert_eq!(data["devops"], devops(&said));
    sandbox.is_settled();
}

/// A board beside a repository that is applied: a script that prints the export for `story show`,
/// and for all else does this. What it is asked goes into a file.
fn with_board(sandbox: Sandbox, script: &str) -> (Sandbox, PathBuf) {
    let programs = sandbox.outside("programs");
    fs::create_dir(&programs).expect("it can be made");
    fs::copy(
        fixtures().join("projects/entity-api/stories/ENT-001.json"),
        programs.join("export"),
    )
    .expect("it can be copied");
    let script = format!(
        "#!/bin/sh\nhere=$(dirname \"$0\")\necho \"$*\" >> \"$here/asked\"\ncase \"$1 $2\" in\n'story show') cat \"$here/export\";;\n*) {script};;\nesac\n"
    );
    fs::write(programs.join("board"), script).expect("it can be written");
    fs::set_permissions(programs.join("board"), fs::Permissions::from_mode(0o755))
        .expect("it can be made a program");
    (sandbox, programs)
}

fn board((sandbox, programs): &(Sandbox, PathBuf)) -> Ran {
    sandbox.loom_with_programs(programs, &["handoff", "ENT-001", "--board"])
}

fn asked(place: &(Sandbox, PathBuf)) -> Vec<String> {
    let asked = fs::read_to_string(place.1.join("asked")).expect("it was asked");
    asked.lines().map(str::to_owned).collect()
}

#[test]
fn each_task_on_the_board_gets_its_own_files_once() {
    let place = with_board(reference(), "true");
    board(&place)
        .comes_to(0)
        .says("on the board: 52 now, 0 already there.");
    let asked = asked(&place);
    assert_eq!(asked[0], "story show ENT-001 --json");
    let pipeline = "81aca7d6-ebc4-451c-a26e-c0494a77c7c3";
    let docs = "c8c040a6-54a5-4e6f-a006-1f7af366cd14";
    assert!(
        asked.contains(&format!(
            "task add-file {pipeline} .github/workflows/deploy-entity-api.yml"
        )),
        "{asked:?}"
    );
    let of_docs: Vec<&String> = asked.iter().filter(|call| call.contains(docs)).collect();
    assert_eq!(of_docs.len(), 2, "{of_docs:?}");

    let export = fs::read_to_string(place.1.join("export")).expect("it is there");
    let mut export: Value = serde_json::from_str(&export).expect("it is JSON");
    for task in export["tasks"].as_array_mut().expect("a list") {
        if task["id"] == docs {
            task["files"] = serde_json::json!(["docs/entity-api/rollback.md"]);
        }
    }
    // some commands of the board print JSON inside a JSON string
    fs::write(
        place.1.join("export"),
        serde_json::to_string(&export.to_string()).expect("it is text"),
    )
    .expect("it can be written");
    fs::remove_file(place.1.join("asked")).expect("it can be removed");
    board(&place).comes_to(0).says(", 1 already there.");
    let again = self::asked(&place);
    assert_eq!(again.len(), asked.len() - 1);
    assert!(!again.contains(&format!("task add-file {docs} docs/entity-api/rollback.md")));
}

#[test]
fn a_board_that_fails_or_prints_something_else_is_said() {
    let place = with_board(reference(), "echo 'database is locked' >&2; exit 3");
    board(&place)
        .comes_to(1)
        .complains("database is locked")
        .complains("files attached before that: 0");
    let long = "x".repeat(20);
    for garbage in [
        "",
        "Welcome!",
        "{}",
        "[]",
        "\"{\"",
        "{\"code\": \"ENT-002\", \"tasks\": []}",
        "{\"code\": \"ENT-001\"}",
        &long,
    ] {
        fs::write(place.1.join("export"), garbage).expect("it can be written");
        board(&place)
            .comes_to(1)
            .complains("is not the story ENT-001");
    }
    for (tasks, says) in [
        ("[]", "does not know the task"),
        ("[{ \"id\": \"--force\" }]", "is not the story"),
    ] {
        fs::write(
            place.1.join("export"),
            format!("{{\"code\": \"ENT-001\", \"tasks\": {tasks}}}"),
        )
        .expect("it can be written");
        board(&place)
            .comes_to(1)
            .complains(says)
            .complains("nothing was attached");
    }
    let calls = asked(&place);
    assert_eq!(
        calls
            .iter()
            .filter(|call| call.starts_with("task add-file"))
            .count(),
        1,
        "{calls:?}"
    );
}

#[test]
fn a_path_is_never_an_option_of_the_board() {
    let sandbox = Sandbox::project("entity-api");
    sandbox.edit(
        "stories/ENT-001.json",
        "artifacts:\\n  - { kind: docs,",
        "artifacts:\\n  - { kind: file, name: odd, path: --json, content: x }\\n  - { kind: docs,",
    );
    sandbox.apply();
    let place = with_board(sandbox, "true");
    board(&place).comes_to(0);
    assert!(
        asked(&place)
            .contains(&"task add-file c8c040a6-54a5-4e6f-a006-1f7af366cd14 ./--json".to_owned())
    );
}

#[test]
fn without_a_board_it_is_said() {
    let sandbox = reference();
    let mut command = sandbox.command(&["handoff", "ENT-001", "--board"]);
    let output = command
        .env("PATH", sandbox.outside("nothing"))
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("no program `board` on the PATH"),
        "{output:?}"
    );
}

/// Terraform of two environments with these keys of their states, for two services.
fn two_services(keys: &[&str; 2]) -> Sandbox {
    let sandbox = small::fresh();
    sandbox.append(
        "loom.yaml",
        "    health: /up\n  web:\n    port: 8080\n    expose: internal\n",
    );
    let root = |item: &str, key: &str| {
        format!(
            "      - {{ kind: terraform.module, name: {item}-root, each: [{item}], files: {{ backend.tf: {{ terraform: {{ backend: {{ s3: {{ key: {key} }} }} }} }} }} }}\n"
        )
    };
    let page = |service: &str| {
        format!(
            "      - {{ kind: file, name: {service}-up, path: etc/{service}-up, service: {service}, content: \"${{service:health}}\\n\" }}\n"
        )
    };
    let more = format!(
        "{}{}{}{}",
        root("staging", keys[0]),
        root("production", keys[1]),
        page("api"),
        page("web")
    );
    sandbox.append("stories/S-1.yaml", &more);
    sandbox.edit(
        "loom.yaml",
        "    port: 8080\n",
        "    port: 8080\n    health: /alive\n",
    );
    sandbox.apply();
    sandbox
}

#[test]
fn separate_states_are_proposed_only_where_no_two_environments_share_one() {
    let ids = |keys| {
        let said = devops(&two_services(keys).loom(&["handoff", "S-1"]).comes_to(0));
        let proposals = said["weaveProposals"].as_array().expect("a list").clone();
        proposals
            .iter()
            .map(|proposal| proposal["id"].as_str().expect("a text").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&["a", "b"]), ["separate-terraform-state-per-env"]);
    assert_eq!(ids(&["a", "a"]), Vec::<String>::new());
}

#[test]
fn of_several_services_each_line_names_its_own() {
    let said = devops(
        &two_services(&["a", "b"])
            .loom(&["handoff", "S-1"])
            .comes_to(0),
    );
    assert_eq!(said["healthCheckEndpoint"], "api: /up, web: /alive");
}

#[test]
fn a_root_below_the_top_and_a_shallow_clone_say_what_they_can() {
    let sandbox = small::fresh();
    sandbox.write("README.md", "first\n");
    for path in ["loom.yaml", "stories/S-1.yaml"] {
        sandbox.write(&format!("shop/{path}"), &sandbox.read(path));
        sandbox.remove(path);
    }
    sandbox.write("shop/docs/hours.md", "# Hours\n\nOpen from nine to five.\n");
    sandbox.commit();
    sandbox
        .loom(&["-C", "shop", "apply", "--yes", "--adopt"])
        .comes_to(0);
    sandbox.commit_at(COMMITTED);
    let whole = devops(&sandbox.loom(&["-C", "shop", "handoff", "S-1"]).comes_to(0));
    assert_eq!(
        (texts(&whole["filesModified"]), &whole["completedAt"]),
        (vec!["docs/hours.md"], &COMMITTED.into())
    );

    let url = format!("file://{}", sandbox.root().display());
    sandbox.git(&[
        "clone",
        "--quiet",
        "--depth=1",
        &url,
        &sandbox.outside("clone").display().to_string(),
    ]);
    let clone = sandbox.outside("clone/shop").display().to_string();
    let shallow = devops(&sandbox.loom(&["-C", &clone, "handoff", "S-1"]).comes_to(0));
    assert_eq!(
        (&shallow["status"], shallow.get("completedAt")),
        (&"completed".into(), None)
    );
    assert_eq!(
        texts(&shallow["filesCreated"]).len(),
        2,
        "nothing says that one of them was there"
    );
}

#[test]
fn a_branch_that_was_merged_tells_what_it_created() {
    let sandbox = small::fresh();
    sandbox.commit_at("2026-11-01T10:00:00Z");
    sandbox.git(&["switch", "--quiet", "--create", "work"]);
    sandbox.apply();
    sandbox.commit_at("2026-11-02T10:00:00Z");
    sandbox.git(&["switch", "--quiet", "main"]);
    sandbox.write("README.md", "meanwhile\n");
    sandbox.commit_at("2026-11-03T10:00:00Z");
    sandbox.git(&[
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@example.com",
        "merge",
        "--quiet",
        "--no-ff",
        "--message",
        "x",
        "work",
    ]);
    let said = devops(&sandbox.loom(&["handoff", "S-1"]).comes_to(0));
    assert_eq!(said["completedAt"], "2026-11-02T10:00:00Z");
    assert_eq!(texts(&said["filesCreated"]), ["docs/hours.md", "etc/port"]);
}

#[test]
fn what_people_added_to_the_section_stays_when_it_is_written_anew() {
    let sandbox = small::applied();
    sandbox.loom(&["handoff", "S-1", "--write"]).comes_to(0);
    sandbox.edit(
        "stories/S-1.yaml",
        "notes: \"\"",
        "notes: Call Ada before the first deployment.",
    );
    sandbox.edit(
        "stories/S-1.yaml",
        "weaveProposals: []",
        "weaveProposals:\n    - { dimension: Q, type: painpoint, id: ours-1, summary: The port was taken }",
    );
    // something is to be applied: loom has a sentence of its own to say
    sandbox.remove("etc/port");
    sandbox.loom(&["handoff", "S-1", "--write"]).comes_to(2);
    let text = sandbox.read("stories/S-1.yaml");
    assert!(text.contains("Not applied yet: etc/port"), "{text}");
    sandbox.apply();
    sandbox.loom(&["handoff", "S-1", "--write"]).comes_to(0);
    let text = sandbox.read("stories/S-1.yaml");
    assert!(!text.contains("Not applied yet"), "{text}");
    for kept in [
        "Call Ada before the first deployment.",
        "ours-1",
        "The port was taken",
    ] {
        assert_eq!(text.matches(kept).count(), 1, "{kept}: {text}");
    }
    sandbox
        .loom(&["handoff", "S-1", "--write"])
        .comes_to(0)
        .says("says so already");
}
