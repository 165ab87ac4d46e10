use indexmap::IndexMap;
use proptest::prelude::*;

use super::*;

/// A value as JSON says it.
fn data(json: &serde_json::Value) -> Data {
    let form = match json {
        serde_json::Value::Array(items) => Form::List(items.iter().map(data).collect()),
        serde_json::Value::Object(fields) => {
            let entry = |(key, value): (&String, &serde_json::Value)| {
                (
                    key.clone(),
                    Entry {
                        key: 0..0,
                        data: data(value),
                    },
                )
            };
            Form::Map(fields.iter().map(entry).collect::<IndexMap<_, _>>())
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => Form::Scalar(json.to_string()),
    };
    Data::new(0..0, form)
}

fn path(text: &str) -> KeyPath {
    text.parse().expect("a path")
}

#[test]
fn entries_of_lists_are_owned_by_what_they_are_and_others_as_a_whole() {
    let document = data(&serde_json::json!({
        "files": ["dist", "src"],
        "steps": [{ "name": "Test", "run": "x", "env": { "A": 1 } }, { "name": "Lint" }],
        "jobs": [{ "id": 1, "uses": "a" }, { "id": 2, "uses": "b" }],
        "pairs": [[1, 2], [1, 2]],
        "twins": ["a", "a"],
        "nothing": {},
        "dotted.key": null,
    }));
    let said: Vec<String> = document.leaves().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            r#"files[="dist"]"#,
            r#"files[="src"]"#,
            r#"steps[name="Test"].run"#,
            r#"steps[name="Test"].env.A"#,
            r#"steps[name="Lint"].name"#,
            "jobs[id=1].uses",
            "jobs[id=2].uses",
            "pairs",
            "twins",
            "nothing",
            r#""dotted.key""#,
        ]
    );
    assert!(
        document
            .leaves()
            .iter()
            .all(|leaf| document.get(leaf).is_some())
    );
}

#[test]
fn the_content_tells_what_is_there_and_nothing_of_order_or_of_other_keys() {
    let owned = [path("b"), path("a.x"), path("c")];
    let one = data(&serde_json::json!({ "a": { "x": 1, "y": 2 }, "b": [1] }));
    let other = data(&serde_json::json!({ "b": [1], "mine": true, "a": { "x": 1 } }));
    assert_eq!(content(&one, &owned), content(&other, owned.iter().rev()));
    assert_ne!(
        content(&one, &owned),
        content(
            &data(&serde_json::json!({ "a": { "x": "1" }, "b": [1] })),
            &owned
        )
    );
    assert_eq!(
        content(&data(&serde_json::json!({ "mine": 1 })), &owned),
        None
    );
}

#[test]
fn paths_overlap_where_one_begins_the_other() {
    let all = |paths: &[&str]| paths.iter().map(|text| path(text)).collect::<Vec<_>>();
    let found = |one: &[&str], other: &[&str]| {
        let (one, other) = (all(one), all(other));
        let found = overlap(&one, &other).map(|(one, other)| (one.to_string(), other.to_string()));
        assert_eq!(
            found.is_some(),
            overlap(&other, &one).is_some(),
            "either way"
        );
        found
    };
    assert_eq!(found(&["a.b", "a.c"], &["a.d", "ab", r#"a[="c"]"#]), None);
    assert_eq!(
        found(&["a.b"], &["z", "a.b.c.d"]),
        Some(("a.b".to_owned(), "a.b.c.d".to_owned()))
    );
    assert_eq!(
        found(&["x", "a.b.c"], &["a"]),
        Some(("a.b.c".to_owned(), "a".to_owned()))
    );
    assert_eq!(
        found(&["a"], &["a"]),
        Some(("a".to_owned(), "a".to_owned()))
    );
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        "\\PC{0,6}".prop_map(Step::Key),
        "[a-z.\\[\\]\"=-]{0,6}".prop_map(Step::Key),
        ("(name|id)", "\\PC{0,6}").prop_map(|(by, value)| Step::Entry { by, value }),
        "\\PC{0,6}".prop_map(Step::Item),
    ];
    proptest::collection::vec(step, 1..5)
}

proptest! {
    #[test]
    fn a_path_is_read_as_it_was_written(steps in steps()) {
        let written = KeyPath::new(steps);
        prop_assert_eq!(written.to_string().parse::<KeyPath>(), Ok(written));
    }

    #[test]
    fn what_is_no_path_is_an_error_and_never_a_panic(text in "[a-z.\\[\\]\"=\\\\ ]{0,12}") {
        if let Ok(path) = text.parse::<KeyPath>() {
            prop_assert_eq!(path.to_string().parse::<KeyPath>(), Ok(path));
        }
    }
}
