variable "network_cidr_block" {
  type        = string
  description = "Addresses of the network in which the service runs."
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id = aws_security_group.database.id
  description       = "The service, from inside the network"
  cidr_ipv4         = var.network_cidr_block
  from_port         = local.database_port
  to_port           = local.database_port
  ip_protocol       = "tcp"
}
