terraform {
  required_version = ">= 1.9" # ours

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }

  backend "s3" {
    bucket = "state"
    key    = "shop/terraform.tfstate"
  }
}

locals {
  name   = "shop-${var.environment}"
  count  = 3
  policy = <<-EOT
    # text
    {"Version": "2012-10-17"}
  EOT
}

/* what people upload */
resource "aws_s3_bucket" "uploads" {
  bucket        = "${local.name}-uploads"
  force_destroy = false

  tags = {
    Name        = local.name
    "cost:team" = "core" # who pays
  }

  lifecycle {
    prevent_destroy = true
    ignore_changes  = [tags, tags_all]
  }
}

resource "aws_security_group" "web" {
  name = "web"

  ingress {
    from_port   = 80
    to_port     = 80
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0", "10.0.0.0/8"]
  }
}

// the network
module "network" {
  source   = "./modules/network"
  for_each = toset(["a", "b"])
  zone     = each.key
  sizes    = { small = 1, large = 2 }
}

output "bucket" { value = aws_s3_bucket.uploads.id }
