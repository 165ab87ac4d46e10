//! Whole projects are read: the documented example, every form of a story, paths of includes.

mod support;

use loom_plan::story::{StoryStatus, TaskStatus};
use support::{LOOM, Run, STORY};

fn good(files: &[(&str, &str)], extra: Option<(&str, &str)>) -> Run {
    let run = Run::of(files, extra);
    assert!(run.found.is_empty(), "{}", run.report());
    run
}

fn kinds(run: &Run) -> Vec<String> {
    let entries = run
        .stories
        .iter()
        .flat_map(|story| &story.tasks)
        .flat_map(|task| &task.entries);
    entries
        .map(|entry| format!("{}.{}", entry.kind, entry.name))
        .collect()
}

#[test]
fn the_documented_example_is_read_without_a_finding() {
    let run = good(
        &[("loom.yaml", LOOM), ("stories/ENT-001.yaml", STORY)],
        None,
    );
    let project = run.project.as_ref().expect("a project");
    assert_eq!(
        project
            .environments
            .iter()
            .map(|environment| environment.production)
            .collect::<Vec<_>>(),
        [false, true]
    );
    let story = &run.stories[0];
    assert_eq!(
        (story.code.as_str(), story.status),
        ("ENT-001", StoryStatus::InProgress)
    );
    assert_eq!(
        story
            .tasks
            .iter()
            .map(|task| task.status)
            .collect::<Vec<_>>()[0],
        TaskStatus::Completed
    );
    assert_eq!(
        kinds(&run),
        [
            "pipeline.entity-api",
            "infrastructure.entity-api",
            "workload.entity-api",
            "alert.entity-api-latency",
            "docs.entity-api"
        ]
    );
    let alert = &story.tasks[2].entries[0];
    assert_eq!(
        alert
            .settings
            .as_map()
            .map(|map| map.keys().collect::<Vec<_>>()),
        Some(vec!["metric", "percentile", "above", "for", "notify"])
    );
    assert_eq!(
        run.sources.position(alert.settings.span).to_string(),
        "stories/ENT-001.yaml:23"
    );
}

#[test]
fn an_export_of_the_board_is_read_and_its_blocks_lead_into_the_file() {
    let export = include_str!("board/story-show.json");
    let run = good(
        &[("loom.yaml", LOOM), ("stories/ENT-001.json", export)],
        None,
    );
    assert_eq!(
        run.stories[0].why.as_deref(),
        Some("Customers cannot store entities until the API runs in production.")
    );
    assert_eq!(
        kinds(&run),
        [
            "container.entity-api",
            "pipeline.entity-api",
            "workload.entity-api",
            "infrastructure.entity-api",
            "alert.entity-api-latency",
            "docs.entity-api"
        ]
    );
    for task in &run.stories[0].tasks {
        for entry in &task.entries {
            let span = run.sources.outermost(entry.settings.span);
            assert!(
                run.sources.slice(span).contains("kind: "),
                "{}",
                run.sources.slice(span)
            );
            assert!(run.sources.slice(span).contains(&*entry.kind));
        }
    }
}

const STORY_FILE: &str = r#"{
	"id": "ENT-002",
	"title": "Tag entities",
	"context": { "why": "Customers sort entities by tag." },
	"status": "In-Progress",
	"actorSections": { "architect": { "notes": "see `status: nonsense`" } },
	"history": [],
	"tasks": [
		{ "id": "T-001", "title": "Schema", "status": "Completed", "assignedTo": null, "dependencies": null },
		{ "id": "T-002", "status": "PENDING", "dependencies": ["T-001", "f77b1401-7682-43b3-ab04-cae2738b272f"],
		  "extensions": { "loom": { "artifacts": [{ "kind": "docs", "service": "entity-api", "unknown": null }] } } },
		{ "id": "T-003", "status": "cancelled", "artifacts": [{ "kind": "docs", "service": "entity-api" }] }
	]
}"#;

#[test]
fn a_story_file_is_read_and_may_wait_for_the_task_of_another_story() {
    let export = include_str!("board/story-show.json");
    let files = [
        ("loom.yaml", LOOM),
        ("stories/ENT-002.json", STORY_FILE),
        ("stories/ENT-001.json", export),
    ];
    let run = good(&files, None);
    assert_eq!(
        run.stories
            .iter()
            .map(|story| story.code.as_str())
            .collect::<Vec<_>>(),
        ["ENT-001", "ENT-002"]
    );
    let story = &run.stories[1];
    assert_eq!(
        (story.status, story.why.as_deref()),
        (
            StoryStatus::InProgress,
            Some("Customers sort entities by tag.")
        )
    );
    assert_eq!(
        story
            .tasks
            .iter()
            .map(|task| task.entries.len())
            .collect::<Vec<_>>(),
        [0, 1, 0],
        "a cancelled task declares nothing"
    );
    assert_eq!(story.tasks[1].title, "T-002");
    assert_eq!(
        story.tasks[1].entries[0]
            .settings
            .as_map()
            .map(loom_plan::node::Map::len),
        Some(0),
        "null is absent"
    );
}

#[test]
fn all_forms_of_one_story_are_one_model() {
    let export = include_str!("board/story-show.json");
    let wrapped =
        serde_json::Value::String(serde_json::Value::String(export.to_owned()).to_string())
            .to_string();
    let plain = good(&[("loom.yaml", LOOM), ("stories/a.json", export)], None);
    let unwrapped = good(&[("loom.yaml", LOOM), ("stories/a.json", &wrapped)], None);
    let entries = |run: &Run| {
        run.stories[0]
            .tasks
            .iter()
            .flat_map(|task| task.entries.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(entries(&plain), entries(&unwrapped));
    let last = entries(&unwrapped)
        .pop()
        .expect("the board's story declares something");
    let span = unwrapped.sources.outermost(last.settings.span);
    assert!(
        unwrapped
            .sources
            .slice(span)
            .starts_with("{ kind: docs, service: entity-api"),
        "{}",
        unwrapped.sources.slice(span)
    );
}

#[test]
fn drafts_and_cancelled_stories_keep_their_tasks_and_declare_nothing() {
    for (status, declared) in [
        ("draft", 0),
        ("Cancelled", 0),
        ("archived", 5),
        ("IN-PROGRESS", 5),
        ("blocked", 5),
    ] {
        let story = STORY.replacen("in_progress", status, 1);
        let run = good(&[("loom.yaml", LOOM), ("stories/a.yaml", &story)], None);
        assert_eq!(
            (run.stories[0].tasks.len(), kinds(&run).len()),
            (3, declared),
            "{status}"
        );
    }
}

#[test]
fn a_story_from_elsewhere_replaces_the_one_of_its_code_or_is_one_more() {
    let files = [
        ("loom.yaml", LOOM),
        ("stories/a.yaml", "story: S-1\ntitle: old\nodd: key\n"),
        ("stories/b.yaml", "story: S-2\n"),
    ];
    let run = good(&files, Some(("standard input", "story: s-1\ntitle: new\n")));
    let titles: Vec<(&str, &str)> = run
        .stories
        .iter()
        .map(|story| (story.title.as_str(), &*story.file))
        .collect();
    assert_eq!(
        titles,
        [("S-2", "stories/b.yaml"), ("new", "standard input")]
    );
    let files = [("loom.yaml", LOOM)];
    assert_eq!(
        good(&files, Some(("x.yaml", "story: S-9\n"))).stories.len(),
        1
    );
}

#[test]
fn paths_of_an_include_are_seen_from_its_folder() {
    let include = "loom: 1\nservices:\n  api: { path: ., watch: [src/**, ../shared/**], migrations: db }\nartifacts:\n- { kind: file, name: x, path: ./x.txt }\n- { kind: file, name: y, path: '${ref:file.x.path}' }\n";
    let root = format!("{LOOM}include: ['services/*/loom.yaml']\n");
    let run = good(
        &[("loom.yaml", &root), ("services/api/loom.yaml", include)],
        None,
    );
    let project = run.project.expect("a project");
    let service = project
        .services
        .values()
        .find(|service| service.name.as_str() == "api")
        .expect("it was included");
    assert_eq!(
        service
            .node
            .get("watch")
            .map(loom_plan::node::Node::to_json),
        Some(serde_json::json!([
            "services/api/src/**",
            "services/shared/**"
        ]))
    );
    assert_eq!(service.file.as_str(), "services/api/loom.yaml");
    let paths: Vec<_> = project
        .entries
        .iter()
        .map(|entry| entry.shared.path.as_ref().and_then(|path| path.as_str()))
        .collect();
    assert_eq!(
        paths,
        [Some("services/api/x.txt"), Some("${ref:file.x.path}")]
    );
    assert!(
        project
            .entries
            .iter()
            .all(|entry| entry.file.as_str() == "services/api/loom.yaml")
    );
}

#[test]
fn production_is_the_last_environment_unless_another_says_so() {
    let production = |environments: &str| {
        let run = good(
            &[(
                "loom.yaml",
                &format!("loom: 1\nproject: x\nenvironments:\n{environments}"),
            )],
            None,
        );
        let project = run.project.expect("a project");
        project
            .environments
            .into_iter()
            .filter(|environment| environment.production)
            .map(|it| it.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(production("  a:\n  b:\n"), ["b"]);
    assert_eq!(production("  a: { production: true }\n  b:\n"), ["a"]);
}

#[test]
fn loom_yaml_is_laid_over_the_stack_file_and_null_is_none() {
    let stack = r#"{"runtime": "Node.js", "infrastructure": {"ci": "GitHub Actions", "monitoring": "datadog", "cloud": "AWS", "x": 1}}"#;
    let root = LOOM.replace(
        "registry: registry.example.com",
        "registry: r.example.com, monitoring: null, ci: gitlab_ci",
    );
    let run = good(
        &[
            ("loom.yaml", &root),
            (".agent/loom/stack-config.json", stack),
        ],
        None,
    );
    let stack = run.project.expect("a project").stack;
    let keys = [
        "runtime",
        "infrastructure.ci",
        "infrastructure.monitoring",
        "infrastructure.hosting",
        "infrastructure.registry",
    ];
    assert_eq!(
        keys.map(|key| stack.text(key)),
        [
            Some("node"),
            Some("gitlab-ci"),
            Some("none"),
            Some("aws"),
            Some("r.example.com")
        ]
    );
}

#[test]
fn a_credential_is_in_no_output() {
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let random = "q8Zr2LwX9vKt4NbY7mPc";
    let export = include_str!("board/story-show.json").replace(
        "strategy: blue-green }",
        &format!("token: {token}, API_KEY: {random} }}"),
    );
    let files = [
        (
            "loom.yaml",
            format!("{LOOM}# {token}\nodd: {token}\nstories: [stories/*, {token}]\n"),
        ),
        (
            "stories/a.json",
            serde_json::Value::String(export).to_string(),
        ),
        (
            "stories/b.yaml",
            format!(
                "story: S-2\nstatus: {token}\ntasks: [{{ id: T-1, dependencies: [{token}] }}]\n"
            ),
        ),
        ("stories/c.yaml", format!("story: S-3\ntitle: [ {token}\n")),
        (
            "stories/d.yaml",
            format!(
                "story: S-4\nstatus: draft\ntasks: [{{ id: T-1, artifacts: [{{ kind: docs, x: {token} }}] }}]\n"
            ),
        ),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let run = Run::of(&files, None);
    let texts: Vec<&str> = run
        .sources
        .ids()
        .map(|id| &*run.sources.get(id).text)
        .collect();
    let all = format!(
        "{texts:?} {:?} {:?} {}",
        run.found,
        run.project,
        run.report()
    );
    for secret in [token, random] {
        assert!(
            !all.contains(secret),
            "{}",
            &all[all.find(secret).unwrap_or(0).saturating_sub(300)..]
        );
    }
    let credentials = run
        .found
        .iter()
        .filter(|found| found.code == loom_plan::diag::Code::Credential);
    let files: Vec<String> = credentials
        .map(|found| run.sources.position(found.labels[0].span).to_string())
        .collect();
    assert_eq!(
        files
            .iter()
            .filter(|place| place.starts_with("loom.yaml"))
            .count(),
        2,
        "{}",
        run.report()
    );
    assert_eq!(
        files
            .iter()
            .filter(|place| place.starts_with("stories/a.json"))
            .count(),
        4,
        "{}",
        run.report()
    );
    assert_eq!(
        files
            .iter()
            .filter(|place| place.starts_with("stories/d.yaml"))
            .count(),
        1,
        "{}",
        run.report()
    );
}

#[test]
fn a_thousand_services_are_read_in_a_moment() {
    let labels: Vec<String> = (0..20)
        .map(|label| format!("label{label}: value-{label}"))
        .collect();
    let labels = labels.join("\n      ");
    let service = |number| {
        format!(
            "  s{number}:\n    port: {{ default: 80, staging: 81 }}\n    labels:\n      {labels}\n"
        )
    };
    let head = LOOM.split("services:").next().unwrap_or_default();
    let text = format!(
        "{head}services:\n{}",
        (0..1000).map(service).collect::<Vec<_>>().concat()
    );
    let begun = std::time::Instant::now();
    assert_eq!(
        good(&[("loom.yaml", &text)], None)
            .project
            .map(|project| project.services.len()),
        Some(1000)
    );
    let elapsed = begun.elapsed();
    println!("{elapsed:?}");
    assert!(
        elapsed < std::time::Duration::from_secs(3),
        "{elapsed:?}: far more than the tenth of a second of a release build"
    );
}
