//! `datadog.monitor`: a monitor of Datadog as its API takes it, in YAML or JSON.

use loom_plan::handoff::fact::{Fact, What};
use loom_plan::node::Node;
use loom_plan::provider::{
    Artifact, Attributes, Comment, Draft, Existing, Failure, Fit, KindSpec, Nature, Place,
    Provider, Running,
};
use loom_plan::shape::{Field, Shape};

use super::stem;
use crate::draft;
use crate::emit::{difference, yaml};

/// A monitor.
pub(crate) struct DatadogMonitor;

static SPEC: KindSpec = KindSpec {
    kind: "datadog.monitor",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "A monitor of Datadog",
    settings: &[Field::required(
        "content",
        Shape::Map(&Shape::Any),
        "the monitor as data, as Datadog's API takes it",
    )],
    attributes: &[("query", "the query of the monitor")],
    default_path: "infrastructure/datadog/alerts/NAME.yml, or infrastructure/datadog/alerts/NAME-ITEM.yml",
    nature: Nature::Plain,
};

/// What `type` may be (<https://docs.datadoghq.com/api/latest/monitors/#create-a-monitor>).
const TYPES: &[&str] = &[
    "audit alert",
    "ci-pipelines alert",
    "ci-tests alert",
    "composite",
    "cost alert",
    "database-monitoring alert",
    "error-tracking alert",
    "event alert",
    "event-v2 alert",
    "log alert",
    "metric alert",
    "network-performance alert",
    "process alert",
    "query alert",
    "rum alert",
    "service check",
    "slo alert",
    "synthetics alert",
    "trace-analytics alert",
];

fn is_json(place: &Place) -> bool {
    place.path.extension() == Some("json")
}

/// A monitor in Datadog. Its API deletes by a number that the file does not have, so that the command
/// asks for the number of the one with exactly this name first
/// (<https://docs.datadoghq.com/api/latest/monitors/>).
fn monitor(name: &str) -> Running {
    let (api, keys) = (
        "https://api.datadoghq.com/api/v1/monitor",
        "-H \"DD-API-KEY: $DD_API_KEY\" -H \"DD-APPLICATION-KEY: $DD_APP_KEY\"",
    );
    let quoted = name.replace('\'', "'\\''");
    Running {
        what: format!("the monitor `{name}`"),
        place: " in Datadog".to_owned(),
        end: (
            format!("curl -sS -G {keys} --data-urlencode 'name={quoted}' {api} | jq --arg name"),
            format!(
                " '.[] | select(.name == $name) | .id' | xargs -I ID curl -sS -X DELETE {keys} {api}/ID"
            ),
        ),
        target: format!("'{quoted}'"),
    }
}

impl Provider for DatadogMonitor {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        let default = format!("infrastructure/datadog/alerts/{}.yml", stem(artifact));
        let mut places = artifact.single("monitor", &default, Some(Comment::Hash))?;
        for place in places.iter_mut().filter(|place| is_json(place)) {
            place.header = None;
        }
        Ok(places)
    }

    fn attributes(&self, artifact: &Artifact) -> Attributes {
        let query = artifact.settings.at(&["content", "query"]);
        query
            .into_iter()
            .map(|query| ("query".to_owned(), query.clone()))
            .collect()
    }

    fn render(&self, artifact: &Artifact, place: &Place) -> Result<String, Failure> {
        let content = artifact
            .settings
            .get("content")
            .unwrap_or(&artifact.settings);
        Ok(if is_json(place) {
            format!("{:#}\n", content.to_json())
        } else {
            yaml::document(content)
        })
    }

    fn read(&self, file: &Existing<'_>) -> Option<Draft> {
        let content =
            draft::mapping(file.text).filter(|_| draft::ends(file, &["yml", "yaml", "json"]))?;
        let is_text = |key: &&str| {
            content
                .get(key)
                .is_some_and(|value| value.as_str().is_some())
        };
        let kind = content
            .get("type")
            .and_then(|kind| kind.as_str())
            .unwrap_or_default();
        let is_monitor = ["name", "type", "query"].iter().all(is_text) && TYPES.contains(&kind);
        is_monitor.then(|| draft::setting("content", content, Fit::Format))
    }

    fn explain(&self, before: &str, after: &str) -> Vec<String> {
        difference::of_yaml(before, after)
    }

    fn running(&self, text: &str, _beside: &dyn Fn(&str) -> Option<String>) -> Vec<Running> {
        let name =
            draft::mapping(text).and_then(|node| Some(node.get("name")?.as_str()?.to_owned()));
        name.map(|name| monitor(&name)).into_iter().collect()
    }

    fn facts(&self, artifact: &Artifact) -> Vec<Fact> {
        let title = artifact
            .settings
            .at(&["content", "name"])
            .and_then(Node::as_str);
        title
            .map(|title| Fact::new(What::Alert(title.to_owned()), "monitor"))
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use loom_plan::addr::RepoPath;

    use super::*;
    use crate::artifacts::testing::{artifact, rendered};

    const MONITOR: &str = "content: { name: 'Latency: high', type: query alert, query: 'avg(last_5m):p95:x{env:on} > 0.5' }\n";

    #[test]
    fn a_monitor_is_yaml_or_by_its_path_json() {
        assert_eq!(
            rendered(&DatadogMonitor, MONITOR),
            "name: \"Latency: high\"\ntype: query alert\nquery: avg(last_5m):p95:x{env:on} > 0.5\n"
        );
        let mut artifact = artifact(&DatadogMonitor, MONITOR);
        artifact.path = RepoPath::new("alerts/x.json").ok();
        let places = DatadogMonitor.places(&artifact).expect("places");
        assert_eq!(places[0].header, None, "JSON has no comments");
        let text = DatadogMonitor
            .render(&artifact, &places[0])
            .expect("it renders");
        assert!(
            text.starts_with("{\n  \"name\": \"Latency: high\",\n") && text.ends_with("}\n"),
            "{text}"
        );
    }

    #[test]
    fn the_query_is_published() {
        let attributes = DatadogMonitor.attributes(&artifact(&DatadogMonitor, MONITOR));
        assert_eq!(
            attributes["query"].as_str(),
            Some("avg(last_5m):p95:x{env:on} > 0.5")
        );
    }
}
