//! The objects as they follow from the facts. What a whole project makes of a workload is in the
//! fixtures.

use loom_plan::addr::Name;
use loom_plan::project::view::{Autoscale, Resources};
use loom_plan::stack::Strategy;
use serde_json::{Value as Json, json};

use super::model::{Door, Entrance, Facts, Source};
use super::secrets::Keeping;
use super::{documents, untagged};

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn kept(manager: &str, remote: Option<(&str, Option<&str>)>) -> Source {
    Source::Secret(Keeping {
        manager: manager.to_owned(),
        secret: "entity-api-secrets".to_owned(),
        key: "DATABASE_URL".to_owned(),
        remote: remote.map(|(key, property)| (key.to_owned(), property.map(str::to_owned))),
    })
}

fn workload(strategy: Strategy) -> Facts {
    Facts {
        service: name("entity-api"),
        project: name("entities"),
        environment: name("production"),
        strategy,
        port: Some(4711),
        health: "/health".to_owned(),
        variables: vec![
            ("LOG_LEVEL".to_owned(), Source::Value("info".to_owned())),
            (
                "DATABASE_URL".to_owned(),
                kept(
                    "aws-secrets-manager",
                    Some(("entities/production/entity-api", Some("DATABASE_URL"))),
                ),
            ),
        ],
        replicas: 3,
        autoscale: None,
        resources: Resources {
            cpu: "250m".to_owned(),
            memory: "256Mi".to_owned(),
        },
        door: Door::TargetGroup("entities-production-entity-api".to_owned()),
        egress: vec![5432],
        pull_secret: None,
        datadog: true,
    }
}

/// The object of a kind and name.
fn object<'a>(documents: &'a [Json], kind: &str, name: &str) -> &'a Json {
    let found = documents
        .iter()
        .find(|document| document["kind"] == kind && document["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

fn kinds(documents: &[Json]) -> Vec<&str> {
    documents
        .iter()
        .filter_map(|document| document["kind"].as_str())
        .collect()
}

#[test]
fn the_port_is_the_same_in_every_object() {
    for strategy in [Strategy::Rolling, Strategy::BlueGreen] {
        let documents = documents(&workload(strategy));
        for document in &documents {
            let spec = &document["spec"];
            match document["kind"].as_str().expect("a kind") {
                "Deployment" => {
                    let container = &spec["template"]["spec"]["containers"][0];
                    assert_eq!(
                        container["ports"],
                        json!([{ "name": "http", "containerPort": 4711, "protocol": "TCP" }])
                    );
                    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
                        assert_eq!(
                            container[probe]["httpGet"],
                            json!({ "path": "/health", "port": "http" }),
                            "{probe}"
                        );
                    }
                }
                "Service" => {
                    assert_eq!(
                        (&spec["ports"][0]["port"], &spec["ports"][0]["targetPort"]),
                        (&4711.into(), &"http".into())
                    );
                }
                "NetworkPolicy" => assert_eq!(
                    spec["ingress"],
                    json!([{ "ports": [{ "protocol": "TCP", "port": 4711 }] }])
                ),
                "TargetGroupBinding" => assert_eq!(
                    spec["serviceRef"],
                    json!({ "name": "entity-api", "port": "http" })
                ),
                _ => {}
            }
        }
    }
}

#[test]
fn blue_green_has_two_deployments_alike_and_services_that_select_one_each() {
    let documents = documents(&workload(Strategy::BlueGreen));
    let (blue, green) = (
        object(&documents, "Deployment", "entity-api-blue"),
        object(&documents, "Deployment", "entity-api-green"),
    );
    assert_eq!(
        blue.to_string().replace("blue", "green"),
        green.to_string(),
        "the idle colour must be able to take over at once"
    );
    assert_eq!(blue["spec"]["replicas"], 3);
    assert_eq!(
        blue["spec"]["template"]["metadata"]["labels"]["loom.dev/color"],
        "blue"
    );
    let selected = |service| object(&documents, "Service", service)["spec"]["selector"].clone();
    assert_eq!(
        selected("entity-api"),
        json!({ "app.kubernetes.io/name": "entity-api", "loom.dev/color": "blue" })
    );
    assert_eq!(
        selected("entity-api-preview"),
        json!({ "app.kubernetes.io/name": "entity-api", "loom.dev/color": "green" })
    );
}

#[test]
fn only_what_belongs_to_one_colour_carries_its_label() {
    let mut facts = workload(Strategy::BlueGreen);
    facts.autoscale = Some(Autoscale {
        min: 2,
        max: 6,
        cpu: 70,
    });
    for document in documents(&facts) {
        let colored = document["metadata"]["labels"]
            .get("loom.dev/color")
            .is_some();
        let own = matches!(
            document["kind"].as_str(),
            Some("Deployment" | "HorizontalPodAutoscaler")
        );
        assert_eq!(colored, own, "{}", document["kind"]);
    }
}

#[test]
fn with_an_autoscaler_nothing_else_sets_the_number_of_replicas() {
    let mut facts = workload(Strategy::BlueGreen);
    facts.autoscale = Some(Autoscale {
        min: 2,
        max: 6,
        cpu: 65,
    });
    let documents = documents(&facts);
    for color in ["entity-api-blue", "entity-api-green"] {
        assert_eq!(
            object(&documents, "Deployment", color)["spec"].get("replicas"),
            None
        );
        let spec = &object(&documents, "HorizontalPodAutoscaler", color)["spec"];
        assert_eq!(
            (&spec["minReplicas"], &spec["maxReplicas"]),
            (&2.into(), &6.into())
        );
        assert_eq!(spec["scaleTargetRef"]["name"], color);
    }
}

#[test]
fn a_single_replica_has_no_disruption_budget() {
    let mut facts = workload(Strategy::Rolling);
    assert!(kinds(&documents(&facts)).contains(&"PodDisruptionBudget"));
    facts.replicas = 1;
    assert!(!kinds(&documents(&facts)).contains(&"PodDisruptionBudget"));
}

#[test]
fn secrets_are_references_and_those_of_a_manager_are_fetched() {
    let documents = documents(&workload(Strategy::Rolling));
    let env = &object(&documents, "Deployment", "entity-api")["spec"]["template"]["spec"]["containers"]
        [0]["env"];
    assert_eq!(
        env[1],
        json!({
            "name": "DATABASE_URL",
            "valueFrom": { "secretKeyRef": { "name": "entity-api-secrets", "key": "DATABASE_URL" } },
        })
    );
    let external = &object(&documents, "ExternalSecret", "entity-api-secrets")["spec"];
    assert_eq!(external["secretStoreRef"]["name"], "aws-secrets-manager");
    assert_eq!(
        external["data"],
        json!([{
            "secretKey": "DATABASE_URL",
            "remoteRef": { "key": "entities/production/entity-api", "property": "DATABASE_URL" },
        }])
    );
    let mut facts = workload(Strategy::Rolling);
    facts.variables = vec![("DATABASE_URL".to_owned(), kept("existing", None))];
    assert!(
        !kinds(&super::documents(&facts)).contains(&"ExternalSecret"),
        "what exists is only referred to"
    );
}

#[test]
fn a_service_that_nobody_reaches_has_no_way_in() {
    let mut facts = workload(Strategy::Rolling);
    (facts.door, facts.port) = (Door::None, None);
    let documents = documents(&facts);
    assert!(
        !kinds(&documents)
            .iter()
            .any(|kind| matches!(*kind, "Service" | "Ingress" | "TargetGroupBinding"))
    );
    assert_eq!(
        object(&documents, "NetworkPolicy", "entity-api")["spec"]["ingress"],
        json!([])
    );
}

#[test]
fn probes_that_cannot_be_are_excused_to_checkov() {
    let excused = |facts: &Facts| {
        let documents = documents(facts);
        let annotations =
            &object(&documents, "Deployment", "entity-api")["metadata"]["annotations"];
        let reasons = annotations
            .as_object()
            .expect("annotations")
            .values()
            .filter_map(Json::as_str);
        reasons
            .map(|reason| reason.split('=').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let mut facts = workload(Strategy::Rolling);
    assert_eq!(excused(&facts), ["CKV_K8S_43", "CKV_K8S_35"]);
    (facts.door, facts.port, facts.variables) = (Door::None, None, Vec::new());
    assert_eq!(excused(&facts), ["CKV_K8S_43", "CKV_K8S_8", "CKV_K8S_9"]);
}

#[test]
fn a_private_registry_is_pulled_from_with_the_secret_that_is_named() {
    let mut facts = workload(Strategy::BlueGreen);
    let pulls = |facts: &Facts| {
        object(&documents(facts), "Deployment", "entity-api-blue")["spec"]["template"]["spec"]
            .get("imagePullSecrets")
            .cloned()
    };
    assert_eq!(pulls(&facts), None);
    facts.pull_secret = Some("registry".to_owned());
    assert_eq!(pulls(&facts), Some(json!([{ "name": "registry" }])));
}

#[test]
fn an_ingress_ends_tls_with_the_secret_that_it_names() {
    let mut facts = workload(Strategy::Rolling);
    facts.door = Door::Ingress(Entrance {
        class: None,
        annotations: [(
            "cert-manager.io/cluster-issuer".to_owned(),
            "letsencrypt".to_owned(),
        )]
        .into(),
        host: "api.example.com".to_owned(),
        path: "/".to_owned(),
        tls: Some("entity-api-tls".to_owned()),
    });
    let documents = documents(&facts);
    let ingress = object(&documents, "Ingress", "entity-api");
    assert_eq!(
        ingress["spec"].get("ingressClassName"),
        None,
        "the cluster has a default"
    );
    assert_eq!(
        ingress["spec"]["tls"],
        json!([{ "hosts": ["api.example.com"], "secretName": "entity-api-tls" }])
    );
    assert_eq!(
        ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"],
        json!({ "name": "http" })
    );
}

#[test]
fn a_variable_of_the_service_comes_before_the_agents_of_the_same_name() {
    let mut facts = workload(Strategy::Rolling);
    facts.variables = vec![("DD_ENV".to_owned(), Source::Value("blue".to_owned()))];
    let documents = documents(&facts);
    let env = &object(&documents, "Deployment", "entity-api")["spec"]["template"]["spec"]["containers"]
        [0]["env"];
    let named: Vec<&Json> = env
        .as_array()
        .expect("a list")
        .iter()
        .filter(|variable| variable["name"] == "DD_ENV")
        .collect();
    assert_eq!(named, [&json!({ "name": "DD_ENV", "value": "blue" })]);
}

#[test]
fn the_tag_of_an_image_is_not_its_registrys_port() {
    assert_eq!(
        untagged("ghcr.io/x/y:1.4.2"),
        ("ghcr.io/x/y", Some("1.4.2"))
    );
    assert_eq!(untagged("localhost:5000/x"), ("localhost:5000/x", None));
    assert_eq!(untagged("x"), ("x", None));
}

#[test]
fn on_ecs_a_workload_makes_nothing_and_says_what_would() {
    let project = |workload: &str, more: &str| {
        format!(
            "loom: 1\nproject: shop\nstack: {{ infrastructure: {{ hosting: aws, orchestration: ecs }} }}\n\
             environments:\n  production: {{ url: 'https://example.com', region: eu-west-1 }}\n\
             services:\n  orders: {{ port: 8080 }}\n\
             artifacts:\n  - {{ kind: workload, service: orders{workload} }}\n{more}"
        )
    };
    let infrastructure = "  - { kind: infrastructure, service: orders }\n";
    let files = crate::blueprints::testing::files;
    let made =
        files(&project("", infrastructure)).unwrap_or_else(|messages| panic!("{messages:#?}"));
    assert!(
        !made.keys().any(|path| path.starts_with("k8s")),
        "{:?}",
        made.keys()
    );
    let refused = files(&project("", ""))
        .expect_err("nothing runs it")
        .join("\n");
    assert!(
        refused.contains("nothing runs `orders` on ECS")
            && refused.contains("kind: infrastructure"),
        "{refused}"
    );
    let refused = files(&project(", replicas: 2", infrastructure))
        .expect_err("nobody reads it")
        .join("\n");
    assert!(
        refused.contains("has no `replicas` of its own"),
        "{refused}"
    );
}
