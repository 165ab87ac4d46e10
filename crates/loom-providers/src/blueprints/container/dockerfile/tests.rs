use super::*;
use crate::blueprints::testing::files;

/// The Dockerfile of a service with these lines in its stack and its settings.
fn dockerfile(stack: &str, service: &str) -> String {
    let project = format!(
        "loom: 1
project: entities
stack:
  {stack}
environments: {{ staging: {{}}, production: {{}} }}
services:
  entity-api:
    port: 3000
    health: '/health?a=\"b\"'
    {service}
artifacts:
  - {{ kind: container, service: entity-api }}
"
    );
    let files = files(&project).unwrap_or_else(|messages| panic!("{messages:#?}"));
    files
        .get("docker/entity-api.Dockerfile")
        .cloned()
        .expect("a Dockerfile")
}

/// A stack and the settings that it needs beyond its own custom.
const STACKS: &[(&str, &str)] = &[
    ("runtime: node", ""),
    ("{ runtime: node, packageManager: pnpm }", ""),
    ("{ runtime: node, packageManager: yarn }", ""),
    ("{ runtime: node, packageManager: bun }", ""),
    ("runtime: bun", "path: apps/api"),
    ("{ runtime: bun, packageManager: npm }", ""),
    ("runtime: deno", ""),
    ("runtime: python", "commands: { start: python -m api }"),
    (
        "{ runtime: python, packageManager: uv }",
        "commands: { start: python -m api }",
    ),
    ("runtime: go", "path: services/api"),
    ("runtime: rust", ""),
    ("runtime: java", ""),
    ("{ runtime: java, packageManager: gradle }", ""),
];

#[test]
fn every_runtime_ends_as_a_user_by_number_with_a_health_check_and_every_base_is_pinned() {
    for (stack, service) in STACKS {
        let text = dockerfile(stack, service);
        let users: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("USER "))
            .collect();
        assert_eq!(users, ["10001:10001"], "{stack}");
        assert!(
            text.contains("\nHEALTHCHECK --interval") && text.contains("\nEXPOSE 3000\n"),
            "{stack}"
        );
        let stages: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("FROM ")?.split(" AS ").nth(1))
            .collect();
        for line in text.lines().filter_map(|line| line.strip_prefix("FROM ")) {
            let base = line.split(' ').next().expect("a base");
            let pinned = base
                .rsplit_once(':')
                .is_some_and(|(_, tag)| tag.contains(|c: char| c.is_ascii_digit()));
            assert!(pinned || stages.contains(&base), "{stack}: {base}");
        }
        assert_eq!(stages.last(), Some(&"runtime"), "{stack}");
    }
}

#[test]
fn packages_are_installed_before_the_code_is_copied() {
    for (stack, install) in [
        ("runtime: bun", "bun install --frozen-lockfile"),
        (
            "{ runtime: python, packageManager: uv }",
            "uv sync --locked --no-dev --no-install-workspace",
        ),
        ("runtime: go", "go mod download"),
    ] {
        let text = dockerfile(stack, "commands: { start: ./x }");
        let stages: Vec<&str> = text.split("\n\n").collect();
        let stage = stages
            .iter()
            .find(|stage| stage.contains(install))
            .expect("a stage that installs");
        let before = &stage[..stage.find(install).expect("it is there")];
        assert!(
            before.contains("COPY --from=manifests /app /app") && !before.contains("COPY . /app"),
            "{stack}:\n{text}"
        );
    }
}

#[test]
fn an_install_command_that_may_need_the_code_sees_it() {
    let text = dockerfile(
        "runtime: node",
        "commands: { install: npm ci && npm run generate }",
    );
    let stage = text
        .split("\n\n")
        .find(|stage| stage.contains("npm run generate"))
        .expect("a stage that installs");
    assert!(stage.contains("COPY . /app"), "{text}");
    assert!(!text.contains("AS manifests"), "{text}");
}

#[test]
fn what_development_needs_stays_behind() {
    let text = dockerfile(
        "runtime: node",
        "commands: { install: npm install --no-audit }",
    );
    assert!(text.contains("npm install --no-audit --omit=dev"), "{text}");
    let last = text.rsplit("\n\n").next().expect("a stage");
    let production = last
        .find("COPY --from=production")
        .expect("the packages of production");
    assert!(
        production < last.find("COPY --from=build").expect("the code"),
        "{text}"
    );
}

#[test]
fn a_start_command_is_exec_form_and_a_shell_gives_way_to_one_command() {
    let words = |command: &str| start_words(command);
    assert_eq!(
        words("node dist/index.js --port=3000"),
        ["node", "dist/index.js", "--port=3000"]
    );
    assert_eq!(
        words("uvicorn app:app --port $PORT"),
        ["/bin/sh", "-c", "exec uvicorn app:app --port $PORT"]
    );
    assert_eq!(
        words("./migrate && ./serve"),
        ["/bin/sh", "-c", "./migrate && ./serve"]
    );
    assert_eq!(words("MODE=x ./serve"), ["/bin/sh", "-c", "MODE=x ./serve"]);
}

#[test]
fn a_health_path_cannot_leave_its_place() {
    let text = dockerfile("runtime: node", "");
    let check = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("CMD [\"node\", \"-e\""))
        .expect("a check");
    let words: Vec<String> =
        serde_json::from_str(&format!("[\"node\", \"-e\"{check}")).expect("a list in JSON");
    assert!(
        words[2].starts_with(r#"fetch("http://127.0.0.1:3000/health?a=\"b\"")"#),
        "{}",
        words[2]
    );
}

#[test]
fn a_command_of_several_lines_is_one_instruction() {
    let text = dockerfile(
        "runtime: bun",
        "commands: { build: \"bun run a\\nbun run b\\nUSER root\" }",
    );
    assert!(
        text.contains(r#"RUN ["/bin/sh", "-c", "bun run a\nbun run b\nUSER root"]"#),
        "{text}"
    );
}

#[test]
fn a_service_without_a_port_has_no_health_check() {
    let project = "loom: 1\nproject: p\nstack: { runtime: go }\nenvironments: { production: {} }\nservices: { worker: { expose: none } }\nartifacts: [{ kind: container, service: worker, user: 65532 }]\n";
    let files = files(project).expect("files");
    let text = &files["docker/worker.Dockerfile"];
    assert!(
        text.contains("\nHEALTHCHECK NONE\n")
            && text.contains("\nUSER 65532:65532\n")
            && !text.contains("EXPOSE"),
        "{text}"
    );
}

#[test]
fn what_is_missing_is_said_with_an_example() {
    let project = "loom: 1\nproject: p\nstack: { runtime: python }\nenvironments: { production: {} }\nservices: { api: {} }\nartifacts: [{ kind: container, service: api }]\n";
    let messages = files(project).expect_err("port and start are missing");
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert!(
        messages[0].contains("services.api.port")
            && messages[0].contains("services.api.commands.start"),
        "{messages:#?}"
    );
    assert!(
        messages[0].contains("commands: { start: uvicorn"),
        "{messages:#?}"
    );
}

#[test]
fn services_share_one_block_of_dockerignore() {
    let project = "loom: 1\nproject: p\nstack: { runtime: go }\nenvironments: { production: {} }\nservices: { a: { port: 1, path: a }, b: { port: 2, path: b } }\nartifacts: [{ kind: container, service: a }, { kind: container, service: b }]\n";
    let files = files(project).expect("files");
    assert_eq!(
        files
            .keys()
            .filter(|path| path.as_str() == ".dockerignore")
            .count(),
        1
    );
    assert!(files[".dockerignore"].contains("**/.env\n"));
}
