//! What a directory of Terraform tells whoever reads a handoff.
//!
//! In: the bodies of its files, whoever wrote them. Out: the infrastructure that it declares, in the
//! words that people use for it, and where a root keeps its state. Of what is declared only the
//! things are told that somebody would look for; of a module without any of these, every type.

use std::collections::BTreeSet;

use loom_plan::handoff::fact::{Fact, What};
use loom_plan::node::{Map, Node};

/// What people call a resource, by its type.
const LABELS: &[(&str, &str)] = &[
    ("aws_acm_certificate", "AWS Certificate Manager certificate"),
    ("aws_cloudwatch_log_group", "AWS CloudWatch log groups"),
    ("aws_ecr_repository", "AWS ECR repository"),
    ("aws_ecs_cluster", "AWS ECS cluster"),
    ("aws_ecs_service", "AWS ECS service"),
    ("aws_eks_cluster", "AWS EKS cluster"),
    ("aws_secretsmanager_secret", "AWS Secrets Manager secret"),
    ("aws_vpc", "AWS VPC"),
    ("aws_wafv2_web_acl", "AWS WAF"),
    ("azurerm_container_app", "Azure Container App"),
    ("azurerm_container_registry", "Azure Container Registry"),
    ("azurerm_key_vault", "Azure Key Vault"),
    (
        "azurerm_kubernetes_cluster",
        "Azure Kubernetes Service cluster",
    ),
    (
        "azurerm_postgresql_flexible_server",
        "Azure Database for PostgreSQL",
    ),
    (
        "google_artifact_registry_repository",
        "Google Artifact Registry repository",
    ),
    ("google_cloud_run_v2_service", "Google Cloud Run service"),
    (
        "google_container_cluster",
        "Google Kubernetes Engine cluster",
    ),
    (
        "google_secret_manager_secret",
        "Google Secret Manager secret",
    ),
    ("google_sql_database_instance", "Google Cloud SQL instance"),
];

/// Types that show a dashboard.
const DASHBOARDS: &[&str] = &[
    "aws_cloudwatch_dashboard",
    "datadog_dashboard",
    "datadog_dashboard_json",
    "grafana_dashboard",
];

/// The facts of a directory: file names and bodies.
pub(super) fn of<'a>(files: impl Iterator<Item = (&'a str, &'a Node)>) -> Vec<Fact> {
    let (mut found, mut others) = (Vec::new(), Vec::new());
    let files: Vec<(&str, &Node)> = files
        .filter(|(name, _)| name.rsplit_once('.').is_some_and(|(_, end)| end == "tf"))
        .collect();
    let locals: Vec<&Node> = files
        .iter()
        .filter_map(|(_, body)| body.get("locals"))
        .collect();
    for (file, body) in files {
        let labels: BTreeSet<String> = resources(body)
            .filter_map(|(kind, resource)| label(kind, resource, &locals))
            .collect();
        found.extend(
            labels
                .into_iter()
                .map(|label| Fact::new(What::Infrastructure(label), file)),
        );
        if resources(body).any(|(kind, _)| DASHBOARDS.contains(&kind)) {
            found.push(Fact::new(What::Dashboard, file));
        }
        found.extend(root(body).map(|root| Fact::new(root, file)));
        let types: BTreeSet<&str> = resources(body).map(|(kind, _)| kind).collect();
        others.extend(
            types
                .into_iter()
                .map(|kind| Fact::new(What::Infrastructure(kind.to_owned()), file)),
        );
    }
    if found.is_empty() { others } else { found }
}

/// The resources of a body, with their types.
fn resources(body: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let types = body
        .get("resource")
        .and_then(Node::as_map)
        .into_iter()
        .flat_map(Map::iter);
    types
        .map(|(kind, named)| (kind.as_ref(), named))
        .filter(|(kind, _)| *kind != "//")
}

/// A text, or what the module's own constants say where it names one of them.
fn constant<'a>(text: &'a str, locals: &[&'a Node]) -> &'a str {
    let name = text
        .strip_prefix("${local.")
        .and_then(|rest| rest.strip_suffix('}'));
    let said = |locals: &&'a Node| locals.get(name?)?.as_str();
    locals.iter().find_map(said).unwrap_or(text)
}

/// What people call the resources of a type.
fn label(kind: &str, named: &Node, locals: &[&Node]) -> Option<String> {
    let all = || {
        named
            .as_map()
            .into_iter()
            .flat_map(Map::iter)
            .map(|(_, resource)| resource)
    };
    let said =
        |key: &str| all().find_map(|resource| Some(constant(resource.get(key)?.as_str()?, locals)));
    match kind {
        "aws_db_instance" | "aws_rds_cluster" => {
            let engine = match said("engine").unwrap_or_default() {
                "postgres" => " for PostgreSQL",
                "mysql" => " for MySQL",
                "mariadb" => " for MariaDB",
                "aurora-postgresql" => " Aurora PostgreSQL",
                "aurora-mysql" => " Aurora MySQL",
                _ => "",
            };
            Some(format!("AWS RDS{engine}"))
        }
        "aws_lb" => Some(match said("load_balancer_type") {
            None | Some("application") => "AWS Application Load Balancer".to_owned(),
            Some("network") => "AWS Network Load Balancer".to_owned(),
            Some(_) => "AWS load balancer".to_owned(),
        }),
        // the only bucket of general use that somebody would look for
        "aws_s3_bucket" if named.get("state").is_some() => {
            Some("AWS S3 bucket for Terraform's state".to_owned())
        }
        _ => LABELS
            .iter()
            .find(|(known, _)| *known == kind)
            .map(|(_, label)| (*label).to_owned()),
    }
}

/// The root of a configuration, told by its backend.
fn root(body: &Node) -> Option<What> {
    let (kind, place) = body
        .at(&["terraform", "backend"])?
        .as_map()?
        .iter()
        .find(|(kind, _)| kind.as_ref() != "//")?;
    Some(What::Root {
        state: (kind.as_ref() != "local").then(|| format!("{kind} {}", place.to_json())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::terraform_module::TerraformModule;
    use crate::artifacts::testing::artifact;
    use loom_plan::provider::Provider as _;

    fn facts(files: &str) -> Vec<(What, String)> {
        let facts =
            TerraformModule.facts(&artifact(&TerraformModule, &format!("files: {files}\n")));
        facts
            .into_iter()
            .map(|fact| (fact.what, fact.output.to_string()))
            .collect()
    }

    fn infrastructure(label: &str) -> (What, String) {
        (What::Infrastructure(label.to_owned()), "main.tf".to_owned())
    }

    #[test]
    fn resources_are_told_in_the_words_of_people() {
        let found = facts(
            "{ main.tf: { resource: { aws_db_instance: { this: { engine: postgres } }, aws_lb: { this: {} }, aws_kms_key: { this: {} } } } }",
        );
        assert_eq!(
            found,
            [
                infrastructure("AWS Application Load Balancer"),
                infrastructure("AWS RDS for PostgreSQL")
            ]
        );
        let database = "resource: { aws_db_instance: { this: { engine: \"${local.engine}\" } } }";
        let found = facts(&format!(
            "{{ main.tf: {{ {database} }}, locals.tf: {{ locals: {{ engine: mysql }} }} }}"
        ));
        assert_eq!(found, [infrastructure("AWS RDS for MySQL")]);
    }

    #[test]
    fn a_module_of_other_things_tells_their_types() {
        let found = facts(
            "{ main.tf: { resource: { aws_sqs_queue: { jobs: {} } } }, staging.tfvars: { resource: { a_b: {} } } }",
        );
        assert_eq!(found, [infrastructure("aws_sqs_queue")]);
    }

    #[test]
    fn a_root_is_told_with_the_place_of_its_state_unless_that_is_a_file_of_the_directory() {
        let backend = |backend: &str| {
            facts(&format!(
                "{{ backend.tf: {{ terraform: {{ backend: {backend} }} }} }}"
            ))
        };
        let state = Some("s3 {\"bucket\":\"a\"}".to_owned());
        assert_eq!(
            backend("{ s3: { bucket: a } }"),
            [(What::Root { state }, "backend.tf".to_owned())]
        );
        assert_eq!(
            backend("{ local: { path: x } }"),
            [(What::Root { state: None }, "backend.tf".to_owned())]
        );
    }
}
