//! `github.workflow`: a workflow of GitHub Actions, with its actions pinned by commit.
//!
//! Invariant, tested below: `uses` of jobs and of steps are all that pinning touches.

use std::collections::{BTreeMap, BTreeSet};

use loom_plan::diag::{Code, Diagnostic};
use loom_plan::handoff::fact::Fact;
use loom_plan::node::{Map, Node};
use loom_plan::provider::{
    Artifact, Attributes, Comment, Draft, Existing, Failure, Fit, KindSpec, Nature, Order, Place,
    Provider,
};
use loom_plan::shape::{Field, Shape};

use super::{github_facts, stem};
use crate::draft;
use crate::emit::difference;
use crate::emit::texts::{self, Places, Refuses};
use crate::emit::yaml::{self, Pinned, Style};

/// A workflow of GitHub Actions.
pub(crate) struct GithubWorkflow;

const PIN: &[Field] = &[
    Field::required(
        "version",
        Shape::Text,
        "the version that people read, such as `v4.2.2`",
    ),
    Field::required(
        "sha",
        Shape::Text,
        "the full hash of the commit, 40 hexadecimal digits",
    ),
];

static SPEC: KindSpec = KindSpec {
    kind: "github.workflow",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "A workflow of GitHub Actions",
    settings: &[
        Field::required("content", Shape::Map(&Shape::Any), "the workflow as data"),
        Field::optional(
            "actions",
            Shape::Map(&Shape::Record(PIN)),
            "`owner/name` → `{ version, sha }`: the commits for every `uses` without `@`",
        ),
    ],
    attributes: &[("jobs.ID", "the id of each job")],
    default_path: ".github/workflows/NAME.yml, or .github/workflows/NAME-ITEM.yml",
    nature: Nature::Plain,
};

/// Where a number would lose digits that mean something: `3.10` is not `3.1`.
const TEXTS: Places = Places {
    mappings: &["env", "with"],
    items: &[],
    refuses: Refuses::Digits,
};

impl Provider for GithubWorkflow {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        artifact.single(
            "workflow",
            &format!(".github/workflows/{}.yml", stem(artifact)),
            Some(Comment::Hash),
        )
    }

    fn attributes(&self, artifact: &Artifact) -> Attributes {
        let jobs = artifact
            .settings
            .at(&["content", "jobs"])
            .and_then(Node::as_map);
        let ids = jobs.into_iter().flat_map(Map::entries);
        ids.map(|(id, entry)| (format!("jobs.{id}"), Node::string(entry.key, &**id)))
            .collect()
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        let actions = artifact.settings.get("actions");
        check_hashes(actions)?;
        let pin = |path: &[&str], text: &str| match path {
            ["jobs", _, "uses"] | ["jobs", _, "steps", "[]", "uses"] => pinned(actions?, text),
            _ => None,
        };
        let content = artifact
            .settings
            .get("content")
            .unwrap_or(&artifact.settings);
        Ok(yaml::styled(
            &texts::in_places(content, &TEXTS),
            Style {
                plain_keys: &["on"],
                pin: Some(&pin),
            },
        ))
    }

    fn read(&self, file: &Existing<'_>) -> Option<Draft> {
        let placed =
            file.path.parent() == Some(".github/workflows") && draft::ends(file, &["yml", "yaml"]);
        let content =
            draft::mapping(file.text).filter(|content| placed && content.get("jobs").is_some())?;
        Some(Draft {
            settings: unpinned(&content, file.text),
            path: None,
            fit: Fit::Format,
            order: Order::Told,
        })
    }

    fn explain(&self, before: &str, after: &str) -> Vec<String> {
        difference::of_yaml(before, after)
    }

    fn facts(&self, artifact: &Artifact) -> Vec<Fact> {
        artifact
            .settings
            .get("content")
            .map_or_else(Vec::new, |content| github_facts::of(content, "workflow"))
    }
}

/// `owner/name` or `owner/name/path` without `@`, with the commit of `owner/name`.
fn pinned(actions: &Node, uses: &str) -> Option<Pinned> {
    if uses.contains('@') {
        return None;
    }
    let end = uses
        .match_indices('/')
        .nth(1)
        .map_or(uses.len(), |(at, _)| at);
    let pin = actions.get(&uses[..end])?;
    let (version, sha) = (pin.get("version")?.as_str()?, pin.get("sha")?.as_str()?);
    Some(Pinned {
        value: format!("{uses}@{sha}"),
        comment: version.to_owned(),
    })
}

/// The settings of a workflow as it is written: what [`pinned`] would write goes into `actions`.
fn unpinned(content: &Node, text: &str) -> Node {
    let mut pins: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    let uses = content
        .get("jobs")
        .and_then(Node::as_map)
        .into_iter()
        .flat_map(Map::iter)
        .flat_map(|(_, job)| {
            let steps = job.get("steps").and_then(Node::as_seq).unwrap_or_default();
            steps
                .iter()
                .chain([job])
                .filter_map(|node| node.get("uses")?.as_str())
        });
    for uses in uses {
        let Some((action, sha)) = uses.split_once('@') else {
            continue;
        };
        let end = action
            .match_indices('/')
            .nth(1)
            .map_or(action.len(), |(at, _)| at);
        let version = text
            .lines()
            .find_map(|line| line.split_once(uses)?.1.strip_prefix(" # "))
            .unwrap_or("");
        pins.entry(&action[..end])
            .or_default()
            .insert((sha, version));
    }
    let is_whole = |sha: &str| sha.len() == 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    // an action that stands there in two versions, or without one that people read, stays as it is
    pins.retain(|_, found| {
        found.len() == 1
            && found
                .iter()
                .all(|(sha, version)| is_whole(sha) && !version.is_empty())
    });
    let (mut settings, mut actions) = (Map::default(), Map::default());
    for (name, found) in &pins {
        for (sha, version) in found {
            let pin = serde_json::json!({ "version": version, "sha": sha });
            actions.insert(name, Node::from_json(draft::nowhere(), &pin));
        }
    }
    if !actions.is_empty() {
        settings.insert("actions", Node::map(draft::nowhere(), actions));
    }
    settings.insert("content", without(content, &pins));
    Node::map(draft::nowhere(), settings)
}

/// A workflow in which the actions of `pins` stand without their commits.
fn without(node: &Node, pins: &BTreeMap<&str, BTreeSet<(&str, &str)>>) -> Node {
    let Some(map) = node.as_map() else {
        return match node.as_seq() {
            Some(items) => Node::seq(
                node.span,
                items.iter().map(|item| without(item, pins)).collect(),
            ),
            None => node.clone(),
        };
    };
    let mut all = Map::default();
    for (key, value) in map.iter() {
        let bare = value
            .as_str()
            .filter(|_| key.as_ref() == "uses")
            .and_then(|uses| {
                let (action, sha) = uses.split_once('@')?;
                let known = pins.iter().any(|(name, found)| {
                    let whole = action
                        .strip_prefix(name)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
                    whole && found.iter().any(|(pinned, _)| *pinned == sha)
                });
                known.then_some(action)
            });
        let value = bare.map_or_else(
            || without(value, pins),
            |action| Node::string(value.span, action),
        );
        all.insert(key, value);
    }
    Node::map(node.span, all)
}

fn check_hashes(actions: Option<&Node>) -> Result<(), Failure> {
    let pins = actions
        .and_then(Node::as_map)
        .into_iter()
        .flat_map(Map::iter);
    let wrong = pins.filter_map(|(name, pin)| {
        let sha = pin.get("sha")?;
        let text = sha.as_str()?;
        let whole = text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let message = format!("the commit of the action `{name}` is not a full hash of 40 hexadecimal digits");
        let help = "a tag or a short hash can be moved to other code; take the full hash from the action's releases";
        (!whole).then(|| Diagnostic::new(Code::BadValue, message).at(sha.span, "").help(help))
    });
    let wrong: Failure = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::testing::{artifact, rendered};

    const SHA: &str = "11bd71901bbe5b1630ceea73d27597364c9af683";

    #[test]
    fn uses_of_jobs_and_steps_are_pinned_and_nothing_else() {
        let text = rendered(
            &GithubWorkflow,
            &format!(
                "actions: {{ actions/checkout: {{ version: v4.2.2, sha: {SHA} }} }}
content:
  name: actions/checkout
  on: {{ push: {{ branches: [main] }} }}
  env: {{ uses: actions/checkout }}
  jobs:
    build:
      uses: actions/checkout/.github/workflows/x.yml
    test:
      steps:
        - uses: actions/checkout
          with: {{ uses: actions/checkout }}
        - uses: actions/checkout@v1
        - uses: other/one
        - uses: ./local
"
            ),
        );
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_hash_that_is_not_whole_is_refused() {
        let artifact = artifact(
            &GithubWorkflow,
            "content: {}\nactions: { a/b: { version: v1, sha: abc } }\n",
        );
        let places = GithubWorkflow.places(&artifact).expect("places");
        let found = GithubWorkflow
            .render(&artifact, &places[0])
            .expect_err("it is refused");
        assert_eq!(found[0].code, Code::BadValue);
    }

    #[test]
    fn a_version_cannot_leave_its_comment() {
        let settings = format!(
            "actions: {{ a/b: {{ version: \"v1\\n  run: evil\", sha: {SHA} }} }}\ncontent: {{ jobs: {{ x: {{ uses: a/b }} }} }}\n"
        );
        assert_eq!(
            rendered(&GithubWorkflow, &settings),
            format!("jobs:\n  x:\n    uses: a/b@{SHA} # v1   run: evil\n")
        );
    }

    #[test]
    fn job_ids_are_published() {
        let artifact = artifact(
            &GithubWorkflow,
            "content: { jobs: { build: {}, deploy-staging: {} } }\n",
        );
        let names: Vec<String> = GithubWorkflow.attributes(&artifact).into_keys().collect();
        assert_eq!(names, ["jobs.build", "jobs.deploy-staging"]);
    }
}
