variable "network_cidr_block" {
  type        = string
  description = "Addresses of the network in which the service runs."
}

resource "aws_vpc_security_group_egress_rule" "service" {
  security_group_id = aws_security_group.load_balancer.id
  description       = "${var.name}, inside the network"
  cidr_ipv4         = var.network_cidr_block
  from_port         = var.service_port
  to_port           = var.service_port
  ip_protocol       = "tcp"
}
