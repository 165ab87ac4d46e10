//! Why something changes, for people.
//!
//! In: the values that compiling read today and the hashes that the ledger remembers. Out:
//! [`Cause`]s. Nothing here influences what is done.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::build::Inputs;
use super::decide::{Adopting, Creation, Decision, Updating};
use super::known::KnownRecord;
use super::{Cause, PartAction};
use crate::addr::Address;
use crate::intent::Declaration;
use crate::ledger::PROJECT;

pub(super) struct Causes<'a> {
    inputs: Inputs<'a>,
    /// Hashes that the ledger remembers, by ledger file and pointer.
    remembered: BTreeMap<&'a str, &'a BTreeMap<String, String>>,
    /// Every pointer that anything reads today; found when it is first asked for.
    read_today: OnceCell<BTreeSet<&'a str>>,
}

impl<'a> Causes<'a> {
    pub(super) fn new(inputs: Inputs<'a>) -> Self {
        let remembered = inputs
            .ledger
            .books
            .iter()
            .map(|(code, book)| (code.as_str(), &book.inputs))
            .collect();
        Self {
            inputs,
            remembered,
            read_today: OnceCell::new(),
        }
    }

    /// Why an output is decided as it is.
    pub(super) fn of(
        &self,
        declaration: &Declaration,
        decision: Decision,
        known: Option<&KnownRecord>,
        moved: bool,
    ) -> Vec<Cause> {
        let mut causes = match known.filter(|_| moved) {
            Some(known) if known.record.address != declaration.address => self.moves(declaration),
            Some(_) => self.path(declaration),
            None => Vec::new(),
        };
        match decision {
            Decision::Create(Creation::New) => causes.extend(self.origins(declaration)),
            Decision::Create(Creation::Vanished) => causes.push(Cause::Vanished),
            Decision::Update(Updating::Changed) => causes.extend(self.changes(declaration, known)),
            Decision::Update(Updating::Merged) => {
                causes.push(Cause::Merged);
                causes.extend(self.changes(declaration, known));
            }
            Decision::Update(Updating::Joined) => {
                causes.push(Cause::KeysLeft);
                match known {
                    Some(_) => causes.extend(self.changes(declaration, known)),
                    None => causes.extend(self.origins(declaration)),
                }
            }
            Decision::Update(Updating::Completed) => {
                causes.push(Cause::Edited);
                causes.extend(self.changes(declaration, known));
            }
            Decision::Update(Updating::Restored) if known.is_none() => {
                causes.extend(self.origins(declaration));
            }
            Decision::Update(Updating::Restored) | Decision::Keep => causes.push(Cause::Edited),
            Decision::Adopt(Adopting::Renamed) => causes.push(Cause::ClaimChanged),
            Decision::Adopt(Adopting::AsItIs) => causes.push(Cause::Adopted),
            Decision::Adopt(Adopting::Equal) => causes.push(match known {
                None => Cause::AlreadyThere,
                Some(_) => Cause::ClaimChanged,
            }),
            Decision::Nothing | Decision::Delete | Decision::Forget(_) | Decision::Conflict(_) => {}
        }
        causes
    }

    fn moves(&self, declaration: &Declaration) -> Vec<Cause> {
        let moved = self
            .inputs
            .project
            .moved
            .iter()
            .filter(|moved| moved.to.family() == declaration.address.family());
        moved
            .map(|moved| Cause::Moved {
                from: moved.from.clone(),
                position: self.inputs.sources.position(moved.span),
            })
            .collect()
    }

    /// The artifact is the same and its path is another: where that stands, or who asks for it.
    fn path(&self, declaration: &Declaration) -> Vec<Cause> {
        let path = declaration
            .path
            .as_ref()
            .map(|node| Cause::Path(self.inputs.sources.position(node.span)));
        path.map_or_else(|| self.origins(declaration), |cause| vec![cause])
    }

    fn origins(&self, declaration: &Declaration) -> Vec<Cause> {
        if declaration.origins.is_empty() {
            return vec![Cause::BuiltIn];
        }
        let origins = declaration.origins.iter().map(|origin| {
            let position = self.inputs.sources.position(origin.span);
            match &origin.task {
                Some(task) => Cause::Task {
                    story: task.story.clone(),
                    task: task.label(),
                    position,
                },
                None => Cause::Standing(position),
            }
        });
        origins.collect()
    }

    /// The settings whose values are not what the ledger remembers, or another version of the kind;
    /// who asks for it, where neither is known.
    fn changes(&self, declaration: &Declaration, known: Option<&KnownRecord>) -> Vec<Cause> {
        let mut causes = self.settings(declaration);
        if let Some(known) = known {
            let spec = declaration.provider.spec();
            let (from, to) = (known.record.version, spec.version);
            if from != to {
                let changes = spec.changes(from, to).map(str::to_owned).collect();
                causes.push(Cause::KindVersion {
                    kind: spec.kind.to_owned(),
                    from,
                    to,
                    changes,
                });
            }
        }
        causes
    }

    fn settings(&self, declaration: &Declaration) -> Vec<Cause> {
        let stories = declaration.stories();
        let books: Vec<&str> = if stories.is_empty() {
            vec![PROJECT]
        } else {
            stories
        };
        let hashes: Vec<_> = books
            .iter()
            .filter_map(|code| self.remembered.get(code).copied())
            .collect();
        if hashes.iter().all(|book| book.is_empty()) {
            return Vec::new();
        }
        let then = |pointer: &str| hashes.iter().find_map(|book| book.get(pointer));
        let mut causes = Vec::new();
        for (pointer, read) in declaration.reads.iter() {
            let nothing = read.value.is_none() && then(pointer).is_none();
            if !nothing && then(pointer) != Some(&read.hash()) {
                let position = read
                    .value
                    .as_ref()
                    .map(|node| self.inputs.sources.position(node.span));
                causes.push(Cause::Setting {
                    pointer: pointer.clone(),
                    position,
                });
            }
        }
        if !causes.is_empty() {
            return causes;
        }
        let today = self.read_today.get_or_init(|| {
            let declarations = &self.inputs.desired.ordered.declarations;
            declarations
                .iter()
                .flat_map(|declaration| {
                    declaration
                        .reads
                        .iter()
                        .map(|(pointer, _)| pointer.as_str())
                })
                .collect()
        });
        let own = format!("{}.", declaration.intent);
        let service = declaration
            .service
            .as_ref()
            .map(|service| format!("services.{service}."));
        let concerns = |pointer: &str| {
            pointer.starts_with(&own)
                || service
                    .as_ref()
                    .is_some_and(|prefix| pointer.starts_with(prefix))
        };
        let vanished: BTreeSet<&String> = hashes
            .iter()
            .flat_map(|book| book.keys())
            .filter(|pointer| concerns(pointer) && !today.contains(pointer.as_str()))
            .collect();
        vanished
            .into_iter()
            .map(|pointer| Cause::Setting {
                pointer: pointer.clone(),
                position: None,
            })
            .collect()
    }

    /// Adds what refers to what, where both change; and who asks, where nothing else is known.
    pub(super) fn follow_references(&self, parts: &mut [&mut PartAction]) {
        let ordered = &self.inputs.desired.ordered;
        let changing: BTreeSet<Address> = parts
            .iter()
            .filter(|part| matches!(part.decision, Decision::Update(Updating::Changed)))
            .map(|part| part.address.clone())
            .collect();
        for part in parts
            .iter_mut()
            .filter(|part| matches!(part.decision, Decision::Update(Updating::Changed)))
        {
            let Some(index) = ordered.find(&part.address) else {
                continue;
            };
            let before: BTreeSet<usize> = ordered
                .dependencies(index)
                .map(|(before, _)| before)
                .collect();
            let before = before
                .into_iter()
                .map(|before| &ordered.declarations[before].address);
            part.causes.extend(
                before
                    .filter(|address| changing.contains(*address))
                    .cloned()
                    .map(Cause::RefersTo),
            );
            if part.causes.is_empty() {
                part.causes = self.origins(&ordered.declarations[index]);
            }
        }
    }
}
