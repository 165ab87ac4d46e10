variable "alternate_target_group_name" {
  type        = string
  description = "Name of the second target group, which takes turns with the first."

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,31}$", var.alternate_target_group_name))
    error_message = "The name of a target group must be at most 32 lower-case letters, digits and hyphens."
  }
}

variable "bake_minutes" {
  type        = number
  default     = 5
  description = "How long the version before goes on running after the switch, to go back to at once."
}

data "aws_iam_policy_document" "switch_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "switch" {
  name               = "${var.name}-switch"
  description        = "Lets ECS switch the load balancer of ${var.name} from one target group to the other"
  assume_role_policy = data.aws_iam_policy_document.switch_trust.json
}

resource "aws_iam_role_policy_attachment" "switch" {
  role       = aws_iam_role.switch.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
}

resource "aws_lb_target_group" "alternate" {
  name                 = var.alternate_target_group_name
  vpc_id               = var.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = var.service_port
  deregistration_delay = 30

  health_check {
    path                = var.health_path
    matcher             = "200"
    interval            = 15
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  lifecycle {
    ignore_changes = [port]
  }
}

resource "aws_lb_listener_rule" "service" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 1

  action {
    type = "forward"

    forward {
      target_group {
        arn    = aws_lb_target_group.this.arn
        weight = 100
      }

      target_group {
        arn    = aws_lb_target_group.alternate.arn
        weight = 0
      }
    }
  }

  condition {
    path_pattern {
      values = ["/*"]
    }
  }

  lifecycle {
    ignore_changes = [action]
  }
}

resource "aws_ecs_service" "this" {
  deployment_configuration {
    strategy             = "BLUE_GREEN"
    bake_time_in_minutes = tostring(var.bake_minutes)
  }

  load_balancer {
    advanced_configuration {
      alternate_target_group_arn = aws_lb_target_group.alternate.arn
      production_listener_rule   = aws_lb_listener_rule.service.arn
      role_arn                   = aws_iam_role.switch.arn
    }
  }

  depends_on = [aws_iam_role_policy_attachment.switch]
}

resource "aws_lb_listener" "https" {
  default_action {
    target_group_arn = null

    forward {
      target_group {
        arn    = aws_lb_target_group.this.arn
        weight = 100
      }

      target_group {
        arn    = aws_lb_target_group.alternate.arn
        weight = 0
      }
    }
  }
}
