use super::*;
use loom_plan::plan::decide::Adoption;
use loom_plan::project::OnDrift;

fn read(line: &str) -> Result<Invocation, String> {
    let words = std::iter::once("loom")
        .chain(line.split_whitespace())
        .map(OsString::from);
    parse(words).map_err(|error| error.to_string())
}

fn command_of(line: &str) -> Command {
    read(line).expect("the line is well-formed").command
}

#[test]
fn the_grammar_has_no_contradiction() {
    command().debug_assert();
}

#[test]
fn every_command_has_a_sentence_and_an_example_and_every_option_a_sentence() {
    fn visit(command: &clap::Command, path: &str) {
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(
            about.contains(' '),
            "`{path}` needs a sentence that says what it does"
        );
        let example = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(
            example.contains("loom ") || command.has_subcommands(),
            "`{path}` needs an example"
        );
        for option in command
            .get_arguments()
            .filter(|option| !["help", "version"].contains(&option.get_id().as_str()))
        {
            let help = option
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                help.contains(' '),
                "`{path} {}` needs a sentence",
                option.get_id()
            );
        }
        command
            .get_subcommands()
            .for_each(|inner| visit(inner, &format!("{path} {}", inner.get_name())));
    }
    visit(&command(), "loom");
}

#[test]
fn examples_of_the_help_are_well_formed() {
    fn visit(command: &clap::Command, checked: &mut usize) {
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        for line in help
            .lines()
            .filter_map(|line| line.trim().strip_prefix("loom "))
        {
            let line = line
                .split(['#', '>'])
                .next()
                .unwrap_or(line)
                .replace('\'', "");
            assert!(read(&line).is_ok(), "{line}: {:?}", read(&line));
            *checked += 1;
        }
        command
            .get_subcommands()
            .for_each(|inner| visit(inner, checked));
    }
    let mut checked = 0;
    visit(&command(), &mut checked);
    assert!(checked >= 15, "only {checked} examples were found");
}

#[test]
fn a_story_is_a_code_a_file_or_standard_input() {
    let story = |line: &str| {
        let Command::Plan(plan) = command_of(line) else {
            panic!("a plan")
        };
        plan.selection.story
    };
    assert_eq!(
        story("plan --story ENT-001"),
        Some(StoryArg::Code("ENT-001".to_owned()))
    );
    assert_eq!(
        story("plan --story x.YAML"),
        Some(StoryArg::File("x.YAML".into()))
    );
    assert_eq!(
        story("plan --story /tmp/story"),
        Some(StoryArg::File("/tmp/story".into()))
    );
    assert_eq!(story("plan --story -"), Some(StoryArg::Stdin));
}

#[test]
fn the_printed_command_makes_the_plan_that_was_shown() {
    let line = "plan --story a/b.json --target file.x[y] --target file.z --path k8s/** --on-drift restore --adopt --skip-conflicts";
    let Command::Plan(plan) = command_of(line) else {
        panic!("a plan")
    };
    assert_eq!(
        (plan.selection.on_drift, plan.selection.adoption),
        (Some(OnDrift::Restore), Adoption::Wanted)
    );
    let again = ["loom".into(), "apply".into()]
        .into_iter()
        .chain(plan.selection.arguments());
    let Command::Apply(apply) = parse(again)
        .expect("what loom prints is well-formed")
        .command
    else {
        panic!("an apply")
    };
    assert_eq!(apply.what, ToApply::Now(plan.selection.clone()));

    let global = read("-C it's plan").expect("well-formed").global;
    let digest = ContentHash::of(b"");
    let small = loom_plan::plan::Plan {
        actions: Vec::new(),
        digest: Some(digest),
        exceptions: Vec::new(),
        skipped: Vec::new(),
        gone: Vec::new(),
        spends: std::collections::BTreeMap::new(),
        report: loom_plan::plan::Report::default(),
    };
    let printed = apply_command(&global, &plan.selection, None, &small);
    let expected = format!(
        "loom -C 'it'\\''s' apply --story a/b.json --target 'file.x[y]' --target file.z --path 'k8s/**' \
         --on-drift restore --adopt --skip-conflicts --expect {digest}"
    );
    assert_eq!(printed, expected);
    assert_eq!(
        apply_command(&global, &plan.selection, Some("p.loom".as_ref()), &small),
        "loom -C 'it'\\''s' apply p.loom"
    );
}

#[test]
fn a_saved_plan_takes_no_selection() {
    assert!(read("apply plan.loom --yes").is_ok());
    for option in [
        "--story X",
        "--target file.x",
        "--path a",
        "--on-drift keep",
        "--adopt",
        "--skip-conflicts",
    ] {
        let refused = read(&format!("apply plan.loom {option}"))
            .expect_err("a saved plan has its selection in it");
        assert!(refused.contains("cannot be used with"), "{refused}");
    }
}

#[test]
fn globals_may_follow_the_command_and_mean_what_they_say() {
    let global = read("plan -C x --color never --verbose --timings --jobs 3 --lock-timeout 5m")
        .expect("well-formed")
        .global;
    assert_eq!(
        (global.talk, global.timings, global.colour),
        (Talk::Verbose, Timings::Show, ColourChoice::Never)
    );
    assert_eq!(
        (global.jobs, global.lock_timeout),
        (NonZeroUsize::new(3), Some(Duration::from_mins(5)))
    );
    assert_eq!(global.directory, Some("x".into()));
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_could_be() {
    for (line, needed) in [
        (
            "plan --on-drift maybe",
            "`conflict`, `restore`, `merge` or `keep`",
        ),
        ("plan --lock-timeout soon", "such as 500ms"),
        ("plan --target x", "kubernetes.manifest.api[production]"),
        ("plan --path a[", "unclosed character class"),
        ("plan --quiet --verbose", "cannot be used with"),
        ("plann", "plan"),
        ("plan --jobs 0", "0"),
    ] {
        let refused = read(line).expect_err(line);
        assert!(refused.contains(needed), "{line}: {refused}");
    }
}

#[test]
fn approval_is_a_digest_or_a_file_and_a_subject_a_code_or_a_place() {
    let expected = |line: &str| {
        let Command::Apply(apply) = command_of(line) else {
            panic!("an apply")
        };
        apply.expect
    };
    let digest = ContentHash::of(b"x");
    assert_eq!(
        expected(&format!("apply --expect {digest}")),
        Some(Expected::Digest(digest))
    );
    assert_eq!(
        expected("apply --expect plan.json"),
        Some(Expected::File("plan.json".into()))
    );
    assert_eq!(
        command_of("explain loom0106"),
        Command::Explain(Subject::Code("loom0106".to_owned()))
    );
    assert_eq!(
        command_of("explain loom.yaml"),
        Command::Explain(Subject::AddressOrPath("loom.yaml".to_owned()))
    );
}

#[test]
fn a_wrong_usage_exits_with_one_because_two_means_changes() {
    let error =
        parse(["loom".into(), "plan".into(), "--nonsense".into()]).expect_err("unknown option");
    assert_eq!((error.exit_code(), error.use_stderr()), (2, true));
    assert_eq!(refuse(&error), Exit::Error);
}
