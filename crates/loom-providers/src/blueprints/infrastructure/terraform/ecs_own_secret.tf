locals {
  own_secret_arns = [aws_secretsmanager_secret.service.arn]
}
