//! Text of people that looks like code: none of it becomes code in any format that loom writes.
//!
//! In: the project `hostile` of the fixtures. Each output is read by its own format's rules, and
//! what stands in it must be the text that was written.

use hcl::eval::{Context, Evaluate as _};
use serde_yaml::Value;

use super::sandbox::{Sandbox, Tree, fixtures, tree};
use super::small;

fn applied() -> Sandbox {
    let sandbox = Sandbox::project("hostile");
    sandbox.apply();
    sandbox
}

fn documents(text: &str) -> Vec<Value> {
    let all = serde_yaml::Deserializer::from_str(text);
    all.map(|document| serde::Deserialize::deserialize(document).expect("loom writes YAML"))
        .collect()
}

/// All texts of a document with the keys that lead to them.
fn texts(value: &Value, keys: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((keys.to_owned(), text.clone())),
        Value::Sequence(items) => items.iter().for_each(|item| texts(item, keys, found)),
        Value::Mapping(map) => {
            for (key, value) in map {
                texts(
                    value,
                    &format!("{keys}.{}", key.as_str().unwrap_or_default()),
                    found,
                );
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Tagged(_) => {}
    }
}

/// The settings of the service as YAML reads them.
fn service(sandbox: &Sandbox) -> Value {
    documents(&sandbox.read("loom.yaml")).remove(0)["services"]["api"].clone()
}

/// What Kubernetes makes of a variable's value: `$$` is a dollar sign, `$(NAME)` another variable.
fn expanded(value: &str) -> String {
    let (mut text, mut rest) = (String::new(), value);
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        assert!(
            !rest.starts_with('('),
            "`{value}` refers to another variable"
        );
        text.push('$');
        rest = rest.strip_prefix('$').unwrap_or(rest);
    }
    text + rest
}

#[test]
fn the_tree_is_the_expected_one() {
    let sandbox = applied();
    let project = fixtures().join("projects/hostile");
    let input = super::sandbox::input_of(&project);
    let written: Tree = sandbox
        .tree()
        .into_iter()
        .filter(|(path, bytes)| input.get(path) != Some(bytes))
        .collect();
    let expected = tree(&project.join("expected"), &[]);
    assert_eq!(
        written.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (path, bytes) in &written {
        assert_eq!(
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&expected[path]),
            "{path}"
        );
    }
    sandbox.is_settled();
}

#[test]
fn variables_reach_the_container_as_they_were_written() {
    let sandbox = applied();
    let variables = service(&sandbox)["environment"].clone();
    for environment in ["staging", "production"] {
        let manifest = documents(&sandbox.read(&format!("k8s/{environment}/api.yml")));
        let deployment = manifest
            .iter()
            .find(|object| object["kind"] == "Deployment")
            .expect("there is one");
        let env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
            .as_sequence()
            .expect("a list");
        let mut seen = 0;
        for (name, variable) in variables.as_mapping().expect("a mapping") {
            let Some(value) = variable.get("value") else {
                continue;
            };
            let found = env
                .iter()
                .find(|entry| entry["name"] == *name)
                .expect("each variable is there");
            let written = found["value"]
                .as_str()
                .expect("the value of a variable is a text");
            assert_eq!(
                expanded(written),
                value.as_str().expect("they are all texts"),
                "{name:?} in {environment}"
            );
            seen += 1;
        }
        assert_eq!(seen, 12);
    }
}

#[test]
fn declared_texts_are_the_same_after_reading_them_back() {
    let sandbox = applied();
    let data = documents(&sandbox.read("k8s/texts.yml")).remove(0)["data"].clone();
    let project = documents(&sandbox.read("loom.yaml")).remove(0);
    let mut declared = project["artifacts"][1]["documents"][0]["data"].clone();
    declared["near"] = Value::from("${ref:file.none.path} ${X:-y}");
    assert_eq!(
        data, declared,
        "all but the escape `$${{ref:` is the text itself"
    );
}

#[test]
fn no_text_is_an_expression_of_github() {
    let sandbox = applied();
    let workflow = documents(&sandbox.read(".github/workflows/deploy-api.yml")).remove(0);
    let mut found = Vec::new();
    texts(&workflow, "", &mut found);
    let is_run = |keys: &str| keys.rsplit('.').next() == Some("run");
    let mut expressions = 0;
    for (keys, text) in &found {
        assert!(!is_run(keys) || !text.contains("${{"), "{keys}: {text}");
        for expression in text.split("${{").skip(1) {
            let expression = expression.split("}}").next().unwrap_or_default().trim();
            let own = [
                "needs.",
                "secrets.REGISTRY_PASSWORD",
                "vars.REGISTRY_USERNAME",
                "steps.",
                "env.REG",
                "env.REPOSITORY",
            ];
            let facts = [
                "event_name",
                "repository",
                "run_attempt",
                "run_id",
                "server_url",
                "sha",
            ]
            .map(|name| format!("github.{name}"));
            let own = own
                .iter()
                .copied()
                .chain(facts.iter().map(String::as_str))
                .collect::<Vec<_>>();
            assert!(
                own.iter().any(|own| expression.starts_with(own)),
                "{keys}: {expression}"
            );
            expressions += 1;
        }
    }
    assert!(expressions > 3, "loom's own are there: {found:?}");
    let run = |name: &str| {
        found
            .iter()
            .any(|(keys, text)| is_run(keys) && text == name)
    };
    let commands = service(&sandbox)["commands"].clone();
    assert!(
        run(commands["lint"].as_str().expect("a text"))
            && run(commands["build"].as_str().expect("a text")),
        "{found:?}"
    );
}

#[test]
fn an_expression_in_a_command_is_refused_at_its_place() {
    let sandbox = Sandbox::project("hostile");
    sandbox.edit(
        "loom.yaml",
        "echo '{{ x }}",
        "echo '${{ github.event.issue.title }}",
    );
    let line = 1 + sandbox
        .read("loom.yaml")
        .lines()
        .position(|line| line.contains("lint:"))
        .expect("it is there");
    let ran = sandbox.loom(&["plan"]).comes_to(1);
    ran.complains("LOOM0413")
        .complains("commands.lint")
        .complains(&format!("[loom.yaml:{line}:"));
}

#[test]
fn no_text_is_a_template_or_a_mention_of_datadog() {
    let sandbox = applied();
    let monitor = documents(&sandbox.read("infrastructure/datadog/alerts/api.yml")).remove(0);
    let (name, message) = (
        monitor["name"].as_str().expect("a text"),
        monitor["message"].as_str().expect("a text"),
    );
    assert!(!name.contains("{{") && !name.contains('@'), "{name}");
    let own = ["{{#is_", "{{/is_", "{{value}}"];
    for at in message.match_indices("{{").map(|(at, _)| at) {
        assert!(
            own.iter().any(|own| message[at..].starts_with(own)),
            "{}",
            &message[at..]
        );
    }
    let mentions: Vec<&str> = message
        .split('@')
        .skip(1)
        .map(|rest| rest.split_whitespace().next().unwrap_or_default())
        .collect();
    assert_eq!(mentions, ["slack-alerts"]);
}

/// Markdown without fenced blocks, code spans and loom's own lines of comment.
fn prose(text: &str) -> Vec<String> {
    let (mut lines, mut fenced) = (Vec::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced
            && !line.starts_with("<!-- Managed by loom: ")
            && !line.starts_with("<!-- loom:")
            && !line.starts_with("<!-- markdownlint")
        {
            lines.push(without_code(line));
        }
    }
    assert!(!fenced, "every block is closed");
    lines
}

/// A line without its code spans: runs of as many backticks open and close one, an escaped one does not.
fn without_code(line: &str) -> String {
    let (mut text, mut rest) = (String::new(), line);
    while let Some(at) = rest.find('`') {
        if rest[..at].ends_with('\\') {
            text.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        }
        let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let mark = "`".repeat(run);
        let inner = &rest[at + run..];
        let end = inner
            .find(&mark)
            .unwrap_or_else(|| panic!("a code span stays open: {line}"));
        text.push_str(&rest[..at]);
        rest = &inner[end + run..];
    }
    text + rest
}

#[test]
fn no_text_is_markup_of_a_page() {
    let sandbox = applied();
    for page in [
        "docs/api/deployment.md",
        "docs/api/rollback.md",
        ".agent/loom/runbook.md",
    ] {
        let text = sandbox.read(page);
        for line in prose(&text) {
            for (at, _) in line.match_indices(['<', '[']) {
                let rest = &line[at..];
                let own = rest.starts_with("<https://")
                    || (rest.starts_with('[')
                        && rest.split("](").nth(1).is_some_and(|link| {
                            !link.starts_with("http")
                                || link.starts_with("https://app.datadoghq.com/")
                        }));
                assert!(own || line[..at].ends_with('\\'), "{page}: {rest}");
            }
            assert!(!line.contains("-->"), "{page}: {line}");
        }
        let ends = text.matches("-->").count();
        let comments = text
            .lines()
            .filter(|line| line.starts_with("<!--") && line.ends_with("-->"))
            .count();
        let in_code = text.matches("`*/ --> /* <!-- # x : x // -- ;`").count();
        assert_eq!(
            ends,
            comments + in_code,
            "{page}: comments end where loom ends them"
        );
    }
}

#[test]
fn every_row_of_a_table_has_the_cells_of_its_head() {
    let page = applied().read("docs/api/deployment.md");
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut rows = 0;
    for (head, row) in page
        .lines()
        .zip(page.lines().skip(1))
        .filter(|(head, row)| head.starts_with('|') && row.starts_with('|'))
    {
        assert_eq!(cells(head), cells(row), "{row}");
        rows += 1;
    }
    assert!(rows > 15);
}

#[test]
fn no_text_is_an_expression_of_terraform() {
    let sandbox = applied();
    let mut modules = 0;
    for (path, bytes) in sandbox
        .tree()
        .iter()
        .filter(|(path, _)| path.rsplit('.').next() == Some("tf"))
    {
        let text = String::from_utf8_lossy(bytes);
        hcl::parse(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(
            !text.contains("github.token") && !text.contains("file.none"),
            "{path}"
        );
        modules += 1;
    }
    assert!(modules > 10);
    let body = hcl::parse(&sandbox.read("infrastructure/terraform/modules/texts/main.tf"))
        .expect("it is HCL");
    let locals = body.blocks().next().expect("there is one").body();
    let value = |name: &str| {
        let attribute = locals
            .attributes()
            .find(|attribute| attribute.key() == name)
            .expect("it is there");
        attribute
            .expr()
            .evaluate(&Context::new())
            .expect("it needs nothing but itself")
            .as_str()
            .expect("a text")
            .to_owned()
    };
    assert_eq!(value("quotes"), "\"d\" 'q' \\ \n two");
    assert_eq!(value("literal"), "${var.x} %{ if true } */ # x // x");
    assert_eq!(value("title"), "`id` $(id) {{ x }} <<EOT\nEOT\n");
}

#[test]
fn the_command_of_a_container_is_one_argument_of_its_shell() {
    let sandbox = applied();
    let dockerfile = sandbox.read("docker/api.Dockerfile");
    let command = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("CMD "))
        .expect("it starts something");
    let words: Vec<String> = serde_json::from_str(command).expect("the words are a JSON list");
    assert_eq!(
        words,
        [
            "/bin/sh",
            "-c",
            service(&sandbox)["commands"]["start"]
                .as_str()
                .expect("a text")
        ]
    );
    let known = [
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "ENV",
        "USER",
        "EXPOSE",
        "HEALTHCHECK",
        "STOPSIGNAL",
        "CMD",
        "#",
    ];
    for line in dockerfile
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(' '))
    {
        assert!(known.iter().any(|word| line.starts_with(word)), "{line}");
    }
}

#[test]
fn a_template_sees_its_variables_as_text() {
    assert_eq!(
        applied().read("docs/card.md"),
        "# Card\n\n{{ x }} {% raw %} ${{ y }} $(id)\n"
    );
}

#[test]
fn no_text_reaches_the_terminal_as_a_command_to_it() {
    let sandbox = small::fresh();
    sandbox.edit(
        "stories/S-1.yaml",
        "title: Write the files",
        "title: \"\\e[2J\\e]0;x\\a\\u009b31m\\u202e\\r\\nwritten over\"",
    );
    sandbox.edit(
        "loom.yaml",
        "    port: 3000\n",
        "    port: 3000\n    labels: { \"\\e[2J\": \"\\e[31m\" }\n",
    );
    for command in [
        &["plan"][..],
        &["plan", "--verbose"],
        &["explain", "etc/port"],
        &["graph"],
        &["graph", "--format", "mermaid"],
        &["apply", "--yes"],
        &["drift"],
        &["validate"],
    ] {
        let ran = sandbox.loom(command).comes_to(0);
        for character in ['\u{1b}', '\u{7}', '\u{9b}', '\r', '\u{202e}'] {
            assert!(
                !ran.out.contains(character) && !ran.err.contains(character),
                "{character:?} in\n{:?}\n{:?}",
                ran.out,
                ran.err
            );
        }
    }
    sandbox.edit("stories/S-1.yaml", "kind: file", "kind: \"\\e[2Jfile\"");
    let ran = sandbox.loom(&["validate"]).comes_to(1);
    assert!(!ran.err.contains('\u{1b}'), "{:?}", ran.err);
}

#[test]
fn control_characters_of_a_file_are_shown_and_not_sent_to_the_terminal() {
    let sandbox = small::applied();
    sandbox.write("etc/port", "port \u{1b}[2J3000\r\n\u{202e}\n");
    for command in [&["plan"][..], &["drift"]] {
        let ran = sandbox.loom(command);
        for character in ['\u{1b}', '\r', '\u{202e}'] {
            assert!(
                !ran.out.contains(character),
                "{character:?} in\n{:?}",
                ran.out
            );
        }
    }
}
