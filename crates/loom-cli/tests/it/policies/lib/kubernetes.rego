package lib.kubernetes

import rego.v1

name := input.metadata.name

is_service if input.kind == "Service"

pods contains input.spec if input.kind == "Pod"

pods contains input.spec.template.spec if input.kind in {"Deployment", "StatefulSet", "DaemonSet"}
