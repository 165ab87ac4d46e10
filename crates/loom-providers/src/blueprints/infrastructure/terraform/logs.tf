variable "log_retention_days" {
  type        = number
  default     = 365
  description = "How many days the logs of the service are kept."

  validation {
    condition     = contains([365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "The logs are kept for at least a year, for a number of days that CloudWatch knows."
  }
}

resource "aws_cloudwatch_log_group" "service" {
  name              = "/services/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this.arn
}

output "log_group_name" {
  description = "Log group of the service."
  value       = aws_cloudwatch_log_group.service.name
}
