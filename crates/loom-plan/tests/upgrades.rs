//! A kind whose next version writes the same settings as other bytes, over a ledger of the version
//! before: what comes with the new version alone stands apart from what somebody asked for.

#![expect(clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the other tests use the rest of it")]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use loom_plan::addr::ContentHash;
use loom_plan::diag::Diagnostics;
use loom_plan::drift::{self, Class};
use loom_plan::graph;
use loom_plan::graph::link;
use loom_plan::header;
use loom_plan::input::Memory;
use loom_plan::intent;
use loom_plan::ledger::Ledger;
use loom_plan::plan::build::Inputs;
use loom_plan::plan::decide::Conflict;
use loom_plan::plan::known::Known;
use loom_plan::plan::scope::Request;
use loom_plan::plan::upgrade::Upgrades;
use loom_plan::plan::{self, Cause, Outcome};
use loom_plan::provider::{
    Artifact, Comment, Failure, KindSpec, Nature, Place, Provider, Registry,
};
use loom_plan::render::{self, Desired};
use loom_plan::shape::{Field, Shape, World};
use loom_plan::snapshot::{Content, Observed, Seen, Snapshot};
use support::Run;

const SETTINGS: &[Field] = &[Field::required("says", Shape::Text, "the text")];

const fn spec(version: u32, changelog: &'static [(u32, &'static str)]) -> KindSpec {
    let (summary, default_path) = ("A note", "NAME.txt");
    let (settings, attributes, nature) = (SETTINGS, &[], Nature::Plain);
    KindSpec {
        kind: "note",
        version,
        changelog,
        summary,
        settings,
        attributes,
        default_path,
        nature,
    }
}

static FIRST: KindSpec = spec(1, &[(1, "The first version.")]);
static SECOND: KindSpec = spec(
    2,
    &[(1, "The first version."), (2, "Notes end in a full stop.")],
);

/// A note, as one version of its kind writes it.
struct Note(&'static KindSpec);

impl Provider for Note {
    fn spec(&self) -> &'static KindSpec {
        self.0
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        artifact.single(
            "note",
            &format!("{}.txt", artifact.address.name()),
            Some(Comment::Hash),
        )
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        let says = artifact
            .settings
            .get("says")
            .and_then(|node| node.as_str())
            .unwrap_or_default();
        Ok(if self.0.version == 1 {
            format!("{says}\n")
        } else {
            format!("{says}.\n")
        })
    }
}

static PROVIDERS: [&[&dyn Provider]; 2] = [&[&Note(&FIRST)], &[&Note(&SECOND)]];

/// A repository: the version of loom that is at work, and what earlier runs left.
struct Repository {
    registry: Registry<'static>,
    ledger: Vec<(String, String)>,
    files: BTreeMap<String, String>,
}

impl Repository {
    fn new() -> Self {
        Self {
            registry: Registry {
                providers: PROVIDERS[0],
                blueprints: &[],
                formats: &[],
            },
            ledger: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    fn upgrade(&mut self) {
        self.registry = Registry {
            providers: PROVIDERS[1],
            blueprints: &[],
            formats: &[],
        };
    }

    /// Plans these entries of `artifacts`, and hands the outcome on with all that it came from.
    fn plan<T>(&self, artifacts: &str, then: impl FnOnce(Inputs<'_>, Outcome) -> T) -> T {
        let loom = format!(
            "loom: 1\nproject: shop\nenvironments: {{ production: {{}} }}\nartifacts:\n{artifacts}"
        );
        let run = Run::of(&[("loom.yaml", &loom)], None);
        let (project, mut sources, mut found) =
            (run.project.expect("a project"), run.sources, run.found);
        let desired: Desired = {
            let environments = project.environment_names.clone();
            let world = World {
                sources: &sources,
                environments: &environments,
            };
            let declarations =
                intent::compile(&project, &run.stories, self.registry, world, &mut found);
            let mut ordered =
                graph::order(declarations, self.registry, &mut found).expect("an order");
            let files = link::read_files(
                &mut ordered.declarations,
                &Memory(BTreeMap::new()),
                &mut sources,
                &mut found,
            );
            let world = World {
                sources: &sources,
                environments: &environments,
            };
            let linked = link::link(&ordered, self.registry, &files, world, &mut found);
            render::render(ordered, linked, &[], (&[], &|_, _, _| false), &mut found)
        };
        assert!(!found.has_errors(), "{found:?}");
        let ledger = Ledger::read(&self.ledger, &mut Diagnostics::default());
        let snapshot = self.snapshot();
        let known = Known::choose(&ledger, &snapshot);
        let (request, stories) = (Request::default(), BTreeSet::new());
        let inputs = Inputs {
            project: &project,
            desired: &desired,
            snapshot: &snapshot,
            ledger: &ledger,
            known: &known,
            registry: self.registry,
            sources: &sources,
            request: &request,
            stories: &stories,
            losses: &|_, _| Vec::new(),
        };
        then(inputs, plan::plan(inputs))
    }

    fn snapshot(&self) -> Snapshot {
        let seen = |path: &loom_plan::addr::RepoPath, text: &String| {
            let content = Content {
                hash: header::content_hash(text.as_bytes(), path),
                mode: loom_plan::provider::Mode::Plain,
            };
            Seen {
                whole: Observed::File(content),
                bytes: Some(ContentHash::of(text.as_bytes())),
                ..Seen::default()
            }
        };
        let path = |path: &String| loom_plan::addr::RepoPath::new(path).expect("a path");
        Snapshot(
            self.files
                .iter()
                .map(|(name, text)| (path(name), seen(&path(name), text)))
                .collect(),
        )
    }

    fn apply(&mut self, artifacts: &str) {
        let (ledger, files) = self.plan(artifacts, |inputs, outcome| {
            let Outcome::Ready(plan) = outcome else {
                panic!("something to do and nothing against it: {outcome:?}")
            };
            let ledger = plan::record::record(inputs, &plan);
            let name = |path: &loom_plan::addr::RepoPath| {
                path.as_str()
                    .trim_start_matches(".loom/ledger/")
                    .trim_end_matches(".jsonl")
                    .to_owned()
            };
            let ledger: Vec<_> = ledger
                .into_iter()
                .filter_map(|(path, text)| Some((name(&path), text?)))
                .collect();
            let outputs = inputs.desired.outputs.iter();
            let files: BTreeMap<_, _> = outputs
                .map(|output| {
                    (
                        output.place.path.to_string(),
                        inputs.desired.dressed(output).expect("a text"),
                    )
                })
                .collect();
            (ledger, files)
        });
        (self.ledger, self.files) = (ledger, files);
    }
}

const TWO: &str =
    "  - { kind: note, name: one, says: one }\n  - { kind: note, name: two, says: two }\n";

#[test]
fn a_new_version_alone_is_a_generator_upgrade_with_the_sentence_of_its_kind() {
    let mut world = Repository::new();
    world.apply(TWO);
    world.upgrade();
    world.plan(TWO, |_, outcome| {
        let upgrades = Upgrades::of(outcome.actions());
        let group = &upgrades.groups[0];
        assert_eq!(
            (upgrades.groups.len(), group.kind, group.from, group.to),
            (1, "note", 1, 2)
        );
        assert_eq!(group.changes, ["Notes end in a full stop."]);
        assert_eq!(
            group
                .paths
                .iter()
                .map(|path| path.as_str())
                .collect::<Vec<_>>(),
            ["one.txt", "two.txt"]
        );
        let drifted = drift::report(&outcome, &|_, _| [None, None]);
        assert!(
            drifted
                .iter()
                .all(|found| found.class == Class::GeneratorUpgraded)
                && drifted.len() == 2,
            "{drifted:?}"
        );
    });
    world.apply(TWO);
    world.plan(TWO, |_, outcome| {
        assert!(matches!(outcome, Outcome::Converged(_)), "{outcome:?}");
    });
}

#[test]
fn what_somebody_changed_is_not_taken_for_an_upgrade() {
    let mut world = Repository::new();
    world.apply(TWO);
    world.upgrade();
    let asked = TWO.replace("says: two", "says: three");
    world.plan(&asked, |_, outcome| {
        let classes: Vec<_> = drift::report(&outcome, &|_, _| [None, None])
            .into_iter()
            .map(|it| (it.path, it.class))
            .collect();
        let classes: Vec<_> = classes
            .iter()
            .map(|(path, class)| (path.as_str(), *class))
            .collect();
        assert_eq!(
            classes,
            [
                ("one.txt", Class::GeneratorUpgraded),
                ("two.txt", Class::InputChanged)
            ]
        );
        let causes = &outcome.actions()[1].parts[0].causes;
        assert!(
            causes
                .iter()
                .any(|cause| matches!(cause, Cause::Setting { .. })),
            "{causes:?}"
        );
        assert!(
            causes
                .iter()
                .any(|cause| matches!(cause, Cause::KindVersion { from: 1, to: 2, .. })),
            "{causes:?}"
        );
    });
}

#[test]
fn an_older_loom_writes_nothing_over_what_a_newer_one_wrote() {
    let mut world = Repository::new();
    world.upgrade();
    world.apply(TWO);
    world.registry = Repository::new().registry;
    world.plan(TWO, |_, outcome| {
        let refused: Vec<_> = outcome.conflicts().iter().map(|it| it.conflict).collect();
        assert!(!refused.is_empty(), "nothing is refused");
        assert!(
            refused.iter().all(|it| *it == Conflict::Newer),
            "{refused:?}"
        );
        assert!(Upgrades::of(outcome.actions()).groups.is_empty());
    });
}
