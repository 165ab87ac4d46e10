variable "vpc_id" {
  type        = string
  description = "Network of the service."
}

variable "database_subnet_ids" {
  type        = list(string)
  description = "Subnets of the database, in at least two availability zones."

  validation {
    condition     = length(var.database_subnet_ids) >= 2
    error_message = "A database needs subnets in at least two availability zones."
  }
}

variable "database_version" {
  type        = string
  description = "Version of the database engine; with a major version alone, minor versions follow by themselves."
}

variable "database_class" {
  type        = string
  description = "Instance class of the database."

  validation {
    condition     = startswith(var.database_class, "db.")
    error_message = "The class must be one of RDS, such as db.t4g.medium."
  }
}

variable "database_storage" {
  type        = number
  description = "Storage of the database in GiB; it grows by itself up to five times that."

  validation {
    condition     = var.database_storage >= 20 && var.database_storage <= 65536
    error_message = "RDS takes 20 to 65536 GiB."
  }
}

variable "database_backup_retention_days" {
  type        = number
  description = "How many days the daily backups are kept."

  validation {
    condition     = var.database_backup_retention_days >= 1 && var.database_backup_retention_days <= 35
    error_message = "RDS keeps backups for 1 to 35 days, and loom does not switch them off."
  }
}

data "aws_iam_policy_document" "database_monitoring_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_cloudwatch_log_group" "database" {
  for_each = local.database_logs

  name              = "/aws/rds/instance/${var.name}/${each.value}"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_iam_role" "database_monitoring" {
  name               = "${var.name}-db-monitoring"
  description        = "Lets RDS report the operating system's metrics of the database of ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.database_monitoring_trust.json
}

resource "aws_iam_role_policy_attachment" "database_monitoring" {
  role       = aws_iam_role.database_monitoring.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_security_group" "database" {
  name_prefix = "${var.name}-db-"
  description = "Database of ${var.name}"
  vpc_id      = var.vpc_id

  tags = {
    Name = "${var.name}-db"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Subnets of the database of ${var.name}"
  subnet_ids  = var.database_subnet_ids
}

resource "aws_db_instance" "this" {
  identifier     = var.name
  db_name        = local.database_name
  engine         = local.database_engine
  engine_version = var.database_version
  instance_class = var.database_class
  port           = local.database_port

  username                      = "administrator"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = aws_kms_key.this.arn

  allocated_storage     = var.database_storage
  max_allocated_storage = min(var.database_storage * 5, 65536)
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.this.arn

  multi_az               = local.production
  publicly_accessible    = false
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.database.id]
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  parameter_group_name                = aws_db_parameter_group.this.name
  iam_database_authentication_enabled = true
  allow_major_version_upgrade         = false
  auto_minor_version_upgrade          = local.database_follows_minor_versions
  maintenance_window                  = "sun:04:30-sun:05:30"

  backup_retention_period   = var.database_backup_retention_days
  backup_window             = "03:00-04:00"
  copy_tags_to_snapshot     = true
  delete_automated_backups  = !local.production
  deletion_protection       = local.production
  skip_final_snapshot       = !local.production
  final_snapshot_identifier = local.production ? "${var.name}-final" : null

  enabled_cloudwatch_logs_exports = local.database_logs
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.database_monitoring.arn
  performance_insights_enabled    = local.database_insights
  performance_insights_kms_key_id = local.database_insights ? aws_kms_key.this.arn : null

  depends_on = [aws_cloudwatch_log_group.database, aws_iam_role_policy_attachment.database_monitoring]
}

output "database_address" {
  description = "Host name of the database."
  value       = aws_db_instance.this.address
}

output "database_port" {
  description = "Port of the database."
  value       = aws_db_instance.this.port
}

output "database_name" {
  description = "Name of the database that the service uses."
  value       = aws_db_instance.this.db_name
}

output "database_secret_arn" {
  description = "Secret with the administrator's password, which RDS makes and rotates."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}
