//! What a manifest runs in a cluster, and how each of it is ended.
//!
//! In: the text of a manifest, and the kustomization beside it, which may say the namespace. Out: its
//! objects. Nobody applies what is no longer in the repository, and nobody prunes it either: without a
//! word, an object goes on with nobody to manage it. An object without a name of its own cannot be told.

use loom_plan::node::Node;
use loom_plan::provider::Running;

use crate::draft;

/// Kinds that belong to no namespace.
const CLUSTER_WIDE: &[&str] = &[
    "APIService",
    "ClusterIssuer",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterSecretStore",
    "CSIDriver",
    "CustomResourceDefinition",
    "GatewayClass",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeSnapshotClass",
];

/// The objects of a manifest.
pub(super) fn objects(text: &str, beside: &dyn Fn(&str) -> Option<String>) -> Vec<Running> {
    // most texts are none, and are told without being parsed
    if !text.contains("apiVersion") || !text.contains("kind") {
        return Vec::new();
    }
    let namespace = || {
        ["kustomization.yaml", "kustomization.yml", "Kustomization"]
            .iter()
            .find_map(|name| beside(name))
            .and_then(|text| {
                let node = draft::mapping(&text)?;
                Some(node.get("namespace")?.as_str()?.to_owned())
            })
    };
    let (mut found, mut common) = (Vec::new(), None);
    for document in draft::documents(text).unwrap_or_default() {
        collect(&document, &mut |node| {
            let common = common.get_or_insert_with(namespace);
            found.extend(object(node, common.as_deref()));
        });
    }
    found
}

/// A document, or the items of a list.
fn collect(document: &Node, found: &mut dyn FnMut(&Node)) {
    match document.get("items").and_then(Node::as_seq) {
        Some(items) if kind(document).is_some_and(|kind| kind.ends_with("List")) => {
            for item in items {
                collect(item, found);
            }
        }
        Some(_) | None => found(document),
    }
}

fn kind(document: &Node) -> Option<&str> {
    document.get("kind")?.as_str()
}

fn object(document: &Node, common: Option<&str>) -> Option<Running> {
    let version = document.get("apiVersion")?.as_str()?;
    let kind = kind(document)?;
    let name = document.at(&["metadata", "name"])?.as_str()?;
    // what a kustomization or a kubeconfig says is nothing in the cluster
    if version.starts_with("kustomize.config.k8s.io/") || (version == "v1" && kind == "Config") {
        return None;
    }
    let namespace = document
        .at(&["metadata", "namespace"])
        .and_then(Node::as_str);
    let namespace = namespace
        .or(common)
        .filter(|_| !CLUSTER_WIDE.contains(&kind));
    let holds = match kind {
        "Namespace" => " with all that is in it",
        "CustomResourceDefinition" => " with all objects of it",
        "PersistentVolume" | "PersistentVolumeClaim" => " with what it holds",
        _ => "",
    };
    Some(Running {
        what: format!("{kind} `{name}`{holds}"),
        place: namespace.map_or_else(String::new, |it| format!(" in the namespace `{it}`")),
        end: (
            "kubectl delete".to_owned(),
            namespace.map_or_else(String::new, |it| format!(" -n {it}")),
        ),
        target: format!("{}/{name}", resource(version, kind)),
    })
}

/// What `kubectl` calls a kind: of those that a cluster does not bring along, with the group.
fn resource(version: &str, kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    match version.split_once('/') {
        Some((group, _)) if group.contains('.') && !group.ends_with(".k8s.io") => {
            format!("{kind}.{group}")
        }
        Some(_) | None => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &str, kustomization: Option<&str>) -> Vec<String> {
        let beside = |name: &str| {
            (name == "kustomization.yaml")
                .then_some(kustomization?)
                .map(str::to_owned)
        };
        let end = |it: Running| Running::ended_by(&it.end, &[&it.target]);
        objects(text, &beside).into_iter().map(end).collect()
    }

    #[test]
    fn each_object_is_ended_by_its_kind_its_name_and_its_namespace() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: api, namespace: shop }\n---\n\
                    apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: { name: api }\n---\n\
                    apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n---\n\
                    apiVersion: v1\nkind: List\nitems:\n- { apiVersion: v1, kind: Service, metadata: { name: a } }\n";
        assert_eq!(
            ends(text, Some("namespace: common\n")),
            [
                "kubectl delete deployment/api -n shop",
                "kubectl delete externalsecret.external-secrets.io/api -n common",
                "kubectl delete namespace/shop",
                "kubectl delete service/a -n common",
            ]
        );
        assert_eq!(ends(text, None)[3], "kubectl delete service/a");
    }

    #[test]
    fn what_is_no_object_is_not_told() {
        assert!(ends("port: 3000\n", None).is_empty());
        assert!(
            ends(
                "apiVersion: v1\nkind: Config\nmetadata: { name: a }\n",
                None
            )
            .is_empty()
        );
        assert!(
            ends(
                "apiVersion: batch/v1\nkind: Job\nmetadata: { generateName: a- }\n",
                None
            )
            .is_empty()
        );
        assert!(ends("apiVersion: {{ x }}\nkind: [\n", None).is_empty());
    }
}
