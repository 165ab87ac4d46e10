//! The pods: who they are, what they may use, and how they come and go.

use serde_json::{Map, Value as Json, json};

use super::model::{Facts, Source};
use crate::naming;

/// How long a pod goes on serving after it was told to stop: load balancers and kube-proxy need
/// that long to send nothing more to it.
const DRAIN_SECONDS: i64 = 10;

/// The identity of the pods, which has no rights in the cluster.
pub(super) fn service_account(facts: &Facts) -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": facts.metadata(facts.service.as_str(), None),
        "automountServiceAccountToken": false,
    })
}

/// The Deployment of a colour, or the only one.
pub(super) fn deployment(facts: &Facts, color: Option<&str>) -> Json {
    let metadata = json!({
        "name": facts.deployment(color),
        "labels": facts.pod_labels(color),
        "annotations": accepted_findings(facts),
    });
    let mut spec = Map::new();
    // with an autoscaler the number is its own, and must not be put back by the next apply
    if facts.autoscale.is_none() {
        spec.insert("replicas".to_owned(), facts.replicas.into());
    }
    let rest = json!({
        "revisionHistoryLimit": 5,
        "progressDeadlineSeconds": 300,
        "selector": { "matchLabels": facts.selector(color) },
        "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": 0 } },
        "template": {
            "metadata": { "labels": facts.pod_labels(color) },
            "spec": pod_spec(facts, color),
        },
    });
    spec.extend(rest.as_object().cloned().unwrap_or_default());
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec })
}

/// Why some rules of Checkov do not hold here, in the form in which Checkov reads it.
fn accepted_findings(facts: &Facts) -> Map<String, Json> {
    let mut reasons = vec!["CKV_K8S_43=The pipeline sets the digest when it deploys."];
    if facts
        .variables
        .iter()
        .any(|(_, source)| matches!(source, Source::Secret(_)))
    {
        reasons.push("CKV_K8S_35=The service reads its secrets from its environment.");
    }
    if facts.port.is_none() {
        reasons.push("CKV_K8S_8=The service has no port to ask.");
        reasons.push("CKV_K8S_9=The service has no port to ask.");
    }
    let numbered = reasons
        .into_iter()
        .zip(1..)
        .map(|(reason, at)| (format!("checkov.io/skip{at}"), reason.into()));
    numbered.collect()
}

fn pod_spec(facts: &Facts, color: Option<&str>) -> Json {
    let spread = |topology: &str| {
        json!({
            "maxSkew": 1,
            "topologyKey": topology,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": facts.selector(color) },
        })
    };
    let mut spec = Map::new();
    spec.insert(
        "serviceAccountName".to_owned(),
        facts.service.as_str().into(),
    );
    if let Some(secret) = &facts.pull_secret {
        spec.insert("imagePullSecrets".to_owned(), json!([{ "name": secret }]));
    }
    let rest = json!({
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": DRAIN_SECONDS + 35,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": naming::CONTAINER_USER,
            "runAsGroup": naming::CONTAINER_USER,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "topologySpreadConstraints": [spread("topology.kubernetes.io/zone"), spread("kubernetes.io/hostname")],
        "containers": [container(facts)],
        "volumes": [{ "name": "tmp", "emptyDir": { "sizeLimit": "256Mi" } }],
    });
    spec.extend(rest.as_object().cloned().unwrap_or_default());
    spec.into()
}

fn container(facts: &Facts) -> Json {
    let mut container = Map::new();
    let mut set = |key: &str, value: Json| container.insert(key.to_owned(), value);
    set("name", facts.service.as_str().into());
    set(
        "image",
        format!("{}:{}", facts.service, naming::COMMITTED_TAG).into(),
    );
    set("imagePullPolicy", "Always".into());
    if let Some(port) = facts.port {
        set(
            "ports",
            json!([{ "name": "http", "containerPort": port, "protocol": "TCP" }]),
        );
    }
    let variables = environment(facts);
    if !variables.is_empty() {
        set("env", variables.into());
    }
    let resources = json!({ "cpu": facts.resources.cpu, "memory": facts.resources.memory });
    set(
        "resources",
        json!({ "requests": resources, "limits": resources }),
    );
    if facts.port.is_some() {
        // two minutes to start, then out of the Service after 15 seconds and restarted after a minute
        set("startupProbe", probe(facts, 2, 60));
        set("readinessProbe", probe(facts, 5, 3));
        set("livenessProbe", probe(facts, 10, 6));
    }
    set(
        "lifecycle",
        json!({ "preStop": { "sleep": { "seconds": DRAIN_SECONDS } } }),
    );
    set(
        "securityContext",
        json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "capabilities": { "drop": ["ALL"] },
        }),
    );
    set(
        "volumeMounts",
        json!([{ "name": "tmp", "mountPath": "/tmp" }]),
    );
    container.into()
}

fn probe(facts: &Facts, period: i64, failures: i64) -> Json {
    json!({
        "httpGet": { "path": facts.health, "port": "http" },
        "periodSeconds": period,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    })
}

/// The variables: what the service declares, and what the Datadog libraries look for.
fn environment(facts: &Facts) -> Vec<Json> {
    let mut variables: Vec<Json> = facts
        .variables
        .iter()
        .map(|(name, source)| match source {
            Source::Value(value) => json!({ "name": name, "value": unexpanded(value) }),
            Source::Secret(keeping) => {
                json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": keeping.secret, "key": keeping.key } } })
            }
        })
        .collect();
    if facts.datadog {
        for (name, field) in [
            ("DD_AGENT_HOST", "status.hostIP"),
            ("DD_ENV", "metadata.labels['tags.datadoghq.com/env']"),
            (
                "DD_SERVICE",
                "metadata.labels['tags.datadoghq.com/service']",
            ),
        ] {
            if !facts.variables.iter().any(|(declared, _)| declared == name) {
                variables.push(
                    json!({ "name": name, "valueFrom": { "fieldRef": { "fieldPath": field } } }),
                );
            }
        }
    }
    variables
}

/// A value that reaches the process as it was written: Kubernetes replaces `$(NAME)` by the
/// variable of that name, and takes `$$` for a dollar (Kubernetes API reference, `EnvVar`).
fn unexpanded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '$' && matches!(chars.peek(), Some('$' | '(')) {
            out.push('$');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::unexpanded;

    #[test]
    fn a_value_is_not_expanded() {
        for (value, written) in [
            ("pa$word", "pa$word"),
            ("$(HOME)", "$$(HOME)"),
            ("a$$b", "a$$$b"),
            ("$$(x)", "$$$$(x)"),
            ("$", "$"),
        ] {
            assert_eq!(unexpanded(value), written);
        }
    }
}
