variable "vpc_id" {
  type        = string
  description = "Network of the service."
}

variable "service_subnet_ids" {
  type        = list(string)
  description = "Private subnets in which the tasks run."
}

variable "cluster_arn" {
  type        = string
  description = "Cluster of ECS that runs the service."
}

variable "service_name" {
  type        = string
  description = "What the service and its container are called in the cluster."
}

variable "image" {
  type        = string
  default     = null
  description = "Image of the revision that Terraform registers, which a deployment replaces; with none, one of the account's own registry that is never pushed."
}

variable "image_repository" {
  type = object({
    account = optional(string, "*")
    region  = optional(string, "*")
    name    = string
  })
  default     = null
  description = "Repository of ECR that the images are pulled from, where they are kept there."
}

variable "container_user" {
  type        = string
  default     = "10001:10001"
  description = "Numbers of the user and group that the container runs as."
}

variable "image_credentials_arn" {
  type        = string
  default     = null
  description = "Secret with the username and password of a registry that asks for them."
}

variable "task_size" {
  type = object({
    cpu    = number
    memory = number
  })
  description = "CPU units and MiB of one task, a pair that Fargate knows."
}

variable "desired_count" {
  type        = number
  description = "How many tasks run; where the service scales by itself, how many it begins with."
}

variable "health_command" {
  type        = list(string)
  default     = []
  description = "Program in the image, with its arguments, that succeeds when the service is well."
}

variable "environment" {
  type        = map(string)
  default     = {}
  description = "Variables of the service that are no secrets."
}

variable "secrets" {
  type = map(object({
    name     = optional(string)
    property = optional(string)
  }))
  default     = {}
  description = "Variables that are kept in Secrets Manager: the name of the secret, with none the service's own, and the property of its value."
}

variable "egress_ports" {
  type        = list(number)
  default     = []
  description = "Ports that the service connects to, beside HTTPS and its database."
}

variable "deploy_role" {
  type        = string
  default     = null
  description = "Name or ARN of the role that the pipeline takes on to deploy."
}

locals {
  own_registry       = "${data.aws_caller_identity.current.account_id}.dkr.ecr.${data.aws_region.current.region}.${data.aws_partition.current.dns_suffix}"
  image              = var.image == null ? "${local.own_registry}/${var.image_repository.name}:set-by-pipeline" : var.image
  shared_secrets     = toset([for variable in values(var.secrets) : variable.name if variable.name != null])
  shared_secret_arns = [for secret in data.aws_secretsmanager_secret.shared : secret.arn]
  readable_secrets   = concat(local.own_secret_arns, local.shared_secret_arns, var.image_credentials_arn[*])
  account_keys       = "arn:${data.aws_partition.current.partition}:kms:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:key/*"
  secret_keys        = length(local.shared_secret_arns) + length(var.image_credentials_arn[*]) > 0 ? local.account_keys : aws_kms_key.this.arn
  secret_arns = {
    for name, variable in var.secrets : name => variable.name == null ? one(local.own_secret_arns) : data.aws_secretsmanager_secret.shared[variable.name].arn
  }
  container = {
    name                   = var.service_name
    image                  = local.image
    essential              = true
    privileged             = false
    readonlyRootFilesystem = true
    user                   = var.container_user
    stopTimeout            = 60
    portMappings           = local.port_mappings
    environment            = [for name, value in var.environment : { name = name, value = value }]
    secrets = [
      for name, variable in var.secrets : {
        name      = name
        valueFrom = variable.property == null ? local.secret_arns[name] : "${local.secret_arns[name]}:${variable.property}::"
      }
    ]
    mountPoints     = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    linuxParameters = { capabilities = { drop = ["ALL"] }, initProcessEnabled = true }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.service.name
        awslogs-region        = data.aws_region.current.region
        awslogs-stream-prefix = "task"
        mode                  = "non-blocking"
        max-buffer-size       = "25m"
      }
    }
  }
  where_given = {
    healthCheck = length(var.health_command) == 0 ? null : {
      command     = concat(["CMD"], var.health_command)
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 20
    }
    repositoryCredentials = var.image_credentials_arn == null ? null : { credentialsParameter = var.image_credentials_arn }
  }
}

data "aws_secretsmanager_secret" "shared" {
  for_each = local.shared_secrets

  name = each.value
}

data "aws_iam_policy_document" "task_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${data.aws_partition.current.partition}:ecs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:*"]
    }
  }
}

data "aws_iam_policy_document" "start" {
  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.service.arn}:*"]
  }
}

data "aws_iam_policy_document" "start_pull" {
  count = var.image_repository == null ? 0 : 1

  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "PullImages"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = ["arn:${data.aws_partition.current.partition}:ecr:${var.image_repository.region}:${var.image_repository.account}:repository/${var.image_repository.name}"]
  }
}

data "aws_iam_policy_document" "start_secrets" {
  count = length(var.secrets) + length(var.image_credentials_arn[*]) > 0 ? 1 : 0

  statement {
    sid       = "ReadSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = local.readable_secrets
  }

  statement {
    sid       = "DecryptSecrets"
    actions   = ["kms:Decrypt"]
    resources = [local.secret_keys]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${data.aws_region.current.region}.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "deploy" {
  statement {
    sid       = "RegisterRevisions"
    actions   = ["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [data.aws_region.current.region]
    }
  }

  statement {
    sid       = "TagRevisions"
    actions   = ["ecs:TagResource"]
    resources = ["${aws_ecs_task_definition.this.arn_without_revision}:*"]

    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RegisterTaskDefinition"]
    }
  }

  statement {
    sid       = "Deploy"
    actions   = ["ecs:DescribeServices", "ecs:UpdateService"]
    resources = [aws_ecs_service.this.id]
  }

  statement {
    sid       = "Migrate"
    actions   = ["ecs:RunTask"]
    resources = ["${aws_ecs_task_definition.this.arn_without_revision}:*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.cluster_arn]
    }
  }

  statement {
    sid       = "WaitForMigration"
    actions   = ["ecs:DescribeTasks"]
    resources = ["${replace(var.cluster_arn, ":cluster/", ":task/")}/*"]
  }

  statement {
    sid       = "PassRoles"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.start.arn, aws_iam_role.task.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "start" {
  name               = "${var.name}-start"
  description        = "Lets ECS start ${var.name}: pull its image, read its secrets, write its logs"
  assume_role_policy = data.aws_iam_policy_document.task_trust.json
}

resource "aws_iam_role_policy" "start" {
  name   = "write-logs"
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.start.json
}

resource "aws_iam_role_policy" "start_pull" {
  count = var.image_repository == null ? 0 : 1

  name   = "pull-images"
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.start_pull[0].json
}

resource "aws_iam_role_policy" "start_secrets" {
  count = length(var.secrets) + length(var.image_credentials_arn[*]) > 0 ? 1 : 0

  name   = "read-secrets"
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.start_secrets[0].json
}

resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  description        = "What ${var.name} itself may do in AWS: nothing, until a policy is attached"
  assume_role_policy = data.aws_iam_policy_document.task_trust.json
}

resource "aws_iam_policy" "deploy" {
  name        = "${var.name}-deploy"
  description = "Lets the pipeline deploy ${var.name}"
  policy      = data.aws_iam_policy_document.deploy.json
}

resource "aws_iam_role_policy_attachment" "deploy" {
  count = var.deploy_role == null ? 0 : 1

  role       = reverse(split("/", var.deploy_role))[0]
  policy_arn = aws_iam_policy.deploy.arn
}

resource "aws_security_group" "service" {
  name_prefix = "${var.name}-task-"
  description = "Tasks of ${var.name}"
  vpc_id      = var.vpc_id

  tags = {
    Name = "${var.name}-task"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "outside" {
  for_each = toset([for port in concat([443], var.egress_ports) : tostring(port)])

  security_group_id = aws_security_group.service.id
  description       = each.value == "443" ? "HTTPS: registry, secrets, logs, and what the service asks" : "What the service connects to"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = tonumber(each.value)
  to_port           = tonumber(each.value)
  ip_protocol       = "tcp"
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = tostring(var.task_size.cpu)
  memory                   = tostring(var.task_size.memory)
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.task.arn
  skip_destroy             = true
  container_definitions    = jsonencode([merge(local.container, { for key, value in local.where_given : key => value if value != null })])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  volume {
    name = "tmp"
  }
}

resource "aws_ecs_service" "this" {
  name                               = var.service_name
  cluster                            = var.cluster_arn
  task_definition                    = aws_ecs_task_definition.this.arn
  desired_count                      = var.desired_count
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"

  network_configuration {
    subnets          = var.service_subnet_ids
    security_groups  = [aws_security_group.service.id]
    assign_public_ip = false
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
}

output "service_arn" {
  description = "The service in the cluster."
  value       = aws_ecs_service.this.id
}

output "task_role_name" {
  description = "Role of the running service: attach to it what the service may do in AWS."
  value       = aws_iam_role.task.name
}

output "deploy_policy_arn" {
  description = "Policy that the pipeline's role needs to deploy the service."
  value       = aws_iam_policy.deploy.arn
}
