//! The laws of merging, over texts that proptest makes up, and what each format does.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn of<'a>(base: &'a str, observed: &'a str, desired: &'a str) -> Sides<'a> {
    Sides {
        base,
        observed,
        desired,
    }
}

fn yaml(base: &str, observed: &str, desired: &str) -> Result<String, Vec<Clash>> {
    merge(of(base, observed, desired), Some(&Yaml))
}

fn how_often(text: &str, line: &str) -> usize {
    text.lines().filter(|known| *known == line).count()
}

/// Lines that only the person has: more of them than in the base.
fn lost(base: &str, observed: &str, merged: &str) -> Vec<String> {
    let added = observed
        .lines()
        .filter(|line| how_often(observed, line) > how_often(base, line));
    added
        .filter(|line| how_often(merged, line) == 0)
        .map(str::to_owned)
        .collect()
}

const LINES: &str = "([a-d]\n){0,8}[a-d]?";

proptest! {
    #[test]
    fn where_one_side_did_not_change_the_other_is_the_result(base in LINES, other in LINES) {
        prop_assert_eq!(merge(of(&base, &base, &other), None), Ok(other.clone()));
        prop_assert_eq!(merge(of(&base, &other, &base), None), Ok(other.clone()));
        prop_assert_eq!(merge(of(&base, &other, &other), None), Ok(other));
    }

    #[test]
    fn a_clash_is_within_the_observed_text_and_a_result_has_no_marker(base in LINES, observed in LINES, desired in LINES) {
        match merge(of(&base, &observed, &desired), None) {
            Ok(text) => prop_assert!(!text.contains(['<', '>', '=', '|'])),
            Err(clashes) => {
                prop_assert!(!clashes.is_empty());
                for clash in clashes {
                    let Clash::Lines { first, last } = clash else { panic!("{clash:?}") };
                    prop_assert!(first >= 1 && last < first + observed.lines().count() && last <= observed.lines().count());
                }
            }
        }
    }

    #[test]
    fn no_line_that_only_a_person_added_is_lost(base in "([a-d]\n){0,8}", observed in "([a-dx-z]\n){0,9}", desired in "([a-d]\n){0,8}") {
        if let Ok(text) = merge(of(&base, &observed, &desired), None) {
            prop_assert_eq!(lost(&base, &observed, &text), Vec::<String>::new(), "{}", text);
        }
    }

    /// Settings as a person and loom change them: the merge follows each, and keeps every comment.
    #[test]
    fn a_document_merges_key_by_key_and_keeps_the_comments(
        base in settings(), by_hand in changes(), by_loom in changes(), comments in proptest::collection::vec((0_usize..12, "[x-z]{3}"), 0..4),
    ) {
        let (edited, rendered) = (changed(&base, &by_hand), changed(&base, &by_loom));
        let observed = with_comments(&written(&edited), &comments);
        let Ok(text) = yaml(&written(&base), &observed, &written(&rendered)) else { return Ok(()) };
        let merged: BTreeMap<String, BTreeMap<String, u8>> = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        for group in 0..3 {
            for key in 0..4 {
                let at = |all: &Settings| all.get(&format!("g{group}")).and_then(|group| group.get(&format!("k{key}"))).copied();
                let (was, hand, loom) = (at(&base), at(&edited), at(&rendered));
                prop_assert!(hand == was || loom == was || hand == loom, "g{group}.k{key} clashes in\n{text}");
                prop_assert_eq!(at(&merged), if hand == was { loom } else { hand }, "g{}.k{} in\n{}", group, key, text);
            }
        }
        prop_assert_eq!(lost(&written(&edited), &observed, &text), Vec::<String>::new());
    }
}

type Settings = BTreeMap<String, BTreeMap<String, u8>>;

fn settings() -> impl Strategy<Value = Settings> {
    let group = proptest::collection::btree_map("k[0-3]", 0_u8..3, 1..4);
    proptest::collection::btree_map("g[0-2]", group, 1..4)
}

fn changes() -> impl Strategy<Value = Vec<(String, String, Option<u8>)>> {
    proptest::collection::vec(
        ("g[0-2]", "k[0-3]", proptest::option::weighted(0.8, 3_u8..6)),
        0..3,
    )
}

fn changed(base: &Settings, changes: &[(String, String, Option<u8>)]) -> Settings {
    let mut all = base.clone();
    for (group, key, value) in changes {
        let group = all.entry(group.clone()).or_default();
        match value {
            Some(value) => group.insert(key.clone(), *value),
            None => group.remove(key),
        };
    }
    all.retain(|_, group| !group.is_empty());
    all
}

fn written(settings: &Settings) -> String {
    let group = |(name, group): (&String, &BTreeMap<String, u8>)| {
        let lines: Vec<String> = group
            .iter()
            .map(|(key, value)| format!("  {key}: {value}\n"))
            .collect();
        format!("{name}:\n{}", lines.concat())
    };
    let text: String = settings.iter().map(group).collect();
    if text.is_empty() {
        "{}\n".to_owned()
    } else {
        text
    }
}

/// Comments on lines of their own, each unlike any other.
fn with_comments(text: &str, comments: &[(usize, String)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (number, (at, word)) in comments.iter().enumerate() {
        lines.insert((*at).min(lines.len()), format!("  # {word}{number}"));
    }
    lines.join("\n") + "\n"
}

proptest! {
    /// With other line ends the same comes of a merge, and every line that was there keeps its end.
    #[test]
    fn a_merge_keeps_the_line_ends_of_the_file(base in LINES, observed in LINES, desired in LINES, ends in proptest::collection::vec(any::<bool>(), 10)) {
        let bare = merge(of(&base, &observed, &desired), None);
        let all = merge(of(&base, &observed.replace('\n', "\r\n"), &desired), None);
        if observed.contains('\n') {
            prop_assert_eq!(all, bare.clone().map(|text| text.replace('\n', "\r\n")));
        }
        let mixed: String = observed.split_inclusive('\n').zip(ends).map(|(line, foreign)| {
            if foreign { line.replace('\n', "\r\n") } else { line.to_owned() }
        }).collect();
        let merged = merge(of(&base, &mixed, &desired), None);
        prop_assert_eq!(merged.clone().map(|text| text.replace("\r\n", "\n")), bare);
        if let Ok(text) = merged && base == desired {
            prop_assert_eq!(text, mixed);
        }
    }
}

#[test]
fn a_list_that_is_not_indented_merges_as_one_that_is() {
    let base = "spec:\n  containers:\n    - name: web\n      image: web:1\n      command:\n        - serve\n        - all\n  restartPolicy: Never\n";
    let observed = "spec: # of people\n  containers:\n  - name: web\n    image: web:1\n    command: [\"serve\", \"all\"]\n  restartPolicy: Never\n";
    let desired = base.replace("web:1", "web:2");
    assert_eq!(
        yaml(base, observed, &desired),
        Ok(observed.replace("web:1", "web:2"))
    );
    let list = "- a: 1\n  b: 2\n- c\n";
    assert!(Yaml.read(list).is_some() && Yaml.read(&format!("x:\n{list}y: 1\n")).is_some());
}

#[test]
fn which_of_two_equal_lines_went_is_not_guessed() {
    assert_eq!(
        merge(of("d\nd\n", "a\nd\n", "d\n"), None),
        Err(vec![Clash::Lines { first: 1, last: 2 }])
    );
}

#[test]
fn neighbouring_lines_of_a_document_merge_by_structure() {
    let merged = yaml(
        "spec:\n  replicas: 1\n  port: 3000\n",
        "spec:\n  replicas: 5 # for the sale\n  port: 3000\n",
        "spec:\n  replicas: 1\n  port: 8080\n  health: /up\n",
    );
    insta::assert_snapshot!(merged.expect("the data do not clash"), @r"
    spec:
      replicas: 5 # for the sale
      port: 8080
      health: /up
    ");
}

#[test]
fn items_of_a_list_merge_by_their_names() {
    let list = |one: &str, more: &str| {
        format!("env:\n  - name: A\n    value: {one}\n  - name: B\n    value: \"2\"\n{more}")
    };
    let more = "  - name: C\n    value: \"3\"\n";
    let merged = yaml(
        &list("a", ""),
        &list("z", "").replace("\"2\"", "\"9\""),
        &list("b", more),
    );
    assert_eq!(
        merged,
        Err(vec![
            Clash::Lines { first: 3, last: 3 },
            Clash::Lines { first: 5, last: 5 }
        ]),
        "A has two new values"
    );
    let merged = yaml(
        &list("a", ""),
        &list("a", "").replace("\"2\"", "\"9\""),
        &list("b", more),
    );
    assert_eq!(merged, Ok(list("b", more).replace("\"2\"", "\"9\"")));
}

#[test]
fn what_both_sides_add_to_a_list_has_no_order_and_clashes() {
    let step = |name: &str| format!("  - name: {name}\n    run: make {name}\n");
    let base = format!("steps:\n{}", step("build"));
    assert!(
        yaml(
            &base,
            &format!("{base}{}", step("lint")),
            &format!("{base}{}", step("test"))
        )
        .is_err()
    );
    let keys = yaml("a: 1\n", "a: 1\nmine: 2\n", "a: 1\nlooms: 3\n");
    assert_eq!(
        keys,
        Ok("a: 1\nlooms: 3\nmine: 2\n".to_owned()),
        "in a mapping there is nothing to order"
    );
}

#[test]
fn lines_that_merge_into_nonsense_are_a_clash() {
    let base = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n";
    let merged = yaml(base, &format!("new: 1\n{base}"), &format!("{base}new: 2\n"));
    assert_eq!(
        merged,
        Err(vec![Clash::Value("new".to_owned())]),
        "one key would stand twice"
    );
    assert!(
        merge(
            of(base, &format!("new: 1\n{base}"), &format!("{base}new: 2\n")),
            None
        )
        .is_ok(),
        "lines alone do not see it"
    );
}

#[test]
fn json_merges_by_structure_with_its_commas() {
    let merged = yaml(
        "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": [1, 2]\n}\n",
        "{\n  \"a\": 9,\n  \"b\": 2,\n  \"c\": [1, 2]\n}\n",
        "{\n  \"a\": 1,\n  \"c\": [1, 2, 3],\n  \"d\": {\"e\": true}\n}\n",
    );
    insta::assert_snapshot!(merged.expect("the data do not clash"), @r#"
    {
      "a": 9,
      "c": [1, 2, 3],
      "d": {"e": true}
    }
    "#);
}

#[test]
fn documents_of_one_file_are_told_apart_by_kind_and_name() {
    let document = |kind: &str, port: u16, replicas: u8| {
        format!(
            "apiVersion: v1\nkind: {kind}\nmetadata:\n  name: api\nspec:\n  port: {port}\n  replicas: {replicas}\n"
        )
    };
    let file = |one: (u16, u8), other: (u16, u8)| {
        format!(
            "{}---\n{}",
            document("Service", one.0, one.1),
            document("Deployment", other.0, other.1)
        )
    };
    let merged = yaml(
        &file((80, 1), (3000, 1)),
        &file((80, 1), (3000, 4)),
        &file((81, 1), (8080, 1)),
    );
    assert_eq!(merged, Ok(file((81, 1), (8080, 4))));
}

#[test]
fn a_comment_in_what_loom_takes_out_is_not_lost() {
    let base = "a: 1\nold:\n  x: 1\n  y: 2\nz: 3\n";
    let observed = "a: 2\nold:\n  # why this is so\n  x: 1\n  y: 2\nz: 3\n";
    assert!(yaml(base, observed, "a: 1\nz: 3\n").is_err());
}

#[test]
fn an_alias_is_never_edited_by_place() {
    assert_eq!(Yaml.read("a: &x { b: 1 }\nc: *x\n"), None);
}

#[test]
fn markers_of_a_conflict_are_known() {
    assert!(has_markers(
        "a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n"
    ));
    assert!(!has_markers("Title\n=======\n<<<<<<<<< art >>>>>>>\n"));
}
