//! The job that loom is for: a story in, the files of a delivery out, and nothing drifts unseen.

use super::sandbox::{Ran, Sandbox, Tree, fixtures, input_of, tree};

const WORKFLOW: &str = ".github/workflows/deploy-entity-api.yml";
const MANIFEST: &str = "k8s/production/entity-api.yml";

/// What loom wrote: the files that the input does not hold as they are.
fn written(sandbox: &Sandbox, input: &Tree) -> Tree {
    sandbox
        .tree()
        .into_iter()
        .filter(|(path, bytes)| input.get(path) != Some(bytes))
        .collect()
}

fn expected(project: &str) -> Tree {
    tree(
        &fixtures().join("projects").join(project).join("expected"),
        &[],
    )
}

#[track_caller]
fn same(got: &Tree, want: &Tree) {
    let paths = |tree: &Tree| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(got), paths(want));
    for (path, bytes) in got {
        assert_eq!(
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&want[path]),
            "{path}"
        );
    }
}

#[test]
fn every_project_of_the_fixtures_becomes_its_expected_tree() {
    for project in ["entity-api", "two-services"] {
        let sandbox = Sandbox::project(project);
        sandbox.apply();
        same(
            &written(
                &sandbox,
                &input_of(&fixtures().join("projects").join(project)),
            ),
            &expected(project),
        );
        sandbox.is_settled();
    }
}

#[test]
fn every_form_of_the_story_leads_to_the_same_tree_and_digest() {
    let mut digests = Vec::new();
    for form in [None, Some("native.yaml"), Some("story-file.json")] {
        let sandbox = Sandbox::project("entity-api");
        if let Some(form) = form {
            let text = tree(&fixtures().join("projects/entity-api/forms"), &[])
                .remove(form)
                .expect("the form is there");
            sandbox.remove("stories/ENT-001.json");
            sandbox.write_bytes(&format!("stories/{form}"), &text);
        }
        let input = sandbox.tree();
        digests.push(sandbox.loom(&["plan"]).comes_to(0).digest());
        sandbox.apply();
        same(&written(&sandbox, &input), &expected("entity-api"));
    }
    assert!(
        digests.windows(2).all(|pair| pair[0] == pair[1]),
        "{digests:?}"
    );
}

#[test]
fn a_story_from_elsewhere_is_planned_as_the_one_in_the_repository_would_be() {
    let sandbox = Sandbox::project("entity-api");
    let whole = sandbox
        .loom(&["plan", "--story", "ENT-001"])
        .comes_to(0)
        .digest();
    let story = sandbox.read("stories/ENT-001.json");
    sandbox.remove("stories/ENT-001.json");
    sandbox
        .loom(&["plan", "--story", "ENT-001"])
        .comes_to(1)
        .complains("there is no story `ENT-001`");
    let file = sandbox.outside("story.json");
    std::fs::write(&file, &story).expect("it can be written");
    let file = file.display().to_string();
    assert_eq!(
        sandbox
            .loom(&["plan", "--story", &file])
            .comes_to(0)
            .digest(),
        whole
    );
    assert_eq!(
        sandbox
            .loom_reading(&["plan", "--story", "-"], &story)
            .comes_to(0)
            .digest(),
        whole
    );
    sandbox
        .loom_reading(&["apply", "--yes", "--story", "-"], &story)
        .comes_to(0)
        .says("Applied: ");
    assert!(
        !sandbox.has("stories/ENT-001.json"),
        "looking at a story from elsewhere writes no story"
    );
    sandbox
        .loom_reading(&["plan", "--detailed-exitcode", "--story", "-"], &story)
        .comes_to(0);
}

#[test]
fn plan_changes_nothing_and_apply_does_what_plan_said() {
    let sandbox = Sandbox::project("entity-api");
    let before = sandbox.tree();
    let plan = sandbox.loom(&["plan", "--detailed-exitcode"]).comes_to(2);
    assert_eq!(sandbox.tree(), before);
    let created = plan.marked('+');
    let applied = sandbox.apply();
    assert_eq!(applied.digest(), plan.digest());
    let after = sandbox.tree();
    let new = after
        .keys()
        .filter(|path| !before.contains_key(*path) && !path.starts_with(".loom/ledger/"));
    assert_eq!(new.cloned().collect::<Vec<_>>(), created);
    sandbox.is_settled();
}

#[test]
fn a_hand_edit_is_drift_that_names_the_file_and_can_be_restored_or_kept() {
    let sandbox = Sandbox::project("entity-api");
    sandbox.apply();
    let original = sandbox.read(MANIFEST);
    sandbox.edit(MANIFEST, "replicas: 3", "replicas: 5");
    sandbox
        .loom(&["drift"])
        .comes_to(2)
        .says(MANIFEST)
        .says("1 edited");
    let blocked = sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("--on-drift restore")
        .says("--on-drift keep");
    assert_eq!(blocked.marked('!'), [MANIFEST]);
    sandbox.loom(&["apply", "--yes"]).comes_to(4);
    assert!(
        sandbox.read(MANIFEST).contains("replicas: 5"),
        "a conflict loses nobody's work"
    );

    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(0);
    assert_eq!(sandbox.read(MANIFEST), original);
    sandbox.is_settled();

    sandbox.edit(MANIFEST, "replicas: 3", "replicas: 5");
    let edited = sandbox.read(MANIFEST);
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    assert_eq!(sandbox.read(MANIFEST), edited);
    sandbox.is_settled();
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(0)
        .says("Nothing to do");
    assert_eq!(
        sandbox.read(MANIFEST),
        edited,
        "a kept edit is no drift, and a restore of everything leaves it"
    );
    let target = "kubernetes.manifest.entity-api[production]";
    sandbox
        .loom(&[
            "apply",
            "--yes",
            "--on-drift",
            "restore",
            "--target",
            target,
        ])
        .comes_to(0);
    assert_eq!(sandbox.read(MANIFEST), original, "named, it is put back");
    sandbox.is_settled();
}

#[test]
fn a_file_that_vanished_is_drift_and_is_made_again() {
    let sandbox = Sandbox::project("entity-api");
    sandbox.apply();
    let original = sandbox.read(WORKFLOW);
    sandbox.remove(WORKFLOW);
    sandbox
        .loom(&["drift"])
        .comes_to(2)
        .says(WORKFLOW)
        .says("missing");
    sandbox.apply();
    assert_eq!(sandbox.read(WORKFLOW), original);
    sandbox.is_settled();
}

/// The files that hold the port 3000 as a word.
fn naming(sandbox: &Sandbox, port: &str) -> Vec<String> {
    let is_word = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| word == port)
    };
    let files = sandbox.tree().into_iter().filter(|(path, bytes)| {
        !path.starts_with(".loom/")
            && !path.starts_with("forms/")
            && path != "loom.yaml"
            && is_word(&String::from_utf8_lossy(bytes))
    });
    files.map(|(path, _)| path).collect()
}

#[test]
fn the_port_is_changed_in_one_place_and_every_file_that_names_it_follows_in_one_plan() {
    let sandbox = Sandbox::project("entity-api");
    sandbox.apply();
    sandbox.commit();
    let files = naming(&sandbox, "3000");
    assert!(
        files.len() >= 6,
        "manifests, image, pipeline, infrastructure and documents name it: {files:?}"
    );
    sandbox.edit("loom.yaml", "    port: 3000", "    port: 3100");
    sandbox.edit(
        "loom.yaml",
        "API_PORT: { value: 3000,",
        "API_PORT: { value: 3100,",
    );
    let plan = sandbox.loom(&["plan"]).comes_to(0);
    assert_eq!(plan.marked('~'), files);
    let line = 1 + sandbox
        .read("loom.yaml")
        .lines()
        .position(|line| line.contains("port: 3100"))
        .expect("it was written");
    let cause = format!("services.entity-api.port changed, loom.yaml:{line}");
    let plan = plan.says(&cause);
    assert!(
        plan.line(MANIFEST).contains("services.entity-api"),
        "the cause stands on the file's line\n{plan}"
    );
    sandbox.apply();
    assert_eq!(naming(&sandbox, "3000"), Vec::<String>::new());
    assert_eq!(naming(&sandbox, "3100"), files);
    sandbox.is_settled();
}

#[test]
fn another_ci_takes_the_workflow_away_or_says_what_it_cannot_write() {
    let sandbox = Sandbox::project("entity-api");
    sandbox.apply();
    sandbox.edit(
        ".agent/loom/stack-config.json",
        "github-actions",
        "gitlab-ci",
    );
    let refused = sandbox.loom(&["plan"]).comes_to(1);
    refused
        .complains("stack-config.json")
        .complains("gitlab-ci");
    assert!(sandbox.has(WORKFLOW));
    // without the pipeline the stack is served, and the workflow goes
    sandbox.edit(
        "stories/ENT-001.json",
        "  - { kind: pipeline, service: entity-api, strategy: blue-green }\\n",
        "",
    );
    let plan: Ran = sandbox.loom(&["plan"]).comes_to(0);
    assert_eq!(plan.marked('-'), [WORKFLOW]);
    sandbox.apply();
    assert!(!sandbox.has(WORKFLOW));
    sandbox.is_settled();
}

#[test]
fn the_same_input_comes_to_the_same_digest_wherever_and_however_it_is_run() {
    let (one, two) = (
        Sandbox::project("two-services"),
        Sandbox::project("two-services"),
    );
    let first = one.loom(&["plan", "--jobs", "1"]).comes_to(0);
    // services/scorer has a loom.yaml of its own, which is included and no project
    let second = two
        .loom(&["-C", "services/scorer", "plan", "--jobs", "7"])
        .comes_to(0);
    assert_eq!(first.digest(), second.digest());
    let third = two
        .loom(&["-C", "stories", "plan", "--jobs", "7"])
        .comes_to(0);
    assert_eq!(
        (first.digest(), first.actions()),
        (third.digest(), third.actions())
    );
}
