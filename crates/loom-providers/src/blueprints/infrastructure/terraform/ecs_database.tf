resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = aws_security_group.database.id
  description                  = "The service"
  referenced_security_group_id = aws_security_group.service.id
  from_port                    = local.database_port
  to_port                      = local.database_port
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "database" {
  security_group_id            = aws_security_group.service.id
  description                  = "Its database"
  referenced_security_group_id = aws_security_group.database.id
  from_port                    = local.database_port
  to_port                      = local.database_port
  ip_protocol                  = "tcp"
}
