//! The ledger among people: merged, damaged, lost.

use super::sandbox::Sandbox;
use super::small;

const BOOK: &str = ".loom/ledger/S-1.jsonl";

#[test]
fn conflict_markers_of_a_merge_are_healed_by_the_next_apply() {
    let sandbox = small::applied();
    let ours = sandbox.read(BOOK);
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox.apply();
    let theirs = sandbox.read(BOOK);
    assert_ne!(ours, theirs);
    sandbox.write(
        BOOK,
        &format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> branch\n"),
    );
    sandbox.loom(&["plan", "--detailed-exitcode"]).comes_to(0);
    sandbox.loom(&["drift"]).comes_to(0);
    sandbox.edit("loom.yaml", "port: 3001", "port: 3002");
    assert_eq!(
        sandbox.loom(&["plan"]).comes_to(0).marked('~'),
        ["etc/port"]
    );
    sandbox.apply();
    let healed = sandbox.read(BOOK);
    assert!(
        !healed.contains("<<<<") && !healed.contains("===="),
        "{healed}"
    );
    assert_eq!(healed.lines().count(), theirs.lines().count());
    sandbox.is_settled();
}

#[test]
fn a_real_merge_of_two_branches_needs_no_person_where_the_files_agree() {
    let sandbox = small::fresh();
    sandbox.apply();
    sandbox.commit();
    let add = |code: &str, name: &str| {
        let story = format!(
            "story: {code}\ntitle: More\ntasks:\n  - id: T-1\n    title: Write\n    artifacts:\n      - {{ kind: file, name: {name}, path: etc/{name}, content: {name} }}\n"
        );
        sandbox.write(&format!("stories/{code}.yaml"), &story);
        sandbox.apply();
        sandbox.commit();
    };
    sandbox.git(&["checkout", "--quiet", "-b", "one"]);
    add("S-2", "one");
    sandbox.git(&["checkout", "--quiet", "-b", "two", "main"]);
    add("S-3", "two");
    sandbox.git(&[
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@example.com",
        "merge",
        "--quiet",
        "one",
        "--message",
        "merge",
    ]);
    sandbox.is_settled();
}

#[test]
fn no_ledger_while_files_carry_the_header_is_for_a_person() {
    let sandbox = small::applied();
    std::fs::remove_dir_all(sandbox.root().join(".loom/ledger")).expect("it is there");
    let before = sandbox.tree();
    for command in [
        &["plan"][..],
        &["apply", "--yes"],
        &["apply", "--yes", "--adopt"],
        &["drift"],
    ] {
        let refused = sandbox
            .loom(command)
            .comes_to(4)
            .complains("docs/hours.md")
            .complains("git checkout");
        let refused =
            refused.complains("= docs/hours.md     markdown.page.hours   is as declared: recorded");
        refused.complains("Repair: 4 to record. Only the ledger is written.");
    }
    assert_eq!(sandbox.tree(), before);
    sandbox.git(&["checkout", "HEAD", "--", ".loom/ledger"]);
    sandbox.is_settled();
}

#[test]
fn a_ledger_of_a_newer_loom_is_refused() {
    let sandbox = small::applied();
    sandbox.edit(BOOK, "\"format\":2", "\"format\":3");
    sandbox.loom(&["plan"]).comes_to(1).complains("LOOM0504");
}

#[test]
fn a_ledger_of_format_1_is_read_and_the_next_apply_writes_format_2() {
    let sandbox = small::applied();
    sandbox.edit(BOOK, "\"format\":2", "\"format\":1");
    let old = sandbox.tree();
    sandbox.loom(&["plan", "--detailed-exitcode"]).comes_to(0);
    assert_eq!(sandbox.tree(), old, "nothing to do writes nothing");
    sandbox.remove("docs/hours.md");
    sandbox.apply();
    assert!(
        sandbox
            .read(BOOK)
            .starts_with("{\"loom\":\"ledger\",\"format\":2}\n")
    );
    sandbox.is_settled();
}

#[test]
fn a_line_that_cannot_be_read_is_said_and_takes_nothing_with_it() {
    let sandbox = small::applied();
    sandbox.append(BOOK, "{\"path\": \"etc/p\n\u{0}\n");
    sandbox
        .loom(&["plan", "--detailed-exitcode"])
        .comes_to(0)
        .complains("LOOM0503");
}

#[test]
fn the_ledger_is_one_file_for_each_story_with_sorted_lines() {
    let sandbox = Sandbox::project("two-services");
    sandbox.apply();
    let books: Vec<String> = sandbox
        .tree()
        .into_keys()
        .filter(|path| path.starts_with(".loom/ledger/"))
        .collect();
    assert_eq!(
        books,
        [
            ".loom/ledger/PAR-101.jsonl",
            ".loom/ledger/PAR-102.jsonl",
            ".loom/ledger/project.jsonl"
        ]
    );
    for book in books {
        let text = sandbox.read(&book);
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect();
        assert_eq!(
            lines[0],
            serde_json::json!({ "loom": "ledger", "format": 2 }),
            "{book}"
        );
        let paths: Vec<&str> = lines
            .iter()
            .filter_map(|line| line["path"].as_str())
            .collect();
        assert!(!paths.is_empty() && paths.is_sorted(), "{book}");
    }
}

#[test]
fn repair_makes_a_lost_ledger_again_to_the_byte() {
    let sandbox = small::applied();
    let before = sandbox.tree();
    std::fs::remove_dir_all(sandbox.root().join(".loom/ledger")).expect("it is there");
    let refused = sandbox
        .loom(&["repair"])
        .comes_to(1)
        .says("= etc/port")
        .complains("give --yes");
    refused.says("Repair: 4 to record. Only the ledger is written.");
    assert!(!sandbox.has(BOOK));
    sandbox
        .loom(&["repair", "--yes"])
        .comes_to(0)
        .says("The ledger is written.");
    assert_eq!(sandbox.tree(), before);
    sandbox.is_settled();
    sandbox
        .loom(&["repair", "--yes"])
        .comes_to(0)
        .says("Nothing to record: the ledger knows every output.");
    sandbox.loom(&["rollback", "--yes"]).comes_to(0);
    assert!(!sandbox.has(BOOK));
}

#[test]
fn repair_never_takes_an_edit_for_looms_own_and_names_what_nobody_declares() {
    let sandbox = small::applied();
    std::fs::remove_dir_all(sandbox.root().join(".loom/ledger")).expect("it is there");
    sandbox.edit("docs/hours.md", "nine", "ten");
    sandbox.remove("etc/port");
    let old = sandbox
        .read("docs/hours.md")
        .replace("markdown.page.hours", "markdown.page.old");
    sandbox.write("docs/old.md", &old);
    sandbox.write("apps/other/.loom/ledger/project.jsonl", "");
    sandbox.write("apps/other/docs/theirs.md", &old);
    let before = sandbox.tree();
    let ran = sandbox
        .loom(&["repair", "--yes"])
        .comes_to(0)
        .says("Repair: 2 to record, 1 left to you, 1 missing, 1 probable orphan.");
    assert!(
        ran.line("! docs/hours.md").contains("not recorded"),
        "{ran}"
    );
    assert!(
        ran.line("+ etc/port")
            .contains("`loom apply --target file.port --path etc/port` writes it"),
        "{ran}"
    );
    assert!(
        ran.line("? docs/old.md").contains("nothing declares it") && !ran.out.contains("theirs.md"),
        "{ran}"
    );
    let after: Vec<String> = sandbox
        .tree()
        .into_iter()
        .filter(|it| before.get(&it.0) != Some(&it.1))
        .map(|it| it.0)
        .collect();
    assert!(
        !after.is_empty() && after.iter().all(|path| path.starts_with(".loom/ledger/")),
        "{after:?}"
    );
    let plan = sandbox.loom(&["plan"]).comes_to(4);
    assert_eq!(
        (plan.marked('!'), plan.marked('+')),
        (
            vec!["docs/hours.md".to_owned()],
            vec!["etc/port".to_owned()]
        )
    );
    sandbox.loom(&["apply", "--yes", "--adopt"]).comes_to(0);
    assert!(sandbox.read("docs/hours.md").contains("ten") && sandbox.has("docs/old.md"));
    sandbox.is_settled();
}

#[test]
fn what_a_merge_left_is_said_and_the_next_apply_heals_it_though_nothing_else_is_to_be_done() {
    let sandbox = small::applied();
    let text = sandbox.read(BOOK);
    sandbox.write(
        BOOK,
        &format!("<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> branch\n"),
    );
    for command in [&["plan", "--detailed-exitcode"][..], &["drift"], &["apply"]] {
        sandbox
            .loom(command)
            .comes_to(0)
            .complains("LOOM0506")
            .complains("3 lines of Git's conflict markers");
    }
    assert!(
        sandbox.read(BOOK).contains("<<<<<<<"),
        "without a yes nothing is written"
    );
    sandbox
        .loom(&["apply", "--yes"])
        .comes_to(0)
        .says("The ledger is written anew.");
    assert_eq!(sandbox.read(BOOK), text);
    let clean = sandbox.loom(&["apply", "--yes"]).comes_to(0);
    assert!(
        !clean.err.contains("LOOM0506") && !clean.out.contains("anew"),
        "{clean}"
    );
}
