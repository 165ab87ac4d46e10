# Asked about the project's graph, once.
package loom

import rego.v1

deny contains {"msg": msg, "address": artifact.address} if {
	some artifact in input.artifacts
	artifact.kind == "docker.dockerfile"
	not artifact.service
	msg := sprintf("%s belongs to no service", [artifact.address])
}
