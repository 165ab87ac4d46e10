//! What follows for the knowledge base from what was applied: one rule, one proposal, one piece of
//! evidence.
//!
//! A rule looks at facts alone. How sure it is depends on what it looks at: the structure of a file
//! counts more than the text of a command in it.

use std::collections::{BTreeMap, BTreeSet};

use super::fact::What;
use super::section::{Dimension, Proposal};
use super::{Applied, Told};
use crate::addr::{Name, RepoPath};

/// Read from the structure of a file.
const STRUCTURE: f64 = 0.95;
/// Read from the text of a command.
const COMMAND: f64 = 0.85;

type Rule = fn(&Applied<'_>) -> Option<Proposal>;

const RULES: &[Rule] = &[
    state,
    promotion,
    health_gate,
    secrets,
    credentials,
    blue_green,
    settings,
];

/// The ids of the proposals that rules make, in the order of the rules.
pub(super) const IDS: &[&str] = &[
    "separate-terraform-state-per-env",
    "staged-deployment",
    "health-check-deployment-gate",
    "secrets-in-manager",
    "short-lived-cloud-credentials",
    "blue-green-deployment",
    "ci-settings-outside-git",
];

/// How many rules there are.
#[cfg(test)]
pub(super) fn count() -> usize {
    RULES.len()
}

/// The proposals of all rules that hold.
pub(super) fn proposals(applied: &Applied<'_>) -> Vec<Proposal> {
    RULES.iter().filter_map(|rule| rule(applied)).collect()
}

fn practice(
    id: &'static str,
    summary: &'static str,
    detail: String,
    confidence: f64,
    evidence: &RepoPath,
) -> Proposal {
    let evidence = evidence.clone();
    Proposal {
        dimension: Dimension::Practice,
        form: "bestpractice",
        id,
        summary,
        detail,
        confidence,
        evidence,
    }
}

/// The first fact of a form.
fn first<'a>(applied: &'a Applied<'_>, is_it: impl Fn(&What) -> bool) -> Option<&'a Told> {
    applied.told.iter().find(|told| is_it(&told.what))
}

/// Separate state for each environment.
fn state(applied: &Applied<'_>) -> Option<Proposal> {
    let mut states: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for told in &applied.told {
        if let What::Root { state: Some(place) } = &told.what {
            states.entry(place).or_default().push(told);
        }
    }
    let roots: Vec<&Told> = states.values().flatten().copied().collect();
    let item = |told: &&Told| {
        applied.desired.ordered.declarations[told.declaration]
            .address
            .item()
    };
    let environments: BTreeSet<_> = roots.iter().filter_map(item).collect();
    if environments.len() < 2 || states.values().any(|same| same.len() > 1) {
        return None;
    }
    let evidence = roots.iter().map(|told| &told.path).min()?;
    let names: Vec<&str> = applied
        .environments()
        .into_iter()
        .filter(|name| environments.contains(name))
        .map(Name::as_str)
        .collect();
    let detail = format!(
        "{} each have a backend of their own, so that none can change the resources of another.",
        names.join(" and ")
    );
    Some(practice(
        "separate-terraform-state-per-env",
        "One Terraform state per environment",
        detail,
        STRUCTURE,
        evidence,
    ))
}

/// A deployment that waits for another environment's.
fn promotion(applied: &Applied<'_>) -> Option<Proposal> {
    let told = first(
        applied,
        |what| matches!(what, What::Deployment { after, .. } if !after.is_empty()),
    )?;
    let What::Deployment {
        environment, after, ..
    } = &told.what
    else {
        return None;
    };
    let detail = format!(
        "The same run deploys to {environment} only after {} has succeeded.",
        after.join(" and ")
    );
    Some(practice(
        "staged-deployment",
        "Every version passes the earlier environment first",
        detail,
        STRUCTURE,
        &told.path,
    ))
}

/// A health check as the gate of a deployment.
fn health_gate(applied: &Applied<'_>) -> Option<Proposal> {
    let told = first(applied, |what| *what == What::HealthGate)?;
    let detail = "The deployment probes the service and fails where it does not answer well, before or right after it serves.";
    let summary = "A health check as deployment gate";
    Some(practice(
        "health-check-deployment-gate",
        summary,
        detail.to_owned(),
        COMMAND,
        &told.path,
    ))
}

/// Secrets in a manager.
fn secrets(applied: &Applied<'_>) -> Option<Proposal> {
    let told = first(applied, |what| *what == What::ManagedSecrets)?;
    let detail =
        "The values of secrets stand in a manager; the repository holds only where they are kept.";
    Some(practice(
        "secrets-in-manager",
        "Secrets come from a manager",
        detail.to_owned(),
        STRUCTURE,
        &told.path,
    ))
}

/// No key of the cloud that lasts.
fn credentials(applied: &Applied<'_>) -> Option<Proposal> {
    let told = first(applied, |what| *what == What::ShortLivedCredentials)?;
    let detail = "The pipeline takes on a role by OpenID Connect for the time of a job, so that no key of the cloud is stored.";
    let summary = "Cloud access by OpenID Connect";
    Some(practice(
        "short-lived-cloud-credentials",
        summary,
        detail.to_owned(),
        STRUCTURE,
        &told.path,
    ))
}

/// Blue/green in use.
fn blue_green(applied: &Applied<'_>) -> Option<Proposal> {
    let told = first(applied, |what| *what == What::BlueGreen)?;
    Some(Proposal {
        dimension: Dimension::Pattern,
        form: "pattern",
        id: "blue-green-deployment",
        summary: "Blue/green deployment",
        detail: "Two colours stand side by side and one serves; going back is a switch, without a new deployment.".to_owned(),
        confidence: STRUCTURE,
        evidence: told.path.clone(),
    })
}

/// Settings that somebody must make by hand.
fn settings(applied: &Applied<'_>) -> Option<Proposal> {
    let told = first(applied, |what| matches!(what, What::OutsideSettings { .. }))?;
    let What::OutsideSettings { of, names } = &told.what else {
        return None;
    };
    Some(Proposal {
        dimension: Dimension::Pain,
        form: "painpoint",
        id: "ci-settings-outside-git",
        summary: "The pipeline needs settings that no file holds",
        detail: format!(
            "Before the first run somebody sets in {of}: {}.",
            names.join(", ")
        ),
        confidence: STRUCTURE,
        evidence: told.path.clone(),
    })
}
