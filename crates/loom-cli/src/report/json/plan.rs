//! The document of a plan.

use std::borrow::Cow;
use std::io::{self, Write};

use loom_plan::check::Finding;
use loom_plan::check::accept::Exception;
use loom_plan::credential::masked;
use loom_plan::keys::{Manual, Snippet};
use loom_plan::plan::decide::Conflict;
use loom_plan::plan::digest::Choices;
use loom_plan::plan::upgrade::Upgrades;
use loom_plan::plan::{
    Action, Brake, ByHand, Cause, Conflicting, Expect, Outcome, PartAction, Verb,
};
use loom_plan::provider::Mode;
use loom_plan::snapshot::Content;
use loom_plan::text::Position;
use rayon::prelude::*;
use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};

use super::{Note, PLAN_FORMAT_VERSION, UpgradeJson, block, keys, notes, unified, upgrades, write};
use crate::report::causes::{self, Summary};
use crate::report::check::{BasisJson, FindingJson};
use crate::report::{Accepted, Basis, Compared, Contents, Shown, own_settings};

/// How many actions are prepared at once.
const CHUNK: usize = 256;

#[derive(Serialize)]
struct PlanDocument<'a> {
    format_version: &'static str,
    outcome: &'static str,
    digest: Option<String>,
    /// What the digest covers besides the actions.
    choices: Option<&'a Choices>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Against<'a>>,
    #[serde(flatten)]
    basis: BasisJson<'a>,
    exceptions: &'a [Exception],
    summary: Summary,
    brake: Option<BrakeJson>,
    actions: Actions<'a>,
    conflicts: Vec<ConflictJson<'a>>,
    upgrades: Vec<UpgradeJson<'a>>,
    notes: Vec<Note<'a>>,
    denied: bool,
    findings: Vec<FindingJson<'a>>,
}

/// What the actions are compared with.
#[derive(Serialize)]
struct Against<'a> {
    reference: &'a str,
    commit: &'a str,
}

/// Writes a plan, or a comparison: then the outcome is that of the tree itself.
///
/// # Errors
/// Those of `out`.
pub(crate) fn plan(
    (outcome, findings, basis): (&Outcome, &[Finding], &Basis),
    contents: &dyn Contents,
    (compared, choices): (Option<&Compared>, Option<&Choices>),
    out: &mut dyn Write,
) -> io::Result<()> {
    let (word, digest) = match outcome {
        _ if let Some(compared) = compared => (compared.standing, None),
        Outcome::Converged(_) => ("converged", None),
        Outcome::Ready(plan) => ("ready", plan.digest.map(|digest| digest.to_string())),
        Outcome::Blocked(_) => ("blocked", None),
    };
    let exceptions = match outcome {
        Outcome::Ready(plan) => plan.exceptions.as_slice(),
        Outcome::Converged(_) | Outcome::Blocked(_) => &[],
    };
    let document = PlanDocument {
        format_version: PLAN_FORMAT_VERSION,
        outcome: word,
        choices: choices.filter(|_| digest.is_some()),
        digest,
        against: compared.map(|it| Against {
            reference: &it.reference,
            commit: &it.commit,
        }),
        basis: basis.into(),
        exceptions,
        summary: Summary::of(outcome),
        brake: brake(outcome),
        actions: Actions {
            actions: outcome.actions(),
            contents,
        },
        conflicts: outcome.conflicts().iter().map(ConflictJson::new).collect(),
        upgrades: upgrades(&Upgrades::of(outcome.actions())),
        notes: notes(outcome),
        denied: findings.iter().any(Finding::denies),
        findings: findings.iter().map(Into::into).collect(),
    };
    write(&document, out)
}

/// That most of what loom manages would go.
#[derive(Serialize)]
struct BrakeJson {
    deletions: usize,
    managed: usize,
    text: String,
}

fn brake(outcome: &Outcome) -> Option<BrakeJson> {
    let (Outcome::Ready(plan), text) = (outcome, causes::deletion_warning(outcome)?) else {
        return None;
    };
    match plan.brake(None) {
        Brake::Many { deletions, managed } => Some(BrakeJson {
            deletions,
            managed,
            text,
        }),
        Brake::Free | Brake::Exceeded { .. } => None,
    }
}

/// The actions, prepared in parallel, a chunk at a time.
struct Actions<'a> {
    actions: &'a [Action],
    contents: &'a dyn Contents,
}

impl Serialize for Actions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.actions.len()))?;
        for chunk in self.actions.chunks(CHUNK) {
            let prepared: Vec<ActionJson<'_>> = chunk
                .par_iter()
                .map(|action| ActionJson::new(action, self.contents))
                .collect();
            prepared
                .iter()
                .try_for_each(|action| list.serialize_element(action))?;
        }
        list.end()
    }
}

/// What a document says of actions, one value each.
pub(crate) fn actions<'a>(
    actions: &'a [Action],
    contents: &'a dyn Contents,
) -> impl Iterator<Item = serde_json::Value> + 'a {
    let said = |action: &Action| serde_json::to_value(ActionJson::new(action, contents));
    actions.chunks(CHUNK).flat_map(move |chunk| {
        let prepared: Vec<_> = chunk.par_iter().map(said).collect();
        prepared.into_iter().map(Result::unwrap_or_default)
    })
}

#[derive(Serialize)]
struct ActionJson<'a> {
    action: &'static str,
    path: &'a str,
    from: Option<&'a str>,
    addresses: Vec<String>,
    guard: Guard,
    parts: Vec<PartJson<'a>>,
    causes: Vec<CauseJson<'a>>,
    settings: Vec<String>,
    diff: Option<String>,
    /// What of a person's edit is taken as good.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<AcceptedJson>,
}

#[derive(Serialize)]
struct AcceptedJson {
    grade: &'static str,
    lines: String,
}

#[derive(Serialize)]
#[serde(tag = "expect", rename_all = "lowercase")]
enum Guard {
    Absent,
    Exactly { hash: String, mode: &'static str },
}

#[derive(Serialize)]
struct PartJson<'a> {
    address: String,
    block: Option<&'a str>,
    keys: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_to: Option<&'a str>,
    before: Option<ContentJson>,
    after: Option<ContentJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

#[derive(Serialize)]
struct ContentJson {
    hash: String,
    mode: &'static str,
}

impl<'a> ActionJson<'a> {
    fn new(action: &'a Action, contents: &dyn Contents) -> Self {
        let shown = Shown::of(contents, action);
        Self {
            action: action.verb.as_str(),
            path: action.path.as_str(),
            from: match &action.verb {
                Verb::Move { from } => Some(from.as_str()),
                Verb::Create
                | Verb::Update
                | Verb::Delete
                | Verb::Adopt
                | Verb::Keep
                | Verb::Forget => None,
            },
            addresses: action
                .parts
                .iter()
                .map(|part| part.address.to_string())
                .collect(),
            guard: match action.expect {
                Expect::Absent => Guard::Absent,
                Expect::Exactly(content) => Guard::Exactly {
                    hash: content.hash.to_string(),
                    mode: mode(content.mode),
                },
            },
            parts: action.parts.iter().map(PartJson::new).collect(),
            causes: causes::of(action).into_iter().map(CauseJson::new).collect(),
            settings: own_settings(contents, action, &shown),
            diff: unified(&shown),
            accepted: Accepted::of(contents, action).map(|accepted| AcceptedJson {
                grade: accepted.grade.as_str(),
                lines: accepted.lines,
            }),
        }
    }
}

impl<'a> PartJson<'a> {
    fn new(part: &'a PartAction) -> Self {
        let content = |content: Content| ContentJson {
            hash: content.hash.to_string(),
            mode: mode(content.mode),
        };
        Self {
            address: part.address.to_string(),
            block: block(&part.part),
            keys: keys(&part.part),
            left_to: part.left_to.as_deref(),
            before: part.before.map(content),
            after: part.after.map(content),
            bytes: part.bytes.map(|hash| hash.to_string()),
        }
    }
}

/// The word for a mode.
pub(crate) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Plain => "plain",
        Mode::Executable => "executable",
    }
}

/// A cause: its kind, the sentence, and the fields that its kind has.
#[derive(Default, Serialize)]
struct CauseJson<'a> {
    kind: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    story: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

impl<'a> CauseJson<'a> {
    fn new(cause: &'a Cause) -> Self {
        let of = |kind| Self {
            kind,
            text: causes::clause(cause),
            ..Self::default()
        };
        match cause {
            Cause::Setting { pointer, position } => Self {
                pointer: Some(pointer),
                ..of("setting").at(position.as_ref())
            },
            Cause::Task {
                story,
                task,
                position,
            } => Self {
                story: Some(story),
                task: Some(task),
                ..of("task").at(Some(position))
            },
            Cause::Standing(position) => of("standing").at(Some(position)),
            Cause::BuiltIn => of("built_in"),
            Cause::Edited => of("edited"),
            Cause::Merged => of("merged"),
            Cause::Vanished => of("vanished"),
            Cause::KindVersion {
                kind,
                from,
                to,
                changes,
            } => Self {
                artifact_kind: Some(kind),
                from_version: Some(*from),
                to_version: Some(*to),
                changes: Some(changes),
                ..of("kind_version")
            },
            Cause::RefersTo(address) => Self {
                address: Some(address.to_string()),
                ..of("refers_to")
            },
            Cause::Undeclared => of("undeclared"),
            Cause::Removed(position) => of("removed").at(Some(position)),
            Cause::Moved { from, position } => Self {
                address: Some(from.to_string()),
                ..of("moved").at(Some(position))
            },
            Cause::Path(position) => of("path").at(Some(position)),
            Cause::AlreadyThere => of("already_there"),
            Cause::Adopted => of("adopted"),
            Cause::KeysLeft => of("keys_left"),
            Cause::Delegated { .. } => of("delegated"),
            Cause::ClaimChanged => of("claim_changed"),
        }
    }

    fn at(self, position: Option<&'a Position>) -> Self {
        Self {
            file: position.map(|position| position.file.as_ref()),
            line: position.map(|position| position.line),
            ..self
        }
    }
}

#[derive(Serialize)]
struct ConflictJson<'a> {
    conflict: &'static str,
    path: &'a str,
    block: Option<&'a str>,
    keys: Option<&'a str>,
    address: String,
    text: String,
    found: Option<&'a str>,
    ways: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<ByHandJson<'a>>,
}

#[derive(Serialize)]
struct ByHandJson<'a> {
    patch: Cow<'a, str>,
    snippets: Vec<SnippetJson<'a>>,
}

#[derive(Serialize)]
struct SnippetJson<'a> {
    change: Manual,
    line: usize,
    text: Cow<'a, str>,
}

impl<'a> ByHandJson<'a> {
    fn new(found: &'a ByHand) -> Self {
        let snippet = |snippet: &'a Snippet| SnippetJson {
            change: snippet.change,
            line: snippet.line,
            text: masked(&snippet.text),
        };
        Self {
            patch: masked(&found.patch),
            snippets: found.snippets.iter().map(snippet).collect(),
        }
    }
}

impl<'a> ConflictJson<'a> {
    fn new(found: &'a Conflicting) -> Self {
        Self {
            conflict: match found.conflict {
                Conflict::Edited => "edited",
                Conflict::DeletedButEdited => "deleted_but_edited",
                Conflict::NotOurs => "not_ours",
                Conflict::Foreign => "foreign",
                Conflict::Stateful => "stateful",
                Conflict::Component => "component",
                Conflict::Newer => "newer",
                Conflict::Migration => "migration",
                Conflict::Merge => "merge",
                Conflict::Base => "base",
                Conflict::Unsafe => "unsafe",
                Conflict::KeysTaken => "keys_taken",
                Conflict::Markers => "markers",
            },
            path: found.path.as_str(),
            block: block(&found.part),
            keys: keys(&found.part),
            address: found.address.to_string(),
            text: causes::conflict_sentences(found),
            found: found.found.as_deref(),
            ways: found.ways.iter().map(ToString::to_string).collect(),
            by_hand: found.by_hand.as_ref().map(ByHandJson::new),
        }
    }
}
