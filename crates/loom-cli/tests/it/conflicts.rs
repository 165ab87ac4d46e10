//! What loom does where it could lose somebody's work: nothing, and it says how to go on.

use super::sandbox::Sandbox;
use super::small;

#[test]
fn a_file_that_loom_did_not_write_is_in_its_way_until_somebody_decides() {
    let sandbox = small::fresh();
    sandbox.write("etc/port", "mine\n");
    let plan = sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("--adopt")
        .says("adopt: [{ address: \"file.port\", path: \"etc/port\" }]");
    assert_eq!(plan.marked('!'), ["etc/port"]);
    sandbox.loom(&["apply", "--yes"]).comes_to(4);
    assert_eq!(sandbox.read("etc/port"), "mine\n");
    assert!(
        !sandbox.has("docs/hours.md"),
        "a blocked plan does nothing at all"
    );

    sandbox.loom(&["apply", "--yes", "--adopt"]).comes_to(0);
    assert_eq!(
        sandbox.read("etc/port"),
        "mine\n",
        "it is taken over as it is"
    );
    sandbox.is_settled();
}

#[test]
fn the_rest_can_be_done_without_the_conflicts() {
    let sandbox = small::fresh();
    sandbox.write("etc/port", "mine\n");
    sandbox
        .loom(&["plan", "--skip-conflicts"])
        .comes_to(0)
        .says("docs/hours.md");
    sandbox
        .loom(&["apply", "--yes", "--skip-conflicts"])
        .comes_to(4)
        .says("Applied: ");
    assert!(sandbox.has("docs/hours.md"));
    assert_eq!(sandbox.read("etc/port"), "mine\n");
    sandbox.loom(&["plan", "--skip-conflicts"]).comes_to(4);
}

#[test]
fn what_depends_on_a_conflict_is_left_out_with_it() {
    let sandbox = small::standing(
        "  - { kind: file, name: base, path: base, content: base }\n  \
         - { kind: file, name: above, path: above, content: \"see ${ref:file.base.path}\" }\n  \
         - { kind: file, name: apart, path: apart, content: apart }\n",
        "",
    );
    sandbox.write("base", "mine");
    let plan = sandbox.loom(&["plan", "--skip-conflicts"]).comes_to(0);
    assert!(plan.marked('+').contains(&"apart".to_owned()), "{plan}");
    assert!(!plan.marked('+').contains(&"above".to_owned()), "{plan}");
}

#[test]
fn a_link_in_place_of_a_file_is_never_followed() {
    let sandbox = small::fresh();
    sandbox.write("elsewhere", "precious\n");
    std::fs::create_dir_all(sandbox.root().join("etc")).expect("it can be made");
    std::os::unix::fs::symlink("../elsewhere", sandbox.root().join("etc/port"))
        .expect("it can be made");
    for choice in [&["--adopt"][..], &["--on-drift", "restore"], &[]] {
        sandbox
            .loom(&[&["apply", "--yes"], choice].concat())
            .comes_to(4)
            .says("etc/port");
    }
    assert_eq!(sandbox.read("elsewhere"), "precious\n");
}

#[test]
fn a_link_in_place_of_a_directory_is_never_followed() {
    let sandbox = small::fresh();
    let outside = sandbox.outside("outside");
    std::fs::create_dir(&outside).expect("it can be made");
    std::os::unix::fs::symlink(&outside, sandbox.root().join("etc")).expect("it can be made");
    let ran = sandbox.loom(&["apply", "--yes"]);
    assert!(matches!(ran.code, Some(1 | 4)), "{ran}");
    assert!(format!("{}{}", ran.out, ran.err).contains("etc"), "{ran}");
    assert_eq!(
        std::fs::read_dir(&outside).expect("it is there").count(),
        0,
        "nothing is written outside of the repository"
    );
}

#[test]
fn an_undeclared_file_that_was_edited_is_not_deleted_unless_somebody_insists() {
    let sandbox = small::applied();
    sandbox.edit("etc/port", "3000", "3001");
    sandbox.edit(
        "stories/S-1.yaml",
        "      - { kind: file, name: port, path: etc/port, service: api, content: \"port ${service:port}\\n\" }\n",
        "",
    );
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("etc/port")
        .says("keep: true");
    sandbox.append("loom.yaml", "removed: [{ address: file.port }]\n");
    sandbox.loom(&["apply", "--yes"]).comes_to(4);
    assert!(sandbox.has("etc/port"));
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(0);
    assert!(!sandbox.has("etc/port"));
    sandbox.is_settled();
}

#[test]
fn terraform_is_not_deleted_because_a_line_of_input_went() {
    let module = "  - kind: terraform.module\n    name: bucket\n    files: { main.tf: { resource: { aws_s3_bucket: { one: { bucket: one }, two: { bucket: two } } } } }\n";
    let sandbox = small::standing(module, "");
    sandbox.apply();
    let path = "infrastructure/terraform/modules/bucket/main.tf";

    small::declare(&sandbox, &module.replace(", two: { bucket: two }", ""), "");
    sandbox.loom(&["plan"]).comes_to(4).says("component");
    small::declare(
        &sandbox,
        &module.replace(", two: { bucket: two }", ""),
        "removed: [{ address: terraform.module.bucket, component: aws_s3_bucket.two, reason: moved by hand }]\n",
    );
    sandbox.apply();
    assert!(!sandbox.read(path).contains("two"));

    small::declare(&sandbox, "  []\n", "");
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says(path)
        .says("destroy");
    small::declare(
        &sandbox,
        "  []\n",
        "removed: [{ address: terraform.module.bucket, reason: nobody uses it }]\n",
    );
    assert_eq!(sandbox.loom(&["plan"]).comes_to(0).marked('-'), [path]);
    sandbox.apply();
    assert!(!sandbox.has(path));
    sandbox.is_settled();
}

#[test]
fn without_git_everything_works_too() {
    let sandbox = Sandbox::without_git();
    sandbox.write("loom.yaml", small::PROJECT);
    sandbox.write("stories/S-1.yaml", small::STORY);
    sandbox.apply();
    sandbox.is_settled();
    assert_eq!(sandbox.read("etc/port"), "port 3000\n");
}
