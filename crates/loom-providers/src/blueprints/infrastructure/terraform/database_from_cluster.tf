variable "cluster_security_group_id" {
  type        = string
  description = "Security group of the nodes and pods that run the service."
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = aws_security_group.database.id
  description                  = "The service, from the cluster"
  referenced_security_group_id = var.cluster_security_group_id
  from_port                    = local.database_port
  to_port                      = local.database_port
  ip_protocol                  = "tcp"
}
