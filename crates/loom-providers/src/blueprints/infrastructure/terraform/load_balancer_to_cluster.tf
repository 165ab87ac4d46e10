variable "cluster_security_group_id" {
  type        = string
  description = "Security group of the nodes and pods that run the service."
}

resource "aws_vpc_security_group_ingress_rule" "service" {
  security_group_id            = var.cluster_security_group_id
  description                  = "The load balancer of ${var.name}"
  referenced_security_group_id = aws_security_group.load_balancer.id
  from_port                    = var.service_port
  to_port                      = var.service_port
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "service" {
  security_group_id            = aws_security_group.load_balancer.id
  description                  = "The pods of ${var.name}"
  referenced_security_group_id = var.cluster_security_group_id
  from_port                    = var.service_port
  to_port                      = var.service_port
  ip_protocol                  = "tcp"
}
