//! `loom show`: a saved plan, in any format. Needs no repository.

use std::io::Write;
use std::path::Path;

use loom_plan::addr::Address;
use loom_plan::plan::file::SavedPlan;
use loom_plan::plan::{Action, Brake, Conflicting, Note, NoteKind, Outcome};

use super::{Failure, approval, pass};
use crate::cli::{PlanStyle, Talk};
use crate::env::Streams;
use crate::exit::Exit;
use crate::report::{self, Basis, Contents, Presented, Sides};

/// Shows a saved plan.
pub(crate) fn run(
    file: &Path,
    style: PlanStyle,
    talk: Talk,
    streams: Streams,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let saved = approval::read_saved(file)?;
    let contents = Saved(&saved);
    let mut shown = saved.plan.clone();
    shown.report.notes.extend(saved.unheld().map(|action| Note {
        address: action.address().clone(),
        path: Some(action.path.clone()),
        kind: NoteKind::Unheld,
    }));
    shown.report.notes.sort();
    let outcome = Outcome::Ready(shown);
    let most = match saved.plan.brake(None) {
        Brake::Many { deletions, .. } => format!(" --max-deletes {deletions}"),
        Brake::Free | Brake::Exceeded { .. } => String::new(),
    };
    let command = format!("loom apply {}{most}", file.display());
    // a saved plan does not say where in a Git repository it was made
    let presented = Presented {
        outcome: &outcome,
        contents: &contents,
        apply: &command,
        prefix: "",
        ordered: None,
        findings: &[],
        basis: &Basis::default(),
        compared: None,
        choices: Some(&saved.choices),
    };
    report::plan(&presented, style, (streams.out, talk), out)?;
    Ok(Exit::Done)
}

/// The bytes that were saved with the plan.
struct Saved<'a>(&'a SavedPlan);

impl Contents for Saved<'_> {
    fn of(&self, action: &Action) -> Sides {
        let index = self
            .0
            .plan
            .actions
            .binary_search_by(|known| known.path.cmp(&action.path));
        let (old, new) = index
            .ok()
            .map(|index| self.0.contents[index].clone())
            .unwrap_or_default();
        Sides {
            before: old.map(|text| text.bytes().to_vec()),
            after: new.map(|text| text.bytes().to_vec()),
        }
    }

    fn of_conflict(&self, _conflict: &Conflicting) -> Sides {
        Sides::default()
    }

    fn explain(&self, address: &Address, before: &str, after: &str) -> Vec<String> {
        pass::REGISTRY
            .provider(address.kind())
            .map_or_else(Vec::new, |provider| provider.explain(before, after))
    }
}
