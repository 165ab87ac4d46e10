//! The section as it is written: its keys, their order, and nothing else.

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

use crate::addr::RepoPath;

/// How far the artifacts of a story are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All of them are on the disk as declared, and recorded.
    Completed,
    /// Some of them are still to be applied, or held.
    InProgress,
    /// A person must decide about some of them.
    Blocked,
}

/// What the devops actor leaves for the story's other readers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Section {
    /// How far it is.
    pub status: Status,
    /// When the ledger was committed that records all of it; `None` until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// Files that were not there before the story.
    pub files_created: Vec<RepoPath>,
    /// Files that were.
    pub files_modified: Vec<RepoPath>,
    /// `staging (AWS us-east-1)`
    pub environments_configured: Vec<String>,
    /// `CI: lint + test`, `CD: deploy to staging`
    pub pipelines_updated: Vec<String>,
    /// `AWS RDS for PostgreSQL (staging, production)`
    pub infrastructure_created: Vec<String>,
    /// Sentences for people.
    pub notes: String,
    /// Where it answers, by environment.
    #[serde(serialize_with = "in_order")]
    pub deployment_url: IndexMap<String, String>,
    /// `DATABASE_URL (AWS Secrets Manager)`
    pub environment_variables: Vec<String>,
    /// The files of dashboards.
    pub monitoring_dashboards: Vec<RepoPath>,
    /// The path that answers when it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_endpoint: Option<String>,
    /// The page that says how to go back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_procedure: Option<String>,
    /// What the knowledge base could learn from it.
    pub weave_proposals: Vec<Proposal>,
}

fn in_order<S: Serializer>(
    map: &IndexMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(map)
}

/// A part of the knowledge base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Dimension {
    /// Practices that worked.
    #[serde(rename = "Π")]
    Practice,
    /// Reliable patterns.
    #[serde(rename = "E")]
    Pattern,
    /// Pain points that were met.
    #[serde(rename = "Q")]
    Pain,
}

/// What the knowledge base could learn, and the file that shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// Where it belongs.
    pub dimension: Dimension,
    /// `bestpractice`, `pattern` or `painpoint`.
    #[serde(rename = "type")]
    pub form: &'static str,
    /// The same for the same rule, always.
    pub id: &'static str,
    /// One line.
    pub summary: &'static str,
    /// What is there, in a sentence.
    pub detail: String,
    /// How sure the rule is, from 0 to 1.
    pub confidence: f64,
    /// A file that was applied.
    pub evidence: RepoPath,
}
