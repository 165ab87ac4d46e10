//! Outcomes made by hand, for the tests of every report.

use std::collections::BTreeMap;
use std::sync::Arc;

use loom_plan::addr::{Address, ContentHash, RepoPath};
use loom_plan::drift::Drifted;
use loom_plan::plan::advice;
use loom_plan::plan::decide::{Adopting, Conflict, Creation, Decision, Removal, Updating};
use loom_plan::plan::{
    Action, BlockedPlan, Cause, Conflicting, Expect, Note, NoteKind, Outcome, PartAction, Plan,
    Report, Verb, Way,
};
use loom_plan::provider::Mode;
use loom_plan::snapshot::{Content, Part};
use loom_plan::text::Position;

use super::{Contents, Sides};

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

pub(crate) fn path(text: &str) -> RepoPath {
    RepoPath::new(text).expect("a path")
}

pub(crate) fn position(file: &str, line: usize) -> Position {
    Position {
        file: Arc::from(file),
        line,
        column: 1,
    }
}

pub(crate) fn setting(pointer: &str, line: usize) -> Cause {
    Cause::Setting {
        pointer: pointer.to_owned(),
        position: Some(position("loom.yaml", line)),
    }
}

pub(crate) fn task(task: &str, line: usize) -> Cause {
    Cause::Task {
        story: "ENT-001".to_owned(),
        task: task.to_owned(),
        position: position("stories/ENT-001.yaml", line),
    }
}

fn content(text: &str) -> Content {
    Content {
        hash: ContentHash::of(text.as_bytes()),
        mode: Mode::Plain,
    }
}

/// A plan under construction, and the contents that it is about.
#[derive(Default)]
pub(crate) struct Scene {
    pub(crate) actions: Vec<Action>,
    pub(crate) conflicts: Vec<Conflicting>,
    pub(crate) report: Report,
    contents: BTreeMap<RepoPath, Sides>,
}

impl Scene {
    #[expect(
        clippy::too_many_arguments,
        reason = "a line of a test names all that a reader must see"
    )]
    pub(crate) fn act(
        &mut self,
        verb: Verb,
        at: &str,
        of: &str,
        texts: [Option<&str>; 2],
        causes: &[Cause],
    ) -> &mut Action {
        let [before, after] = texts;
        let decision = match &verb {
            Verb::Create => Decision::Create(Creation::New),
            Verb::Update | Verb::Move { .. } => Decision::Update(Updating::Changed),
            Verb::Delete => Decision::Delete,
            Verb::Adopt => Decision::Adopt(Adopting::Equal),
            Verb::Keep => Decision::Keep,
            Verb::Forget => Decision::Forget(loom_plan::plan::decide::Forgetting::LeftAlone),
        };
        self.contents(at, before, after);
        let part = PartAction {
            address: address(of),
            part: Part::Whole,
            removes: Vec::new(),
            stays: Vec::new(),
            bytes: None,
            left_to: None,
            was: None,
            decision,
            before: before.map(content),
            after: after.map(content),
            causes: causes.to_vec(),
        };
        let expect = before.map_or(Expect::Absent, |text| Expect::Exactly(content(text)));
        self.actions.push(Action {
            path: path(at),
            verb,
            expect,
            parts: vec![part],
        });
        self.actions.last_mut().expect("it was pushed")
    }

    #[expect(clippy::too_many_arguments, reason = "as `act`")]
    pub(crate) fn conflict(
        &mut self,
        conflict: Conflict,
        at: &str,
        of: &str,
        texts: [Option<&str>; 2],
        ways: &[&str],
    ) {
        self.contents(at, texts[0], texts[1]);
        self.conflicts.push(Conflicting {
            path: path(at),
            address: address(of),
            part: Part::Whole,
            conflict,
            found: None,
            clashes: Vec::new(),
            ways: said_or_offered(conflict, at, of, ways),
            by_hand: None,
        });
    }

    /// What of an outcome is drift.
    pub(crate) fn drifted(&self, outcome: &Outcome) -> Vec<Drifted> {
        let of = |side: &Option<Vec<u8>>, path: &RepoPath| {
            let hash = loom_plan::header::content_hash(side.as_deref()?, path);
            Some(Content {
                hash,
                mode: Mode::Plain,
            })
        };
        loom_plan::drift::report(outcome, &|path, _| {
            let sides = self.contents.get(path).cloned().unwrap_or_default();
            [&sides.before, &sides.after].map(|side| of(side, path))
        })
    }

    pub(crate) fn note(&mut self, of: &str, kind: NoteKind) {
        self.report.notes.push(Note {
            address: address(of),
            path: None,
            kind,
        });
    }

    fn contents(&mut self, at: &str, before: Option<&str>, after: Option<&str>) {
        let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        self.contents.insert(
            path(at),
            Sides {
                before: bytes(before),
                after: bytes(after),
            },
        );
    }

    pub(crate) fn raw(&mut self, at: &str, before: &[u8], after: &[u8]) {
        self.contents.insert(
            path(at),
            Sides {
                before: Some(before.to_vec()),
                after: Some(after.to_vec()),
            },
        );
    }

    pub(crate) fn ready(&self) -> Outcome {
        Outcome::Ready(Plan {
            actions: self.actions.clone(),
            digest: Some(ContentHash::of(b"plan")),
            exceptions: Vec::new(),
            skipped: self.conflicts.clone(),
            gone: Vec::new(),
            spends: BTreeMap::new(),
            report: self.report.clone(),
        })
    }

    pub(crate) fn blocked(&self) -> Outcome {
        Outcome::Blocked(BlockedPlan {
            actions: self.actions.clone(),
            conflicts: self.conflicts.clone(),
            report: self.report.clone(),
        })
    }
}

/// The ways that a test writes down, else those that loom offers.
fn said_or_offered(conflict: Conflict, at: &str, of: &str, ways: &[&str]) -> Vec<Way> {
    if !ways.is_empty() {
        return ways.iter().map(|way| Way::by_hand(*way)).collect();
    }
    let (address, path) = (address(of), path(at));
    let about = advice::About {
        address: &address,
        path: &path,
        goes: &path,
        part: &Part::Whole,
        lost: &[],
        clashes: &[],
        removal: Removal::Unsaid,
        declared: true,
        by_hand: false,
        known: None,
    };
    advice::ways(conflict, about)
}

impl Contents for Scene {
    fn of(&self, action: &Action) -> Sides {
        self.contents.get(&action.path).cloned().unwrap_or_default()
    }

    fn of_conflict(&self, conflict: &Conflicting) -> Sides {
        self.contents
            .get(&conflict.path)
            .cloned()
            .unwrap_or_default()
    }

    /// The lines `key: value` that stand in both and differ.
    fn explain(&self, _: &Address, before: &str, after: &str) -> Vec<String> {
        let pair = |line: &str| {
            line.trim()
                .split_once(": ")
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
        };
        let old: BTreeMap<String, String> = before.lines().filter_map(pair).collect();
        let differing = |(key, new): (String, String)| match old.get(&key) {
            Some(value) if *value != new => Some(format!("{key}: {value} → {new}")),
            Some(_) | None => None,
        };
        after
            .lines()
            .filter_map(pair)
            .filter_map(differing)
            .collect()
    }
}

/// A day's work: one of nearly everything.
pub(crate) fn day() -> Scene {
    let mut scene = Scene::default();
    let deployment = |port: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: entity-api\nspec:\n  port: {port}\n  type: ClusterIP\n"
        )
    };
    let workflow = "name: Deploy\non: push\njobs: {}\n";
    let created = scene.act(
        Verb::Create,
        ".github/workflows/deploy-entity-api.yml",
        "github.workflow.entity-api",
        [None, Some(workflow)],
        &[task("T-015", 14)],
    );
    created.parts[0]
        .causes
        .push(setting("services.entity-api.port", 22));
    for environment in ["production", "staging"] {
        scene.act(
            Verb::Update,
            &format!("k8s/{environment}/entity-api.yml"),
            &format!("kubernetes.manifest.entity-api[{environment}]"),
            [Some(&deployment("3000")), Some(&deployment("8080"))],
            &[setting("services.entity-api.port", 22)],
        );
    }
    scene.act(
        Verb::Delete,
        "docs/old.md",
        "markdown.page.old",
        [Some("# Old\n\nGone.\n"), None],
        &[Cause::Undeclared],
    );
    let from = Verb::Move {
        from: path("infra/api/main.tf"),
    };
    let moved = Cause::Moved {
        from: address("terraform.module.api"),
        position: position("loom.yaml", 60),
    };
    let module = Some("locals {}\n");
    scene.act(
        from,
        "infra/entity-api/main.tf",
        "terraform.module.entity-api",
        [module, module],
        &[moved],
    );
    scene.act(
        Verb::Adopt,
        "README.md",
        "file.readme",
        [None, None],
        &[Cause::AlreadyThere],
    );
    scene.note("pipeline.entity-api", NoteKind::Waiting("T-003".to_owned()));
    scene.report.drifted = 1;
    scene.report.outputs = 12;
    scene
}

/// More deletions than anybody lets go without a word.
pub(crate) fn emptying() -> Scene {
    let mut scene = Scene::default();
    for index in 0..25 {
        scene.act(
            Verb::Delete,
            &format!("a{index:02}.txt"),
            "file.a",
            [Some("x\n"), None],
            &[Cause::Undeclared],
        );
    }
    scene.report.managed = 30;
    scene
}

/// How [`emptying`] is warned of.
pub(crate) const EMPTYING: &str =
    "Most goes: 25 of the 30 files that loom manages would be deleted.";

/// Drift of every class, and of every grade.
pub(crate) fn drifting() -> Scene {
    let mut scene = day();
    scene.actions.truncate(3);
    let upgrade = Cause::KindVersion {
        kind: "kubernetes.manifest".to_owned(),
        from: 1,
        to: 2,
        changes: vec!["Probes stand behind ports.".to_owned()],
    };
    scene.actions[1].parts[0].causes = vec![upgrade.clone()];
    scene.actions[2].parts[0].causes = vec![upgrade, setting("services.entity-api.port", 22)];
    let vanished = scene.act(
        Verb::Create,
        "run.sh",
        "shell.script.run",
        [None, Some("x\n")],
        &[Cause::Vanished],
    );
    vanished.parts[0].decision = Decision::Create(Creation::Vanished);
    scene.conflict(
        Conflict::Edited,
        "docs/deployment.md",
        "markdown.page.deployment",
        [Some("a\n"), Some("b\n")],
        &[],
    );
    scene.conflict(
        Conflict::Edited,
        "k8s/web.yml",
        "kubernetes.manifest.web",
        [Some("a:  1\n"), Some("a: 1\n")],
        &[],
    );
    let secret = [
        Some("# see <https://example.com> | ops\na: 1\n"),
        Some("a: 1\n"),
    ];
    scene.conflict(
        Conflict::Edited,
        "k8s/|x`.yml",
        "kubernetes.manifest.odd",
        secret,
        &[],
    );
    scene.conflict(
        Conflict::NotOurs,
        "README.md",
        "file.readme",
        [None, None],
        &[],
    );
    scene.conflict(
        Conflict::Foreign,
        "etc/motd",
        "file.motd",
        [None, None],
        &[],
    );
    let last = scene.conflicts.last_mut().expect("it was pushed");
    last.found = Some("a file that cannot be read (Permission denied)".to_owned());
    scene.note("file.kept", NoteKind::KeptEdit);
    scene
}
