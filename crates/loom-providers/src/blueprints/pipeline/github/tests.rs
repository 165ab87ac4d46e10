use serde_json::Value as Json;

use crate::blueprints::testing::files;

const PROJECT: &str = "loom: 1
project: entities
stack:
  runtime: bun
  backend: { database: postgresql }
  infrastructure: { hosting: aws, ci: github-actions, orchestration: kubernetes STACK }
environments:
  staging: { url: 'https://staging.example.com', region: us-east-1 STAGING }
  production: { url: 'https://example.com', region: eu-west-1, account: 012345678901, role: deployer, approval: required }
services:
  entity-api:
    path: apps/api
    port: 3000
    environment: { DATABASE_URL: { secret: true } }
    SERVICE
artifacts:
  - { kind: container, service: entity-api }
  - { kind: pipeline, service: entity-api PIPELINE }
";

/// The project with texts in the places that are written large.
fn project(texts: &[(&str, &str)]) -> String {
    let filled = texts
        .iter()
        .fold(PROJECT.to_owned(), |text, (place, with)| {
            text.replacen(place, with, 1)
        });
    ["STACK", "STAGING", "SERVICE", "PIPELINE"]
        .iter()
        .fold(filled, |text, place| text.replacen(place, "", 1))
}

fn workflow(texts: &[(&str, &str)]) -> Json {
    let files = files(&project(texts)).unwrap_or_else(|messages| panic!("{messages:#?}"));
    serde_yaml::from_str(&files[".github/workflows/deploy-entity-api.yml"]).expect("YAML")
}

fn errors(texts: &[(&str, &str)]) -> String {
    files(&project(texts))
        .expect_err("it is refused")
        .join("\n")
}

fn steps(job: &Json) -> Vec<&Json> {
    job["steps"].as_array().expect("steps").iter().collect()
}

fn names(job: &Json) -> Vec<&str> {
    steps(job)
        .iter()
        .filter_map(|step| step["name"].as_str())
        .collect()
}

fn step<'a>(job: &'a Json, name: &str) -> &'a Json {
    steps(job)
        .into_iter()
        .find(|step| step["name"] == name)
        .unwrap_or_else(|| panic!("{name}: {:?}", names(job)))
}

const BLUE_GREEN: (&str, &str) = ("STACK", ", strategy: blue-green");

#[test]
fn no_run_holds_an_expression_and_every_job_has_an_end() {
    for texts in [
        &[][..],
        &[BLUE_GREEN],
        &[("STACK", ", registry: ghcr.io/acme")],
        &[("STACK", ", registry: r.example.com/x")],
    ] {
        let workflow = workflow(texts);
        for (id, job) in workflow["jobs"].as_object().expect("jobs") {
            assert!(job["timeout-minutes"].is_number(), "{id}");
            for step in steps(job) {
                assert!(
                    !step["run"].as_str().unwrap_or_default().contains("${{"),
                    "{id}: {step}"
                );
                if step["uses"]
                    .as_str()
                    .is_some_and(|uses| uses.starts_with("actions/checkout@"))
                {
                    assert_eq!(step["with"]["persist-credentials"], false, "{id}");
                }
            }
        }
    }
}

#[test]
fn each_job_may_do_what_it_needs_and_no_more() {
    let aws = workflow(&[]);
    assert_eq!(
        aws["permissions"],
        serde_json::json!({ "contents": "read" })
    );
    assert_eq!(aws["jobs"]["test"].get("permissions"), None);
    assert_eq!(
        aws["jobs"]["build"]["permissions"],
        serde_json::json!({ "contents": "read", "id-token": "write" })
    );
    let ghcr = workflow(&[("STACK", ", registry: ghcr.io/acme")]);
    assert_eq!(
        ghcr["jobs"]["build"]["permissions"],
        serde_json::json!({ "contents": "read", "packages": "write" })
    );
    assert_eq!(
        ghcr["jobs"]["build"]["env"]["REPOSITORY"],
        "ghcr.io/acme/entity-api"
    );
}

#[test]
fn one_image_is_promoted_by_digest_in_order() {
    let workflow = workflow(&[]);
    let jobs = &workflow["jobs"];
    assert_eq!(
        jobs["build"]["env"]["REPOSITORY"],
        "012345678901.dkr.ecr.eu-west-1.amazonaws.com/entities/entity-api"
    );
    assert_eq!(
        step(&jobs["build"], "Take on the role")["with"]["role-to-assume"],
        "arn:aws:iam::012345678901:role/deployer"
    );
    assert_eq!(
        jobs["build"]["if"], "github.event_name == 'push'",
        "pull requests are only checked"
    );
    assert_eq!(
        jobs["deploy-staging"]["needs"],
        serde_json::json!(["build"])
    );
    assert_eq!(
        jobs["deploy-production"]["needs"],
        serde_json::json!(["build", "deploy-staging"])
    );
    for (job, environment) in [
        ("deploy-staging", "staging"),
        ("deploy-production", "production"),
    ] {
        assert_eq!(jobs[job]["environment"]["name"], environment);
        assert_eq!(
            jobs[job]["env"]["IMAGE"],
            "${{ needs.build.outputs.image }}"
        );
        assert_eq!(jobs[job]["concurrency"]["cancel-in-progress"], false);
    }
    assert_eq!(
        step(&jobs["deploy-staging"], "Take on the role")["with"]["role-to-assume"],
        "${{ vars.AWS_ROLE_ARN }}"
    );
}

#[test]
fn a_rolling_deployment_goes_back_to_the_revision_that_was_live() {
    let workflow = workflow(&[]);
    let job = &workflow["jobs"]["deploy-production"];
    let order = [
        "Remember the live revision",
        "Render the manifests",
        "Deploy",
        "Wait for the rollout",
        "Check the public address",
    ];
    let names = names(job);
    let start = names
        .iter()
        .position(|name| *name == order[0])
        .expect("the first");
    assert_eq!(names[start..start + order.len()], order);
    let back = step(job, "Go back to the live revision");
    assert_eq!(
        back["if"],
        "(failure() || cancelled()) && steps.live.outcome == 'success'"
    );
    assert!(
        back["run"]
            .as_str()
            .expect("a script")
            .contains("kubectl rollout undo")
    );
}

#[test]
fn blue_green_touches_the_service_last_and_can_put_it_back() {
    let workflow = workflow(&[BLUE_GREEN]);
    let job = &workflow["jobs"]["deploy-staging"];
    let order = [
        "Find the live color",
        "Render the idle color",
        "Deploy the idle color",
        "Check the idle color",
        "Switch to the idle color",
        "Check the public address",
        "Switch back",
    ];
    let names = names(job);
    let start = names
        .iter()
        .position(|name| *name == order[0])
        .expect("the first");
    assert_eq!(names[start..], order);
    let render = step(job, "Render the idle color")["run"]
        .as_str()
        .expect("a script");
    assert!(
        render.contains(r#"select(.metadata.labels["loom.dev/color"] != $ENV.OTHER)"#),
        "the live color is left out"
    );
    let deploy = step(job, "Deploy the idle color")["run"]
        .as_str()
        .expect("a script");
    assert!(
        !deploy.contains("service.json"),
        "the Service is not applied with the Deployment"
    );
    assert_eq!(job["env"]["HEALTH"], "/health");
    assert_eq!(
        step(job, "Switch back")["if"],
        "(failure() || cancelled()) && steps.live.outcome == 'success'"
    );
}

#[test]
fn the_checks_are_the_commands_by_name_and_the_tests_have_their_database() {
    let workflow = workflow(&[(
        "SERVICE",
        "commands: { typecheck: bun run tsc, test: make test }",
    )]);
    let job = &workflow["jobs"]["test"];
    let expected = [
        "Check out",
        "Set up Bun",
        "Install dependencies",
        "Lint",
        "Check types",
        "Test",
    ];
    assert_eq!(names(job), expected);
    assert_eq!(step(job, "Test")["run"], "make test");
    assert_eq!(job["defaults"]["run"]["working-directory"], "apps/api");
    assert_eq!(
        job["env"]["DATABASE_URL"],
        "postgresql://postgres@localhost:5432/test"
    );
    let only = self::workflow(&[("PIPELINE", ", checks: [lint]")]);
    assert_eq!(names(&only["jobs"]["test"]).last(), Some(&"Lint"));
}

#[test]
fn an_environment_with_branches_of_its_own_does_not_wait_for_one_that_was_left_out() {
    let workflow = workflow(&[("STAGING", ", branches: [develop]")]);
    assert_eq!(
        workflow["on"]["push"]["branches"],
        serde_json::json!(["main", "develop"])
    );
    let condition = |job: &str| {
        workflow["jobs"][job]["if"]
            .as_str()
            .expect("a condition")
            .to_owned()
    };
    assert!(condition("deploy-staging").ends_with("(github.ref_name == 'develop')"));
    assert!(condition("deploy-production").ends_with("(github.ref_name == 'main')"));
    assert!(condition("deploy-production").contains("!contains(needs.*.result, 'failure')"));
    assert!(
        condition("deploy-production").contains("needs.build.result == 'success'"),
        "not when the tests failed"
    );
}

#[test]
fn an_image_that_is_built_elsewhere_is_deployed_after_the_checks_of_a_push() {
    let workflow = workflow(&[(
        "SERVICE",
        "image: registry.example.com/entity-api@sha256:0a",
    )]);
    let jobs = &workflow["jobs"];
    assert_eq!(jobs.get("build"), None);
    assert_eq!(jobs["deploy-staging"]["if"], "github.event_name == 'push'");
    assert_eq!(
        jobs["deploy-production"]["needs"],
        serde_json::json!(["test", "deploy-staging"])
    );
    assert_eq!(
        jobs["deploy-production"]["env"]["IMAGE"],
        "registry.example.com/entity-api@sha256:0a"
    );
}

#[test]
fn a_migration_runs_in_the_image_before_the_deployment() {
    let workflow = workflow(&[
        ("PIPELINE", ", migrations: true"),
        ("SERVICE", "commands: { migrate: bun run migrate }"),
    ]);
    let names = names(&workflow["jobs"]["deploy-production"]);
    let at = |name: &str| {
        names
            .iter()
            .position(|step| *step == name)
            .expect("the step")
    };
    assert!(
        at("Render the manifests") < at("Migrate the database")
            && at("Migrate the database") < at("Deploy")
    );
    assert!(
        errors(&[("PIPELINE", ", migrations: true")])
            .contains("services.entity-api.commands.migrate")
    );
}

#[test]
fn texts_of_people_never_become_expressions_or_references() {
    let title = "title: 'A ${{ github.token }} ${ref:x.y.z}'";
    let workflow = workflow(&[
        ("SERVICE", title),
        (
            "https://example.com",
            "https://example.com/${{ secrets.X }}",
        ),
    ]);
    assert_eq!(
        workflow["name"],
        "Deploy A $ {{ github.token }} ${ref:x.y.z}"
    );
    let url = workflow["jobs"]["deploy-production"]["environment"]["url"]
        .as_str()
        .expect("a URL")
        .to_owned();
    assert_eq!(url, "https://example.com/${{ '${{' }} secrets.X }}");
    let refused = errors(&[(
        "SERVICE",
        "commands: { test: 'echo ${{ github.head_ref }}' }",
    )]);
    assert!(refused.contains("`commands.test` holds `${{`"), "{refused}");
}

#[test]
fn what_cannot_be_served_is_said_with_what_would_be() {
    for (from, to, said) in [
        (
            "ci: github-actions",
            "ci: gitlab-ci",
            "set it to `github-actions`",
        ),
        (
            "orchestration: kubernetes",
            "orchestration: docker-compose",
            "set it to `kubernetes`",
        ),
        (
            "hosting: aws",
            "hosting: gcp",
            "set it to `aws` or `self-hosted`",
        ),
        (
            "hosting: aws",
            "hosting: self-hosted",
            "stack.infrastructure.registry",
        ),
        (
            "kubernetes STACK",
            "kubernetes, strategy: canary",
            "choose `strategy: blue-green`",
        ),
    ] {
        let refused = errors(&[(from, to)]);
        assert!(refused.contains(said), "{to}: {refused}");
    }
}

#[test]
fn the_commands_of_the_stack_are_not_those_of_a_service_that_runs_on_something_else() {
    let stack = (
        "runtime: bun",
        "runtime: bun\n  packageManager: bun\n  commands: { test: bun run all-tests }",
    );
    let test =
        |texts: &[(&str, &str)]| step(&workflow(texts)["jobs"]["test"], "Test")["run"].clone();
    assert_eq!(test(&[stack]), "bun run all-tests");
    assert_eq!(test(&[stack, ("SERVICE", "runtime: go")]), "go test ./...");
}
