//! `kubernetes.manifest`: objects of Kubernetes, one document each.

use loom_plan::diag::{Code, Diagnostic};
use loom_plan::handoff::fact::{Fact, What};
use loom_plan::node::{Map, Node};
use loom_plan::provider::{
    Artifact, Attributes, Comment, Draft, Existing, Failure, Fit, KindSpec, Nature, Place,
    Provider, Running,
};
use loom_plan::shape::{Field, Shape};

use super::kubernetes_running;
use crate::draft;
use crate::emit::texts::{self, Places, Refuses};
use crate::emit::{difference, yaml};

/// Objects that are applied together.
pub(crate) struct KubernetesManifest;

static SPEC: KindSpec = KindSpec {
    kind: "kubernetes.manifest",
    version: 1,
    changelog: &[(1, "The first version.")],
    summary: "Kubernetes objects in one file",
    settings: &[Field::required(
        "documents",
        Shape::List(&Shape::Map(&Shape::Any)),
        "the objects as data, in order",
    )],
    attributes: &[
        (
            "port",
            "the port of the container behind the first Service, else of the first container",
        ),
        (
            "namespace",
            "the namespace of the first object that names one",
        ),
    ],
    default_path: "k8s/NAME.yml, or k8s/ITEM/NAME.yml",
    nature: Nature::Plain,
};

fn documents(artifact: &Artifact) -> &[Node] {
    artifact
        .settings
        .get("documents")
        .and_then(Node::as_seq)
        .unwrap_or(&[])
}

impl Provider for KubernetesManifest {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn places(&self, artifact: &Artifact) -> Result<Vec<Place>, Failure> {
        let folder = artifact
            .address
            .item()
            .map_or_else(String::new, |item| format!("{item}/"));
        artifact.single(
            "manifest",
            &format!("k8s/{folder}{}.yml", artifact.address.name()),
            Some(Comment::Hash),
        )
    }

    fn attributes(&self, artifact: &Artifact) -> Attributes {
        let namespace = documents(artifact)
            .iter()
            .find_map(|document| document.at(&["metadata", "namespace"]));
        let found = [
            ("port", port(documents(artifact))),
            ("namespace", namespace),
        ];
        found
            .into_iter()
            .filter_map(|(name, node)| Some((name.to_owned(), node?.clone())))
            .collect()
    }

    fn render(&self, artifact: &Artifact, _place: &Place) -> Result<String, Failure> {
        let documents = documents(artifact);
        if documents.is_empty() {
            let found = Diagnostic::new(
                Code::Unwritable,
                "a manifest without documents would be an empty file",
            );
            let at = artifact
                .settings
                .get("documents")
                .unwrap_or(&artifact.settings)
                .span;
            return Err(vec![
                found
                    .at(at, "")
                    .help("add an object, or take the artifact away"),
            ]);
        }
        let found: Failure = documents.iter().filter_map(unknown_object).collect();
        if found.is_empty() {
            let documents: Vec<Node> = documents.iter().map(with_texts).collect();
            Ok(yaml::documents(&documents))
        } else {
            Err(found)
        }
    }

    fn read(&self, file: &Existing<'_>) -> Option<Draft> {
        let documents =
            draft::documents(file.text).filter(|_| draft::ends(file, &["yml", "yaml"]))?;
        // an empty document, as a `---` at the end makes, is none of the cluster's
        let objects: Vec<Node> = documents
            .into_iter()
            .filter(|document| !document.is_null())
            .collect();
        let known = !objects.is_empty()
            && objects
                .iter()
                .all(|object| unknown_object(object).is_none());
        known.then(|| {
            draft::setting(
                "documents",
                Node::seq(draft::nowhere(), objects),
                Fit::Format,
            )
        })
    }

    fn explain(&self, before: &str, after: &str) -> Vec<String> {
        difference::of_yaml(before, after)
    }

    fn running(&self, text: &str, beside: &dyn Fn(&str) -> Option<String>) -> Vec<Running> {
        kubernetes_running::objects(text, beside)
    }

    fn facts(&self, artifact: &Artifact) -> Vec<Fact> {
        let documents = documents(artifact);
        let is_managed = documents
            .iter()
            .any(|document| kind(document) == Some("ExternalSecret"));
        let shown = [
            (has_colours(documents), What::BlueGreen),
            (is_managed, What::ManagedSecrets),
        ];
        shown
            .into_iter()
            .filter(|(shows, _)| *shows)
            .map(|(_, what)| Fact::new(what, "manifest"))
            .collect()
    }
}

/// An object with texts wherever the cluster takes nothing else.
fn with_texts(object: &Node) -> Node {
    const EVERYWHERE: &[&str] = &["labels", "annotations", "matchLabels", "nodeSelector"];
    const VARIABLES: &[(&str, &str)] = &[("env", "value")];
    let mappings: &[&str] = match kind(object) {
        Some("ConfigMap") => &["labels", "annotations", "data"],
        Some("Secret") => &["labels", "annotations", "data", "stringData"],
        Some("Service") => &["labels", "annotations", "selector"],
        Some(_) | None => EVERYWHERE,
    };
    texts::in_places(
        object,
        &Places {
            mappings,
            items: VARIABLES,
            refuses: Refuses::All,
        },
    )
}

fn kind(document: &Node) -> Option<&str> {
    document.get("kind")?.as_str()
}

/// Whether a Service chooses one of several Deployments by a label that differs between them, all
/// other labels of its selector being theirs.
fn has_colours(documents: &[Node]) -> bool {
    let of_kind = |wanted: &'static str| {
        documents
            .iter()
            .filter(move |document| kind(document) == Some(wanted))
    };
    let labels = |deployment: &Node| {
        deployment
            .at(&["spec", "template", "metadata", "labels"])
            .and_then(Node::as_map)
            .cloned()
    };
    let pods: Vec<Map> = of_kind("Deployment").filter_map(labels).collect();
    let selectors =
        of_kind("Service").filter_map(|service| service.at(&["spec", "selector"])?.as_map());
    selectors.into_iter().any(|selector| {
        selector.iter().any(|(key, chosen)| {
            let others = |pod: &&Map| {
                selector
                    .iter()
                    .all(|(other, value)| other == key || pod.get(other) == Some(value))
            };
            let colours: Vec<&Node> = pods
                .iter()
                .filter(others)
                .filter_map(|pod| pod.get(key))
                .collect();
            colours.contains(&chosen) && colours.iter().any(|colour| *colour != chosen)
        })
    })
}

/// What a document lacks without which the cluster cannot know what it is.
fn unknown_object(document: &Node) -> Option<Diagnostic> {
    let has = |path: &[&str]| {
        document
            .at(path)
            .and_then(Node::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    let list = document
        .get("kind")
        .and_then(Node::as_str)
        .is_some_and(|kind| kind.ends_with("List"));
    let lacks = match () {
        () if !has(&["apiVersion"]) => "apiVersion",
        () if !has(&["kind"]) => "kind",
        () if !list && !has(&["metadata", "name"]) && !has(&["metadata", "generateName"]) => {
            "metadata.name"
        }
        () => return None,
    };
    let found = Diagnostic::new(
        Code::Unwritable,
        format!("an object of Kubernetes without `{lacks}` cannot be applied"),
    );
    let help =
        "add it; where this came from `with`, note that a list of objects is replaced as a whole";
    Some(found.at(document.span, "").help(help))
}

/// The port that the first Service sends to, where it is a number; the container's port of that
/// name, where it is a name; else the first port of a container.
fn port(documents: &[Node]) -> Option<&Node> {
    let service = documents
        .iter()
        .find(|document| document.get("kind").and_then(Node::as_str) == Some("Service"));
    let first = service.and_then(|service| service.at(&["spec", "ports"])?.as_seq()?.first());
    let target = first.and_then(|port| port.get("targetPort").or_else(|| port.get("port")));
    if target.is_some_and(|target| target.as_integer().is_some()) {
        return target;
    }
    let named = |port: &&Node| target.is_some() && port.get("name") == target;
    let chosen = container_ports(documents)
        .find(named)
        .or_else(|| container_ports(documents).next());
    chosen?.get("containerPort")
}

fn container_ports(documents: &[Node]) -> impl Iterator<Item = &Node> {
    let pods = documents.iter().filter_map(|document| {
        document
            .at(&["spec", "template", "spec"])
            .or_else(|| document.get("spec"))
    });
    let containers = pods
        .filter_map(|pod| pod.get("containers")?.as_seq())
        .flatten();
    containers
        .filter_map(|container| container.get("ports")?.as_seq())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::testing::{artifact, rendered};

    const DEPLOYMENT: &str =
        "{ kind: Deployment, metadata: { name: a, namespace: shop }, spec: { template: { spec: { containers: [
        { name: a, ports: [{ name: metrics, containerPort: 9090 }, { name: http, containerPort: 3000 }] }] } } } }";

    fn port_of(documents: &str) -> Option<i64> {
        let artifact = artifact(&KubernetesManifest, &format!("documents: [{documents}]\n"));
        KubernetesManifest
            .attributes(&artifact)
            .get("port")
            .and_then(Node::as_integer)
    }

    #[test]
    fn the_port_is_that_of_the_container() {
        let service = |port: &str| {
            format!(
                "{DEPLOYMENT}, {{ kind: Service, spec: {{ ports: [{{ port: 80, {port} }}] }} }}"
            )
        };
        assert_eq!(port_of(&service("targetPort: 8080")), Some(8080));
        assert_eq!(port_of(&service("targetPort: http")), Some(3000));
        assert_eq!(
            port_of(&service("name: x")),
            Some(80),
            "without a target port it is the Service's own"
        );
        assert_eq!(port_of(DEPLOYMENT), Some(9090));
        assert_eq!(port_of("{ kind: ConfigMap }"), None);
    }

    #[test]
    fn colours_are_told_by_a_selector_that_chooses_between_deployments() {
        let deployment = |app: &str, colour: &str| {
            format!(
                "{{ kind: Deployment, spec: {{ template: {{ metadata: {{ labels: {{ app: {app}, color: {colour} }} }} }} }} }}"
            )
        };
        let facts = |documents: &[String]| {
            let documents = format!("documents: [{}]\n", documents.join(", "));
            let facts = KubernetesManifest.facts(&artifact(&KubernetesManifest, &documents));
            facts.into_iter().map(|fact| fact.what).collect::<Vec<_>>()
        };
        let service =
            |selector: &str| format!("{{ kind: Service, spec: {{ selector: {{ {selector} }} }} }}");
        let (blue, green) = (deployment("a", "blue"), deployment("a", "green"));
        assert_eq!(
            facts(&[blue.clone(), green.clone(), service("app: a, color: blue")]),
            [What::BlueGreen]
        );
        assert_eq!(
            facts(&[blue.clone(), green, service("app: a")]),
            [],
            "both serve"
        );
        assert_eq!(
            facts(&[
                blue,
                deployment("b", "green"),
                service("app: a, color: blue")
            ]),
            [],
            "another program"
        );
        assert_eq!(
            facts(&["{ kind: ExternalSecret }".to_owned()]),
            [What::ManagedSecrets]
        );
    }

    #[test]
    fn the_namespace_is_published() {
        let artifact = artifact(
            &KubernetesManifest,
            &format!("documents: [{{ kind: Namespace }}, {DEPLOYMENT}]\n"),
        );
        assert_eq!(
            KubernetesManifest.attributes(&artifact)["namespace"].as_str(),
            Some("shop")
        );
    }

    #[test]
    fn documents_are_divided() {
        let document =
            |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n");
        let settings = "documents: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: a } },
            { apiVersion: v1, kind: ConfigMap, metadata: { name: b } }]\n";
        assert_eq!(
            rendered(&KubernetesManifest, settings),
            format!("{}---\n{}", document("a"), document("b"))
        );
    }

    #[test]
    fn an_object_that_the_cluster_could_not_know_is_refused() {
        for (document, lacks) in [
            (
                "{ kind: ConfigMap, metadata: { name: a } }",
                Some("apiVersion"),
            ),
            ("{ apiVersion: v1, metadata: { name: a } }", Some("kind")),
            (
                "{ apiVersion: v1, kind: ConfigMap, metadata: { labels: {} } }",
                Some("metadata.name"),
            ),
            (
                "{ apiVersion: batch/v1, kind: Job, metadata: { generateName: a- } }",
                None,
            ),
            ("{ apiVersion: v1, kind: List, items: [] }", None),
        ] {
            let artifact = artifact(&KubernetesManifest, &format!("documents: [{document}]\n"));
            let places = KubernetesManifest.places(&artifact).expect("places");
            let found = KubernetesManifest
                .render(&artifact, &places[0])
                .err()
                .map(|found| found[0].message.clone());
            assert_eq!(
                found,
                lacks.map(|lacks| format!(
                    "an object of Kubernetes without `{lacks}` cannot be applied"
                ))
            );
        }
    }

    #[test]
    fn a_manifest_without_documents_is_refused() {
        let artifact = artifact(&KubernetesManifest, "documents: []\n");
        let places = KubernetesManifest.places(&artifact).expect("places");
        assert_eq!(
            KubernetesManifest
                .render(&artifact, &places[0])
                .expect_err("it is refused")[0]
                .code,
            Code::Unwritable
        );
    }
}
