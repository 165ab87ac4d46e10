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
    sandbox.write(BOOK, &format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> branch\n"));
    sandbox.loom(&["plan", "--detailed-exitcode"]).comes_to(0);
    sandbox.loom(&["drift"]).comes_to(0);
    sandbox.edit("loom.yaml", "port: 3001", "port: 3002");
    assert_eq!(sandbox.loom(&["plan"]).comes_to(0).marked('~'), ["etc/port"]);
    sandbox.apply();
    let healed = sandbox.read(BOOK);
    assert!(!healed.contains("<<<<") && !healed.contains("===="), "{healed}");
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
    sandbox.git(&["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "merge", "--quiet", "one", "--message", "merge"]);
    sandbox.is_settled();
}

#[test]
fn no_ledger_while_files_carry_the_header_is_for_a_person() {
    let sandbox = small::applied();
    std::fs::remove_dir_all(sandbox.root().join(".loom/ledger")).expect("it is there");
    let before = sandbox.tree();
    for command in [&["plan"][..], &["apply", "--yes"], &["apply", "--yes", "--adopt"], &["drift"]] {
        sandbox.loom(command).comes_to(4).complains("docs/hours.md").complains("git checkout");
    }
    assert_eq!(sandbox.tree(), before);
    sandbox.git(&["checkout", "HEAD", "--", ".loom/ledger"]);
    sandbox.is_settled();
}

#[test]
fn a_ledger_of_a_newer_loom_is_refused() {
    let sandbox = small::applied();
    sandbox.edit(BOOK, "\"format\":1", "\"format\":2");
    sandbox.loom(&["plan"]).comes_to(1).complains("LOOM0504");
}

#[test]
fn a_line_that_cannot_be_read_is_said_and_takes_nothing_with_it() {
    let sandbox = small::applied();
    sandbox.append(BOOK, "{\"path\": \"etc/p\n\u{0}\n");
    sandbox.loom(&["plan", "--detailed-exitcode"]).comes_to(0).complains("LOOM0503");
}

#[test]
fn the_ledger_is_one_file_for_each_story_with_sorted_lines() {
    let sandbox = Sandbox::project("two-services");
    sandbox.apply();
    let books: Vec<String> = sandbox.tree().into_keys().filter(|path| path.starts_with(".loom/ledger/")).collect();
    assert_eq!(books, [".loom/ledger/PAR-101.jsonl", ".loom/ledger/PAR-102.jsonl", ".loom/ledger/project.jsonl"]);
    for book in books {
        let text = sandbox.read(&book);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
        assert_eq!(lines[0], serde_json::json!({ "loom": "ledger", "format": 1 }), "{book}");
        let paths: Vec<&str> = lines.iter().filter_map(|line| line["path"].as_str()).collect();
        assert!(!paths.is_empty() && paths.is_sorted(), "{book}");
    }
}
