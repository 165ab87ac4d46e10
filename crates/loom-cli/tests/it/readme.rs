//! What the README shows is true: its example plans, and says what the README says.

use std::path::Path;

use super::sandbox::Sandbox;

/// The fenced blocks of the README that begin with the name of their file.
fn example() -> Sandbox {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = std::fs::read_to_string(readme).expect("there is a README");
    let sandbox = Sandbox::empty();
    let files = text.split("```yaml\n# ").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
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
    sandbox.loom(&["plan"]).comes_to(0).says("services.entity-api.port changed, loom.yaml:11");
}
