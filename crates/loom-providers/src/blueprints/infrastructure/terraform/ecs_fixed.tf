resource "aws_ecs_service" "this" {
  lifecycle {
    ignore_changes = [task_definition]
  }
}
