//! What is lost outside the repository with a change of a Terraform file.
//!
//! In: a file and what stands around it, before and after. Out: the resources and module calls that
//! are neither declared afterwards nor handed on by a `moved` or `removed` block, and those that are
//! made anew ([`terraform_replaced`]), each with the component that it
//! belongs to, in the words of the `infrastructure` blueprint. A resource belongs to the component
//! that its own name begins with (`aws_security_group.database`), else to the one of its type
//! (`aws_db_instance.this`); what is neither is a component of its own, under its full name.
//!
//! Deliberately not here: other files of the module. A resource that moves to another file is lost
//! to the first.

use std::collections::BTreeSet;

use hcl::{Block, BlockLabel, Body, Expression};
use loom_plan::provider::{Change, Fate, Lost};

use super::terraform_replaced;

/// The component of a resource by the beginning of its type; the first that fits.
const TYPES: &[(&str, &str)] = &[
    ("aws_db_", "database"),
    ("aws_rds_", "database"),
    ("aws_lb", "load-balancer"),
    ("aws_wafv2_", "load-balancer"),
    ("aws_acm_", "load-balancer"),
    ("aws_route53_", "load-balancer"),
    ("aws_eks_", "cluster"),
    ("aws_launch_template", "cluster"),
    ("aws_ecr_", "registry"),
    ("aws_secretsmanager_", "secrets"),
    ("aws_cloudwatch_log_", "logs"),
    ("aws_vpc", "network"),
    ("aws_subnet", "network"),
    ("aws_route", "network"),
    ("aws_internet_gateway", "network"),
    ("aws_nat_gateway", "network"),
    ("aws_eip", "network"),
    ("aws_flow_log", "network"),
    ("aws_default_security_group", "network"),
    ("aws_security_group", "network"),
    ("aws_s3_", "state"),
];

/// The components that the names of resources begin with.
const NAMES: &[(&str, &str)] = &[
    ("database", "database"),
    ("load_balancer", "load-balancer"),
    ("firewall", "load-balancer"),
    ("access_logs", "load-balancer"),
    ("flow_logs", "network"),
    ("log_shipper", "logs"),
];

/// The components that have modules of their own, by the end of what those are called.
const MODULES: &[(&str, &str)] = &[
    ("_network", "network"),
    ("_cluster", "cluster"),
    ("_state", "state"),
    ("_registry", "registry"),
];

/// What is lost with a change of a file: what it declares and no file declares afterwards, and what
/// Terraform can change only by making it anew.
pub(crate) fn with(change: Change<'_>) -> Vec<Lost> {
    let folder = change.stands.parent().unwrap_or("");
    let stands = change.before.folder(folder);
    let Some((_, before)) = stands.iter().find(|(path, _)| path == change.stands) else {
        return Vec::new();
    };
    let after: Vec<String> = change
        .after
        .folder(change.comes.parent().unwrap_or(""))
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    let mut lost = destroyed(before, &after.join("\n"));
    lost.extend(terraform_replaced::by(change));
    lost.sort();
    lost.dedup();
    lost
}

/// What `before` declares and `after` lacks, by name; nothing where a text cannot be read.
fn destroyed(before: &str, after: &str) -> Vec<Lost> {
    let (Ok(before), Ok(after)) = (hcl::parse(before), hcl::parse(after)) else {
        return Vec::new();
    };
    let (still, handed_on) = (declared(&after), handed_on(&after));
    let gone = declared(&before)
        .into_iter()
        .filter(|name| !still.contains(name) && !handed_on.contains(name));
    gone.map(|name| Lost {
        component: component(&name),
        name,
        fate: Fate::Destroyed,
    })
    .collect()
}

/// `TYPE.NAME` of the resources and `module.NAME` of the module calls.
fn declared(body: &Body) -> BTreeSet<String> {
    let labels = |block: &Block| {
        block
            .labels
            .iter()
            .map(BlockLabel::as_str)
            .collect::<Vec<_>>()
            .join(".")
    };
    let name = |block: &Block| match block.identifier() {
        "resource" => Some(labels(block)),
        "module" => Some(format!("module.{}", labels(block))),
        _ => None,
    };
    body.blocks().filter_map(name).collect()
}

/// What `moved` and `removed` blocks name and Terraform does not destroy: a `removed` block destroys
/// where it does not say otherwise
/// (<https://developer.hashicorp.com/terraform/language/block/removed>).
fn handed_on(body: &Body) -> BTreeSet<String> {
    let lets_go = |block: &&Block| {
        let lifecycles = block
            .body
            .blocks()
            .filter(|it| it.identifier() == "lifecycle");
        let mut settings = lifecycles.flat_map(|it| it.body.attributes());
        settings.any(|it| it.key() == "destroy" && it.expr == Expression::Bool(false))
    };
    let told = body.blocks().filter(|block| match block.identifier() {
        "moved" => true,
        "removed" => lets_go(block),
        _ => false,
    });
    let from = |block: &Block| {
        block
            .body
            .attributes()
            .find(|attribute| attribute.key() == "from")
            .map(|from| from.expr.to_string())
    };
    told.filter_map(from).collect()
}

pub(super) fn component(name: &str) -> String {
    let found = match name.split_once('.') {
        Some(("module", label)) => MODULES.iter().find(|(end, _)| label.ends_with(end)),
        Some((kind, label)) => {
            let by_name = NAMES.iter().find(|(start, _)| label.starts_with(start));
            by_name.or_else(|| TYPES.iter().find(|(start, _)| kind.starts_with(start)))
        }
        None => None,
    };
    found.map_or_else(|| name.to_owned(), |(_, component)| (*component).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(before: &str, after: &str) -> Vec<(String, String)> {
        destroyed(before, after)
            .into_iter()
            .map(|lost| (lost.component, lost.name))
            .collect()
    }

    fn text(resources: &[&str]) -> String {
        let blocks = resources.iter().map(|name| {
            let (kind, name) = name.split_once('.').expect("TYPE.NAME");
            format!("resource \"{kind}\" \"{name}\" {{\n  tags = {{ a = \"${{var.a}}\" }}\n}}\n")
        });
        blocks.collect()
    }

    #[test]
    fn what_is_gone_is_named_with_its_component() {
        let cases = [
            ("aws_db_instance.this", "database"),
            ("aws_security_group.database", "database"),
            ("aws_cloudwatch_log_group.database", "database"),
            ("aws_iam_role.database_monitoring", "database"),
            ("aws_lb.this", "load-balancer"),
            ("aws_lb_target_group.this", "load-balancer"),
            ("aws_wafv2_web_acl.this", "load-balancer"),
            ("aws_acm_certificate.this", "load-balancer"),
            ("aws_s3_bucket.access_logs", "load-balancer"),
            ("aws_eks_cluster.this", "cluster"),
            ("aws_ecr_repository.this", "registry"),
            ("aws_secretsmanager_secret.service", "secrets"),
            ("aws_cloudwatch_log_group.service", "logs"),
            ("aws_vpc.this", "network"),
            ("aws_subnet.private", "network"),
            ("aws_route_table.private", "network"),
            ("aws_s3_bucket.state", "state"),
            ("aws_sqs_queue.jobs", "aws_sqs_queue.jobs"),
        ];
        for (name, component) in cases {
            assert_eq!(
                lost(&text(&["aws_x.a", name]), &text(&["aws_x.a"])),
                [(component.to_owned(), name.to_owned())]
            );
        }
    }

    #[test]
    fn calls_of_modules_count_and_values_variables_and_data_do_not() {
        let before = "module \"entities_network\" {\n  source = \"../a\"\n}\nmodule \"entity_api\" {\n  source = \"../b\"\n}\n\
                      data \"aws_vpc\" \"this\" {\n}\nvariable \"a\" {\n}\noutput \"b\" {\n  value = 1\n}\nlocals {\n  c = 1\n}\n";
        let pair = |component: &str, name: &str| (component.to_owned(), name.to_owned());
        assert_eq!(
            lost(before, ""),
            [
                pair("network", "module.entities_network"),
                pair("module.entity_api", "module.entity_api")
            ]
        );
        assert_eq!(lost(before, before), []);
    }

    #[test]
    fn what_changes_or_is_handed_on_is_not_lost() {
        let before = text(&["aws_db_instance.this"]);
        assert_eq!(lost(&before, &before.replace("var.a", "var.b")), []);
        let moved = "moved {\n  from = aws_db_instance.this\n  to = aws_db_instance.main\n}\n";
        assert_eq!(
            lost(
                &before,
                &format!("{}{moved}", text(&["aws_db_instance.main"]))
            ),
            []
        );
        let removed = "removed {\n  from = aws_db_instance.this\n  lifecycle {\n    destroy = false\n  }\n}\n";
        assert_eq!(lost(&before, removed), []);
        let destroyed = removed.replace("false", "true");
        let silent = "removed {\n  from = aws_db_instance.this\n}\n";
        for text in [destroyed.as_str(), silent] {
            assert_eq!(lost(&before, text).len(), 1, "{text}");
        }
    }
}
