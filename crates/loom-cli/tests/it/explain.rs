//! `loom explain`: why a file, a line or an error is there.

use super::sandbox::Sandbox;
use super::small;

#[test]
fn a_file_says_who_asked_for_it_and_what_it_is_made_from() {
    let sandbox = Sandbox::project("entity-api");
    let ran = sandbox
        .loom(&["explain", "k8s/production/entity-api.yml"])
        .comes_to(0);
    let ran = ran
        .says("kubernetes.manifest.entity-api[production]")
        .says("which workload.entity-api makes");
    ran.says("Set up CI/CD pipeline for entity API")
        .says("stories/ENT-001.json:")
        .says("services.entity-api.port = 3000, loom.yaml:");
}

#[test]
fn a_line_of_a_file_says_which_setting_stands_in_it() {
    let sandbox = Sandbox::project("entity-api");
    sandbox.apply();
    let path = "k8s/production/entity-api.yml";
    let number = 1 + sandbox
        .read(path)
        .lines()
        .position(|line| line.contains("containerPort: 3000"))
        .expect("the port is there");
    let ran = sandbox
        .loom(&["explain", &format!("{path}:{number}")])
        .comes_to(0);
    ran.says("containerPort: 3000")
        .says("services.entity-api.port = 3000, loom.yaml:");
    sandbox
        .loom(&["explain", &format!("{path}:99999")])
        .comes_to(1)
        .complains("no line 99999");
}

#[test]
fn an_address_a_blueprint_and_a_family_say_what_they_write() {
    let sandbox = Sandbox::project("entity-api");
    sandbox
        .loom(&["explain", "github.workflow.entity-api"])
        .comes_to(0)
        .says(".github/workflows/deploy-entity-api.yml");
    let ran = sandbox
        .loom(&["explain", "workload.entity-api"])
        .comes_to(0);
    ran.says("k8s/staging/entity-api.yml")
        .says("k8s/production/entity-api.yml");
    sandbox
        .loom(&["explain", "kubernetes.manifest.entity-api"])
        .comes_to(0)
        .says("k8s/staging/entity-api.yml");
    sandbox
        .loom(&["explain", ".loom/.gitignore"])
        .comes_to(0)
        .says("loom itself");
}

#[test]
fn an_error_code_has_a_page_even_where_there_is_no_repository() {
    let sandbox = Sandbox::without_git();
    sandbox
        .loom(&["explain", "LOOM0203"])
        .comes_to(0)
        .says("# LOOM0203: ");
    sandbox
        .loom(&["explain", "loom0203"])
        .comes_to(0)
        .says("# LOOM0203: ");
    sandbox
        .loom(&["explain", "LOOM9999"])
        .comes_to(1)
        .complains("LOOM9999");
}

#[test]
fn what_is_not_known_is_an_error_with_the_nearest_name() {
    let sandbox = small::fresh();
    sandbox
        .loom(&["explain", "file.prot"])
        .comes_to(1)
        .complains("file.port");
    sandbox
        .loom(&["explain", "no/such/file"])
        .comes_to(1)
        .complains("no/such/file");
}
