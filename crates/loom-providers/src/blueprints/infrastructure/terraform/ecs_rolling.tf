resource "aws_ecs_service" "this" {
  deployment_configuration {
    strategy = "ROLLING"
  }
}
