//! What was reviewed is what is done, or nothing is.

use super::sandbox::Sandbox;
use super::small;

fn saved(sandbox: &Sandbox) -> String {
    let file = sandbox.outside("plan.loom").display().to_string();
    sandbox.loom(&["plan", "--out", &file]).comes_to(0).says("loom apply");
    file
}

#[test]
fn nobody_at_the_keyboard_is_no_approval() {
    let sandbox = small::fresh();
    sandbox.loom(&["apply"]).comes_to(1).complains("--yes");
    sandbox.loom_reading(&["apply"], "yes\n").comes_to(1);
    assert!(!sandbox.has("etc/port"));
}

#[test]
fn a_saved_plan_is_shown_and_applied_as_it_was() {
    let sandbox = small::fresh();
    let file = saved(&sandbox);
    let plan = sandbox.loom(&["plan"]);
    let shown = sandbox.loom(&["show", &file]).comes_to(0);
    assert_eq!(shown.digest(), plan.digest());
    assert_eq!(shown.marked('+'), plan.marked('+'));
    let json = sandbox.loom(&["show", &file, "--format", "json"]).comes_to(0).json();
    assert_eq!(json["digest"], plan.digest());
    sandbox.loom(&["apply", &file]).comes_to(0).says("Applied: ");
    sandbox.is_settled();
    sandbox.loom(&["apply", &file]).comes_to(0).says("Nothing to do");
}

#[test]
fn a_saved_plan_brings_its_own_scope() {
    let sandbox = small::fresh();
    let file = sandbox.outside("plan.loom").display().to_string();
    sandbox.loom(&["plan", "--path", "etc/**", "--out", &file]).comes_to(0);
    sandbox.loom(&["apply", &file]).comes_to(0);
    assert!(sandbox.has("etc/port") && !sandbox.has("docs/hours.md"));
}

#[test]
fn a_plan_that_is_not_what_was_saved_any_more_is_refused_and_the_files_are_named() {
    let sandbox = small::fresh();
    let file = saved(&sandbox);
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox.loom(&["apply", &file]).comes_to(3).complains("etc/port").complains("stale");
    assert!(!sandbox.has("etc/port"));
}

#[test]
fn a_saved_plan_that_was_edited_or_cut_off_is_refused() {
    let sandbox = small::fresh();
    let file = saved(&sandbox);
    let text = std::fs::read_to_string(&file).expect("it was written");
    let lines: Vec<&str> = text.lines().collect();
    let without_trailer = lines[..lines.len() - 1].join("\n") + "\n";
    let without_action = [&lines[..1], &lines[2..]].concat().join("\n") + "\n";
    let half = &text[..text.len() / 2];
    let newer = text.replacen('1', "2", 1);
    for broken in [&without_trailer, &without_action, half, &newer, &text.replace("port 3000", "port 3001"), "", "{}\n", "plan\n"]
    {
        assert_ne!(broken, text);
        std::fs::write(&file, broken).expect("it can be written");
        for command in ["apply", "show"] {
            let ran = sandbox.loom(&[command, &file]).comes_to(1);
            assert!(ran.err.contains("LOOM0601"), "{broken}\n{ran}");
        }
    }
    assert!(!sandbox.has("etc/port"));
}

#[test]
fn a_digest_approves_exactly_one_plan() {
    let sandbox = small::fresh();
    let digest = sandbox.loom(&["plan"]).digest();
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox.loom(&["apply", "--expect", &digest]).comes_to(3).complains(&digest);
    assert!(!sandbox.has("etc/port"));
    sandbox.edit("loom.yaml", "port: 3001", "port: 3000");
    sandbox.loom(&["apply", "--expect", &digest]).comes_to(0);
    sandbox.loom(&["apply", "--expect", &digest]).comes_to(0).says("Nothing to do");
}

#[test]
fn the_reviewed_json_approves_and_names_what_differs() {
    let sandbox = small::fresh();
    let file = sandbox.outside("plan.json");
    std::fs::write(&file, sandbox.loom(&["plan", "--format", "json"]).comes_to(0).out).expect("it can be written");
    let file = file.display().to_string();
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    let refused = sandbox.loom(&["apply", "--expect", &file]).comes_to(3).complains("etc/port");
    assert!(!refused.err.contains("docs/hours.md"), "only what differs is named\n{refused}");
    sandbox.edit("loom.yaml", "port: 3001", "port: 3000");
    sandbox.loom(&["apply", "--expect", &file]).comes_to(0);
}

#[test]
fn an_approval_outlives_what_does_not_concern_it() {
    let sandbox = Sandbox::of(&[("loom.yaml", small::PROJECT), (".gitignore", "target\n")]);
    small::declare(&sandbox, "  - { kind: file, name: ignored, path: .gitignore, own: block, content: \"secret\\n\" }\n", "");
    let digest = sandbox.loom(&["plan"]).digest();
    sandbox.append(".gitignore", "dist\n");
    sandbox.write("README.md", "unrelated\n");
    sandbox.edit("loom.yaml", "loom: 1\n", "# moves every line\nloom: 1\n");
    sandbox.loom(&["apply", "--expect", &digest]).comes_to(0);
    assert!(sandbox.read(".gitignore").starts_with("target\ndist\n"));
}

#[test]
fn many_deletions_need_a_number() {
    let entry = |index: usize| format!("  - {{ kind: file, name: f{index}, path: many/f{index}, content: x }}\n");
    let all: String = (0..30).map(entry).collect();
    let sandbox = small::standing(&all, "");
    sandbox.apply();
    small::declare(&sandbox, "  []\n", "");
    let plan = sandbox.loom(&["plan"]).comes_to(0).says("Most goes: 30 of the 32 files that loom manages would be deleted.");
    let markdown = sandbox.loom(&["plan", "--format", "markdown"]).comes_to(0).says("**Most goes: 30 of the 32 files");
    assert!(markdown.out.contains("--max-deletes 30"), "{markdown}");
    let refused = sandbox.loom(&["apply", "--expect", &plan.digest()]).comes_to(4);
    refused.complains("this plan deletes 30 of the 32 files that loom manages").complains("--max-deletes 30");
    sandbox.loom(&["apply", "--yes"]).comes_to(4);
    assert!(sandbox.has("many/f7"));
    sandbox.loom(&["apply", "--yes", "--max-deletes", "29"]).comes_to(4).complains("--max-deletes 29 does not allow that");
    assert!(plan.line("Apply it with: ").ends_with("--max-deletes 30"), "{plan}");
    sandbox.loom(&["apply", "--yes", "--max-deletes", "30"]).comes_to(0);
    assert!(!sandbox.has("many"), "directories that loom emptied go too");
    sandbox.is_settled();
}
