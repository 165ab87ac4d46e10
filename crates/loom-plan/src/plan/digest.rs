//! The plan digest: what a plan would do, as one hash.
//!
//! Over the format version, the scope and the drift choices, and for each action in path order:
//! the verb, the path (both, of a move), the parts with their hashes and modes before and after.
//! No reasons, no positions, no ledger, and for owned blocks not the rest of the file: an unrelated
//! commit keeps the digest. Every field is preceded by its length, so that no two plans read the same.

use super::scope::{Adopting, Conflicts, Request};
use super::{Action, Verb};
use crate::addr::ContentHash;
use crate::provider::Mode;
use crate::snapshot::{Content, Part};

/// Raised when the same plan would hash differently.
const FORMAT: &str = "loom plan 1";

/// The digest of a plan.
pub fn of(actions: &[Action], request: &Request) -> ContentHash {
    let mut text = Vec::new();
    let mut field = |value: &str| {
        text.extend((value.len() as u64).to_le_bytes());
        text.extend(value.as_bytes());
    };
    field(FORMAT);
    field(request.story.as_deref().unwrap_or(""));
    request
        .targets
        .iter()
        .for_each(|target| field(&target.to_string()));
    field("paths");
    request.paths.iter().for_each(|path| field(path));
    field(request.on_drift.map_or("", crate::project::OnDrift::as_str));
    field(match (request.adoption, request.conflicts) {
        (Adopting::Declared, Conflicts::Block) => "",
        (Adopting::All, Conflicts::Block) => "adopt",
        (Adopting::Declared, Conflicts::Skip) => "skip",
        (Adopting::All, Conflicts::Skip) => "adopt skip",
    });
    for action in actions {
        field(action.verb.as_str());
        field(action.path.as_str());
        if let Verb::Move { from } = &action.verb {
            field(from.as_str());
        }
        for part in &action.parts {
            field(match &part.part {
                Part::Whole => "",
                Part::Block(address) | Part::Keys(address) => address,
            });
            if matches!(part.part, Part::Keys(_)) {
                field("keys");
            }
            field(&content(part.before));
            field(&content(part.after));
        }
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
