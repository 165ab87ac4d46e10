use serde_json::Value as Json;

use crate::blueprints::testing::files;

const SHA: &str = "8515f79c1fd0b66e2d1d1f0e8ad0d0c7f2f6a9b3";
const PLAN: &str = ".github/workflows/loom-plan.yml";
const DRIFT: &str = ".github/workflows/loom-drift.yml";

/// A project with a CI, who commits, and settings of the blueprint.
fn project(ci: &str, commit: &str, settings: &str) -> String {
    format!(
        "loom: 1\nproject: pages\nstack: {{ infrastructure: {{ ci: {ci} }} }}\nenvironments: {{ production: {{}} }}\n\
         delivery: {{ commit: {commit} }}\npins: {{ actions: {{ loom-sdlc/loom: {{ version: v0.1.0, sha: {SHA} }} }} }}\n\
         artifacts:\n  - {{ kind: delivery, name: loom {settings} }}\n"
    )
}

fn written(ci: &str, commit: &str, settings: &str) -> Vec<(String, Json)> {
    let files =
        files(&project(ci, commit, settings)).unwrap_or_else(|messages| panic!("{messages:#?}"));
    let own = files
        .into_iter()
        .filter(|(path, _)| path.starts_with(".github/") || path.starts_with("ci/"));
    own.map(|(path, text)| (path, serde_yaml::from_str(&text).expect("YAML")))
        .collect()
}

fn errors(text: &str) -> String {
    files(text).expect_err("it is refused").join("\n")
}

fn paths(ci: &str, settings: &str) -> Vec<String> {
    written(ci, "author", settings)
        .into_iter()
        .map(|(path, _)| path)
        .collect()
}

#[test]
fn every_job_ends_says_what_it_may_and_no_run_holds_an_expression() {
    for commit in ["author", "bot"] {
        for (path, workflow) in written("github-actions", commit, "") {
            assert_eq!(
                workflow["permissions"],
                serde_json::json!({ "contents": "read" }),
                "{path}"
            );
            for (id, job) in workflow["jobs"].as_object().expect("jobs") {
                assert!(job["timeout-minutes"].is_number(), "{path} {id}");
                for step in job["steps"].as_array().expect("steps") {
                    let run = step["run"].as_str().unwrap_or_default();
                    assert!(
                        !run.contains("${{") && !run.starts_with("#!"),
                        "{path} {id}: {run}"
                    );
                    let uses = step["uses"].as_str();
                    assert!(
                        uses.is_none_or(|uses| uses
                            .rsplit('@')
                            .next()
                            .is_some_and(|sha| sha.len() == 40)),
                        "{uses:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_job_that_runs_on_the_request_holds_no_secret_and_one_that_may_write_checks_nothing_out() {
    for commit in ["author", "bot"] {
        for (path, workflow) in written("github-actions", commit, "") {
            for (id, job) in workflow["jobs"].as_object().expect("jobs") {
                let checks_out = job.to_string().contains("actions/checkout");
                let writes = job["permissions"].to_string().contains("write");
                assert!(!(checks_out && writes), "{path} {id}: the job's own token");
                let secret = job.to_string().contains("secrets.");
                assert_eq!(secret, id == "apply", "{path} {id}");
                assert!(
                    !secret || job["environment"] == "loom",
                    "{path} {id}: only behind the environment"
                );
            }
        }
    }
}

#[test]
fn only_a_bot_applies_and_only_without_the_cache_of_the_request() {
    let jobs = |commit, settings| {
        let (_, plan) = written("github-actions", commit, settings)
            .into_iter()
            .find(|(path, _)| path == PLAN)
            .expect("a plan");
        plan["jobs"].clone()
    };
    assert_eq!(jobs("author", "")["apply"], Json::Null);
    assert_eq!(jobs("bot", ", apply: false")["apply"], Json::Null);
    let apply = &jobs("bot", "")["apply"];
    let step = apply["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .find(|step| step["name"] == "Apply")
        .expect("a step");
    assert_eq!(step["with"]["cache"], "false");
    assert_eq!(
        step["with"]["arguments"],
        "--expect ${{ needs.plan.outputs.digest }} --to-branch loom-apply"
    );
    let (_, gitlab) = written("gitlab-ci", "bot", "").remove(0);
    assert_eq!(gitlab["loom-apply"]["cache"], Json::Null);
    assert_eq!(gitlab["loom-apply"]["environment"]["name"], "loom");
    assert_eq!(gitlab["loom-apply"]["variables"]["GIT_STRATEGY"], "clone");
    assert_eq!(
        gitlab["loom-plan"]["cache"],
        Json::Null,
        "what reviewers read is of no cache"
    );
    let plan = &jobs("bot", "")["plan"]["steps"];
    assert_eq!(
        plan[1]["with"]["cache"], "false",
        "what reviewers read is of no cache"
    );
    let names: Vec<&Json> = apply["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| &step["name"])
        .collect();
    let place = |name: &str| names.iter().position(|it| *it == name).expect("a step");
    assert!(
        place("Apply") < place("Take a token that may push workflow files"),
        "{names:?}"
    );
}

#[test]
fn loom_is_built_outside_of_the_checkout_from_nothing_that_is_in_it() {
    for (id, job) in written("gitlab-ci", "bot", "")
        .remove(0)
        .1
        .as_object()
        .expect("jobs")
    {
        let Some(lines) = job["before_script"].as_array() else {
            continue;
        };
        let text = lines
            .iter()
            .filter_map(Json::as_str)
            .collect::<Vec<_>>()
            .join(
                "
",
            );
        if text.contains("cargo") {
            assert!(
                text.contains("LOOM_HOME=$(mktemp -d)\n(cd \"$LOOM_HOME\" && cargo install"),
                "{id}: {text}"
            );
        }
        assert!(!job.to_string().contains(".cache"), "{id}");
    }
}

#[test]
fn an_authors_request_is_compared_with_its_base_and_a_bots_is_planned_on_its_branch() {
    let steps = |commit| {
        written("github-actions", commit, "")
            .into_iter()
            .find(|(path, _)| path == PLAN)
            .expect("a plan")
            .1["jobs"]["plan"]["steps"]
            .clone()
    };
    let (author, bot) = (steps("author"), steps("bot"));
    assert_eq!(author[1]["with"]["arguments"], "--against HEAD^1");
    assert_eq!(
        author[0]["with"]["ref"],
        Json::Null,
        "the merge with the base, whose first parent is the base"
    );
    assert_eq!(
        bot[0]["with"]["ref"],
        "${{ github.event.pull_request.head.sha }}"
    );
    assert_eq!(bot[1]["with"]["arguments"], Json::Null);
}

#[test]
fn what_is_not_wanted_is_not_written() {
    assert_eq!(paths("github-actions", ""), [DRIFT, PLAN]);
    assert_eq!(paths("github-actions", ", plan: false"), [DRIFT]);
    assert_eq!(paths("github-actions", ", drift: false"), [PLAN]);
    let (_, gitlab) = written("gitlab-ci", "author", ", drift: false").remove(0);
    assert_eq!(
        gitlab.as_object().expect("jobs").keys().collect::<Vec<_>>(),
        ["loom-plan", "loom-note"]
    );
    let (_, drift) = written("github-actions", "author", ", drift: \"23 5 * * 1-5\"").remove(0);
    assert_eq!(drift["on"]["schedule"][0]["cron"], "23 5 * * 1-5");
}

#[test]
fn what_cannot_be_is_said_with_its_place_and_a_way_out() {
    let other = |ci| errors(&project(ci, "author", ""));
    assert!(
        other("jenkins").contains("`infrastructure.ci` is `jenkins`")
            && other("circleci").contains("gitlab-ci")
    );
    let with = |settings: &str| errors(&project("github-actions", "author", settings));
    assert!(with(", drift: daily").contains("five fields"));
    assert!(with(", drift: \"0 0 * * $(x)\"").contains("five fields"));
    assert!(with(", source: \"a b/c\"").contains("owner/name"));
    assert!(with(", source: acme/loom").contains("pins.actions.acme/loom"));
    assert!(with(", service: api").contains("service"));
}

#[test]
fn loom_s_own_repository_needs_no_pin() {
    let (_, plan) = written("github-actions", "author", ", source: self").remove(1);
    assert_eq!(plan["jobs"]["plan"]["steps"][1]["uses"], "$/.");
    let (_, gitlab) = written("gitlab-ci", "author", ", source: self").remove(0);
    let install = gitlab["loom-plan"]["before_script"][3]
        .as_str()
        .expect("a line");
    assert!(install.contains("--path crates/loom-cli"), "{install}");
    let bot = errors(&project("github-actions", "bot", ", source: self"));
    assert!(bot.contains("cannot be built from the request"), "{bot}");
    assert_eq!(
        gitlab["loom-plan"]["cache"],
        Json::Null,
        "the sources change with every commit"
    );
}
