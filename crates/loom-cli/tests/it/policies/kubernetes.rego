# After the Kubernetes examples of Conftest: deny, violation with an object, warn, and a library.
package main

import rego.v1

import data.lib.kubernetes

deny contains msg if {
	some pod in kubernetes.pods
	not pod.automountServiceAccountToken == false
	msg := sprintf("%s %s must not mount the token of its service account", [input.kind, kubernetes.name])
}

violation contains {"msg": msg, "details": {"type": input.spec.type}} if {
	kubernetes.is_service
	input.spec.type in {"LoadBalancer", "NodePort"}
	msg := sprintf("Service %s has the type %s", [kubernetes.name, input.spec.type])
}

warn contains msg if {
	kubernetes.is_service
	not input.metadata.labels.team
	msg := sprintf("Service %s has no label `team`", [kubernetes.name])
}
