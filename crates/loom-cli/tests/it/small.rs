//! A small project: what most journeys begin with.

use super::sandbox::Sandbox;

pub(crate) const PROJECT: &str = "\
loom: 1
project: shop
environments:
  staging: { url: https://staging.example.com }
  production: { url: https://example.com }
services:
  api:
    port: 3000
";

pub(crate) const STORY: &str = "\
story: S-1
title: Open the shop
status: in_progress
tasks:
  - id: T-1
    title: Write the files
    artifacts:
      - { kind: file, name: port, path: etc/port, service: api, content: \"port ${service:port}\\n\" }
      - { kind: markdown.page, name: hours, content: \"# Hours\\n\\nOpen from nine to five.\\n\" }
";

/// The project with its one story, nothing applied.
pub(crate) fn fresh() -> Sandbox {
    Sandbox::of(&[("loom.yaml", PROJECT), ("stories/S-1.yaml", STORY)])
}

/// The same, applied and committed.
pub(crate) fn applied() -> Sandbox {
    let sandbox = fresh();
    sandbox.apply();
    sandbox.commit();
    sandbox
}

/// A project without stories, with these entries of `artifacts`, and more keys.
pub(crate) fn standing(artifacts: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    declare(&sandbox, artifacts, more);
    sandbox
}

/// Writes loom.yaml anew.
pub(crate) fn declare(sandbox: &Sandbox, artifacts: &str, more: &str) {
    sandbox.write(
        "loom.yaml",
        &format!("{PROJECT}artifacts:\n{artifacts}{more}"),
    );
}
