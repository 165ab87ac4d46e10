variable "name" {
  type        = string
  description = "What the cluster is called."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,39}$", var.name))
    error_message = "The name must be at most 40 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "stage" {
  type        = string
  description = "Whether this is production, where the cluster is protected from deletion, or another stage."

  validation {
    condition     = contains(["production", "other"], var.stage)
    error_message = "The stage must be production or other."
  }
}

variable "kubernetes_version" {
  type        = string
  description = "Minor version of Kubernetes, such as 1.35."

  validation {
    condition     = can(regex("^1\\.[0-9]+$", var.kubernetes_version))
    error_message = "The version must be a minor version of Kubernetes, such as 1.35."
  }
}

variable "subnet_ids" {
  type        = list(string)
  description = "Private subnets that hold the nodes and the interfaces of the control plane."
}

variable "access_cidr_blocks" {
  type        = list(string)
  default     = []
  description = "Addresses that may reach the control plane from outside the network; with none it is reached from inside only."

  validation {
    condition     = !contains(var.access_cidr_blocks, "0.0.0.0/0")
    error_message = "The control plane must not be open to every address."
  }
}

variable "instance_types" {
  type        = list(string)
  description = "Instance types of the nodes, all of one size."
}

variable "node_count" {
  type = object({
    minimum = number
    maximum = number
  })
  description = "Bounds of the number of nodes."

  validation {
    condition     = var.node_count.minimum >= 1 && var.node_count.maximum >= var.node_count.minimum
    error_message = "There must be at least one node, and the maximum must not be less than the minimum."
  }
}

variable "namespace" {
  type        = string
  description = "Namespace of the project's services, which the deploying role may change."
}

variable "deploy_role" {
  type        = string
  default     = null
  description = "Name or ARN of the role that the pipeline takes on; with none only who made the cluster may deploy."
}

variable "readable_secrets" {
  type        = list(string)
  default     = []
  description = "Names of the secrets that the External Secrets Operator may read, * standing for any text."
}

locals {
  role_prefix     = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role/"
  deploy_role_arn = var.deploy_role == null || can(regex("^arn:", var.deploy_role)) ? var.deploy_role : "${local.role_prefix}${var.deploy_role}"
  secret_prefix   = "arn:${data.aws_partition.current.partition}:secretsmanager:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:secret:"
  production      = var.stage == "production"
  public_access   = length(var.access_cidr_blocks) > 0
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
            "kms:EncryptionContext:aws:logs:arn" = "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:log-group:/aws/eks/${var.name}/*"
          }
        }
      },
    ]
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_iam_policy_document" "cluster_trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["eks.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "node_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "pod_trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_eks_cluster.this.arn]
    }
  }
}

data "aws_iam_policy_document" "load_balancer_controller" {
  statement {
    sid = "Look"
    actions = [
      "ec2:DescribeAvailabilityZones",
      "ec2:DescribeInstances",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcs",
      "elasticloadbalancing:DescribeTargetGroups",
      "elasticloadbalancing:DescribeTargetHealth",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "RegisterPods"
    actions   = ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"]
    resources = ["arn:${data.aws_partition.current.partition}:elasticloadbalancing:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:targetgroup/*/*"]
  }
}

data "aws_iam_policy_document" "external_secrets" {
  statement {
    sid       = "ReadSecrets"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = [for name in var.readable_secrets : "${local.secret_prefix}${name}-??????"]
  }

  statement {
    sid       = "DecryptSecrets"
    actions   = ["kms:Decrypt"]
    resources = ["arn:${data.aws_partition.current.partition}:kms:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:key/*"]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${data.aws_region.current.region}.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "log_shipper" {
  statement {
    sid       = "WriteLogsOfServices"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:log-group:/services/${var.name}-*"]
  }
}

data "aws_iam_policy_document" "deploy" {
  statement {
    sid       = "ReachCluster"
    actions   = ["eks:DescribeCluster"]
    resources = [aws_eks_cluster.this.arn]
  }
}

resource "aws_kms_key" "this" {
  description             = "Encrypts the secrets and the logs of the cluster ${var.name}"
  deletion_window_in_days = 30
  enable_key_rotation     = true
  policy                  = jsonencode(local.key_policy)
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}-cluster"
  target_key_id = aws_kms_key.this.key_id
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/eks/${var.name}/cluster"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_iam_role" "cluster" {
  name               = "${var.name}-cluster"
  description        = "The control plane of the cluster ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.cluster_trust.json
}

resource "aws_iam_role" "node" {
  name               = "${var.name}-node"
  description        = "The nodes of the cluster ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.node_trust.json
}

resource "aws_iam_role" "load_balancer_controller" {
  name               = "${var.name}-lb-controller"
  description        = "Lets the AWS Load Balancer Controller register pods in target groups"
  assume_role_policy = data.aws_iam_policy_document.pod_trust.json
}

resource "aws_iam_role_policy" "load_balancer_controller" {
  name   = "register-pods"
  role   = aws_iam_role.load_balancer_controller.id
  policy = data.aws_iam_policy_document.load_balancer_controller.json
}

resource "aws_iam_role" "log_shipper" {
  name               = "${var.name}-log-shipper"
  description        = "Lets Fluent Bit write the logs of the services"
  assume_role_policy = data.aws_iam_policy_document.pod_trust.json
}

resource "aws_iam_role" "external_secrets" {
  count = length(var.readable_secrets) > 0 ? 1 : 0

  name               = "${var.name}-external-secrets"
  description        = "Lets the External Secrets Operator read the secrets of the services"
  assume_role_policy = data.aws_iam_policy_document.pod_trust.json
}

resource "aws_iam_role_policy" "log_shipper" {
  name   = "write-logs"
  role   = aws_iam_role.log_shipper.id
  policy = data.aws_iam_policy_document.log_shipper.json
}

resource "aws_iam_role_policy" "external_secrets" {
  count = length(var.readable_secrets) > 0 ? 1 : 0

  name   = "read-secrets"
  role   = aws_iam_role.external_secrets[0].id
  policy = data.aws_iam_policy_document.external_secrets.json
}

resource "aws_iam_role_policy_attachment" "deploy" {
  count = var.deploy_role == null ? 0 : 1

  role       = reverse(split("/", local.deploy_role_arn))[0]
  policy_arn = aws_iam_policy.deploy.arn
}

resource "aws_iam_role_policy_attachment" "cluster" {
  role       = aws_iam_role.cluster.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonEKSClusterPolicy"
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset(["AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy"])

  role       = aws_iam_role.node.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/${each.value}"
}

resource "aws_iam_policy" "deploy" {
  name        = "${var.name}-deploy"
  description = "Lets the pipeline reach the cluster ${var.name}; what it may do there is said by its access entry"
  policy      = data.aws_iam_policy_document.deploy.json
}

resource "aws_eks_cluster" "this" {
  name                          = var.name
  version                       = var.kubernetes_version
  role_arn                      = aws_iam_role.cluster.arn
  bootstrap_self_managed_addons = false
  deletion_protection           = local.production
  enabled_cluster_log_types     = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = true
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = aws_kms_key.this.arn
    }
  }

  upgrade_policy {
    support_type = "STANDARD"
  }

  vpc_config {
    subnet_ids              = var.subnet_ids
    endpoint_private_access = true
    endpoint_public_access  = local.public_access
    public_access_cidrs     = local.public_access ? var.access_cidr_blocks : null
  }

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy_attachment.cluster]
}

resource "aws_launch_template" "node" {
  name_prefix            = "${var.name}-node-"
  description            = "Nodes of the cluster ${var.name}"
  update_default_version = true

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = 50
      volume_type           = "gp3"
      encrypted             = "true"
      delete_on_termination = "true"
    }
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  tag_specifications {
    resource_type = "instance"

    tags = {
      Name = "${var.name}-node"
    }
  }
}

resource "aws_eks_addon" "before_nodes" {
  for_each = {
    eks-pod-identity-agent = null
    kube-proxy             = null
    vpc-cni                = jsonencode({ enableNetworkPolicy = "true" })
  }

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  configuration_values        = each.value
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
}

resource "aws_eks_addon" "after_nodes" {
  for_each = toset(["coredns", "metrics-server"])

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.value
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"

  depends_on = [aws_eks_node_group.this]
}

resource "aws_eks_node_group" "this" {
  cluster_name           = aws_eks_cluster.this.name
  node_group_name_prefix = "general-"
  node_role_arn          = aws_iam_role.node.arn
  subnet_ids             = var.subnet_ids
  version                = aws_eks_cluster.this.version
  ami_type               = "AL2023_x86_64_STANDARD"
  capacity_type          = "ON_DEMAND"
  instance_types         = var.instance_types

  launch_template {
    id      = aws_launch_template.node.id
    version = aws_launch_template.node.latest_version
  }

  node_repair_config {
    enabled = true
  }

  scaling_config {
    desired_size = var.node_count.minimum
    min_size     = var.node_count.minimum
    max_size     = var.node_count.maximum
  }

  update_config {
    max_unavailable_percentage = 33
  }

  depends_on = [aws_eks_addon.before_nodes, aws_iam_role_policy_attachment.node]

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [scaling_config[0].desired_size]
  }
}

resource "aws_eks_pod_identity_association" "load_balancer_controller" {
  cluster_name    = aws_eks_cluster.this.name
  namespace       = "kube-system"
  service_account = "aws-load-balancer-controller"
  role_arn        = aws_iam_role.load_balancer_controller.arn
}

resource "aws_eks_pod_identity_association" "log_shipper" {
  cluster_name    = aws_eks_cluster.this.name
  namespace       = "logging"
  service_account = "fluent-bit"
  role_arn        = aws_iam_role.log_shipper.arn
}

resource "aws_eks_pod_identity_association" "external_secrets" {
  count = length(var.readable_secrets) > 0 ? 1 : 0

  cluster_name    = aws_eks_cluster.this.name
  namespace       = "external-secrets"
  service_account = "external-secrets"
  role_arn        = aws_iam_role.external_secrets[0].arn
}

resource "aws_eks_access_entry" "deploy" {
  count = var.deploy_role == null ? 0 : 1

  cluster_name      = aws_eks_cluster.this.name
  principal_arn     = local.deploy_role_arn
  kubernetes_groups = ["deployers"]
  type              = "STANDARD"
}

resource "aws_eks_access_policy_association" "deploy" {
  count = var.deploy_role == null ? 0 : 1

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_eks_access_entry.deploy[0].principal_arn
  policy_arn    = "arn:${data.aws_partition.current.partition}:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"

  access_scope {
    type       = "namespace"
    namespaces = [var.namespace]
  }
}

output "name" {
  description = "What the cluster is called."
  value       = aws_eks_cluster.this.name
}

output "endpoint" {
  description = "Address of the control plane."
  value       = aws_eks_cluster.this.endpoint
}

output "security_group_id" {
  description = "Security group of the nodes and their pods."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "deploy_policy_arn" {
  description = "Policy that the pipeline's role needs to reach the cluster."
  value       = aws_iam_policy.deploy.arn
}
