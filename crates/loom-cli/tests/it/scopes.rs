//! A run that was asked about a part does nothing to the rest.

use super::sandbox::Sandbox;
use super::small;

fn two_stories() -> Sandbox {
    let sandbox = small::fresh();
    let other = "story: S-2\ntitle: Close the shop\ntasks:\n  - id: T-1\n    title: Lock up\n    artifacts:\n      - { kind: file, name: lock, path: etc/lock, content: locked }\n";
    sandbox.write("stories/S-2.yaml", other);
    sandbox
}

#[test]
fn a_story_by_its_code_and_nothing_else() {
    let sandbox = two_stories();
    let plan = sandbox.loom(&["plan", "--story", "S-2"]).comes_to(0);
    assert_eq!(plan.marked('+'), ["etc/lock"]);
    sandbox
        .loom(&["apply", "--yes", "--story", "s-2"])
        .comes_to(0);
    assert!(sandbox.has("etc/lock") && !sandbox.has("etc/port"));
    sandbox
        .loom(&["plan", "--detailed-exitcode", "--story", "S-2"])
        .comes_to(0);
    sandbox.loom(&["plan", "--detailed-exitcode"]).comes_to(2);
}

#[test]
fn a_conflict_of_another_story_does_not_block() {
    let sandbox = two_stories();
    sandbox.write("etc/port", "mine");
    sandbox
        .loom(&["apply", "--yes", "--story", "S-2"])
        .comes_to(0);
    sandbox.loom(&["apply", "--yes"]).comes_to(4);
}

#[test]
fn an_address_or_all_of_its_items_or_all_that_a_blueprint_makes() {
    let sandbox = Sandbox::project("entity-api");
    let planned = |target: &str| {
        sandbox
            .loom(&["plan", "--target", target])
            .comes_to(0)
            .marked('+')
    };
    assert_eq!(
        planned("kubernetes.manifest.entity-api[staging]"),
        ["k8s/staging/entity-api.yml"]
    );
    assert_eq!(
        planned("kubernetes.manifest.entity-api"),
        [
            "k8s/production/entity-api.yml",
            "k8s/staging/entity-api.yml"
        ]
    );
    assert_eq!(
        planned("pipeline.entity-api"),
        [".github/workflows/deploy-entity-api.yml"]
    );
    let both = sandbox
        .loom(&[
            "plan",
            "--target",
            "pipeline.entity-api",
            "--target",
            "alert.entity-api-latency",
        ])
        .comes_to(0);
    assert_eq!(both.marked('+').len(), 2, "{both}");
}

#[test]
fn a_target_that_nothing_declares_is_an_error_with_the_nearest_name() {
    let sandbox = small::fresh();
    sandbox
        .loom(&["plan", "--target", "file.prot"])
        .comes_to(1)
        .complains("file.port");
    sandbox
        .loom(&["plan", "--target", "no address"])
        .comes_to(1);
}

#[test]
fn a_path_by_a_glob() {
    let sandbox = Sandbox::project("entity-api");
    let plan = sandbox
        .loom(&["plan", "--path", "k8s/*/entity-api.yml"])
        .comes_to(0);
    assert_eq!(
        plan.marked('+'),
        [
            "k8s/production/entity-api.yml",
            "k8s/staging/entity-api.yml"
        ]
    );
    sandbox
        .loom(&["apply", "--yes", "--path", "k8s/**"])
        .comes_to(0);
    assert!(sandbox.has("k8s/staging/namespace.yml") && !sandbox.has("docker"));
    sandbox.loom(&["drift", "--path", "k8s/**"]).comes_to(0);
    sandbox.loom(&["drift", "--path", "docker/**"]).comes_to(2);
}

#[test]
fn the_scope_is_part_of_what_is_approved() {
    let sandbox = small::fresh();
    let whole = sandbox.loom(&["plan"]).digest();
    let path = sandbox.loom(&["plan", "--path", "**"]).digest();
    assert_ne!(whole, path);
    sandbox
        .loom(&["apply", "--expect", &whole, "--path", "**"])
        .comes_to(3);
}

#[test]
fn a_path_means_what_is_below_it_however_it_is_typed_and_never_nothing() {
    let sandbox = two_stories();
    sandbox.apply();
    sandbox.append("etc/lock", "edited\n");
    let absolute = sandbox.root().join("etc/lock").display().to_string();
    for path in ["etc", "etc/", "./etc", "etc/lock", "etc/**", &absolute] {
        sandbox
            .loom(&["drift", "--path", path])
            .comes_to(2)
            .says("etc/lock");
    }
    let inside = |path: &str| sandbox.loom(&["-C", "etc", "drift", "--path", path]);
    inside("lock").comes_to(2).says("etc/lock");
    sandbox
        .loom(&["drift", "--path", "etc/port"])
        .comes_to(0)
        .says(" files looked at, and as declared");
    for command in ["drift", "plan", "apply"] {
        sandbox
            .loom(&[command, "--path", "etcc/lock"])
            .comes_to(1)
            .complains("did you mean `etc/lock`?");
    }
    sandbox
        .loom(&["explain", "etcc/lock"])
        .comes_to(1)
        .complains("did you mean `etc/lock`?");
    sandbox.loom(&["explain", "./etc/lock"]).comes_to(0);
    sandbox
        .loom(&["explain", &absolute])
        .comes_to(0)
        .says("etc/lock");
}
