//! The handoff: what a story's other readers should know of what was applied for it.
//!
//! In: what is desired, seen and recorded, the outcome of planning the story alone, and what Git
//! knows of the past. Out: a [`Section`]. Nothing in it is typed by hand, and nothing comes from a
//! clock.
//!
//! Invariants, tested by the journeys of the command: a file is named only if the ledger records it
//! and it is on the disk; a fact is told only of an artifact all of whose files are exactly as
//! declared; a setting of a service only if such an artifact has read it, and none that has read it
//! waits to be written anew. What was edited and accepted is named as a file, and tells nothing else.
//!
//! | file | in a sentence |
//! |---|---|
//! | [`fact`] | the words in which kinds tell what their artifacts show |
//! | [`section`] | the keys of the section and their order |
//! | `service` | addresses, variables and health check of the services |
//! | `rules` | what follows for the knowledge base |
//! | `notes` | the sentences for people |
//! | [`kept`] | what people added to the section that is there |
//!
//! Deliberately not here: where the section is written, and Git.

pub mod fact;
pub mod kept;
mod notes;
mod rules;
pub mod section;
mod service;

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::addr::{Name, RepoPath};
use crate::credential::masked;
use crate::intent::Declaration;
use crate::plan::Outcome;
use crate::plan::known::Known;
use crate::project::{Own, Project};
use crate::render::{Desired, Output};
use crate::snapshot::{Observed, Part, Snapshot};
use fact::What;
use section::{Section, Status};

/// What is there of a story.
#[derive(Debug)]
pub struct Applied<'a> {
    project: &'a Project,
    desired: &'a Desired,
    code: &'a str,
    outputs: Vec<(&'a Output, Standing)>,
    /// The artifacts that are to be written anew, because their declarations came or changed.
    behind: BTreeSet<usize>,
    told: Vec<Told>,
}

/// Where an output stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It is recorded, and exactly as declared.
    AsDeclared,
    /// It is recorded, and what loom left is accepted: an edit, a merge, or a file made once.
    Accepted,
    /// It is recorded and there, and not as declared.
    Differs,
    /// It is not there, or the ledger does not know it.
    Missing,
}

/// A fact of an artifact that is exactly as declared.
#[derive(Debug)]
struct Told {
    what: What,
    /// The artifact, by its index.
    declaration: usize,
    /// The file that shows it.
    path: RepoPath,
}

/// What Git knows.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// When the story's ledger was committed as it is now: `2026-11-23T08:00:00Z`.
    pub committed: Option<String>,
    /// Whether a file was there before the story, where that is known.
    pub existed: BTreeMap<RepoPath, bool>,
}

impl<'a> Applied<'a> {
    /// Looks at everything that a story declares.
    pub fn of(
        code: &'a str,
        project: &'a Project,
        desired: &'a Desired,
        (snapshot, known): (&Snapshot, &Known),
    ) -> Self {
        let is_its = |output: &&Output| desired.declaration(output).stories().contains(&code);
        let outputs: Vec<(&Output, Standing)> = desired
            .outputs
            .iter()
            .filter(is_its)
            .map(|output| {
                (
                    output,
                    standing(output, desired.declaration(output), snapshot, known),
                )
            })
            .collect();
        let is_recorded = |output: &Output| {
            let known = known.get(&output.place.path, &output.part);
            known.is_some_and(|known| known.record.rendered == output.content)
        };
        let behind = outputs
            .iter()
            .filter(|(output, _)| !is_recorded(output))
            .map(|(output, _)| output.declaration)
            .collect();
        let mut applied = Self {
            project,
            desired,
            code,
            outputs,
            behind,
            told: Vec::new(),
        };
        applied.told = applied
            .as_declared()
            .into_iter()
            .flat_map(|index| told(desired, index))
            .collect();
        applied
    }

    /// Whether the story declares nothing.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// The files that are there, sorted.
    pub fn paths(&self) -> BTreeSet<&'a RepoPath> {
        self.present().map(|output| &output.place.path).collect()
    }

    /// The files that are there, by the id of each task of the story that asks for them.
    pub fn tasks(&self) -> BTreeMap<&'a str, BTreeSet<&'a RepoPath>> {
        let mut tasks: BTreeMap<&str, BTreeSet<&RepoPath>> = BTreeMap::new();
        for output in self.present() {
            let origins = self.desired.declaration(output).origins.iter();
            for task in origins
                .filter_map(|origin| origin.task.as_ref())
                .filter(|task| task.story == self.code)
            {
                tasks
                    .entry(&task.id)
                    .or_default()
                    .insert(&output.place.path);
            }
        }
        tasks
    }

    /// The section. `outcome` is that of planning the story alone.
    pub fn section(&self, outcome: &Outcome, past: &Past) -> Section {
        let status = self.status(outcome);
        let (modified, created) = self
            .paths()
            .into_iter()
            .cloned()
            .partition(|path| self.existed(path, past));
        let environments = self.environments();
        let mut section = Section {
            status,
            completed_at: past
                .committed
                .clone()
                .filter(|_| status == Status::Completed),
            files_created: created,
            files_modified: modified,
            environments_configured: environments
                .iter()
                .map(|name| self.described(name))
                .collect(),
            pipelines_updated: self.pipelines(),
            infrastructure_created: self.infrastructure(),
            notes: notes::notes(self, outcome).join(" "),
            deployment_url: service::urls(self),
            environment_variables: service::variables(self),
            monitoring_dashboards: self.shown(|what| *what == What::Dashboard),
            health_check_endpoint: service::health(self),
            rollback_procedure: None,
            weave_proposals: rules::proposals(self),
        };
        let pages = self.shown(|what| *what == What::Rollback);
        section.rollback_procedure = some(
            pages
                .iter()
                .map(RepoPath::as_str)
                .collect::<Vec<_>>()
                .join(", "),
        );
        mask(&mut section);
        section
    }

    fn present(&self) -> impl Iterator<Item = &'a Output> {
        self.outputs
            .iter()
            .filter(|(_, standing)| *standing != Standing::Missing)
            .map(|(output, _)| *output)
    }

    /// The artifacts all of whose files are as declared, by their indices.
    fn as_declared(&self) -> BTreeSet<usize> {
        let mut whole: BTreeMap<usize, bool> = BTreeMap::new();
        for (output, standing) in &self.outputs {
            *whole.entry(output.declaration).or_insert(true) &= *standing == Standing::AsDeclared;
        }
        whole
            .into_iter()
            .filter(|(_, whole)| *whole)
            .map(|(index, _)| index)
            .collect()
    }

    fn declarations(&self) -> impl Iterator<Item = &'a Declaration> {
        self.as_declared()
            .into_iter()
            .map(|index| &self.desired.ordered.declarations[index])
    }

    fn status(&self, outcome: &Outcome) -> Status {
        let is_there = |(_, standing): &(&Output, Standing)| {
            matches!(standing, Standing::AsDeclared | Standing::Accepted)
        };
        match outcome {
            Outcome::Blocked(_) => Status::Blocked,
            Outcome::Converged(_) if self.outputs.iter().all(is_there) => Status::Completed,
            Outcome::Converged(_) | Outcome::Ready(_) => Status::InProgress,
        }
    }

    /// Whether a file was there before the story. Where nobody knows, a file that is wholly loom's
    /// was not, and one of which loom owns a part was.
    fn existed(&self, path: &RepoPath, past: &Past) -> bool {
        let is_shared = || {
            self.present()
                .any(|output| output.place.path == *path && output.part != Part::Whole)
        };
        past.existed.get(path).copied().unwrap_or_else(is_shared)
    }

    /// The files that show something, sorted.
    fn shown(&self, shows: impl Fn(&What) -> bool) -> Vec<RepoPath> {
        let paths: BTreeSet<&RepoPath> = self
            .told
            .iter()
            .filter(|told| shows(&told.what))
            .map(|told| &told.path)
            .collect();
        paths.into_iter().cloned().collect()
    }

    /// The environments that artifacts are for or are deployed to, in the order of the project.
    fn environments(&self) -> Vec<&'a Name> {
        let items = self
            .declarations()
            .filter_map(|declaration| declaration.address.item())
            .map(Name::as_str);
        let deployed = self.told.iter().filter_map(|told| {
            if let What::Deployment { environment, .. } = &told.what {
                Some(environment.as_str())
            } else {
                None
            }
        });
        let found: BTreeSet<&str> = items.chain(deployed).collect();
        let all = self
            .project
            .environments
            .iter()
            .map(|environment| &environment.name);
        all.filter(|name| found.contains(name.as_str())).collect()
    }

    /// `staging (AWS us-east-1)`
    fn described(&self, name: &Name) -> String {
        let place = service::place_of(self.project, name);
        if place.is_empty() {
            name.to_string()
        } else {
            format!("{name} ({place})")
        }
    }

    /// The service of an artifact as the beginning of a line; nothing where there is but one.
    fn of_service(&self, service: Option<&Name>) -> String {
        let services: BTreeSet<&Name> = self
            .declarations()
            .filter_map(|declaration| declaration.service.as_ref())
            .collect();
        service
            .filter(|_| services.len() > 1)
            .map_or_else(String::new, |service| format!("{service}: "))
    }

    fn pipelines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for told in &self.told {
            let service = self.of_service(
                self.desired.ordered.declarations[told.declaration]
                    .service
                    .as_ref(),
            );
            if let What::Checks(checks) = &told.what {
                lines.push(format!("{service}CI: {}", checks.join(" + ")));
            }
            if let What::Deployment { environment, .. } = &told.what {
                let approval = if service::needs_approval(self.project, environment) {
                    " (approval required)"
                } else {
                    ""
                };
                lines.push(format!("{service}CD: deploy to {environment}{approval}"));
            }
        }
        lines
    }

    /// Infrastructure with the environments whose configurations use it.
    fn infrastructure(&self) -> Vec<String> {
        let mut found: BTreeMap<&str, BTreeSet<&Name>> = BTreeMap::new();
        for told in &self.told {
            if let What::Infrastructure(label) = &told.what {
                let users = self.desired.ordered.dependents([told.declaration]);
                let items = users
                    .iter()
                    .filter_map(|index| self.desired.ordered.declarations[*index].address.item());
                found.entry(label).or_default().extend(items);
            }
        }
        let line = |(label, items): (&str, BTreeSet<&Name>)| {
            let all = self
                .project
                .environments
                .iter()
                .map(|environment| &environment.name);
            let names: Vec<&str> = all
                .filter(|name| items.contains(name))
                .map(Name::as_str)
                .collect();
            if names.is_empty() {
                label.to_owned()
            } else {
                format!("{label} ({})", names.join(", "))
            }
        };
        found.into_iter().map(line).collect()
    }
}

fn standing(
    output: &Output,
    declaration: &Declaration,
    snapshot: &Snapshot,
    known: &Known,
) -> Standing {
    let (path, part) = (&output.place.path, &output.part);
    let (Some(known), Observed::File(observed)) =
        (known.get(path, part), snapshot.part(path, part))
    else {
        return Standing::Missing;
    };
    let record = &known.record;
    if observed == output.content && record.rendered == output.content {
        Standing::AsDeclared
    } else if declaration.own == Own::Once
        || (record.rendered == output.content && record.written == observed)
    {
        Standing::Accepted
    } else {
        Standing::Differs
    }
}

/// What the kind of an artifact tells of it.
fn told(desired: &Desired, index: usize) -> Vec<Told> {
    let linked = &desired.linked[index];
    let facts = desired.ordered.declarations[index]
        .provider
        .facts(&linked.artifact);
    let place = |name: &str| {
        linked
            .places
            .iter()
            .find(|place| &*place.name == name)
            .or_else(|| linked.places.first())
    };
    let told = |fact: fact::Fact| {
        Some(Told {
            path: place(&fact.output)?.path.clone(),
            what: fact.what,
            declaration: index,
        })
    };
    facts.into_iter().filter_map(told).collect()
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Puts `*` in the place of what has the form of a known token, wherever text of people stands.
fn mask(section: &mut Section) {
    let Section {
        status: _,
        completed_at: _,
        files_created: _,
        files_modified: _,
        environments_configured,
        pipelines_updated,
        infrastructure_created,
        notes,
        deployment_url,
        environment_variables,
        monitoring_dashboards: _,
        health_check_endpoint,
        rollback_procedure: _,
        weave_proposals,
    } = section;
    let lists = [
        environments_configured,
        pipelines_updated,
        infrastructure_created,
        environment_variables,
    ];
    let texts = lists
        .into_iter()
        .flatten()
        .chain([notes])
        .chain(health_check_endpoint);
    let texts = texts
        .chain(IndexMap::values_mut(deployment_url))
        .chain(weave_proposals.iter_mut().map(|it| &mut it.detail));
    for text in texts {
        if let std::borrow::Cow::Owned(masked) = masked(text) {
            *text = masked;
        }
    }
}
