//! What a workflow of GitHub Actions tells whoever reads a handoff.
//!
//! In: the workflow as data, whoever wrote it. Out: what its jobs check, where they deploy, and what
//! they need from outside. A job with an `environment` deploys; any other checks.

use std::collections::BTreeSet;

use loom_plan::handoff::fact::{Fact, What};
use loom_plan::node::{Map, Node};

/// What steps of a checking job are called that say more than the job's own name.
const CHECKS: &[&str] = &[
    "lint",
    "format",
    "check types",
    "type check",
    "typecheck",
    "test",
    "build",
    "audit",
];

/// The facts of a workflow, shown by the output of this name.
pub(super) fn of(content: &Node, output: &str) -> Vec<Fact> {
    let jobs: Vec<(&str, &Node)> = content
        .get("jobs")
        .and_then(Node::as_map)
        .map_or_else(Vec::new, |jobs| {
            jobs.iter().map(|(id, job)| (id.as_ref(), job)).collect()
        });
    let (deploying, checking): (Vec<_>, Vec<_>) = jobs
        .iter()
        .copied()
        .partition(|(_, job)| environment(job).is_some());
    let checks: Vec<String> = checking
        .iter()
        .flat_map(|(id, job)| checks(id, job))
        .collect();
    let mut found = Vec::new();
    if !checks.is_empty() {
        found.push(What::Checks(checks));
    }
    for (_, job) in &deploying {
        let Some(environment) = environment(job) else {
            continue;
        };
        let after = needs(job).filter_map(|id| deploying.iter().find(|(known, _)| *known == id));
        let after = after
            .filter_map(|(_, job)| Some(self::environment(job)?.to_owned()))
            .collect();
        found.push(What::Deployment {
            environment: environment.to_owned(),
            through: "GitHub Actions",
            after,
        });
    }
    if !deploying.is_empty() && deploying.iter().all(|(_, job)| steps(job).any(probes)) {
        found.push(What::HealthGate);
    }
    let takes_a_role =
        |job: &Node| job.at(&["permissions", "id-token"]).and_then(Node::as_str) == Some("write");
    if !deploying.is_empty() && deploying.iter().all(|(_, job)| takes_a_role(job)) {
        found.push(What::ShortLivedCredentials);
    }
    let mut names = BTreeSet::new();
    outside(content, &mut names);
    if !names.is_empty() {
        found.push(What::OutsideSettings {
            of: "GitHub",
            names: names.into_iter().collect(),
        });
    }
    found
        .into_iter()
        .map(|what| Fact::new(what, output))
        .collect()
}

/// The environment that a job deploys to; one that an expression names is not known here.
fn environment(job: &Node) -> Option<&str> {
    let said = job.get("environment")?;
    let name = said
        .as_str()
        .or_else(|| said.get("name").and_then(Node::as_str))?;
    (!name.contains("${{")).then_some(name)
}

fn steps(job: &Node) -> impl Iterator<Item = &Node> {
    job.get("steps")
        .and_then(Node::as_seq)
        .unwrap_or_default()
        .iter()
}

fn needs(job: &Node) -> impl Iterator<Item = &str> {
    let said = job.get("needs");
    let one = said.and_then(Node::as_str);
    let several = said
        .and_then(Node::as_seq)
        .unwrap_or_default()
        .iter()
        .filter_map(Node::as_str);
    one.into_iter().chain(several)
}

/// What a job does: its steps that are called like a check, else its own name.
fn checks(id: &str, job: &Node) -> Vec<String> {
    let name = |node: &Node| {
        node.get("name")
            .and_then(Node::as_str)
            .map(str::to_lowercase)
    };
    let known: Vec<String> = steps(job)
        .filter_map(name)
        .filter(|name| CHECKS.contains(&name.as_str()))
        .collect();
    if known.is_empty() {
        vec![name(job).unwrap_or_else(|| id.to_owned())]
    } else {
        known
    }
}

/// Whether a step asks the service and fails with its answer.
fn probes(step: &Node) -> bool {
    let run = step.get("run").and_then(Node::as_str).unwrap_or_default();
    let mut words = run.split_whitespace();
    run.contains("curl") && words.any(|word| matches!(word, "--fail" | "--fail-with-body" | "-f"))
}

/// The variables and secrets that expressions read, GitHub's own token left out.
fn outside(node: &Node, names: &mut BTreeSet<String>) {
    if let Some(text) = node.as_str() {
        for expression in text
            .split("${{")
            .skip(1)
            .filter_map(|rest| rest.split_once("}}"))
        {
            let words = expression
                .0
                .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')));
            let name = |word: &str| {
                word.strip_prefix("vars.")
                    .or_else(|| word.strip_prefix("secrets."))
                    .map(str::to_owned)
            };
            names.extend(words.filter_map(name).filter(|name| name != "GITHUB_TOKEN"));
        }
    }
    node.as_map()
        .into_iter()
        .flat_map(Map::iter)
        .for_each(|(_, node)| outside(node, names));
    node.as_seq()
        .unwrap_or_default()
        .iter()
        .for_each(|node| outside(node, names));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::testing::artifact;

    fn facts(jobs: &str) -> Vec<What> {
        let artifact = artifact(
            &super::super::github_workflow::GithubWorkflow,
            &format!("content: {{ jobs: {jobs} }}\n"),
        );
        of(
            artifact.settings.get("content").expect("it is there"),
            "workflow",
        )
        .into_iter()
        .map(|fact| fact.what)
        .collect()
    }

    #[test]
    fn jobs_without_an_environment_are_checks() {
        assert_eq!(
            facts(
                "{ test: { steps: [{ name: Lint, run: a }, { name: Fetch, run: b }] }, image: { name: Build image } }"
            ),
            [What::Checks(vec![
                "lint".to_owned(),
                "build image".to_owned()
            ])]
        );
        assert_eq!(facts("{}"), []);
    }

    #[test]
    fn a_deployment_names_the_environments_before_it() {
        let deployment = |environment: &str, after: &[&str]| What::Deployment {
            environment: environment.to_owned(),
            through: "GitHub Actions",
            after: after.iter().map(|name| (*name).to_owned()).collect(),
        };
        let jobs = "{ s: { environment: staging }, p: { needs: [s, x], environment: { name: production } }, \
                    q: { needs: s, environment: \"${{ inputs.x }}\" } }";
        let found = facts(jobs);
        assert_eq!(
            found[0],
            What::Checks(vec!["q".to_owned()]),
            "where it deploys, only the run knows"
        );
        assert_eq!(
            found[1..],
            [
                deployment("staging", &[]),
                deployment("production", &["staging"])
            ]
        );
    }

    #[test]
    fn a_gate_is_told_only_where_every_deployment_has_it() {
        let probe = "steps: [{ run: \"curl --silent --fail http://x/health\" }]";
        let job = |name: &str, steps: &str| format!("{name}: {{ environment: {name}, {steps} }}");
        let both = format!("{{ {}, {} }}", job("a", probe), job("b", probe));
        assert!(facts(&both).contains(&What::HealthGate));
        let one = format!(
            "{{ {}, {} }}",
            job("a", probe),
            job("b", "steps: [{ run: \"curl http://x\" }]")
        );
        assert!(!facts(&one).contains(&What::HealthGate));
        assert!(
            !facts("{ a: { steps: [{ run: \"curl --fail x\" }] } }").contains(&What::HealthGate)
        );
    }

    #[test]
    fn what_is_set_outside_is_named_once_and_the_token_of_github_is_not() {
        let jobs = "{ a: { env: { A: \"${{ vars.ROLE || secrets.KEY }}\", B: \"${{ secrets.GITHUB_TOKEN }}\", C: vars.NOT }, \
                    steps: [{ run: x, with: { r: \"${{ vars.ROLE }}\" } }] } }";
        let names = vec!["KEY".to_owned(), "ROLE".to_owned()];
        assert_eq!(
            facts(jobs)[1..],
            [What::OutsideSettings {
                of: "GitHub",
                names
            }]
        );
    }
}
