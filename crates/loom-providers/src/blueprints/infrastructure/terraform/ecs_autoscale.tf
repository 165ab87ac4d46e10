variable "task_count" {
  type = object({
    minimum = number
    maximum = number
  })
  description = "Bounds of the number of tasks."

  validation {
    condition     = var.task_count.minimum >= 1 && var.task_count.maximum >= var.task_count.minimum
    error_message = "There must be at least one task, and the maximum must not be less than the minimum."
  }
}

variable "cpu_percent" {
  type        = number
  description = "The use of CPU that is aimed at, in percent."
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${split("/", var.cluster_arn)[1]}/${aws_ecs_service.this.name}"
  min_capacity       = var.task_count.minimum
  max_capacity       = var.task_count.maximum
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "${var.name}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.cpu_percent
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

resource "aws_ecs_service" "this" {
  lifecycle {
    ignore_changes = [desired_count, task_definition]
  }
}
