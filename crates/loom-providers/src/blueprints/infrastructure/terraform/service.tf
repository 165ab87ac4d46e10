variable "name" {
  type        = string
  description = "Name of the service in this environment, the prefix of all that belongs to it."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,39}$", var.name))
    error_message = "The name must be at most 40 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "stage" {
  type        = string
  description = "Whether this is production, where data is protected from deletion and kept in two zones, or another stage."

  validation {
    condition     = contains(["production", "other"], var.stage)
    error_message = "The stage must be production or other."
  }
}

locals {
  production = var.stage == "production"
  key_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Administration"
        Effect    = "Allow"
        Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "Logs"
        Effect    = "Allow"
        Principal = { Service = "logs.${data.aws_region.current.region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:log-group:*${var.name}*"
          }
        }
      },
    ]
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

resource "aws_kms_key" "this" {
  description             = "Encrypts the data, the secrets and the logs of ${var.name}"
  deletion_window_in_days = 30
  enable_key_rotation     = true
  policy                  = jsonencode(local.key_policy)

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

output "kms_key_arn" {
  description = "Key that encrypts the data, the secrets and the logs of the service."
  value       = aws_kms_key.this.arn
}
