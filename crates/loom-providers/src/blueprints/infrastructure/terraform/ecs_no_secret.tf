locals {
  own_secret_arns = []
}
