locals {
  port_mappings = [{ name = "http", containerPort = var.service_port, protocol = "tcp" }]
}

resource "aws_vpc_security_group_ingress_rule" "service" {
  security_group_id            = aws_security_group.service.id
  description                  = "The load balancer of ${var.name}"
  referenced_security_group_id = aws_security_group.load_balancer.id
  from_port                    = var.service_port
  to_port                      = var.service_port
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "service" {
  security_group_id            = aws_security_group.load_balancer.id
  description                  = "The tasks of ${var.name}"
  referenced_security_group_id = aws_security_group.service.id
  from_port                    = var.service_port
  to_port                      = var.service_port
  ip_protocol                  = "tcp"
}

resource "aws_ecs_service" "this" {
  health_check_grace_period_seconds = 60

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = var.service_name
    container_port   = var.service_port
  }

  depends_on = [aws_lb_listener.https]
}
