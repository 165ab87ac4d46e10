locals {
  database_engine                 = "mysql"
  database_port                   = 3306
  database_logs                   = toset(["error", "slowquery"])
  database_insights               = length(regexall("^db\\.t[234]g?\\.(micro|small)$", var.database_class)) == 0
  database_follows_minor_versions = length(split(".", var.database_version)) == 2
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${var.name}-"
  description = "MySQL of ${var.name}: encrypted connections only, slow statements in the log"
  family      = "mysql${join(".", slice(split(".", var.database_version), 0, 2))}"

  parameter {
    name  = "require_secure_transport"
    value = "1"
  }

  parameter {
    name  = "slow_query_log"
    value = "1"
  }

  parameter {
    name  = "long_query_time"
    value = "1"
  }

  parameter {
    name  = "log_output"
    value = "FILE"
  }

  lifecycle {
    create_before_destroy = true
  }
}
