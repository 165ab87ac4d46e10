//! What a person is shown where an edit is refused.

use loom_plan::keys::{Change, Format, KeyPath, Manual, Proposal};
use proptest::prelude::*;

use super::generate::{self, Dice};
use crate::edit::{FORMATS, Hcl, Json, Toml, Yaml};

/// What is refused, and what a person is shown in its place.
fn proposed(format: &dyn Format, text: &str, wanted: &str, unwanted: &[&str]) -> String {
    let unwanted: Vec<KeyPath> = unwanted
        .iter()
        .map(|path| path.parse().expect("a path"))
        .collect();
    let wanted = (!wanted.is_empty()).then_some(wanted);
    let change = Change {
        wanted,
        unwanted: &unwanted,
        ..Change::default()
    };
    format.edit(text, change).expect_err("it is refused");
    let Proposal { text, snippets } = format.propose(text, change);
    let shown = snippets.iter().map(|snippet| {
        format!(
            "{:?} at line {}:\n{}",
            snippet.change, snippet.line, snippet.text
        )
    });
    std::iter::once(text)
        .chain(shown)
        .collect::<Vec<_>>()
        .join("~\n")
}

#[test]
fn a_merge_key_is_passed_by_and_an_alias_is_written_out() {
    let text = "base: &base\n  a: 1\none:\n  <<: *base\ntwo: *base\n";
    insta::assert_snapshot!(proposed(&Yaml, text, "one: { b: 2 }\ntwo: { a: 3 }\n", &[]), @r###"
    base: &base
      a: 1
    one:
      <<: *base
      b: 2
    two: {"a": 3}
    "###);
}

#[test]
fn a_value_gives_way_to_the_mapping_that_is_wanted_there() {
    insta::assert_snapshot!(proposed(&Json, "{ \"a\": 1, \"z\": 2 }", "{ \"a\": { \"b\": { \"c\": \"x\" } } }", &[]), @r#"{ "a": {"b": {"c": "x"}}, "z": 2 }"#);
    insta::assert_snapshot!(proposed(&Toml, "a = 1\nz = 2\n", "[a]\nb = \"x\"\nt = 1979-05-27\n", &[]), @r###"
    a = { b = "x", t = 1979-05-27 }
    z = 2
    "###);
    insta::assert_snapshot!(proposed(&Hcl, "a = 1\nz = 2\n", "a = { b = \"$${x}\", c = var.d }\n", &[]), @r###"
    a = { b = "$${x}", c = var.d }
    z = 2
    "###);
}

#[test]
fn a_comment_goes_with_its_key_where_a_person_sees_it() {
    let text = "a:\n  # why\n  b: 1\nc: 2\n";
    insta::assert_snapshot!(proposed(&Yaml, text, "", &["a.b"]), @"c: 2");
}

#[test]
fn what_has_no_place_is_a_snippet_at_the_line_where_it_belongs() {
    let twins = "steps:\n  - name: x\n    run: 1\n  - name: x\n    run: 2\n";
    insta::assert_snapshot!(proposed(&Yaml, twins, "top: 1\nsteps:\n  - name: x\n    run: 3 # three\n", &[]), @r###"
    steps:
      - name: x
        run: 1
      - name: x
        run: 2
    top: 1
    ~
    Add at line 3:
    steps:
      - name: x
        run: 3 # three
    "###);
    insta::assert_snapshot!(proposed(&Yaml, twins, "", &["steps[name=\"x\"].run"]), @r###"
    steps:
      - name: x
        run: 1
      - name: x
        run: 2
    ~
    Take at line 2:
      - name: x
        run: 1
    "###);
    let block = "z: 1\n# loom:begin file.x\na:\n  b: 1\n# loom:end file.x\n";
    insta::assert_snapshot!(proposed(&Yaml, block, "a:\n  c: 1\nd: 2\n", &[]), @r###"
    z: 1
    # loom:begin file.x
    a:
      b: 1
    # loom:end file.x
    d: 2
    ~
    Add at line 4:
    a:
      c: 1
    "###);
    insta::assert_snapshot!(proposed(&Json, "{\n  \"a\":\n", "{ \"b\": 1 }", &[]), @r###"
    {
      "a":
    ~
    Add at line 2:
    { "b": 1 }
    "###);
}

#[test]
fn line_ends_and_byte_order_mark_of_the_file_stay() {
    let text = "\u{feff}a: 1\r\nz: 2\r\n";
    let proposal = Yaml.propose(text, Change::set("a: { b: 1 }\n"));
    assert_eq!(proposal.text, "\u{feff}a: {\"b\": 1}\r\nz: 2\r\n");
}

/// Every leaf that is wanted is there, or in a snippet.
fn holds(format: &dyn Format, text: &str, wanted: &str) {
    let (Ok(before), Ok(meant)) = (format.read(text), format.read(wanted)) else {
        return;
    };
    let proposal = format.propose(
        text,
        Change {
            unwanted: &before.leaves(),
            ..Change::set(wanted)
        },
    );
    let after = format.read(&proposal.text).expect("it can be read");
    let added = proposal
        .snippets
        .iter()
        .filter(|snippet| snippet.change == Manual::Add);
    let added: Vec<_> = added
        .map(|snippet| format.read(&snippet.text).expect("a snippet can be read"))
        .collect();
    for leaf in meant
        .leaves()
        .iter()
        .filter(|leaf| !before.leaves().contains(leaf))
    {
        let is_there = std::iter::once(&after)
            .chain(&added)
            .any(|data| data.get(leaf) == meant.get(leaf));
        assert!(
            is_there,
            "{leaf} is lost\n{text}\n~\n{wanted}\n~\n{proposal:?}"
        );
    }
    if let Ok(Some(edited)) = super::after(format, text, Some(wanted), &[]) {
        let proposal = format.propose(text, Change::set(wanted));
        assert_eq!(
            (proposal.text, proposal.snippets),
            (edited, Vec::new()),
            "what is safe is done as ever"
        );
    }
}

/// Writes a text of a format.
type Generate = fn(&mut Dice) -> String;

proptest! {
    #[test]
    fn what_is_extracted_says_the_same_there(bytes in proptest::collection::vec(any::<u8>(), 200), which in any::<u8>()) {
        let all: [(&dyn Format, Generate); 4] =
            [(&Json, generate::json), (&Yaml, generate::yaml), (&Toml, generate::toml), (&Hcl, generate::hcl)];
        for (format, generate) in all {
            let text = generate(&mut Dice::new(bytes.clone()));
            let Ok(data) = format.read(&text) else { continue };
            let some = data.leaves().into_iter().enumerate().filter(|(at, _)| which >> (at % 8) & 1 == 1);
            let paths: Vec<KeyPath> = some.map(|(_, path)| path).collect();
            let own = format.read(&format.extract(&text, &paths)).expect("it can be read");
            for path in &paths {
                prop_assert_eq!(own.get(path), data.get(path), "{}\n{}", path, &text);
            }
        }
    }

    #[test]
    fn what_a_proposal_works_out_is_what_was_wanted(
        one in proptest::collection::vec(any::<u8>(), 200), other in proptest::collection::vec(any::<u8>(), 200),
    ) {
        let texts = |generate: Generate| [&one, &other].map(|bytes| generate(&mut Dice::new(bytes.clone())));
        let all: [(&dyn Format, Generate); 4] =
            [(&Json, generate::json), (&Yaml, generate::yaml), (&Toml, generate::toml), (&Hcl, generate::hcl)];
        for (format, generate) in all {
            let [text, wanted] = texts(generate);
            holds(format, &text, &wanted);
        }
    }

    #[test]
    fn no_text_at_all_makes_a_proposal_panic(text in "[a-z0-9 \\[\\]{}:,.=\"'#&*!|>\\-\n\t\r/<]{0,60}", path in "[a-c]") {
        for format in FORMATS {
            let path: Vec<KeyPath> = path.parse().into_iter().collect();
            drop(format.propose(&text, Change::take(&path)));
            drop(format.propose(&text, Change { unwanted: &path, ..Change::set(&text) }));
            drop(format.propose("a: b\n", Change { unwanted: &path, ..Change::set(&text) }));
        }
    }
}
