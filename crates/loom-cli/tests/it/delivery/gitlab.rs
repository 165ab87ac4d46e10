//! The jobs of GitLab CI.

use std::fs;
use std::path::Path;

use super::{Forge, HOSTILE, read, text};
use crate::sandbox::Ran;

const FILE: &str = "ci/loom.gitlab-ci.yml";
const API: &[(&str, &str)] = &[
    ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
    ("CI_PROJECT_ID", "3"),
    ("CI_MERGE_REQUEST_IID", "7"),
    ("CI_PIPELINE_URL", "https://pipeline"),
    ("CI_JOB_URL", "https://job"),
    ("LOOM_TOKEN", "secret"),
];

fn forge(commit: &str) -> Forge {
    let forge = Forge::of(&format!("delivery-gitlab-{commit}"));
    let program = Path::new(&forge.outside("built")).join("bin");
    fs::create_dir_all(&program).expect("a directory");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_loom"), program.join("loom")).expect("linked");
    forge.sandbox.append(".git/info/exclude", "loom-report/\n");
    forge
}

fn job(forge: &Forge, name: &str, environment: &[(&str, &str)]) -> Ran {
    let script = text(&read(forge, FILE)[name]["script"][0]);
    let home = forge.outside("built");
    let home: &[(&str, &str)] = &[("LOOM_HOME", &home)];
    forge.run(&script, &[API, home, environment].concat())
}

fn report(forge: &Forge, name: &str) -> String {
    forge.sandbox.read(&format!("loom-report/{name}"))
}

#[test]
fn a_plan_is_one_note_that_is_updated_in_place_and_gives_no_orders() {
    let forge = forge("bot");
    forge.change("User-agent: *\\nDisallow: /drafts\\n", HOSTILE);
    job(&forge, "loom-plan", &[("COMMIT", "bot")]).comes_to(0);
    assert_eq!(report(&forge, "code"), "2\n");
    forge.written_by("9", 1, "<!-- loom plan -->\nmine");
    job(&forge, "loom-note", &[]).comes_to(0);
    let body = forge.held("2/body");
    assert!(
        body.contains(report(&forge, "digest").trim()) && body.contains("MARK"),
        "{body}"
    );
    assert!(
        body.lines().all(|line| !line.starts_with('/')),
        "a line that begins with a stroke is an order\n{body}"
    );
    forge.change("MARK", "OTHER");
    job(&forge, "loom-plan", &[("COMMIT", "bot")]).comes_to(0);
    job(&forge, "loom-note", &[]).comes_to(0);
    assert!(
        forge.held("2/body").contains("OTHER") && !forge.holds("3"),
        "updated, and never a second one"
    );
    assert_eq!(forge.held("1/body"), "<!-- loom plan -->\nmine\n");
}

#[test]
fn an_authors_request_is_shown_against_its_base_and_must_be_whole() {
    let forge = forge("author");
    let base = forge.sandbox.git(&["rev-parse", "HEAD"]);
    let planned = || {
        job(
            &forge,
            "loom-plan",
            &[
                ("COMMIT", "author"),
                ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base.trim()),
            ],
        )
    };
    forge.change("/drafts", "/private");
    planned().comes_to(2).says("Run loom apply");
    assert_eq!(report(&forge, "code"), "2\n");
    forge.sandbox.apply();
    forge.sandbox.commit();
    planned().comes_to(0);
    job(&forge, "loom-note", &[]).comes_to(0);
    assert!(
        forge.held("1/body").contains("+Disallow: /private"),
        "{}",
        forge.held("1/body")
    );
}

#[test]
fn the_note_refuses_what_is_no_plan_and_says_which_variable_is_missing() {
    let forge = forge("bot");
    fs::create_dir(forge.sandbox.root().join("loom-report")).expect("a directory");
    forge.sandbox.write("loom-report/summary.md", "/merge\n");
    job(&forge, "loom-note", &[])
        .comes_to(1)
        .complains("no plan of loom");
    forge
        .sandbox
        .write("loom-report/summary.md", "<!-- loom plan -->\n/merge\n");
    job(&forge, "loom-note", &[("LOOM_TOKEN", "")])
        .comes_to(1)
        .complains("LOOM_TOKEN");
    job(&forge, "loom-note", &[]).comes_to(0);
    assert_eq!(forge.held("1/body"), "<!-- loom plan -->\n\\/merge\n");
}

#[test]
fn drift_opens_one_issue_updates_it_and_closes_it_when_all_is_well() {
    let forge = forge("author");
    job(&forge, "loom-drift", &[]).comes_to(0);
    job(&forge, "loom-issue", &[]).comes_to(0);
    assert!(!forge.holds("1"));
    forge
        .sandbox
        .append("public/robots.txt", "Disallow: /more\n");
    job(&forge, "loom-drift", &[]).comes_to(0);
    job(&forge, "loom-issue", &[]).comes_to(0);
    assert!(forge.held("1/body").contains("public/robots.txt"));
    forge.sandbox.remove("public/robots.txt");
    job(&forge, "loom-drift", &[]).comes_to(0);
    job(&forge, "loom-issue", &[]).comes_to(0);
    assert!(
        forge.held("1/body").contains("missing") && !forge.holds("2"),
        "updated, and never a second one"
    );
    forge.sandbox.append("loom.yaml", "nonsense: 1\n");
    job(&forge, "loom-drift", &[]).comes_to(1);
    job(&forge, "loom-issue", &[]).comes_to(0);
    assert!(
        forge
            .held("1/body")
            .contains("nothing was compared, 1 error"),
        "an error is not all is well"
    );
    forge.sandbox.git(&["checkout", "--quiet", "."]);
    job(&forge, "loom-drift", &[]).comes_to(0);
    job(&forge, "loom-issue", &[]).comes_to(0);
    assert_eq!(forge.held("1/state"), "closed\n");
    assert!(forge.held("last-words").contains("https://pipeline"));
}

#[test]
fn a_bot_pushes_the_reviewed_plan_and_the_request_waits_for_it() {
    let forge = forge("bot");
    forge.change("/drafts", "/private");
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
    job(&forge, "loom-plan", &[("COMMIT", "bot")]).comes_to(0);
    job(&forge, "loom-applied", &[])
        .comes_to(1)
        .says("not applied yet");
    forge.sandbox.git(&["checkout", "--quiet", "--detach"]);
    let apply = |changes: &[(&str, &str)]| {
        let mut environment = vec![
            ("LOOM_PUSH_TOKEN", "t"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature"),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_SERVER_URL", server.as_str()),
            ("CI_PROJECT_PATH", "o/r"),
            ("GITLAB_USER_NAME", "Ada"),
            ("GITLAB_USER_EMAIL", "ada@example.com"),
        ];
        environment.extend(changes);
        job(&forge, "loom-apply", &environment)
    };
    apply(&[("LOOM_PUSH_TOKEN", "")])
        .comes_to(1)
        .complains("LOOM_PUSH_TOKEN");
    apply(&[("CI_DEFAULT_BRANCH", "feature")])
        .comes_to(1)
        .complains("default branch");
    apply(&[]).comes_to(0);
    let pushed = forge.sandbox.git(&[
        "--git-dir",
        &format!("{server}/o/r.git"),
        "show",
        "feature:public/robots.txt",
    ]);
    assert!(
        pushed.contains("/private") && forge.sandbox.read("public/robots.txt").contains("/drafts")
    );
    forge
        .sandbox
        .git(&["checkout", "--quiet", "--detach", "loom-apply"]);
    job(&forge, "loom-plan", &[("COMMIT", "bot")]).comes_to(0);
    job(&forge, "loom-applied", &[]).comes_to(0);
    apply(&[]).comes_to(0).says("Nothing is left to do");
}

#[test]
fn what_the_request_puts_in_the_place_of_the_report_is_no_report() {
    let forge = forge("bot");
    forge.change("/drafts", "/private");
    forge.sandbox.write("loom-report/code", "0\n");
    forge.sandbox.git(&["add", "--force", "loom-report"]);
    forge.sandbox.commit();
    job(&forge, "loom-plan", &[("COMMIT", "bot")]).comes_to(0);
    assert_eq!(report(&forge, "code"), "2\n");
    job(&forge, "loom-applied", &[])
        .comes_to(1)
        .says("not applied yet");
    // nothing is written through a link, and nothing that a link leads to is a verdict
    let (aside, place) = (
        forge.sandbox.root().join("aside"),
        forge.sandbox.root().join("loom-report"),
    );
    fs::remove_dir_all(&place).expect("it is there");
    fs::create_dir(&aside).expect("a directory");
    fs::write(aside.join("code"), "0\n").expect("written");
    std::os::unix::fs::symlink(&aside, &place).expect("linked");
    job(&forge, "loom-applied", &[])
        .comes_to(1)
        .says("no verdict");
    job(&forge, "loom-plan", &[("COMMIT", "bot")]).comes_to(0);
    assert_eq!(
        fs::read_to_string(aside.join("code")).expect("it is there"),
        "0\n"
    );
    assert!(!place.is_symlink());
}

/// One line takes the template in; it is what the blueprint writes, but for the commit.
#[test]
fn the_template_is_what_the_blueprint_writes_for_an_author() {
    let forge = forge("author");
    let written = forge.sandbox.read(FILE);
    let jobs = written.split_once('\n').expect("a header").1;
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates/loom.gitlab-ci.yml");
    let template = fs::read_to_string(template).expect("the template");
    let (head, rest) = template.split_once("\n---\n").expect("inputs, then jobs");
    assert!(head.contains("revision:"), "{head}");
    assert_eq!(
        rest,
        jobs.replace(
            "8515f79c1fd0b66e2d1d1f0e8ad0d0c7f2f6a9b3",
            "$[[ inputs.revision ]]"
        )
    );
}
