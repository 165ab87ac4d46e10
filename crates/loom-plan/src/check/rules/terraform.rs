//! Terraform, as its JSON configuration syntax has it.
// tidy: long because it is a list of cases

use super::super::{Document, Format, Rule};
use super::network::is_everybody;
use super::policy_text::{self, Statement};
use super::{fields, items, text, walk};
use crate::credential::is_secret_name;
use crate::diag::Severity::{Error, Warning};
use crate::node::Node;

const FORMAT: Format = Format::Terraform;

/// The blocks of a type with two labels: their labels and bodies.
fn blocks<'a>(
    document: &'a Document,
    key: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str, &'a Node)> {
    let kinds = document
        .nodes
        .iter()
        .flat_map(move |node| fields(node.get(key)));
    kinds.flat_map(|(kind, names)| {
        fields(Some(names)).flat_map(move |(name, node)| {
            items(Some(node)).iter().map(move |node| (kind, name, node))
        })
    })
}

fn resources<'a>(
    document: &'a Document,
    kinds: &'a [&str],
) -> impl Iterator<Item = (String, &'a Node)> {
    let all = blocks(document, "resource").filter(|(kind, ..)| kinds.contains(kind));
    all.map(|(kind, name, node)| (format!("`{kind}.{name}`"), node))
}

/// Whether an argument has this value, also as a text: Terraform takes both.
fn is(node: &Node, key: &str, value: bool) -> bool {
    let said = node.get(key).and_then(Node::scalar_text);
    said.as_deref() == Some(if value { "true" } else { "false" })
}

/// The blocks of a name below one, those that `dynamic` makes too.
fn nested<'a>(node: &'a Node, name: &str) -> impl Iterator<Item = &'a Node> + use<'a> {
    let dynamic = node.at(&["dynamic", name]);
    let made = items(dynamic).iter().filter_map(|it| it.get("content"));
    items(node.get(name)).iter().chain(made)
}

/// A value that is written as `local.NAME`, or as `var.NAME` with a default, in this file.
fn resolved<'a>(document: &'a Document, node: &'a Node) -> &'a Node {
    let named = |node: &'a Node| -> Option<&'a Node> {
        let inside = node.as_str()?.strip_prefix("${")?.strip_suffix('}')?.trim();
        let (kind, name) = inside.split_once('.')?;
        let mut tops = document.nodes.iter();
        match kind {
            "local" => tops
                .flat_map(|top| items(top.get("locals")))
                .find_map(|locals| locals.get(name)),
            "var" => tops.find_map(|top| top.at(&["variable", name, "default"])),
            _ => None,
        }
    };
    let mut node = node;
    // a local may be another one, and a file may say that in a circle
    for _ in 0..8 {
        match named(node) {
            Some(next) => node = next,
            None => break,
        }
    }
    node
}

/// The texts of a list, of which each may be a value of its own.
fn texts<'a>(document: &'a Document, node: Option<&'a Node>) -> Vec<&'a str> {
    let all = items(node.map(|node| resolved(document, node)));
    all.iter()
        .flat_map(|item| items(Some(resolved(document, item))))
        .filter_map(Node::as_str)
        .collect()
}

/// The argument's place, else the block's.
fn place<'a>(node: &'a Node, key: &str) -> &'a Node {
    node.get(key).unwrap_or(node)
}

pub(super) const PUBLIC_DATABASE: Rule = Rule {
    code: "LOOM1501",
    severity: Error,
    format: FORMAT,
    area: "public databases",
    title: "A database can be reached from the internet",
    reason: "its password is all that stands between it and everybody; such databases are found within hours",
    fix: "write `publicly_accessible = false`, and reach it from within the network",
    bad: "resource \"aws_db_instance\" \"main\" {\n  storage_encrypted       = true\n  backup_retention_period = 7\n  deletion_protection     = true\n  publicly_accessible     = true\n}\n",
    good: "resource \"aws_db_instance\" \"main\" {\n  storage_encrypted       = true\n  backup_retention_period = 7\n  deletion_protection     = true\n  publicly_accessible     = false\n}\n",
    look: |document, hits| {
        let aws = [
            "aws_db_instance",
            "aws_rds_cluster_instance",
            "aws_redshift_cluster",
            "aws_dms_replication_instance",
        ];
        for (name, node) in
            resources(document, &aws).filter(|(_, node)| is(node, "publicly_accessible", true))
        {
            hits.add(
                place(node, "publicly_accessible").span,
                format!("{name} is publicly accessible"),
            );
        }
        for (name, node) in resources(document, &["google_sql_database_instance"]) {
            for network in items(node.at(&["settings", "ip_configuration", "authorized_networks"]))
            {
                if is_everybody(text(network, "value")) {
                    hits.add(network.span, format!("{name} lets the whole internet in"));
                }
            }
        }
        let azure = [
            "azurerm_postgresql_flexible_server",
            "azurerm_mssql_server",
            "azurerm_mysql_flexible_server",
        ];
        for (name, node) in resources(document, &azure)
            .filter(|(_, node)| is(node, "public_network_access_enabled", true))
        {
            hits.add(
                place(node, "public_network_access_enabled").span,
                format!("{name} has a public address"),
            );
        }
    },
};

pub(super) const PLAIN_STORAGE: Rule = Rule {
    code: "LOOM1502",
    severity: Error,
    format: FORMAT,
    area: "secrets management",
    title: "A database stores its data without encryption",
    reason: "a snapshot or a disk that gets into other hands can be read; encryption cannot be turned on later without a new database",
    fix: "write `storage_encrypted = true`, and a `kms_key_id` of your own",
    bad: "resource \"aws_db_instance\" \"main\" {\n  backup_retention_period = 7\n  deletion_protection     = true\n}\n",
    good: PUBLIC_DATABASE.good,
    look: |document, hits| {
        for (name, node) in resources(document, &["aws_db_instance", "aws_rds_cluster"]) {
            let inherits = ["replicate_source_db", "snapshot_identifier", "engine_mode"]
                .iter()
                .any(|key| node.get(key).is_some());
            if !inherits
                && (node.get("storage_encrypted").is_none() || is(node, "storage_encrypted", false))
            {
                hits.lacks(
                    place(node, "storage_encrypted").span,
                    format!("{name} does not say `storage_encrypted = true`"),
                );
            }
        }
        for (name, node) in resources(document, &["aws_ebs_volume", "aws_efs_file_system"]) {
            if node.get("encrypted").is_none() || is(node, "encrypted", false) {
                hits.lacks(
                    place(node, "encrypted").span,
                    format!("{name} does not say `encrypted = true`"),
                );
            }
        }
    },
};

pub(super) const NO_BACKUPS: Rule = Rule {
    code: "LOOM1503",
    severity: Error,
    format: FORMAT,
    area: "backups",
    title: "A database has no backups",
    reason: "what is deleted by mistake, or by a bad migration, is gone",
    fix: "write `backup_retention_period` with a number of days; `database.backupRetention` in loom.yaml sets it",
    bad: "resource \"aws_db_instance\" \"main\" {\n  storage_encrypted       = true\n  deletion_protection     = true\n  backup_retention_period = 0\n}\n",
    good: PUBLIC_DATABASE.good,
    look: |document, hits| {
        for (name, node) in resources(document, &["aws_db_instance"]) {
            let days = node.get("backup_retention_period");
            let replica = node.get("replicate_source_db").is_some();
            if !replica && days.is_none_or(|days| days.as_integer() == Some(0)) {
                hits.add(
                    days.unwrap_or(node).span,
                    format!("{name} keeps no backups"),
                );
            }
        }
        for (name, node) in resources(document, &["google_sql_database_instance"]) {
            let backups = node.at(&["settings", "backup_configuration"]);
            if backups.is_none_or(|backups| is(backups, "enabled", false)) {
                hits.add(
                    backups.unwrap_or(node).span,
                    format!("{name} keeps no backups"),
                );
            }
        }
        // what a module is called with
        for node in &document.nodes {
            walk(node, "", &mut |key, node| {
                if key.ends_with("backup_retention") && node.as_integer() == Some(0) {
                    hits.add(
                        node.span,
                        format!("`{key}` is 0: the database keeps no backups"),
                    );
                }
            });
        }
    },
};

pub(super) const NO_DELETION_PROTECTION: Rule = Rule {
    code: "LOOM1504",
    severity: Warning,
    format: FORMAT,
    area: "deletion protection",
    title: "A database can be deleted by one plan",
    reason: "a renamed resource is a deletion and a creation to Terraform: the data go with the first",
    fix: "write `deletion_protection = true`, at least in production",
    bad: "resource \"aws_db_instance\" \"main\" {\n  storage_encrypted       = true\n  backup_retention_period = 7\n  deletion_protection     = false\n}\n",
    good: PUBLIC_DATABASE.good,
    look: |document, hits| {
        for (name, node) in resources(
            document,
            &[
                "aws_db_instance",
                "aws_rds_cluster",
                "aws_docdb_cluster",
                "aws_neptune_cluster",
            ],
        ) {
            let replica = node.get("replicate_source_db").is_some();
            if !replica
                && (node.get("deletion_protection").is_none()
                    || is(node, "deletion_protection", false))
            {
                hits.lacks(
                    place(node, "deletion_protection").span,
                    format!("{name} is not protected from deletion"),
                );
            }
        }
        for (name, node) in resources(
            document,
            &["google_sql_database_instance", "google_container_cluster"],
        ) {
            if is(node, "deletion_protection", false) {
                hits.lacks(
                    place(node, "deletion_protection").span,
                    format!("{name} is not protected from deletion"),
                );
            }
        }
    },
};

pub(super) const NO_FINAL_SNAPSHOT: Rule = Rule {
    code: "LOOM1505",
    severity: Warning,
    format: FORMAT,
    area: "backups",
    title: "A database goes without a last snapshot",
    reason: "its automatic backups go with it: nothing is left",
    fix: "write `skip_final_snapshot = false` and a `final_snapshot_identifier`, at least in production",
    bad: "resource \"aws_db_instance\" \"main\" {\n  storage_encrypted       = true\n  backup_retention_period = 7\n  deletion_protection     = true\n  skip_final_snapshot     = true\n}\n",
    good: PUBLIC_DATABASE.good,
    look: |document, hits| {
        for (name, node) in resources(
            document,
            &[
                "aws_db_instance",
                "aws_rds_cluster",
                "aws_docdb_cluster",
                "aws_redshift_cluster",
            ],
        ) {
            if is(node, "skip_final_snapshot", true) {
                hits.add(
                    place(node, "skip_final_snapshot").span,
                    format!("{name} leaves no last snapshot"),
                );
            }
        }
    },
};

/// Whether a rule of a firewall is for everybody.
fn is_for_everybody(document: &Document, node: &Node) -> bool {
    let keys = [
        "cidr_blocks",
        "ipv6_cidr_blocks",
        "cidr_ipv4",
        "cidr_ipv6",
        "source_ranges",
        "source_address_prefix",
        "source_address_prefixes",
    ];
    is_everybody(keys.iter().flat_map(|key| texts(document, node.get(key))))
}

/// Whether a rule opens more than the ports of the web.
fn opens_more_than_the_web(node: &Node) -> bool {
    match (
        node.get("from_port").and_then(Node::as_integer),
        node.get("to_port").and_then(Node::as_integer),
    ) {
        (Some(from), Some(to)) => !(from == to && matches!(from, 80 | 443)),
        // a port that is not known here is somebody's choice elsewhere, unless the rule is for all of them
        (_, _) => {
            node.get("protocol")
                .or_else(|| node.get("ip_protocol"))
                .and_then(Node::scalar_text)
                .as_deref()
                == Some("-1")
        }
    }
}

pub(super) const OPEN_SECURITY_GROUP: Rule = Rule {
    code: "LOOM1506",
    severity: Error,
    format: FORMAT,
    area: "network exposure",
    title: "A firewall lets everybody in",
    reason: "every machine behind it is tried for weak passwords and known holes within minutes",
    fix: "name the networks or the security groups that may come in; only 80 and 443 are for everybody",
    bad: "resource \"aws_vpc_security_group_ingress_rule\" \"ssh\" {\n  security_group_id = aws_security_group.main.id\n  ip_protocol       = \"tcp\"\n  from_port         = 22\n  to_port           = 22\n  cidr_ipv4         = \"0.0.0.0/0\"\n}\n",
    good: "resource \"aws_vpc_security_group_ingress_rule\" \"https\" {\n  security_group_id = aws_security_group.main.id\n  ip_protocol       = \"tcp\"\n  from_port         = 443\n  to_port           = 443\n  cidr_ipv4         = \"0.0.0.0/0\"\n}\n",
    look: |document, hits| {
        let open = |node: &Node| is_for_everybody(document, node) && opens_more_than_the_web(node);
        for (name, node) in resources(
            document,
            &["aws_security_group", "aws_default_security_group"],
        ) {
            for rule in items(node.get("ingress")).iter().filter(|it| open(it)) {
                hits.add(rule.span, format!("{name} lets everybody in"));
            }
            for made in items(node.at(&["dynamic", "ingress"])) {
                let Some(rule) = made.get("content") else {
                    continue;
                };
                // the ports are those of the list that the rules are made of, where that is one of numbers
                let ports = made.get("for_each").map(|it| resolved(document, it));
                let mut ports = items(ports).iter().filter_map(Node::as_integer);
                let opens = ports.any(|port| !matches!(port, 80 | 443));
                if open(rule) || opens && is_for_everybody(document, rule) {
                    hits.add(rule.span, format!("{name} lets everybody in"));
                }
            }
        }
        for (name, node) in resources(document, &["aws_vpc_security_group_ingress_rule"])
            .filter(|(_, node)| open(node))
        {
            hits.add(node.span, format!("{name} lets everybody in"));
        }
        let rules = resources(document, &["aws_security_group_rule"])
            .filter(|(_, node)| text(node, "type") == Some("ingress"));
        for (name, node) in rules.filter(|(_, node)| open(node)) {
            hits.add(node.span, format!("{name} lets everybody in"));
        }
        let groups =
            resources(document, &["azurerm_network_security_group"]).flat_map(|(name, node)| {
                nested(node, "security_rule").map(move |it| (name.clone(), it))
            });
        let rules = resources(document, &["azurerm_network_security_rule"]).chain(groups);
        for (name, node) in rules {
            let is_in = |key: &str, word: &str| {
                text(node, key).is_some_and(|it| it.eq_ignore_ascii_case(word))
            };
            let ports = ["destination_port_range", "destination_port_ranges"];
            let ports: Vec<_> = ports
                .iter()
                .flat_map(|key| items(node.get(key)))
                .filter_map(Node::scalar_text)
                .collect();
            let is_web = ports.iter().all(|port| matches!(&**port, "80" | "443"));
            let lets_in = is_in("direction", "inbound") && is_in("access", "allow");
            if lets_in && !is_web && is_for_everybody(document, node) {
                hits.add(node.span, format!("{name} lets everybody in"));
            }
        }
        for (name, node) in resources(document, &["google_compute_firewall"])
            .filter(|(_, node)| is_for_everybody(document, node))
        {
            let web = |port: &Node| matches!(port.scalar_text().as_deref(), Some("80" | "443"));
            let all = items(node.get("allow")).iter().any(|allow| {
                let ports = items(allow.get("ports"));
                ports.is_empty() || !ports.iter().all(web)
            });
            if all && text(node, "direction") != Some("EGRESS") {
                hits.add(node.span, format!("{name} lets everybody in"));
            }
        }
    },
};

pub(super) const PLAIN_LISTENER: Rule = Rule {
    code: "LOOM1507",
    severity: Error,
    format: FORMAT,
    area: "HTTPS",
    title: "A load balancer answers without encryption",
    reason: "passwords and tokens of its users go over the wire as they are",
    fix: "take `protocol = \"HTTPS\"` with a certificate; let port 80 only redirect",
    bad: "resource \"aws_lb_listener\" \"http\" {\n  load_balancer_arn = aws_lb.main.arn\n  port              = 80\n  protocol          = \"HTTP\"\n\n  default_action {\n    type             = \"forward\"\n    target_group_arn = aws_lb_target_group.main.arn\n  }\n}\n",
    good: "resource \"aws_lb_listener\" \"http\" {\n  load_balancer_arn = aws_lb.main.arn\n  port              = 80\n  protocol          = \"HTTP\"\n\n  default_action {\n    type = \"redirect\"\n\n    redirect {\n      protocol    = \"HTTPS\"\n      port        = \"443\"\n      status_code = \"HTTP_301\"\n    }\n  }\n}\n",
    look: |document, hits| {
        for (name, node) in resources(document, &["aws_lb_listener", "aws_alb_listener"]) {
            let forwards = nested(node, "default_action")
                .any(|action| text(action, "type") == Some("forward"));
            if text(node, "protocol") == Some("HTTP") && forwards {
                hits.add(
                    place(node, "protocol").span,
                    format!("{name} forwards what comes without encryption"),
                );
            }
        }
    },
};

/// The statements of policies that allow something, with the name of what they stand in.
fn statements(document: &Document) -> impl Iterator<Item = (String, &Node)> {
    let policies = blocks(document, "data").filter(|(kind, ..)| *kind == "aws_iam_policy_document");
    let all = policies.flat_map(|(kind, name, node)| {
        items(node.get("statement"))
            .iter()
            .map(move |statement| (format!("`data.{kind}.{name}`"), statement))
    });
    all.filter(|(_, statement)| text(statement, "effect") != Some("Deny"))
}

fn has(statement: &Node, key: &str, wanted: impl Fn(&str) -> bool) -> bool {
    items(statement.get(key))
        .iter()
        .filter_map(Node::as_str)
        .any(wanted)
}

/// Whether a policy of AWS gives all rights, or the right to give oneself all.
fn gives_everything(arn: &str) -> bool {
    ["/AdministratorAccess", "/IAMFullAccess"]
        .iter()
        .any(|end| arn.ends_with(end))
}

/// Resources with policies about what somebody may do, and the arguments that hold them.
const IDENTITY_POLICIES: &[(&str, &[&str])] = &[
    ("aws_iam_policy", &["policy"]),
    ("aws_iam_role_policy", &["policy"]),
    ("aws_iam_user_policy", &["policy"]),
    ("aws_iam_group_policy", &["policy"]),
    ("aws_iam_role", &["inline_policy"]),
    (
        "aws_ssoadmin_permission_set_inline_policy",
        &["inline_policy"],
    ),
];
/// Buckets with policies about who may do something with them.
const BUCKET_POLICIES: &[(&str, &[&str])] = &[
    ("aws_s3_bucket_policy", &["policy"]),
    ("aws_s3_bucket", &["policy"]),
];
/// Everything else with such a policy.
const RESOURCE_POLICIES: &[(&str, &[&str])] = &[
    ("aws_sqs_queue_policy", &["policy"]),
    ("aws_sqs_queue", &["policy"]),
    ("aws_sns_topic_policy", &["policy"]),
    ("aws_sns_topic", &["policy"]),
    ("aws_kms_key", &["policy"]),
    ("aws_kms_key_policy", &["policy"]),
    ("aws_ecr_repository_policy", &["policy"]),
    ("aws_secretsmanager_secret_policy", &["policy"]),
    ("aws_secretsmanager_secret", &["policy"]),
    ("aws_iam_role", &["assume_role_policy"]),
    ("aws_elasticsearch_domain", &["access_policies"]),
    ("aws_opensearch_domain", &["access_policies"]),
    ("aws_efs_file_system_policy", &["policy"]),
    ("aws_glacier_vault", &["access_policy"]),
    ("aws_backup_vault_policy", &["policy"]),
    ("aws_cloudwatch_event_bus_policy", &["policy"]),
    ("aws_dynamodb_resource_policy", &["policy"]),
];

/// The statements of policies that are written out in resources: as JSON, or given to `jsonencode`.
fn written_statements<'a>(
    document: &'a Document,
    kinds: &'static [(&'static str, &'static [&'static str])],
) -> Vec<(String, &'a Node, Statement)> {
    let mut all = Vec::new();
    for (kind, name, node) in blocks(document, "resource") {
        let keys = kinds.iter().filter(|(it, _)| *it == kind);
        for key in keys.flat_map(|(_, keys)| *keys) {
            for value in items(node.get(key)) {
                // a block of its own, such as `inline_policy`, has the text in it
                let value = resolved(document, value.get("policy").unwrap_or(value));
                let Some(policy) = value.as_str() else {
                    continue;
                };
                let statements = policy_text::statements(policy).into_iter();
                all.extend(statements.map(|it| (format!("`{kind}.{name}`"), value, it)));
            }
        }
    }
    all
}

pub(super) const ALL_RIGHTS: Rule = Rule {
    code: "LOOM1508",
    severity: Error,
    format: FORMAT,
    area: "least-privilege IAM",
    title: "A role may do everything",
    reason: "whoever has one key or one token of this role has the account",
    fix: "name the actions and the resources that are needed",
    bad: "data \"aws_iam_policy_document\" \"deploy\" {\n  statement {\n    actions   = [\"*\"]\n    resources = [\"*\"]\n  }\n}\n",
    good: "data \"aws_iam_policy_document\" \"deploy\" {\n  statement {\n    actions   = [\"s3:GetObject\"]\n    resources = [\"${aws_s3_bucket.main.arn}/*\"]\n  }\n}\n",
    look: |document, hits| {
        for (name, statement) in statements(document) {
            if has(statement, "actions", |it| it == "*" || it == "*:*") {
                hits.add(
                    place(statement, "actions").span,
                    format!("{name} allows every action"),
                );
            }
        }
        let attached = [
            "aws_iam_role_policy_attachment",
            "aws_iam_user_policy_attachment",
            "aws_iam_policy_attachment",
            "aws_iam_group_policy_attachment",
            "aws_iam_role",
            "aws_iam_role_policy_attachments_exclusive",
            "aws_ssoadmin_managed_policy_attachment",
        ];
        for (name, node) in resources(document, &attached) {
            let keys = [
                "policy_arn",
                "managed_policy_arns",
                "policy_arns",
                "managed_policy_arn",
            ];
            for key in keys {
                let arns = texts(document, node.get(key));
                if arns.iter().any(|arn| gives_everything(arn)) {
                    hits.add(
                        place(node, key).span,
                        format!("{name} gives all rights in the account"),
                    );
                }
            }
        }
        for (name, node, statement) in written_statements(document, IDENTITY_POLICIES) {
            if statement.allows_everything() {
                hits.add(node.span, format!("{name} allows every action"));
            }
        }
    },
};

pub(super) const WIDE_RIGHTS: Rule = Rule {
    code: "LOOM1509",
    severity: Warning,
    format: FORMAT,
    area: "least-privilege IAM",
    title: "A role may do everything with a service",
    reason: "the right to read one object is also the right to delete all of them",
    fix: "name the actions that are needed, or the resources",
    bad: "data \"aws_iam_policy_document\" \"deploy\" {\n  statement {\n    actions   = [\"s3:*\"]\n    resources = [\"*\"]\n  }\n}\n",
    good: ALL_RIGHTS.good,
    look: |document, hits| {
        for (name, statement) in statements(document) {
            let service = has(statement, "actions", |it| it.ends_with(":*") && it != "*:*");
            if service && has(statement, "resources", |it| it == "*") {
                hits.add(
                    place(statement, "actions").span,
                    format!("{name} allows every action of a service on everything"),
                );
            }
        }
    },
};

pub(super) const PUBLIC_BUCKET: Rule = Rule {
    code: "LOOM1510",
    severity: Error,
    format: FORMAT,
    area: "network exposure",
    title: "A bucket can be read by everybody",
    reason: "names of buckets are guessed by programs that do nothing else",
    fix: "take the public access out; what must be public goes through a CDN that alone may read the bucket",
    bad: "resource \"aws_s3_bucket_acl\" \"site\" {\n  bucket = aws_s3_bucket.site.id\n  acl    = \"public-read\"\n}\n",
    good: "resource \"aws_s3_bucket_acl\" \"site\" {\n  bucket = aws_s3_bucket.site.id\n  acl    = \"private\"\n}\n",
    look: |document, hits| {
        for (name, node) in resources(document, &["aws_s3_bucket", "aws_s3_bucket_acl"]) {
            let acls = texts(document, node.get("acl"));
            if acls
                .iter()
                .any(|acl| acl.starts_with("public-") || *acl == "authenticated-read")
            {
                hits.add(
                    place(node, "acl").span,
                    format!("{name} can be read by everybody"),
                );
            }
        }
        for (name, node) in resources(document, &["aws_s3_bucket", "aws_s3_bucket_acl"]) {
            walk(node, "", &mut |key, value| {
                let is_all = |uri: &str| {
                    uri.ends_with("/global/AllUsers") || uri.ends_with("/global/AuthenticatedUsers")
                };
                if key == "uri" && value.as_str().is_some_and(is_all) {
                    hits.add(value.span, format!("{name} gives rights to everybody"));
                }
            });
        }
        for (name, node, statement) in written_statements(document, BUCKET_POLICIES) {
            if statement.is_for_everybody() {
                hits.add(node.span, format!("{name} gives rights to everybody"));
            }
        }
        for (name, node) in resources(document, &["aws_s3_bucket_public_access_block"]) {
            for key in [
                "block_public_acls",
                "block_public_policy",
                "ignore_public_acls",
                "restrict_public_buckets",
            ] {
                if is(node, key, false) {
                    hits.add(place(node, key).span, format!("{name} has `{key} = false`"));
                }
            }
        }
        for (name, node) in resources(
            document,
            &[
                "google_storage_bucket_iam_member",
                "google_storage_bucket_iam_binding",
            ],
        ) {
            let members = items(node.get("member"))
                .iter()
                .chain(items(node.get("members")));
            for member in members
                .filter(|it| matches!(it.as_str(), Some("allUsers" | "allAuthenticatedUsers")))
            {
                hits.add(member.span, format!("{name} gives rights to everybody"));
            }
        }
    },
};

pub(super) const SECRET_DEFAULT: Rule = Rule {
    code: "LOOM1511",
    severity: Error,
    format: FORMAT,
    area: "secrets management",
    title: "A secret is the default of a variable",
    reason: "everybody who can read the repository has it, and it is what production has when somebody forgets to set it",
    fix: "take the default out, write `sensitive = true`, and keep the value in a secrets manager",
    bad: "variable \"db_password\" {\n  type    = string\n  default = \"hunter-2-hunter\"\n}\n",
    good: "variable \"db_password\" {\n  type      = string\n  sensitive = true\n}\n",
    look: |document, hits| {
        for (name, variable) in document
            .nodes
            .iter()
            .flat_map(|node| fields(node.get("variable")))
        {
            let Some(default) = variable.get("default") else {
                continue;
            };
            if default
                .as_str()
                .is_some_and(|value| super::is_plain_secret(name, value))
            {
                hits.add(
                    default.span,
                    format!("the variable `{name}` has its secret as a default"),
                );
            }
        }
    },
};

pub(super) const SECRET_ARGUMENT: Rule = Rule {
    code: "LOOM1512",
    severity: Error,
    format: FORMAT,
    area: "secrets management",
    title: "A password stands in the configuration",
    reason: "everybody who can read the repository, or the state, has it",
    fix: "let the service make it (`manage_master_user_password = true`), or read it from a secrets manager",
    bad: "resource \"aws_db_instance\" \"main\" {\n  storage_encrypted       = true\n  backup_retention_period = 7\n  deletion_protection     = true\n  password                = \"hunter-2-hunter\"\n}\n",
    good: "resource \"aws_db_instance\" \"main\" {\n  storage_encrypted           = true\n  backup_retention_period     = 7\n  deletion_protection         = true\n  manage_master_user_password = true\n}\n",
    look: |document, hits| {
        let providers = document
            .nodes
            .iter()
            .flat_map(|top| fields(top.get("provider")));
        let providers =
            providers.flat_map(|(name, node)| items(Some(node)).iter().map(move |it| (name, it)));
        let plain = |key: &str, value: &Node| {
            value
                .as_str()
                .is_some_and(|value| super::is_plain_secret(key, value))
        };
        for (name, node) in providers {
            for (key, value) in fields(Some(node)).filter(|(key, value)| plain(key, value)) {
                hits.add(
                    value.span,
                    format!("the provider `{name}` has its `{key}` in plain text"),
                );
            }
        }
        for (name, node) in resources(document, &["aws_lambda_function"]) {
            let variables = fields(node.at(&["environment", "variables"]));
            for (key, value) in variables.filter(|(key, value)| plain(key, value)) {
                hits.add(
                    value.span,
                    format!("{name} has the value of `{key}` in plain text"),
                );
            }
        }
        for (kind, name, node) in blocks(document, "resource") {
            for (key, value) in
                fields(Some(node)).filter(|(key, _)| is_secret_name(key) || *key == "secret_string")
            {
                if value
                    .as_str()
                    .is_some_and(|value| super::is_plain_secret("password", value))
                    && !key.ends_with("_name")
                {
                    let harmless = ["_id", "_arn", "_type", "_url", "_path", "_version"]
                        .iter()
                        .any(|end| key.ends_with(end));
                    if !harmless {
                        hits.add(
                            value.span,
                            format!("`{kind}.{name}` has its `{key}` in plain text"),
                        );
                    }
                }
            }
        }
    },
};

pub(super) const NO_RETENTION: Rule = Rule {
    code: "LOOM1513",
    severity: Warning,
    format: FORMAT,
    area: "logging",
    title: "Logs are kept for ever",
    reason: "what people do is kept longer than anybody may or needs, and the bill grows with it",
    fix: "write `retention_in_days`",
    bad: "resource \"aws_cloudwatch_log_group\" \"main\" {\n  name = \"/api\"\n}\n",
    good: "resource \"aws_cloudwatch_log_group\" \"main\" {\n  name              = \"/api\"\n  retention_in_days = 90\n}\n",
    look: |document, hits| {
        for (name, node) in resources(document, &["aws_cloudwatch_log_group"]) {
            if node
                .get("retention_in_days")
                .is_none_or(|days| days.as_integer() == Some(0))
            {
                hits.lacks(
                    place(node, "retention_in_days").span,
                    format!("{name} has no `retention_in_days`"),
                );
            }
        }
    },
};

pub(super) const NO_ACCESS_LOGS: Rule = Rule {
    code: "LOOM1514",
    severity: Warning,
    format: FORMAT,
    area: "logging",
    title: "Nobody can see who was there",
    reason: "after a break-in there is nothing that says when it was, and what was taken",
    fix: "write `access_logs` for a load balancer, and `enabled_cluster_log_types` for a cluster",
    bad: "resource \"aws_lb\" \"main\" {\n  name                       = \"api\"\n  drop_invalid_header_fields = true\n}\n",
    good: "resource \"aws_lb\" \"main\" {\n  name                       = \"api\"\n  drop_invalid_header_fields = true\n\n  access_logs {\n    bucket  = aws_s3_bucket.logs.id\n    enabled = true\n  }\n}\n",
    look: |document, hits| {
        for (name, node) in resources(document, &["aws_lb", "aws_alb"]) {
            let kept = items(node.get("access_logs"))
                .iter()
                .any(|logs| !is(logs, "enabled", false));
            if !kept && text(node, "load_balancer_type") != Some("gateway") {
                hits.lacks(
                    place(node, "access_logs").span,
                    format!("{name} writes no access logs"),
                );
            }
        }
        for (name, node) in resources(document, &["aws_eks_cluster"]) {
            if items(node.get("enabled_cluster_log_types")).is_empty() {
                hits.lacks(
                    node.span,
                    format!("{name} writes no logs of its control plane"),
                );
            }
        }
    },
};

pub(super) const PLAIN_STATE: Rule = Rule {
    code: "LOOM1515",
    severity: Warning,
    format: FORMAT,
    area: "secrets management",
    title: "The state is kept without encryption",
    reason: "the state holds every password and every key that Terraform ever saw",
    fix: "write `encrypt = true` in the backend",
    bad: "terraform {\n  backend \"s3\" {\n    bucket = \"shop-state\"\n    key    = \"production\"\n    region = \"us-east-1\"\n  }\n}\n",
    good: "terraform {\n  backend \"s3\" {\n    bucket  = \"shop-state\"\n    key     = \"production\"\n    region  = \"us-east-1\"\n    encrypt = true\n  }\n}\n",
    look: |document, hits| {
        let settings = document
            .nodes
            .iter()
            .flat_map(|node| items(node.get("terraform")));
        for backend in settings
            .filter_map(|it| it.at(&["backend", "s3"]))
            .flat_map(|it| items(Some(it)))
        {
            if !is(backend, "encrypt", true) {
                hits.lacks(
                    place(backend, "encrypt").span,
                    "the state in S3 is not said to be encrypted",
                );
            }
        }
    },
};

pub(super) const UNPINNED_MODULE: Rule = Rule {
    code: "LOOM1516",
    severity: Warning,
    format: FORMAT,
    area: "pinned images and actions",
    title: "A module has no fixed version",
    reason: "the same commit makes other infrastructure tomorrow, with whatever the module has become",
    fix: "write `version = \"1.4.2\"` for a module of a registry, and `?ref=` with a commit for one of a repository",
    bad: "module \"network\" {\n  source = \"git::https://example.com/network.git\"\n}\n",
    good: "module \"network\" {\n  source = \"git::https://example.com/network.git?ref=3d3c42e5aac5ba805825da76410c181273ba90b1\"\n}\n",
    look: |document, hits| {
        for (name, module) in document
            .nodes
            .iter()
            .flat_map(|node| fields(node.get("module")))
        {
            let Some(node) = module.get("source") else {
                continue;
            };
            let Some(source) = node.as_str() else {
                continue;
            };
            let local = source.starts_with("./") || source.starts_with("../");
            let remote =
                source.contains("::") || source.contains("://") || source.contains("github.com/");
            let reference = source.split_once("ref=").map(|(_, reference)| reference);
            let moves =
                |it: &str| matches!(it, "" | "main" | "master" | "develop" | "trunk" | "HEAD");
            let pinned = if remote {
                reference.is_some_and(|it| !moves(it.split('&').next().unwrap_or_default()))
            } else {
                module.get("version").is_some()
            };
            if !local && !pinned {
                hits.add(
                    node.span,
                    format!("the module `{name}` has no fixed version"),
                );
            }
        }
    },
};

pub(super) const PUBLIC_CLUSTER: Rule = Rule {
    code: "LOOM1517",
    severity: Error,
    format: FORMAT,
    area: "network exposure",
    title: "The control plane of a cluster is open to the internet",
    reason: "every hole in the Kubernetes API is a hole that everybody can try",
    fix: "write `public_access_cidrs` with your own networks, or `endpoint_public_access = false`",
    bad: "resource \"aws_eks_cluster\" \"main\" {\n  enabled_cluster_log_types = [\"audit\"]\n\n  vpc_config {\n    subnet_ids             = var.subnets\n    endpoint_public_access = true\n  }\n}\n",
    good: "resource \"aws_eks_cluster\" \"main\" {\n  enabled_cluster_log_types = [\"audit\"]\n\n  vpc_config {\n    subnet_ids             = var.subnets\n    endpoint_public_access = false\n  }\n}\n",
    look: |document, hits| {
        for (name, node) in resources(document, &["aws_eks_cluster"]) {
            for network in nested(node, "vpc_config") {
                let everybody = network
                    .get("public_access_cidrs")
                    .is_none_or(|cidrs| is_everybody(texts(document, Some(cidrs))));
                if everybody
                    && (network.get("endpoint_public_access").is_none()
                        || is(network, "endpoint_public_access", true))
                {
                    hits.add(network.span, format!("{name} answers the whole internet"));
                }
            }
        }
    },
};

pub(super) const PUBLIC_RESOURCE: Rule = Rule {
    code: "LOOM1518",
    severity: Error,
    format: FORMAT,
    area: "least-privilege IAM",
    title: "A policy of a resource lets everybody in",
    reason: "with `*` as its principal every account of the cloud may do what the policy allows, and some of what it allows anybody without an account",
    fix: "name the accounts or roles that may, or add a condition that only they meet",
    bad: "resource \"aws_sqs_queue_policy\" \"main\" {\n  queue_url = aws_sqs_queue.main.id\n  policy = jsonencode({\n    Statement = [{ Effect = \"Allow\", Principal = \"*\", Action = \"sqs:SendMessage\", Resource = \"*\" }]\n  })\n}\n",
    good: "resource \"aws_sqs_queue_policy\" \"main\" {\n  queue_url = aws_sqs_queue.main.id\n  policy = jsonencode({\n    Statement = [{ Effect = \"Allow\", Principal = { AWS = aws_iam_role.api.arn }, Action = \"sqs:SendMessage\", Resource = \"*\" }]\n  })\n}\n",
    look: |document, hits| {
        for (name, node, statement) in written_statements(document, RESOURCE_POLICIES) {
            if statement.is_for_everybody() {
                hits.add(node.span, format!("{name} lets everybody in"));
            }
        }
        for (name, statement) in statements(document) {
            let has_condition = nested(statement, "condition").next().is_some();
            for principal in nested(statement, "principals").filter(|_| !has_condition) {
                let all = texts(document, principal.get("identifiers"));
                if all.contains(&"*") {
                    hits.add(principal.span, format!("{name} lets everybody in"));
                }
            }
        }
        for (name, node) in resources(document, &["aws_lambda_permission"]) {
            let narrows = ["source_arn", "source_account", "principal_org_id"];
            let is_narrow = narrows.iter().any(|key| node.get(key).is_some());
            if text(node, "principal") == Some("*") && !is_narrow {
                hits.add(
                    place(node, "principal").span,
                    format!("{name} lets everybody in"),
                );
            }
        }
    },
};
