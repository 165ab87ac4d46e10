//! The workflows of GitHub Actions.

use std::fs;
use std::process::Command;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde_yaml::Value;

use super::{Forge, HOSTILE, pairs, read, text};
use crate::sandbox::{Ran, Sandbox};

const PLAN: &str = ".github/workflows/loom-plan.yml";
const DRIFT: &str = ".github/workflows/loom-drift.yml";

fn forge(commit: &str) -> Forge {
    Forge::of(&format!("delivery-github-{commit}"))
}

/// The script of a step.
fn step(forge: &Forge, file: &str, job: &str, name: &str) -> String {
    let steps = read(forge, file)["jobs"][job]["steps"]
        .as_sequence()
        .expect("steps")
        .clone();
    let step = steps
        .into_iter()
        .find(|step| step["name"] == name)
        .unwrap_or_else(|| panic!("{job} has no step {name}"));
    text(&step["run"])
}

/// The action's own step, with loom from this build.
fn action(
    forge: &Forge,
    inputs: &[(&str, &str)],
) -> (Ran, std::collections::BTreeMap<String, String>) {
    let outputs = forge.outside("runner/outputs");
    fs::write(&outputs, "").expect("written");
    let (runner, summary) = (forge.outside("runner"), forge.outside("runner/step.md"));
    let mut environment = vec![
        ("LOOM", env!("CARGO_BIN_EXE_loom")),
        ("RUNNER_TEMP", &runner),
        ("GITHUB_OUTPUT", &outputs),
        ("GITHUB_STEP_SUMMARY", &summary),
        ("COMMAND", "plan"),
        ("ARGUMENTS", ""),
        ("DIRECTORY", "."),
        ("FORMAT", ""),
        ("ACCEPT", "0"),
    ];
    environment.extend(inputs);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../action/run.sh");
    let ran = forge.run(
        &fs::read_to_string(script).expect("the action's script"),
        &environment,
    );
    let outputs = pairs(&fs::read_to_string(&outputs).expect("outputs"));
    (ran, outputs)
}

/// What the first job hands over, seen by a job that takes it.
fn handed_over(
    forge: &Forge,
    inputs: &[(&str, &str)],
) -> std::collections::BTreeMap<String, String> {
    let (_, outputs) = action(forge, &[&[("ACCEPT", "any")], inputs].concat());
    fs::copy(
        &outputs["summary"],
        forge.sandbox.root().join("loom-summary.md"),
    )
    .expect("a report");
    outputs
}

fn comment(forge: &Forge) -> Ran {
    let script = step(forge, PLAN, "comment", "Comment");
    forge.run(
        &script,
        &[("REPOSITORY", "o/r"), ("NUMBER", "7"), ("GH_TOKEN", "t")],
    )
}

fn issue(forge: &Forge, code: &str) -> Ran {
    let script = step(forge, DRIFT, "report", "Open, update or close the issue");
    forge.run(
        &script,
        &[
            ("REPOSITORY", "o/r"),
            ("CODE", code),
            ("RUN", "https://run"),
            ("GH_TOKEN", "t"),
        ],
    )
}

#[test]
fn a_plan_is_one_comment_that_is_updated_in_place_whoever_else_writes_one() {
    let forge = forge("author");
    forge.change("/drafts", "/private");
    forge.written_by("ada", 1, "<!-- loom plan -->\nmine");
    forge.written_by(
        "github-actions[bot]",
        2,
        "another job's\n<!-- loom plan -->",
    );
    let first = handed_over(&forge, &[]);
    assert_eq!(first["exit-code"], "2");
    assert_eq!(
        comment(&forge).comes_to(0).out,
        "",
        "nothing of the plan is printed by the job that may write"
    );
    let body = forge.held("3/body");
    assert_eq!(
        body,
        fs::read_to_string(&first["summary"]).expect("the report")
    );
    assert!(
        body.contains("public/robots.txt") && body.contains(&first["digest"]),
        "{body}"
    );

    forge.change("/private", "/elsewhere");
    let second = handed_over(&forge, &[]);
    assert_ne!(first["digest"], second["digest"]);
    comment(&forge).comes_to(0);
    assert!(
        forge.held("3/body").contains(&second["digest"]) && !forge.holds("4"),
        "updated, and never a second one"
    );
    assert_eq!(
        forge.held("1/body"),
        "<!-- loom plan -->\nmine\n",
        "nobody else's comment is touched"
    );
    assert!(forge.held("2/body").starts_with("another"));
}

#[test]
fn an_authors_request_is_shown_against_its_base_and_must_be_whole() {
    let forge = forge("author");
    let arguments = text(&read(&forge, PLAN)["jobs"]["plan"]["steps"][1]["with"]["arguments"]);
    let planned = || handed_over(&forge, &[("ARGUMENTS", &arguments)]);
    let git = |arguments: &[&str]| {
        forge.sandbox.git(
            &[
                &["-c", "user.name=Ada", "-c", "user.email=ada@example.com"],
                arguments,
            ]
            .concat(),
        );
    };
    // as GitHub makes it: the request's branch is merged with its base, which moved on meanwhile
    let merge = || git(&["merge", "--quiet", "--no-ff", "--message", "m", "request"]);
    git(&["checkout", "--quiet", "-b", "request"]);
    forge.change("/drafts", "/private");
    git(&["checkout", "--quiet", "main"]);
    forge.sandbox.write("README.md", "ours\n");
    forge.sandbox.commit();
    git(&["checkout", "--quiet", "--detach"]);
    merge();
    let incomplete = planned();
    assert_eq!(
        incomplete["exit-code"], "2",
        "the input alone is no whole request"
    );
    comment(&forge).comes_to(0);

    git(&["checkout", "--quiet", "request"]);
    forge.sandbox.apply();
    forge.sandbox.remove("loom-summary.md");
    forge.sandbox.commit();
    git(&["checkout", "--quiet", "--detach", "main"]);
    merge();
    assert_eq!(planned()["exit-code"], "0");
    comment(&forge).comes_to(0);
    let body = forge.held("1/body");
    assert!(
        body.contains("+Disallow: /private") && body.contains("public/robots.txt"),
        "{body}"
    );
    assert!(!body.contains("README.md") && !forge.holds("2"), "{body}");
}

#[test]
fn the_job_that_may_write_refuses_what_is_no_plan() {
    let forge = forge("author");
    let file = forge.sandbox.root().join("loom-summary.md");
    let refused = |why: &str| {
        comment(&forge).comes_to(1).says(why);
        assert!(!forge.holds("1"), "{why}");
    };
    refused("not handed over as a file");
    std::os::unix::fs::symlink("/etc/passwd", &file).expect("linked");
    refused("not handed over as a file");
    fs::remove_file(&file).expect("removed");
    fs::write(&file, "::error::x\n<!-- loom plan -->\n").expect("written");
    refused("no plan of loom");
    fs::write(&file, format!("<!-- loom plan -->\n{}", "x".repeat(70_000))).expect("written");
    refused("longer than a comment may be");
}

#[test]
fn text_of_people_is_neither_a_command_to_the_runner_nor_markup_in_the_comment() {
    let forge = forge("author");
    forge.change("User-agent: *\\nDisallow: /drafts\\n", HOSTILE);
    let (ran, outputs) = action(&forge, &[("ACCEPT", "any")]);
    is_unheard(&ran);
    assert_eq!(
        outputs.keys().map(String::as_str).collect::<Vec<_>>(),
        ["digest", "exit-code", "report", "summary"]
    );
    let report = fs::read_to_string(&outputs["summary"]).expect("the report");
    assert!(report.matches("MARK").count() >= 7, "{report}");
    is_only_code(&report);
    let (ran, _) = action(&forge, &[("COMMAND", "apply"), ("ARGUMENTS", "--yes")]);
    assert!(
        ran.out.matches("MARK").count() >= 7,
        "an apply prints what it does\n{ran}"
    );
    is_unheard(&ran);
    forge
        .sandbox
        .append("loom.yaml", "\"##[error]MARK\": ::error::MARK\n");
    let (ran, _) = action(&forge, &[("ACCEPT", "any")]);
    assert!(ran.out.contains("MARK"), "an error shows the line\n{ran}");
    is_unheard(&ran);
}

/// The hostile text is printed only while the runner listens to nothing.
fn is_unheard(ran: &Ran) {
    let mut stopped: Option<String> = None;
    for line in ran.out.lines() {
        match &stopped {
            Some(word) if line == format!("::{word}::") => stopped = None,
            None if line.starts_with("::stop-commands::") => {
                stopped = line.strip_prefix("::stop-commands::").map(str::to_owned);
            }
            None => assert!(!line.contains("MARK"), "outside of stop-commands: {line}"),
            Some(_) => {}
        }
    }
    assert!(!ran.err.contains("MARK"), "{ran}");
    assert_eq!(stopped, None, "the runner listens again");
}

/// The hostile text stands in code blocks, and nowhere else.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of a parser's many events these few are looked at"
)]
fn is_only_code(report: &str) {
    let mut code = false;
    for event in Parser::new(report) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                assert!(code || !text.contains("MARK"), "outside of code: {text}");
            }
            _ => {}
        }
    }
}

#[test]
fn a_plan_of_thousands_of_files_fits_into_a_comment() {
    let forge = forge("author");
    let text = "text ".repeat(20);
    let entry = |number: u32| {
        let path = format!("generated/some-directory/file-{number}.txt");
        format!("  - {{ kind: file, name: f{number}, path: {path}, content: \"{text}\" }}\n")
    };
    let entries: String = (0..1500).map(entry).collect();
    forge.sandbox.append("loom.yaml", &entries);
    let outputs = handed_over(&forge, &[]);
    let length = fs::metadata(&outputs["summary"]).expect("the report").len();
    assert!((10_000..=60_000).contains(&length), "{length}");
    comment(&forge).comes_to(0);
}

#[test]
fn exit_codes_are_kept_apart() {
    for (commit, code, comes_to, says) in [
        ("author", "0", 0, "as declared"),
        ("author", "2", 2, "Run loom apply"),
        (
            "bot",
            "2",
            0,
            "once the deployment to the environment loom is approved",
        ),
        ("author", "3", 3, "Run the job again"),
        ("bot", "4", 4, "needs a person"),
        ("author", "5", 5, "policy"),
        ("author", "1", 1, "could not plan"),
        ("bot", "", 1, "could not plan"),
    ] {
        let forge = forge(commit);
        let judge = step(&forge, PLAN, "plan", "Judge");
        forge
            .run(&judge, &[("CODE", code), ("COMMIT", commit)])
            .comes_to(comes_to)
            .says(says);
    }
    let forge = forge("author");
    let settle = step(&forge, DRIFT, "compare", "Judge");
    for (code, comes_to) in [("0", 0), ("2", 0), ("1", 1), ("", 1)] {
        forge.run(&settle, &[("CODE", code)]).comes_to(comes_to);
    }
}

#[test]
fn the_action_ends_as_loom_does_unless_the_code_is_accepted() {
    let forge = forge("author");
    action(&forge, &[]).0.comes_to(0);
    forge.change("/drafts", "/private");
    action(&forge, &[])
        .0
        .comes_to(2)
        .says("::error title=Loom::loom plan ended with exit code 2");
    action(&forge, &[("ACCEPT", "0 2")]).0.comes_to(0);
    let (ran, outputs) = action(&forge, &[("COMMAND", "apply"), ("ARGUMENTS", "--yes")]);
    ran.comes_to(0).says("Applied");
    assert_eq!(
        (outputs["digest"].as_str(), outputs["summary"].as_str()),
        ("", "")
    );
    forge.sandbox.append("loom.yaml", "nonsense: 1\n");
    let (ran, outputs) = action(&forge, &[("ACCEPT", "any")]);
    ran.comes_to(0).says("nonsense");
    assert_eq!(outputs["exit-code"], "1");
    let report = fs::read_to_string(&outputs["summary"]).expect("a report");
    assert!(
        report.starts_with("<!-- loom plan -->\n") && report.contains("exit code 1"),
        "{report}"
    );
}

#[test]
fn the_action_writes_one_more_report_where_it_is_asked_to_and_runs_in_its_directory() {
    let forge = forge("author");
    let (_, outputs) = action(&forge, &[("FORMAT", "sarif"), ("DIRECTORY", "public")]);
    let report = fs::read_to_string(&outputs["report"]).expect("a report");
    let log: serde_json::Value = serde_json::from_str(&report).expect("SARIF is JSON");
    assert_eq!(log["version"], "2.1.0");
}

#[test]
fn drift_opens_one_issue_updates_it_and_closes_it_when_all_is_well() {
    let forge = forge("author");
    let compared = |forge: &Forge| handed_over(forge, &[("COMMAND", "drift")]);
    assert_eq!(compared(&forge)["exit-code"], "0");
    issue(&forge, "0").comes_to(0);
    assert!(!forge.holds("1"), "all is well, and nobody is told");

    forge
        .sandbox
        .append("public/robots.txt", "Disallow: /more\n");
    assert_eq!(compared(&forge)["exit-code"], "2");
    issue(&forge, "2").comes_to(0);
    assert!(
        forge.held("1/body").contains("public/robots.txt")
            && forge.held("log").contains("label create loom-drift")
    );
    forge.sandbox.remove("public/robots.txt");
    compared(&forge);
    issue(&forge, "2").comes_to(0);
    assert!(
        forge.held("1/body").contains("missing") && !forge.holds("2"),
        "updated, and never a second one"
    );

    forge.sandbox.append("loom.yaml", "nonsense: 1\n");
    assert_eq!(compared(&forge)["exit-code"], "1");
    issue(&forge, "1").comes_to(0);
    assert!(
        forge
            .held("1/body")
            .contains("nothing was compared, 1 error")
            && forge.held("1/state") == "open\n",
        "an error is not all is well"
    );

    forge.sandbox.git(&["checkout", "--quiet", "."]);
    assert_eq!(compared(&forge)["exit-code"], "0");
    issue(&forge, "0").comes_to(0);
    assert_eq!(forge.held("1/state"), "closed\n");
    assert!(forge.held("last-words").contains("https://run"));
    issue(&forge, "0").comes_to(0);
    forge
        .sandbox
        .append("public/robots.txt", "Disallow: /more\n");
    compared(&forge);
    issue(&forge, "2").comes_to(0);
    assert!(
        forge.holds("2") && forge.held("1/state") == "closed\n",
        "new drift is a new issue"
    );
}

#[test]
fn a_bot_refuses_early_where_it_could_not_push_or_nobody_approved() {
    let forge = forge("bot");
    let script = step(&forge, PLAN, "apply", "See that the push may happen");
    let ready = |changes: &[(&str, &str)]| {
        let mut environment = vec![
            ("REPOSITORY", "o/r"),
            ("CLIENT_ID", "Iv1"),
            ("BRANCH", "feature"),
            ("DEFAULT_BRANCH", "main"),
            ("DIGEST", "3f1c"),
            ("GH_TOKEN", "t"),
        ];
        environment.extend(changes);
        forge.run(&script, &environment)
    };
    ready(&[]).comes_to(0);
    ready(&[("CLIENT_ID", "")])
        .comes_to(1)
        .says("may not push workflow files");
    ready(&[("BRANCH", "main")])
        .comes_to(1)
        .says("default branch");
    ready(&[("DIGEST", "--yes")]).comes_to(1).says("digest");
    fs::write(forge.sandbox.outside("forge/reviewers"), "0\n").expect("written");
    ready(&[]).comes_to(1).says("no required reviewers");
}

/// A clone of the repository that stands on the server as `o/r.git`.
fn served(forge: &Forge) -> String {
    let server = forge.outside("server");
    fs::create_dir_all(format!("{server}/o")).expect("a directory");
    forge
        .sandbox
        .git(&["init", "--quiet", "--bare", &format!("{server}/o/r.git")]);
    forge.sandbox.git(&[
        "push",
        "--quiet",
        &format!("{server}/o/r.git"),
        "HEAD:refs/heads/feature",
    ]);
    server
}

fn push(forge: &Forge, server: &str) -> Ran {
    let script = step(forge, PLAN, "apply", "Push");
    forge.run(
        &script,
        &[
            ("SERVER", server),
            ("REPOSITORY", "o/r"),
            ("BRANCH", "feature"),
            ("GH_TOKEN", "t"),
        ],
    )
}

/// What the job *Apply* does: as the environment of the job says.
fn apply(forge: &Forge, digest: &str) -> Ran {
    let arguments = format!("--expect {digest} --to-branch loom-apply");
    let workflow: Value = read(forge, PLAN);
    let job = &workflow["jobs"]["apply"];
    let people =
        ["GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"].map(|name| (name, text(&job["env"][name])));
    let people: Vec<(&str, &str)> = people
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    action(
        forge,
        &[
            &[("COMMAND", "apply"), ("ARGUMENTS", arguments.as_str())],
            people.as_slice(),
        ]
        .concat(),
    )
    .0
}

#[test]
fn a_bot_pushes_exactly_the_reviewed_plan_as_one_commit_and_a_retry_is_green() {
    let forge = forge("bot");
    forge.change("/drafts", "/private");
    let server = served(&forge);
    let digest = handed_over(&forge, &[])["digest"].clone();
    forge.sandbox.git(&["checkout", "--quiet", "--detach"]);
    apply(&forge, &digest).comes_to(0);
    assert!(
        forge.sandbox.read("public/robots.txt").contains("/drafts"),
        "the checkout is left alone"
    );
    push(&forge, &server).comes_to(0);
    let clone = forge.outside("clone");
    forge.sandbox.git(&[
        "clone",
        "--quiet",
        "--branch",
        "feature",
        &format!("{server}/o/r.git"),
        &clone,
    ]);
    assert!(
        fs::read_to_string(format!("{clone}/public/robots.txt"))
            .expect("it is there")
            .contains("/private")
    );
    let parents = forge
        .sandbox
        .git(&["-C", &clone, "log", "--format=%h", "HEAD~1"]);
    assert_eq!(
        parents,
        forge.sandbox.git(&["log", "--format=%h", "HEAD"]),
        "one commit on top of the request"
    );
    let settled = Command::new(env!("CARGO_BIN_EXE_loom"))
        .args(["-C", &clone, "plan", "--detailed-exitcode"])
        .output();
    assert_eq!(settled.expect("loom can be run").status.code(), Some(0));

    // the same job once more, on what it pushed
    forge
        .sandbox
        .git(&["checkout", "--quiet", "--detach", "loom-apply"]);
    forge
        .sandbox
        .git(&["branch", "--quiet", "--delete", "--force", "loom-apply"]);
    apply(&forge, &digest).comes_to(0);
    push(&forge, &server)
        .comes_to(0)
        .says("Nothing was left to do");
}

#[test]
fn a_bot_writes_nothing_where_the_plan_is_another_one_or_the_branch_moved_on() {
    let forge = forge("bot");
    forge.change("/drafts", "/private");
    let digest = handed_over(&forge, &[])["digest"].clone();
    forge.sandbox.git(&["checkout", "--quiet", "--detach"]);
    forge.change("/private", "/unseen");
    apply(&forge, &digest).comes_to(3);
    assert!(!forge.sandbox.git_may_fail(&[
        "rev-parse",
        "--verify",
        "--quiet",
        "refs/heads/loom-apply"
    ]));

    let digest = handed_over(&forge, &[])["digest"].clone();
    apply(&forge, &digest).comes_to(0);
    forge.sandbox.write("other.txt", "x\n");
    forge.sandbox.commit();
    let server = served(&forge);
    let before = forge
        .sandbox
        .git(&["ls-remote", &format!("{server}/o/r.git")]);
    push(&forge, &server)
        .comes_to(1)
        .says("the branch is as it was");
    assert_eq!(
        forge
            .sandbox
            .git(&["ls-remote", &format!("{server}/o/r.git")]),
        before
    );
}

#[test]
fn a_fork_gets_a_plan_and_no_job_that_may_write_or_holds_a_secret() {
    let same = "github.event.pull_request.head.repo.full_name == github.repository";
    for commit in ["author", "bot"] {
        let forge = forge(commit);
        for (id, job) in read(&forge, PLAN)["jobs"].as_mapping().expect("jobs") {
            let written = serde_yaml::to_string(job).expect("YAML");
            let writes = written.contains(": write") || written.contains("secrets.");
            assert_eq!(writes, id != "plan", "{id:?}");
            assert_eq!(
                job["if"]
                    .as_str()
                    .is_some_and(|condition| condition.contains(same)),
                writes,
                "{id:?}"
            );
        }
    }
}

#[test]
fn the_filters_find_loom_s_own_among_all_wherever_jq_is_installed() {
    let forge = forge("author");
    let filter = |script: &str| {
        script
            .split("--jq '")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
            .expect("a filter")
            .to_owned()
    };
    let jq = |filter: &str, input: &str| {
        let file = forge.outside("input.json");
        fs::write(&file, input).expect("written");
        Command::new("jq")
            .args(["--raw-output", filter, &file])
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let comments = filter(&step(&forge, PLAN, "comment", "Comment"));
    let listed = r#"[{"id":1,"user":{"login":"ada"},"body":"<!-- loom plan -->\n"},
        {"id":2,"user":{"login":"github-actions[bot]"},"body":"x <!-- loom plan -->"},
        {"id":3,"user":{"login":"github-actions[bot]"},"body":"<!-- loom plan -->\nx"}]"#;
    let Ok(found) = jq(&comments, listed) else {
        return;
    };
    assert_eq!(found, "3\n");
    let issues = filter(&step(
        &forge,
        DRIFT,
        "report",
        "Open, update or close the issue",
    ));
    let listed = r#"[{"number":8,"user":{"login":"github-actions[bot]"},"body":null},
        {"number":9,"user":{"login":"github-actions[bot]"},"body":"<!-- loom drift -->\nx"}]"#;
    assert_eq!(jq(&issues, listed).expect("jq is there"), "9\n");
    let reviewers = filter(&step(
        &super::github::forge("bot"),
        PLAN,
        "apply",
        "See that the push may happen",
    ));
    let rules = r#"{"protection_rules":[{"type":"wait_timer"},{"type":"required_reviewers"}]}"#;
    assert_eq!(jq(&reviewers, rules).expect("jq is there"), "1\n");
    assert_eq!(
        jq(&reviewers, r#"{"name":"loom"}"#).expect("jq is there"),
        "0\n"
    );
}

/// A checkout of the action with sources, and a `cargo` that installs what it is told to.
#[test]
fn the_action_builds_once_for_the_same_sources() {
    let forge = forge("author");
    let checkout = forge.sandbox.outside("action");
    for directory in ["action", "crates/loom-cli"] {
        fs::create_dir_all(checkout.join(directory)).expect("a directory");
    }
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        "crates/loom-cli/main.rs",
    ] {
        fs::write(checkout.join(name), "1\n").expect("written");
    }
    let script = checkout.join("action/install.sh");
    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../action/install.sh"),
        &script,
    )
    .expect("copied");
    forge.program(
        "cargo",
        "#!/bin/sh\nset -eu\necho \"$*\" >>\"$FORGE/cargo\"\nmkdir -p \"$6/bin\"\nprintf '#!/bin/sh\\necho loom 9\\n' >\"$6/bin/loom\"\nchmod +x \"$6/bin/loom\"\n",
    );
    let (runner, outputs, path) = (
        forge.outside("runner"),
        forge.outside("runner/outputs"),
        forge.outside("runner/path"),
    );
    let install = |verb: &str| {
        let line = format!("sh {} {verb}", script.display());
        let environment = [
            ("RUNNER_TEMP", runner.as_str()),
            ("GITHUB_OUTPUT", &outputs),
            ("GITHUB_PATH", &path),
        ];
        forge.run(&line, &environment)
    };
    let key = || {
        fs::write(&outputs, "").expect("written");
        install("key").comes_to(0);
        pairs(&fs::read_to_string(&outputs).expect("outputs"))
            .remove("key")
            .expect("a key")
    };
    let first = key();
    assert_eq!((first.len(), &first), (40, &key()));
    fs::write(checkout.join("crates/loom-cli/main.rs"), "2\n").expect("written");
    assert_ne!(first, key());
    install("build").comes_to(0).says("loom 9");
    install("build").comes_to(0).says("loom 9");
    assert_eq!(
        forge.held("cargo").lines().count(),
        1,
        "what the cache held is not built again"
    );
    assert!(
        forge
            .held("cargo")
            .starts_with("install --locked --path crates/loom-cli --root "),
        "{}",
        forge.held("cargo")
    );
    assert_eq!(
        fs::read_to_string(&path).expect("a path"),
        format!("{runner}/loom/bin\n").repeat(2)
    );
}

/// The project's own workflows are what its own loom writes.
#[test]
fn the_project_has_nothing_to_do_for_loom_in_its_own_repository() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let sandbox = Sandbox::empty();
    for path in [
        "loom.yaml",
        PLAN,
        DRIFT,
        ".gitattributes",
        ".loom/.gitignore",
        ".loom/ledger/project.jsonl",
    ] {
        sandbox.write(
            path,
            &fs::read_to_string(format!("{root}/{path}"))
                .unwrap_or_else(|error| panic!("{path}: {error}")),
        );
    }
    sandbox.is_settled();
}
