//! Moves by declaration and by inference, over a repository in memory.
//!
//! In: loom.yaml texts, edits, applies. Out: proofs that a moved artifact is one rename that carries
//! accepted edits, and that no history of moves, edits and applies loses what a person wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loom_plan::addr::RepoPath;
use loom_plan::diag::Diagnostics;
use loom_plan::graph::{self, link};
use loom_plan::header;
use loom_plan::input::Memory;
use loom_plan::ledger::{FOLDER, Ledger};
use loom_plan::plan::build::Inputs;
use loom_plan::plan::known::{self, Known};
use loom_plan::plan::scope::{Adopting, Conflicts, Request};
use loom_plan::plan::{self, Action, Outcome, Verb};
use loom_plan::project::{OnDrift, read};
use loom_plan::provider::{
    Artifact, Change, Failure, Fate, KindSpec, Lost, Mode, Nature, Place, Provider, Registry, Texts,
};
use loom_plan::render::{self, Desired};
use loom_plan::shape::{Field, Shape, World};
use loom_plan::snapshot::{Content, Observed, Seen, Snapshot};
use loom_plan::text::Sources;
use loom_plan::{block, intent};
use proptest::prelude::*;

/// A kind with any number of files in one folder, as a Terraform module has.
struct Folder;

static FOLDER_SPEC: KindSpec = KindSpec {
    kind: "folder",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "files in a folder",
    settings: &[Field::required(
        "files",
        Shape::Map(&Shape::Text),
        "name to text",
    )],
    attributes: &[],
    default_path: "NAME",
    nature: Nature::Stateful,
};

impl Provider for Folder {
    fn spec(&self) -> &'static KindSpec {
        &FOLDER_SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        let folder = artifact.path.as_ref().map_or("folder", RepoPath::as_str);
        let names = artifact
            .settings
            .get("files")
            .and_then(|files| files.as_map())
            .into_iter()
            .flat_map(loom_plan::node::Map::keys);
        let place = |name: &str| Place {
            name: name.into(),
            path: RepoPath::new(&format!("{folder}/{name}")).expect("a path"),
            mode: Mode::Plain,
            header: None,
        };
        Ok(names.map(place).collect())
    }

    fn render(&self, artifact: &Artifact, place: &Place) -> Result<String, Failure> {
        let text = artifact
            .settings
            .at(&["files", &place.name])
            .and_then(|node| node.as_str())
            .unwrap_or_default();
        Ok(format!("{text}\n"))
    }

    fn lost(&self, change: Change<'_>) -> Vec<Lost> {
        let text = |texts: &dyn Texts| texts.folder("").remove(0).1;
        let (before, after) = (text(change.before), text(change.after));
        let gone = before
            .lines()
            .filter(|line| line.starts_with("resource") && !after.contains(line));
        gone.map(|line| Lost {
            component: "database".to_owned(),
            name: line.to_owned(),
            fate: Fate::Destroyed,
        })
        .collect()
    }
}

/// The one text on a side of a change.
struct One<'a>(&'a RepoPath, &'a str);

impl Texts for One<'_> {
    fn folder(&self, _: &str) -> Vec<(RepoPath, String)> {
        vec![(self.0.clone(), self.1.to_owned())]
    }
}

/// A kind with one file.
struct Text;

static TEXT_SPEC: KindSpec = KindSpec {
    kind: "text",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "one file",
    settings: &[Field::required("content", Shape::Text, "its text")],
    attributes: &[],
    default_path: "NAME",
    nature: Nature::Plain,
};

impl Provider for Text {
    fn spec(&self) -> &'static KindSpec {
        &TEXT_SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        artifact.single("text", artifact.address.name().as_str(), None)
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        Ok(format!(
            "{}\n",
            artifact
                .settings
                .get("content")
                .and_then(|node| node.as_str())
                .unwrap_or_default()
        ))
    }
}

const REGISTRY: Registry<'static> = Registry {
    providers: &[&Folder, &Text],
    blueprints: &[],
    formats: &[],
};

/// A repository in memory.
#[derive(Clone, Default)]
struct Repository {
    files: BTreeMap<String, String>,
    ledger: Vec<(String, String)>,
}

/// How a run goes.
#[derive(Clone, Copy, Debug)]
struct Choices {
    on_drift: Option<OnDrift>,
    adoption: Adopting,
    conflicts: Conflicts,
}

const PLAIN: Choices = Choices {
    on_drift: None,
    adoption: Adopting::Declared,
    conflicts: Conflicts::Block,
};

/// What planning came to, and the ledger and the files afterwards.
struct Planned {
    outcome: Outcome,
    after: Repository,
}

fn desired(loom: &str) -> (loom_plan::project::Project, Sources, Desired) {
    let input = Memory([(RepoPath::new("loom.yaml").expect("a path"), Arc::from(loom))].into());
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let project = read::read(&input, &mut sources, &mut found).expect("a project");
    let environments = project.environment_names.clone();
    let declarations = intent::compile(
        &project,
        &[],
        REGISTRY,
        World {
            sources: &sources,
            environments: &environments,
        },
        &mut found,
    );
    let mut ordered = graph::order(declarations, REGISTRY, &mut found).expect("no cycle");
    let files = link::read_files(&mut ordered.declarations, &input, &mut sources, &mut found);
    let linked = link::link(
        &ordered,
        REGISTRY,
        &files,
        World {
            sources: &sources,
            environments: &environments,
        },
        &mut found,
    );
    let desired = render::render(
        ordered,
        linked,
        REGISTRY.formats,
        (&[], &|_, _, _| false),
        &mut found,
    );
    let messages: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    assert!(!found.has_errors(), "{messages:?}\n{loom}");
    (project, sources, desired)
}

impl Repository {
    fn observe(&self, wants: &[loom_plan::snapshot::Want]) -> Snapshot {
        let seen = |want: &loom_plan::snapshot::Want| {
            let text = self.files.get(want.path.as_str());
            let whole = text.map_or(Observed::Absent, |text| {
                Observed::File(Content {
                    hash: header::content_hash(text.as_bytes(), &want.path),
                    mode: Mode::Plain,
                })
            });
            let hash = |address: &String| {
                let found = block::find(
                    text.map_or("", String::as_str),
                    block::comment_of(&want.path).expect("it has comments"),
                    address,
                );
                (
                    address.clone(),
                    found.map(|body| loom_plan::addr::ContentHash::of(body.as_bytes())),
                )
            };
            (
                want.path.clone(),
                Seen {
                    whole,
                    bytes: text.map(|text| loom_plan::addr::ContentHash::of(text.as_bytes())),
                    blocks: want.blocks.iter().map(hash).collect(),
                    ..Seen::default()
                },
            )
        };
        Snapshot(wants.iter().map(seen).collect())
    }

    /// Plans, and carries out what can be carried out.
    fn run(&self, artifacts: &str, choices: Choices) -> Planned {
        let loom =
            format!("loom: 1\nproject: shop\nenvironments: {{ production: {{}} }}\n{artifacts}\n");
        let (project, sources, desired) = desired(&loom);
        let ledger = Ledger::read(&self.ledger, &mut Diagnostics::default());
        let snapshot = self.observe(&known::wants(&desired.outputs, &ledger));
        let known = Known::choose(&ledger, &snapshot);
        let request = Request::new(
            None,
            Vec::new(),
            Vec::new(),
            choices.on_drift,
            choices.adoption,
            choices.conflicts,
        );
        let losses = |output: &render::Output, stands: &RepoPath| {
            let before = self.files.get(stands.as_str()).cloned().unwrap_or_default();
            let after = desired.text(output).expect("a text");
            let path = &output.place.path;
            desired.declaration(output).provider.lost(Change {
                stands,
                comes: path,
                before: &One(stands, &before),
                after: &One(path, &after),
            })
        };
        let inputs = Inputs {
            project: &project,
            desired: &desired,
            snapshot: &snapshot,
            ledger: &ledger,
            known: &known,
            registry: REGISTRY,
            sources: &sources,
            request: &request,
            stories: &BTreeSet::new(),
            losses: &losses,
        };
        let outcome = plan::plan(inputs);
        let mut after = self.clone();
        if let Outcome::Ready(plan) = &outcome {
            plan.actions
                .iter()
                .for_each(|action| after.carry_out(action, self, &desired));
            for (path, text) in plan::record::record(inputs, plan) {
                let code = path
                    .as_str()
                    .trim_start_matches(FOLDER)
                    .trim_matches('/')
                    .trim_end_matches(".jsonl")
                    .to_owned();
                after.ledger.retain(|(known, _)| *known != code);
                after.ledger.extend(text.map(|text| (code, text)));
            }
        }
        Planned { outcome, after }
    }

    fn carry_out(&mut self, action: &Action, before: &Self, desired: &Desired) {
        if !action.verb.writes() {
            return;
        }
        let old = before
            .files
            .get(action.old_path().as_str())
            .map(String::as_bytes);
        let text = desired.file_after(action, old).expect("it renders");
        if let Verb::Move { from } = &action.verb {
            assert!(
                !before.files.contains_key(action.path.as_str()),
                "a move never goes onto a file"
            );
            self.files.remove(from.as_str());
        }
        match text {
            Some(text) => self.files.insert(
                action.path.to_string(),
                String::from_utf8(text).expect("UTF-8"),
            ),
            None => self.files.remove(action.path.as_str()),
        };
    }

    fn applied(artifacts: &str) -> Self {
        Self::default().run(artifacts, PLAIN).after
    }
}

/// Verb and path of each action.
fn said(outcome: &Outcome) -> Vec<String> {
    let say = |action: &Action| match &action.verb {
        Verb::Move { from } => format!("move {from} → {}", action.path),
        verb @ (Verb::Create
        | Verb::Update
        | Verb::Delete
        | Verb::Adopt
        | Verb::Keep
        | Verb::Forget) => {
            format!("{} {}", verb.as_str(), action.path)
        }
    };
    let conflicts = outcome
        .conflicts()
        .iter()
        .map(|conflict| format!("{:?} {}", conflict.conflict, conflict.path));
    outcome.actions().iter().map(say).chain(conflicts).collect()
}

const OLD: &str = "artifacts: [{ kind: text, name: a, path: old, content: x }]";
const NEW: &str = "artifacts: [{ kind: text, name: a, path: new, content: x }]";
const KEEP: Choices = Choices {
    on_drift: Some(OnDrift::Keep),
    ..PLAIN
};
const RESTORE: Choices = Choices {
    on_drift: Some(OnDrift::Restore),
    ..PLAIN
};

#[test]
fn another_path_of_the_same_artifact_is_one_move_and_then_nothing() {
    let planned = Repository::applied(OLD).run(NEW, PLAIN);
    assert_eq!(said(&planned.outcome), ["move old → new"]);
    assert_eq!(
        planned.after.files,
        [("new".to_owned(), "x\n".to_owned())].into()
    );
    let again = planned.after.run(NEW, PLAIN);
    assert!(
        matches!(again.outcome, Outcome::Converged(_)),
        "{:?}",
        said(&again.outcome)
    );
}

#[test]
fn another_path_and_another_content_are_one_move_that_writes_the_new_content() {
    let planned = Repository::applied(OLD).run(&NEW.replace("content: x", "content: y"), PLAIN);
    assert_eq!(said(&planned.outcome), ["move old → new"]);
    assert_eq!(planned.after.files["new"], "y\n");
}

#[test]
fn an_accepted_edit_travels_with_its_artifact_and_is_still_accepted_there() {
    let mut repository = Repository::applied(OLD);
    repository
        .files
        .insert("old".to_owned(), "mine\n".to_owned());
    let kept = repository.run(OLD, KEEP).after;
    let planned = kept.run(NEW, PLAIN);
    assert_eq!(said(&planned.outcome), ["move old → new"]);
    assert_eq!(
        planned.after.files,
        [("new".to_owned(), "mine\n".to_owned())].into()
    );
    assert!(matches!(
        planned.after.run(NEW, PLAIN).outcome,
        Outcome::Converged(_)
    ));
}

#[test]
fn an_edit_that_nobody_accepted_is_a_conflict_at_the_old_path_and_moves_once_it_is_decided() {
    let mut repository = Repository::applied(OLD);
    repository
        .files
        .insert("old".to_owned(), "mine\n".to_owned());
    let planned = repository.run(NEW, PLAIN);
    assert_eq!(said(&planned.outcome), ["Edited old"]);
    assert_eq!(
        repository.run(NEW, KEEP).after.files,
        [("new".to_owned(), "mine\n".to_owned())].into()
    );
    assert_eq!(
        repository.run(NEW, RESTORE).after.files,
        [("new".to_owned(), "x\n".to_owned())].into()
    );
}

#[test]
fn a_target_that_holds_what_is_desired_is_adopted_and_the_old_file_goes_by_its_own_row() {
    let mut repository = Repository::applied(OLD);
    repository.files.insert("new".to_owned(), "x\n".to_owned());
    assert_eq!(
        said(&repository.run(NEW, PLAIN).outcome),
        ["adopt new", "delete old"]
    );
    repository
        .files
        .insert("old".to_owned(), "mine\n".to_owned());
    assert_eq!(
        said(&repository.run(NEW, PLAIN).outcome),
        ["adopt new", "DeletedButEdited old"]
    );
}

#[test]
fn a_target_that_holds_anything_else_is_a_conflict_and_the_old_file_stays_even_where_conflicts_are_skipped()
 {
    let mut repository = Repository::applied(OLD);
    repository
        .files
        .insert("new".to_owned(), "theirs\n".to_owned());
    assert_eq!(said(&repository.run(NEW, PLAIN).outcome), ["NotOurs new"]);
    let skipped = repository.run(
        NEW,
        Choices {
            conflicts: Conflicts::Skip,
            ..PLAIN
        },
    );
    assert_eq!(skipped.after.files, repository.files);
}

#[test]
fn a_target_that_is_taken_over_as_it_is_leaves_the_old_file_to_its_own_row_in_the_same_plan() {
    let mut repository = Repository::applied(OLD);
    repository
        .files
        .insert("new".to_owned(), "theirs\n".to_owned());
    let choices = Choices {
        adoption: Adopting::All,
        ..PLAIN
    };
    let planned = repository.run(NEW, choices);
    assert_eq!(said(&planned.outcome), ["adopt new", "delete old"]);
    assert!(matches!(
        planned.after.run(NEW, choices).outcome,
        Outcome::Converged(_)
    ));
}

#[test]
fn a_file_that_vanished_is_written_at_its_new_path() {
    let mut repository = Repository::applied(OLD);
    repository.files.clear();
    let planned = repository.run(NEW, PLAIN);
    assert_eq!(said(&planned.outcome), ["create new"]);
    assert!(
        !planned.after.ledger[0].1.contains("\"old\""),
        "the old record goes with it: {}",
        planned.after.ledger[0].1
    );
}

#[test]
fn two_artifacts_that_take_each_others_paths_are_written_in_place() {
    let pair = |a: &str, b: &str| {
        format!(
            "artifacts: [{{ kind: text, name: a, path: {a}, content: x }}, {{ kind: text, name: b, path: {b}, content: y }}]"
        )
    };
    let planned = Repository::applied(&pair("one", "two")).run(&pair("two", "one"), PLAIN);
    assert_eq!(said(&planned.outcome), ["update one", "update two"]);
    // one follows the other: where b was is written by its own row, and where a was goes
    let planned = Repository::applied(&pair("one", "two")).run(&pair("two", "three"), PLAIN);
    assert_eq!(
        said(&planned.outcome),
        ["delete one", "create three", "update two"]
    );
    assert!(matches!(
        planned.after.run(&pair("two", "three"), PLAIN).outcome,
        Outcome::Converged(_)
    ));
}

#[test]
fn the_files_of_a_module_move_each_by_its_name() {
    let module = |path: &str, files: &str| {
        format!("artifacts: [{{ kind: folder, name: a, path: {path}, files: {{ {files} }} }}]")
    };
    let repository = Repository::applied(&module("old", "main: resource db, outputs: b"));
    let moved = repository.run(&module("new", "main: resource db, outputs: b"), PLAIN);
    assert_eq!(
        said(&moved.outcome),
        ["move old/main → new/main", "move old/outputs → new/outputs"]
    );
    // what it drops on the way is asked for at the old path, and what it no longer has goes by its own row
    let dropped = repository.run(&module("new", "main: a, outputs: b"), PLAIN);
    assert_eq!(
        said(&dropped.outcome),
        ["move old/outputs → new/outputs", "Component old/main"]
    );
    assert!(
        dropped.outcome.conflicts()[0].ways[0]
            .to_string()
            .contains("resource db"),
        "{:?}",
        dropped.outcome.conflicts()[0].ways
    );
    let renamed = repository.run(&module("new", "main: resource db, results: b"), PLAIN);
    assert_eq!(
        said(&renamed.outcome),
        [
            "move old/main → new/main",
            "create new/results",
            "Stateful old/outputs"
        ]
    );
}

#[test]
fn a_block_is_taken_out_at_its_old_place_and_written_at_its_new_one() {
    let of = |path: &str| {
        format!("artifacts: [{{ kind: text, name: a, path: {path}, own: block, content: x }}]")
    };
    let mut repository = Repository::default();
    repository
        .files
        .insert("old".to_owned(), "mine\n".to_owned());
    let repository = repository.run(&of("old"), PLAIN).after;
    let planned = repository.run(&of("new"), PLAIN);
    assert_eq!(said(&planned.outcome), ["create new", "update old"]);
    assert_eq!(planned.after.files["old"], "mine\n");
    let mut edited = repository;
    edited.files.insert(
        "old".to_owned(),
        edited.files["old"].replace("\nx\n", "\nedited\n"),
    );
    assert_eq!(
        said(&edited.run(&of("new"), PLAIN).outcome),
        ["Edited old"],
        "nothing goes before somebody decides"
    );
    assert_eq!(
        edited
            .run(
                &of("new"),
                Choices {
                    conflicts: Conflicts::Skip,
                    ..PLAIN
                }
            )
            .after
            .files,
        edited.files
    );
}

#[test]
fn a_block_under_another_address_stays_where_it_is() {
    let of = |name: &str, more: &str| {
        format!(
            "artifacts: [{{ kind: text, name: {name}, path: f, own: block, content: x }}]\n{more}"
        )
    };
    let mut repository = Repository::applied(&of("a", ""));
    let text = format!("above\n{}below\n", repository.files["f"]);
    repository.files.insert("f".to_owned(), text.clone());
    let moved = of("b", "moved: [{ from: text.a, to: text.b }]");
    let planned = repository.run(&moved, PLAIN);
    assert_eq!(said(&planned.outcome), ["update f"]);
    assert_eq!(planned.after.files["f"], text.replace("text.a", "text.b"));
    assert!(matches!(
        planned.after.run(&moved, PLAIN).outcome,
        Outcome::Converged(_)
    ));
}

#[test]
fn moves_of_the_address_follow_one_another() {
    let of = |name: &str, moved: &str| {
        format!("artifacts: [{{ kind: text, name: {name}, path: {name}, content: x }}]\n{moved}")
    };
    let repository = Repository::applied(&of("a", ""));
    let moved = "moved: [{ from: text.a, to: text.b }, { from: text.b, to: text.c }]";
    assert_eq!(
        said(&repository.run(&of("c", moved), PLAIN).outcome),
        ["move a → c"]
    );
}

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// A person writes a file.
    Edit(usize),
    /// A person removes a file.
    Remove(usize),
    /// The artifact goes to another path.
    Path(usize),
    /// The artifact gets another address, with a `moved:` entry.
    Rename,
    /// The artifact gets another content.
    Content(u8),
    /// Loom applies.
    Apply(Choices),
}

fn step() -> impl Strategy<Value = Step> {
    let on_drift = prop_oneof![Just(None), Just(Some(OnDrift::Keep))];
    let adoption = prop_oneof![Just(Adopting::Declared), Just(Adopting::All)];
    let conflicts = prop_oneof![Just(Conflicts::Block), Just(Conflicts::Skip)];
    prop_oneof![
        (0_usize..3).prop_map(Step::Edit),
        (0_usize..3).prop_map(Step::Remove),
        (0_usize..3).prop_map(Step::Path),
        Just(Step::Rename),
        (0_u8..2).prop_map(Step::Content),
        (on_drift, adoption, conflicts).prop_map(|(on_drift, adoption, conflicts)| Step::Apply(
            Choices {
                on_drift,
                adoption,
                conflicts
            }
        )),
    ]
}

/// What persons wrote that is still somewhere.
fn of_persons(files: &BTreeMap<String, String>) -> BTreeSet<&str> {
    files
        .values()
        .map(String::as_str)
        .filter(|text| text.starts_with("person"))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Without `restore` nothing that a person wrote disappears, wherever its artifact goes, and an
    /// apply that carried out its whole plan leaves nothing to do.
    #[test]
    fn no_history_of_moves_loses_what_a_person_wrote(steps in proptest::collection::vec(step(), 1..14)) {
        const PATHS: [&str; 3] = ["one", "two", "three"];
        let (mut repository, mut path, mut names, mut content, mut edits) = (Repository::default(), 0, vec!["n0".to_owned()], 0, 0);
        for step in steps {
            match step {
                Step::Edit(which) => {
                    edits += 1;
                    repository.files.insert(PATHS[which].to_owned(), format!("person {edits}\n"));
                }
                Step::Remove(which) => drop(repository.files.remove(PATHS[which])),
                Step::Path(which) => path = which,
                Step::Rename => names.push(format!("n{}", names.len())),
                Step::Content(which) => content = which,
                Step::Apply(choices) => {
                    let moved: Vec<String> =
                        names.windows(2).map(|pair| format!("{{ from: text.{}, to: text.{} }}", pair[0], pair[1])).collect();
                    let name = names.last().expect("there is always a name");
                    let declared = format!(
                        "artifacts: [{{ kind: text, name: {name}, path: {}, content: loom{content} }}]\nmoved: [{}]",
                        PATHS[path], moved.join(", ")
                    );
                    let planned = repository.run(&declared, choices);
                    let (before, after) = (of_persons(&repository.files), of_persons(&planned.after.files));
                    prop_assert!(before.is_subset(&after), "{:?} lost {before:?} → {after:?}", said(&planned.outcome));
                    if matches!(&planned.outcome, Outcome::Ready(plan) if plan.skipped.is_empty()) {
                        let again = planned.after.run(&declared, choices);
                        prop_assert!(matches!(again.outcome, Outcome::Converged(_)), "{:?} then {:?}", said(&planned.outcome), said(&again.outcome));
                    }
                    repository = planned.after;
                }
            }
        }
    }
}
