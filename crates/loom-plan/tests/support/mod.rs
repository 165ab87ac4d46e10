//! Reads projects that stand in memory.

use std::sync::Arc;

use loom_plan::addr::RepoPath;
use loom_plan::diag::{Diagnostic, Diagnostics};
use loom_plan::input::Memory;
use loom_plan::project::{self, Project};
use loom_plan::story::{self, Extra, Story};
use loom_plan::text::Sources;

/// The project that the language's documentation shows.
pub(crate) const LOOM: &str = r#"loom: 1
project: entities
stack:
  infrastructure: { registry: registry.example.com }
environments:
  staging:    { url: https://staging.api.example.com, region: us-east-1 }
  production: { url: https://api.example.com,         region: us-east-1, approval: required }
services:
  entity-api:
    title: Entity API
    path: apps/api
    watch: [packages/db/**]
    port: 3000
    health: /health
    environment:
      DATABASE_URL: { secret: true, description: PostgreSQL connection string }
      JWT_SECRET:   { secret: true, description: Secret for JWT signing }
      API_PORT:     { value: 3000,  description: Port to listen on }
      LOG_LEVEL:    { value: { default: info, staging: debug }, description: Verbosity }
    replicas:  { staging: 1, production: 3 }
    resources: { cpu: 250m, memory: 256Mi }
    database:  { engine: postgresql, version: "15.4", class: { staging: db.t3.micro, production: db.t3.large }, storage: 20, backupRetention: 7 }
artifacts: []
defaults: { onDrift: conflict }
gate: warn
delivery: { commit: author }
pins: { actions: {}, images: {} }
policy: { accept: [] }
moved: []
removed: []
adopt: []
delegate: []
providers: {}
"#;

/// Its story.
pub(crate) const STORY: &str = r##"story: ENT-001
title: Ship the entity API
why: Customers need the entity API in production.
status: in_progress
tasks:
  - id: T-003
    title: Implement the API
    assignedTo: backend-dev
    status: completed
  - id: T-015
    title: Set up CI/CD pipeline for entity API
    assignedTo: devops
    dependencies: [T-003]
    artifacts:
      - { kind: pipeline, service: entity-api, strategy: blue-green }
      - { kind: infrastructure, service: entity-api, components: [database, load-balancer, cluster, secrets, logs] }
      - { kind: workload, service: entity-api }
  - id: T-016
    title: Alert when API latency exceeds 500 ms
    assignedTo: devops
    dependencies: [T-015]
    artifacts:
      - { kind: alert, service: entity-api, name: entity-api-latency, metric: latency, percentile: 95, above: 500ms, for: 5m, notify: "#alerts" }
      - { kind: docs, service: entity-api, pages: [deployment, rollback] }
"##;

/// All that one reading gave.
pub(crate) struct Run {
    pub(crate) project: Option<Project>,
    pub(crate) stories: Vec<Story>,
    pub(crate) sources: Sources,
    pub(crate) found: Diagnostics,
}

impl Run {
    /// Reads files by path, and a story from elsewhere.
    pub(crate) fn of(files: &[(&str, &str)], extra: Option<(&str, &str)>) -> Self {
        let path = |text| RepoPath::new(text).expect("a path");
        let input = Memory(
            files
                .iter()
                .map(|(name, text)| (path(name), Arc::from(*text)))
                .collect(),
        );
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let project = project::read::read(&input, &mut sources, &mut found);
        let extra = extra.map(|(name, text)| Extra::File {
            name,
            text: text.into(),
        });
        let stories = project
            .as_ref()
            .map(|project| story::read_all(project, &input, extra, &mut sources, &mut found));
        Self {
            project,
            stories: stories.unwrap_or_default(),
            sources,
            found,
        }
    }

    /// A finding as a person would see it: code, file, line and column, the text underlined, help.
    pub(crate) fn shown(&self, found: &Diagnostic) -> String {
        let label = found.labels.first().map(|label| {
            let at = self.sources.position(label.span);
            let text = self.sources.slice(self.sources.outermost(label.span));
            format!(
                "{}:{}:{} `{}`",
                at.file,
                at.line,
                at.column,
                text.trim_end()
            )
        });
        format!(
            "{} {}: {} ({})",
            found.code,
            label.unwrap_or_default(),
            found.message,
            found.help.as_deref().unwrap_or_default()
        )
    }

    /// All findings, one a line.
    pub(crate) fn report(&self) -> String {
        self.found
            .iter()
            .map(|found| self.shown(found))
            .collect::<Vec<_>>()
            .join("\n")
    }
}
