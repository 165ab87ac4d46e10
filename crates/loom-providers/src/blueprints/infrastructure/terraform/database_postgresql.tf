locals {
  database_engine                 = "postgres"
  database_port                   = 5432
  database_logs                   = toset(["postgresql", "upgrade"])
  database_insights               = true
  database_follows_minor_versions = length(split(".", var.database_version)) == 1
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  description = "PostgreSQL of ${var.name}: encrypted connections only, slow statements and changes of the schema in the log"
  family      = "postgres${split(".", var.database_version)[0]}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }

  lifecycle {
    create_before_destroy = true
  }
}
