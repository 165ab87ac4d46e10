//! Which arguments of a resource Terraform can change only by making it anew, without what it held.
//!
//! A list of types that hold data, or what other things hold data in, each with the arguments that its
//! provider marks *Forces new resource* (or, of Azure, *Changing this forces a new resource*). Where
//! versions of a provider differ, the stricter one counts: that a person is asked once more loses nothing.
//! Of nested blocks the name of the block stands for all of it.
//!
//! Source: the page of the type, which its name leads to.
//!
//! Deliberately not here: what loses nothing by being made anew (roles, rules, records, listeners).

/// The arguments of the types that hold something.
const FORCES: &[(&str, &[&str])] = &[
    // Amazon
    ("aws_backup_vault", &["name", "kms_key_arn"]),
    ("aws_cloudwatch_log_group", &["name", "name_prefix"]),
    (
        "aws_cognito_user_pool",
        &[
            "alias_attributes",
            "username_attributes",
            "username_configuration",
        ],
    ),
    ("aws_db_instance", DB_INSTANCE),
    ("aws_docdb_cluster", DOCUMENT_CLUSTER),
    (
        "aws_dynamodb_table",
        &[
            "name",
            "hash_key",
            "range_key",
            "local_secondary_index",
            "restore_source_name",
        ],
    ),
    (
        "aws_ebs_volume",
        &[
            "availability_zone",
            "encrypted",
            "kms_key_id",
            "snapshot_id",
            "outpost_arn",
        ],
    ),
    ("aws_ecr_repository", &["name", "encryption_configuration"]),
    ("aws_ecs_cluster", &["name"]),
    (
        "aws_efs_file_system",
        &[
            "availability_zone_name",
            "creation_token",
            "encrypted",
            "kms_key_id",
            "performance_mode",
        ],
    ),
    (
        "aws_eks_cluster",
        &[
            "name",
            "role_arn",
            "encryption_config",
            "kubernetes_network_config",
            "outpost_config",
        ],
    ),
    (
        "aws_elasticache_cluster",
        &[
            "cluster_id",
            "engine",
            "port",
            "replication_group_id",
            "snapshot_arns",
            "snapshot_name",
            "subnet_group_name",
        ],
    ),
    (
        "aws_elasticache_replication_group",
        &[
            "at_rest_encryption_enabled",
            "global_replication_group_id",
            "kms_key_id",
            "port",
            "replication_group_id",
            "snapshot_arns",
            "snapshot_name",
            "subnet_group_name",
        ],
    ),
    (
        "aws_elasticsearch_domain",
        &["domain_name", "encrypt_at_rest"],
    ),
    (
        "aws_fsx_lustre_file_system",
        &[
            "backup_id",
            "deployment_type",
            "kms_key_id",
            "storage_type",
            "subnet_ids",
        ],
    ),
    (
        "aws_fsx_ontap_file_system",
        &[
            "deployment_type",
            "kms_key_id",
            "preferred_subnet_id",
            "storage_type",
            "subnet_ids",
        ],
    ),
    (
        "aws_fsx_openzfs_file_system",
        &[
            "backup_id",
            "deployment_type",
            "kms_key_id",
            "storage_type",
            "subnet_ids",
        ],
    ),
    (
        "aws_fsx_windows_file_system",
        &[
            "backup_id",
            "deployment_type",
            "kms_key_id",
            "preferred_subnet_id",
            "storage_type",
            "subnet_ids",
        ],
    ),
    ("aws_glacier_vault", &["name"]),
    (
        "aws_keyspaces_table",
        &["keyspace_name", "table_name", "schema_definition"],
    ),
    ("aws_kinesis_stream", &["name"]),
    (
        "aws_kms_key",
        &[
            "customer_master_key_spec",
            "custom_key_store_id",
            "key_usage",
            "multi_region",
        ],
    ),
    (
        "aws_memorydb_cluster",
        &[
            "kms_key_arn",
            "name",
            "name_prefix",
            "port",
            "snapshot_arns",
            "snapshot_name",
            "subnet_group_name",
            "tls_enabled",
        ],
    ),
    (
        "aws_mq_broker",
        &[
            "broker_name",
            "deployment_mode",
            "encryption_options",
            "engine_type",
            "storage_type",
            "subnet_ids",
        ],
    ),
    ("aws_msk_cluster", &["cluster_name", "encryption_info"]),
    (
        "aws_neptune_cluster",
        &[
            "availability_zones",
            "cluster_identifier",
            "cluster_identifier_prefix",
            "engine",
            "kms_key_arn",
            "neptune_subnet_group_name",
            "snapshot_identifier",
            "storage_encrypted",
        ],
    ),
    ("aws_opensearch_domain", &["domain_name", "encrypt_at_rest"]),
    ("aws_rds_cluster", CLUSTER),
    (
        "aws_rds_global_cluster",
        &[
            "database_name",
            "engine",
            "global_cluster_identifier",
            "source_db_cluster_identifier",
            "storage_encrypted",
        ],
    ),
    (
        "aws_redshift_cluster",
        &[
            "cluster_identifier",
            "cluster_subnet_group_name",
            "database_name",
            "master_username",
            "snapshot_identifier",
        ],
    ),
    ("aws_route53_zone", &["name", "delegation_set_id"]),
    (
        "aws_s3_bucket",
        &["bucket", "bucket_prefix", "object_lock_enabled"],
    ),
    ("aws_secretsmanager_secret", &["name", "name_prefix"]),
    ("aws_sns_topic", &["name", "name_prefix", "fifo_topic"]),
    ("aws_sqs_queue", &["name", "name_prefix", "fifo_queue"]),
    ("aws_ssm_parameter", &["name"]),
    ("aws_timestreamwrite_database", &["database_name"]),
    (
        "aws_timestreamwrite_table",
        &["database_name", "table_name"],
    ),
    ("aws_vpc", &["cidr_block", "ipv4_ipam_pool_id"]),
    // Azure
    ("azurerm_container_registry", AZURE),
    (
        "azurerm_cosmosdb_account",
        &[
            "name",
            "location",
            "resource_group_name",
            "key_vault_key_id",
            "kind",
        ],
    ),
    (
        "azurerm_cosmosdb_sql_container",
        &[
            "name",
            "account_name",
            "database_name",
            "partition_key_paths",
        ],
    ),
    (
        "azurerm_cosmosdb_sql_database",
        &["name", "account_name", "resource_group_name"],
    ),
    ("azurerm_key_vault", AZURE),
    (
        "azurerm_kubernetes_cluster",
        &[
            "name",
            "location",
            "resource_group_name",
            "dns_prefix",
            "node_resource_group",
        ],
    ),
    ("azurerm_log_analytics_workspace", AZURE),
    (
        "azurerm_managed_disk",
        &[
            "name",
            "location",
            "resource_group_name",
            "create_option",
            "zone",
        ],
    ),
    (
        "azurerm_mssql_database",
        &["name", "server_id", "collation", "ledger_enabled"],
    ),
    (
        "azurerm_mssql_server",
        &[
            "name",
            "location",
            "resource_group_name",
            "administrator_login",
            "version",
        ],
    ),
    (
        "azurerm_mysql_flexible_server",
        &[
            "name",
            "location",
            "resource_group_name",
            "administrator_login",
            "delegated_subnet_id",
            "geo_redundant_backup_enabled",
        ],
    ),
    (
        "azurerm_postgresql_flexible_server",
        &[
            "name",
            "location",
            "resource_group_name",
            "administrator_login",
            "delegated_subnet_id",
            "geo_redundant_backup_enabled",
        ],
    ),
    (
        "azurerm_postgresql_flexible_server_database",
        &["name", "server_id", "charset", "collation"],
    ),
    ("azurerm_redis_cache", AZURE),
    ("azurerm_resource_group", &["name", "location"]),
    (
        "azurerm_storage_account",
        &[
            "name",
            "location",
            "resource_group_name",
            "account_tier",
            "infrastructure_encryption_enabled",
            "is_hns_enabled",
            "nfsv3_enabled",
        ],
    ),
    (
        "azurerm_storage_container",
        &["name", "storage_account_id", "storage_account_name"],
    ),
    (
        "azurerm_storage_share",
        &["name", "storage_account_id", "storage_account_name"],
    ),
    // Google
    (
        "google_alloydb_cluster",
        &["cluster_id", "location", "project"],
    ),
    (
        "google_artifact_registry_repository",
        &[
            "repository_id",
            "location",
            "project",
            "format",
            "kms_key_name",
        ],
    ),
    (
        "google_bigquery_dataset",
        &["dataset_id", "location", "project"],
    ),
    (
        "google_bigquery_table",
        &["dataset_id", "table_id", "project", "range_partitioning"],
    ),
    ("google_bigtable_instance", &["name", "project"]),
    (
        "google_compute_disk",
        &["name", "project", "zone", "type", "disk_encryption_key"],
    ),
    (
        "google_container_cluster",
        &[
            "name",
            "location",
            "project",
            "network",
            "subnetwork",
            "ip_allocation_policy",
        ],
    ),
    (
        "google_filestore_instance",
        &["name", "location", "project", "tier", "networks"],
    ),
    (
        "google_firestore_database",
        &["name", "location_id", "project"],
    ),
    ("google_kms_crypto_key", &["name", "key_ring", "purpose"]),
    ("google_pubsub_subscription", &["name", "topic", "project"]),
    ("google_pubsub_topic", &["name", "project"]),
    (
        "google_redis_instance",
        &["name", "region", "location_id", "project", "tier"],
    ),
    (
        "google_secret_manager_secret",
        &["secret_id", "project", "replication"],
    ),
    (
        "google_spanner_database",
        &[
            "name",
            "instance",
            "project",
            "database_dialect",
            "encryption_config",
        ],
    ),
    ("google_spanner_instance", &["name", "config", "project"]),
    ("google_sql_database", &["name", "instance", "project"]),
    (
        "google_sql_database_instance",
        &[
            "name",
            "region",
            "project",
            "database_version",
            "encryption_key_name",
            "master_instance_name",
        ],
    ),
    ("google_storage_bucket", &["name", "location", "project"]),
];

const AZURE: &[&str] = &["name", "location", "resource_group_name"];
const DB_INSTANCE: &[&str] = &[
    "availability_zone",
    "character_set_name",
    "db_name",
    "engine",
    "identifier",
    "identifier_prefix",
    "kms_key_id",
    "nchar_character_set_name",
    "snapshot_identifier",
    "storage_encrypted",
    "timezone",
    "username",
];
const CLUSTER: &[&str] = &[
    "availability_zones",
    "cluster_identifier",
    "cluster_identifier_prefix",
    "database_name",
    "db_subnet_group_name",
    "engine",
    "engine_mode",
    "kms_key_id",
    "master_username",
    "snapshot_identifier",
    "source_region",
    "storage_encrypted",
];
const DOCUMENT_CLUSTER: &[&str] = &[
    "availability_zones",
    "cluster_identifier",
    "cluster_identifier_prefix",
    "db_subnet_group_name",
    "engine",
    "kms_key_id",
    "master_username",
    "snapshot_identifier",
    "storage_encrypted",
];

/// Settings of a provider that say where everything is: with another, all that it manages is looked
/// for in another place, and made there anew.
const PLACES: &[(&str, &[&str])] = &[
    ("aws", &["region"]),
    ("azurerm", &["subscription_id"]),
    ("google", &["project", "region"]),
    ("google-beta", &["project", "region"]),
];

/// The arguments of a type; `None` of one that holds nothing.
pub(super) fn of(kind: &str) -> Option<&'static [&'static str]> {
    FORCES
        .iter()
        .find(|(of, _)| *of == kind)
        .map(|(_, arguments)| *arguments)
}

/// The settings of a provider that say where everything is.
pub(super) fn places(provider: &str) -> &'static [&'static str] {
    PLACES
        .iter()
        .find(|(of, _)| *of == provider)
        .map_or(&[], |(_, settings)| settings)
}

/// The page that says of a type which arguments force a new resource.
#[cfg(test)]
fn source(kind: &str) -> Option<String> {
    let (provider, name) = kind.split_once('_')?;
    let provider = PLACES
        .iter()
        .map(|(of, _)| *of)
        .find(|of| *of == provider)?;
    Some(format!(
        "https://registry.terraform.io/providers/hashicorp/{provider}/latest/docs/resources/{name}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_stands_once_with_arguments_and_a_source() {
        let types: Vec<&str> = FORCES.iter().map(|(kind, _)| *kind).collect();
        assert!(types.windows(2).all(|pair| pair[0] < pair[1]), "sorted");
        for (kind, arguments) in FORCES {
            assert!(!arguments.is_empty(), "{kind}");
            assert!(source(kind).is_some(), "{kind} is of a known provider");
        }
    }
}
