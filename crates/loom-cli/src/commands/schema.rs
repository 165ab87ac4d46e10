//! `loom schema`: JSON Schemas, with which editors complete and check the input.
//!
//! In: the shapes that loom itself checks by, and the registered kinds. Out: one schema. Each kind
//! of artifact is one form of an entry, told apart by its `kind`; a setting that is no text may
//! also be a reference, which only compiling can follow.

use std::io::Write;

use loom_plan::project::schema::{INCLUDE, PROJECT, SHARED};
use loom_plan::provider::Registry;
use loom_plan::shape::{Field, record_schema};
use loom_plan::story::form::STORY;
use serde_json::{Value, json};

use super::Failure;
use crate::cli::SchemaOf;
use crate::exit::Exit;

/// Prints a schema.
///
/// # Errors
/// [`Failure::Output`] where it cannot be written.
pub(crate) fn run(
    of: SchemaOf,
    registry: Registry<'_>,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let schema = match of {
        SchemaOf::Project => input("loom.yaml", PROJECT, &["artifacts"], registry),
        SchemaOf::Include => input(
            "a file that loom.yaml includes",
            INCLUDE,
            &["artifacts"],
            registry,
        ),
        SchemaOf::Story => input(
            "a story",
            STORY,
            &["tasks", "items", "properties", "artifacts"],
            registry,
        ),
        SchemaOf::PlanOutput => {
            return print(
                include_str!("../../../../docs/schema/plan-output.schema.json"),
                out,
            );
        }
        SchemaOf::DriftOutput => {
            return print(
                include_str!("../../../../docs/schema/drift-output.schema.json"),
                out,
            );
        }
        SchemaOf::CheckOutput => {
            return print(
                include_str!("../../../../docs/schema/check-output.schema.json"),
                out,
            );
        }
        SchemaOf::PolicyGraph => {
            return print(
                include_str!("../../../../docs/schema/policy-graph.schema.json"),
                out,
            );
        }
        SchemaOf::HistoryOutput => {
            return print(
                include_str!("../../../../docs/schema/history-output.schema.json"),
                out,
            );
        }
        SchemaOf::DoctorOutput => {
            return print(
                include_str!("../../../../docs/schema/doctor-output.schema.json"),
                out,
            );
        }
        SchemaOf::HandoffOutput => {
            return print(
                include_str!("../../../../docs/schema/handoff-output.schema.json"),
                out,
            );
        }
        SchemaOf::Diagnostics => {
            return print(
                include_str!("../../../../docs/schema/diagnostics.schema.json"),
                out,
            );
        }
    };
    serde_json::to_writer_pretty(&mut *out, &schema).map_err(std::io::Error::from)?;
    print("\n", out)
}

fn print(text: &str, out: &mut dyn Write) -> Result<Exit, Failure> {
    out.write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// The schema of an input file; `artifacts` is the place of its list among the properties.
fn input(title: &str, fields: &[Field], artifacts: &[&str], registry: Registry<'_>) -> Value {
    let mut body = record_schema(fields);
    let mut list = &mut body["properties"];
    for step in artifacts {
        list = &mut list[*step];
    }
    list["items"] = json!({ "$ref": "#/$defs/artifact" });
    let kinds: Vec<&str> = registry.kinds().collect();
    let mut definitions = serde_json::Map::new();
    let forms: Vec<Value> = kinds
        .iter()
        .map(|kind| json!({ "$ref": format!("#/$defs/{kind}") }))
        .collect();
    // `exec.NAME` stands for a program of the user's own, whose settings nobody knows here
    let known = json!({ "properties": { "kind": { "anyOf": [{ "enum": kinds }, { "pattern": "^exec\\." }] } }, "required": ["kind"] });
    let foreign = json!({ "properties": { "kind": { "pattern": "^exec\\." } } });
    let forms: Vec<Value> = forms.into_iter().chain([foreign]).collect();
    definitions.insert(
        "artifact".to_owned(),
        json!({ "type": "object", "allOf": [known], "oneOf": forms }),
    );
    for provider in registry.providers {
        let spec = provider.spec();
        definitions.insert(
            spec.kind.to_owned(),
            entry(spec.kind, spec.summary, spec.settings),
        );
    }
    for blueprint in registry.blueprints {
        let spec = blueprint.spec();
        definitions.insert(
            spec.kind.to_owned(),
            entry(spec.kind, spec.summary, spec.settings),
        );
    }
    let mut schema =
        json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "title": title });
    if let (Value::Object(schema), Value::Object(body)) = (&mut schema, body) {
        schema.extend(body);
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    schema
}

/// One form of an entry: the kind's own settings and the shared keys.
fn entry(kind: &str, summary: &str, settings: &[Field]) -> Value {
    let own = |field: &&Field| !settings.iter().any(|setting| setting.name == field.name);
    let fields: Vec<Field> = settings
        .iter()
        .chain(SHARED.iter().filter(own))
        .copied()
        .collect();
    let mut schema = record_schema(&fields);
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.values_mut().for_each(allow_references);
    }
    schema["properties"]["kind"] = json!({ "const": kind, "description": summary });
    schema["description"] = summary.into();
    schema
}

/// Lets a reference stand for a value of any type, at any depth.
fn allow_references(schema: &mut Value) {
    let Value::Object(keys) = schema else { return };
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = keys.get_mut(key) {
            allow_references(inner);
        }
    }
    if let Some(Value::Object(properties)) = keys.get_mut("properties") {
        properties.values_mut().for_each(allow_references);
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(Value::Array(forms)) = keys.get_mut(key) {
            forms.iter_mut().for_each(allow_references);
            return;
        }
    }
    let is_text =
        keys.get("type").is_some_and(|kind| kind == "string") && !keys.contains_key("pattern");
    if is_text || !(keys.contains_key("type") || keys.contains_key("enum")) {
        return;
    }
    let description = keys.shift_remove("description");
    let plain = std::mem::take(keys);
    *schema =
        json!({ "anyOf": [plain, { "type": "string", "pattern": "\\$\\{(ref|env|service):" }] });
    if let Some(description) = description {
        schema["description"] = description;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::pass::REGISTRY;

    fn schema(of: SchemaOf) -> Value {
        let mut out = Vec::new();
        assert!(matches!(run(of, REGISTRY, &mut out), Ok(Exit::Done)));
        serde_json::from_slice(&out).expect("JSON")
    }

    fn problems(of: SchemaOf, yaml: &str) -> Vec<String> {
        let value: Value = serde_yaml::from_str(yaml).expect("YAML");
        let validator = jsonschema::draft202012::new(&schema(of)).expect("a schema");
        validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect()
    }

    #[test]
    fn every_schema_is_one_by_the_standard() {
        use clap::ValueEnum as _;
        for of in SchemaOf::value_variants() {
            let schema = schema(*of);
            assert!(jsonschema::draft202012::meta::is_valid(&schema), "{of:?}");
            assert!(jsonschema::draft202012::new(&schema).is_ok(), "{of:?}");
        }
    }

    #[test]
    fn a_project_and_a_story_are_taken_with_references_in_any_setting() {
        let project = "
loom: 1
project: entities
environments: { staging: { url: https://a.example.com }, production: { approval: required } }
services: { entity-api: { port: { default: 3000, staging: 3001 } } }
artifacts:
  - { kind: file, name: readme, path: README.md, content: '${ref:file.x.path}', retain: '${env:vars.keep}' }
  - { kind: exec.mine, anything: 1 }
";
        assert_eq!(problems(SchemaOf::Project, project), Vec::<String>::new());
        let story = "{ story: ENT-001, tasks: [{ id: T-1, artifacts: [{ kind: file, name: x, content: hello }] }] }";
        assert_eq!(problems(SchemaOf::Story, story), Vec::<String>::new());
    }

    #[test]
    fn what_loom_refuses_the_schema_refuses() {
        for yaml in [
            "{ loom: 1, project: x, environments: {}, servces: {} }",
            "{ loom: 1, project: x, environments: {}, artifacts: [{ kind: fiel, name: x, content: y }] }",
            "{ loom: 1, project: x, environments: {}, artifacts: [{ name: x }] }",
            "{ loom: 1, project: x, environments: {}, artifacts: [{ kind: file, name: x, content: y, retain: maybe }] }",
            "{ loom: 1, project: x, environments: {}, artifacts: [{ kind: file, name: x, content: y, mood: z }] }",
        ] {
            assert!(!problems(SchemaOf::Project, yaml).is_empty(), "{yaml}");
        }
    }

    #[test]
    fn every_registered_kind_is_a_form_of_an_entry() {
        let definitions = schema(SchemaOf::Project)["$defs"].clone();
        for kind in REGISTRY.kinds() {
            assert_eq!(definitions[kind]["properties"]["kind"]["const"], kind);
        }
    }
}
