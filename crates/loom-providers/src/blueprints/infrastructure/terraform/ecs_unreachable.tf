locals {
  port_mappings = []
}
