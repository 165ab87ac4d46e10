//! What exists outside the repository: what may be lost, what goes on, and what another loom wrote.

use super::sandbox::Sandbox;
use super::small;

const BOOK: &str = ".loom/ledger/project.jsonl";

/// A module with a network, and with a database where it is asked for.
fn module(database: &str) -> String {
    format!(
        "  - kind: terraform.module\n    name: m\n    files: {{ main.tf: {{ resource: {{ aws_vpc: {{ v: {{ cidr_block: 10.0.0.0/16 }} }}{database} }} }} }}\n"
    )
}

fn database(engine: &str) -> String {
    format!(
        ", aws_db_instance: {{ db: {{ identifier: shop, engine: {engine}, storage_encrypted: true, backup_retention_period: 7, kms_key_id: k }} }}"
    )
}

fn permits(rest: &str) -> String {
    format!("removed: [{{ address: terraform.module.m, component: aws_db_instance.db{rest} }}]\n")
}

#[test]
fn a_permission_to_lose_something_needs_a_reason_and_is_used_up() {
    let with = module(&database("postgres"));
    let sandbox = small::standing(&with, "");
    sandbox.apply();
    small::declare(&sandbox, &module(""), &permits(""));
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .complains("LOOM0427")
        .says("permits nothing without a `reason`");
    let reasoned = permits(", reason: moved to the shared cluster");
    small::declare(&sandbox, &module(""), &reasoned);
    sandbox.apply();
    sandbox
        .loom(&["plan", "--detailed-exitcode"])
        .comes_to(0)
        .says("was carried out and permits nothing any more; take it out");
    // it comes back, and is lost once more
    small::declare(&sandbox, &with, &reasoned);
    sandbox.apply();
    small::declare(&sandbox, &module(""), &reasoned);
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("was carried out once");
    // another reason is another permission
    small::declare(
        &sandbox,
        &module(""),
        &permits(", reason: and now the second one"),
    );
    sandbox.apply();
    sandbox.is_settled();
    let lines = sandbox.read(BOOK);
    assert_eq!(lines.matches("{\"spent\":").count(), 2, "{lines}");
    // an unrelated apply keeps them
    sandbox.remove(".loom/.gitignore");
    sandbox.apply();
    assert_eq!(sandbox.read(BOOK).matches("{\"spent\":").count(), 2);
}

#[test]
fn what_is_rolled_back_is_permitted_again() {
    let sandbox = small::standing(&module(&database("postgres")), "");
    sandbox.apply();
    small::declare(&sandbox, &module(""), &permits(", reason: moved"));
    sandbox.apply();
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    assert!(!sandbox.read(BOOK).contains("spent"));
    sandbox.apply();
    sandbox.is_settled();
}

#[test]
fn a_permission_for_several_environments_holds_until_the_last_is_done() {
    let each = |database: &str| {
        module(database).replace("    name: m\n", "    name: m\n    each: environments\n")
    };
    let sandbox = small::standing(&each(&database("postgres")), "");
    sandbox.apply();
    small::declare(&sandbox, &each(""), &permits(", reason: moved"));
    let only = |name: &str| format!("terraform.module.m[{name}]");
    sandbox
        .loom(&["apply", "--yes", "--target", &only("staging")])
        .comes_to(0);
    assert!(
        !sandbox.read(BOOK).contains("spent"),
        "production needs it yet"
    );
    sandbox
        .loom(&["apply", "--yes", "--target", &only("production")])
        .comes_to(0);
    assert!(sandbox.read(BOOK).contains("spent"));
    sandbox.is_settled();
}

#[test]
fn a_whole_module_goes_once_and_only_with_a_reason() {
    let sandbox = small::standing(&module(""), "");
    sandbox.apply();
    let removed = |rest: &str| format!("removed: [{{ address: terraform.module.m{rest} }}]\n");
    small::declare(&sandbox, "  []\n", &removed(""));
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("permits nothing without a `reason`");
    let reasoned = removed(", reason: the network is shared now");
    small::declare(&sandbox, "  []\n", &reasoned);
    sandbox.apply();
    small::declare(&sandbox, &module(""), &reasoned);
    sandbox.apply();
    small::declare(&sandbox, "  []\n", &reasoned);
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("was carried out once");
}

#[test]
fn what_terraform_would_make_anew_is_a_conflict_with_its_name_and_may_be_permitted() {
    let sandbox = small::standing(&module(&database("postgres")), "");
    sandbox.apply();
    small::declare(&sandbox, &module(&database("mysql")), "");
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("aws_db_instance.db (by `engine`)")
        .says("component: database, replace: true");
    // that it may go does not say that it may be made anew
    small::declare(
        &sandbox,
        &module(&database("mysql")),
        &permits(", reason: x"),
    );
    sandbox.loom(&["plan"]).comes_to(4);
    small::declare(
        &sandbox,
        &module(&database("mysql")),
        &permits(", replace: true, reason: the data were copied"),
    );
    sandbox.apply();
    sandbox
        .loom(&["plan", "--detailed-exitcode"])
        .comes_to(0)
        .says("take it out");
}

#[test]
fn what_a_person_added_to_a_module_is_not_put_back_without_a_word() {
    let sandbox = small::standing(&module(""), "");
    sandbox.apply();
    let path = "infrastructure/terraform/modules/m/main.tf";
    sandbox.append(
        path,
        "\nresource \"aws_s3_bucket\" \"theirs\" {\n  bucket = \"theirs\"\n}\n",
    );
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "restore"])
        .comes_to(4)
        .says("aws_s3_bucket.theirs");
    assert!(sandbox.read(path).contains("theirs"));
}

const SHOP: &str = "\
loom: 1
project: shop
stack: { runtime: node, infrastructure: { hosting: aws, ci: github-actions, orchestration: kubernetes } }
environments: { production: { url: https://x.example.com, region: us-east-1 } }
services: { api: { port: 3000, commands: { start: node x.js } } }
artifacts:
  - { kind: workload, service: api }
  - { kind: container, service: api }
";

#[test]
fn what_goes_on_in_the_cluster_is_told_in_every_format_with_the_command_that_ends_it() {
    let sandbox = Sandbox::of(&[("loom.yaml", SHOP)]);
    sandbox.apply();
    sandbox.commit();
    sandbox.edit("loom.yaml", "  - { kind: workload, service: api }\n", "");
    let said = "outside the repository";
    for format in ["text", "json", "markdown", "html", "github", "sarif"] {
        sandbox
            .loom(&["plan", "--format", format])
            .comes_to(0)
            .says(said)
            .says("kubectl delete")
            .says("deployment/api");
    }
    sandbox.apply();
    sandbox.commit();
    // a review of the request is told the same
    sandbox.git(&["branch", "--quiet", "base", "HEAD~1"]);
    for format in ["text", "markdown", "github"] {
        let ran = sandbox.loom(&["plan", "--against", "base", "--format", format]);
        ran.says(said).says("kubectl delete");
    }
}

#[test]
fn the_second_colour_and_a_new_name_leave_the_old_one_running() {
    let sandbox = Sandbox::of(&[("loom.yaml", SHOP)]);
    sandbox.apply();
    sandbox.edit(
        "loom.yaml",
        "port: 3000",
        "port: 3000, strategy: blue-green",
    );
    let ran = sandbox.loom(&["plan"]).comes_to(0);
    let line = ran.line("outside the repository").to_owned();
    assert!(
        line.contains("kubectl delete deployment/api -n shop"),
        "{line}"
    );
    assert!(
        !line.contains("service/api"),
        "the Service is still declared: {line}"
    );
}

#[test]
fn an_object_that_another_file_has_now_is_not_left_to_nobody() {
    let object = |name: &str| {
        format!(
            "  - {{ kind: kubernetes.manifest, name: {name}, documents: [{{ apiVersion: v1, kind: ConfigMap, metadata: {{ name: shared }} }}] }}\n"
        )
    };
    let sandbox = small::standing(&object("one"), "");
    sandbox.apply();
    small::declare(&sandbox, &object("two"), "");
    let ran = sandbox.loom(&["plan"]);
    assert!(!ran.out.contains("outside the repository"));
}

#[test]
fn a_monitor_that_goes_is_told_with_the_command_that_finds_it() {
    let monitor = "  - { kind: datadog.monitor, name: slow, content: { name: \"It's slow\", type: query alert, query: x } }\n";
    let sandbox = small::standing(monitor, "");
    sandbox.apply();
    small::declare(&sandbox, "  []\n", "");
    sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("the monitor `It's slow` in Datadog")
        .says("-X DELETE");
}

/// A file that a newer version of its kind wrote, recorded as such.
fn of_a_newer_loom() -> Sandbox {
    let sandbox = small::standing(
        "  - { kind: docker.dockerfile, name: a, content: \"FROM alpine:3.22\\nUSER 1\\n\" }\n  - { kind: file, name: b, path: b, content: \"1\\n\" }\n",
        "",
    );
    sandbox.apply();
    sandbox.append("docker/a.Dockerfile", "# what the newer kind adds\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    let newer = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        if line.get("written").is_some() {
            line["rendered"] = line["written"].take();
            line.as_object_mut().expect("a record").remove("written");
            line["version"] = serde_json::json!(2);
        }
        format!("{line}\n")
    };
    let text: String = sandbox.read(BOOK).lines().map(newer).collect();
    sandbox.write(BOOK, &text);
    sandbox
}

#[test]
fn an_older_loom_does_not_write_over_what_a_newer_one_wrote() {
    let sandbox = of_a_newer_loom();
    let before = sandbox.read("docker/a.Dockerfile");
    sandbox
        .loom(&["plan"])
        .comes_to(4)
        .says("A newer loom wrote it: it wrote version 2 of `docker.dockerfile`")
        .says("requires");
    for on_drift in ["restore", "keep", "merge"] {
        sandbox
            .loom(&["apply", "--yes", "--on-drift", on_drift])
            .comes_to(4);
    }
    // what it does not know is not deleted either
    sandbox.edit(
        "loom.yaml",
        "kind: docker.dockerfile, name: a",
        "kind: docker.dockerfile, name: other",
    );
    sandbox.loom(&["plan"]).comes_to(4);
    assert_eq!(sandbox.read("docker/a.Dockerfile"), before);
    sandbox.edit("loom.yaml", "name: other", "name: a");
    // the rest can be applied, and the record stays the newer one's
    sandbox.edit("loom.yaml", "\"1\\n\"", "\"2\\n\"");
    sandbox
        .loom(&["apply", "--yes", "--skip-conflicts"])
        .comes_to(4);
    assert_eq!(sandbox.read("b"), "2\n");
    assert!(sandbox.read(BOOK).contains("\"version\":2"));
}

#[test]
fn a_project_says_which_looms_may_work_with_it() {
    let sandbox = small::applied();
    sandbox.edit(
        "loom.yaml",
        "project: shop\n",
        "project: shop\nrequires: \">=99\"\nfuture: true\n",
    );
    for command in [
        &["plan"][..],
        &["apply", "--yes"],
        &["drift"],
        &["validate"],
        &["repair", "--yes"],
        &["rollback", "--yes"],
        &["adopt", "etc/port"],
        &["move", "file.a", "file.b"],
    ] {
        let ran = sandbox.loom(command);
        let said = ran.comes_to(1).complains("LOOM0116");
        assert!(!said.err.contains("LOOM0106"), "nothing else is looked at");
    }
    // what must always work
    sandbox.loom(&["recover"]).comes_to(0);
    sandbox.edit("loom.yaml", ">=99", ">=0.1");
    sandbox.edit("loom.yaml", "future: true\n", "");
    sandbox.is_settled();
    sandbox.edit("loom.yaml", ">=0.1", "the newest");
    sandbox.loom(&["plan"]).comes_to(1).complains("LOOM0109");
}

#[test]
fn a_rename_is_recorded_also_where_the_file_holds_an_accepted_edit() {
    let file = |name: &str| {
        format!("  - {{ kind: file, name: {name}, path: etc/x, content: \"1\\n\" }}\n")
    };
    let sandbox = small::standing(&file("old"), "");
    sandbox.apply();
    sandbox.write("etc/x", "mine\n");
    sandbox
        .loom(&["apply", "--yes", "--on-drift", "keep"])
        .comes_to(0);
    small::declare(
        &sandbox,
        &file("new"),
        "moved: [{ from: file.old, to: file.new }]\n",
    );
    sandbox.loom(&["plan"]).comes_to(0).says("etc/x");
    sandbox.apply();
    assert_eq!(sandbox.read("etc/x"), "mine\n");
    assert!(sandbox.read(BOOK).contains("\"address\":\"file.new\""));
    sandbox.is_settled();
    // the edit is still one that was accepted
    small::declare(&sandbox, &file("new").replace('1', "2"), "");
    sandbox.loom(&["plan"]).comes_to(4);
}
