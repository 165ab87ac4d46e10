variable "secret_name" {
  type        = string
  description = "Name of the secret in Secrets Manager; its value is a JSON object with one property for each variable."
}

variable "secret_rotation_lambda_arn" {
  type        = string
  default     = null
  description = "Function that rotates the values of the secret every 30 days, where there is one."
}

data "aws_iam_policy_document" "read_secrets" {
  statement {
    sid       = "ReadSecrets"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.service.arn]
  }

  statement {
    sid       = "DecryptSecrets"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.this.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${data.aws_region.current.region}.amazonaws.com"]
    }
  }
}

resource "aws_secretsmanager_secret" "service" {
  name                    = var.secret_name
  description             = "Variables of ${var.name} that are secret; their values are set outside of Terraform"
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = 30

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_secretsmanager_secret_rotation" "service" {
  count = var.secret_rotation_lambda_arn == null ? 0 : 1

  secret_id           = aws_secretsmanager_secret.service.id
  rotation_lambda_arn = var.secret_rotation_lambda_arn

  rotation_rules {
    automatically_after_days = 30
  }
}

resource "aws_iam_policy" "read_secrets" {
  name        = "${var.name}-read-secrets"
  description = "Lets ${var.name} read its own secrets"
  policy      = data.aws_iam_policy_document.read_secrets.json
}

output "secret_arn" {
  description = "Secret that holds the variables of the service."
  value       = aws_secretsmanager_secret.service.arn
}

output "read_secrets_policy_arn" {
  description = "Policy that lets the service read its secrets."
  value       = aws_iam_policy.read_secrets.arn
}
