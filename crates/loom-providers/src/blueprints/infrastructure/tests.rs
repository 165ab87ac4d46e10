//! Whole projects in, Terraform out.

use std::collections::BTreeMap;

use super::source::TEXTS;
use crate::blueprints::testing::{dependencies, files};

const STACK: &str = "{ infrastructure: { hosting: aws, orchestration: kubernetes } }";
const ENVIRONMENTS: &str = "
  staging:    { url: https://staging.api.example.com, region: us-east-1 }
  production: { url: https://api.example.com, region: eu-west-1, account: 123456789012, role: deploy }";
const SERVICE: &str = "
    port: 3000
    environment:
      DATABASE_URL: { secret: true }
      JWT_SECRET: { secret: { from: aws-secrets-manager, key: \"shared/jwt#signing\" } }
    database: { engine: postgresql, version: \"15.4\", class: { staging: db.t3.micro, production: db.t3.large }, storage: 20 }";

fn project(stack: &str, environments: &str, services: &str, artifacts: &str) -> String {
    format!(
        "loom: 1\nproject: entities\nstack: {stack}\nenvironments:{environments}\nservices:{services}\nartifacts:{artifacts}\n"
    )
}

/// The example: one service with all that its stack calls for.
fn example() -> BTreeMap<String, String> {
    made(&project(
        STACK,
        ENVIRONMENTS,
        &format!("\n  entity-api:{SERVICE}"),
        "\n  - { kind: infrastructure, service: entity-api }",
    ))
}

fn made(loom_yaml: &str) -> BTreeMap<String, String> {
    files(loom_yaml).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn refused(loom_yaml: &str) -> String {
    files(loom_yaml).expect_err("an error").join("\n")
}

/// A file below `infrastructure/terraform`, runs of blanks made one so that alignment does not matter.
fn file(files: &BTreeMap<String, String>, path: &str) -> String {
    let text = files
        .get(&format!("infrastructure/terraform/{path}"))
        .unwrap_or_else(|| panic!("no {path} in {:#?}", files.keys()));
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_root_waits_for_the_modules_that_it_calls() {
    let service = format!("\n  entity-api:{SERVICE}");
    let infrastructure = "\n  - { kind: infrastructure, service: entity-api }";
    let before = dependencies(&project(STACK, ENVIRONMENTS, &service, infrastructure));
    let of = |address: &str| {
        before[address]
            .iter()
            .map(String::as_str)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let modules = [
        "entity-api",
        "entity-api-registry",
        "entities-network",
        "entities-cluster",
    ];
    let modules = modules.map(|name| format!("terraform.module.{name}"));
    assert_eq!(
        of("terraform.module.entities[production]"),
        modules.iter().map(String::as_str).collect()
    );
    assert_eq!(
        of("terraform.module.entities-bootstrap[staging]"),
        ["terraform.module.entities-state"].into()
    );
}

#[test]
fn a_service_is_a_module_that_each_environment_calls() {
    let files = example();
    let paths: Vec<&str> = files
        .keys()
        .filter_map(|path| path.strip_prefix("infrastructure/terraform/"))
        .collect();
    let module = |name: &str| {
        ["main.tf", "outputs.tf", "variables.tf", "versions.tf"]
            .map(|file| format!("{name}/{file}"))
    };
    let root = |name: &str| {
        [
            "backend.tf",
            "main.tf",
            "outputs.tf",
            "providers.tf",
            "versions.tf",
        ]
        .map(|file| format!("{name}/{file}"))
    };
    let mut expected = Vec::new();
    for name in [
        "bootstrap/production",
        "bootstrap/staging",
        "production",
        "staging",
    ] {
        expected.extend(root(name));
    }
    for name in [
        "entities-cluster",
        "entities-network",
        "entities-state",
        "entity-api",
        "entity-api-registry",
    ] {
        expected.extend(module(&format!("modules/{name}")));
    }
    expected.sort_unstable();
    assert_eq!(paths, expected);
}

#[test]
fn production_is_protected_from_deletion_and_staging_is_not() {
    let files = example();
    assert!(
        file(&files, "production/main.tf")
            .matches("stage = \"production\"")
            .count()
            >= 3
    );
    assert!(!file(&files, "staging/main.tf").contains("production"));
    for module in [
        "modules/entity-api/main.tf",
        "modules/entities-cluster/main.tf",
    ] {
        let text = file(&files, module);
        assert!(
            text.contains("production = var.stage == \"production\""),
            "{module}"
        );
        assert!(
            text.contains("deletion_protection = local.production"),
            "{module}"
        );
    }
    let module = file(&files, "modules/entity-api/main.tf");
    for line in [
        "skip_final_snapshot = !local.production",
        "multi_az = local.production",
        "storage_encrypted = true",
        "publicly_accessible = false",
    ] {
        assert!(module.contains(line), "{line}");
    }
}

#[test]
fn settings_of_the_database_reach_their_environment() {
    let files = example();
    let (staging, production) = (
        file(&files, "staging/main.tf"),
        file(&files, "production/main.tf"),
    );
    assert!(
        staging.contains("database_class = \"db.t3.micro\"")
            && staging.contains("database_backup_retention_days = 7")
    );
    assert!(
        production.contains("database_class = \"db.t3.large\"")
            && production.contains("database_backup_retention_days = 30")
    );
    assert!(staging.contains("database_version = \"15.4\""));
}

#[test]
fn nothing_is_open_to_the_world_but_80_and_443_of_the_load_balancer() {
    let mut rules = 0;
    for (name, text) in TEXTS {
        assert!(
            !text.contains("\n  ingress {") && !text.contains("\n  egress {"),
            "{name}: rules are resources of their own"
        );
        for rule in format!("\n{text}")
            .split("\nresource ")
            .filter(|block| block.starts_with("\"aws_vpc_security_group_"))
        {
            let rule = rule.split("\n}\n").next().unwrap_or_default();
            rules += 1;
            let narrow = rule.contains("referenced_security_group_id")
                || rule.contains("= var.network_cidr_block");
            let door = rule.contains("setproduct(var.client_cidr_blocks, [80, 443])");
            if rule.starts_with("\"aws_vpc_security_group_egress_rule\" \"outside\"") {
                assert_eq!(
                    *name, "ecs_service",
                    "tasks ask registry, secrets and others for what they need"
                );
                continue;
            }
            assert!(narrow != door, "{name}: {rule}");
            assert!(!door || *name == "load_balancer", "{name}: {rule}");
        }
    }
    assert_eq!(rules, 11, "a rule is new: look at it here too");
}

#[test]
fn there_is_one_state_for_each_environment() {
    let files = example();
    let (staging, production) = (
        file(&files, "staging/backend.tf"),
        file(&files, "production/backend.tf"),
    );
    assert!(staging.contains("bucket = \"entities-staging-terraform-state\""));
    assert!(production.contains("bucket = \"entities-production-terraform-state-123456789012\""));
    for backend in [&staging, &production] {
        assert!(backend.contains("encrypt = true") && backend.contains("use_lockfile = true"));
    }
    let bootstrap = file(&files, "bootstrap/production/main.tf");
    assert!(
        bootstrap.contains("bucket_name = \"entities-production-terraform-state-123456789012\"")
    );
}

#[test]
fn two_services_share_one_network_and_one_cluster() {
    let services = format!(
        "\n  entity-api:{SERVICE}\n    url: {{ staging: https://a.example.com, production: https://b.example.com }}\n  worker:\n    expose: none"
    );
    let artifacts = "\n  - { kind: infrastructure, service: entity-api }\n  - { kind: infrastructure, service: worker }";
    let files = made(&project(STACK, ENVIRONMENTS, &services, artifacts));
    let root = file(&files, "staging/main.tf");
    for module in [
        "entities_network",
        "entities_cluster",
        "entity_api",
        "worker",
    ] {
        assert_eq!(
            root.matches(&format!("module \"{module}\"")).count(),
            1,
            "{module}"
        );
    }
    let making = |resource: &str| {
        files
            .values()
            .filter(|text| text.contains(&format!("resource \"{resource}\"")))
            .count()
    };
    assert_eq!((making("aws_vpc"), making("aws_eks_cluster")), (1, 1));
    assert!(
        root.contains("readable_secrets = [\"entities/staging/*\", \"shared/jwt\"]"),
        "{root}"
    );
}

#[test]
fn a_registry_beside_a_foreign_one_is_an_error() {
    let stack = "{ infrastructure: { hosting: aws, orchestration: kubernetes, registry: registry.example.com } }";
    let service = format!("\n  entity-api:{SERVICE}");
    let asked = "\n  - { kind: infrastructure, service: entity-api, components: [registry] }";
    assert!(
        refused(&project(stack, ENVIRONMENTS, &service, asked))
            .contains("the images are kept in another registry")
    );
    let unasked = "\n  - { kind: infrastructure, service: entity-api }";
    assert!(
        !made(&project(stack, ENVIRONMENTS, &service, unasked))
            .values()
            .any(|text| text.contains("aws_ecr_repository"))
    );
}

#[test]
fn the_registry_is_made_once_in_production_and_others_may_pull() {
    let files = example();
    assert!(
        file(&files, "production/main.tf").contains("repository_name = \"entities/entity-api\"")
    );
    assert!(!file(&files, "staging/main.tf").contains("registry"));
    let environments = ENVIRONMENTS.replace(
        "region: us-east-1",
        "region: us-east-1, account: 210987654321",
    );
    let service = format!("\n  entity-api:{SERVICE}");
    let files = made(&project(
        STACK,
        &environments,
        &service,
        "\n  - { kind: infrastructure, service: entity-api }",
    ));
    assert!(file(&files, "production/main.tf").contains("pull_account_ids = [\"210987654321\"]"));
}

#[test]
fn what_is_there_already_is_looked_up_and_not_made() {
    let environments = ENVIRONMENTS.replace(
        "region: us-east-1",
        "region: us-east-1, cluster: main, stateBucket: our-state",
    );
    let environments =
        environments.replace("region: eu-west-1", "region: eu-west-1, network: core");
    let service = format!("\n  entity-api:{SERVICE}");
    let files = made(&project(
        STACK,
        &environments,
        &service,
        "\n  - { kind: infrastructure, service: entity-api }",
    ));
    let (staging, production) = (
        file(&files, "staging/main.tf"),
        file(&files, "production/main.tf"),
    );
    assert!(staging.contains("data \"aws_eks_cluster\" \"cluster\" {\nname = \"main\""));
    assert!(
        staging.contains("vpc_id = data.aws_vpc.network.id")
            && !staging.contains("entities_network")
    );
    assert!(
        production.contains("Name = \"core\"")
            && production.contains("module \"entities_cluster\"")
    );
    assert!(file(&files, "staging/backend.tf").contains("bucket = \"our-state\""));
    assert!(!files.contains_key("infrastructure/terraform/bootstrap/staging/main.tf"));
}

#[test]
fn without_a_cluster_the_database_is_opened_to_the_network() {
    let stack = "{ infrastructure: { hosting: aws } }";
    let service = format!("\n  entity-api:{SERVICE}");
    let files = made(&project(
        stack,
        ENVIRONMENTS,
        &service,
        "\n  - { kind: infrastructure, service: entity-api }",
    ));
    assert!(
        file(&files, "staging/main.tf")
            .contains("network_cidr_block = module.entities_network.cidr_block")
    );
    assert!(!files.values().any(|text| text.contains("aws_eks_cluster")));
}

#[test]
fn a_database_without_a_cluster_to_open_it_to_is_an_error() {
    let service = format!("\n  entity-api:{SERVICE}");
    let errors = refused(&project(
        STACK,
        ENVIRONMENTS,
        &service,
        "\n  - { kind: infrastructure, service: entity-api, components: [database] }",
    ));
    assert!(
        errors.contains("environments.staging.cluster, environments.production.cluster"),
        "{errors}"
    );
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let environments = "\n  staging: {}\n  production: {}";
    let errors = refused(&project(
        STACK,
        environments,
        "\n  entity-api: {}",
        "\n  - { kind: infrastructure, service: entity-api }",
    ));
    for pointer in [
        "environments.staging.region",
        "environments.production.region",
    ] {
        assert!(errors.contains(pointer), "{errors}");
    }
    let environments = "\n  staging: { region: us-east-1 }\n  production: { region: us-east-1 }";
    let errors = refused(&project(
        STACK,
        environments,
        "\n  entity-api: {}",
        "\n  - { kind: infrastructure, service: entity-api }",
    ));
    for pointer in [
        "services.entity-api.port",
        "services.entity-api.url.staging",
        "services.entity-api.url.production",
    ] {
        assert!(errors.contains(pointer), "{errors}");
    }
}

#[test]
fn a_stack_that_is_not_served_says_what_is() {
    let asked = "\n  - { kind: infrastructure, service: entity-api }";
    for (stack, words) in [
        ("{ infrastructure: { hosting: gcp } }", "`hosting: gcp`"),
        (
            "{ infrastructure: { hosting: aws, iac: pulumi } }",
            "`iac: pulumi`",
        ),
    ] {
        let errors = refused(&project(
            stack,
            ENVIRONMENTS,
            "\n  entity-api: { port: 3000 }",
            asked,
        ));
        assert!(errors.contains(words), "{errors}");
    }
}

#[test]
fn a_load_balancer_for_a_service_that_is_not_public_is_an_error() {
    let asked =
        "\n  - { kind: infrastructure, service: worker, components: [load-balancer, cluster] }";
    let errors = refused(&project(
        STACK,
        ENVIRONMENTS,
        "\n  worker: { port: 3000, expose: internal }",
        asked,
    ));
    assert!(errors.contains("`worker` is not public"), "{errors}");
}

#[test]
fn what_rds_does_not_take_is_said_before_terraform_says_it() {
    let asked = "\n  - { kind: infrastructure, service: entity-api }";
    let service = "\n  entity-api: { port: 3000, database: { engine: mysql, version: \"8\", storage: 5, backupRetention: 0 } }";
    let errors = refused(&project(STACK, ENVIRONMENTS, service, asked));
    for words in [
        "at least 20 GiB",
        "would switch the backups",
        "MySQL has releases such as 8.4",
    ] {
        assert!(errors.contains(words), "{errors}");
    }
}

#[test]
fn text_of_people_stays_text() {
    let service = format!(
        "\n  entity-api:{SERVICE}\n    health: \"/h${{file(\\\"/etc/passwd\\\")}}%{{if}}\""
    );
    let files = made(&project(
        STACK,
        ENVIRONMENTS,
        &service,
        "\n  - { kind: infrastructure, service: entity-api }",
    ));
    assert!(
        file(&files, "staging/main.tf")
            .contains(r#"health_path = "/h$${file(\"/etc/passwd\")}%%{if}""#)
    );
}

#[test]
fn names_that_are_too_long_are_shortened_to_what_aws_takes() {
    let service = "\n  a-service-with-a-name-of-many-many-words: { port: 3000 }";
    let asked = "\n  - { kind: infrastructure, service: a-service-with-a-name-of-many-many-words }";
    let files = made(&project(STACK, ENVIRONMENTS, service, asked));
    let root = file(&files, "production/main.tf");
    let value = |key: &str| {
        root.split(&format!("\n{key} = \""))
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .map(str::len)
    };
    assert!(
        value("target_group_name").is_some_and(|length| length <= 32),
        "{root}"
    );
    assert!(root.matches("\nname = \"").count() >= 3);
    for name in root.split("\nname = \"").skip(1) {
        assert!(
            name.split('"').next().is_some_and(|name| name.len() <= 40),
            "{name}"
        );
    }
}

#[test]
fn the_example_of_the_page_is_a_whole_project() {
    let page = include_str!("../../../../../docs/kinds/infrastructure.md");
    let example = page
        .split("\n## Example\n")
        .nth(1)
        .and_then(|rest| rest.split("```").nth(1))
        .expect("an example");
    let files = made(example.trim_start_matches("yaml"));
    assert!(file(&files, "production/main.tf").contains("minimum = 4"));
    assert!(file(&files, "production/main.tf").contains("deploy_role = \"deploy\""));
}
