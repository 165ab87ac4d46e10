//! The network: Services, the way in, and what may be spoken to.

use loom_plan::stack::Strategy;
use serde_json::{Map, Value as Json, json};

use super::model::{Door, Entrance, Facts};
use crate::naming;

/// The Service, and with blue-green the one that reaches the idle colour.
pub(super) fn services(facts: &Facts) -> Vec<Json> {
    let Some(port) = facts.port.filter(|_| !matches!(facts.door, Door::None)) else {
        return Vec::new();
    };
    let service = |name: &str, color: Option<&str>| {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": facts.metadata(name, None),
            "spec": {
                "type": "ClusterIP",
                "selector": facts.selector(color),
                "ports": [{ "name": "http", "port": port, "targetPort": "http", "protocol": "TCP" }],
            },
        })
    };
    let name = facts.service.as_str();
    match facts.strategy {
        Strategy::Rolling | Strategy::Canary => vec![service(name, None)],
        Strategy::BlueGreen => vec![
            service(name, Some(naming::COLORS[0])),
            service(
                &naming::preview_service(&facts.service),
                Some(naming::COLORS[1]),
            ),
        ],
    }
}

/// What lets the outside in, if anything does.
pub(super) fn door(facts: &Facts) -> Option<Json> {
    match &facts.door {
        Door::None | Door::Internal => None,
        Door::Ingress(entrance) => Some(ingress(facts, entrance)),
        Door::TargetGroup(name) => Some(json!({
            "apiVersion": "elbv2.k8s.aws/v1beta1",
            "kind": "TargetGroupBinding",
            "metadata": facts.metadata(facts.service.as_str(), None),
            "spec": {
                "targetGroupName": name,
                "targetType": "ip",
                "serviceRef": { "name": facts.service.as_str(), "port": "http" },
            },
        })),
    }
}

fn ingress(facts: &Facts, entrance: &Entrance) -> Json {
    let mut metadata = facts.metadata(facts.service.as_str(), None);
    if !entrance.annotations.is_empty() {
        metadata["annotations"] = json!(entrance.annotations);
    }
    let mut spec = Map::new();
    if let Some(class) = &entrance.class {
        spec.insert("ingressClassName".to_owned(), class.as_str().into());
    }
    if let Some(secret) = &entrance.tls {
        spec.insert(
            "tls".to_owned(),
            json!([{ "hosts": [entrance.host], "secretName": secret }]),
        );
    }
    let backend =
        json!({ "service": { "name": facts.service.as_str(), "port": { "name": "http" } } });
    let paths = json!([{ "path": entrance.path, "pathType": "Prefix", "backend": backend }]);
    spec.insert(
        "rules".to_owned(),
        json!([{ "host": entrance.host, "http": { "paths": paths } }]),
    );
    json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec })
}

/// What may reach the pods, and what they may reach. Where a load balancer or an Ingress
/// controller stands is not known here, so a public service is reached on its port from anywhere.
pub(super) fn policy(facts: &Facts) -> Json {
    let tcp = |port: i64| json!({ "protocol": "TCP", "port": port });
    let port = facts.port.map(tcp);
    let ingress = match (&facts.door, port) {
        (Door::None, _) | (_, None) => json!([]),
        (Door::Internal, Some(port)) => {
            json!([{ "from": [{ "namespaceSelector": {} }], "ports": [port] }])
        }
        (Door::Ingress(_) | Door::TargetGroup(_), Some(port)) => json!([{ "ports": [port] }]),
    };
    let mut egress = vec![
        json!({ "ports": [{ "protocol": "UDP", "port": 53 }, tcp(53)] }),
        json!({ "ports": [tcp(443)] }),
    ];
    if !facts.egress.is_empty() {
        egress.push(json!({ "ports": facts.egress.iter().copied().map(tcp).collect::<Vec<_>>() }));
    }
    if facts.datadog {
        egress.push(json!({ "ports": [tcp(8126), { "protocol": "UDP", "port": 8125 }] }));
    }
    let siblings =
        json!({ "matchLabels": { "app.kubernetes.io/part-of": facts.project.as_str() } });
    egress.push(json!({ "to": [{ "podSelector": siblings }] }));
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": facts.metadata(facts.service.as_str(), None),
        "spec": {
            "podSelector": { "matchLabels": facts.selector(None) },
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    })
}
