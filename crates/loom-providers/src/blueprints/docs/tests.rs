//! The pages as they follow from the facts.

use loom_plan::addr::Name;
use loom_plan::stack::{Iac, Monitoring, Strategy};

use super::facts::{
    Alert, Environment, Facts, Image, Infrastructure, Need, Pipeline, Source, Variable, Workload,
};
use super::{deployment, rollback, runbook};
use crate::blueprints::workload::secrets::Keeping;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn environment(text: &str) -> Environment {
    let production = text == "production";
    Environment {
        name: name(text),
        url: Some(format!(
            "https://{}api.example.com",
            if production { "" } else { "staging." }
        )),
        region: Some("us-east-1".to_owned()),
        namespace: "entities".to_owned(),
        cluster: Some(format!("entities-{text}")),
        approval: production,
        production,
        access: Some(format!(
            "aws eks update-kubeconfig --name entities-{text} --region us-east-1 --alias {text}"
        )),
        state: None,
        log_group: format!("/services/entities-{text}-entity-api"),
        branches: None,
    }
}

fn facts(strategy: Strategy) -> Facts {
    let environments = vec![name("staging"), name("production")];
    let keeping = |text: &str| Keeping {
        manager: "aws-secrets-manager".to_owned(),
        secret: "entity-api-secrets".to_owned(),
        key: "DATABASE_URL".to_owned(),
        remote: Some((
            format!("entities/{text}/entity-api"),
            Some("DATABASE_URL".to_owned()),
        )),
    };
    Facts {
        name: name("entity-api"),
        project: name("entities"),
        service: name("entity-api"),
        title: "Entity API".to_owned(),
        pages: ["deployment", "rollback", "runbook"]
            .map(str::to_owned)
            .to_vec(),
        up: "../../".to_owned(),
        directory: "docs/entity-api".to_owned(),
        health: Some("/health".to_owned()),
        public: true,
        strategy,
        image: Image::Built("registry.example.com/entities/entity-api".to_owned()),
        environments: vec![environment("staging"), environment("production")],
        variables: vec![
            Variable {
                name: "DATABASE_URL".to_owned(),
                sources: vec![
                    Source::Secret(keeping("staging")),
                    Source::Secret(keeping("production")),
                ],
                description: Some("PostgreSQL connection string".to_owned()),
            },
            Variable {
                name: "LOG_LEVEL".to_owned(),
                sources: vec![
                    Source::Value(Some("debug".to_owned())),
                    Source::Value(Some("info".to_owned())),
                ],
                description: None,
            },
        ],
        pipeline: Some(Pipeline {
            name: name("entity-api"),
            branches: vec!["main".to_owned()],
            environments: environments.clone(),
            manual: true,
            migrates: true,
            needs: vec![Need {
                environment: None,
                name: "REGISTRY_PASSWORD",
                form: "secret",
                purpose: "the token",
            }],
        }),
        infrastructure: Some(Infrastructure {
            iac: Iac::Terraform,
            components: vec!["database".to_owned()],
            environments: environments.clone(),
            bootstraps: vec![name("production")],
            clusters: vec![name("production")],
        }),
        ecs: false,
        workload: Some(Workload {
            name: name("entity-api"),
            environments,
            pulls: None,
        }),
        migrates: true,
        alerts: vec![Alert {
            name: name("entity-api-latency"),
            metric: "latency".to_owned(),
            environments: vec![name("production")],
        }],
        monitoring: Monitoring::Datadog,
    }
}

/// All pages of a service, one after the other.
fn pages(facts: &Facts) -> String {
    [
        deployment::page(facts),
        rollback::page(facts),
        runbook::block(facts),
    ]
    .join("\n\n")
}

#[test]
fn the_commands_are_those_of_the_strategy() {
    let (blue_green, rolling) = (
        rollback::page(&facts(Strategy::BlueGreen)),
        rollback::page(&facts(Strategy::Rolling)),
    );
    assert!(
        blue_green.contains("patch service entity-api"),
        "{blue_green}"
    );
    assert!(
        blue_green
            .contains(r#"--patch "{\"spec\":{\"selector\":{\"loom.dev/color\":\"$idle\"}}}""#),
        "{blue_green}"
    );
    assert!(
        blue_green.contains(r"--output jsonpath='{.spec.selector.loom\.dev/color}'"),
        "{blue_green}"
    );
    assert!(!blue_green.contains("rollout undo"));
    assert!(
        rolling.contains("rollout undo deployment/entity-api"),
        "{rolling}"
    );
    assert!(!pages(&facts(Strategy::Rolling)).contains("color"));
}

#[test]
fn on_ecs_the_commands_are_those_of_ecs() {
    let facts = Facts {
        workload: None,
        ecs: true,
        ..facts(Strategy::Rolling)
    };
    let all = pages(&facts);
    for command in [
        "cluster=entities-production region=us-east-1",
        "aws ecs update-service --cluster \"$cluster\" --region \"$region\" --service entity-api --task-definition \"$revision\"",
        "aws ecs wait services-stable --cluster \"$cluster\" --region \"$region\" --services entity-api",
        "--force-new-deployment",
        "git revert",
    ] {
        assert!(all.contains(command), "{command}: {all}");
    }
    assert!(!all.contains("kubectl") && !all.contains("pods"), "{all}");
}

#[test]
fn a_step_that_fails_keeps_the_switch_from_being_made() {
    let all = pages(&facts(Strategy::BlueGreen));
    let switches: Vec<_> = all
        .match_indices("patch service")
        .map(|(at, _)| &all[..at])
        .collect();
    assert_eq!(switches.len(), 3, "deployment, rollback, runbook");
    for before in switches {
        let step = before.lines().rev().nth(1).expect("a line before it");
        assert!(
            step.contains("rollout status") && step.ends_with("&&"),
            "{step}"
        );
    }
}

#[test]
fn what_must_be_there_before_the_first_deployment_is_said() {
    let mut facts = facts(Strategy::Rolling);
    facts.workload.as_mut().expect("a workload").pulls =
        Some(("ghcr.io".to_owned(), Some("registry".to_owned())));
    let page = deployment::page(&facts);
    assert!(
        page.contains("pulls the image from `ghcr.io` with the Secret `registry`"),
        "{page}"
    );
    assert!(
        page.contains(
            "terraform -chdir=${ref:terraform.module.entities-bootstrap[production].path} apply"
        ),
        "{page}"
    );
    assert!(
        page.contains(
            "create rolebinding deployers --clusterrole=edit --group=deployers --namespace=entities"
        ),
        "{page}"
    );
    facts
        .infrastructure
        .as_mut()
        .expect("infrastructure")
        .bootstraps
        .clear();
    facts
        .infrastructure
        .as_mut()
        .expect("infrastructure")
        .clusters
        .clear();
    facts.workload.as_mut().expect("a workload").pulls = None;
    let page = deployment::page(&facts);
    for absent in ["bootstrap", "rolebinding", "pulls the image"] {
        assert!(!page.contains(absent), "{absent}: {page}");
    }
}

#[test]
fn the_version_that_failed_is_told_from_the_version_before() {
    let (blue_green, rolling) = (
        rollback::page(&facts(Strategy::BlueGreen)),
        rollback::page(&facts(Strategy::Rolling)),
    );
    assert!(
        blue_green.contains("the idle colour holds the version that failed"),
        "{blue_green}"
    );
    let shown = "get deployments --selector app.kubernetes.io/name=entity-api --output wide";
    assert!(
        blue_green.contains(shown) && !rolling.contains(shown),
        "{blue_green}"
    );
    let warned = rolling
        .find("the version before is the one that failed")
        .expect("a warning");
    assert!(
        warned < rolling.find("rollout history").expect("the history"),
        "{rolling}"
    );
}

#[test]
fn a_service_without_a_port_is_not_said_to_answer() {
    let page = deployment::page(&Facts {
        health: None,
        ..facts(Strategy::Rolling)
    });
    assert!(!page.contains("answers with the status"), "{page}");
}

#[test]
fn paths_of_artifacts_are_references() {
    let all = pages(&facts(Strategy::BlueGreen));
    for address in [
        "github.workflow.entity-api",
        "kubernetes.manifest.entity-api[production]",
        "datadog.monitor.entity-api-latency[production]",
        "markdown.page.entity-api-rollback",
        "terraform.module.entities[production]",
    ] {
        assert!(
            all.contains(&format!("../../${{ref:{address}.path}}")),
            "{address}"
        );
    }
    assert!(!all.contains(".github/workflows/") && !all.contains("k8s/production/entity-api.yml"));
}

#[test]
fn nothing_is_mentioned_that_the_service_does_not_have() {
    let bare = Facts {
        environments: vec![Environment {
            cluster: None,
            access: None,
            ..environment("production")
        }],
        pages: vec!["deployment".to_owned()],
        variables: Vec::new(),
        pipeline: None,
        workload: None,
        infrastructure: None,
        migrates: false,
        alerts: Vec::new(),
        monitoring: Monitoring::None,
        ..facts(Strategy::Rolling)
    };
    let page = deployment::page(&bare);
    assert!(page.contains("There is no pipeline"), "{page}");
    for absent in [
        "${ref:",
        "kubectl",
        "terraform",
        "Datadog",
        "rollback.md",
        "Cluster",
        "gh workflow",
    ] {
        assert!(!page.contains(absent), "{absent}: {page}");
    }
    let page = rollback::page(&bare);
    assert!(
        page.contains("[deployment](deployment.md)") && page.contains("git revert"),
        "{page}"
    );
    assert!(
        !page.contains("kubectl") && !page.contains("database"),
        "{page}"
    );
}

#[test]
fn an_environment_with_branches_of_its_own_says_so() {
    let mut facts = facts(Strategy::Rolling);
    facts.environments[0].branches = Some(vec!["develop".to_owned()]);
    let page = deployment::page(&facts);
    assert!(
        page.contains("A push to `main` or `develop` that changes"),
        "{page}"
    );
    assert!(
        page.contains("3. It is deployed to `staging` from `develop`.\n4. It is deployed to `production` from `main`, after"),
        "{page}"
    );
}

#[test]
fn text_of_people_is_neither_markup_nor_command_nor_reference() {
    let hostile = "x ``` `y` [z](http://w) <script> | ${ref:file.x.path}\n# boo; $(reboot)";
    let mut facts = facts(Strategy::BlueGreen);
    facts.title = hostile.to_owned();
    facts.health = Some("/h'; reboot #".to_owned());
    facts.variables[0].description = Some(hostile.to_owned());
    facts.variables[1].sources[0] = Source::Value(Some(hostile.to_owned()));
    facts.environments[1].url = Some("https://x/$(reboot)|y".to_owned());
    let all = pages(&facts);
    assert_eq!(
        all.matches("<script>").count(),
        1,
        "only in the code of the value"
    );
    assert!(!all.contains("\n# boo"));
    assert_eq!(
        all.matches("${ref:file").count(),
        all.matches("$${ref:file").count()
    );
    let fences = all.lines().filter(|line| line.starts_with("```")).count();
    assert_eq!(fences % 2, 0);
    assert!(
        all.contains(r"curl --fail --silent --show-error 'https://x/$(reboot)|y/h'\''; reboot #'"),
        "{all}"
    );
}

#[test]
fn a_command_that_asks_stands_alone_so_that_what_is_pasted_after_it_is_no_answer() {
    let all = pages(&facts(Strategy::Rolling));
    let blocks: Vec<&str> = all
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .collect();
    assert!(blocks.iter().any(|block| block.contains("read -r")));
    for block in blocks.iter().filter(|block| block.contains("&& read ")) {
        assert_eq!(block.lines().count(), 1, "{block}");
    }
}

#[test]
fn a_variable_that_is_secret_in_one_environment_keeps_its_columns() {
    let mut facts = facts(Strategy::Rolling);
    facts.variables[1].sources[1] = facts.variables[0].sources[1].clone();
    let page = deployment::page(&facts);
    let row = page
        .lines()
        .find(|line| line.contains("`LOG_LEVEL`"))
        .expect("a row");
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    assert_eq!(
        cells[2..6],
        [
            "yes",
            "AWS Secrets Manager",
            "`debug`",
            "`entities/production/entity-api`, key `DATABASE_URL`"
        ]
    );
}

#[test]
fn tables_line_up() {
    for block in pages(&facts(Strategy::BlueGreen))
        .split("\n\n")
        .filter(|block| block.starts_with('|'))
    {
        let widths: Vec<usize> = block.lines().map(|line| line.chars().count()).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{block}");
    }
}
