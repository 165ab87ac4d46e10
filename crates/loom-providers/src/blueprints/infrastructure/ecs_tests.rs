//! Whole projects on ECS in, Terraform out.

use std::collections::BTreeMap;

use crate::blueprints::testing::files;

const PROJECT: &str = "loom: 1
project: shop
stack:
  runtime: node
  infrastructure: { hosting: aws, orchestration: ecs STACK }
environments:
  staging: { url: 'https://staging.example.com', region: eu-west-1 STAGING }
  production: { url: 'https://example.com', region: eu-west-1, account: '123456789012', role: deploy }
services:
  orders:
    port: 8080
    environment: { DATABASE_URL: { secret: true }, LOG_LEVEL: { value: debug } ENVIRONMENT }
    database: { engine: postgresql, version: '17' }
    SERVICE
artifacts:
  - { kind: container, service: orders, user: 2000 }
  - { kind: infrastructure, service: orders INFRASTRUCTURE }
";

/// The project with texts in the places that are written large.
fn project(texts: &[(&str, &str)]) -> String {
    let filled = texts
        .iter()
        .fold(PROJECT.to_owned(), |text, (place, with)| {
            text.replacen(place, with, 1)
        });
    let places = [
        "STACK",
        "STAGING",
        "ENVIRONMENT",
        "SERVICE",
        "INFRASTRUCTURE",
    ];
    places.iter().fold(filled, |text, place| {
        text.replacen(&format!(" {place}"), "", 1)
    })
}

fn made(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
    files(&project(texts)).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn refused(texts: &[(&str, &str)]) -> String {
    files(&project(texts)).expect_err("an error").join("\n")
}

/// A file below `infrastructure/terraform`, runs of blanks made one.
fn file(files: &BTreeMap<String, String>, path: &str) -> String {
    let lines = files[&format!("infrastructure/terraform/{path}")].lines();
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_service_is_a_task_definition_and_a_service_in_the_shared_cluster() {
    let files = made(&[]);
    let (module, root) = (
        file(&files, "modules/orders/main.tf"),
        file(&files, "staging/main.tf"),
    );
    for line in [
        "readonlyRootFilesystem = true",
        "assign_public_ip = false",
        "deployment_minimum_healthy_percent = 100",
        "deployment_maximum_percent = 200",
        "rollback = true",
        "ignore_changes = [task_definition]",
        "target_group_arn = aws_lb_target_group.this.arn",
    ] {
        assert!(module.contains(line), "{line}: {module}");
    }
    assert!(
        root.contains("cluster_arn = module.shop_cluster.arn")
            && root.contains("desired_count = 2"),
        "{root}"
    );
    assert!(
        root.contains("container_user = \"2000:2000\"")
            && root.contains("fetch(\\\"http://127.0.0.1:8080/health"),
        "{root}"
    );
    assert!(file(&files, "production/main.tf").contains("deploy_role = \"deploy\""));
    assert!(
        file(&files, "modules/shop-cluster/main.tf")
            .contains("resource \"aws_ecs_cluster\" \"this\"")
    );
    assert!(
        !files
            .values()
            .any(|text| text.contains("aws_eks") || text.contains("cluster_security_group_id"))
    );
    assert!(files["docker/orders.Dockerfile"].contains("VOLUME [\"/tmp\"]\nUSER 2000:2000"));
}

#[test]
fn secrets_are_references_and_values_are_values() {
    let files = made(&[(
        "ENVIRONMENT",
        ", KEY: { secret: { from: aws-secrets-manager, key: 'shared/payment#key' } }",
    )]);
    let root = file(&files, "staging/main.tf");
    assert!(
        root.contains("environment = {\nLOG_LEVEL = \"debug\"\n}"),
        "{root}"
    );
    assert!(
        root.contains("DATABASE_URL = {\nproperty = \"DATABASE_URL\"\n}"),
        "{root}"
    );
    assert!(
        root.contains("KEY = {\nname = \"shared/payment\"\nproperty = \"key\"\n}"),
        "{root}"
    );
    let without = made(&[(
        "INFRASTRUCTURE",
        ", components: [database, load-balancer, cluster]",
    )]);
    assert!(
        file(&without, "staging/main.tf")
            .contains("name = \"shop/staging/orders\"\nproperty = \"DATABASE_URL\"")
    );
    assert!(
        file(&without, "modules/orders/main.tf")
            .contains("resource \"aws_cloudwatch_log_group\" \"service\"")
    );
    for manager in ["existing", "ci", "vault"] {
        let secret = format!(", KEY: {{ secret: {{ from: {manager}, key: x }} }}");
        assert!(
            refused(&[("ENVIRONMENT", &secret)]).contains("`KEY` is kept where ECS cannot read it"),
            "{manager}"
        );
    }
}

#[test]
fn where_a_service_scales_by_itself_terraform_leaves_the_number_alone() {
    let files = made(&[(
        "SERVICE",
        "autoscale: { min: 2, max: { staging: 2, production: 9 }, cpu: 60 }",
    )]);
    assert!(
        file(&files, "modules/orders/main.tf")
            .contains("ignore_changes = [desired_count, task_definition]")
    );
    let root = file(&files, "production/main.tf");
    assert!(
        root.contains("task_count = {\nminimum = 2\nmaximum = 9\n}")
            && root.contains("cpu_percent = 60"),
        "{root}"
    );
}

#[test]
fn blue_green_has_two_target_groups_and_a_rule_that_ecs_switches() {
    let files = made(&[("STACK", ", strategy: blue-green")]);
    let module = file(&files, "modules/orders/main.tf");
    for line in [
        "strategy = \"BLUE_GREEN\"",
        "target_group_arn = aws_lb_target_group.this.arn",
        "alternate_target_group_arn = aws_lb_target_group.alternate.arn",
        "production_listener_rule = aws_lb_listener_rule.service.arn",
        "ignore_changes = [action]",
    ] {
        assert!(module.contains(line), "{line}: {module}");
    }
    let root = file(&files, "production/main.tf");
    assert!(
        root.contains("alternate_target_group_name = \"shop-production-orders-alternate\""),
        "{root}"
    );
}

#[test]
fn a_cluster_that_is_there_already_is_looked_up_and_has_no_network() {
    let files = made(&[("STAGING", ", cluster: main")]);
    let root = file(&files, "staging/main.tf");
    assert!(
        root.contains("data \"aws_ecs_cluster\" \"cluster\" {\ncluster_name = \"main\""),
        "{root}"
    );
    assert!(
        root.contains("cluster_arn = data.aws_ecs_cluster.cluster.arn"),
        "{root}"
    );
    assert!(
        root.contains("module \"shop_network\"") && !root.contains("module \"shop_cluster\""),
        "{root}"
    );
}

#[test]
fn an_image_comes_from_where_it_is_kept_and_from_nowhere_else() {
    let root = |texts: &[(&str, &str)]| file(&made(texts), "staging/main.tf");
    let own = root(&[]);
    assert!(
        own.contains(
            "image = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/orders:set-by-pipeline\""
        ),
        "{own}"
    );
    let unknown =
        files(&project(&[]).replace(", account: '123456789012'", "")).expect("it is made");
    let unknown = file(&unknown, "staging/main.tf");
    assert!(
        !unknown.contains("\nimage = ") && unknown.contains("name = \"shop/orders\""),
        "no public registry: {unknown}"
    );
    let foreign = root(&[("STACK", ", registry: ghcr.io/acme")]);
    assert!(
        foreign.contains("image = \"ghcr.io/acme/orders:set-by-pipeline\"")
            && !foreign.contains("image_repository")
    );
}

#[test]
fn what_ecs_cannot_run_is_said_with_what_it_can() {
    for (texts, said) in [
        (
            &[("STACK", ", strategy: canary")][..],
            "choose `strategy: blue-green` or `strategy: rolling`",
        ),
        (
            &[("SERVICE", "expose: internal")],
            "set `expose: public` and say with `clients`",
        ),
        (
            &[
                ("STACK", ", strategy: blue-green"),
                ("SERVICE", "expose: none"),
            ],
            "choose `strategy: rolling`",
        ),
        (
            &[("INFRASTRUCTURE", ", components: [cluster]")],
            "add `load-balancer` to the components",
        ),
        (
            &[("SERVICE", "resources: { cpu: '64' }")],
            "Fargate has no task with 64 CPU",
        ),
    ] {
        let errors = refused(texts);
        assert!(errors.contains(said), "{texts:?}: {errors}");
    }
}
