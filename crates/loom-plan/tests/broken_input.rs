//! What is wrong with an input is said once, at its exact place, with help that can be acted on.

// tidy: long because it is a flat list of cases

mod support;

use loom_plan::diag::Code;
use proptest::prelude::*;
use support::{LOOM, Run, STORY};

/// One broken input: its files, and the only finding that it may give.
struct Case {
    name: &'static str,
    files: Vec<(&'static str, String)>,
    code: Code,
    place: &'static str,
    underlined: &'static str,
    help: &'static str,
}

const HEAD: &str = "loom: 1\nproject: shop\nenvironments: { staging: {}, production: {} }\n";
const TASKS: &str = "story: S-1\ntasks:\n- id: T-1\n";

/// loom.yaml with a good head: the first line of `text` is line 4.
fn loom(text: &str) -> Vec<(&'static str, String)> {
    vec![("loom.yaml", format!("{HEAD}{text}\n"))]
}

/// A whole loom.yaml.
fn whole(text: &str) -> Vec<(&'static str, String)> {
    vec![("loom.yaml", text.to_owned())]
}

/// A story in a good project.
fn story(name: &'static str, text: &str) -> Vec<(&'static str, String)> {
    vec![("loom.yaml", HEAD.to_owned()), (name, text.to_owned())]
}

/// A good native task with more keys: the first line of `text` is line 4.
fn task(text: &str) -> Vec<(&'static str, String)> {
    story("stories/S-1.yaml", &format!("{TASKS}{text}\n"))
}

/// An artifact of a native task: its first line is line 5.
fn artifact(text: &str) -> Vec<(&'static str, String)> {
    task(&format!("  artifacts:\n  - {text}"))
}

fn two(first: (&'static str, &str), second: (&'static str, &str)) -> Vec<(&'static str, String)> {
    vec![
        ("loom.yaml", HEAD.to_owned()),
        (first.0, first.1.to_owned()),
        (second.0, second.1.to_owned()),
    ]
}

fn case(
    name: &'static str,
    files: Vec<(&'static str, String)>,
    code: Code,
    (place, underlined): (&'static str, &'static str),
    help: &'static str,
) -> Case {
    Case {
        name,
        files,
        code,
        place,
        underlined,
        help,
    }
}

#[rustfmt::skip]
fn syntax() -> Vec<Case> {
    use Code::{DuplicateKey, Syntax, TooLarge};
    vec![
        case("a tab", loom("services:\n\tapi: {}"), Syntax, ("loom.yaml:5:1", "\t"), "replace the tab"),
        case("an open bracket", loom("artifacts: [{ kind: docs }"), Syntax, ("loom.yaml:4:12", "["), "brackets"),
        case("a reference without quotes", artifact("{ kind: file, name: x, content: ${ref:file.y.path} }"), Syntax, ("stories/S-1.yaml:5:38", "{"), "must be quoted"),
        case("two documents", loom("---\nservices: {}"), Syntax, ("loom.yaml:5:1", "services: {}"), "one document"),
        case("a merge key", loom("services:\n  a: &a { port: 1 }\n  b: { <<: *a }"), Syntax, ("loom.yaml:6:8", "<<"), "write the keys out"),
        case("a key twice", loom("gate: warn\ngate: hold"), DuplicateKey, ("loom.yaml:5:1", "gate"), "keep one"),
        case("nesting", story("stories/a.json", &format!("{{\"id\": \"S-1\", \"x\": {}}}", "[".repeat(200))), TooLarge, ("stories/a.json:1:147", "["), "flatten it"),
        case("bad JSON in a JSON string", story("stories/a.json", r#""{\n  \"id\": \"S-1\",\n  \"title\" \"x\"\n}""#), Syntax, ("stories/a.json:1:37", r#"\""#), "brackets"),
    ]
}

#[rustfmt::skip]
fn project() -> Vec<Case> {
    use Code::{BadValue, FileMissing, FormatVersion, MissingKey, NoMatch, NotSupported, PlainBoolean, Refactoring, UnknownKey, WrongType};
    vec![
        case("no loom.yaml", Vec::new(), FileMissing, ("loom.yaml:1:1", ""), "write the file"),
        case("an empty loom.yaml", whole(""), WrongType, ("loom.yaml:1:1", ""), "begin with `loom: 1`"),
        case("a newer format", whole("loom: 2\nnew: {}\n"), FormatVersion, ("loom.yaml:1:7", "2"), "write `loom: 1`"),
        case("no version", whole("project: shop\nenvironments: { a: {} }\n"), MissingKey, ("loom.yaml:1:1", "project: shop\nenvironments: { a: {} }"), "add `loom`"),
        case("no environments", whole("loom: 1\nproject: shop\nenvironments: {}\n"), MissingKey, ("loom.yaml:3:15", "{}"), "name at least one"),
        case("what an artifact reads is there, and the environments are not", whole("loom: 1\nproject: shop\nservices: { api: { port: 1 } }\nartifacts: [{ kind: file, name: x, service: api, content: '${service:port}' }]\n"), MissingKey, ("loom.yaml:1:1", "loom: 1\nproject: shop\nservices: { api: { port: 1 } }\nartifacts: [{ kind: file, name: x, service: api, content: '${service:port}' }]"), "add `environments`"),
        case("a bad project name", whole("loom: 1\nproject: My Shop\nenvironments: { a: {} }\n"), BadValue, ("loom.yaml:2:10", "My Shop"), ""),
        case("an unknown key", loom("servces: {}"), UnknownKey, ("loom.yaml:4:1", "servces"), "did you mean `services`?"),
        case("an unknown key far from all", loom("zzz: 1"), UnknownKey, ("loom.yaml:4:1", "zzz"), "known keys: `loom`"),
        case("a list for a mapping", loom("services: []"), WrongType, ("loom.yaml:4:11", "[]"), ""),
        case("an unknown word", loom("gate: wran"), BadValue, ("loom.yaml:4:7", "wran"), "did you mean `warn`?"),
        case("a pattern that is none", loom("stories: ['stories/[']"), BadValue, ("loom.yaml:4:11", "'stories/['"), "`**` for any directories"),
        case("a pattern without a file", loom("stories: [tales/*.yaml]"), NoMatch, ("loom.yaml:4:11", "tales/*.yaml"), "from the repository's root"),
        case("an include without a file", loom("include: [services/*/loom.yaml]"), NoMatch, ("loom.yaml:4:11", "services/*/loom.yaml"), "from the repository's root"),
        case("a plain boolean", loom("services: { api: { title: no } }"), PlainBoolean, ("loom.yaml:4:27", "no"), "write \"no\" for the text"),
        case("providers", loom("providers: { x: { command: [./x], sha256: aa } }"), NotSupported, ("loom.yaml:4:1", "providers"), "`template`"),
        case("removed without a subject", loom("removed: [{ keep: true }]"), Refactoring, ("loom.yaml:4:11", "{ keep: true }"), "{ story: CODE }"),
        case("removed with two subjects", loom("removed: [{ story: S-1, address: file.x }]"), Refactoring, ("loom.yaml:4:11", "{ story: S-1, address: file.x }"), "{ story: CODE }"),
        case("moved to no address", loom("moved: [{ from: file.x, to: y }]"), BadValue, ("loom.yaml:4:29", "y"), ""),
        case("a pin of an action", loom("pins: { actions: { actions/checkout: { version: v4, sha: v4.2.2 } } }"), BadValue, ("loom.yaml:4:58", "v4.2.2"), "git ls-remote https://github.com/actions/checkout"),
        case("a digest of an image", loom("pins: { images: { node: { tag: 22.1.0-slim, digest: sha256:12 } } }"), BadValue, ("loom.yaml:4:53", "sha256:12"), "imagetools inspect"),
    ]
}

#[rustfmt::skip]
fn services() -> Vec<Case> {
    use Code::{BadValue, Credential, NameTaken, NoValueForEnvironment, UnknownEnvironment, UnknownKey, WrongType};
    let service = |text: &str| loom(&format!("services:\n  api: {text}"));
    vec![
        case("an environment called like a setting", whole("loom: 1\nproject: shop\nenvironments: { port: {} }\n"), NameTaken, ("loom.yaml:3:17", "port"), "take another name"),
        case("an environment called default", whole("loom: 1\nproject: shop\nenvironments: { default: {} }\n"), NameTaken, ("loom.yaml:3:17", "default"), "take another name"),
        case("an environment with capitals", whole("loom: 1\nproject: shop\nenvironments: { Prod: {} }\n"), BadValue, ("loom.yaml:3:17", "Prod"), ""),
        case("an unknown approval", whole("loom: 1\nproject: shop\nenvironments: { a: { approval: yes-please } }\n"), BadValue, ("loom.yaml:3:32", "yes-please"), ""),
        case("a port out of bounds", service("{ port: 70000 }"), BadValue, ("loom.yaml:5:16", "70000"), ""),
        case("a port in words", service("{ port: http }"), WrongType, ("loom.yaml:5:16", "http"), ""),
        case("a text that is a number", service("{ title: 12 }"), WrongType, ("loom.yaml:5:17", "12"), "quote it: \"12\""),
        case("an unknown setting", service("{ replica: 2 }"), UnknownKey, ("loom.yaml:5:10", "replica"), "did you mean `replicas`?"),
        case("an unknown environment", service("{ port: { staging: 1, prodution: 2 } }"), UnknownEnvironment, ("loom.yaml:5:30", "prodution"), "did you mean `production`?"),
        case("no value for an environment", service("{ port: { staging: 1 } }"), NoValueForEnvironment, ("loom.yaml:5:16", "{ staging: 1 }"), "add `production: …` or `default: …`"),
        case("no value deep inside", service("{ environment: { LEVEL: { value: { production: 1 } } } }"), NoValueForEnvironment, ("loom.yaml:5:41", "{ production: 1 }"), "add `staging: …`"),
        case("environments around a group of settings", service("{ database: { staging: { storage: 1 } } }"), UnknownKey, ("loom.yaml:5:22", "staging"), "inside each setting, such as `engine: { staging: … }`"),
        case("an unknown strategy", service("{ strategy: blue-gren }"), BadValue, ("loom.yaml:5:20", "blue-gren"), "did you mean `blue-green`?"),
        case("an amount that is none", service("{ resources: { memory: lots } }"), BadValue, ("loom.yaml:5:31", "lots"), ""),
        case("a health path without a slash", service("{ health: health }"), BadValue, ("loom.yaml:5:18", "health"), "such as `/health`"),
        case("a path that leaves the repository", service("{ path: ../../etc }"), BadValue, ("loom.yaml:5:16", "../../etc"), ""),
        case("a variable that no shell takes", service("{ environment: { API-PORT: { value: 1 } } }"), BadValue, ("loom.yaml:5:25", "API-PORT"), "`API_PORT`"),
        case("a secret with a value", service("{ environment: { X: { secret: true, value: a } } }"), BadValue, ("loom.yaml:5:51", "a"), "remove `value`"),
        case("an unknown manager", service("{ environment: { X: { secret: { from: vaults } } } }"), BadValue, ("loom.yaml:5:46", "vaults"), "did you mean `vault`?"),
        case("a known token", service("{ labels: { x: ghp_0123456789abcdefghijABCDEFGHIJ012345 } }"), Credential, ("loom.yaml:5:23", "****************************************"), "replace it where it was issued"),
        case("a random value in a secret's place", service("{ environment: { JWT_SECRET: { value: q8Zr2LwX9vKt4NbY7mPc } } }"), Credential, ("loom.yaml:5:46", "********************"), "secret: true"),
    ]
}

#[rustfmt::skip]
fn files() -> Vec<Case> {
    use Code::{BadValue, NameTaken, StackDisagrees, UnknownKey, WrongType};
    let include = |text: &str| {
        let root = format!("{HEAD}include: [api/loom.yaml]\nservices: {{ web: {{}} }}\n");
        vec![("loom.yaml", root), ("api/loom.yaml", text.to_owned())]
    };
    let stack = |text: &str| vec![("loom.yaml", HEAD.to_owned()), (".agent/loom/stack-config.json", text.to_owned())];
    let at = ".agent/loom/stack-config.json";
    assert_eq!(at, loom_plan::project::read::STACK_FILE);
    vec![
        case("a service in two files", include("loom: 1\nservices: { web: {} }\n"), NameTaken, ("api/loom.yaml:2:13", "web"), "keep one of the two"),
        case("a key of the project in an include", include("loom: 1\ngate: hold\n"), UnknownKey, ("api/loom.yaml:2:1", "gate"), "known keys"),
        case("a watch that leaves the repository", include("loom: 1\nservices: { api: { watch: [../../x] } }\n"), BadValue, ("api/loom.yaml:2:28", "../../x"), ""),
        case("an unknown word of the stack", stack("{ \"infrastructure\": { \"ci\": \"travis\" } }"), BadValue, (".agent/loom/stack-config.json:1:29", "\"travis\""), ""),
        case("a word of the stack that is nearly right", stack("{ \"runtime\": \"pyhton\" }"), BadValue, (".agent/loom/stack-config.json:1:14", "\"pyhton\""), "did you mean `python`?"),
        case("a stack that disagrees", stack("{ \"infrastructure\": { \"iac\": \"cloudformation\", \"cloud\": \"gcp\" } }"), StackDisagrees, (".agent/loom/stack-config.json:1:30", "\"cloudformation\""), "may be `aws`"),
        case("a stack that is a list", stack("[]"), WrongType, (".agent/loom/stack-config.json:1:1", "[]"), ""),
    ]
}

#[rustfmt::skip]
fn stories() -> Vec<Case> {
    use Code::{BadValue, MissingKey, NameTaken, StoryForm, StoryTwice, UnknownKey, UnknownTask, WrongType};
    let block = r#"{"code": "S-1", "id": "u", "tasks": [{"id": "t", "description": "Do.\n\n```loom\nartifacts:\n  - { kind: docs, nme: \"x\" }\n```\n"}]}"#;
    let key = r#"{"code": "S-1", "id": "u", "tasks": [{"id": "t", "description": "```loom\r\nartifacts: []\r\nartefacts: []\r\n```"}]}"#;
    vec![
        case("no story", story("stories/a.yaml", "title: x\n"), StoryForm, ("stories/a.yaml:1:1", "t"), "begin with `story: CODE`"),
        case("a list of tasks", story("stories/a.json", "[]"), StoryForm, ("stories/a.json:1:1", "["), "loom story pull CODE"),
        case("one task of the board", story("stories/a.json", r#"{"id": "t", "storyId": "s", "title": "x"}"#), StoryForm, ("stories/a.json:1:1", "{"), "board story show"),
        case("a story twice", two(("stories/a.yaml", "story: S-1\n"), ("stories/b.json", r#"{"id": "s-1"}"#)), StoryTwice, ("stories/b.json:1:8", "\"s-1\""), "remove one of the files"),
        case("a code that is none", story("stories/a.yaml", "story: a/b\n"), BadValue, ("stories/a.yaml:1:8", "a/b"), "such as `ENT-001`"),
        case("the code of the project itself", story("stories/a.yaml", "story: Project\n"), NameTaken, ("stories/a.yaml:1:8", "Project"), "another code"),
        case("a code twice in one story", story("stories/a.yaml", "story: S-1\nid: S-2\n"), BadValue, ("stories/a.yaml:2:5", "S-2"), "take `id` out"),
        case("an unknown key of a story", story("stories/a.yaml", "story: S-1\nstaus: draft\n"), UnknownKey, ("stories/a.yaml:2:1", "staus"), "did you mean `status`?"),
        case("an unknown status of a story", story("stories/a.json", r#"{"id": "S-1", "status": "in progres"}"#), BadValue, ("stories/a.json:1:25", "\"in progres\""), "did you mean `in_progress`?"),
        case("an unknown status of a task", task("  status: waiting"), BadValue, ("stories/S-1.yaml:4:11", "waiting"), ""),
        case("an unknown key of a task", task("  artefacts: []"), UnknownKey, ("stories/S-1.yaml:4:3", "artefacts"), "did you mean `artifacts`?"),
        case("a task without an id", story("stories/a.yaml", "story: S-1\ntasks:\n- { title: x }\n"), MissingKey, ("stories/a.yaml:3:3", "{ title: x }"), "add `id`"),
        case("a task twice", task("- id: T-1"), NameTaken, ("stories/S-1.yaml:4:7", "T-1"), "another id"),
        case("an unknown task", task("- { id: T-2, dependencies: [T-01] }"), UnknownTask, ("stories/S-1.yaml:4:29", "T-01"), "did you mean `T-1`?"),
        case("tasks that are no list", story("stories/a.json", r#"{"id": "S-1", "tasks": {}}"#), WrongType, ("stories/a.json:1:24", "{}"), ""),
        case("artifacts that are no list", task("  artifacts: { kind: docs }"), WrongType, ("stories/S-1.yaml:4:14", "{ kind: docs }"), ""),
        case("an artifact without a name in a block", story("stories/a.json", block), MissingKey, ("stories/a.json:1:98", r#"{ kind: docs, nme: \"x\" }"#), "add `name: …`"),
        case("an unknown key in a block", story("stories/a.json", key), UnknownKey, ("stories/a.json:1:94", "artefacts"), "did you mean `artifacts`?"),
    ]
}

#[rustfmt::skip]
fn artifacts() -> Vec<Case> {
    use Code::{BadValue, Credential, MissingKey, NotSupported, UnknownEnvironment, WrongType};
    vec![
        case("an artifact that is a text", artifact("docs"), WrongType, ("stories/S-1.yaml:5:5", "docs"), "{ kind: …, service: … }"),
        case("no kind", artifact("{ name: x }"), MissingKey, ("stories/S-1.yaml:5:5", "{ name: x }"), "`kind: pipeline`"),
        case("a name with capitals", artifact("{ kind: file, name: Readme }"), BadValue, ("stories/S-1.yaml:5:25", "Readme"), ""),
        case("an unknown way to own", artifact("{ kind: file, name: x, own: blok }"), BadValue, ("stories/S-1.yaml:5:33", "blok"), "did you mean `block`?"),
        case("a program of one's own", artifact("{ kind: exec.lint, name: x }"), NotSupported, ("stories/S-1.yaml:5:13", "exec.lint"), "`template`"),
        case("a path into Git", artifact("{ kind: file, name: x, path: .git/config }"), BadValue, ("stories/S-1.yaml:5:34", ".git/config"), ""),
        case("an absolute path", artifact("{ kind: file, name: x, path: /etc/passwd }"), BadValue, ("stories/S-1.yaml:5:34", "/etc/passwd"), ""),
        case("an environment that is none", artifact("{ kind: docs, name: x, environments: [stagin] }"), UnknownEnvironment, ("stories/S-1.yaml:5:43", "stagin"), "did you mean `staging`?"),
        case("a dependency that is no address", artifact("{ kind: file, name: x, dependsOn: [y] }"), BadValue, ("stories/S-1.yaml:5:40", "y"), ""),
        case("a patch of no address", artifact("{ kind: docs, name: x, with: { y: {} } }"), BadValue, ("stories/S-1.yaml:5:36", "y"), ""),
        case("a key of a private kind", artifact("{ kind: file, name: x, content: \"a\\n-----BEGIN RSA PRIVATE KEY-----\\nMIIEowIBAAKCAQEA7bq3Jk5xWn2Zt8RvYc4PdLs9MIIEowIBAAKCAQEA7bq3Jk5x\" }"), Credential, ("stories/S-1.yaml:5:41", "*************************************************************************************************"), "take it out"),
        case("a password in a URL", artifact("{ kind: file, name: x, content: 'postgres://api:h8sK2mq@db/x' }"), Credential, ("stories/S-1.yaml:5:53", "*******"), "take it out"),
    ]
}

#[test]
fn each_fault_is_said_once_and_at_its_place() {
    let cases: Vec<Case> = [
        syntax(),
        project(),
        services(),
        files(),
        stories(),
        artifacts(),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(cases.len() >= 80, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let files: Vec<(&str, &str)> = case
            .files
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let run = Run::of(&files, None);
        let expected = format!(
            "{} {} `{}`: ",
            case.code,
            case.place,
            case.underlined.trim_end()
        );
        let report = run.report();
        let help = run
            .found
            .iter()
            .next()
            .and_then(|found| found.help.as_deref())
            .unwrap_or_default();
        if run.found.iter().len() != 1
            || !report.starts_with(&expected)
            || !help.contains(case.help)
        {
            wrong.push(format!(
                "{}:\n  expected {expected} ({})\n  found    {report}\n",
                case.name, case.help
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_right_is_read_though_something_else_is_wrong() {
    let run = Run::of(
        &[
            (
                "loom.yaml",
                &format!(
                    "{HEAD}gate: often\nservices: {{ api: {{ port: x }}, web: {{ port: 80 }} }}\n"
                ),
            ),
            (
                "stories/a.yaml",
                "story: S-1\nstatus: odd\ntasks: [{ id: T-1, artifacts: [{ kind: docs }, { kind: docs, service: web }] }]\n",
            ),
            ("stories/b.yaml", "story: S-2\n"),
        ],
        None,
    );
    assert_eq!(
        run.found
            .iter()
            .map(|found| found.code.as_str())
            .collect::<Vec<_>>(),
        ["LOOM0109", "LOOM0107", "LOOM0109", "LOOM0108"]
    );
    assert_eq!(run.project.map(|project| project.services.len()), Some(2));
    assert_eq!(
        run.stories
            .iter()
            .map(|story| story.code.as_str())
            .collect::<Vec<_>>(),
        ["S-1", "S-2"]
    );
    assert_eq!(run.stories[0].tasks[0].entries.len(), 1);
}

/// A text with some edits at random places.
fn edited(text: &str, edits: &[(prop::sample::Index, usize, String)]) -> String {
    let mut text = text.to_owned();
    for (from, length, insert) in edits {
        let from = text.floor_char_boundary(from.index(text.len() + 1));
        let to = text.ceil_char_boundary((from + length).min(text.len()));
        text.replace_range(from..to, insert);
    }
    text
}

proptest! {
    #[test]
    fn whatever_is_changed_the_readers_answer_with_good_places(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..30, "[\\PC\\t\\r\\n{}\\[\\]&*!|>'\"`~%@:,#-]{0,8}"), 1..6),
        which in 0_usize..3,
    ) {
        let board = include_str!("board/story-show.json");
        let include = "loom: 1\nservices: { api: { path: ., watch: [src/**] } }\n";
        let mut files = [("loom.yaml", format!("{LOOM}include: [api/loom.yaml]\n")), ("stories/a.yaml", STORY.replace("ENT-001", "ENT-002")), ("stories/b.json", board.to_owned())];
        files[which].1 = edited(&files[which].1, &edits);
        let mut files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        files.push(("api/loom.yaml", include));
        let run = Run::of(&files, None);
        for label in run.found.iter().flat_map(|found| &found.labels) {
            let outer = run.sources.outermost(label.span);
            for span in [label.span, outer] {
                prop_assert!(run.sources.get(span.source).text.get(span.start as usize..span.end as usize).is_some());
            }
        }
        prop_assert!(run.found.iter().all(|found| !found.labels.is_empty()), "{}", run.report());
    }
}
