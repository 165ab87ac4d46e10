//! What runs, watches and describes a service, over whole projects.

use std::collections::BTreeMap;

use loom_plan::addr::RepoPath;

use super::testing::files;

const PROJECT: &str = r##"
loom: 1
project: entities
stack:
  runtime: bun
  packageManager: bun
  backend: { database: postgresql }
  infrastructure:
    hosting: aws
    ci: github-actions
    orchestration: kubernetes
    registry: registry.example.com
    monitoring: datadog
  commands: { migrate: bun run migrate }
environments:
  staging:    { url: https://staging.api.example.com, region: us-east-1, account: 123456789012, role: deploy, cluster: entities-staging }
  production: { url: https://api.example.com, region: us-east-1, account: 210987654321, role: deploy, cluster: entities-production, approval: required }
services:
  entity-api:
    title: Entity API
    path: apps/api
    port: 4711
    health: /health
    environment:
      DATABASE_URL: { secret: true, description: PostgreSQL connection string }
      JWT_SECRET:   { secret: { from: vault, key: "kv/jwt#value" }, description: Secret for JWT signing }
      API_PORT:     { value: 4711,  description: Port to listen on }
      LOG_LEVEL:    { value: { default: info, staging: debug }, description: Verbosity }
    replicas:  { staging: 1, production: 3 }
    database:  { engine: postgresql, version: "15.4" }
artifacts:
  - { kind: container, service: entity-api }
  - { kind: pipeline, service: entity-api, strategy: STRATEGY, manual: true }
  - { kind: workload, service: entity-api }
  - { kind: alert, service: entity-api, name: entity-api-latency, metric: latency, above: 500ms, for: 5m, notify: "#alerts" }
  - { kind: alert, service: entity-api, name: entity-api-errors, metric: error-rate, above: 2%, notify: "@pagerduty-api", environments: [staging, production], severity: critical }
  - { kind: alert, service: entity-api, name: entity-api-full, metric: saturation, above: 90%, notify: "#alerts", severity: medium }
  - { kind: alert, service: entity-api, name: entity-api-up, metric: availability, below: 90%, notify: "#alerts" }
  - { kind: docs, service: entity-api, pages: [deployment, rollback, runbook] }
"##;

/// The project with a strategy.
fn project(strategy: &str) -> String {
    PROJECT.replace("STRATEGY", strategy)
}

fn made(loom_yaml: &str) -> BTreeMap<String, String> {
    files(loom_yaml).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

/// What becomes of the project when some of its text is another.
fn changed(from: &str, to: &str) -> Result<BTreeMap<String, String>, Vec<String>> {
    let project = project("blue-green");
    assert!(project.contains(from), "{from}");
    files(&project.replace(from, to))
}

#[test]
fn the_port_is_written_once_and_changes_everywhere() {
    for strategy in ["rolling", "blue-green"] {
        let before = made(&project(strategy));
        let after = made(&project(strategy).replace("4711", "5822"));
        let count = |files: &BTreeMap<String, String>, port: &str| {
            files["k8s/production/entity-api.yml"].matches(port).count()
        };
        assert_eq!(count(&before, "4711"), count(&after, "5822"));
        assert!(count(&before, "containerPort: 4711") > 0 && count(&before, " port: 4711") > 1);
        for (path, text) in &after {
            assert!(!text.contains("4711"), "{path}: {text}");
        }
    }
}

/// The targets of the links in a page that are not of the web.
fn links(page: &str) -> Vec<&str> {
    let targets = page
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.starts_with("http"))
        .collect()
}

#[test]
fn links_lead_to_files_that_are_made() {
    for strategy in ["rolling", "blue-green"] {
        let files = made(&project(strategy));
        for page in [
            "docs/entity-api/deployment.md",
            "docs/entity-api/rollback.md",
            ".agent/loom/runbook.md",
        ] {
            let path = RepoPath::new(page).expect("a path");
            let found = links(&files[page]);
            assert!(!found.is_empty(), "{page}");
            for link in found {
                let target = path.sibling(link).expect("a path").to_string();
                assert!(files.contains_key(&target), "{page}: {link}");
            }
        }
    }
}

#[test]
fn an_alert_in_one_more_environment_moves_no_file() {
    let with = |environments: &str| {
        changed(
            "metric: latency,",
            &format!("metric: latency, environments: {environments},"),
        )
    };
    let (alone, both) = (
        with("[production]").expect("it compiles"),
        with("[staging, production]").expect("it compiles"),
    );
    let more: Vec<&String> = both
        .keys()
        .filter(|path| !alone.contains_key(*path))
        .collect();
    assert_eq!(
        more,
        ["infrastructure/datadog/alerts/entity-api-latency-staging.yml"]
    );
    assert!(both[more[0]].contains("env:staging}"));
    let path = "infrastructure/datadog/alerts/entity-api-latency.yml";
    assert_eq!(alone[path], both[path]);
}

#[test]
fn services_share_the_namespace_and_the_kustomization() {
    let project = project("rolling")
        .replace(
            "services:\n",
            "services:\n  worker: { expose: none, title: Worker }\n",
        )
        .replace(
            "artifacts:\n",
            "artifacts:\n  - { kind: workload, service: worker }\n",
        );
    let files = made(&project);
    let kustomization = &files["k8s/production/kustomization.yaml"];
    for line in [
        "  - namespace.yml\n",
        "  - entity-api.yml\n",
        "  - worker.yml\n",
        "  - name: worker\n",
        "  - name: entity-api\n",
    ] {
        assert_eq!(
            kustomization.matches(line).count(),
            1,
            "{line}: {kustomization}"
        );
    }
    assert_eq!(
        files["k8s/production/namespace.yml"]
            .matches("kind: Namespace")
            .count(),
        1
    );
    assert!(
        !files["k8s/production/worker.yml"].contains("kind: Service\n"),
        "nobody reaches it"
    );
}

/// The project on infrastructure that makes its load balancer.
fn on_infrastructure(strategy: &str) -> String {
    let facts = "network: main, certificate: x, domain: example.com, stateBucket: states";
    project(strategy)
        .replace("cluster: entities-staging", &format!("cluster: entities-staging, {facts}"))
        .replace("cluster: entities-production", &format!("cluster: entities-production, {facts}"))
        .replace(
            "artifacts:\n",
            "artifacts:\n  - { kind: infrastructure, service: entity-api, components: [load-balancer, state] }\n",
        )
}

#[test]
fn the_pods_join_the_target_group_that_the_infrastructure_makes() {
    let files = made(&on_infrastructure("rolling"));
    let manifest = &files["k8s/production/entity-api.yml"];
    assert!(
        manifest.contains("kind: TargetGroupBinding") && !manifest.contains("kind: Ingress"),
        "{manifest}"
    );
    let name = manifest
        .lines()
        .find_map(|line| line.trim().strip_prefix("targetGroupName: "))
        .expect("a name");
    assert!(name.len() <= 32);
    let mut terraform = files
        .iter()
        .filter(|(path, _)| path.starts_with("infrastructure/terraform/production/"));
    assert!(
        terraform.any(|(_, text)| text.contains(&format!("\"{name}\""))),
        "{name}"
    );
    let page = &files["docs/entity-api/deployment.md"];
    assert!(
        page.contains("terraform -chdir=infrastructure/terraform/production init"),
        "{page}"
    );
}

#[test]
fn hostile_text_is_only_shown() {
    let hostile = r#"'"x: '''' {{#is_alert}} @all ``` <script>alert(1)</script> $(reboot) ${ref:file.x.path} # |'"#;
    let project = project("blue-green")
        .replace("title: Entity API", &format!("title: {hostile}"))
        .replace("description: Verbosity", &format!("description: {hostile}"))
        .replace("{ default: info, staging: debug }", hostile);
    let files = made(&project);
    let deployment = &files["docs/entity-api/deployment.md"];
    assert!(
        deployment.contains(r"\<script\>alert(1)\</script\>"),
        "{deployment}"
    );
    assert_eq!(
        deployment
            .lines()
            .filter(|line| line.starts_with("```"))
            .count()
            % 2,
        0
    );
    let yaml = |path: &str| matches!(path.rsplit_once('.'), Some((_, "yml" | "yaml")));
    for (path, text) in files.iter().filter(|(path, _)| yaml(path)) {
        for document in serde_yaml::Deserializer::from_str(text) {
            let read: Result<serde_json::Value, _> = serde::Deserialize::deserialize(document);
            assert!(read.is_ok(), "{path}: {read:?}");
        }
    }
    let monitor = &files["infrastructure/datadog/alerts/entity-api-latency.yml"];
    assert_eq!(monitor.matches("{{#is_alert}}").count(), 1);
    assert!(!monitor.contains("@all"));
}

/// A text of the project, what takes its place, and what the error and its help then say.
const MISTAKES: &[[&str; 4]] = &[
    [
        "orchestration: kubernetes",
        "orchestration: docker-compose",
        "a workload is written for Kubernetes",
        "set it to `kubernetes`",
    ],
    [
        "monitoring: datadog",
        "monitoring: prometheus",
        "alerts are written for Datadog",
        "set it to `datadog`",
    ],
    [
        "strategy: blue-green",
        "strategy: canary",
        "a canary needs a controller",
        "choose `strategy: blue-green`",
    ],
    [
        "port: 4711",
        "expose: none",
        "blue-green switches a Service",
        "choose `strategy: rolling`",
    ],
    [
        "{ from: vault, key: \"kv/jwt#value\" }",
        "{ from: ci }",
        "`JWT_SECRET` is a secret of the CI",
        "in a manager",
    ],
    [
        "value: 4711, ",
        "",
        "`environment.API_PORT` has no value",
        "`default: …`",
    ],
    [
        "port: 4711",
        "port: 4711\n    image: ghcr.io/acme/api",
        "does not say which version",
        "ghcr.io/acme/api:1.4.2",
    ],
    [
        "    port: 4711\n",
        "",
        "services.entity-api.port",
        "port: 3000",
    ],
    [
        "url: https://api.example.com, ",
        "",
        "services.entity-api.url.production",
        "https://api.example.com",
    ],
    [
        "above: 500ms,",
        "",
        "alert.entity-api-latency.above",
        "above: 500ms",
    ],
    [
        "above: 500ms,",
        "above: 2%,",
        "`2%` is not a duration longer than nothing",
        "write `above: 500ms`",
    ],
    [
        "above: 500ms,",
        "above: 500ms, below: 1s,",
        "fires when it is above a bound",
        "write `above: 500ms`",
    ],
    [
        "for: 5m",
        "for: 30s",
        "`30s` is not a number of whole minutes",
        "`for: 5m`",
    ],
    [
        "above: 500ms,",
        "above: 500ms, percentile: 42,",
        "does not keep the percentile 42",
        "50, 75, 90, 95 or 99",
    ],
    [
        "notify: \"@pagerduty-api\"",
        "notify: someone",
        "nobody that Datadog could tell",
        "a Slack channel",
    ],
    [
        "above: 500ms,",
        "above: 500ms, operation: \"a{b\",",
        "`a{b` is not the name of a span",
        "express.request",
    ],
];

#[test]
fn what_cannot_be_is_said_with_a_way_out() {
    for [from, to, message, help] in MISTAKES {
        let errors = changed(from, to).expect_err(to);
        let said = |error: &String| error.contains(message) && error.contains(help);
        assert!(errors.iter().any(said), "{from} → {to}: {errors:#?}");
    }
}

#[test]
fn an_autoscaler_without_room_is_refused_at_its_bounds() {
    let found = changed(
        "    replicas:",
        "    autoscale: { min: { default: 1, production: 9 }, max: 3 }\n    replicas:",
    );
    let errors = found.expect_err("production has no room");
    assert!(
        errors[0].starts_with("`autoscale` of `entity-api` has no room in production: 9 to 3"),
        "{errors:#?}"
    );
    assert!(
        changed(
            "    replicas:",
            "    autoscale: { min: 3, max: 3 }\n    replicas:"
        )
        .is_ok()
    );
}
