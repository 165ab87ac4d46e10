variable "repository_name" {
  type        = string
  description = "Name of the repository, without the host of the registry."
}

variable "pull_account_ids" {
  type        = list(string)
  default     = []
  description = "Other accounts that run the images."

  validation {
    condition     = alltrue([for account in var.pull_account_ids : can(regex("^[0-9]{12}$", account))])
    error_message = "An account is 12 digits."
  }
}

variable "push_role" {
  type        = string
  default     = null
  description = "Name or ARN of the role that the pipeline takes on to push images."
}

variable "kept_images" {
  type        = number
  default     = 100
  description = "How many tagged images are kept."
}

locals {
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
    ]
  }
  lifecycle_policy = {
    rules = [
      {
        rulePriority = 1
        description  = "Untagged images go after two weeks"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "The newest tagged images stay"
        selection    = { tagStatus = "tagged", tagPatternList = ["*"], countType = "imageCountMoreThan", countNumber = var.kept_images }
        action       = { type = "expire" }
      },
    ]
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "pull" {
  count = length(var.pull_account_ids) > 0 ? 1 : 0

  statement {
    sid     = "PullFromOtherAccounts"
    actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

    principals {
      type        = "AWS"
      identifiers = [for account in var.pull_account_ids : "arn:${data.aws_partition.current.partition}:iam::${account}:root"]
    }
  }
}

data "aws_iam_policy_document" "push" {
  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "PushImages"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [aws_ecr_repository.this.arn]
  }
}

resource "aws_kms_key" "this" {
  description             = "Encrypts the images of ${var.repository_name}"
  deletion_window_in_days = 30
  enable_key_rotation     = true
  policy                  = jsonencode(local.key_policy)

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.repository_name}"
  target_key_id = aws_kms_key.this.key_id
}

resource "aws_ecr_repository" "this" {
  name                 = var.repository_name
  image_tag_mutability = "IMMUTABLE"

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.this.arn
  }

  image_scanning_configuration {
    scan_on_push = true
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_ecr_repository_policy" "pull" {
  count = length(var.pull_account_ids) > 0 ? 1 : 0

  repository = aws_ecr_repository.this.name
  policy     = data.aws_iam_policy_document.pull[0].json
}

resource "aws_ecr_lifecycle_policy" "this" {
  repository = aws_ecr_repository.this.name
  policy     = jsonencode(local.lifecycle_policy)
}

resource "aws_iam_policy" "push" {
  name        = "${replace(var.repository_name, "/", "-")}-push"
  description = "Lets the pipeline push images of ${var.repository_name}"
  policy      = data.aws_iam_policy_document.push.json
}

resource "aws_iam_role_policy_attachment" "push" {
  count = var.push_role == null ? 0 : 1

  role       = reverse(split("/", var.push_role))[0]
  policy_arn = aws_iam_policy.push.arn
}

output "repository_url" {
  description = "Where the images are pushed to and pulled from."
  value       = aws_ecr_repository.this.repository_url
}

output "push_policy_arn" {
  description = "Policy that the pipeline's role needs to push images."
  value       = aws_iam_policy.push.arn
}
