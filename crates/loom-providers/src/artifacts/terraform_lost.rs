//! What one text in HCL declares outside the repository and another lacks.
//!
//! In: two versions of a file. Out: the resources and module calls of the first that the second
//! neither declares nor hands on by a `moved` or `removed` block, each with the component that it
//! belongs to, in the words of the `infrastructure` blueprint. A resource belongs to the component
//! that its own name begins with (`aws_security_group.database`), else to the one of its type
//! (`aws_db_instance.this`); what is neither is a component of its own, under its full name.
//!
//! Deliberately not here: other files of the module. A resource that moves to another file is lost
//! to the first.

use std::collections::BTreeSet;

use hcl::{Block, BlockLabel, Body};
use loom_plan::provider::Lost;

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

/// What `before` declares and `after` lacks, by name; nothing where a text cannot be read.
pub(crate) fn between(before: &str, after: &str) -> Vec<Lost> {
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

/// What `moved` and `removed` blocks name: Terraform is told what becomes of it.
fn handed_on(body: &Body) -> BTreeSet<String> {
    let told = body
        .blocks()
        .filter(|block| matches!(block.identifier(), "moved" | "removed"));
    let from = |block: &Block| {
        block
            .body
            .attributes()
            .find(|attribute| attribute.key() == "from")
            .map(|from| from.expr.to_string())
    };
    told.filter_map(from).collect()
}

fn component(name: &str) -> String {
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
        between(before, after)
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
    }
}
