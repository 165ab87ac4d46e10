//! What the README shows is true: its example plans, and says what the README says.

use std::path::Path;

use super::sandbox::Sandbox;

/// The fenced blocks of the README that begin with the name of their file.
fn example() -> Sandbox {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = std::fs::read_to_string(readme).expect("there is a README");
    let sandbox = Sandbox::empty();
    let files = text
        .split("```yaml\n# ")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default());
    for (name, content) in files.filter_map(|block| block.split_once('\n')) {
        sandbox.write(name, &format!("# {name}\n{content}"));
    }
    sandbox
}

#[test]
fn the_example_of_the_readme_plans_and_a_change_of_its_port_says_its_cause() {
    let sandbox = example();
    sandbox.loom(&["plan"]).comes_to(0).says("entity-api");
    sandbox.apply();
    sandbox.is_settled();
    sandbox.edit("loom.yaml", "port: 3000", "port: 3001");
    sandbox
        .loom(&["plan"])
        .comes_to(0)
        .says("services.entity-api.port changed, loom.yaml:11");
}

/// What stands between a line of backquotes with this word and the next one.
fn blocks<'a>(page: &'a str, word: &str) -> Vec<&'a str> {
    let begin = format!("```{word}\n");
    page.split(&begin)
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
        .collect()
}

#[test]
fn the_guide_to_approvals_can_be_followed_step_by_step_and_says_what_loom_says() {
    let page = include_str!("../../../../docs/guide/approvals.md");
    let sandbox = Sandbox::without_git();
    let script = format!("set -e\n{}", blocks(page, "sh").join("\n"));
    let loom = Path::new(env!("CARGO_BIN_EXE_loom"))
        .parent()
        .expect("it is in a directory")
        .display()
        .to_string();
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(sandbox.root())
        .env(
            "PATH",
            format!("{loom}:{}", std::env::var("PATH").unwrap_or_default()),
        )
        .env("HOME", sandbox.root())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("a shell can be run");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // commits have other names each time
    let without_names = |line: &str| {
        let is_name = |word: &&str| {
            word.trim_matches(['(', ')', ',', '.']).len() == 10
                && word.contains(|c: char| c.is_ascii_digit())
        };
        line.split(' ')
            .filter(|word| !is_name(word))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let said: Vec<String> = said.lines().map(without_names).collect();
    for line in blocks(page, "text").iter().flat_map(|block| block.lines()) {
        assert!(
            said.contains(&without_names(line)),
            "the guide says {line:?}, and loom does not:\n{}",
            said.join("\n")
        );
    }
}
