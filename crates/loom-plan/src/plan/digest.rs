//! The plan digest: what a plan would do, as one hash.
//!
//! Over the format version, the scope and the drift choices, and for each action in path order:
//! the verb, the path (both, of a move), the parts with their hashes and modes before and after, and
//! with every byte that changes and is in neither: of owned keys each piece of the text that gives
//! way to another, and of a file with delegated versions all of it. A piece is named by its key and a
//! block by its marker, never by where in the file it stands.
//! The exceptions that the plan leans on are put on top: which rule is silenced where; not why, nor the
//! line, nor the texts of the policies, which change nothing that is written.
//! No reasons, no positions, no ledger, and of a file of which loom owns parts not the rest: an
//! unrelated commit keeps the digest. Every field is preceded by its length, so that no two plans read the same.

use serde::{Deserialize, Serialize};

use super::scope::{Adopting, Conflicts, Request};
use super::{Action, Verb};
use crate::addr::{Address, ContentHash};
use crate::check::accept::Exception;
use crate::project::OnDrift;
use crate::provider::Mode;
use crate::snapshot::{Content, Part};

/// Raised when the same plan would hash differently.
const FORMAT: &str = "loom plan 2";

/// The choices of a run that the digest covers. A plan that is written to a file carries them, so that
/// whoever reads it can compute the digest anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// The code of the story.
    pub story: Option<String>,
    /// The targets.
    pub targets: Vec<Address>,
    /// The paths, as written.
    pub paths: Vec<String>,
    /// What is done with edits, where that was typed.
    pub on_drift: Option<OnDrift>,
    /// Whether files of others are taken over.
    pub adopt: Adopting,
    /// What a conflict does.
    pub conflicts: Conflicts,
}

impl From<&Request> for Choices {
    fn from(request: &Request) -> Self {
        Self {
            story: request.story.clone(),
            targets: request.targets.clone(),
            paths: request.paths.clone(),
            on_drift: request.on_drift,
            adopt: request.adoption,
            conflicts: request.conflicts,
        }
    }
}

/// All that the digest covers of an action. Whoever reads a plan from elsewhere makes these of what
/// stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// What is done.
    pub verb: String,
    /// The path; of a move, the new one.
    pub path: String,
    /// Of a move, the old path.
    pub from: Option<String>,
    /// The parts, in order.
    pub parts: Vec<CoveredPart>,
}

/// All that the digest covers of what is done to one part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoveredPart {
    /// The part.
    pub part: Part,
    /// Who keeps some of its versions, so that its hashes are not of its bytes.
    pub left_to: Option<String>,
    /// The part before; `None` where there was none.
    pub before: Option<Content>,
    /// The part after; `None` where there is none.
    pub after: Option<Content>,
    /// What changes of its bytes beyond that.
    pub bytes: Option<ContentHash>,
}

impl From<&Action> for Covered {
    fn from(action: &Action) -> Self {
        let parts = action.parts.iter().map(|part| CoveredPart {
            part: part.part.clone(),
            left_to: part.left_to.clone(),
            before: part.before,
            after: part.after,
            bytes: part.bytes,
        });
        Self {
            verb: action.verb.as_str().to_owned(),
            path: action.path.to_string(),
            from: match &action.verb {
                Verb::Move { from } => Some(from.to_string()),
                Verb::Create
                | Verb::Update
                | Verb::Delete
                | Verb::Adopt
                | Verb::Keep
                | Verb::Forget => None,
            },
            parts: parts.collect(),
        }
    }
}

/// The digest of a plan.
pub fn of(actions: &[Action], request: &Request) -> ContentHash {
    of_covered(actions.iter().map(Covered::from), &request.into())
}

/// The digest of what is covered.
pub fn of_covered(actions: impl IntoIterator<Item = Covered>, choices: &Choices) -> ContentHash {
    let mut text = Vec::new();
    let mut field = |value: &str| {
        text.extend((value.len() as u64).to_le_bytes());
        text.extend(value.as_bytes());
    };
    field(FORMAT);
    field(choices.story.as_deref().unwrap_or(""));
    choices
        .targets
        .iter()
        .for_each(|target| field(&target.to_string()));
    field("paths");
    choices.paths.iter().for_each(|path| field(path));
    field(choices.on_drift.map_or("", OnDrift::as_str));
    field(match (choices.adopt, choices.conflicts) {
        (Adopting::Declared, Conflicts::Block) => "",
        (Adopting::All, Conflicts::Block) => "adopt",
        (Adopting::Declared, Conflicts::Skip) => "skip",
        (Adopting::All, Conflicts::Skip) => "adopt skip",
    });
    for action in actions {
        field(&action.verb);
        field(&action.path);
        if let Some(from) = &action.from {
            field(from);
        }
        for part in &action.parts {
            field(match &part.part {
                Part::Whole => "",
                Part::Block(address) | Part::Keys(address) => address,
            });
            if matches!(part.part, Part::Keys(_)) {
                field("keys");
            }
            if let Some(to) = &part.left_to {
                field("left to");
                field(to);
            }
            field(&content(part.before));
            field(&content(part.after));
            field(&part.bytes.map(|hash| hash.to_string()).unwrap_or_default());
        }
    }
    ContentHash::of(&text)
}

/// The digest of a plan that is let through with exceptions; without any, that of what it does.
pub fn leaning_on(digest: ContentHash, exceptions: &[Exception]) -> ContentHash {
    if exceptions.is_empty() {
        return digest;
    }
    let mut text = Vec::new();
    let mut field = |value: &str| {
        text.extend((value.len() as u64).to_le_bytes());
        text.extend(value.as_bytes());
    };
    field(&digest.to_string());
    field("exceptions");
    for exception in exceptions {
        let (kind, place) = match (&exception.address, &exception.path) {
            (Some(address), _) => ("address", address.as_str()),
            (None, Some(path)) => ("path", path.as_str()),
            (None, None) => ("", ""),
        };
        [&exception.code, kind, place]
            .into_iter()
            .for_each(&mut field);
    }
    ContentHash::of(&text)
}

fn content(content: Option<Content>) -> String {
    match content {
        None => "none".to_owned(),
        Some(Content {
            hash,
            mode: Mode::Plain,
        }) => hash.to_string(),
        Some(Content {
            hash,
            mode: Mode::Executable,
        }) => format!("{hash} executable"),
    }
}
