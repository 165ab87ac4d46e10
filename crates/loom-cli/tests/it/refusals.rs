//! Errors of the input, and what could not be done, in every format; and nothing that only follows.

use serde_json::Value;

use super::sandbox::Sandbox;

const HEAD: &str = "loom: 1\nproject: shop\nenvironments: { staging: { url: 'https://s.example.com', region: us-east-1 }, production: { url: 'https://x.example.com', region: us-east-1 } }\n";
const STACK: &str = "stack: { runtime: node, infrastructure: { hosting: aws, ci: github-actions, orchestration: kubernetes } }\n";

/// An input with one fault and what would follow from it, and the codes of the errors that are true.
struct Case {
    name: &'static str,
    files: Vec<(&'static str, String)>,
    true_errors: &'static [&'static str],
}

fn loom(name: &'static str, text: &str, true_errors: &'static [&'static str]) -> Case {
    let files = vec![("loom.yaml", format!("{HEAD}{text}"))];
    Case {
        name,
        files,
        true_errors,
    }
}

fn two(
    name: &'static str,
    text: &str,
    other: (&'static str, &str),
    true_errors: &'static [&'static str],
) -> Case {
    let mut case = loom(name, text, true_errors);
    case.files.push((other.0, other.1.to_owned()));
    case
}

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let blueprints = "artifacts:\n  - { kind: container, service: api }\n  - { kind: workload, service: api }\n";
    let service = |port: &str| format!("{STACK}services: {{ api: {{ {port}, commands: {{ start: node x.js }} }} }}\n{blueprints}");
    vec![
        loom("a value of another type is given", &service("port: abc"), &["LOOM0107"]),
        loom("a key that was misspelt is given", &service("prot: 3000"), &["LOOM0106"]),
        loom("a number out of bounds is given", &service("port: 99999"), &["LOOM0109"]),
        loom("an entry of a mapping that was misspelt", "stack: { runtime: python }\nservices: { api: { port: 1, commands: { strat: python x.py } } }\nartifacts: [{ kind: container, service: api }]\n", &["LOOM0106"]),
        loom("what is truly missing besides is said", &format!("{STACK}services: {{ api: {{ title: 12 }} }}\n{blueprints}"), &["LOOM0107", "LOOM0402"]),
        loom("a part of a blueprint that failed", &format!("{}  - {{ kind: file, name: p, content: '${{ref:kubernetes.manifest.api[production].path}}' }}\n", service("port: abc")), &["LOOM0107"]),
        loom("a patch of a part of a blueprint that failed", &format!("{STACK}services: {{ api: {{ port: abc }} }}\nartifacts:\n  - {{ kind: workload, service: api, with: {{ 'kubernetes.manifest.api[production]': {{}} }} }}\n"), &["LOOM0107"]),
        loom("an artifact that failed for another reason", "artifacts:\n  - { kind: file, name: a, contnt: x }\n  - { kind: file, name: b, content: '${ref:file.a.path}' }\n", &["LOOM0106"]),
        loom("an attribute of an artifact that failed", "artifacts:\n  - { kind: file, name: a, path: /etc/x, content: x }\n  - { kind: file, name: b, content: '${ref:file.a.path}' }\n", &["LOOM0109"]),
        loom("an artifact that waits for one that failed", "artifacts:\n  - { kind: file, name: a, path: /etc/x, content: x }\n  - { kind: file, name: b, content: x, dependsOn: [file.a] }\n", &["LOOM0109"]),
        loom("a reference to a reference to nothing", "artifacts:\n  - { kind: file, name: b, content: '${ref:file.a.path}' }\n  - { kind: file, name: c, content: '${ref:file.b.path} ${ref:file.b.path}' }\n", &["LOOM0404"]),
        loom("a reference to nothing where a number is wanted", "artifacts:\n  - { kind: file, name: b, content: x, path: '${ref:file.a.path}' }\n", &["LOOM0404"]),
        loom("a setting that was misspelt and is read", "services: { api: { prot: 3000 } }\nartifacts: [{ kind: file, name: b, service: api, content: '${service:port}' }]\n", &["LOOM0106"]),
        loom("a setting that nobody set is read where another type is wanted", "services: { api: {} }\nartifacts: [{ kind: file, name: b, service: api, path: '${service:port}', content: x }]\n", &["LOOM0402"]),
        loom("a setting of the environment that was misspelt and is read", "artifacts: [{ kind: file, name: b, each: environments, content: '${env:rgion}' }]\n", &["LOOM0402", "LOOM0402"]),
        loom("a service with a bad name", "services: { API: { port: 1 } }\nartifacts: [{ kind: file, name: b, service: api, content: '${service:port}' }]\n", &["LOOM0109"]),
        loom("services that are a list", "services: []\nartifacts: [{ kind: file, name: b, service: api, content: '${service:port}' }]\n", &["LOOM0107"]),
        loom("a service that is a number", "services: { api: 3 }\nartifacts: [{ kind: file, name: b, service: api, content: '${service:port}' }]\n", &["LOOM0107"]),
        loom("a service that nothing describes is said", "services: { web: {} }\nartifacts: [{ kind: file, name: b, service: api, content: x }]\n", &["LOOM0206"]),
        loom("artifacts that are a mapping", "artifacts: { kind: file }\nmoved: [{ from: file.x, to: file.y }]\nadopt: [{ address: file.y }]\n", &["LOOM0107"]),
        loom("an entry without a kind", "artifacts:\n  - { name: a, content: x }\n  - { kind: file, name: b, content: '${ref:file.a.path}' }\nadopt: [{ address: file.a }]\n", &["LOOM0108"]),
        loom("an entry of an unknown kind", "artifacts:\n  - { kind: fil, name: a, content: x }\n  - { kind: file, name: b, content: '${ref:file.a.path}' }\n", &["LOOM0401"]),
        loom("a reference to what nothing could declare is said", "artifacts:\n  - { kind: fil, name: a, content: x }\n  - { kind: file, name: b, content: '${ref:file.zzz.path}' }\n", &["LOOM0401", "LOOM0404"]),
        loom("a word of the stack that is unknown", &format!("stack: {{ runtime: nodee, infrastructure: {{ hosting: aws, orchestration: kubernetes }} }}\nservices: {{ api: {{ port: 1 }} }}\n{blueprints}"), &["LOOM0109"]),
        loom("a host that is unknown", "stack: { runtime: node, infrastructure: { hosting: awss, ci: github-actions, orchestration: kubernetes } }\nservices: { api: { port: 1 } }\nartifacts: [{ kind: pipeline, service: api }, { kind: infrastructure, service: api, components: [database] }]\n", &["LOOM0109"]),
        two("an include that cannot be read", "include: [api/loom.yaml]\nartifacts: [{ kind: file, name: b, service: api, content: '${ref:file.x.path}' }]\n", ("api/loom.yaml", "loom: 1\nservices: { api: [\n"), &["LOOM0101"]),
        two("a stack that cannot be read", &format!("services: {{ api: {{ port: 1 }} }}\n{blueprints}"), (".agent/loom/stack-config.json", "{"), &["LOOM0101"]),
        two("a story that cannot be read", "artifacts: [{ kind: file, name: b, content: '${ref:file.x.path}', replaces: S-1 }]\n", ("stories/S-1.yaml", "story: S-1\ntasks: [\n"), &["LOOM0101"]),
        two("a task without an id that another waits for", "", ("stories/S-1.yaml", "story: S-1\ntasks:\n- { title: x }\n- { id: T-2, dependencies: [T-1] }\n"), &["LOOM0108"]),
        Case { name: "an environment with a bad name", files: vec![("loom.yaml", "loom: 1\nproject: shop\nenvironments: { Prod: {}, staging: {} }\nservices: { api: { port: { staging: 1, Prod: 2 } } }\nartifacts:\n  - { kind: docs, name: d, environments: [Prod, staging] }\n  - { kind: file, name: b, each: [prod], content: x }\n  - { kind: file, name: c, content: '${ref:file.b[prod].path}' }\n".to_owned())], true_errors: &["LOOM0109", "LOOM0109"] },
        Case { name: "a required key that was misspelt", files: vec![("loom.yaml", "loom: 1\nprojct: shop\nenvironments: { staging: {} }\n".to_owned())], true_errors: &["LOOM0106"] },
    ]
}

#[test]
fn what_only_follows_from_an_error_is_not_said() {
    let mut wrong = Vec::new();
    for case in cases() {
        let files: Vec<(&str, &str)> = case
            .files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        let sandbox = Sandbox::of(&files);
        let document = sandbox
            .loom(&["validate", "--format", "json"])
            .comes_to(1)
            .json();
        let errors: Vec<&Value> = document["diagnostics"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|found| found["severity"] == "error")
            .collect();
        let codes: Vec<&str> = errors
            .iter()
            .filter_map(|found| found["code"].as_str())
            .collect();
        if codes != case.true_errors {
            let said: Vec<String> = errors
                .iter()
                .map(|found| format!("{} {}", found["code"], found["message"]))
                .collect();
            wrong.push(format!(
                "{}: {:?}\n  {}",
                case.name,
                case.true_errors,
                said.join("\n  ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_story_in_a_file_that_cannot_be_read_is_not_to_be_fetched() {
    let broken = ("stories/S-1.yaml", "story: S-1\ntasks: [\n");
    let sandbox = Sandbox::of(&[("loom.yaml", HEAD), broken]);
    let ran = sandbox.loom(&["plan", "--story", "S-1"]).comes_to(1);
    assert!(ran.err.contains("LOOM0101"), "{ran}");
    assert!(!ran.err.contains("story pull"), "{ran}");
    let ran = sandbox.loom(&["plan", "--story", "S-2"]).comes_to(1);
    assert!(!ran.err.contains("LOOM0305"), "{ran}");
}

/// Every format of every command that has formats.
const REPORTS: &[(&[&str], &[&str])] = &[
    (&["plan"], &["json", "markdown", "html", "github", "sarif"]),
    (
        &["plan", "--against", "main"],
        &["json", "markdown", "html", "github", "sarif"],
    ),
    (&["drift"], &["json", "markdown", "junit"]),
    (&["check"], &["json", "github", "sarif", "junit"]),
    (&["validate"], &["json"]),
    (&["graph"], &["json"]),
];

/// Runs every report, and looks whether it says this, in its own form.
#[track_caller]
fn all_say(sandbox: &Sandbox, more: &[&str], (code, place): (&str, Option<(&str, u64)>)) {
    for (command, formats) in REPORTS {
        if !more.is_empty() && !matches!(*command, ["plan" | "drift"]) {
            continue;
        }
        for format in *formats {
            let args = [command, more, &["--format", format][..]].concat();
            let ran = sandbox.loom(&args).comes_to(1);
            assert!(ran.out.contains(code), "{args:?}: {ran}");
            match *format {
                "json" => drop(super::formats::valid(&ran, "diagnostics")),
                "sarif" => {
                    let log = ran.json();
                    let result = &log["runs"][0]["results"][0];
                    assert_eq!(result["ruleId"], code, "{ran}");
                    if let Some((file, line)) = place {
                        let found = &result["locations"][0]["physicalLocation"];
                        assert_eq!(found["artifactLocation"]["uri"], file);
                        assert_eq!(found["region"]["startLine"], line);
                    }
                }
                "github" => {
                    let at = place.map_or_else(String::new, |(file, line)| {
                        format!("file={file},line={line},")
                    });
                    let begin = format!("::error {at}title={code}::");
                    assert!(ran.out.starts_with(&begin), "{begin}\n{ran}");
                }
                "html" => assert!(ran.out.contains("</html>"), "{ran}"),
                "junit" => assert!(ran.out.contains("<error type=\"error\""), "{ran}"),
                "markdown" => assert!(ran.out.contains("## Loom: no"), "{ran}"),
                other => panic!("{other}"),
            }
            let is_told = *format == "json" && place.is_some() || !ran.err.is_empty();
            assert!(
                is_told,
                "people are told on standard error: {args:?}: {ran}"
            );
        }
    }
}

#[test]
fn every_format_says_what_is_wrong_with_the_input_and_where() {
    let text = format!("{HEAD}services: {{ api: {{ port: abc }} }}\n");
    let sandbox = Sandbox::of(&[("loom.yaml", &text)]);
    all_say(&sandbox, &[], ("LOOM0107", Some(("loom.yaml", 4))));
}

#[test]
fn every_format_says_what_could_not_be_done() {
    let sandbox = Sandbox::of(&[("loom.yaml", HEAD)]);
    all_say(&sandbox, &["--target", "file.nothing"], ("LOOM0424", None));
    // there is no commit yet, so nothing to compare with
    let ran = sandbox
        .loom(&["plan", "--against", "main", "--format", "github"])
        .comes_to(1);
    assert!(ran.out.starts_with("::error title=LOOM0424::"), "{ran}");
}

#[test]
fn below_the_top_the_places_are_those_of_the_repository() {
    let sandbox = Sandbox::of(&[(
        "deep/loom.yaml",
        "loom: 1\nproject: X Y\nenvironments: { a: {} }\n",
    )]);
    let ran = sandbox
        .loom(&["-C", "deep", "plan", "--format", "github"])
        .comes_to(1);
    assert!(
        ran.out.starts_with("::error file=deep/loom.yaml,line=2,"),
        "{ran}"
    );
}

#[test]
fn an_error_of_people_is_no_markup_and_no_command() {
    let text = "loom: 1\nproject: shop\nenvironments: { a: {} }\n\"<img src=x>\\n::set-env name=x::y\": 1\n";
    let sandbox = Sandbox::of(&[("loom.yaml", text)]);
    let github = sandbox.loom(&["plan", "--format", "github"]).comes_to(1);
    assert!(
        github
            .out
            .lines()
            .all(|line| !line.starts_with("::set-env")),
        "{github}"
    );
    let html = sandbox.loom(&["plan", "--format", "html"]).comes_to(1);
    assert!(!html.out.contains("<img"), "{html}");
    let markdown = sandbox.loom(&["plan", "--format", "markdown"]).comes_to(1);
    assert!(markdown.out.contains("\\<img src=x\\>"), "{markdown}");
}
