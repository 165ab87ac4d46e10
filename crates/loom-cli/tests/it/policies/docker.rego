# After the Docker examples of Conftest, in the syntax of before Rego 1.
package commands

denylist = ["apk", "apt-get", "pip"]

deny_package_manager[msg] {
	input[i].Cmd == "run"
	word := denylist[_]
	contains(input[i].Value[_], word)
	msg := sprintf("%s: `%s` is run while building", [data.conftest.file.name, word])
}
