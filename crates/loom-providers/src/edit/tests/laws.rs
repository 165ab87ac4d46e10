//! The laws of editing, over files as people write them and over generated ones.
//!
//! Each leaf of a text is set to another value, taken out, and put back. What is wanted is always
//! the whole text with that one leaf changed, so that nothing else may come out.

use loom_plan::keys::{Data, Form, Format, KeyPath, Step};
use proptest::prelude::*;

use super::after;
use super::generate::{self, Dice};
use crate::edit::{FORMATS, Hcl, Json, Toml, Yaml};

const SAMPLES: &[(&str, &str)] = &[
    ("renovate.json", include_str!("samples/renovate.json")),
    ("package.json", include_str!("samples/package.json")),
    ("tsconfig.json", include_str!("samples/tsconfig.json")),
    ("workflow.yml", include_str!("samples/workflow.yml")),
    ("compose.yaml", include_str!("samples/compose.yaml")),
    ("pyproject.toml", include_str!("samples/pyproject.toml")),
    ("Cargo.toml", include_str!("samples/Cargo.toml")),
    ("main.tf", include_str!("samples/main.tf")),
];

fn format_of(name: &str) -> &'static dyn Format {
    let extension = name.rsplit('.').next().unwrap_or_default();
    *FORMATS
        .iter()
        .find(|format| format.extensions().contains(&extension))
        .expect("every sample has a format")
}

fn read(format: &dyn Format, text: &str) -> Data {
    format
        .read(text)
        .unwrap_or_else(|why| panic!("{why}\n{text}"))
}

/// Whether the characters of one text stand in the other in the same order.
fn is_within(inner: &str, outer: &str) -> bool {
    let mut outer = outer.chars();
    inner.chars().all(|one| outer.any(|other| other == one))
}

/// The text with the one value of a leaf replaced, where its place is known.
fn with_another_value(text: &str, data: &Data, leaf: &KeyPath) -> Option<String> {
    let value = data.get(leaf)?;
    // an entry of a list with another value, or another name, is another entry
    let is_entry = match leaf.steps() {
        [.., Step::Entry { by, .. }, Step::Key(key)] => by == key,
        [.., Step::Key(_)] => false,
        _ => true,
    };
    let is_scalar = matches!(value.form, Form::Scalar(_)) && !value.span.is_empty() && !is_entry;
    let old = &text[value.span.clone()];
    let end = value.span.start + old.trim_end().len();
    // what several aliases stand for changes in several places
    let is_alone = !old.starts_with('*');
    (is_scalar && is_alone)
        .then(|| format!("{}\"another\"{}", &text[..value.span.start], &text[end..]))
}

/// What became of the edits of a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) done: usize,
    pub(super) refused: usize,
}

/// Tries all laws on all leaves of a text.
pub(super) fn holds(format: &dyn Format, text: &str) -> Tally {
    let data = read(format, text);
    let mut tally = Tally::default();
    assert_eq!(
        after(format, text, Some(text), &[]),
        Ok(Some(text.to_owned())),
        "what is there already changes nothing"
    );
    for leaf in data.leaves() {
        if let Some(wanted) = with_another_value(text, &data, &leaf)
            && format.read(&wanted).is_ok_and(|changed| {
                changed == data.with(leaf.steps(), &Data::text(0..0, "another"))
            })
        {
            match after(format, text, Some(&wanted), &[]) {
                Ok(set) => assert_eq!(
                    set.as_deref(),
                    Some(wanted.as_str()),
                    "{leaf} is set, and nothing else"
                ),
                Err(_) => tally.refused += 1,
            }
        }
        let without = match after(format, text, None, std::slice::from_ref(&leaf)) {
            Ok(None) => continue,
            Ok(Some(without)) => without,
            Err(_) => {
                tally.refused += 1;
                continue;
            }
        };
        assert!(
            is_within(&without, text),
            "{leaf} is taken out, and nothing comes:\n{without}"
        );
        let left = read(format, &without);
        assert!(
            left.get(&leaf).is_none() || without == text,
            "{leaf} is gone:\n{without}"
        );
        for other in data.leaves().iter().filter(|other| **other != leaf) {
            let same_list = other.steps().len() == leaf.steps().len()
                && other.first(other.steps().len() - 1) == leaf.first(leaf.steps().len() - 1);
            assert!(
                left.get(other) == data.get(other) || same_list,
                "{other} stays when {leaf} goes:\n{without}"
            );
        }
        match after(format, &without, Some(text), &[]) {
            Ok(Some(back)) => {
                assert!(
                    is_within(&without, &back),
                    "{leaf} comes back, and nothing goes:\n{back}"
                );
                let again = read(format, &back);
                assert!(
                    data.leaves()
                        .iter()
                        .all(|leaf| again.get(leaf) == data.get(leaf)),
                    "all is as before:\n{back}"
                );
                tally.done += 1;
            }
            Ok(None) => panic!("nothing is left where something was wanted"),
            Err(_) => tally.refused += 1,
        }
    }
    tally
}

#[test]
fn every_leaf_of_real_files_is_set_taken_out_and_put_back_and_nothing_else_changes() {
    let said: Vec<String> = SAMPLES
        .iter()
        .map(|(name, text)| {
            let Tally { done, refused } = holds(format_of(name), text);
            format!("{name}: {done} done, {refused} refused")
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r##"
    renovate.json: 10 done, 0 refused
    package.json: 16 done, 0 refused
    tsconfig.json: 6 done, 0 refused
    workflow.yml: 25 done, 1 refused
    compose.yaml: 15 done, 4 refused
    pyproject.toml: 23 done, 0 refused
    Cargo.toml: 18 done, 0 refused
    main.tf: 23 done, 0 refused
    "##);
}

#[test]
fn line_ends_and_byte_order_marks_of_real_files_stay() {
    for (name, text) in SAMPLES {
        let format = format_of(name);
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let data = read(format, text);
        for leaf in data.leaves() {
            let one = after(format, text, None, std::slice::from_ref(&leaf));
            let other = after(format, &windows, None, std::slice::from_ref(&leaf));
            let dressed =
                one.map(|text| text.map(|text| format!("\u{feff}{}", text.replace('\n', "\r\n"))));
            assert_eq!(other, dressed, "{name}: {leaf}");
        }
    }
}

#[test]
fn a_text_that_nests_without_end_is_refused_and_never_followed() {
    for (format, lead) in [
        (&Json as &dyn Format, ""),
        (&Yaml, ""),
        (&Toml, "a = "),
        (&Hcl, "a = "),
    ] {
        for bracket in ["[", "{ a = ", "{\"a\":"] {
            let (open, close) = (
                bracket.repeat(50_000),
                if bracket == "[" { "]" } else { "}" },
            );
            assert!(format.read(&format!("{lead}{open}")).is_err());
            assert!(
                format
                    .read(&format!("{lead}{open}1{}", close.repeat(50_000)))
                    .is_err()
            );
        }
    }
}

proptest! {
    #[test]
    fn generated_json_keeps_the_laws(bytes in proptest::collection::vec(any::<u8>(), 200)) {
        holds(&Json, &generate::json(&mut Dice::new(bytes)));
    }

    #[test]
    fn generated_yaml_keeps_the_laws(bytes in proptest::collection::vec(any::<u8>(), 300)) {
        holds(&Yaml, &generate::yaml(&mut Dice::new(bytes)));
    }

    #[test]
    fn generated_toml_keeps_the_laws(bytes in proptest::collection::vec(any::<u8>(), 200)) {
        holds(&Toml, &generate::toml(&mut Dice::new(bytes)));
    }

    #[test]
    fn generated_hcl_keeps_the_laws(bytes in proptest::collection::vec(any::<u8>(), 200)) {
        holds(&Hcl, &generate::hcl(&mut Dice::new(bytes)));
    }

    #[test]
    fn no_text_at_all_makes_an_editor_panic(text in "[a-z0-9 \\[\\]{}:,.=\"'#&*!|>\\-\n\t\r/<]{0,60}", path in "[a-c]") {
        for format in FORMATS {
            let path: Vec<KeyPath> = path.parse().into_iter().collect();
            drop(after(*format, &text, None, &path));
            drop(after(*format, &text, Some(&text), &path));
            if let Ok(data) = format.read(&text) {
                let leaves = data.leaves();
                drop(after(*format, &text, None, &leaves));
            }
        }
    }
}
