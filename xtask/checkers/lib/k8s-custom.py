#!/usr/bin/env python3
"""k8s-custom.py SCHEMAS FILE... : objects of custom kinds that kubernetes-validate has no schema for, against schemas of ours.
A kind that has neither is left to kubernetes-validate, which says so."""
import glob
import json
import sys

import jsonschema
import yaml

schemas = {}
for path in glob.glob(sys.argv[1] + "/*.schema.json"):
    with open(path) as file:
        schema = json.load(file)
    properties = schema["properties"]
    schemas[properties["apiVersion"]["const"], properties["kind"]["const"]] = schema

found = 0
for path in sys.argv[2:]:
    with open(path) as file:
        documents = [document for document in yaml.safe_load_all(file) if isinstance(document, dict)]
    for document in documents:
        schema = schemas.get((document.get("apiVersion"), document.get("kind")))
        if schema is None:
            continue
        for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
            found += 1
            name = (document.get("metadata") or {}).get("name")
            print(f"{path}: {document['kind']} {name}: {error.json_path}: {error.message[:200]}")
sys.exit(1 if found else 0)
