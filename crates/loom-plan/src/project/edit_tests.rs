//! Entries that are added to texts, and texts that are left alone.

use super::*;
use proptest::prelude::*;

const MOVE: &str = "{ from: file.a, to: file.b }";

/// What is added, as the old text in which `+` begins a line that came and `-` one that went.
fn added(text: &str, key: &str, entry: &str) -> String {
    let new = append(text, key, entry).unwrap_or_else(|refused| panic!("{refused}\n{text}"));
    let diff = similar::TextDiff::from_lines(text, &new);
    diff.iter_all_changes()
        .map(|change| match change.tag() {
            similar::ChangeTag::Equal => String::new(),
            tag @ (similar::ChangeTag::Delete | similar::ChangeTag::Insert) => {
                format!("{tag}{}", change.to_string_lossy())
            }
        })
        .collect()
}

#[test]
fn a_key_that_is_not_there_comes_at_the_end() {
    assert_eq!(
        added("loom: 1\n", "moved", MOVE),
        "+moved:\n+  - { from: file.a, to: file.b }\n"
    );
    assert_eq!(
        append("loom: 1", "moved", MOVE).expect("it can"),
        "loom: 1\nmoved:\n  - { from: file.a, to: file.b }\n"
    );
    assert_eq!(
        added("loom: 1\n\nproject: x\n", "moved", MOVE),
        "+\n+moved:\n+  - { from: file.a, to: file.b }\n"
    );
    assert_eq!(
        append("loom: 1\r\n", "moved", MOVE).expect("it can"),
        "loom: 1\r\nmoved:\r\n  - { from: file.a, to: file.b }\r\n"
    );
}

#[test]
fn an_entry_comes_behind_the_last_of_its_list_and_in_front_of_the_comments_that_follow() {
    let text = "moved:\n- from: file.x   # why\n  to: file.y     # where\n\n# what is removed\nremoved: []\n";
    let new = append(text, "moved", MOVE).expect("it can");
    let expected = "moved:\n- from: file.x   # why\n  to: file.y     # where\n- { from: file.a, to: file.b }\n\n# what is removed\nremoved: []\n";
    assert_eq!(new, expected);
    assert_eq!(
        added("moved:\n    - { from: file.x, to: file.y }", "moved", MOVE)
            .lines()
            .last(),
        Some("+    - { from: file.a, to: file.b }")
    );
}

#[test]
fn an_empty_list_becomes_a_list_of_lines_and_keeps_its_comment() {
    let new = append("moved: []   # refactoring\nremoved: []\n", "moved", MOVE).expect("it can");
    assert_eq!(
        new,
        "moved:    # refactoring\n  - { from: file.a, to: file.b }\nremoved: []\n"
    );
    assert_eq!(
        append("moved: []\n", "moved", MOVE).expect("it can"),
        "moved:\n  - { from: file.a, to: file.b }\n"
    );
    assert_eq!(
        append("moved: []", "moved", MOVE).expect("it can"),
        "moved:\n  - { from: file.a, to: file.b }\n"
    );
    assert_eq!(
        append("moved: # none yet\nloom: 1\n", "moved", MOVE).expect("it can"),
        "moved: # none yet\n  - { from: file.a, to: file.b }\nloom: 1\n"
    );
}

#[test]
fn the_blank_line_behind_a_text_of_several_lines_stays_where_it_is() {
    let text = "moved:\n  - from: |\n      file.x\n\nremoved: []\n";
    let new = append(text, "moved", MOVE).expect("it can");
    assert_eq!(
        new,
        "moved:\n  - from: |\n      file.x\n  - { from: file.a, to: file.b }\n\nremoved: []\n"
    );
    // of a text that keeps the lines behind it they are what it says
    assert_eq!(
        append(&text.replace('|', "|+"), "moved", MOVE),
        Err(Refused::Different)
    );
}

#[test]
fn a_list_in_brackets_stays_one() {
    let new = append(
        "moved: [{ from: file.x, to: file.y }] # old\n",
        "moved",
        MOVE,
    )
    .expect("it can");
    assert_eq!(
        new,
        "moved: [{ from: file.x, to: file.y }, { from: file.a, to: file.b }] # old\n"
    );
    let new = append(
        "moved: [\n  { from: file.x, to: file.y }, # why\n]\n",
        "moved",
        MOVE,
    )
    .expect("it can");
    assert_eq!(
        new,
        "moved: [\n  { from: file.x, to: file.y },\n  { from: file.a, to: file.b }, # why\n]\n"
    );
    let new = append("{\"loom\": 1, \"moved\": []}\n", "moved", MOVE).expect("it can");
    assert_eq!(
        new,
        "{\"loom\": 1, \"moved\": [{ from: file.a, to: file.b }]}\n"
    );
}

#[test]
fn an_entry_of_several_lines_is_indented_and_keeps_its_blank_lines() {
    let entry = "kind: file\ncontent: |\n  one\n\n  two";
    let new = append("artifacts:\n  - { kind: file }\n", "artifacts", entry).expect("it can");
    assert_eq!(
        new,
        "artifacts:\n  - { kind: file }\n  - kind: file\n    content: |\n      one\n\n      two\n"
    );
    let new = append("artifacts: [{ kind: file }]\n", "artifacts", entry).expect("it can");
    assert_eq!(
        new,
        "artifacts: [{ kind: file }, {\"kind\":\"file\",\"content\":\"one\\n\\ntwo\\n\"}]\n"
    );
}

#[test]
fn several_entries_come_in_their_order() {
    let entries = [MOVE, "from: file.c\nto: file.d"];
    let new = append_all("moved: []\n", "moved", &entries).expect("it can");
    assert_eq!(
        new,
        "moved:\n  - { from: file.a, to: file.b }\n  - from: file.c\n    to: file.d\n"
    );
    let new = append_all("moved: [1]\n", "moved", &entries).expect("it can");
    assert_eq!(
        new,
        "moved: [1, { from: file.a, to: file.b }, {\"from\":\"file.c\",\"to\":\"file.d\"}]\n"
    );
    assert_eq!(
        append_all("moved: [", "moved", &[""; 0]),
        Ok("moved: [".to_owned()),
        "there is nothing to add"
    );
}

#[test]
fn what_cannot_be_added_to_is_left_alone() {
    assert_eq!(
        append("moved: nothing\n", "moved", MOVE),
        Err(Refused::NotAList)
    );
    assert_eq!(append("moved: ~\n", "moved", MOVE), Err(Refused::NotAList));
    assert_eq!(append("- a\n", "moved", MOVE), Err(Refused::Unreadable));
    assert_eq!(
        append("loom: 1\n...\n", "moved", MOVE),
        Err(Refused::Different)
    );
    assert_eq!(
        append("{ loom: 1 }\n", "moved", MOVE),
        Err(Refused::Different)
    );
    // the other place would change too
    assert_eq!(
        append("a: &x\n  - 1\nmoved: *x\n", "a", MOVE),
        Err(Refused::Different)
    );
    assert_eq!(
        by_hand("moved", &[MOVE]),
        "moved:\n  - { from: file.a, to: file.b }\n"
    );
}

#[test]
fn a_scalar_is_quoted_where_it_would_read_as_something_else() {
    let quoted = [
        ("file.a", "file.a"),
        ("file.a[b]", "\"file.a[b]\""),
        ("1.5", "\"1.5\""),
        ("true", "\"true\""),
        ("-", "\"-\""),
    ];
    for (text, expected) in quoted {
        assert_eq!(scalar(text), expected);
    }
}

/// A loom.yaml as people write them: comments, blank lines, lists of both styles.
fn text() -> impl Strategy<Value = String> {
    let key = prop_oneof![Just("moved"), Just("removed"), Just("services"), Just("x")];
    let value = prop_oneof![
        Just(": []".to_owned()),
        Just(": [ ] # none".to_owned()),
        Just(":".to_owned()),
        Just(": # nothing\n  # yet".to_owned()),
        Just(":\n  - a\n  - { b: c } # d\n".to_owned()),
        Just(":\n- a: |\n    text\n\n  # of a\n- b:\n".to_owned()),
        Just(": [a, {b: c}]".to_owned()),
        Just(": [\n    a, # one\n    b\n  ]".to_owned()),
        Just(": { a: 1 }".to_owned()),
        Just(":\n  a: >-\n    folded\n    text\n".to_owned()),
    ];
    let comment = prop_oneof![
        Just(""),
        Just("# a comment\n"),
        Just("\n"),
        Just("\n# a comment\n\n")
    ];
    proptest::collection::btree_map(key, (value, comment), 0..4).prop_map(|entries| {
        let lines = entries
            .into_iter()
            .map(|(key, (value, comment))| format!("{key}{value}\n{comment}"));
        format!("loom: 1\n{}", lines.collect::<String>())
    })
}

proptest! {
    /// Every byte of the old text is in the new one, in its order, but an empty pair of brackets;
    /// `append` itself has compared what both say.
    #[test]
    fn nothing_else_changes(text in text(), crlf in any::<bool>()) {
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        if let Ok(new) = append(&text, "moved", MOVE) {
            let kept: String = text.chars().filter(|c| !"[] ".contains(*c)).collect();
            let mut rest = new.chars();
            prop_assert!(kept.chars().all(|c| rest.any(|other| other == c)), "{text:?} became {new:?}");
            prop_assert!(!crlf || !new.replace("\r\n", "").contains('\n'), "{new:?}");
        }
    }

    /// Only where there is no list is nothing added.
    #[test]
    fn what_people_write_can_be_added_to(text in text()) {
        let is_list = read(&text).is_some_and(|root| root.as_map().is_none_or(|map| map.get("moved").is_none_or(|it| it.as_map().is_none())));
        prop_assert_eq!(append(&text, "moved", MOVE).is_ok(), is_list, "{}", text);
    }
}
